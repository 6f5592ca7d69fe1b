#include "vectors/word2vec_rows.h"

#include "vectors/utf8.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace qianru {

static_assert(std::endian::native == std::endian::little, "word2vec's binary rows are copied as they are");

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// A decimal number that takes all of the text; std::from_chars knows neither a plus sign nor numbers too small for a float.
bool read_number(const char* begin, const char* end, float& value) {
  if (begin != end && *begin == '+') ++begin;
  const auto [stop, failure] = std::from_chars(begin, end, value);
  if (failure == std::errc{}) return stop == end;
  if (failure != std::errc::result_out_of_range || stop != end) return false;
  double wide = 0;
  if (std::from_chars(begin, end, wide).ec == std::errc{})
    value = static_cast<float>(wide);
  else  // beyond double as well: a negative exponent makes it zero
    value = std::string_view(begin, static_cast<std::size_t>(end - begin)).find("e-") == std::string_view::npos ? INFINITY : 0.0f;
  return true;
}

}  // namespace

RowReader::RowReader(RowFormat format, std::size_t dim, std::size_t n_rows, bool replace)
    : format_(format), dim_(dim), n_rows_(n_rows), replace_(replace) {}

std::size_t RowReader::max_row_bytes() const {
  return kMaxKeyBytes + 2 + dim_ * (format_ == RowFormat::binary ? sizeof(float) : kMaxNumberBytes);
}

std::size_t RowReader::fail(RowError error, std::size_t offset, std::size_t fields) {
  error_ = error;
  error_offset_ = base_ + offset;
  error_fields_ = fields;
  return 0;
}

std::size_t RowReader::feed(const char* data, std::size_t size, bool last, float* matrix) {
  base_ = 0;
  while (n_read() < n_rows_ && base_ < size && error_ == RowError::none) {
    float* row = matrix + n_read() * dim_;
    const char* here = data + base_;
    const std::size_t left = size - base_;
    const std::size_t used = format_ == RowFormat::binary ? binary_row(here, left, row) : text_row(here, left, last, row);
    if (used == 0) break;
    base_ += used;
  }
  return base_;
}

bool RowReader::take_key(const char* data, std::size_t size, std::size_t offset) {
  if (size == 0) return fail(RowError::key_empty, offset), false;
  if (size > kMaxKeyBytes) return fail(RowError::key_too_long, offset), false;
  const std::size_t invalid = first_invalid(data, size);
  if (invalid != size && !replace_) return fail(RowError::key_not_utf8, offset + invalid), false;
  n_replaced_ += invalid != size;
  append_replaced(data, size, bytes_);
  offsets_.push_back(bytes_.size());
  return true;
}

std::size_t RowReader::binary_row(const char* data, std::size_t size, float* row) {
  // The newline that ends a row is read with the next one: gensim writes none.
  const std::size_t skip = n_read() > 0 && data[0] == '\n' ? 1 : 0;
  const char* key = data + skip;
  const std::size_t look = std::min(size - skip, kMaxKeyBytes + 1);
  const auto* space = look ? static_cast<const char*>(std::memchr(key, ' ', look)) : nullptr;
  if (!space) return look > kMaxKeyBytes ? fail(RowError::key_too_long, skip) : 0;
  const auto key_size = static_cast<std::size_t>(space - key);
  const std::size_t numbers = skip + key_size + 1, end = numbers + dim_ * sizeof(float);
  if (end > size) return 0;
  std::memcpy(row, data + numbers, dim_ * sizeof(float));
  for (std::size_t i = 0; i < dim_; ++i)
    if (!std::isfinite(row[i])) return fail(RowError::not_finite, numbers + i * sizeof(float));
  return take_key(key, key_size, skip) ? end : 0;
}

std::size_t RowReader::text_row(const char* data, std::size_t size, bool last, float* row) {
  const auto* newline = static_cast<const char*>(std::memchr(data, '\n', std::min(size, max_row_bytes() + 1)));
  if (!newline && size > max_row_bytes()) return fail(RowError::line_too_long, 0);
  if (!newline && !last) return 0;
  const std::size_t used = newline ? static_cast<std::size_t>(newline - data) + 1 : size;
  const char* end = newline ? newline : data + size;
  while (end > data && is_blank(end[-1])) --end;
  const char* at = std::find_if(data, end, [](char c) { return c == ' ' || c == '\t'; });
  const auto key_size = static_cast<std::size_t>(at - data);
  std::size_t n_fields = 0;
  const char* bad = nullptr;
  while (true) {
    at = std::find_if_not(at, end, is_blank);
    if (at == end) break;
    const char* stop = std::find_if(at, end, is_blank);
    if (n_fields < dim_ && !bad && !read_number(at, stop, row[n_fields])) bad = at;
    if (n_fields < dim_ && !bad && !std::isfinite(row[n_fields])) return fail(RowError::not_finite, static_cast<std::size_t>(at - data));
    ++n_fields;
    at = stop;
  }
  // Too many fields come before a field that is no number: a space in the word gives both, and the count says so best.
  if (n_fields > dim_) return fail(RowError::too_many_numbers, 0, n_fields);
  if (bad) return fail(RowError::not_a_number, static_cast<std::size_t>(bad - data));
  if (n_fields < dim_) return fail(RowError::too_few_numbers, 0, n_fields);
  return take_key(data, key_size, 0) ? used : 0;
}

void append_row(RowFormat format, std::string_view key, const float* row, std::size_t dim, std::string& out) {
  out.append(key);
  if (format == RowFormat::binary) {
    out.push_back(' ');
    out.append(reinterpret_cast<const char*>(row), dim * sizeof(float));
  } else {
    char number[kMaxNumberBytes];
    for (std::size_t i = 0; i < dim; ++i) {
      out.push_back(' ');
      out.append(number, std::to_chars(number, number + sizeof number, row[i]).ptr);
    }
  }
  out.push_back('\n');
}

}  // namespace qianru
