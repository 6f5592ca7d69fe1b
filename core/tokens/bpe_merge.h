// The merges of one piece of text, in the order of their ranks.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokens/bpe_model.h"

namespace qianru {

class Merger {
 public:
  // Writes the ids of a piece to `out`, which has room for one id a byte; returns how many there are.
  std::size_t merge(const BpeModel& model, std::string_view piece, std::uint32_t* out);

  // Merges n tokens in place; returns how many are left.
  // A few: by looking through all of them for each merge. Many: n log n with a heap.
  std::size_t merge(const BpeModel& model, std::uint32_t* ids, std::size_t n);

 private:
  std::size_t merge_many(const BpeModel& model, std::uint32_t* ids, std::size_t n);

  std::vector<std::uint32_t> previous_, next_;
  std::vector<std::uint64_t> heap_;  // rank << 32 | position
};

}  // namespace qianru
