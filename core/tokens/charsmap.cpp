#include "tokens/charsmap.h"

#include <cstring>
#include <stdexcept>

namespace qianru {

namespace {

constexpr std::uint32_t kEndsKey = 1u << 8, kIsValue = 1u << 31;

std::uint32_t offset_of(std::uint32_t unit) { return (unit & ~kIsValue) >> 10 << ((unit & 1u << 9) >> 6); }

std::uint32_t read_u32(const char* p) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(p[i]);
  return value;
}

}  // namespace

Charsmap::Charsmap(std::string_view blob) {
  if (blob.empty()) return;
  if (blob.size() < 4) throw std::invalid_argument("the normalisation rules end inside their size, at byte " + std::to_string(blob.size()));
  const std::uint32_t size = read_u32(blob.data());
  if (size == 0 || size % 4 != 0 || size >= blob.size() - 4) {
    throw std::invalid_argument("the trie of the normalisation rules has " + std::to_string(size) + " bytes of " +
                                std::to_string(blob.size() - 4) + "; it must be a multiple of 4, and texts must follow");
  }
  if (blob.back() != '\0') throw std::invalid_argument("the last text of the normalisation rules does not end with NUL");
  units_.resize(size / 4);
  for (std::size_t i = 0; i < units_.size(); ++i) units_[i] = read_u32(blob.data() + 4 + 4 * i);
  texts_ = blob.substr(4 + size);
  for (std::uint32_t first = 0; first < 256; ++first) {
    std::uint32_t node = offset_of(units_[0]);
    if (!step(node, static_cast<unsigned char>(first))) continue;
    starts_[first] = true;
    for (std::uint32_t second = 0; second < 256; ++second) {
      std::uint32_t child = node;
      if (step(child, static_cast<unsigned char>(second))) pairs_[first << 8 | second] = true;
    }
  }
}

bool Charsmap::step(std::uint32_t& node, unsigned char byte) const {
  const std::uint32_t at = node ^ byte;
  if (at >= units_.size()) return false;
  const std::uint32_t unit = units_[at];
  if ((unit & (kIsValue | 0xFF)) != byte) return false;
  node = at ^ offset_of(unit);
  return true;
}

Charsmap::Match Charsmap::match(std::string_view text) const {
  Match longest;
  if (units_.empty()) return longest;
  std::uint32_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint32_t at = node ^ static_cast<unsigned char>(text[i]);
    if (!step(node, static_cast<unsigned char>(text[i]))) break;
    if (!(units_[at] & kEndsKey) || node >= units_.size()) continue;
    const std::uint32_t value = units_[node] & ~kIsValue;
    if (value >= texts_.size()) continue;
    longest = {i + 1, std::string_view(texts_.data() + value)};
  }
  return longest;
}

}  // namespace qianru
