#include "static/classifier.h"
#include "static/classifier_kernel.h"

#include <algorithm>
#include <cmath>

namespace qianru {

ClassifierScorer::ClassifierScorer(const std::vector<std::string_view>& words, const std::vector<std::uint32_t>& buckets,
                                   bool has_all_buckets, const ClassifierRule& rule, ClassifierLoss loss,
                                   const std::vector<std::uint64_t>& label_counts, const float* word_rows, const float* ngram_rows,
                                   const float* outputs, std::size_t dim)
    : has_all_buckets_(has_all_buckets),
      rule_(rule),
      loss_(loss),
      label_counts_(label_counts),
      word_rows_(word_rows),
      ngram_rows_(ngram_rows),
      outputs_(outputs),
      dim_(dim),
      zeros_(dim) {
  for (std::string_view word : words) words_.add(word, subword_hash(word));
  rows_of_buckets_.reserve(buckets.size());
  for (std::size_t i = 0; i < buckets.size(); ++i) rows_of_buckets_.emplace(buckets[i], static_cast<std::uint32_t>(i));
  if (loss == ClassifierLoss::hierarchical) paths_ = huffman_paths(label_counts.data(), label_counts.size());
}

void ClassifierScorer::append_bucket(std::uint32_t bucket, std::vector<const float*>& rows) const {
  if (has_all_buckets_) {
    rows.push_back(ngram_rows_ + bucket * dim_);
    return;
  }
  const auto found = rows_of_buckets_.find(bucket);
  if (found != rows_of_buckets_.end())
    rows.push_back(ngram_rows_ + found->second * dim_);
  else if (!rule_.pruned)
    rows.push_back(zeros_.data());
}

// Calls visit(mean of the line's rows, their number) for each line.
template <typename Visit>
void ClassifierScorer::for_lines(std::string_view text, Visit visit) const {
  std::vector<const float*> rows;
  std::vector<std::uint32_t> hashes, found;
  std::vector<float> hidden(dim_);
  read_lines(
      text,
      [&](std::string_view token, std::uint32_t hash) {
        const std::uint32_t id = words_.find(token, hash);
        if (id != TokenTable::kNone) rows.push_back(word_rows_ + id * dim_);
        found.clear();
        append_subwords(token, rule_.subwords, found);
        for (std::uint32_t bucket : found) append_bucket(bucket, rows);
        hashes.push_back(hash);
      },
      [&] {
        for_word_ngrams(hashes, rule_.word_ngrams, rule_.subwords.n_buckets,
                        [&](std::uint32_t bucket) { append_bucket(bucket, rows); });
        const float share = rows.empty() ? 0.0f : 1.0f / static_cast<float>(rows.size());
        classifier_kernels().sum(rows.data(), rows.size(), dim_, share, hidden.data());
        visit(hidden, static_cast<std::uint32_t>(rows.size()));
        rows.clear();
        hashes.clear();
      });
}

void ClassifierScorer::embed(std::string_view text, std::vector<float>& means, std::vector<std::uint32_t>& n_rows) const {
  for_lines(text, [&](const std::vector<float>& hidden, std::uint32_t n) {
    means.insert(means.end(), hidden.begin(), hidden.end());
    n_rows.push_back(n);
  });
}

void ClassifierScorer::score(std::string_view text, std::vector<float>& scores, std::vector<std::uint32_t>& n_rows) const {
  const std::size_t n_labels = label_counts_.size();
  std::vector<const float*> rows(n_labels);
  for (std::size_t i = 0; i < n_labels; ++i) rows[i] = outputs_ + i * dim_;
  std::vector<float> raw(n_labels);
  for_lines(text, [&](const std::vector<float>& hidden, std::uint32_t n) {
    n_rows.push_back(n);
    scores.resize(scores.size() + n_labels);
    float* const out = scores.data() + scores.size() - n_labels;
    if (n == 0) return;
    classifier_kernels().dots(rows.data(), n_labels, dim_, hidden.data(), raw.data());
    if (loss_ == ClassifierLoss::one_vs_all) {
      std::copy(raw.begin(), raw.end(), out);
    } else if (loss_ == ClassifierLoss::softmax) {
      const float top = *std::max_element(raw.begin(), raw.end());
      double total = 0;
      for (float score : raw) total += std::exp(static_cast<double>(score - top));
      for (std::size_t i = 0; i < n_labels; ++i) out[i] = raw[i] - top - static_cast<float>(std::log(total));
    } else {
      for (std::size_t i = 0; i < n_labels; ++i) {
        double sum = 0;
        for (std::uint64_t j = paths_.offsets[i]; j < paths_.offsets[i + 1]; ++j)
          sum -= std::log1p(std::exp(-static_cast<double>(raw[paths_.nodes[j]] * paths_.signs[j])));
        out[i] = static_cast<float>(sum);
      }
    }
  });
}

}  // namespace qianru
