// How often each piece of text stands in a corpus: what the training of vocabularies starts from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/batch.h"
#include "tokens/pretokenize.h"

namespace qianru {

// Words and 64-bit counts. Open addressing over entries in the order of their first appearance.
class WordCounts {
 public:
  struct Word {
    const char* data;
    std::uint64_t count;
    std::uint32_t n_bytes, hash;
    std::string_view text() const { return {data, n_bytes}; }
  };
  struct Dropped {
    std::uint64_t n_words = 0, occurrences = 0, highest_count = 0;
  };

  void add(std::string_view word, std::uint64_t count) {
    if (Word* const made = find_or_make(word, hash(word), count)) made->data = keep(word);
  }
  // Takes the other's words; their texts stay where they are.
  void take_all(WordCounts& other);
  std::span<const Word> words() const { return words_; }

  // An upper estimate of the bytes that training on these words takes (BpeTrainer's arrays, and these).
  std::size_t training_bytes() const { return kTrainingBytesPerWord * words_.size() + kTrainingBytesPerByte * n_bytes_ / 2; }
  // Leaves out the rarest words, of equally rare ones those of low hash, until training takes so many bytes at most. What is
  // left of the words seen once is then an even sample.
  Dropped drop_rarest(std::size_t training_bytes);
  // Calls f(word) for all words in turn, giving the memory of their texts back on the way; they are gone afterwards.
  template <class F>
  void consume(F f) {
    std::vector<std::uint32_t>().swap(slots_);
    std::size_t page = 0;
    for (const Word& word : words_) {
      if (word.n_bytes)
        while (word.data < pages_[page].data.get() || word.data >= pages_[page].data.get() + pages_[page].n_bytes) pages_[page++].data.reset();
      f(word);
    }
    *this = WordCounts();
  }

 private:
  struct Page {
    std::unique_ptr<char[]> data;
    std::size_t n_bytes;
  };

  static std::uint32_t hash(std::string_view word);
  Word* find_or_make(std::string_view word, std::uint32_t hash, std::uint64_t count);
  void grow();
  const char* keep(std::string_view word);

  std::vector<Word> words_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(64, kEmpty);  // into words_; at most half full
  std::vector<Page> pages_;  // texts lie in them in the order of words_
  char* free_ = nullptr;     // in the last page, page_left_ bytes
  std::size_t page_left_ = 0;
  std::size_t n_bytes_ = 0;  // of the words' texts

  // Per byte of a word: 1 here, 4 in the trainer's slots, half for its lists. Per word: 24 and 16 here, as much again while the
  // arrays grow, 12 in the trainer.
  static constexpr std::size_t kTrainingBytesPerWord = 64, kTrainingBytesPerByte = 11;  // the latter for two

  static constexpr std::uint32_t kEmpty = 0xFFFFFFFF;
};

// Counts the pieces of texts, cut as an encoder with the same options cuts them.
class WordCounter {
 public:
  explicit WordCounter(const PretokenizeOptions& options) : options_(options) {}

  void count_texts(std::span<const std::string_view> texts, int threads);
  // One text a line, with its \n or without.
  void count_lines(std::string_view block, int threads, bool keep_ends);
  void add(std::string_view word, std::uint64_t count) { counts_.add(word, count); }

  // All of them together; a trainer may take them.
  WordCounts& counts();
  // Leaves out the rarest pieces if training on all of them would take more bytes. Called after each block of text it leaves the
  // same pieces whatever the number of threads.
  void keep_within(std::size_t training_bytes);
  const WordCounts::Dropped& dropped() const { return dropped_; }

 private:
  struct Worker {
    explicit Worker(const PretokenizeOptions& chosen) : options(chosen) {}
    void count(std::string_view text);
    void count_pieces(const char* p, const char* end);

    const PretokenizeOptions& options;
    Scanner scanner;
    std::string spaced;
    WordCounts counts;
  };
  std::unique_ptr<Worker> make_worker() const { return std::make_unique<Worker>(options_); }

  PretokenizeOptions options_;
  WorkerPool<Worker> pool_;
  WordCounts counts_;
  WordCounts::Dropped dropped_;
};

}  // namespace qianru
