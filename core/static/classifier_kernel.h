// The vector arithmetic of a linear text classifier, for every instruction set: the mean of many rows, scores, updates. Rows may
// have any length; one that is listed twice counts twice.
#pragma once

#include "base/cpu.h"

#include <cstddef>

namespace qianru {

struct ClassifierKernels {
  // out = sum of the rows times scale
  void (*sum)(const float* const* rows, std::size_t n_rows, std::size_t dim, float scale, float* out);
  // each row += delta
  void (*add)(float* const* rows, std::size_t n_rows, std::size_t dim, const float* delta);
  // scores[i] = rows[i] . x
  void (*dots)(const float* const* rows, std::size_t n_rows, std::size_t dim, const float* x, float* scores);
  // gradient = scale * sum of steps[i] * rows[i] before the update; rows[i] += steps[i] * x
  void (*update)(float* const* rows, std::size_t n_rows, std::size_t dim, const float* x, const float* steps, float scale,
                 float* gradient);
};

QIANRU_DISPATCH(ClassifierKernels, classifier_kernels)

}  // namespace qianru
