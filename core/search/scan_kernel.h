// The arithmetic of exact search: dot products of a few queries with many rows, and finding the few scores worth keeping.
//
// Contract of every dot product: lane l of one accumulator takes elements l, l + width, l + 2·width, … in that order, the tail
// last, and the lanes are then summed by halving. The shape of the register tile has no part in it, so a query gives the same
// bits alone and in a batch (on one instruction set; different widths round differently).
#pragma once

#include "base/cpu.h"

#include <cstddef>
#include <cstdint>

namespace qianru {

struct ScanKernels {
  // Floats that a packed query of this length takes.
  std::size_t (*packed_size)(std::size_t dim);

  // Lays query [dim] out for `dots`: its tail is moved to the end of a vector of its own, padded with zeros in front.
  void (*pack)(const float* query, std::size_t dim, float* packed);

  // out[q * out_stride + r] = query q · row r, for packed queries and contiguous rows [n_rows, dim].
  void (*dots)(const float* packed, std::size_t n_queries, const float* rows, std::size_t n_rows, std::size_t dim, float* out,
               std::size_t out_stride);

  // out[r] = row r · row r
  void (*squares)(const float* rows, std::size_t n_rows, std::size_t dim, float* out);

  // scores[i] *= factors[i]
  void (*scale)(float* scores, const float* factors, std::size_t n);

  // 3CosAdd: out[i] = b[i] - a[i] + c[i]
  void (*cos_add)(const float* a, const float* b, const float* c, float* out, std::size_t n);

  // 3CosMul: out[i] = (1 + b[i]) / 2 · (1 + c[i]) / 2 / ((1 + a[i]) / 2 + epsilon); out may be one of the inputs.
  void (*cos_mul)(const float* a, const float* b, const float* c, float epsilon, float* out, std::size_t n);

  // The positions i with scores[i] > threshold, in rising order; a NaN is never among them. Returns how many.
  std::size_t (*above)(const float* scores, std::size_t n, float threshold, std::uint32_t* positions);
};

QIANRU_DISPATCH(ScanKernels, scan_kernels)

}  // namespace qianru
