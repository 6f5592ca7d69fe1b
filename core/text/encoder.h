// One worker's words: turns blocks of text into blocks of ids of its own word table.
//
// A block goes through scan(), then, as long as take_han() has something, its Han runs are cut outside (put_lengths), then
// finish(). The table lives on from block to block; ids of different encoders are brought together by WordTable::merge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/id_block.h"
#include "text/splitter.h"
#include "text/user_dict.h"
#include "text/word_table.h"

namespace qianru {

constexpr std::size_t kMaxWordBytes = 1'000;  // longer words are left out and counted

class Encoder {
 public:
  // `dict` may be null; it must outlive the encoder.
  Encoder(bool lowercase, const UserDict* dict) : lowercase_(lowercase), splitter_(*this, dict) {}
  Encoder(const Encoder&) = delete;

  // `text` is in NFC where it is UTF-8. A block may begin or end inside a line. The text is not needed afterwards.
  void scan(std::string_view text, bool starts_in_line, bool ends_in_line);

  // Lines of words that are split already: words end with NUL, lines with \n.
  void scan_words(std::string_view text);

  // The next Han runs to be cut, joined by \n, at least one and up to about `n_bytes`; empty when there are no more.
  std::string_view take_han(std::size_t n_bytes);

  // The words of what take_han() gave, by their lengths in code points, each \n being a word of its own.
  // Throws std::runtime_error if they do not add up.
  void put_lengths(std::span<const std::uint32_t> lengths);

  IdBlock finish();

  // With all counts settled.
  WordTable& table();

  // What Splitter calls.
  void word(const char* p, std::size_t n_bytes, bool is_ascii);
  void han(const char* p, std::size_t n_bytes, std::size_t n_chars);
  void line_end();

 private:
  static constexpr std::size_t kPending = 64;
  static constexpr std::uint32_t kHanRunId = 0xFFFFFFFD;  // stands in ids_ for a Han run, ends each in run_ids_
  static constexpr std::size_t kMaxRuns = 180'000;        // remembered at a time; fits a table of 8 MiB
  void push(const Key& key) {
    table_.prefetch(key);
    marks_[n_pending_] = 0;
    pending_[n_pending_++] = key;
    if (n_pending_ == kPending) flush();
  }
  void push_mark(std::uint32_t id) {
    marks_[n_pending_++] = id;
    if (n_pending_ == kPending) flush();
  }
  void flush();
  void lowered_word(const char* p, std::size_t n_bytes, bool is_ascii);
  void put_back_han();
  void settle_runs();

  bool lowercase_;
  Splitter<Encoder> splitter_;
  WordTable table_;
  const char* limit_ = nullptr;  // end of the readable text, for make_key
  Key pending_[kPending];
  std::uint32_t marks_[kPending];  // 0 for a word, else the id to write
  std::size_t n_pending_ = 0;
  std::vector<std::uint32_t> ids_;
  // Han runs come again (a fifth of the characters of an encyclopaedia do), and cutting is what Chinese text waits for: each
  // run is cut once, its later occurrences are counted in runs_ and given to its words by settle_runs().
  WordTable runs_;
  std::vector<std::uint32_t> run_ids_, run_begins_;  // words of each run that has been cut
  std::vector<std::uint32_t> block_runs_;            // the runs of this block, in order
  std::vector<std::uint32_t>* out_ = &ids_;
  std::string han_;  // new runs of two and more characters, each followed by \n
  std::size_t han_begin_ = 0, han_end_ = 0;  // the part of it that is out being cut
  std::string lowered_;
  bool starts_in_line_ = false, ends_in_line_ = false;
  bool line_has_words_ = false, first_line_ = true;
  std::size_t n_lines_ = 0, n_long_ = 0;
};

}  // namespace qianru
