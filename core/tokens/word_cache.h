// Short pieces of text and the ids they came to, so that a word is merged once and looked up afterwards.
//
// The key is the piece itself in two or four 64-bit words with its length in the last byte, so a hit compares whole words and
// touches one cache line. Sets of two; a new entry goes to the front and pushes out the one at the back.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace qianru {

template <int kWords>
struct CacheKey {
  static constexpr std::size_t kMaxBytes = 8 * kWords - 1;

  // A piece of at most kMaxBytes at p; bytes up to `limit` may be read. Pieces that come to other ids although they are the
  // same text (parts of pieces, where whole pieces are looked up in the vocabulary first) are told apart by `kind`, 0 or 1.
  CacheKey(const char* p, std::size_t n, const char* limit, unsigned kind) {
    if (static_cast<std::size_t>(limit - p) >= sizeof words) {
      std::memcpy(words.data(), p, sizeof words);
      for (std::size_t i = 0; i < kWords; ++i) words[i] &= mask(n, i);
    } else {
      words.fill(0);
      std::memcpy(words.data(), p, n);
    }
    words[kWords - 1] |= static_cast<std::uint64_t>(n | kind << 7) << 56;
  }

  // The low bits depend on all of the key.
  std::uint64_t hash() const {
    std::uint64_t h = 0;
    for (int i = 0; i < kWords; ++i) h = (h ^ words[i]) * 0x9E3779B97F4A7C15u, h ^= h >> 32;
    return h;
  }

  std::array<std::uint64_t, kWords> words;

 private:
  // Of word i, the bytes below n stay. Little-endian, as all processors that the core knows.
  static std::uint64_t mask(std::size_t n, std::size_t i) {
    const std::size_t bytes = n > 8 * i ? n - 8 * i : 0;
    return bytes >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
  }
};

// kIds of the slots' ids are ids, the last one says how many.
template <int kWords, int kIds>
class WordCache {
 public:
  using Key = CacheKey<kWords>;
  static constexpr std::size_t kMaxBytes = Key::kMaxBytes, kMaxIds = kIds;

  explicit WordCache(int log2_sets) : sets_(new Set[std::size_t{1} << log2_sets]()), mask_((std::size_t{1} << log2_sets) - 1) {}

  // Copies the ids to `out`, which has room for kIds + 1 of them; how many there are, or 0 if the piece is not known.
  std::size_t find(const Key& key, std::uint32_t* out) const {
    const Set& set = sets_[key.hash() & mask_];
    for (const Slot& slot : set.slots) {
      if (!equal(slot.key, key.words)) continue;
      std::memcpy(out, slot.ids.data(), sizeof slot.ids);
      return slot.ids[kIds];
    }
    return 0;
  }

  void put(const Key& key, std::span<const std::uint32_t> ids) {
    Set& set = sets_[key.hash() & mask_];
    set.slots[1] = set.slots[0];
    set.slots[0].key = key.words;
    std::memcpy(set.slots[0].ids.data(), ids.data(), ids.size_bytes());
    set.slots[0].ids[kIds] = static_cast<std::uint32_t>(ids.size());
  }

 private:
  // Written out, because the comparison of arrays becomes a call of memcmp.
  static bool equal(const std::array<std::uint64_t, kWords>& a, const std::array<std::uint64_t, kWords>& b) {
    std::uint64_t difference = 0;
    for (int i = 0; i < kWords; ++i) difference |= a[i] ^ b[i];
    return difference == 0;
  }

  struct Slot {
    std::array<std::uint64_t, kWords> key;
    std::array<std::uint32_t, kIds + 1> ids;
  };
  struct alignas(64) Set {
    Slot slots[2];
  };

  std::unique_ptr<Set[]> sets_;
  std::size_t mask_;
};

}  // namespace qianru
