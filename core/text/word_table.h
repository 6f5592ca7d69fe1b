// Words to ids 0, 1, 2, … in the order of first sight, with counts.
//
// Open addressing in slots of 32 bytes that hold words of up to 16 bytes themselves, so that a lookup touches one cache line.
// A word is turned into a Key first; callers collect some keys and prefetch their slots before they look them up.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/pages.h"

namespace qianru {

static_assert(std::endian::native == std::endian::little, "Key and hash_word read words as little-endian numbers");

// The 64-bit hash of a word's bytes, the same on every machine: it goes into corpus fingerprints.
std::uint64_t hash_word(const char* word, std::size_t n_bytes);

struct Key {
  std::uint64_t low = 0, high = 0;  // the word's bytes, zero-padded, if it is short
  std::uint64_t hash = 0;
  const char* word = nullptr;  // where a long word stands; must outlive the lookup
  std::uint32_t n_bytes = 0;
};

constexpr std::uint32_t kShort = 16;

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t hash_short(std::uint64_t low, std::uint64_t high) {
  return fold(fold(low ^ 0xA0761D6478BD642Fu, high ^ 0xE7037ED1A0B428DBu), 0x8EBC6AF09C88C6E3u);
}

// All bits of the first n bytes, n >= 1 (all of them from 8 on), without a branch: the lengths of words are hard to predict.
inline std::uint64_t first_bytes(std::size_t n) { return ~std::uint64_t{0} >> (n < 8 ? 64 - 8 * n : 0); }

// Words hold no NUL, so zero-padding loses nothing. `limit` is the end of the readable bytes around the word.
inline Key make_key(const char* word, std::size_t n_bytes, const char* limit) {
  Key key;
  key.n_bytes = static_cast<std::uint32_t>(n_bytes);
  if (n_bytes > kShort) {
    key.word = word;
    key.hash = hash_word(word, n_bytes);
    return key;
  }
  if (limit - word >= 16) {
    std::memcpy(&key.low, word, 8);
    std::memcpy(&key.high, word + 8, 8);
    key.low &= first_bytes(n_bytes);
    key.high &= n_bytes > 8 ? first_bytes(n_bytes - 8) : 0;
  } else {
    char padded[16] = {};
    std::memcpy(padded, word, n_bytes);
    std::memcpy(&key.low, padded, 8);
    std::memcpy(&key.high, padded + 8, 8);
  }
  key.hash = hash_short(key.low, key.high);
  return key;
}

class WordTable {
 public:
  explicit WordTable(std::size_t n_slots = 1 << 10);

  void prefetch(const Key& key) const { __builtin_prefetch(slots() + (key.hash & mask_), 1); }

  // The id of a word, new or old, and `n` more occurrences of it.
  std::uint32_t add(const Key& key, std::uint64_t n = 1) {
    for (std::size_t i = key.hash & mask_;; i = (i + 1) & mask_) {
      Slot& slot = slots()[i];
      if (slot.count == 0) return insert(key, n);
      if (slot.holds(key)) {
        slot.count += n;
        return slot.id;
      }
    }
  }

  // Adds more[id] occurrences to each word.
  void add_counts(const std::vector<std::uint64_t>& more);

  std::size_t n_words() const { return hashes_.size(); }
  const std::vector<std::uint64_t>& hashes() const { return hashes_; }  // hash_word by id

  // Adds every word and count of `other`; returns this table's id for each of the other's.
  std::vector<std::uint32_t> merge(const WordTable& other);

  struct Entry { std::string_view word; std::uint64_t count; std::uint32_t id; };
  // All words, in no particular order. The views hold until the next add.
  std::vector<Entry> entries() const;

 private:
  struct Slot {
    std::uint64_t low, high;  // a long word: its address, and kLong | its length
    std::uint64_t count;      // 0: the slot is free
    std::uint32_t id;
    std::uint32_t tag;        // the upper half of the hash
    bool is_long() const { return high >> 56 == 0xFF; }  // no UTF-8 text holds the byte FF
    const char* word() const { return is_long() ? reinterpret_cast<const char*>(low) : reinterpret_cast<const char*>(&low); }
    std::size_t n_bytes() const {
      if (is_long()) return high & 0xFFFFFFFFu;
      return high ? 16 - static_cast<std::size_t>(std::countl_zero(high)) / 8 : 8 - static_cast<std::size_t>(std::countl_zero(low)) / 8;
    }
    bool holds(const Key& key) const {
      if (key.n_bytes <= kShort) return low == key.low && high == key.high;
      return tag == key.hash >> 32 && high == (kLong | key.n_bytes) && std::memcmp(word(), key.word, key.n_bytes) == 0;
    }
  };
  static constexpr std::uint64_t kLong = std::uint64_t{0xFF} << 56;

  Slot* slots() const { return static_cast<Slot*>(pages_.data()); }
  std::uint32_t insert(const Key& key, std::uint64_t n);
  void grow();
  const char* keep(const char* word, std::size_t n_bytes);

  Pages pages_;
  std::size_t mask_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::unique_ptr<char[]>> arenas_;  // long words
  std::size_t arena_left_ = 0;
  char* arena_next_ = nullptr;
};

}  // namespace qianru
