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
    std::uint64_t hash, count;
    std::uint32_t n_bytes;
    std::string_view text() const { return {data, n_bytes}; }
  };

  void add(std::string_view word, std::uint64_t count) { add(word, hash(word), count); }
  void add_all(const WordCounts& other) {
    for (const Word& word : other.words_) add(word.text(), word.hash, word.count);
  }
  std::span<const Word> words() const { return words_; }

 private:
  static std::uint64_t hash(std::string_view word);
  void add(std::string_view word, std::uint64_t hash, std::uint64_t count);
  void grow();
  const char* keep(std::string_view word);

  std::vector<Word> words_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(64, kEmpty);  // into words_; at most half full
  std::vector<std::unique_ptr<char[]>> pages_;
  char* free_ = nullptr;  // in the last page, page_left_ bytes
  std::size_t page_left_ = 0;

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

  // All of them together.
  const WordCounts& counts();

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
};

}  // namespace qianru
