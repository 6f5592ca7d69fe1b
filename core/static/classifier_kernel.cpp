#include "static/classifier_kernel.h"

#include "base/simd.h"

namespace qianru::QIANRU_ISA {

namespace {

// Columns are taken so many vectors at a time, which stay in registers while the rows pass.
constexpr std::size_t kBlock = 8;

// Calls visit(integral_constant<N>, first column) for blocks of N vectors, and tail(first column) once for the rest.
template <typename Visit, typename Tail>
inline void for_columns(std::size_t dim, Visit visit, Tail tail) {
  std::size_t k = 0;
  for (; k + kBlock * kWidth <= dim; k += kBlock * kWidth) visit(std::integral_constant<std::size_t, kBlock>{}, k);
  for (; k + 2 * kWidth <= dim; k += 2 * kWidth) visit(std::integral_constant<std::size_t, 2>{}, k);
  for (; k + kWidth <= dim; k += kWidth) visit(std::integral_constant<std::size_t, 1>{}, k);
  for (; k < dim; ++k) tail(k);
}

void sum(const float* const* rows, std::size_t n_rows, std::size_t dim, float scale, float* out) {
  for_columns(
      dim,
      [&](auto n, std::size_t k) {
        Vf acc[n.value] = {};
        for (std::size_t i = 0; i < n_rows; ++i)
#pragma GCC unroll 8
          for (std::size_t v = 0; v < n.value; ++v) acc[v] += load(rows[i] + k + v * kWidth);
        for (std::size_t v = 0; v < n.value; ++v) store(out + k + v * kWidth, acc[v] * scale);
      },
      [&](std::size_t k) {
        float total = 0;
        for (std::size_t i = 0; i < n_rows; ++i) total += rows[i][k];
        out[k] = total * scale;
      });
}

void add(float* const* rows, std::size_t n_rows, std::size_t dim, const float* delta) {
  for_columns(
      dim,
      [&](auto n, std::size_t k) {
        Vf d[n.value];
        for (std::size_t v = 0; v < n.value; ++v) d[v] = load(delta + k + v * kWidth);
        for (std::size_t i = 0; i < n_rows; ++i)
#pragma GCC unroll 8
          for (std::size_t v = 0; v < n.value; ++v)
            store(rows[i] + k + v * kWidth, load(rows[i] + k + v * kWidth) + d[v]);
      },
      [&](std::size_t k) {
        for (std::size_t i = 0; i < n_rows; ++i) rows[i][k] += delta[k];
      });
}

void dots(const float* const* rows, std::size_t n_rows, std::size_t dim, const float* x, float* scores) {
  for (std::size_t i = 0; i < n_rows; ++i) {
    Vf acc = {};
    std::size_t k = 0;
    for (; k + kWidth <= dim; k += kWidth) acc = fma(load(rows[i] + k), load(x + k), acc);
    float total = qianru::QIANRU_ISA::sum(acc);
    for (; k < dim; ++k) total += rows[i][k] * x[k];
    scores[i] = total;
  }
}

void update(float* const* rows, std::size_t n_rows, std::size_t dim, const float* x, const float* steps, float scale,
            float* gradient) {
  for_columns(
      dim,
      [&](auto n, std::size_t k) {
        Vf own[n.value], gain[n.value] = {};
        for (std::size_t v = 0; v < n.value; ++v) own[v] = load(x + k + v * kWidth);
        for (std::size_t i = 0; i < n_rows; ++i) {
          const Vf step = broadcast(steps[i]);
#pragma GCC unroll 8
          for (std::size_t v = 0; v < n.value; ++v) {
            float* const at = rows[i] + k + v * kWidth;
            const Vf row = load(at);
            gain[v] = fma(step, row, gain[v]);
            store(at, fma(step, own[v], row));
          }
        }
        for (std::size_t v = 0; v < n.value; ++v) store(gradient + k + v * kWidth, gain[v] * scale);
      },
      [&](std::size_t k) {
        float gain = 0;
        for (std::size_t i = 0; i < n_rows; ++i) {
          gain += steps[i] * rows[i][k];
          rows[i][k] += steps[i] * x[k];
        }
        gradient[k] = gain * scale;
      });
}

}  // namespace

const ClassifierKernels& classifier_kernels() {
  static constexpr ClassifierKernels kernels{sum, add, dots, update};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
