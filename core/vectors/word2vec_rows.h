// The rows of word2vec's two file formats, read from and written to buffers. GloVe's rows are the textual ones. The reader is fed
// pieces of a file of any size and trusts nothing in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qianru {

enum class RowFormat {
  binary,   // word, space, dim little-endian floats, and perhaps a newline
  text,     // word, dim numbers in decimal, separated by spaces or tabs, newline; the word may hold spaces if no number ends it
  numbers,  // as text, without the word; written with tabs
};

// What to do with a word that is not UTF-8: an error, U+FFFD for its broken bytes, or its bytes as they are.
enum class KeyPolicy { strict, replace, keep };

enum class RowError { none, key_empty, key_too_long, key_not_utf8, too_few_numbers, too_many_numbers, not_a_number, not_finite, line_too_long };

class RowReader {
 public:
  RowReader(RowFormat format, std::size_t dim, KeyPolicy policy);

  // Reads as many whole rows as `data` holds and `matrix` [n_rows, dim] has room for, counted from the first row of the file, which
  // is why a caller may come with a larger matrix the next time; `last` says that the file ends here. Returns the bytes used up:
  // the caller puts the others in front of its next piece. Stops at the first error.
  std::size_t feed(const char* data, std::size_t size, bool last, float* matrix, std::size_t n_rows);

  std::size_t n_read() const { return offsets_.size() - 1; }
  // No row is longer than this: when more bytes than that are at hand and none are used up, the file is broken.
  std::size_t max_row_bytes() const;
  const std::vector<char>& key_bytes() const { return bytes_; }
  const std::vector<std::uint64_t>& key_offsets() const { return offsets_; }
  // Words that were not UTF-8.
  std::size_t n_broken() const { return n_broken_; }

  RowError error() const { return error_; }
  // Bytes from the start of the data last fed, and the fields that its row had.
  std::size_t error_offset() const { return error_offset_; }
  std::size_t error_fields() const { return error_fields_; }

 private:
  std::size_t binary_row(const char* data, std::size_t size, float* row);
  std::size_t text_row(const char* data, std::size_t size, bool last, float* row);
  bool split_from_right(const char* data, const char* end, float* row);
  bool take_key(const char* data, std::size_t size, std::size_t offset);
  std::size_t fail(RowError error, std::size_t offset, std::size_t fields = 0);

  RowFormat format_;
  std::size_t dim_;
  KeyPolicy policy_;
  std::vector<char> bytes_;
  std::vector<std::uint64_t> offsets_{0};
  std::size_t n_broken_ = 0;
  std::size_t base_ = 0;  // where the row being read begins in the data fed
  RowError error_ = RowError::none;
  std::size_t error_offset_ = 0, error_fields_ = 0;
};

// Longest key a file may hold: past that, it is not a key but a broken file.
constexpr std::size_t kMaxKeyBytes = 16384;
// Longest decimal number with the separator before it.
constexpr std::size_t kMaxNumberBytes = 64;

// One row appended to `out`; in text, the shortest decimal that reads back as the same float.
void append_row(RowFormat format, std::string_view key, const float* row, std::size_t dim, std::string& out);

}  // namespace qianru
