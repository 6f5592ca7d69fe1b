#include "tokens/normalize.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "tokens/normalize_tables.h"

namespace qianru {

namespace {

constexpr std::uint32_t kCodePoints = 0x110000;
constexpr std::uint32_t kHangul = 0xAC00, kHangulEnd = 0xD7A4, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11A7;
constexpr std::uint32_t kVowels = 21, kTails = 28;

std::unique_ptr<std::uint16_t[]> spread_runs() {
  auto table = std::make_unique<std::uint16_t[]>(kCodePoints);
  for (std::size_t i = 0; i < std::size(kPropertyRuns); ++i) {
    const std::uint32_t stop = i + 1 < std::size(kPropertyRuns) ? kPropertyRuns[i + 1].first : kCodePoints;
    std::fill(table.get() + kPropertyRuns[i].first, table.get() + stop, kPropertyRuns[i].value);
  }
  return table;
}

template <std::size_t n>
std::int32_t value_of(const ValueRange (&ranges)[n], std::uint32_t code) {
  const auto* range = std::partition_point(ranges, ranges + n, [&](const ValueRange& r) { return r.last < code; });
  if (range == ranges + n || code < range->first || (code - range->first) % range->stride != 0) return 0;
  return range->value;
}

}  // namespace

const std::uint16_t* char_properties() {
  static const std::unique_ptr<std::uint16_t[]> table = spread_runs();
  return table.get();
}

int decompose(std::uint32_t code, std::uint32_t parts[4]) {
  if (code >= kHangul && code < kHangulEnd) {
    const std::uint32_t index = code - kHangul;
    parts[0] = kLead + index / (kVowels * kTails);
    parts[1] = kVowel + index % (kVowels * kTails) / kTails;
    parts[2] = kTail + index % kTails;
    return parts[2] == kTail ? 2 : 3;
  }
  const auto* found = std::partition_point(std::begin(kDecompositions), std::end(kDecompositions),
                                           [&](const Decomposition& d) { return d.code < code; });
  if (found == std::end(kDecompositions) || found->code != code) {
    parts[0] = code;
    return 1;
  }
  int n = 0;
  while (n < 4 && found->parts[n] != 0) {
    parts[n] = found->parts[n];
    ++n;
  }
  return n;
}

int combining_class(std::uint32_t code) { return value_of(kCombiningClasses, code); }

int lower_parts(std::uint32_t code, std::uint32_t parts[2]) {
  if (code == 0x130) {
    parts[0] = 'i';
    parts[1] = 0x307;
    return 2;
  }
  parts[0] = code + static_cast<std::uint32_t>(value_of(kLowerCases, code));
  return 1;
}

}  // namespace qianru
