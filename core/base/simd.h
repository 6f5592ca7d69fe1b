// The widest float vector of the instruction set a kernel file is compiled for, on the compiler's vector extensions, so that
// one source serves SSE, AVX2, AVX-512 and NEON. Include only from *_kernel.cpp files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace qianru::QIANRU_ISA {

// QIANRU_WIDTH may be forced wider than the registers, so that the 16-lane code can be tested without AVX-512.
#if defined(QIANRU_WIDTH)
constexpr int kWidth = QIANRU_WIDTH;
#elif defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

typedef float Vf __attribute__((vector_size(kWidth * 4)));
typedef float VfUnaligned __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));
typedef std::int32_t Vi __attribute__((vector_size(kWidth * 4)));

static inline Vf load(const float* p) { return *reinterpret_cast<const VfUnaligned*>(p); }
static inline void store(float* p, Vf v) { *reinterpret_cast<VfUnaligned*>(p) = v; }
static inline Vf broadcast(float x) { return x - Vf{}; }

static inline Vf fma(Vf a, Vf b, Vf c) {
#if defined(__AVX512F__)
  if constexpr (kWidth == 16) return (Vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  if constexpr (kWidth == 8) return (Vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  if constexpr (kWidth == 4) return (Vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#endif
  return a * b + c;
}

// Sum of all lanes, halving: the same order of additions on every call.
static inline float sum(Vf v) {
  float lane[kWidth];
  std::memcpy(lane, &v, sizeof v);
  for (int half = kWidth / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

}  // namespace qianru::QIANRU_ISA
