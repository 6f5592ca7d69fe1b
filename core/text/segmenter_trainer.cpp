#include "text/segmenter_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "base/random.h"

namespace qianru {

SegmenterTrainer::SegmenterTrainer(std::string_view text, std::span<const std::uint32_t> lengths,
                                   std::span<const std::uint32_t> right, std::uint64_t seed)
    : runs_(text, lengths), right_(HanRuns(text, right).tags), seed_(seed), slots_(1 << 16) {
  order_.resize(runs_.runs.size());
  std::iota(order_.begin(), order_.end(), 0u);
}

void SegmenterTrainer::begin_epoch() {
  const std::uint64_t key = mix64(seed_ + ++epoch_);
  for (std::size_t n = order_.size(); n > 1; --n)
    std::swap(order_[n - 1], order_[below(static_cast<std::uint32_t>(random_at(key, n) >> 32), static_cast<std::uint32_t>(n))]);
}

std::size_t SegmenterTrainer::find(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = key & mask;
  while (slots_[at] != 0 && rows_[slots_[at] - 1].key != key) at = (at + 1) & mask;
  return at;
}

void SegmenterTrainer::grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (std::size_t row = 0; row < rows_.size(); ++row) slots_[find(rows_[row].key)] = static_cast<std::uint32_t>(row + 1);
}

void SegmenterTrainer::update(std::uint64_t key, std::uint8_t wrong, std::uint8_t right) {
  std::size_t at = find(key);
  if (slots_[at] == 0) {
    rows_.push_back({key, {}});
    slots_[at] = static_cast<std::uint32_t>(rows_.size());
    if (rows_.size() * 2 > slots_.size()) grow(), at = find(key);
  }
  Row& row = rows_[slots_[at] - 1];
  row.weights[wrong].add(-1, step_);
  row.weights[right].add(1, step_);
}

std::size_t SegmenterTrainer::train(std::size_t first, std::size_t last) {
  std::size_t n_wrong = 0;
  std::vector<std::array<std::uint64_t, kFeatures>> features;
  for (std::size_t place = first; place < last; ++place) {
    const auto [begin, end] = runs_.runs[order_[place]];
    ++step_;
    features.clear();
    scores_.clear();
    for (std::size_t i = begin; i < end; ++i) {
      features.push_back(features_at(runs_, i));
      TagScores sum = {};
      for (const std::uint64_t key : features.back())
        if (const std::uint32_t slot = slots_[find(key)])
          for (std::size_t tag = 0; tag < kTags; ++tag) sum[tag] += rows_[slot - 1].weights[tag].value;
      scores_.push_back(sum);
    }
    decoder_.decode(scores_, transition_values_, tags_);
    const std::uint8_t* right = right_.data() + begin;
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      if (i > 0 && (tags_[i - 1] != right[i - 1] || tags_[i] != right[i])) {
        transitions_[tags_[i - 1]][tags_[i]].add(-1, step_);
        transitions_[right[i - 1]][right[i]].add(1, step_);
        --transition_values_[tags_[i - 1]][tags_[i]];
        ++transition_values_[right[i - 1]][right[i]];
      }
      if (tags_[i] == right[i]) continue;
      ++n_wrong;
      for (const std::uint64_t key : features[i]) update(key, tags_[i], right[i]);
    }
  }
  return n_wrong;
}

SegmenterTrainer::Weights SegmenterTrainer::weights() const {
  std::int64_t greatest = 1;
  for (const Row& row : rows_)
    for (const Average& weight : row.weights) greatest = std::max(greatest, std::abs(weight.total(step_)));
  const double scale = 32'767.0 / static_cast<double>(greatest);
  const auto scaled = [&](const Average& weight) { return std::lround(static_cast<double>(weight.total(step_)) * scale); };
  std::vector<std::size_t> places(rows_.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::sort(places.begin(), places.end(), [&](std::size_t one, std::size_t other) { return rows_[one].key < rows_[other].key; });
  Weights made;
  for (const std::size_t place : places) {
    const Row& row = rows_[place];
    if (std::all_of(row.weights.begin(), row.weights.end(), [&](const Average& weight) { return scaled(weight) == 0; })) continue;
    made.keys.push_back(row.key);
    for (const Average& weight : row.weights) made.weights.push_back(static_cast<std::int16_t>(scaled(weight)));
  }
  for (std::size_t before = 0; before < kTags; ++before)
    for (std::size_t after = 0; after < kTags; ++after)
      made.transitions[before][after] = static_cast<std::int32_t>(scaled(transitions_[before][after]));
  return made;
}

}  // namespace qianru
