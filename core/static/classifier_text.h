// From labelled lines of text to the rows that a fastText classifier averages (Joulin et al. 2017, arXiv:1607.01759): a row for
// each known word, one for each character n-gram's bucket, one for each word n-gram's bucket.
#pragma once

#include "static/subwords.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace qianru {

// Strings to numbers in order of arrival, by fastText's hash.
class TokenTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;

  std::uint32_t find(std::string_view token, std::uint32_t hash) const;  // its number, or kNone
  std::uint32_t add(std::string_view token, std::uint32_t hash);         // its number, a new one where it had none
  std::size_t size() const { return hashes_.size(); }
  std::string_view text(std::uint32_t i) const { return {bytes_.data() + ends_[i], ends_[i + 1] - ends_[i]}; }
  std::uint32_t hash(std::uint32_t i) const { return hashes_[i]; }

 private:
  std::size_t slot_of(std::string_view token, std::uint32_t hash) const;
  void grow();

  std::vector<char> bytes_;
  std::vector<std::uint64_t> ends_{0};
  std::vector<std::uint32_t> hashes_, slots_ = std::vector<std::uint32_t>(16, kNone);
  int shift_ = 28;
};

// Calls token(text, hash) for each token of the text and line() after each line. Tokens stand between white space and NULs; each
// line ends with the token `</s>`, as in fastText.
template <typename Token, typename Line>
void read_lines(std::string_view text, Token token, Line line) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint32_t hash = kSubwordSeed;
    const std::size_t begin = i;
    for (; i < text.size(); ++i) {
      const char c = text[i];
      if (c == ' ' || (c >= '\t' && c <= '\r') || c == '\0') break;
      hash = subword_hash_step(hash, c);
    }
    if (i > begin) token(text.substr(begin, i - begin), hash);
    const bool ends = i == text.size() || text[i] == '\n';
    ++i;
    if (ends) {
      token(kEndOfLineWord, subword_hash(kEndOfLineWord));
      line();
    }
  }
}

// Calls visit(bucket) for the n-grams of 2 to n words that the hashes of a line's words make up.
template <typename Visit>
void for_word_ngrams(const std::vector<std::uint32_t>& hashes, int n, std::uint32_t n_buckets, Visit visit) {
  if (n < 2 || n_buckets == 0) return;
  // fastText multiplies 32-bit hashes that were taken for signed numbers.
  auto extended = [](std::uint32_t hash) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(hash))); };
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::uint64_t hash = extended(hashes[i]);
    for (std::size_t j = i + 1; j < hashes.size() && j < i + static_cast<std::size_t>(n); ++j) {
      hash = hash * 116049371u + extended(hashes[j]);
      visit(static_cast<std::uint32_t>(hash % n_buckets));
    }
  }
}

// Labelled lines, read and counted, then turned into rows.
class ClassifierData {
 public:
  // Tokens that begin with label_prefix are labels, and are kept without it.
  void add(std::string_view text, std::string_view label_prefix);

  // Keeps the words and labels that came so often, by falling count, and after them the words of `more` that are new. Gives rows
  // to words and to the buckets in use.
  void finish(std::uint64_t min_count, std::uint64_t min_count_label, const std::vector<std::string_view>& more,
              const SubwordRule& subwords, int word_ngrams);

  std::size_t n_words() const { return n_words_; }
  std::size_t n_labels() const { return n_labels_; }
  std::string_view word(std::size_t i) const { return words_.text(word_order_[i]); }
  std::string_view label(std::size_t i) const { return labels_.text(label_order_[i]); }
  std::uint64_t word_count(std::size_t i) const { return word_counts_[word_order_[i]]; }
  std::uint64_t label_count(std::size_t i) const { return label_counts_[label_order_[i]]; }
  std::uint64_t n_tokens() const { return n_tokens_; }  // words and labels kept, as fastText counts them
  const std::vector<std::uint32_t>& buckets() const { return buckets_; }  // that of row n_words + i

  std::size_t n_lines() const { return line_tokens_.size() - 1; }
  // Appends the rows of the line, a row as often as it comes.
  void append_rows(std::size_t line, std::vector<std::uint32_t>& rows) const;
  const std::uint32_t* labels_begin(std::size_t line) const { return labels_of_lines_.data() + line_labels_[line]; }
  const std::uint32_t* labels_end(std::size_t line) const { return labels_of_lines_.data() + line_labels_[line + 1]; }

 private:
  std::vector<std::uint32_t> select(TokenTable& table, std::vector<std::uint64_t>& counts, std::uint64_t least,
                                    std::vector<std::uint32_t>& new_ids);

  TokenTable words_, labels_;
  std::vector<std::uint64_t> word_counts_, label_counts_;
  std::vector<std::uint32_t> word_order_, label_order_;  // kept ones, in their final order
  std::vector<std::uint32_t> tokens_, labels_of_lines_;
  std::vector<std::uint64_t> line_tokens_{0}, line_labels_{0};
  std::size_t n_words_ = 0, n_labels_ = 0;
  std::uint64_t n_tokens_ = 0;
  SubwordLists token_rows_, line_ngrams_;  // rows of a token, and of a line's word n-grams
  std::vector<std::uint32_t> buckets_;
};

}  // namespace qianru
