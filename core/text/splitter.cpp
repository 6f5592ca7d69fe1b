#include "text/splitter.h"

namespace qianru {

bool word_goes_on(const char* p, const char* end, CharClass last) {
  if (p >= end) return false;
  const std::uint8_t* table = char_table();
  const auto is_spaced = [](CharClass k) { return k == kLetter || k == kDigit; };
  const Char c = decode(p, end);
  const CharClass k = class_of(table[c.code]);
  if (k == kMark || is_spaced(k)) return true;
  if ((k != kJoiner && k != kNumberJoiner) || p + c.n_bytes >= end) return false;
  const CharClass after = class_of(table[decode(p + c.n_bytes, end).code]);
  return k == kJoiner ? is_spaced(after) : last == kDigit && after == kDigit;
}

const std::array<std::uint8_t, 256>& byte_table() {
  static const std::array<std::uint8_t, 256> bytes = [] {
    std::array<std::uint8_t, 256> table;
    table.fill(kNotAscii);
    for (std::size_t byte = 0; byte < 0x80; ++byte) {
      const CharClass k = class_of(char_table()[byte]);
      table[byte] = static_cast<std::uint8_t>(k | (is_word_class(k) ? kPlain : 0));
    }
    return table;
  }();
  return bytes;
}

}  // namespace qianru
