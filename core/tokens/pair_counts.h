// Counts of pairs of ids. Open addressing; the pairs that nobody needs any more are dropped when there is no room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qianru {

class PairCounts {
 public:
  std::int64_t& operator[](std::uint64_t pair);
  std::int64_t find(std::uint64_t pair) const {  // 0 if it is not there
    const std::size_t i = search(pair);
    return slots_[i].pair == kEmpty ? 0 : slots_[i].count;
  }
  std::int64_t* get(std::uint64_t pair) {  // null if it is not there
    const std::size_t i = search(pair);
    return slots_[i].pair == kEmpty ? nullptr : &slots_[i].count;
  }
  bool has_room(std::size_t n) const { return 10 * (n_ + n) <= 7 * slots_.size(); }
  // Makes room for n more. To be called before pairs come in the order of another table, which would crowd into the first slots.
  void reserve(std::size_t n) {
    clean(n, [](std::uint64_t, std::int64_t) { return true; });
  }
  // Drops pairs for which keep(pair, count) is false, and makes room for n more.
  template <class Keep>
  void clean(std::size_t n, Keep keep) {
    std::vector<Slot> kept;
    for (const Slot& slot : slots_)
      if (slot.pair != kEmpty && keep(slot.pair, slot.count)) kept.push_back(slot);
    refill(kept, n);
  }
  template <class F>
  void for_all(F f) const {
    for (const Slot& slot : slots_)
      if (slot.pair != kEmpty) f(slot.pair, slot.count);
  }

 private:
  struct Slot {
    std::uint64_t pair;
    std::int64_t count;
  };
  std::size_t search(std::uint64_t pair) const {  // its slot, or the empty one where it would be
    std::size_t i = pair * 0x9E3779B97F4A7C15u >> shift_;
    while (slots_[i].pair != pair && slots_[i].pair != kEmpty) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  void refill(const std::vector<Slot>& kept, std::size_t n_more);

  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  std::vector<Slot> slots_ = std::vector<Slot>(1024, Slot{kEmpty, 0});
  std::size_t n_ = 0;
  int shift_ = 54;
};

}  // namespace qianru
