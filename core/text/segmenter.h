// Han runs cut into words by a linear model over character tags: docs/math/segmenter.md. Each character is the (B)egin, the (M)iddle or
// the (E)nd of a word or a (S)ingle one; the tags of a run are those of the highest sum of weights, found by Viterbi's algorithm. A
// dictionary cuts the runs first, and where its words begin and end is among the features.
//
// tests/text/reference_segmenter.py says the same in plain Python.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qianru {

constexpr std::size_t kTags = 4;
enum Tag : std::uint8_t { kBegin, kMiddle, kEnd, kSingle, kNoTag };  // kNoTag: beyond the run

using TagScores = std::array<std::int32_t, kTags>;
using Transitions = std::array<TagScores, kTags>;  // [before][after]; those that cannot be are not used

constexpr std::size_t kRunMargin = 2;  // the widest window reaches so far beyond a run

// Runs as code points, kRunMargin zeros before and behind each, and what the dictionary says of each character.
struct HanRuns {
  struct Run { std::size_t begin, end; };
  std::vector<std::uint32_t> codes;
  std::vector<std::uint8_t> tags;          // by the dictionary, kNoTag in the margins
  std::vector<std::uint64_t> word_hashes;  // of the dictionary's word that the character is in
  std::vector<Run> runs;

  // `text` is runs joined by \n; `lengths` are the dictionary's words in code points, each \n a word of its own. Throws
  // std::runtime_error if they do not add up.
  HanRuns(std::string_view text, std::span<const std::uint32_t> lengths);
};

constexpr std::size_t kFeatures = 18;

// The keys of the features of the character at `i`.
std::array<std::uint64_t, kFeatures> features_at(const HanRuns& runs, std::size_t i);

// The best tags of one run by the scores of its characters; `tags` gets as many as `scores` has.
class TagDecoder {
 public:
  void decode(std::span<const TagScores> scores, const Transitions& transitions, std::vector<std::uint8_t>& tags);

 private:
  std::vector<std::uint8_t> before_;  // [n, kTags]
};

class Segmenter {
 public:
  // `weights` are [n_keys, kTags]. Keys differ. Throws std::runtime_error otherwise.
  Segmenter(std::span<const std::uint64_t> keys, std::span<const std::int16_t> weights, const Transitions& transitions);

  // The words of the runs by their lengths in code points, each \n a word of its own. Arguments as of HanRuns.
  std::vector<std::uint32_t> cut(std::string_view text, std::span<const std::uint32_t> lengths) const;

 private:
  struct Slot { std::uint64_t key; std::array<std::int16_t, kTags> weights; };
  TagScores score(const std::array<std::uint64_t, kFeatures>& keys) const;

  std::vector<Slot> slots_;  // open addressing; key 0 is an empty slot
  std::size_t mask_;
  Transitions transitions_;
};

// Appends the words' lengths.
void append_words(std::span<const std::uint8_t> tags, std::vector<std::uint32_t>& lengths);

}  // namespace qianru
