// The widest float vector of the instruction set a kernel file is compiled for, on the compiler's vector extensions, so that
// one source serves SSE, AVX2, AVX-512 and NEON. Include only from *_kernel.cpp files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace qianru::QIANRU_ISA {

// QIANRU_WIDTH forces 16 lanes on narrower registers, so that the AVX-512 code can be tested without AVX-512.
#if defined(QIANRU_WIDTH)
constexpr int kWidth = QIANRU_WIDTH;
#elif defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

// AVX-512 and NEON have 32 vector registers, the others 16.
#if defined(__AVX512F__) || defined(__aarch64__) || defined(QIANRU_WIDTH)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

typedef float Vf __attribute__((vector_size(kWidth * 4)));
typedef float VfUnaligned __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));
typedef std::int32_t Vi __attribute__((vector_size(kWidth * 4)));

static inline Vf load(const float* p) { return *reinterpret_cast<const VfUnaligned*>(p); }
static inline void store(float* p, Vf v) { *reinterpret_cast<VfUnaligned*>(p) = v; }
static inline Vf broadcast(float x) { return x - Vf{}; }

// Keeps the compiler from folding a load into each of its uses, which would load it again for each.
static inline Vf in_register(Vf v) {
#if defined(QIANRU_WIDTH)
  // wider than a register: nothing to keep
#elif defined(__x86_64__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

static inline Vf fma(Vf a, Vf b, Vf c) {
#if defined(QIANRU_WIDTH) && defined(__FMA__)
  __m256 x[kWidth / 8], y[kWidth / 8], z[kWidth / 8];
  std::memcpy(x, &a, sizeof a);
  std::memcpy(y, &b, sizeof b);
  std::memcpy(z, &c, sizeof c);
  for (int i = 0; i < kWidth / 8; ++i) z[i] = _mm256_fmadd_ps(x[i], y[i], z[i]);
  std::memcpy(&c, z, sizeof c);
  return c;
#elif defined(__AVX512F__)
  return (Vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (Vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (Vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

template <int... Lane>
static inline Vi numbered(std::integer_sequence<int, Lane...>) {
  return Vi{Lane...};
}
static inline Vi lane_numbers() { return numbered(std::make_integer_sequence<int, kWidth>{}); }

// ---- many horizontal sums at once --------------------------------------------------------------------------------------------
// Each stage takes two vectors and adds halves of both side by side, so that after log2(kWidth) stages one vector holds kWidth
// sums. Stages 1 and 2 stay inside 128-bit lanes, where shuffles are cheap; 3 and 4 cross them.

template <int Stage, bool High>
constexpr int stage_index(int lane) {
  constexpr int kHalfQuads = kWidth >= 8 ? kWidth / 8 : 1;
  const int quad = lane / 4, j = lane % 4;
  if constexpr (Stage == 1) {
    return (j % 2 ? kWidth : 0) + quad * 4 + j / 2 + (High ? 2 : 0);
  } else if constexpr (Stage == 2) {
    return (j / 2 ? kWidth : 0) + quad * 4 + j % 2 + (High ? 2 : 0);
  } else {
    return (quad >= kHalfQuads ? kWidth : 0) + (quad % kHalfQuads * 2 + (High ? 1 : 0)) * 4 + j;
  }
}

template <int Stage, int... Lane>
static inline Vf add_halves(Vf a, Vf b, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(a, b, stage_index<Stage, false>(Lane)...) +
         __builtin_shufflevector(a, b, stage_index<Stage, true>(Lane)...);
}

template <int Stage>
static inline Vf sum_stage(const float* rows) {
  constexpr auto lanes = std::make_integer_sequence<int, kWidth>{};
  constexpr int kHalf = kWidth << (Stage - 1);  // floats in the first 2^(Stage-1) rows
  if constexpr (Stage == 1) {
    return add_halves<1>(load(rows), load(rows + kWidth), lanes);
  } else {
    return add_halves<(Stage < 3 ? Stage : 3)>(sum_stage<Stage - 1>(rows), sum_stage<Stage - 1>(rows + kHalf), lanes);
  }
}

// The sums of kWidth rows of kWidth floats.
static inline Vf sum_rows(const float* rows) {
  constexpr int kStages = kWidth == 16 ? 4 : kWidth == 8 ? 3 : 2;
  return sum_stage<kStages>(rows);
}

static inline float sum(Vf v) {
  float lane[kWidth];
  std::memcpy(lane, &v, sizeof v);
  for (int half = kWidth / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

// e^x for x <= 0, relative error below 2e-7: 2^n times a polynomial in the rest. NaN stays NaN; below -87 it is e^-87.
static inline Vf exp_nonpositive(Vf x) {
  x = x < -87.0f ? broadcast(-87.0f) : x;
  const Vf shifted = fma(x, broadcast(1.44269504f), broadcast(12582912.0f));  // adding 1.5 * 2^23 rounds to an integer
  const Vf n = shifted - 12582912.0f;
  Vf r = fma(n, broadcast(-0.693359375f), x);
  r = fma(n, broadcast(2.12194440e-4f), r);
  Vf p = broadcast(1.9875691500e-4f);
  p = fma(p, r, broadcast(1.3981999507e-3f));
  p = fma(p, r, broadcast(8.3334519073e-3f));
  p = fma(p, r, broadcast(4.1665795894e-2f));
  p = fma(p, r, broadcast(1.6666665459e-1f));
  p = fma(p, r, broadcast(0.5f));
  p = fma(p, r * r, r + 1.0f);
  Vi exponent;
  std::memcpy(&exponent, &shifted, sizeof exponent);
  exponent = (exponent + (127 - 0x4B400000)) << 23;
  Vf scale;
  std::memcpy(&scale, &exponent, sizeof scale);
  return p * scale;
}

}  // namespace qianru::QIANRU_ISA
