#include "vectors/murmur.h"

#include <cstring>

namespace qianru {

std::uint64_t murmur_64a(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kMultiplier = 0xC6A4A7935BD1E995u;
  constexpr int kShift = 47;
  std::uint64_t hash = seed ^ (text.size() * kMultiplier);
  const char* at = text.data();
  const char* end = at + text.size() / 8 * 8;
  for (; at != end; at += 8) {
    std::uint64_t block;
    std::memcpy(&block, at, 8);
    block *= kMultiplier;
    block ^= block >> kShift;
    hash ^= block * kMultiplier;
    hash *= kMultiplier;
  }
  const std::size_t n_rest = text.size() % 8;
  if (n_rest > 0) {
    std::uint64_t rest = 0;
    std::memcpy(&rest, at, n_rest);
    hash ^= rest;
    hash *= kMultiplier;
  }
  hash ^= hash >> kShift;
  hash *= kMultiplier;
  return hash ^ hash >> kShift;
}

}  // namespace qianru
