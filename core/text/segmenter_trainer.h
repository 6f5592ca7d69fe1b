// The weights of a Segmenter by the averaged perceptron (Collins 2002): docs/math/segmenter.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/segmenter.h"

namespace qianru {

class SegmenterTrainer {
 public:
  // `text` is runs joined by \n, cut by the dictionary into `lengths` and rightly into `right`, both as HanRuns takes them.
  SegmenterTrainer(std::string_view text, std::span<const std::uint32_t> lengths, std::span<const std::uint32_t> right,
                   std::uint64_t seed);

  std::size_t n_runs() const { return order_.size(); }

  // Put the runs in the order of the next epoch.
  void begin_epoch();

  // Train on the runs from `first` to `last` in that order; how many characters got a wrong tag.
  std::size_t train(std::size_t first, std::size_t last);

  struct Weights {
    std::vector<std::uint64_t> keys;    // sorted
    std::vector<std::int16_t> weights;  // [n_keys, kTags]
    Transitions transitions;
  };

  // The averaged weights, the greatest of which is brought to 32,767; without the rows that are zero by then.
  Weights weights() const;

 private:
  // A weight that was last changed at step `at`; `sum` is that of its values over the steps before.
  struct Average {
    std::int32_t value = 0;
    std::uint32_t at = 0;
    std::int64_t sum = 0;
    void add(std::int32_t change, std::uint32_t step) {
      sum += std::int64_t{value} * (step - at);
      at = step;
      value += change;
    }
    std::int64_t total(std::uint32_t step) const { return sum + std::int64_t{value} * (step - at); }
  };
  struct Row { std::uint64_t key; std::array<Average, kTags> weights; };

  std::size_t find(std::uint64_t key) const;
  void update(std::uint64_t key, std::uint8_t wrong, std::uint8_t right);
  void grow();

  HanRuns runs_;
  std::vector<std::uint8_t> right_;  // tags, as runs_.tags
  std::vector<std::uint32_t> order_;
  std::uint64_t seed_;
  std::uint32_t step_ = 0, epoch_ = 0;
  std::vector<std::uint32_t> slots_;  // open addressing; 1 + a row's place, 0 for an empty slot
  std::vector<Row> rows_;
  std::array<std::array<Average, kTags>, kTags> transitions_;
  Transitions transition_values_ = {};
  TagDecoder decoder_;
  std::vector<TagScores> scores_;
  std::vector<std::uint8_t> tags_;
};

}  // namespace qianru
