#include "tokens/char_flags.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "tokens/char_tables.h"

namespace qianru {

namespace {

std::unique_ptr<std::uint8_t[]> spread_runs() {
  constexpr std::uint32_t kCodePoints = 0x110000;
  auto table = std::make_unique<std::uint8_t[]>(kCodePoints);
  for (std::size_t i = 0; i < std::size(kFlagRuns); ++i) {
    const std::uint32_t stop = i + 1 < std::size(kFlagRuns) ? kFlagRuns[i + 1].first : kCodePoints;
    std::fill(table.get() + kFlagRuns[i].first, table.get() + stop, kFlagRuns[i].flags);
  }
  return table;
}

}  // namespace

const std::uint8_t* char_flags() {
  static const std::unique_ptr<std::uint8_t[]> table = spread_runs();
  return table.get();
}

}  // namespace qianru
