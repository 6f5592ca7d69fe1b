#include "static/subwords.h"

#include <algorithm>
#include <string>

namespace qianru {

std::uint32_t subword_hash(std::string_view text, std::uint32_t seed) {
  for (char byte : text) seed = subword_hash_step(seed, byte);
  return seed;
}

void append_subwords(std::string_view word, const SubwordRule& rule, std::vector<std::uint32_t>& buckets) {
  if (rule.max_n < 1 || rule.n_buckets == 0 || word == kEndOfLineWord) return;
  std::string text;
  text.reserve(word.size() + 2);
  text.append("<").append(word).append(">");
  auto continues = [&](std::size_t i) { return (text[i] & 0xC0) == 0x80; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(i)) continue;
    std::uint32_t hash = rule.seed;
    std::size_t j = i;
    for (int n = 1; n <= rule.max_n && j < text.size(); ++n) {
      do {
        hash = subword_hash_step(hash, text[j++]);
      } while (j < text.size() && continues(j));
      if (n >= rule.min_n && !(n == 1 && (i == 0 || j == text.size()))) buckets.push_back(hash % rule.n_buckets);
    }
  }
}

void mean_rows(const float* first, const float* rows, const std::uint64_t* offsets, const std::uint32_t* lists, std::size_t n,
               std::size_t dim, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    float* const sum = out + i * dim;
    if (first)
      std::copy_n(first + i * dim, dim, sum);
    else
      std::fill_n(sum, dim, 0.0f);
    std::uint64_t n_rows = first ? 1 : 0;
    for (std::uint64_t j = offsets[i]; j < offsets[i + 1]; ++j) {
      n_rows += lists[j] != kNoRow;
      if (lists[j] >= kNoRow) continue;
      const float* const row = rows + lists[j] * dim;
      for (std::size_t k = 0; k < dim; ++k) sum[k] += row[k];
    }
    const float share = n_rows ? static_cast<float>(1.0 / static_cast<double>(n_rows)) : 0.0f;
    for (std::size_t k = 0; k < dim; ++k) sum[k] *= share;
  }
}

}  // namespace qianru
