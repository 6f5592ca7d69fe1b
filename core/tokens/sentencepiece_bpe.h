// BPE as SentencePiece has it: starting from characters, the neighbours whose joint spelling is the piece of the highest score are
// merged, the leftmost first among equals, until no two neighbours are a piece together.
//
// Two things make it fast and keep it exact. What two neighbours make together is looked up by their numbers in a table of pairs
// made once from all the ways to cut each piece in two. And a text falls into segments at every two characters that stand side by
// side in no piece: nothing can be merged across, so segments are done alone and their ids kept in the cache. That takes in the
// borders of words wherever no piece holds a space inside. A long segment is merged by a heap, n log n.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tokens/piece_encoder.h"
#include "tokens/trie.h"

namespace qianru {

// A set of 64-bit keys with 32-bit values, open addressing; made once, then read by all threads.
class PairTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  void build(const std::vector<std::pair<std::uint64_t, std::uint32_t>>& entries);

  std::uint32_t find(std::uint64_t key) const {
    for (std::size_t i = place(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].value;
      if (slots_[i].key == kFree) return kNone;
    }
  }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = kFree;
    std::uint32_t value = kNone;
  };
  std::size_t place(std::uint64_t key) const { return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> shift_) & mask_; }

  std::vector<Slot> slots_ = std::vector<Slot>(2);
  std::size_t mask_ = 1;
  int shift_ = 32;
};

class SentencePieceBpe {
 public:
  struct Piece {
    std::uint32_t id, start, end;  // id Trie::kNone: not a piece
  };

  // One thread's.
  struct Buffers {
    struct Symbol {
      std::uint32_t id, start, end, previous, next;
    };
    struct Candidate {
      std::uint64_t order;  // rank, then place: the least is merged first
      std::uint32_t merged;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
    std::vector<Piece> path;
    std::vector<std::uint32_t> ids;
    // How each piece that is not to be used was last put together.
    std::unordered_map<std::uint32_t, std::pair<std::uint32_t, std::uint32_t>> halves;
    WordCache cache;
  };

  SentencePieceBpe(const std::vector<std::string_view>& pieces, const std::vector<float>& scores,
                   const std::vector<std::uint8_t>& types);

  // Cuts the text, `frozen` symbols left whole. For each segment either sink.known(ids), from the cache (not with sink.spans), or
  // sink.piece(id, start, end) for each of its pieces, is called.
  template <class Sink>
  void cut(std::string_view text, const Trie& frozen, Buffers& buffers, Sink& sink) const {
    if (text.size() >= PairTable::kNone) throw std::invalid_argument("a text must be smaller than 4 GiB");
    for (std::size_t start = 0, end; start < text.size(); start = end) {
      if (const std::size_t n = frozen.longest(text.substr(start)); n > 0) {
        end = start + n;
        sink.piece(frozen.find(text.substr(start, n)), start, end);
        continue;
      }
      end = has_unused_ ? text.size() : segment_end(text, start, frozen);
      const std::string_view segment = text.substr(start, end - start);
      const bool cached = segment.size() <= WordCache::kMaxBytes && !sink.spans && !has_unused_;
      const std::uint64_t hash = cached ? hash_bytes(segment.data(), segment.size()) : 0;
      if (cached && buffers.cache.find(segment, hash, sink.ids)) {
        sink.known();
        continue;
      }
      merge(segment, frozen, buffers);
      bool all_known = true;
      for (const Piece& piece : buffers.path) {
        sink.piece(piece.id, start + piece.start, start + piece.end);
        all_known &= piece.id != Trie::kNone;
      }
      if (!cached || !all_known) continue;
      buffers.ids.clear();
      for (const Piece& piece : buffers.path) buffers.ids.push_back(piece.id);
      buffers.cache.put(segment, hash, buffers.ids);
    }
  }

 private:
  static constexpr std::uint32_t kFrozen = 0xFFFFFFFE;  // the number of a symbol that takes no part in merging

  std::uint32_t symbol_of(std::uint32_t code) const;
  std::size_t segment_end(std::string_view text, std::size_t start, const Trie& frozen) const;
  void merge(std::string_view segment, const Trie& frozen, Buffers& buffers) const;
  void merge_few(Buffers& buffers) const;
  void merge_many(Buffers& buffers) const;
  void offer(Buffers& buffers, std::uint32_t left, std::uint32_t right) const;
  void emit(const Buffers& buffers, std::uint32_t symbol, std::uint32_t start, std::uint32_t end, int depth,
            std::vector<Piece>& path) const;

  std::uint32_t n_pieces_ = 0;
  bool has_unused_ = false;
  PairTable merges_;                         // left symbol << 32 | right symbol: the piece that they make
  PairTable neighbours_;                     // code << 32 | code, for characters side by side in some piece
  std::vector<std::uint32_t> ranks_;         // by piece: 0 for the highest score
  std::vector<std::uint8_t> types_;          // by piece
  std::vector<std::uint32_t> n_bytes_;       // by symbol
  std::unordered_map<std::uint32_t, std::uint32_t> symbols_;  // of characters
  std::vector<std::uint32_t> low_symbols_;   // the same for the first 65,536 of them
};

}  // namespace qianru
