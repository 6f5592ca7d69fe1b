#include "tokens/bpe_merge.h"

#include <algorithm>
#include <bit>
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

// Tokens keep their places and a bit says which are still there: moving the rest up for each merge took longer than merging.
std::size_t merge_few(const BpeModel& model, std::uint32_t* ids, std::size_t n) {
  constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::uint64_t keys[kFew];   // of the merge of ids[i] and its neighbour: rank << 32 | i
  std::uint32_t made[kFew];
  const auto set = [&](std::size_t i, std::size_t next) {
    const Merge merge = model.pair(ids[i], ids[next]);
    keys[i] = merge.rank == kNoMerge ? kNone : static_cast<std::uint64_t>(merge.rank) << 32 | i;
    made[i] = merge.id;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) set(i, i + 1);
  std::uint64_t there = (std::uint64_t{1} << n) - 1;
  for (;;) {
    std::uint64_t best = kNone;
    for (std::size_t i = 0; i + 1 < n; ++i) best = std::min(best, keys[i]);
    if (best == kNone) break;
    const auto i = static_cast<std::size_t>(best & 63);
    ids[i] = made[i];
    std::uint64_t after = there & ~std::uint64_t{1} << i;
    there ^= after & -after;
    keys[i] = kNone;
    if (after & (after - 1)) {
      keys[std::countr_zero(after)] = kNone;
      set(i, static_cast<std::size_t>(std::countr_zero(after & (after - 1))));
    }
    const std::uint64_t before = there & ((std::uint64_t{1} << i) - 1);
    if (before) set(static_cast<std::size_t>(63 - std::countl_zero(before)), i);
  }
  std::size_t n_ids = 0;
  for (; there; there &= there - 1) ids[n_ids++] = ids[std::countr_zero(there)];
  return n_ids;
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
