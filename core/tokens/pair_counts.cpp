#include "tokens/pair_counts.h"

namespace qianru {

std::int64_t& PairCounts::operator[](std::uint64_t pair) {
  std::size_t i = search(pair);
  if (slots_[i].pair == pair) return slots_[i].count;
  if (!has_room(1)) {
    reserve(1);
    i = search(pair);
  }
  ++n_;
  slots_[i] = {pair, 0};
  return slots_[i].count;
}

void PairCounts::refill(const std::vector<Slot>& kept, std::size_t n_more) {
  n_ = kept.size();
  std::vector<Slot>().swap(slots_);  // before the new one is there
  int bits = 10;
  while (2 * (n_ + n_more) > std::size_t{1} << bits) ++bits;
  shift_ = 64 - bits;
  slots_.assign(std::size_t{1} << bits, Slot{kEmpty, 0});
  for (const Slot& slot : kept) slots_[search(slot.pair)] = slot;
}

}  // namespace qianru
