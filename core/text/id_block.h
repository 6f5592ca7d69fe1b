// The words of one block of text as a row of ids, and what is known about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "text/pages.h"

namespace qianru {

constexpr std::uint32_t kLineEndId = 0xFFFFFFFF;  // after each line that has words
constexpr std::uint32_t kDropped = 0xFFFFFFFE;    // in a map from ids to ids: a word that is left out

// A hash of a sequence of 64-bit items that can be put together from the hashes of its parts: two polynomials over Z/2^64,
// sum of item[i] * base^(n - 1 - i), for two odd bases.
struct SequenceHash {
  static constexpr std::uint64_t kFirstBase = 0xD1342543DE82EF95u, kSecondBase = 0x2545F4914F6CDD1Du;
  std::uint64_t first = 0, second = 0, n_items = 0;
  void add(std::uint64_t item) {
    first = first * kFirstBase + item;
    second = second * kSecondBase + item;
    ++n_items;
  }
  void append(const SequenceHash& other);
};

struct IdBlock {
  Pages pages;
  std::size_t n_ids = 0;    // line ends included
  std::size_t n_words = 0;  // without them
  std::size_t n_lines = 0;  // lines that end in this block, with or without words
  std::size_t n_long = 0;   // words left out for their length
  SequenceHash hash;        // over the words' hashes and line ends, without the leading line end
  // The block starts inside a line and ids[0] ends it: whether that line has words is up to the blocks before.
  bool leading_line_end = false;
  bool starts_in_line = false;

  std::span<std::uint32_t> ids() const { return {static_cast<std::uint32_t*>(pages.data()), n_ids}; }
};

// The item that stands for a line end in SequenceHash.
constexpr std::uint64_t kLineEndItem = 0x9E3779B97F4A7C15u;

// The fingerprint of a corpus from its blocks, in order and before any remap: the same however the text was cut in blocks.
class CorpusHash {
 public:
  void append(const IdBlock& block);
  std::string hex() const;

 private:
  SequenceHash hash_;
  bool line_has_words_ = false;
};

// Writes map[id] for each id that is not dropped, and a line end after each line that kept words (after the first in any case
// if the block starts inside a line); returns how many. `out` may be `ids` itself.
std::size_t remap(std::span<const std::uint32_t> ids, std::span<const std::uint32_t> map, bool starts_in_line,
                  std::uint32_t* out);

}  // namespace qianru
