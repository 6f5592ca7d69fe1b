#include "vectors/word2vec_rows.h"

#include "vectors/utf8.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace qianru {

static_assert(std::endian::native == std::endian::little, "word2vec's binary rows are copied as they are");

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// The number at `at`, some three times as fast as read_number: returns its end, or null where it takes no decision. A mantissa below
// 2^53 times or over an exact power of ten is the nearest double (Clinger 1990), and rounding that to float is right as well
// unless it lies at the middle of two floats, where the first rounding may have hidden on which side the number was.
const char* read_plain_number(const char* at, const char* end, float& value) {
  const bool negative = *at == '-';
  if (negative) ++at;
  std::uint64_t mantissa = 0;
  const char* begin = at;
  for (; at != end && is_digit(*at); ++at) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
  std::ptrdiff_t n_digits = at - begin, exponent = 0;
  if (at != end && *at == '.') {
    const char* fraction = ++at;
    for (; at != end && is_digit(*at); ++at) mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
    exponent = fraction - at;
    n_digits += at - fraction;
  }
  // 19 digits are still below 2^64; more may have wrapped around.
  if (n_digits == 0 || n_digits > 19 || mantissa >> 53) return nullptr;
  if (at != end && (*at == 'e' || *at == 'E')) {
    const bool down = ++at != end && *at == '-';
    if (at != end && (*at == '-' || *at == '+')) ++at;
    const char* digits = at;
    std::ptrdiff_t shift = 0;
    for (; at != end && is_digit(*at) && at - digits < 4; ++at) shift = shift * 10 + (*at - '0');
    if (at == digits) return nullptr;
    exponent += down ? -shift : shift;
  }
  if ((at != end && !is_blank(*at)) || exponent < -22 || exponent > 22) return nullptr;
  const double wide = exponent < 0 ? static_cast<double>(mantissa) / kPowers[-exponent] : static_cast<double>(mantissa) * kPowers[exponent];
  constexpr std::uint64_t kDropped = (std::uint64_t{1} << 29) - 1, kMiddle = std::uint64_t{1} << 28;
  const std::uint64_t dropped = std::bit_cast<std::uint64_t>(wide) & kDropped;
  if (dropped >= kMiddle - 1 && dropped <= kMiddle + 1) return nullptr;
  // Subnormal floats have fewer bits, so other middles.
  if (mantissa != 0 && !(wide >= std::numeric_limits<float>::min() && wide <= std::numeric_limits<float>::max())) return nullptr;
  value = static_cast<float>(negative ? -wide : wide);
  return at;
}

const char* skip_blanks(const char* at, const char* end) {
  while (at != end && is_blank(*at)) ++at;
  return at;
}

const char* field_end(const char* at, const char* end) {
  while (at != end && !is_blank(*at)) ++at;
  return at;
}

}  // namespace

RowReader::RowReader(RowFormat format, std::size_t dim, KeyPolicy policy) : format_(format), dim_(dim), policy_(policy) {}

std::size_t RowReader::max_row_bytes() const {
  return kMaxKeyBytes + 2 + dim_ * (format_ == RowFormat::binary ? sizeof(float) : kMaxNumberBytes);
}

std::size_t RowReader::fail(RowError error, std::size_t offset, std::size_t fields) {
  error_ = error;
  error_offset_ = base_ + offset;
  error_fields_ = fields;
  return 0;
}

std::size_t RowReader::feed(const char* data, std::size_t size, bool last, float* matrix, std::size_t n_rows) {
  base_ = 0;
  while (n_read() < n_rows && base_ < size && error_ == RowError::none) {
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
  if (format_ == RowFormat::numbers) return offsets_.push_back(0), true;
  if (size == 0) return fail(RowError::key_empty, offset), false;
  if (size > kMaxKeyBytes) return fail(RowError::key_too_long, offset), false;
  const std::size_t invalid = first_invalid(data, size);
  if (invalid != size && policy_ == KeyPolicy::strict) return fail(RowError::key_not_utf8, offset + invalid), false;
  n_broken_ += invalid != size;
  if (policy_ == KeyPolicy::replace)
    append_replaced(data, size, bytes_);
  else
    bytes_.insert(bytes_.end(), data, data + size);
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
  // Nearly always the word is what stands before the first blank. Where that does not come out, it is split from the right.
  const bool has_word = format_ == RowFormat::text;
  const char* key_end = has_word ? field_end(data, end) : data;
  const char* at = key_end;
  std::size_t n_fields = 0;
  while (n_fields < dim_) {
    const char* field = skip_blanks(at, end);
    at = field == end ? nullptr : read_plain_number(field, end, row[n_fields]);
    if (!at) break;
    ++n_fields;
  }
  const bool plain = n_fields == dim_ && at == end && (key_end != data || !has_word);
  const bool taken = plain ? take_key(data, static_cast<std::size_t>(key_end - data), 0) : split_from_right(data, end, row);
  return taken ? used : 0;
}

bool RowReader::split_from_right(const char* data, const char* end, float* row) {
  std::size_t n_fields = 0;
  for (const char* at = skip_blanks(data, end); at != end; at = skip_blanks(field_end(at, end), end)) ++n_fields;
  const bool has_word = format_ == RowFormat::text && data != end && !is_blank(*data);
  if (n_fields < dim_ + has_word) return fail(RowError::too_few_numbers, 0, n_fields - has_word), false;
  // Where the numbers begin, and the field before them.
  const char *at = skip_blanks(data, end), *before = at, *key_end = data;
  for (std::size_t i = dim_; i < n_fields; ++i) {
    before = at;
    key_end = field_end(at, end);
    at = skip_blanks(key_end, end);
  }
  float ignored;
  if (n_fields > dim_ + has_word && (!has_word || read_number(before, key_end, ignored)))
    return fail(RowError::too_many_numbers, 0, n_fields - has_word), false;
  for (std::size_t i = 0; i < dim_; ++i) {
    const char* stop = field_end(at, end);
    if (!read_number(at, stop, row[i])) return fail(RowError::not_a_number, static_cast<std::size_t>(at - data)), false;
    if (!std::isfinite(row[i])) return fail(RowError::not_finite, static_cast<std::size_t>(at - data)), false;
    at = skip_blanks(stop, end);
  }
  return take_key(data, static_cast<std::size_t>(key_end - data), 0);
}

void append_row(RowFormat format, std::string_view key, const float* row, std::size_t dim, std::string& out) {
  if (format != RowFormat::numbers) out.append(key);
  if (format == RowFormat::binary) {
    out.push_back(' ');
    out.append(reinterpret_cast<const char*>(row), dim * sizeof(float));
  } else {
    char number[kMaxNumberBytes];
    for (std::size_t i = 0; i < dim; ++i) {
      if (format == RowFormat::text || i > 0) out.push_back(format == RowFormat::text ? ' ' : '\t');
      out.append(number, std::to_chars(number, number + sizeof number, row[i]).ptr);
    }
  }
  out.push_back('\n');
}

}  // namespace qianru
