#include "vectors/utf8.h"

namespace qianru {

CodePoint code_point(const char* data, std::size_t size) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(data[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t length;
  unsigned low = 0x80, high = 0xBF;  // what the second byte may be
  std::uint32_t value;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2, value = first & 0x1Fu;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, value = first & 0x0Fu;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, value = first & 0x07u;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {kInvalid, 1};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= size || byte(i) < low || byte(i) > high) return {kInvalid, i};
    value = value << 6 | (byte(i) & 0x3Fu);
    low = 0x80, high = 0xBF;
  }
  return {value, length};
}

std::size_t first_invalid(const char* data, std::size_t size) {
  for (std::size_t i = 0; i < size;) {
    const CodePoint point = code_point(data + i, size - i);
    if (point.value == kInvalid) return i;
    i += point.size;
  }
  return size;
}

void append_replaced(const char* data, std::size_t size, std::vector<char>& out) {
  for (std::size_t i = 0; i < size;) {
    const CodePoint point = code_point(data + i, size - i);
    if (point.value == kInvalid)
      for (const char c : {'\xEF', '\xBF', '\xBD'}) out.push_back(c);
    else
      out.insert(out.end(), data + i, data + i + point.size);
    i += point.size;
  }
}

void decode(const char* data, std::size_t size, std::vector<std::uint32_t>& out) {
  out.clear();
  for (std::size_t i = 0; i < size;) {
    const CodePoint point = code_point(data + i, size - i);
    out.push_back(point.value == kInvalid ? 0xFFFDu : point.value);
    i += point.size;
  }
}

}  // namespace qianru
