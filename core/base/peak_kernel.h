// The processor's ceiling for fused multiply-adds, so that a benchmark can say how much of it a kernel reaches.
#pragma once

#include "base/cpu.h"

namespace qianru {

struct PeakKernels {
  // Does n * 12 * width multiply-adds on registers; returns their number of floating-point operations.
  double (*multiply_add)(long n, float* sink);
};

QIANRU_DISPATCH(PeakKernels, peak_kernels)

// GFLOP/s of `threads` threads together, in the current instruction set; takes about half a second.
double measure_fma_peak(int threads);

}  // namespace qianru
