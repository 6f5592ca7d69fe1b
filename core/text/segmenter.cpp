#include "text/segmenter.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

#include "text/unicode.h"

namespace qianru {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min() / 2;

// Tags that may stand before each: B after E and S, M after B and M, E after B and M, S after E and S.
constexpr std::uint8_t kBefore[kTags][2] = {{kEnd, kSingle}, {kBegin, kMiddle}, {kBegin, kMiddle}, {kEnd, kSingle}};

constexpr std::uint64_t hash_with(std::uint64_t hash, std::uint64_t part) {
  hash = (hash ^ part) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 32;
}

template <class... Parts>
constexpr std::uint64_t hash_of(std::uint64_t template_number, Parts... parts) {
  std::uint64_t hash = template_number + 1;
  ((hash = hash_with(hash, parts)), ...);
  return hash | std::uint64_t{1} << 63;  // never 0, which marks an empty slot
}

// A class for the characters that numbers and dates are written with.
std::uint32_t kind_of(std::uint32_t code) {
  static constexpr std::u32string_view kNumbers = U"〇一二三四五六七八九零两";
  static constexpr std::u32string_view kTens = U"十百千万亿";
  static constexpr std::u32string_view kDates = U"年月日时分秒点";
  if (code == 0) return 0;
  const auto c = static_cast<char32_t>(code);
  if (kNumbers.find(c) != kNumbers.npos) return 1;
  if (kTens.find(c) != kTens.npos) return 2;
  return kDates.find(c) != kDates.npos ? 3 : 4;
}

}  // namespace

HanRuns::HanRuns(std::string_view text, std::span<const std::uint32_t> lengths) {
  const auto pad = [&] {
    codes.insert(codes.end(), kRunMargin, 0);
    tags.insert(tags.end(), kRunMargin, kNoTag);
    word_hashes.insert(word_hashes.end(), kRunMargin, 0);
  };
  const char* p = text.data();
  const char* const end = p + text.size();
  pad();
  std::size_t begin = codes.size();
  for (const std::uint32_t n : lengths) {
    if (n == 1 && p < end && *p == '\n') {
      runs.push_back({begin, codes.size()});
      pad();
      begin = codes.size();
      ++p;
      continue;
    }
    std::uint64_t hash = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      if (p >= end || *p == '\n') throw std::runtime_error("the dictionary's words do not follow the text");
      const Char c = qianru::decode(p, end);
      codes.push_back(c.code);
      tags.push_back(n == 1 ? kSingle : i == 0 ? kBegin : i + 1 == n ? kEnd : kMiddle);
      hash = hash_with(hash, c.code);
      p += c.n_bytes;
    }
    for (std::uint32_t i = 0; i < n; ++i) word_hashes.push_back(hash_with(hash, i));
  }
  if (p != end) throw std::runtime_error("the dictionary's words do not cover the text");
  runs.push_back({begin, codes.size()});
  pad();
}

std::array<std::uint64_t, kFeatures> features_at(const HanRuns& runs, std::size_t i) {
  const std::uint32_t* p = runs.codes.data() + i;
  const std::uint8_t* t = runs.tags.data() + i;
  const std::uint64_t a = p[-2], b = p[-1], c = p[0], d = p[1], e = p[2];
  const std::uint64_t before = t[-1] * 8u + t[0], after = t[0] * 8u + t[1];
  return {
      hash_of(0, b),
      hash_of(1, c),
      hash_of(2, d),
      hash_of(3, a, b),
      hash_of(4, b, c),
      hash_of(5, c, d),
      hash_of(6, d, e),
      hash_of(7, b, d),
      hash_of(8, a, b, c),
      hash_of(9, b, c, d),
      hash_of(10, c, d, e),
      hash_of(11, before, after),
      hash_of(12, c, before, after),
      hash_of(13, b, c, before),
      hash_of(14, c, d, after),
      hash_of(15, runs.word_hashes[i]),
      hash_of(16, kind_of(p[-1]), kind_of(p[0]), kind_of(p[1])),
      hash_of(17, std::uint64_t{b == c}, std::uint64_t{c == d}, std::uint64_t{a == c}),
  };
}

void TagDecoder::decode(std::span<const TagScores> scores, const Transitions& transitions, std::vector<std::uint8_t>& tags) {
  const std::size_t n = scores.size();
  tags.resize(n);
  if (n == 0) return;
  before_.resize(n * kTags);
  // A run begins as if behind the end of a word.
  std::array<std::int64_t, kTags> best = {scores[0][kBegin], kNever, kNever, scores[0][kSingle]};
  for (std::size_t i = 1; i < n; ++i) {
    std::array<std::int64_t, kTags> next;
    for (std::size_t tag = 0; tag < kTags; ++tag) {
      const auto [first, second] = kBefore[tag];
      const std::int64_t one = best[first] + transitions[first][tag], other = best[second] + transitions[second][tag];
      before_[i * kTags + tag] = other > one ? second : first;
      next[tag] = std::max(one, other) + scores[i][tag];
    }
    best = next;
  }
  tags[n - 1] = best[kSingle] > best[kEnd] ? kSingle : kEnd;
  for (std::size_t i = n - 1; i > 0; --i) tags[i - 1] = before_[i * kTags + tags[i]];
}

Segmenter::Segmenter(std::span<const std::uint64_t> keys, std::span<const std::int16_t> weights, const Transitions& transitions)
    : slots_(std::bit_ceil(keys.size() * 2 + 1)), mask_(slots_.size() - 1), transitions_(transitions) {
  if (weights.size() != keys.size() * kTags) throw std::runtime_error("not four weights a key");
  for (std::size_t row = 0; row < keys.size(); ++row) {
    if (keys[row] == 0) throw std::runtime_error("a key is 0");
    std::size_t at = keys[row] & mask_;
    for (; slots_[at].key != 0; at = (at + 1) & mask_)
      if (slots_[at].key == keys[row]) throw std::runtime_error("a key comes twice");
    slots_[at].key = keys[row];
    std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(row * kTags), kTags, slots_[at].weights.begin());
  }
}

TagScores Segmenter::score(const std::array<std::uint64_t, kFeatures>& keys) const {
  for (const std::uint64_t key : keys) __builtin_prefetch(&slots_[key & mask_]);
  TagScores sum = {};
  for (const std::uint64_t key : keys) {
    std::size_t at = key & mask_;
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask_;
    for (std::size_t tag = 0; tag < kTags; ++tag) sum[tag] += slots_[at].weights[tag];
  }
  return sum;
}

std::vector<std::uint32_t> Segmenter::cut(std::string_view text, std::span<const std::uint32_t> lengths) const {
  const HanRuns runs(text, lengths);
  std::vector<std::uint32_t> words;
  words.reserve(lengths.size());
  std::vector<TagScores> scores;
  std::vector<std::uint8_t> tags;
  TagDecoder decoder;
  for (std::size_t number = 0; number < runs.runs.size(); ++number) {
    const auto [begin, end] = runs.runs[number];
    scores.clear();
    for (std::size_t i = begin; i < end; ++i) scores.push_back(score(features_at(runs, i)));
    decoder.decode(scores, transitions_, tags);
    if (number > 0) words.push_back(1);
    append_words(tags, words);
  }
  return words;
}

void append_words(std::span<const std::uint8_t> tags, std::vector<std::uint32_t>& lengths) {
  std::uint32_t n = 0;
  for (const std::uint8_t tag : tags) {
    ++n;
    if (tag != kEnd && tag != kSingle) continue;
    lengths.push_back(n);
    n = 0;
  }
}

}  // namespace qianru
