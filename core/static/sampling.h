// What the static trainers draw from a vocabulary: which tokens to keep, which words to draw as negatives, Huffman paths.
#pragma once

#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qianru {

// Keep a token of word i if 32 random bits are <= threshold[i]. With f the word's share of all tokens and t = `sample`, the
// probability is min(1, (sqrt(f / t) + 1) * t / f), that of word2vec.c; t = 0 keeps everything.
std::vector<std::uint32_t> keep_thresholds(const std::uint64_t* counts, std::size_t n_keys, double sample);

// Draws i with probability counts[i]^power / sum, in one memory access (Walker 1977, Vose 1991).
class AliasTable {
 public:
  AliasTable(const std::uint64_t* counts, std::size_t n_keys, double power);

  std::uint32_t draw(std::uint64_t bits) const {
    const auto slot = below(static_cast<std::uint32_t>(bits), n_slots_);
    const Slot& s = slots_[slot];
    return static_cast<std::uint32_t>(bits >> 32) <= s.threshold ? slot : s.alias;
  }

  void prefetch(std::uint64_t bits) const { __builtin_prefetch(&slots_[below(static_cast<std::uint32_t>(bits), n_slots_)]); }

 private:
  struct Slot {
    std::uint32_t threshold;
    std::uint32_t alias;
  };
  std::vector<Slot> slots_;
  std::uint32_t n_slots_;
};

// The Huffman tree of the counts (which come in falling order): for each word the inner nodes from the root down, and at each
// the branch taken. Word i's entries are [offsets[i], offsets[i + 1]).
struct HuffmanPaths {
  std::vector<std::uint64_t> offsets;  // [n_keys + 1]
  std::vector<std::uint32_t> nodes;    // 0 .. n_keys - 2
  std::vector<float> signs;            // -1 for branch 0 (label 1), +1 for branch 1 (label 0)
  std::size_t longest = 0;
};
HuffmanPaths huffman_paths(const std::uint64_t* counts, std::size_t n_keys);

}  // namespace qianru
