// The hash by which spaCy names a string: MurmurHash64A (Appleby, public domain) of its UTF-8 bytes with seed 1.
#pragma once

#include <cstdint>
#include <string_view>

namespace qianru {

std::uint64_t murmur_64a(std::string_view text, std::uint64_t seed);

}  // namespace qianru
