#include "text/unicode.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "text/unicode_tables.h"

namespace qianru {

namespace {

constexpr std::uint32_t kCodePoints = 0x110000;
constexpr std::uint32_t kSigma = 0x3A3, kFinalSigma = 0x3C2, kDottedI = 0x130;

std::unique_ptr<std::uint8_t[]> spread_runs() {
  auto table = std::make_unique<std::uint8_t[]>(kCodePoints);
  for (std::size_t i = 0; i < std::size(kClassRuns); ++i) {
    const std::uint32_t stop = i + 1 < std::size(kClassRuns) ? kClassRuns[i + 1].first : kCodePoints;
    std::fill(table.get() + kClassRuns[i].first, table.get() + stop, kClassRuns[i].value);
  }
  return table;
}

// Whether the capital sigma at `at` stands at the end of its word: a cased character before it and none after it, with
// case-ignorable ones skipped (SpecialCasing.txt, Final_Sigma).
bool is_final_sigma(const char* begin, const char* at, const char* end) {
  const std::uint8_t* table = char_table();
  bool cased_before = false;
  for (const char* p = begin; p < at;) {
    const Char c = decode(p, end);
    const std::uint8_t entry = table[c.code];
    if (entry & kCased) cased_before = true;
    else if (!(entry & kCaseIgnorable)) cased_before = false;
    p += c.n_bytes;
  }
  if (!cased_before) return false;
  for (const char* p = at + 2; p < end;) {
    const Char c = decode(p, end);
    const std::uint8_t entry = table[c.code];
    if (entry & kCased) return false;
    if (!(entry & kCaseIgnorable)) return true;
    p += c.n_bytes;
  }
  return true;
}

}  // namespace

const std::uint8_t* char_table() {
  static const std::unique_ptr<std::uint8_t[]> table = spread_runs();
  return table.get();
}

std::uint32_t lower_code(std::uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  if (code == kDottedI) return 'i';
  const auto* range = std::partition_point(std::begin(kLowerRanges), std::end(kLowerRanges),
                                           [&](const LowerRange& r) { return r.last < code; });
  if (range == std::end(kLowerRanges) || code < range->first || (code - range->first) % range->stride != 0) return code;
  return code + static_cast<std::uint32_t>(range->delta);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

void lower_word(const char* word, std::size_t n_bytes, std::string& out) {
  const std::uint8_t* table = char_table();
  const char* end = word + n_bytes;
  out.clear();
  for (const char* p = word; p < end;) {
    const Char c = decode(p, end);
    if (!(table[c.code] & kHasLower)) {
      out.append(p, c.n_bytes);
    } else if (c.code == kSigma && is_final_sigma(word, p, end)) {
      append_utf8(out, kFinalSigma);
    } else {
      append_utf8(out, lower_code(c.code));
      if (c.code == kDottedI) append_utf8(out, 0x307);
    }
    p += c.n_bytes;
  }
}

}  // namespace qianru
