#include "text/id_block.h"

namespace qianru {

namespace {

std::uint64_t power(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

}  // namespace

void SequenceHash::append(const SequenceHash& other) {
  first = first * power(kFirstBase, other.n_items) + other.first;
  second = second * power(kSecondBase, other.n_items) + other.second;
  n_items += other.n_items;
}

void CorpusHash::append(const IdBlock& block) {
  if (block.leading_line_end) {
    if (line_has_words_) hash_.add(kLineEndItem);
    line_has_words_ = false;
  }
  hash_.append(block.hash);
  if (block.hash.n_items > 0) line_has_words_ = block.ids().back() != kLineEndId;
}

std::string CorpusHash::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {hash_.first, hash_.second})
    for (int shift = 60; shift >= 0; shift -= 4) text.push_back(kDigits[half >> shift & 15]);
  return text;
}

std::size_t remap(std::span<const std::uint32_t> ids, std::span<const std::uint32_t> map, bool starts_in_line,
                  std::uint32_t* out) {
  std::size_t n = 0;
  bool open = starts_in_line;  // a line end here would end a line that has words
  for (const std::uint32_t id : ids) {
    if (id == kLineEndId) {
      if (open) out[n++] = kLineEndId;
      open = false;
    } else if (const std::uint32_t mapped = map[id]; mapped != kDropped) {
      out[n++] = mapped;
      open = true;
    }
  }
  return n;
}

}  // namespace qianru
