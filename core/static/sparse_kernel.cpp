#include "base/simd.h"
#include "static/sparse.h"

namespace qianru::QIANRU_ISA {

namespace {

constexpr std::uint64_t kAhead = 4;  // entries ahead whose dense rows are fetched

void times_dense(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t low,
                 std::size_t high, const float* dense, std::size_t dim, float* out) {
  const std::size_t whole = dim / kWidth * kWidth;
  for (std::size_t row = low; row < high; ++row) {
    float* const sum = out + row * dim;
    for (std::size_t k = 0; k < dim; ++k) sum[k] = 0;
    for (std::uint64_t e = offsets[row]; e < offsets[row + 1]; ++e) {
      if (e + kAhead < offsets[row + 1]) __builtin_prefetch(dense + columns[e + kAhead] * dim);
      const float* const from = dense + columns[e] * dim;
      const float value = values[e];
      const Vf all = broadcast(value);
      for (std::size_t k = 0; k < whole; k += kWidth) store(sum + k, fma(all, load(from + k), load(sum + k)));
      for (std::size_t k = whole; k < dim; ++k) sum[k] += value * from[k];
    }
  }
}

}  // namespace

const SparseKernels& sparse_kernels() {
  static constexpr SparseKernels kernels{times_dense};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
