// How many of the next bytes are ASCII letters and digits: the inner loop over English, sixteen bytes a step.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace qianru {

inline bool is_ascii_plain(char byte) {
  const auto c = static_cast<unsigned char>(byte);
  return static_cast<unsigned char>((c | 0x20) - 'a') < 26 || static_cast<unsigned char>(c - '0') < 10;
}

// Of the sixteen bytes at p: how many from the first on are plain, 0 to 16.
inline std::size_t plain_of_16(const char* p) {
#if defined(__x86_64__)
  // Signed compares: adding 0x7F - last moves the range up against the largest signed byte, the rest wraps below it.
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  const __m128i letters = _mm_cmpgt_epi8(_mm_add_epi8(lower, _mm_set1_epi8(0x7F - 'z')), _mm_set1_epi8(0x7F - 26));
  const __m128i digits = _mm_cmpgt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(0x7F - '9')), _mm_set1_epi8(0x7F - 10));
  const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letters, digits)));
  return static_cast<std::size_t>(std::countr_one(mask));
#elif defined(__aarch64__)
  const uint8x16_t bytes = vld1q_u8(reinterpret_cast<const std::uint8_t*>(p));
  const uint8x16_t lower = vorrq_u8(bytes, vdupq_n_u8(0x20));
  const uint8x16_t letters = vcltq_u8(vsubq_u8(lower, vdupq_n_u8('a')), vdupq_n_u8(26));
  const uint8x16_t digits = vcltq_u8(vsubq_u8(bytes, vdupq_n_u8('0')), vdupq_n_u8(10));
  const uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(vorrq_u8(letters, digits)), 4);
  return static_cast<std::size_t>(std::countr_one(vget_lane_u64(vreinterpret_u64_u8(nibbles), 0))) / 4;
#else
  std::size_t n = 0;
  while (n < 16 && is_ascii_plain(p[n])) ++n;
  return n;
#endif
}

// The first byte at or after p that is no ASCII letter or digit, or end.
inline const char* skip_plain(const char* p, const char* end) {
  while (end - p >= 16) {
    const std::size_t n = plain_of_16(p);
    p += n;
    if (n < 16) return p;
  }
  while (p < end && is_ascii_plain(*p)) ++p;
  return p;
}

}  // namespace qianru
