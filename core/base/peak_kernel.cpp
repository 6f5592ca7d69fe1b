#include "base/peak_kernel.h"

#include "base/simd.h"

namespace qianru::QIANRU_ISA {

static double multiply_add(long n, float* sink) {
  Vf acc[12];
  for (Vf& a : acc) a = broadcast(1.0f);
  const Vf x = in_register(broadcast(0.999f)), y = in_register(broadcast(0.001f));
  for (long i = 0; i < n; ++i) {
#pragma GCC unroll 12
    for (Vf& a : acc) a = in_register(fma(a, x, y));
  }
  for (int j = 1; j < 12; ++j) acc[0] += acc[j];
  *sink = sum(acc[0]);
  return static_cast<double>(n) * 12 * kWidth * 2;
}

const PeakKernels& peak_kernels() {
  static constexpr PeakKernels kernels{multiply_add};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
