// A byte-level BPE vocabulary and its merges, laid out for encoding.
//
// Encoding replaces, again and again, the neighbouring pair of tokens whose merge has the lowest rank, the leftmost first
// (Sennrich et al. 2016, on bytes as in GPT-2). A merge makes nothing but a token of the vocabulary. So where no token holds
// the two characters around a place one after the other, no merge ever reaches across it, and the text can be cut there
// without changing a single id. A run of Han falls into its words that way, and words can be remembered.
//
// For the same reason merging may begin with characters instead of bytes, where no token reaches over the borders of the
// characters with half of one: every merge over a border then joins whole characters. A character's own merges must rank below all
// merges that it takes part in as a whole, which is so wherever merges were learned one upon the other. The model looks at each
// character and border; texts with one for which that fails begin with bytes there.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace qianru {

struct Merge {
  std::uint32_t rank, id;  // the lower rank first; the token it makes
};
inline constexpr std::uint32_t kNoMerge = 0xFFFFFFFF;
inline constexpr std::uint32_t kMaxTokenId = (1u << 24) - 1;

// Pairs of ids to merges: open addressing, at most half full.
class PairTable {
 public:
  void reserve(std::size_t n_pairs);
  void put(std::uint32_t left, std::uint32_t right, Merge merge);  // a pair that is there already gets the new merge

  Merge find(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t key = static_cast<std::uint64_t>(left) << 32 | right;
    const std::uint64_t h = hash(key);
    if (!(seen_[h >> seen_shift_] >> (h >> (seen_shift_ - 6) & 63) & 1)) return {kNoMerge, 0};
    for (std::size_t i = h >> shift_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.key == key) return slot.merge;
      if (slot.merge.rank == kNoMerge) return {kNoMerge, 0};
    }
  }

  void prefetch(std::uint32_t left, std::uint32_t right) const {
    __builtin_prefetch(&slots_[place(static_cast<std::uint64_t>(left) << 32 | right)]);
  }

  template <class F>
  void for_each(F f) const {
    for (const Slot& slot : slots_)
      if (slot.merge.rank != kNoMerge) f(slot.merge);
  }

 private:
  struct Slot {
    std::uint64_t key = ~std::uint64_t{0};
    Merge merge{kNoMerge, 0};
  };
  static std::uint64_t hash(std::uint64_t key) { return key * 0x9E3779B97F4A7C15u; }
  std::size_t place(std::uint64_t key) const { return hash(key) >> shift_; }

  std::vector<Slot> slots_{2};
  std::size_t mask_ = 1;
  int shift_ = 63;
  // A bit for each pair, by hash, in a near cache: most neighbours do not merge, and that is known from here.
  std::vector<std::uint64_t> seen_{0, 0};
  int seen_shift_ = 63;
};

class BpeModel {
 public:
  // tokens[i] has the id ids[i]; merges are pairs of ids, in the order of their ranks. Without merges the rank of a token is
  // its id, as in tiktoken's files: any two neighbours that together are a token may merge.
  // Throws std::invalid_argument for duplicate tokens or ids, a byte that is no token, a merge that names a missing token.
  BpeModel(std::span<const std::string_view> tokens, std::span<const std::uint32_t> ids,
           const std::span<const std::uint32_t>* merges);

  std::uint32_t byte_id(char c) const { return byte_ids_[static_cast<unsigned char>(c)]; }
  // The token that a character comes to on its own if merging may begin with it, else kNoMerge.
  std::uint32_t char_id(std::uint32_t code) const { return code < char_ids_.size() ? char_ids_[code] : kNoMerge; }

  Merge pair(std::uint32_t left, std::uint32_t right) const { return pairs_.find(left, right); }
  void prefetch_pair(std::uint32_t left, std::uint32_t right) const { pairs_.prefetch(left, right); }

  // The id of a whole token, or kNoMerge.
  std::uint32_t token_id(std::string_view token) const {
    const auto found = by_text_.find(token);
    return found == by_text_.end() ? kNoMerge : found->second;
  }
  std::uint32_t token_bytes(std::uint32_t id) const { return n_bytes_[id]; }
  std::size_t n_tokens() const { return by_text_.size(); }

  // Whether no token holds character `left`, whose last byte stands at p[-1], and then `right`, whose first byte stands at *p,
  // nor the ends of them that a token can begin or end with. At least one of the two must take three bytes or more.
  bool can_cut(std::uint32_t left, std::uint32_t right, const char* p) const {
    return !has_neighbours(hash(0, left, right)) && is_clean(left, right, p);
  }
  // Whether every token with this border of two characters in it holds both of them whole.
  bool is_clean(std::uint32_t left, std::uint32_t right, const char* p) const {
    if (!broken_[border(p[-1], *p)]) return true;
    const auto last = static_cast<unsigned char>(p[-1]), first = static_cast<unsigned char>(*p);
    return !has_neighbours(hash(1, left, first)) && !has_neighbours(hash(2, last, right)) && !has_neighbours(hash(3, last, first));
  }

 private:
  void add_tokens(std::span<const std::string_view> tokens, std::span<const std::uint32_t> ids);
  void add_merges(std::span<const std::uint32_t> merges);
  void add_ranks();
  void add_neighbours(std::string_view token, bool count_only);
  void add_chars();

  static std::size_t border(char last, char first) {
    return static_cast<std::size_t>(static_cast<unsigned char>(last)) << 8 | static_cast<unsigned char>(first);
  }

  static std::uint64_t hash(std::uint64_t kind, std::uint64_t left, std::uint64_t right) {
    return (kind << 60 ^ left << 32 ^ right) * 0x9E3779B97F4A7C15u;
  }
  bool has_neighbours(std::uint64_t h) const { return neighbours_[h >> neighbour_shift_] >> (h >> (neighbour_shift_ - 6) & 63) & 1; }

  std::string text_;  // of all tokens
  std::unordered_map<std::string_view, std::uint32_t> by_text_;
  std::vector<std::uint32_t> n_bytes_;         // by id; 0 where there is no token
  std::vector<std::string_view> text_by_id_;
  std::array<std::uint32_t, 256> byte_ids_{};
  std::vector<std::uint32_t> char_ids_;  // by code point
  std::vector<bool> broken_;             // by border
  PairTable pairs_;
  // A bit for each pair of neighbours in a token, by hash: what is not there can be cut; a chance collision cuts less.
  std::vector<std::uint64_t> neighbours_;
  int neighbour_shift_ = 64;
  std::size_t n_neighbours_ = 0;
};

}  // namespace qianru
