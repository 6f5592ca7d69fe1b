// Training of byte pair encoding, byte-level or on characters (the training of WordPiece is that, with a mark before all but
// the first piece of a word).
//
// Start with words as sequences of bytes or characters; join the neighbouring pair that occurs most often everywhere; repeat
// (Gage 1994; Sennrich et al. 2016). Of pairs that occur equally often the one with the smaller ids goes first. Merges and ids
// are those of the BpeTrainer of the `tokenizers` package, with two of its habits: the count of a pair that was joined
// stays as it was, and a pair that is made again later (its parts can be joined in two orders to the same token) comes up again.
// But text that spells a special token is never joined to that token, as it would be there.
//
// All words lie in one array, a slot for each byte or character. A token of several slots has its id in its first slot and
// again, marked, in its last; the slots between are void. So both neighbours are found without a search, a merge changes
// four slots at most, and a list of places for each pair can be checked against what stands there now. A merge costs what it
// changes, whatever the length of the words.
//
// Most of the memory would go to lists of places that are never used, and to void slots. So only the most frequent pairs have
// lists, and stand in the queue. When none of these is left, the words are written anew with one slot for each token, and the
// next pairs get theirs. Of pairs too rare to be joined not even the count is kept: where it is wanted, which is very seldom,
// the words are counted again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tokens/batch.h"
#include "tokens/pair_counts.h"
#include "tokens/word_counts.h"

namespace qianru {

struct BpeTrainOptions {
  std::size_t vocab_size = 32768;
  std::uint64_t min_frequency = 2;
  bool byte_level = true;                     // units are bytes; otherwise code points
  std::vector<std::string> special_tokens;    // the first ids
  std::vector<std::string> initial_alphabet;  // units that are in the vocabulary whether they occur or not
  std::optional<std::size_t> limit_alphabet;  // at most so many units; the most frequent stay, others drop out of the words
  double coverage = 1.0;                      // the rarest units drop out as long as this share of all that occur is kept
  std::string prefix;                         // before every unit but the first of a word: "##" for WordPiece
  std::size_t max_token_length = 0;           // new tokens are shorter than this many units; 0: any length
  std::size_t max_places = 0;                 // about so many in the lists of pairs; 0: a quarter of the slots, or 4 million
};

class BpeTrainer {
 public:
  // Takes the words; they are gone afterwards. Throws std::invalid_argument if special tokens and all bytes, or special tokens
  // alone where units are code points, are more than vocab_size.
  BpeTrainer(WordCounts& words, const BpeTrainOptions& options);

  // Works for about so many seconds; true once the vocabulary is complete.
  bool run(double seconds);

  const std::vector<std::string>& tokens() const { return tokens_; }  // by id
  std::vector<std::pair<std::uint32_t, std::uint32_t>> merges() const;

  // Code points that coverage and limit would have kept, but for which vocab_size had no room, and how often they occur.
  struct LeftOut {
    std::uint64_t n_units = 0, occurrences = 0;
  };
  const LeftOut& left_out() const { return left_out_; }

 private:
  using Places = std::vector<std::uint32_t>;
  struct Entry {
    std::uint64_t pair;
    Places places;
    bool in_whole_words;  // the pair was there before: all of it in the words of these places is joined
  };
  struct Candidate {
    std::int64_t count;
    std::uint64_t pair;
    std::uint32_t entry;
    bool operator<(const Candidate& other) const { return count != other.count ? count < other.count : pair > other.pair; }
  };
  struct Event {
    std::uint32_t id, place;
  };

  static constexpr std::uint32_t kNobody = 0xFFFFFFFF;

  // How to turn a word's units into ids.
  struct Units {
    std::vector<std::uint32_t> first, later;  // by byte or code point
  };

  std::uint32_t add_token(const std::string& token);
  Units add_alphabet(const WordCounts& words);
  std::vector<std::uint32_t> kept_units(const std::vector<std::uint64_t>& counts, const std::vector<bool>& stands_later);
  void fit(std::vector<std::uint32_t>& kept, const std::vector<std::uint64_t>& counts, const std::vector<bool>& stands_later);
  void add_words(WordCounts& words, const Units& units);
  void number_words();
  void count_pairs();

  void list_pairs(std::uint32_t wide = kNobody);
  void compact(std::uint32_t wide);
  std::int64_t next_horizon() const;
  template <class F>
  void for_pairs(std::size_t every, F f) const;
  bool is_open(std::uint64_t pair, std::int64_t count) const { return count >= threshold() && !done_.find(pair); }

  bool step();
  std::string joined(std::uint64_t pair) const;
  bool has_other_width(std::uint64_t pair, const std::string& token) const;
  std::uint32_t join(std::uint64_t pair, const std::string& token, bool& is_known);
  void prepare(Entry& entry) const;
  void replace(const Places& places, std::uint64_t pair, std::uint32_t made);
  template <class F>
  void count_again(std::uint32_t made, F gained);
  void update(std::uint64_t pair, std::uint32_t made, bool is_known);
  void group(std::vector<Event>& events, std::uint32_t made, bool made_is_left, bool is_known);
  Places find_places(std::uint64_t pair) const;
  void push(std::uint64_t pair, Places places, bool in_whole_words);
  void push(const Candidate& candidate);
  Candidate pop();
  std::size_t word_at(std::uint32_t place, std::size_t at_least) const;
  bool may_join(std::uint32_t left, std::uint32_t right) const {
    return options_.max_token_length == 0 || std::size_t{lengths_[left]} + lengths_[right] < options_.max_token_length;
  }
  std::int64_t threshold() const { return static_cast<std::int64_t>(std::max<std::uint64_t>(options_.min_frequency, 1)); }

  BpeTrainOptions options_;
  std::vector<std::string> tokens_;
  std::vector<std::uint32_t> lengths_;  // in units, by id; 0 for a special token
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<std::uint64_t> merges_;
  LeftOut left_out_;

  IdBuffer slots_;                            // all words, each behind a boundary, and one at the end
  std::vector<std::uint32_t> widths_;         // in slots, by id
  std::size_t n_compact_ = 0;                 // merges made when each token last had one slot
  std::vector<std::uint32_t> word_starts_;    // and the end of the last
  std::vector<std::uint64_t> word_counts_;
  std::vector<std::uint32_t> first_words_;    // for each 64 slots, the word that the first of them belongs to

  PairCounts counts_;              // of pairs that can be joined, and some that have become too rare
  PairCounts done_;                // pairs that get no list any more: joined, not to be joined, or of a token made again
  std::int64_t horizon_ = 0;       // pairs that occur less often have no lists yet
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_entries_;
  std::vector<Candidate> queue_;   // a heap

  std::vector<Event> left_events_, right_events_;       // of the merge at work: neighbours, and the places of the new pairs
  std::vector<std::int64_t> left_deltas_, right_deltas_;  // by id; zero between merges
  std::vector<std::uint32_t> left_touched_, right_touched_, event_counts_, event_ids_;
};

}  // namespace qianru
