// UTF-8 as the Unicode standard defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qianru {

// The code point at data[0] and how many bytes it takes (1 to 4). Where the bytes are not UTF-8: code point kInvalid, and the
// length of the longest part that could have begun one (at least 1), which is what one U+FFFD stands for.
struct CodePoint {
  std::uint32_t value;
  std::size_t size;
};
constexpr std::uint32_t kInvalid = 0xFFFFFFFFu;

// `size` must be at least 1.
CodePoint code_point(const char* data, std::size_t size);

// The offset of the first byte that is not UTF-8, or `size`.
std::size_t first_invalid(const char* data, std::size_t size);

// Appends data to out with every invalid part replaced by U+FFFD.
void append_replaced(const char* data, std::size_t size, std::vector<char>& out);

// The code points of data, invalid parts as U+FFFD; `out` is overwritten.
void decode(const char* data, std::size_t size, std::vector<std::uint32_t>& out);

}  // namespace qianru
