#include "text/word_table.h"

#include <algorithm>
#include <stdexcept>

namespace qianru {

namespace {

constexpr std::size_t kArenaBytes = std::size_t{1} << 16;
constexpr std::size_t kMaxWords = 0xFFFF'FF00;  // ids above are marks in an id stream
constexpr std::size_t kAhead = 16;              // slots to prefetch ahead while merging

}  // namespace

std::uint64_t hash_word(const char* word, std::size_t n_bytes) {
  std::uint64_t hash = n_bytes > kShort ? n_bytes : 0;
  std::uint64_t low, high;
  for (;; word += 16, n_bytes -= 16) {
    low = high = 0;
    std::memcpy(&low, word, std::min<std::size_t>(n_bytes, 8));
    if (n_bytes > 8) std::memcpy(&high, word + 8, std::min<std::size_t>(n_bytes - 8, 8));
    hash = hash_short(low ^ hash, high);
    if (n_bytes <= 16) return hash;
  }
}

WordTable::WordTable(std::size_t n_slots) : pages_(n_slots * sizeof(Slot)), mask_(n_slots - 1) {}

std::uint32_t WordTable::insert(const Key& key, std::uint64_t n) {
  if (hashes_.size() >= kMaxWords) throw std::length_error("more different words than 32-bit ids can tell apart");
  if ((hashes_.size() + 1) * 10 > (mask_ + 1) * 7) grow();  // fuller than 0.7: longer probes
  std::size_t i = key.hash & mask_;
  while (slots()[i].count != 0) i = (i + 1) & mask_;
  Slot& slot = slots()[i];
  if (key.n_bytes > kShort) {
    slot.low = reinterpret_cast<std::uint64_t>(keep(key.word, key.n_bytes));
    slot.high = kLong | key.n_bytes;
  } else {
    slot.low = key.low;
    slot.high = key.high;
  }
  slot.count = n;
  slot.tag = static_cast<std::uint32_t>(key.hash >> 32);
  slot.id = static_cast<std::uint32_t>(hashes_.size());
  hashes_.push_back(key.hash);
  return slot.id;
}

void WordTable::grow() {
  const std::size_t n_old = mask_ + 1;
  Pages larger(n_old * 2 * sizeof(Slot));
  auto* fresh = static_cast<Slot*>(larger.data());
  const std::size_t mask = n_old * 2 - 1;
  for (std::size_t k = 0; k < n_old; ++k) {
    const Slot& slot = slots()[k];
    if (slot.count == 0) continue;
    std::size_t i = hashes_[slot.id] & mask;
    while (fresh[i].count != 0) i = (i + 1) & mask;
    fresh[i] = slot;
  }
  pages_ = std::move(larger);
  mask_ = mask;
}

const char* WordTable::keep(const char* word, std::size_t n_bytes) {
  if (n_bytes > arena_left_) {
    const std::size_t size = std::max(kArenaBytes, n_bytes);
    arenas_.push_back(std::make_unique_for_overwrite<char[]>(size));
    arena_next_ = arenas_.back().get();
    arena_left_ = size;
  }
  char* kept = arena_next_;
  std::memcpy(kept, word, n_bytes);
  arena_next_ += n_bytes;
  arena_left_ -= n_bytes;
  return kept;
}

std::vector<std::uint32_t> WordTable::merge(const WordTable& other) {
  // Both tables are laid out by the same hash, so walking the other's slots walks this one in the same direction.
  std::vector<std::uint32_t> ids(other.n_words());
  const std::size_t n_slots = other.mask_ + 1;
  const auto key_of = [&](const Slot& slot) {
    Key key;
    key.n_bytes = static_cast<std::uint32_t>(slot.n_bytes());
    key.hash = other.hashes_[slot.id];
    if (slot.is_long()) {
      key.word = slot.word();
    } else {
      key.low = slot.low;
      key.high = slot.high;
    }
    return key;
  };
  Key ahead[kAhead];
  const Slot* from[kAhead];
  std::size_t n = 0;
  for (std::size_t i = 0; i < n_slots; ++i) {
    if (other.slots()[i].count) {
      from[n] = &other.slots()[i];
      ahead[n] = key_of(*from[n]);
      prefetch(ahead[n++]);
    }
    if (n < kAhead && i + 1 < n_slots) continue;
    for (std::size_t k = 0; k < n; ++k) ids[from[k]->id] = add(ahead[k], from[k]->count);
    n = 0;
  }
  return ids;
}

void WordTable::add_counts(const std::vector<std::uint64_t>& more) {
  for (std::size_t i = 0; i <= mask_; ++i)
    if (Slot& slot = slots()[i]; slot.count) slot.count += more[slot.id];
}

std::vector<WordTable::Entry> WordTable::entries() const {
  std::vector<Entry> all;
  all.reserve(n_words());
  for (std::size_t i = 0; i <= mask_; ++i) {
    const Slot& slot = slots()[i];
    if (slot.count) all.push_back({{slot.word(), slot.n_bytes()}, slot.count, slot.id});
  }
  return all;
}

}  // namespace qianru
