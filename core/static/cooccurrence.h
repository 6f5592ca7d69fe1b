// How often words stand near each other, one row of the matrix at a time.
//
// For a window of n words the entry of words i and j is the sum over their joint occurrences of the weight of their distance d:
// 1/d (Pennington, Socher & Manning 2014, section 3.1) or 1. The stream is first turned into the positions of each word
// (PositionIndex); a row is then the sum over the windows around its word's positions, in one accumulator per thread, so that
// the pairs themselves, some twenty for each token, are never written down nor sorted.
//
// Sums are whole numbers of 2^-30, so they do not depend on the order of addition: neither on threads nor on how the stream was
// cut to fit the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qianru {

// Where each word stands in ids[begin, end).
class PositionIndex {
 public:
  // Throws std::invalid_argument for an id that is neither below n_keys nor a line end, or 2^32 positions or more.
  PositionIndex(const std::uint32_t* ids, std::size_t begin, std::size_t end, std::size_t n_keys, int threads);

  std::size_t n_keys() const { return starts_.size() - 1; }
  std::size_t count(std::size_t word) const { return starts_[word + 1] - starts_[word]; }
  std::uint64_t start(std::size_t word) const { return starts_[word]; }
  const std::uint32_t* positions(std::size_t word) const { return positions_.data() + starts_[word]; }  // from `begin` on, rising
  std::size_t begin() const { return begin_; }

 private:
  std::size_t begin_;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint32_t> positions_;
};

// Some rows: the entries of each in rising order of column. The value of an entry is its sum times 2^-30.
struct CooccurrenceRows {
  std::vector<std::uint64_t> lengths;
  std::vector<std::uint32_t> columns;
  std::vector<std::uint64_t> sums;
};

// One thread's accumulator.
class RowCounter {
 public:
  explicit RowCounter(std::size_t n_keys);

  // Rows low to high over the index's positions. Symmetric: both sides, and of the symmetric matrix the upper triangle only,
  // the diagonal holding both orders of a pair; otherwise words to the left of the row's word, all columns.
  // `ids` is the whole stream (n_positions): windows reach beyond the index's part of it, but not over a line end.
  CooccurrenceRows count(const PositionIndex& index, const std::uint32_t* ids, std::size_t n_positions, std::size_t low,
                         std::size_t high, int window, bool symmetric, bool by_distance);

  // Adds an entry to the row under way, then ends that row; count() and merging of spilled parts use the same two.
  void add(std::uint32_t column, std::uint64_t sum) {
    touched_[n_touched_] = column;
    n_touched_ += sums_[column] == 0;
    sums_[column] += sum;
  }
  void end_row(CooccurrenceRows& rows);

  std::size_t n_keys() const { return sums_.size() - 1; }

 private:
  std::vector<std::uint64_t> sums_;     // [n_keys + 1]; the last takes what no row wants
  std::vector<std::uint32_t> touched_;  // [n_keys + 2]
  std::vector<std::uint64_t> bits_;     // one for each column, all clear between rows
  std::size_t n_touched_ = 0;
};

}  // namespace qianru
