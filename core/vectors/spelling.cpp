#include "vectors/spelling.h"

#include "vectors/utf8.h"

#include <algorithm>
#include <cstdlib>

namespace qianru {

namespace {

using Text = std::vector<std::uint32_t>;

void fold_ascii(Text& text) {
  for (std::uint32_t& c : text)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
}

// Within a band of `limit` around the diagonal only: outside it the distance is above the limit anyway.
class Band {
 public:
  explicit Band(const Text& word) : word_(word), rows_(3, std::vector<std::uint32_t>(word.size() + 1)) {}

  // The distance, or limit + 1 where it is larger than that.
  std::uint32_t distance(const Text& other, std::uint32_t limit) {
    const std::size_t n = word_.size(), m = other.size(), far = limit + 1;
    if ((n > m ? n - m : m - n) > limit) return limit + 1;
    for (auto& row : rows_) std::fill(row.begin(), row.end(), static_cast<std::uint32_t>(far));
    for (std::size_t j = 0; j <= std::min<std::size_t>(n, limit); ++j) rows_[0][j] = static_cast<std::uint32_t>(j);
    for (std::size_t i = 1; i <= m; ++i) {
      auto &row = rows_[i % 3], &above = rows_[(i + 2) % 3], &second = rows_[(i + 1) % 3];
      const std::size_t begin = i > limit ? i - limit : 0, end = std::min(n, i + limit);
      if (begin > 0) row[begin - 1] = static_cast<std::uint32_t>(far);
      if (end < n) row[end + 1] = static_cast<std::uint32_t>(far);
      std::uint32_t least = static_cast<std::uint32_t>(far);
      for (std::size_t j = begin; j <= end; ++j) {
        std::uint32_t best = above[j] + 1;
        if (j > 0) {
          best = std::min({best, row[j - 1] + 1, above[j - 1] + (word_[j - 1] != other[i - 1])});
          if (i > 1 && j > 1 && word_[j - 1] == other[i - 2] && word_[j - 2] == other[i - 1]) best = std::min(best, second[j - 2] + 1);
        }
        row[j] = std::min(best, static_cast<std::uint32_t>(far));
        least = std::min(least, row[j]);
      }
      if (least > limit) return limit + 1;
    }
    return rows_[m % 3][n];
  }

 private:
  const Text& word_;
  std::vector<std::vector<std::uint32_t>> rows_;
};

}  // namespace

std::vector<Spelling> close_spellings(const KeyTable& keys, std::string_view word, std::uint32_t limit, std::size_t k) {
  limit = std::min(limit, 8u);
  Text target, other;
  decode(word.data(), word.size(), target);
  fold_ascii(target);
  Band band(target);
  const auto nearer = [](const Spelling& a, const Spelling& b) { return a.distance != b.distance ? a.distance < b.distance : a.row < b.row; };
  std::vector<Spelling> found;
  for (std::size_t row = 0; row < keys.n_keys && k > 0; ++row) {
    const std::string_view key = key_at(keys, row);
    // A character has one to four bytes: most keys are out by their length alone.
    if (key.size() > 4 * (target.size() + limit) || 4 * key.size() + 4 * limit < target.size()) continue;
    decode(key.data(), key.size(), other);
    if (other.size() > target.size() + limit || other.size() + limit < target.size()) continue;
    fold_ascii(other);
    if (std::find_first_of(other.begin(), other.end(), target.begin(), target.end()) == other.end()) continue;
    const std::uint32_t distance = band.distance(other, limit);
    if (distance > limit) continue;
    found.push_back({static_cast<std::uint32_t>(row), distance});
    std::push_heap(found.begin(), found.end(), nearer);
    if (found.size() > k) {
      std::pop_heap(found.begin(), found.end(), nearer);
      found.pop_back();
    }
  }
  std::sort(found.begin(), found.end(), nearer);
  return found;
}

}  // namespace qianru
