// What WordPiece, Unigram and SentencePiece encoders share: workers behind the threads of batch.h, and the cache of words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "tokens/batch.h"

namespace qianru {

// Where each id came from, in bytes of the text as given.
struct Spans {
  IdBuffer &starts, &ends;
  void push(std::size_t start, std::size_t end) {
    starts.push(static_cast<std::uint32_t>(start));
    ends.push(static_cast<std::uint32_t>(end));
  }
};

class PieceEncoder {
 public:
  // One thread's buffers and cache.
  class Worker {
   public:
    Worker() = default;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    virtual ~Worker() = default;
    // Appends the ids of a text, and where they came from unless `spans` is null.
    virtual void encode(std::string_view text, IdBuffer& ids, Spans* spans) = 0;
    void encode(std::string_view text, IdBuffer& ids) { encode(text, ids, nullptr); }
  };

  PieceEncoder() = default;
  PieceEncoder(const PieceEncoder&) = delete;
  PieceEncoder& operator=(const PieceEncoder&) = delete;
  virtual ~PieceEncoder() = default;

  void encode(std::string_view text, IdBuffer& ids, IdBuffer& starts, IdBuffer& ends) {
    if (text.size() >= 0xFFFFFFFF) throw std::invalid_argument("a text with offsets must be smaller than 4 GiB");
    auto worker = pool_.take([this] { return make_worker(); });
    Spans spans{starts, ends};
    worker->encode(text, ids, &spans);
    pool_.give(std::move(worker));
  }
  IdBuffer encode_batch(std::span<const std::string_view> texts, int threads, std::vector<std::int64_t>& splits) {
    return qianru::encode_batch(pool_, [this] { return make_worker(); }, texts, threads, splits);
  }
  IdBuffer encode_lines(std::string_view block, int threads, std::optional<std::uint32_t> line_end) {
    return qianru::encode_lines(pool_, [this] { return make_worker(); }, block, threads, line_end);
  }

 protected:
  virtual std::unique_ptr<Worker> make_worker() const = 0;

 private:
  WorkerPool<Worker> pool_;
};

inline std::uint64_t hash_bytes(const char* p, std::size_t n) {
  std::uint64_t hash = n * 0x9E3779B97F4A7C15u;
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
  };
  std::uint64_t word = 0;
  for (; n >= 8; p += 8, n -= 8) {
    std::memcpy(&word, p, 8);
    mix(word);
  }
  word = 0;
  if (n >= 4) {
    std::uint32_t low, high;  // they overlap
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + n - 4, 4);
    word = static_cast<std::uint64_t>(high) << 32 | low;
  } else if (n > 0) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])); };
    word = at(0) << 16 | at(n / 2) << 8 | at(n - 1);
  }
  mix(word);
  mix(hash >> 29);
  return hash;
}

// The ids of words seen lately, in a table of fixed size: a word has two places, and a new one takes that of the older.
class WordCache {
 public:
  static constexpr std::size_t kMaxBytes = 30, kMaxIds = 6;

  WordCache() : entries_(new Entry[kEntries]) {}

  // Appends the ids of the word; false if they are not known.
  bool find(std::string_view word, std::uint64_t hash, IdBuffer& ids) const {
    const Entry* entry = &entries_[hash % (kEntries / 2) * 2];
    for (int way = 0; way < 2; ++way, ++entry) {
      if (entry->hash != hash || entry->n_bytes != word.size()) continue;
      if (std::memcmp(entry->bytes, word.data(), word.size()) != 0) continue;
      std::memcpy(ids.room(kMaxIds), entry->ids, sizeof entry->ids);
      ids.advance(entry->n_ids);
      return true;
    }
    return false;
  }

  void put(std::string_view word, std::uint64_t hash, std::span<const std::uint32_t> ids) {
    if (word.size() > kMaxBytes || ids.size() > kMaxIds) return;
    Entry* entry = &entries_[hash % (kEntries / 2) * 2];
    entry[1] = entry[0];
    entry->hash = hash;
    entry->n_bytes = static_cast<std::uint8_t>(word.size());
    entry->n_ids = static_cast<std::uint8_t>(ids.size());
    std::memcpy(entry->bytes, word.data(), word.size());
    std::copy(ids.begin(), ids.end(), entry->ids);
  }

 private:
  static constexpr std::size_t kEntries = 1 << 15;

  struct alignas(64) Entry {
    std::uint64_t hash = 0;
    std::uint8_t n_bytes = 0xFF;  // empty
    std::uint8_t n_ids = 0;
    char bytes[kMaxBytes] = {};
    std::uint32_t ids[kMaxIds] = {};
  };
  static_assert(sizeof(Entry) == 64);

  std::unique_ptr<Entry[]> entries_;
};

}  // namespace qianru
