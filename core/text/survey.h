// A first look at a block of bytes: is it UTF-8, which lines might not be in NFC, and where may a long line be cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace qianru {

struct Survey {
  std::uint64_t n_invalid_bytes = 0;
  std::int64_t first_invalid = -1;  // offset in bytes, or -1
  // [begin, end) in bytes: runs of whole lines (the last \n left out) that hold a code point which NFC might change.
  std::vector<std::pair<std::size_t, std::size_t>> nfc_spans;
};

Survey survey(const char* text, std::size_t n_bytes);

// The last place, as an offset in (0, n_bytes), where a line may be cut in two without any word, Han run or NFC composition
// changing: after white space or a control character (with `any_separator` after any separator: not for texts with a user
// dictionary, whose words may hold punctuation) that no combining mark follows. 0 if there is none.
std::size_t safe_cut(const char* text, std::size_t n_bytes, bool any_separator);

}  // namespace qianru
