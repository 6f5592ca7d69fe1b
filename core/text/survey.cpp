#include "text/survey.h"

#include <cstring>

#include "text/unicode.h"

namespace qianru {

namespace {

// The first byte at or after p that is not ASCII, or end.
const char* skip_ascii(const char* p, const char* end) {
  for (; end - p >= 8; p += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, p, 8);
    if (eight & 0x8080808080808080u) break;
  }
  while (p < end && static_cast<unsigned char>(*p) < 0x80) ++p;
  return p;
}

const char* line_start(const char* begin, const char* p) {
  while (p > begin && p[-1] != '\n') --p;
  return p;
}

const char* line_stop(const char* p, const char* end) {
  const void* found = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
  return found ? static_cast<const char*>(found) : end;
}

}  // namespace

Survey survey(const char* text, std::size_t n_bytes) {
  const std::uint8_t* table = char_table();
  const char* end = text + n_bytes;
  const char* checked = text;  // up to here the lines are in a span already
  Survey result;
  for (const char* p = skip_ascii(text, end); p < end;) {
    const Char c = decode(p, end);
    if (!c.valid) {
      if (result.first_invalid < 0) result.first_invalid = p - text;
      result.n_invalid_bytes += c.n_bytes;
    } else if (p >= checked && (table[c.code] & kNfcCheck)) {
      const auto begin = static_cast<std::size_t>(line_start(checked, p) - text);
      checked = line_stop(p, end);
      const auto stop = static_cast<std::size_t>(checked - text);
      auto& spans = result.nfc_spans;
      if (!spans.empty() && spans.back().second + 1 >= begin) spans.back().second = stop;
      else spans.emplace_back(begin, stop);
    }
    p += c.n_bytes;
    if (p < end && static_cast<unsigned char>(*p) < 0x80) p = skip_ascii(p, end);
  }
  return result;
}

std::size_t safe_cut(const char* text, std::size_t n_bytes, bool any_separator) {
  const std::uint8_t* table = char_table();
  const char* end = text + n_bytes;
  for (std::size_t cut = n_bytes; cut-- > 1;) {
    // The character that ends just before `cut`.
    const char* p = text + cut - 1;
    while (p > text && text + cut - p < 4 && (static_cast<unsigned char>(*p) & 0xC0) == 0x80) --p;
    const Char before = decode(p, end);
    if (!before.valid || p + before.n_bytes != text + cut || class_of(table[before.code]) != kSeparator) continue;
    if (before.code > 0x20 && !any_separator) continue;
    const Char after = decode(text + cut, end);
    if (after.valid && class_of(table[after.code]) != kMark) return cut;
  }
  return 0;
}

}  // namespace qianru
