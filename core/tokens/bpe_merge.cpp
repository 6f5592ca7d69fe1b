#include "tokens/bpe_merge.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <stdexcept>

namespace qianru {

namespace {

constexpr std::size_t kFew = 40;
constexpr std::uint32_t kGone = 0xFFFFFFFF;

std::size_t merge_two(const BpeModel& model, std::uint32_t* ids) {
  const Merge merge = model.pair(ids[0], ids[1]);
  if (merge.rank == kNoMerge) return 2;
  ids[0] = merge.id;
  return 1;
}

std::size_t merge_few(const BpeModel& model, std::uint32_t* ids, std::size_t n) {
  std::uint32_t ranks[kFew], made[kFew];  // of the merge of ids[i] and ids[i + 1]
  const auto set = [&](std::size_t i) {
    const Merge merge = model.pair(ids[i], ids[i + 1]);
    ranks[i] = merge.rank;
    made[i] = merge.id;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) set(i);
  if (n == 3) {
    const std::size_t first = ranks[1] < ranks[0];
    if (ranks[first] == kNoMerge) return 3;
    ids[first] = made[first];
    if (!first) ids[1] = ids[2];
    return merge_two(model, ids);
  }
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i)
      if (ranks[i] < ranks[best]) best = i;
    if (ranks[best] == kNoMerge) break;
    ids[best] = made[best];
    --n;
    const std::size_t n_after = n - best - 1;  // tokens behind the new one
    std::memmove(ids + best + 1, ids + best + 2, n_after * sizeof *ids);
    if (n_after) {
      std::memmove(ranks + best + 1, ranks + best + 2, (n_after - 1) * sizeof *ranks);
      std::memmove(made + best + 1, made + best + 2, (n_after - 1) * sizeof *made);
      set(best);
    }
    if (best) set(best - 1);
  }
  return n;
}

}  // namespace

std::size_t Merger::merge(const BpeModel& model, std::string_view piece, std::uint32_t* out) {
  for (std::size_t i = 0; i < piece.size(); ++i) out[i] = model.byte_id(piece[i]);
  return merge(model, out, piece.size());
}

std::size_t Merger::merge(const BpeModel& model, std::uint32_t* ids, std::size_t n) {
  if (n <= 2) return n < 2 ? n : merge_two(model, ids);
  return n <= kFew ? merge_few(model, ids, n) : merge_many(model, ids, n);
}

std::size_t Merger::merge_many(const BpeModel& model, std::uint32_t* ids, std::size_t size) {
  if (size >= kGone) throw std::length_error("a piece of text without a cut must be shorter than 4 GiB");
  const auto n = static_cast<std::uint32_t>(size);
  previous_.resize(n);
  next_.resize(n);
  heap_.clear();
  for (std::uint32_t i = 0; i < n; ++i) {
    previous_[i] = i - 1;
    next_[i] = i + 1;
    if (i + 1 == n) break;
    const Merge merge = model.pair(ids[i], ids[i + 1]);
    if (merge.rank != kNoMerge) heap_.push_back(static_cast<std::uint64_t>(merge.rank) << 32 | i);
  }
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>{});
  const auto push = [&](std::uint32_t i) {
    const Merge merge = model.pair(ids[i], ids[next_[i]]);
    if (merge.rank == kNoMerge) return;
    heap_.push_back(static_cast<std::uint64_t>(merge.rank) << 32 | i);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
  };
  while (!heap_.empty()) {
    const std::uint64_t top = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
    heap_.pop_back();
    const auto i = static_cast<std::uint32_t>(top);
    if (ids[i] == kGone || next_[i] == n) continue;
    // The pair may have changed since; what stands there now has to have this rank.
    const Merge merge = model.pair(ids[i], ids[next_[i]]);
    if (merge.rank != top >> 32) continue;
    const std::uint32_t gone = next_[i];
    ids[i] = merge.id;
    ids[gone] = kGone;
    next_[i] = next_[gone];
    if (next_[i] < n) {
      previous_[next_[i]] = i;
      push(i);
    }
    if (i) push(previous_[i]);
  }
  std::size_t n_ids = 0;
  for (std::uint32_t i = 0; i < n; i = next_[i]) ids[n_ids++] = ids[i];
  return n_ids;
}

}  // namespace qianru
