#include "vectors/unigram.h"

#include "vectors/utf8.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qianru {

namespace {

constexpr std::size_t kMaxCharacters = 64;
constexpr double kMargin = 1e-6;

// Where the characters of the key begin, and its end.
void borders(std::string_view key, std::vector<std::size_t>& out) {
  out.clear();
  for (std::size_t i = 0; i < key.size(); i += code_point(key.data() + i, key.size() - i).size) out.push_back(i);
  out.push_back(key.size());
}

// The best sum of scores over the ways to cut the key into at least two keys; -infinity if there is none.
double best_cut(const KeyTable& keys, std::string_view key, const std::vector<std::size_t>& at, const double* scores) {
  const std::size_t n = at.size() - 1;
  double best[kMaxCharacters + 1];
  std::fill(best, best + n + 1, -std::numeric_limits<double>::infinity());
  best[0] = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isinf(best[i])) continue;
    KeyHash hash;
    for (std::size_t j = i + 1; j <= n; ++j) {
      for (std::size_t b = at[j - 1]; b < at[j]; ++b) hash.add(key[b]);
      if (i == 0 && j == n) continue;
      const std::int64_t row = find_key(keys, key.substr(at[i], at[j] - at[i]), hash.value());
      if (row >= 0) best[j] = std::max(best[j], best[i] + scores[row]);
    }
  }
  return best[n];
}

}  // namespace

void unigram_scores(const KeyTable& keys, const std::uint64_t* counts, double* scores) {
  double total = 0;
  for (std::size_t row = 0; row < keys.n_keys; ++row) {
    scores[row] = counts ? static_cast<double>(std::max<std::uint64_t>(counts[row], 1)) : 1.0 / static_cast<double>(row + 1);
    total += scores[row];
  }
  for (std::size_t row = 0; row < keys.n_keys; ++row) scores[row] = std::log(scores[row] / total);
  // Shorter keys first: a cut is made of shorter keys, whose scores are then final.
  std::vector<std::vector<std::uint32_t>> by_length(kMaxCharacters + 1);
  std::vector<std::size_t> at;
  for (std::size_t row = 0; row < keys.n_keys; ++row) {
    borders(key_at(keys, row), at);
    if (at.size() > 2 && at.size() <= kMaxCharacters + 1) by_length[at.size() - 1].push_back(static_cast<std::uint32_t>(row));
  }
  for (const auto& rows : by_length) {
    for (const std::uint32_t row : rows) {
      const std::string_view key = key_at(keys, row);
      borders(key, at);
      scores[row] = std::max(scores[row], std::min(best_cut(keys, key, at, scores) + kMargin, -kMargin));
    }
  }
}

}  // namespace qianru
