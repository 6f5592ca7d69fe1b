#include "static/classifier_text.h"

#include <algorithm>
#include <numeric>

namespace qianru {

std::size_t TokenTable::slot_of(std::string_view token, std::uint32_t hash) const {
  std::size_t slot = (hash * 0x9E3779B1u) >> shift_;
  while (slots_[slot] != kNone && (hashes_[slots_[slot]] != hash || text(slots_[slot]) != token)) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

std::uint32_t TokenTable::find(std::string_view token, std::uint32_t hash) const { return slots_[slot_of(token, hash)]; }

std::uint32_t TokenTable::add(std::string_view token, std::uint32_t hash) {
  if (2 * hashes_.size() >= slots_.size()) grow();
  const std::size_t slot = slot_of(token, hash);
  if (slots_[slot] == kNone) {
    slots_[slot] = static_cast<std::uint32_t>(hashes_.size());
    hashes_.push_back(hash);
    bytes_.insert(bytes_.end(), token.begin(), token.end());
    ends_.push_back(bytes_.size());
  }
  return slots_[slot];
}

void TokenTable::grow() {
  --shift_;
  slots_.assign(2 * slots_.size(), kNone);
  for (std::uint32_t i = 0; i < hashes_.size(); ++i) {
    std::size_t slot = (hashes_[i] * 0x9E3779B1u) >> shift_;
    while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = i;
  }
}

void ClassifierData::add(std::string_view text, std::string_view label_prefix) {
  read_lines(
      text,
      [&](std::string_view token, std::uint32_t hash) {
        if (token.size() > label_prefix.size() && token.starts_with(label_prefix)) {
          token.remove_prefix(label_prefix.size());
          const std::uint32_t id = labels_.add(token, subword_hash(token));
          label_counts_.resize(labels_.size());
          ++label_counts_[id];
          labels_of_lines_.push_back(id);
        } else {
          const std::uint32_t id = words_.add(token, hash);
          word_counts_.resize(words_.size());
          ++word_counts_[id];
          tokens_.push_back(id);
        }
      },
      [&] {
        line_tokens_.push_back(tokens_.size());
        line_labels_.push_back(labels_of_lines_.size());
      });
}

std::vector<std::uint32_t> ClassifierData::select(TokenTable& table, std::vector<std::uint64_t>& counts, std::uint64_t least,
                                                  std::vector<std::uint32_t>& new_ids) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < table.size(); ++i)
    if (counts[i] >= least) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return counts[a] > counts[b]; });
  new_ids.assign(table.size(), TokenTable::kNone);
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    new_ids[order[i]] = i;
    n_tokens_ += counts[order[i]];
  }
  return order;
}

void ClassifierData::finish(std::uint64_t min_count, std::uint64_t min_count_label, const std::vector<std::string_view>& more,
                            const SubwordRule& subwords, int word_ngrams) {
  std::vector<std::uint32_t> word_ids, label_ids;
  word_order_ = select(words_, word_counts_, min_count, word_ids);
  label_order_ = select(labels_, label_counts_, min_count_label, label_ids);
  for (std::string_view word : more) {
    const std::uint32_t id = words_.add(word, subword_hash(word));
    if (id == word_ids.size()) {
      word_counts_.push_back(1);
      word_ids.push_back(TokenTable::kNone);
    }
    if (word_ids[id] != TokenTable::kNone) continue;
    word_ids[id] = static_cast<std::uint32_t>(word_order_.size());
    word_order_.push_back(id);
  }
  n_words_ = word_order_.size();
  n_labels_ = label_order_.size();

  // Labels that were left out go.
  std::size_t n_kept = 0;
  for (std::size_t line = 0; line < n_lines(); ++line) {
    const std::size_t begin = line_labels_[line];
    line_labels_[line] = n_kept;
    const std::size_t end = line_labels_[line + 1];
    for (std::size_t j = begin; j < end; ++j)
      if (label_ids[labels_of_lines_[j]] != TokenTable::kNone) labels_of_lines_[n_kept++] = label_ids[labels_of_lines_[j]];
  }
  line_labels_.back() = n_kept;

  // Buckets first, then their rows.
  std::vector<bool> in_use(subwords.n_buckets);
  std::vector<std::uint32_t> found, hashes;
  for (std::uint32_t i = 0; i < words_.size(); ++i) {
    found.clear();
    append_subwords(words_.text(i), subwords, found);
    if (word_ids[i] != TokenTable::kNone) token_rows_.values.push_back(word_ids[i]);
    for (std::uint32_t bucket : found) {
      in_use[bucket] = true;
      token_rows_.values.push_back(bucket);
    }
    token_rows_.close();
  }
  for (std::size_t line = 0; line < n_lines(); ++line) {
    hashes.clear();
    for (std::uint64_t j = line_tokens_[line]; j < line_tokens_[line + 1]; ++j) hashes.push_back(words_.hash(tokens_[j]));
    for_word_ngrams(hashes, word_ngrams, subwords.n_buckets, [&](std::uint32_t bucket) {
      in_use[bucket] = true;
      line_ngrams_.values.push_back(bucket);
    });
    line_ngrams_.close();
  }
  std::vector<std::uint32_t> row_of(subwords.n_buckets);
  for (std::uint32_t bucket = 0; bucket < subwords.n_buckets; ++bucket) {
    if (!in_use[bucket]) continue;
    row_of[bucket] = static_cast<std::uint32_t>(n_words_ + buckets_.size());
    buckets_.push_back(bucket);
  }
  for (std::uint32_t i = 0; i < words_.size(); ++i) {
    const std::uint64_t first = token_rows_.offsets[i] + (word_ids[i] != TokenTable::kNone);
    for (std::uint64_t j = first; j < token_rows_.offsets[i + 1]; ++j) token_rows_.values[j] = row_of[token_rows_.values[j]];
  }
  for (std::uint32_t& value : line_ngrams_.values) value = row_of[value];
}

void ClassifierData::append_rows(std::size_t line, std::vector<std::uint32_t>& rows) const {
  for (std::uint64_t j = line_tokens_[line]; j < line_tokens_[line + 1]; ++j) {
    const std::uint64_t begin = token_rows_.offsets[tokens_[j]], end = token_rows_.offsets[tokens_[j] + 1];
    for (std::uint64_t i = begin; i < end; ++i) rows.push_back(token_rows_.values[i]);
  }
  const std::uint32_t* const values = line_ngrams_.values.data();
  rows.insert(rows.end(), values + line_ngrams_.offsets[line], values + line_ngrams_.offsets[line + 1]);
}

}  // namespace qianru
