// Random numbers that are a function of (key, counter) and of nothing else, so that any thread can draw those of any position.
#pragma once

#include <cstdint>

namespace qianru {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every output bit.
inline std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

inline std::uint64_t random_at(std::uint64_t key, std::uint64_t counter) {
  return mix64(key + counter * 0x9E3779B97F4A7C15u);
}

// A uniform integer below `bound` from 32 random bits (multiply and shift; the bias is below bound / 2^32).
inline std::uint32_t below(std::uint32_t bits, std::uint32_t bound) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits) * bound) >> 32);
}

}  // namespace qianru
