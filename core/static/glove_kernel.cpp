#include "static/glove_kernel.h"

#include "base/simd.h"

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

struct State {
  float *w, *g, *context, *context_g;
  State(float* row, std::size_t stride) : w(row), g(row + stride), context(row + 2 * stride), context_g(row + 3 * stride) {}
};

// The entries of M rows in one column, and with Both those of the transposed matrix.
template <bool Both, int M>
[[gnu::noinline]] double train_batch(const GloveTile& tile, const GloveEntry* entries, int n_floats, std::size_t stride,
                                     float rate) {
  const State column(tile.columns + entries->column * 4 * stride, stride);
  float* rows[M];
  for (int m = 0; m < M; ++m) rows[m] = tile.rows + entries[m].row * 4 * stride;
  const std::size_t g = stride, context = 2 * stride, context_g = 3 * stride;
  Vf dots[M], backs[M];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) dots[m] = backs[m] = Vf{};
  for (std::ptrdiff_t k = 0; k < n_floats; k += kWidth) {
    const Vf column_context = load(column.context + k);
    const Vf column_w = Both ? load(column.w + k) : Vf{};
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
      dots[m] = fma(load(rows[m] + k), column_context, dots[m]);
      if (Both) backs[m] = fma(load(rows[m] + context + k), column_w, backs[m]);
    }
  }
  double loss = 0;
  Vf steps[M], back_steps[M];
#pragma GCC unroll 4
  for (int m = 0; m < M; ++m) {
    auto step = [&](Vf dot) {
      const float diff = sum_lanes(dot) - entries[m].log_count, scaled = entries[m].weight * diff;
      loss += static_cast<double>(scaled) * static_cast<double>(diff) * 0.5;
      return broadcast(scaled * rate);
    };
    steps[m] = step(dots[m]);
    back_steps[m] = Both ? step(backs[m]) : Vf{};
  }
  for (std::ptrdiff_t k = 0; k < n_floats; k += kWidth) {
    const Vf column_context = load(column.context + k);
    const Vf column_w = Both ? load(column.w + k) : Vf{};
    Vf context_step = {}, context_square = {}, w_step = {}, w_square = {};
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
      const Vf row_w = load(rows[m] + k);
      const Vf t = steps[m] * row_w, row_t = steps[m] * column_context;
      context_step += t;
      context_square = fma(t, t, context_square);
      adagrad(rows[m] + k, rows[m] + g + k, row_w, row_t, row_t * row_t);
      if (Both) {
        const Vf row_context = load(rows[m] + context + k);
        const Vf back_t = back_steps[m] * row_context, row_back_t = back_steps[m] * column_w;
        w_step += back_t;
        w_square = fma(back_t, back_t, w_square);
        adagrad(rows[m] + context + k, rows[m] + context_g + k, row_context, row_back_t, row_back_t * row_back_t);
      }
    }
    adagrad(column.context + k, column.context_g + k, column_context, context_step, context_square);
    if (Both) adagrad(column.w + k, column.g + k, column_w, w_step, w_square);
  }
  return loss;
}

inline void prefetch_state(const float* row, std::size_t stride) {
  for (std::size_t k = 0; k < 4 * stride; k += 16) __builtin_prefetch(row + k, 1, 3);
}

constexpr std::size_t kBatch = 4;
// Entries ahead of the one being trained whose column, where it is another, is fetched.
constexpr std::size_t kAhead = 8;

template <bool Both>
double train_tile(const GloveTile& tile, int n_floats, std::size_t stride, float rate) {
  double loss = 0;
  for (std::size_t e = 0; e < tile.n_entries;) {
    const GloveEntry* const first = tile.entries + e;
    const std::size_t most = kBatch < tile.n_entries - e ? kBatch : tile.n_entries - e;
    auto on_diagonal = [&](const GloveEntry& entry) {
      return Both && tile.rows + entry.row * 4 * stride == tile.columns + entry.column * 4 * stride;
    };
    std::size_t n = 1;
    while (n < most && first[n].column == first->column && !on_diagonal(first[n])) ++n;
    for (std::size_t ahead = e + kAhead; ahead < e + kAhead + n && ahead < tile.n_entries; ++ahead)
      if (tile.entries[ahead].column != tile.entries[ahead - 1].column)
        prefetch_state(tile.columns + tile.entries[ahead].column * 4 * stride, stride);
    if (on_diagonal(*first)) {
      loss += train_batch<false, 1>(tile, first, n_floats, stride, rate);
      n = 1;
    } else if (n == 4) {
      loss += train_batch<Both, 4>(tile, first, n_floats, stride, rate);
    } else if (n == 3) {
      loss += train_batch<Both, 3>(tile, first, n_floats, stride, rate);
    } else if (n == 2) {
      loss += train_batch<Both, 2>(tile, first, n_floats, stride, rate);
    } else {
      loss += train_batch<Both, 1>(tile, first, n_floats, stride, rate);
    }
    e += n;
  }
  return loss;
}

}  // namespace

const GloveKernels& glove_kernels() {
  static constexpr GloveKernels kernels{kWidth, train_tile<false>, train_tile<true>};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
