#include "static/glove_kernel.h"

#include "base/simd.h"

#include <algorithm>

namespace qianru::QIANRU_ISA {

namespace {

// 1 / sqrt(x) for positive normal x, relative error below 7e-4, which is nothing for the size of a step: the exponent halved by
// a shift, then a step like Newton's (constants: Kadlec 2010). Division and square root would take most of the time, and the
// processors' own estimates differ from one another.
inline Vf inverse_sqrt(Vf x) {
  Vi bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = 0x5F1FFFF9 - (bits >> 1);
  Vf y;
  std::memcpy(&y, &bits, sizeof y);
  y = y * 0.703952253f * fma(-(x * y), y, broadcast(2.38924456f));
  return y;
}

// The sum of the lanes, in every lane: halves added to halves, as sum() does, but without leaving the registers.
template <int Half, int... Lane>
inline Vf fold(Vf v, std::integer_sequence<int, Lane...> lanes) {
  v += __builtin_shufflevector(v, v, ((Lane + Half) % kWidth)...);
  if constexpr (Half > 1)
    return fold<Half / 2>(v, lanes);
  else
    return v;
}
inline float sum_lanes(Vf v) { return fold<kWidth / 2>(v, std::make_integer_sequence<int, kWidth>{})[0]; }

// G += square, w -= step / sqrt(G)
inline void adagrad(float* w, float* g, Vf value, Vf step, Vf square) {
  const Vf sum = load(g) + square;
  store(w, fma(-step, inverse_sqrt(sum), value));
  store(g, sum);
}

// M entries of one column, which lie one behind the other.
template <int M>
[[gnu::noinline]] double train_batch(const GloveTile& tile, const GloveEntry* first, int n_floats, std::size_t stride,
                                     float rate) {
  float* const column = tile.columns + first->column * 4 * stride;
  float* rows[M];
  for (int m = 0; m < M; ++m) rows[m] = tile.rows + first[m].row * 4 * stride;
  Vf dots[M];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) dots[m] = Vf{};
  for (std::ptrdiff_t k = 0; k < n_floats; k += kWidth) {
    const Vf v = load(column + k);
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) dots[m] = fma(load(rows[m] + k), v, dots[m]);
  }
  double loss = 0;
  Vf steps[M];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
    const GloveEntry& entry = first[m];
    const float diff = sum_lanes(dots[m]) - entry.log_count, scaled = entry.weight * diff;
    loss += static_cast<double>(scaled) * static_cast<double>(diff) * 0.5;
    steps[m] = broadcast(scaled * rate);
  }
  for (std::ptrdiff_t k = 0; k < n_floats; k += kWidth) {
    const Vf v = load(column + k);
    Vf step = {}, square = {};
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
      const Vf u = load(rows[m] + k);
      const Vf t = steps[m] * u, row_t = steps[m] * v;
      step += t;
      square = fma(t, t, square);
      adagrad(rows[m] + k, rows[m] + stride + k, u, row_t, row_t * row_t);
    }
    adagrad(column + k, column + stride + k, v, step, square);
  }
  return loss;
}

constexpr std::ptrdiff_t kBatch = 4;
// Entries ahead of the one being trained whose column, where it is another, is fetched.
constexpr std::ptrdiff_t kAhead = 8;

double train(const GloveTile& tile, int n_floats, std::size_t stride, float rate) {
  double loss = 0;
  const auto n_entries = static_cast<std::ptrdiff_t>(tile.n_entries);
  const GloveEntry* const entries = tile.entries;
  auto is_skipped = [&](std::ptrdiff_t e) { return tile.skips_diagonal && entries[e].row == entries[e].column; };
  for (std::ptrdiff_t e = 0; e < n_entries;) {
    if (is_skipped(e)) {
      ++e;
      continue;
    }
    const GloveEntry* const first = entries + e;
    const std::ptrdiff_t most = std::min(kBatch, n_entries - e);
    std::ptrdiff_t n = 1;
    while (n < most && entries[e + n].column == first->column && !is_skipped(e + n)) ++n;
    for (std::ptrdiff_t ahead = e + kAhead; ahead < e + kAhead + n && ahead < n_entries; ++ahead) {
      if (entries[ahead].column == entries[ahead - 1].column) continue;
      const float* const column = tile.columns + entries[ahead].column * 4 * stride;
      for (std::size_t k = 0; k < 2 * stride; k += 16) __builtin_prefetch(column + k, 1, 3);
    }
    switch (n) {
      case 4: loss += train_batch<4>(tile, first, n_floats, stride, rate); break;
      case 3: loss += train_batch<3>(tile, first, n_floats, stride, rate); break;
      case 2: loss += train_batch<2>(tile, first, n_floats, stride, rate); break;
      default: loss += train_batch<1>(tile, first, n_floats, stride, rate);
    }
    e += n;
  }
  return loss;
}

}  // namespace

const GloveKernels& glove_kernels() {
  static constexpr GloveKernels kernels{kWidth, train};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
