// The character n-grams of a word and the bucket each falls in, exactly as fastText has them (Bojanowski et al. 2017,
// arXiv:1607.04606), so that files go both ways; and words as the means of their rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qianru {

// FNV-1a, 32 bits, over bytes extended with their sign: fastText hashed signed chars, and its files live with it.
inline constexpr std::uint32_t kSubwordSeed = 2166136261u;
inline std::uint32_t subword_hash_step(std::uint32_t hash, char byte) {
  return (hash ^ static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<signed char>(byte)))) * 16777619u;
}
std::uint32_t subword_hash(std::string_view text, std::uint32_t seed = kSubwordSeed);

// fastText's end of line counts as a word, but has no n-grams.
inline constexpr std::string_view kEndOfLineWord = "</s>";

struct SubwordRule {
  int min_n = 3, max_n = 6;           // code points in an n-gram; max_n 0: none
  std::uint32_t n_buckets = 0;        // 0: none
  std::uint32_t seed = kSubwordSeed;  // another one keeps the n-grams of another alphabet apart
};

// Appends the buckets of the n-grams of `<word>`, from left to right and short ones first. An n-gram of one code point that is
// a border is left out. A code point is a byte and the bytes 10xxxxxx behind it, so that any bytes will do.
void append_subwords(std::string_view word, const SubwordRule& rule, std::vector<std::uint32_t>& buckets);

// List i is values[offsets[i] .. offsets[i + 1]).
struct SubwordLists {
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::uint32_t> values;

  void close() { offsets.push_back(values.size()); }
};

// In lists of rows: a row of zeros, and none at all, which does not count in the mean.
inline constexpr std::uint32_t kZeroRow = 0xFFFFFFFFu, kNoRow = 0xFFFFFFFEu;

// out[i] = mean of first[i], where there is `first`, and the rows of list i; zero where there is neither. Added up in the order
// of the list and in float, as fastText does, so that the bits agree.
void mean_rows(const float* first, const float* rows, const std::uint64_t* offsets, const std::uint32_t* lists, std::size_t n,
               std::size_t dim, float* out);

}  // namespace qianru
