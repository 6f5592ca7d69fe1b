#include "tokens/word_counts.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace qianru {

std::uint32_t WordCounts::hash(std::string_view word) {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15u;
  std::uint64_t h = word.size() * kFactor;
  const auto mix = [&h](const char* p, std::size_t n) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, p, n);
    h = (h ^ bytes) * kFactor;
    h ^= h >> 29;
  };
  const char* p = word.data();
  std::size_t left = word.size();
  for (; left >= 8; left -= 8, p += 8) mix(p, 8);
  if (left) mix(p, left);
  return static_cast<std::uint32_t>(h ^ h >> 32);
}

// The new entry, whose text is not kept yet, or null.
WordCounts::Word* WordCounts::find_or_make(std::string_view word, std::uint32_t h, std::uint64_t count) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = h & mask;
  for (; slots_[i] != kEmpty; i = (i + 1) & mask) {
    Word& found = words_[slots_[i]];
    if (found.hash == h && found.text() == word) {
      found.count += count;
      return nullptr;
    }
  }
  if (words_.size() >= kEmpty - 1 || word.size() >= kEmpty)
    throw std::length_error("a corpus for training may have 4 billion different words, each shorter than 4 GiB");
  slots_[i] = static_cast<std::uint32_t>(words_.size());
  words_.push_back({word.data(), count, static_cast<std::uint32_t>(word.size()), h});
  n_bytes_ += word.size();
  if (2 * words_.size() > slots_.size()) grow();
  return &words_.back();
}

void WordCounts::take_all(WordCounts& other) {
  if (words_.empty()) {
    *this = std::move(other);
  } else {
    for (const Word& word : other.words_) find_or_make(word.text(), word.hash, word.count);
    std::move(other.pages_.begin(), other.pages_.end(), std::back_inserter(pages_));
    if (other.free_) {
      free_ = other.free_;
      page_left_ = other.page_left_;
    }
  }
  other = WordCounts();
}

WordCounts::Dropped WordCounts::drop_rarest(std::size_t training_bytes) {
  std::vector<std::uint32_t> order(words_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    const Word &x = words_[a], &y = words_[b];
    return std::tuple(x.count, x.hash, x.text()) < std::tuple(y.count, y.hash, y.text());
  });
  Dropped dropped;
  std::size_t n_bytes = n_bytes_;
  std::vector<bool> is_out(words_.size());
  for (const std::uint32_t word : order) {
    const std::size_t left = words_.size() - dropped.n_words;
    if (kTrainingBytesPerWord * left + kTrainingBytesPerByte * n_bytes / 2 <= training_bytes) break;
    is_out[word] = true;
    n_bytes -= words_[word].n_bytes;
    ++dropped.n_words;
    dropped.occurrences += words_[word].count;
    dropped.highest_count = words_[word].count;
  }
  std::vector<std::uint32_t>().swap(order);
  WordCounts kept;
  std::size_t number = 0;
  consume([&](const Word& word) {
    if (!is_out[number++]) kept.add(word.text(), word.count);
  });
  *this = std::move(kept);
  return dropped;
}

void WordCounts::grow() {
  slots_.assign(2 * slots_.size(), kEmpty);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t word = 0; word < words_.size(); ++word) {
    std::size_t i = words_[word].hash & mask;
    while (slots_[i] != kEmpty) i = (i + 1) & mask;
    slots_[i] = static_cast<std::uint32_t>(word);
  }
}

const char* WordCounts::keep(std::string_view word) {
  constexpr std::size_t kPageBytes = 1 << 20;
  if (page_left_ < word.size()) {
    page_left_ = std::max(kPageBytes, word.size());
    pages_.push_back({std::make_unique_for_overwrite<char[]>(page_left_), page_left_});
    free_ = pages_.back().data.get();
  }
  char* const at = free_;
  std::copy(word.begin(), word.end(), at);
  free_ += word.size();
  page_left_ -= word.size();
  return at;
}

void WordCounter::Worker::count_pieces(const char* p, const char* end) {
  if (p == end) return;
  if (options.add_prefix_space && *p != ' ') {
    spaced.assign(1, ' ').append(p, end);
    p = spaced.data();
    end = p + spaced.size();
  }
  for_pieces(scanner, options.pattern, p, end,
             [this](const char* from, const char* to) { counts.add({from, static_cast<std::size_t>(to - from)}, 1); });
}

void WordCounter::Worker::count(std::string_view text) {
  const char* const end = text.data() + text.size();
  if (options.digits == Digits::together) return count_pieces(text.data(), end);
  for (const char* p = text.data(); p < end;) {
    const char* const next = scanner.next_digits(p, end, options.digits);
    count_pieces(p, next);
    p = next;
  }
}

void WordCounter::count_texts(std::span<const std::string_view> texts, int threads) {
  constexpr std::size_t kTexts = 64;
  run_jobs(pool_, [this] { return make_worker(); }, (texts.size() + kTexts - 1) / kTexts, threads,
           [&](Worker& worker, std::size_t job) {
             for (std::size_t i = job * kTexts; i < std::min(texts.size(), (job + 1) * kTexts); ++i) worker.count(texts[i]);
           });
}

void WordCounter::count_lines(std::string_view block, int threads, bool keep_ends) {
  const auto pieces = cut_at_lines(block, 1 << 17);
  run_jobs(pool_, [this] { return make_worker(); }, pieces.size(), threads, [&](Worker& worker, std::size_t job) {
    const char* const end = pieces[job].data() + pieces[job].size();
    for_lines(pieces[job], [&](std::string_view line) {
      const bool has_end = line.data() + line.size() < end;
      worker.count({line.data(), line.size() + (keep_ends && has_end)});
    });
  });
}

WordCounts& WordCounter::counts() {
  for (auto& worker : pool_.take_all()) {
    counts_.take_all(worker->counts);
    worker.reset();
  }
  return counts_;
}

void WordCounter::keep_within(std::size_t training_bytes) {
  std::size_t at_most = counts_.training_bytes();
  pool_.for_idle([&](const Worker& worker) { at_most += worker.counts.training_bytes(); });
  if (at_most <= training_bytes || counts().training_bytes() <= training_bytes) return;
  const WordCounts::Dropped more = counts_.drop_rarest(training_bytes / 4 * 3);
  dropped_.n_words += more.n_words;
  dropped_.occurrences += more.occurrences;
  dropped_.highest_count = std::max(dropped_.highest_count, more.highest_count);
}

}  // namespace qianru
