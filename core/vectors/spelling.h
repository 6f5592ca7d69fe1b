// Keys spelled nearly like a word, for the error that says a word is unknown.
#pragma once

#include "vectors/key_table.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace qianru {

struct Spelling {
  std::uint32_t row;
  std::uint32_t distance;
};

// The k keys nearest to the word, by distance and then by row, among those within `limit` (at most 8) of it that share a
// character with it. Distance: characters inserted, dropped, replaced or swapped with their neighbour (optimal string
// alignment); ASCII letters of either case count as one.
std::vector<Spelling> close_spellings(const KeyTable& keys, std::string_view word, std::uint32_t limit, std::size_t k);

}  // namespace qianru
