#include "static/cooccurrence.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>

namespace qianru {

namespace {

constexpr std::uint32_t kLineEnd = 0xFFFFFFFFu;
constexpr double kUnit = 1073741824.0;  // 2^30
// Occurrences whose surroundings are fetched ahead of the one being counted: those of a rare word lie anywhere in the stream.
constexpr std::size_t kAhead = 8;

}  // namespace

PositionIndex::PositionIndex(const std::uint32_t* ids, std::size_t begin, std::size_t end, std::size_t n_keys, int threads)
    : begin_(begin), starts_(n_keys + 1, 0) {
  if (end - begin >= std::numeric_limits<std::uint32_t>::max())
    throw std::invalid_argument("a part must be below 2^32 positions");
  for (std::size_t p = begin; p < end; ++p) {
    if (ids[p] == kLineEnd) continue;
    if (ids[p] >= n_keys) 
      throw std::invalid_argument("id " + std::to_string(ids[p]) + " at position " + std::to_string(p) + " is no key");
    ++starts_[ids[p] + 1];
  }
  for (std::size_t word = 0; word < n_keys; ++word) starts_[word + 1] += starts_[word];
  positions_.resize(starts_[n_keys]);
  // Each thread reads the whole part and places the words of its share, so that no two write to the same word.
  auto place = [&](std::size_t low, std::size_t high) {
    std::vector<std::uint64_t> next(starts_.begin() + static_cast<std::ptrdiff_t>(low),
                                    starts_.begin() + static_cast<std::ptrdiff_t>(high));
    for (std::size_t p = begin; p < end; ++p) {
      const std::size_t word = ids[p];
      if (word >= low && word < high) positions_[next[word - low]++] = static_cast<std::uint32_t>(p - begin);
    }
  };
  std::vector<std::thread> workers;
  std::size_t low = 0;
  for (int t = 1; t <= threads; ++t) {
    const std::uint64_t share = starts_[n_keys] / static_cast<std::uint64_t>(threads) * static_cast<std::uint64_t>(t);
    const auto at = std::lower_bound(starts_.begin(), starts_.end(), share) - starts_.begin();
    const std::size_t high = t == threads ? n_keys : std::max(low, std::min(n_keys, static_cast<std::size_t>(at)));
    if (t == threads)
      place(low, high);
    else if (high > low)
      workers.emplace_back(place, low, high);
    low = high;
  }
  for (std::thread& worker : workers) worker.join();
}

RowCounter::RowCounter(std::size_t n_keys) : sums_(n_keys + 1, 0), touched_(n_keys + 2), bits_(n_keys / 64 + 1, 0) {
  if (n_keys >= kLineEnd) throw std::invalid_argument("n_keys must be below 2^32 - 1");
}

CooccurrenceRows RowCounter::count(const PositionIndex& index, const std::uint32_t* ids, std::size_t n_positions,
                                   std::size_t low, std::size_t high, int window, bool symmetric, bool by_distance) {
  const std::size_t reach = static_cast<std::size_t>(window);
  std::vector<std::uint64_t> weights(reach + 1);
  for (std::size_t d = 1; d <= reach; ++d)
    weights[d] = static_cast<std::uint64_t>(std::llround(by_distance ? kUnit / static_cast<double>(d) : kUnit));
  const auto nowhere = static_cast<std::uint32_t>(n_keys());
  CooccurrenceRows rows;
  for (std::size_t word = low; word < high; ++word) {
    const std::size_t n = index.count(word);
    const std::uint32_t* const positions = index.positions(word);
    const auto least = static_cast<std::uint32_t>(symmetric ? word : 0);
    sums_[nowhere] = std::uint64_t{1} << 63;  // never zero, so never among the touched
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t centre = index.begin() + positions[k];
      if (k + kAhead < n) {
        const std::uint32_t* const coming = ids + index.begin() + positions[k + kAhead];
        __builtin_prefetch(coming - std::min<std::size_t>(reach, positions[k + kAhead]));
        __builtin_prefetch(coming + reach);  // beyond the stream's end it does nothing
      }
      const std::size_t left = std::min(reach, centre);
      for (std::size_t d = 1; d <= left; ++d) {
        const std::uint32_t other = ids[centre - d];
        if (other == kLineEnd) break;
        add(other < least ? nowhere : other, weights[d]);
      }
      if (!symmetric) continue;
      const std::size_t right = std::min(reach, n_positions - 1 - centre);
      for (std::size_t d = 1; d <= right; ++d) {
        const std::uint32_t other = ids[centre + d];
        if (other == kLineEnd) break;
        add(other < least ? nowhere : other, weights[d]);
      }
    }
    end_row(rows);
  }
  return rows;
}

void RowCounter::end_row(CooccurrenceRows& rows) {
  auto take = [&](std::uint32_t column) {
    rows.columns.push_back(column);
    rows.sums.push_back(sums_[column]);
    sums_[column] = 0;
  };
  const auto end = touched_.begin() + static_cast<std::ptrdiff_t>(n_touched_);
  if (n_touched_ < bits_.size() / 16) {  // few: sorting them is less than looking through all bits
    std::sort(touched_.begin(), end);
    std::for_each(touched_.begin(), end, take);
  } else {
    std::size_t first = bits_.size(), last = 0;
    std::for_each(touched_.begin(), end, [&](std::uint32_t column) {
      const std::size_t at = column / 64;
      bits_[at] |= std::uint64_t{1} << (column % 64);
      first = std::min(first, at);
      last = std::max(last, at + 1);
    });
    for (std::size_t at = first; at < last; ++at) {
      for (std::uint64_t bits = bits_[at]; bits != 0; bits &= bits - 1)
        take(static_cast<std::uint32_t>(at * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
      bits_[at] = 0;
    }
  }
  rows.lengths.push_back(n_touched_);
  n_touched_ = 0;
}

}  // namespace qianru
