#include "static/glove_kernel.h"

#include "base/simd.h"

namespace qianru::QIANRU_ISA {

namespace {

// 1 / sqrt(x) for positive normal x, relative error below 5e-6: the exponent halved by a shift, the constants of Kadlec's
// first step, one of Newton's after it. Division and square root would take most of the time, and the processors' own
// estimates differ from one another.
inline Vf inverse_sqrt(Vf x) {
  Vi bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = 0x5F1FFFF9 - (bits >> 1);
  Vf y;
  std::memcpy(&y, &bits, sizeof y);
  y = y * 0.703952253f * fma(-(x * y), y, broadcast(2.38924456f));
#if !defined(QIANRU_GLOVE_ONE_STEP)
  y = y * fma(x * -0.5f * y, y, broadcast(1.5f));
#endif
  return y;
}

// w -= t / sqrt(G), G += t^2
inline void adagrad(float* w, float* g, Vf value, Vf step) {
  const Vf sum = load(g);
  store(w, fma(-step, inverse_sqrt(sum), value));
  store(g, fma(step, step, sum));
}

struct State {
  float *w, *g, *context, *context_g;
  State(float* row, std::size_t stride) : w(row), g(row + stride), context(row + 2 * stride), context_g(row + 3 * stride) {}
};

inline double train_one(const State& row, const State& column, const GloveEntry& entry, int n_floats, float rate) {
  Vf dot = {};
  for (int k = 0; k < n_floats; k += kWidth) dot = fma(load(row.w + k), load(column.context + k), dot);
  const float diff = sum(dot) - entry.log_count;
  const float scaled = entry.weight * diff;
  const Vf c = broadcast(scaled * rate);
  for (int k = 0; k < n_floats; k += kWidth) {
    const Vf w = load(row.w + k), context = load(column.context + k);
    adagrad(row.w + k, row.g + k, w, c * context);
    adagrad(column.context + k, column.context_g + k, context, c * w);
  }
  return static_cast<double>(scaled) * static_cast<double>(diff) * 0.5;
}

inline void prefetch_state(const float* row, std::size_t stride) {
  for (std::size_t k = 0; k < 4 * stride; k += 16) __builtin_prefetch(row + k, 1, 3);
}

// Entries ahead of the one being trained whose column, where it is another, is fetched.
constexpr std::size_t kAhead = 6;

double one_way(const GloveTile& tile, int n_floats, std::size_t stride, float rate) {
  double loss = 0;
  for (std::size_t e = 0; e < tile.n_entries; ++e) {
    const GloveEntry entry = tile.entries[e];
    const State row(tile.rows + entry.row * 4 * stride, stride), column(tile.columns + entry.column * 4 * stride, stride);
    if (e + kAhead < tile.n_entries && tile.entries[e + kAhead].column != tile.entries[e + kAhead - 1].column)
      prefetch_state(tile.columns + tile.entries[e + kAhead].column * 4 * stride, stride);
    loss += train_one(row, column, entry, n_floats, rate);
  }
  return loss;
}

double both_ways(const GloveTile& tile, int n_floats, std::size_t stride, float rate) {
  double loss = 0;
  for (std::size_t e = 0; e < tile.n_entries; ++e) {
    const GloveEntry entry = tile.entries[e];
    const State a(tile.rows + entry.row * 4 * stride, stride), b(tile.columns + entry.column * 4 * stride, stride);
    if (e + kAhead < tile.n_entries && tile.entries[e + kAhead].column != tile.entries[e + kAhead - 1].column)
      prefetch_state(tile.columns + tile.entries[e + kAhead].column * 4 * stride, stride);
    if (a.w == b.w) {
      loss += train_one(a, b, entry, n_floats, rate);
      continue;
    }
    Vf dot = {}, back = {};
    for (int k = 0; k < n_floats; k += kWidth) {
      dot = fma(load(a.w + k), load(b.context + k), dot);
      back = fma(load(b.w + k), load(a.context + k), back);
    }
    const float diff = sum(dot) - entry.log_count, back_diff = sum(back) - entry.log_count;
    const float scaled = entry.weight * diff, back_scaled = entry.weight * back_diff;
    const Vf c = broadcast(scaled * rate), back_c = broadcast(back_scaled * rate);
    for (int k = 0; k < n_floats; k += kWidth) {
      const Vf aw = load(a.w + k), bc = load(b.context + k);
      adagrad(a.w + k, a.g + k, aw, c * bc);
      adagrad(b.context + k, b.context_g + k, bc, c * aw);
      const Vf bw = load(b.w + k), ac = load(a.context + k);
      adagrad(b.w + k, b.g + k, bw, back_c * ac);
      adagrad(a.context + k, a.context_g + k, ac, back_c * bw);
    }
    loss += (static_cast<double>(scaled) * static_cast<double>(diff) +
             static_cast<double>(back_scaled) * static_cast<double>(back_diff)) * 0.5;
  }
  return loss;
}

}  // namespace

const GloveKernels& glove_kernels() {
  static constexpr GloveKernels kernels{kWidth, one_way, both_ways};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
