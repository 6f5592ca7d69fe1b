#include "static/word2vec_kernel.h"

#include "base/simd.h"

namespace qianru::QIANRU_ISA {

namespace {

// Six outputs at a time: the centre word and five drawn ones fill the registers exactly, two input rows beside them on 16
// registers, four on 32.
constexpr int kOutputs = 6;
constexpr int kInputs = kRegisters == 32 ? 4 : 2;

// Keeps the compiler from adding to several pointers at once: a vector loaded over pointers stored one by one a moment ago would
// have to wait until the stores have reached the cache.
template <typename T>
static inline T* pointer_in_register(T* p) {
  asm("" : "+r"(p));
  return p;
}

// scores[c * n_outputs + j] = u_c . v_j for M inputs and N outputs. Not inlined: the pointers and the accumulators take every
// register there is. May write kWidth - 1 floats past its last score.
template <int M, int N>
[[gnu::noinline]] void dot_tile(float* const* inputs, float* const* outputs, int n_floats, int n_outputs, float* scores) {
  const float *u_rows[M], *v_rows[N];
  for (int c = 0; c < M; ++c) u_rows[c] = pointer_in_register(inputs[c] + n_floats);
  for (int j = 0; j < N; ++j) v_rows[j] = pointer_in_register(outputs[j] + n_floats);
  Vf acc[M * N];
#pragma GCC unroll 24
  for (int i = 0; i < M * N; ++i) acc[i] = Vf{};
  for (std::ptrdiff_t k = -n_floats; k < 0; k += kWidth) {
    Vf u[M];
#pragma GCC unroll 4
    for (int c = 0; c < M; ++c) u[c] = load(u_rows[c] + k);
#pragma GCC unroll 6
    for (int j = 0; j < N; ++j) {
      const Vf v = in_register(load(v_rows[j] + k));
#pragma GCC unroll 4
      for (int c = 0; c < M; ++c) acc[c * N + j] = fma(u[c], v, acc[c * N + j]);
    }
  }
  if (n_outputs == N) {
    store_sums<M * N>(acc, scores);
  } else {
    float tile[M * N + kWidth];
    store_sums<M * N>(acc, tile);
    for (int c = 0; c < M; ++c)
      for (int j = 0; j < N; ++j) scores[c * n_outputs + j] = tile[c * N + j];
  }
}

// All inputs in tiles of nearly equal height: 4 + 1 would leave the last one waiting for its own additions.
template <int N>
inline void dot_columns(const Window& w, int first, int n_floats) {
  const int n_tiles = (w.n_inputs + kInputs - 1) / kInputs;
  for (int tile = 0, c = 0; tile < n_tiles; ++tile) {
    const int height = (w.n_inputs - c + n_tiles - tile - 1) / (n_tiles - tile);
    float* const to = w.scores + c * w.n_outputs + first;
    switch (height) {
      case 1: dot_tile<1, N>(w.inputs + c, w.outputs + first, n_floats, w.n_outputs, to); break;
      case 2: dot_tile<2, N>(w.inputs + c, w.outputs + first, n_floats, w.n_outputs, to); break;
      case 3: if constexpr (kInputs >= 3) dot_tile<3, N>(w.inputs + c, w.outputs + first, n_floats, w.n_outputs, to); break;
      default: if constexpr (kInputs >= 4) dot_tile<4, N>(w.inputs + c, w.outputs + first, n_floats, w.n_outputs, to);
    }
    c += height;
  }
}

// Asks for the rows' line at k. All lines of some rows at once would take every place in the near cache's queue of misses, and the
// window's own loads would wait for them. They go to the second-level cache: the first one is full of the windows at work.
inline void ask(const Coming& coming, std::ptrdiff_t k) {
  if (k % 16 != 0) return;
  for (int i = 0; i < coming.n; ++i) __builtin_prefetch(coming.rows[i] + k, 0, 2);
}

// u_c += sum_j g_cj v_j and v_j += sum_c g_cj u_c for N outputs and all inputs, one pass over the floats.
template <int N>
[[gnu::noinline]] void update_columns(float* const* inputs, int n_inputs, float* const* outputs, int n_outputs, int n_floats,
                                      const float* gradients, const Coming& coming) {
  float* rows[N];
  for (int j = 0; j < N; ++j) rows[j] = pointer_in_register(outputs[j]);
  const float* const end = gradients + n_inputs * n_outputs;
  for (std::ptrdiff_t k = 0; k < n_floats; k += kWidth) {
    ask(coming, k);
    Vf v[N], moved_v[N];
#pragma GCC unroll 6
    for (int j = 0; j < N; ++j) moved_v[j] = v[j] = load(rows[j] + k);
    float* const* input = inputs;
    for (const float* g = gradients; g != end; g += n_outputs) {
      float* const row = *input++ + k;
      const Vf u = load(row);
      Vf moved_u[2] = {u, Vf{}};  // two chains, so that the additions do not wait for each other
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        const Vf rate = in_register(broadcast(g[j]));
        moved_u[j % 2] = j == 1 ? rate * v[j] : fma(rate, v[j], moved_u[j % 2]);
        moved_v[j] = fma(rate, u, moved_v[j]);
      }
      store(row, N > 1 ? moved_u[0] + moved_u[1] : moved_u[0]);
    }
#pragma GCC unroll 6
    for (int j = 0; j < N; ++j) store(rows[j] + k, moved_v[j]);
  }
}

// Calls visit(integral_constant<N>, first) for groups of six outputs and the rest.
template <typename Visit>
inline void for_column_groups(int n_outputs, Visit visit) {
  int first = 0;
  for (; first + kOutputs <= n_outputs; first += kOutputs) visit(std::integral_constant<int, kOutputs>{}, first);
  switch (n_outputs - first) {
    case 5: return visit(std::integral_constant<int, 5>{}, first);
    case 4: return visit(std::integral_constant<int, 4>{}, first);
    case 3: return visit(std::integral_constant<int, 3>{}, first);
    case 2: return visit(std::integral_constant<int, 2>{}, first);
    case 1: return visit(std::integral_constant<int, 1>{}, first);
    default: return;
  }
}

typedef float HalfFloats __attribute__((vector_size(kWidth * 2)));
typedef double HalfDoubles __attribute__((vector_size(kWidth * 4)));

// Adds up to eight factors' products and the linear parts to the loss.
inline void add_to_loss(LossSum& loss, Vf linear, Vf product) {
  float lane[2][kWidth];
  store(lane[0], linear);
  store(lane[1], product);
  for (int half = 0; half < 2; ++half) {
    HalfFloats x, f;
    std::memcpy(&x, lane[0] + half * (kWidth / 2), sizeof x);
    std::memcpy(&f, lane[1] + half * (kWidth / 2), sizeof f);
    HalfDoubles sums, products;
    std::memcpy(&sums, loss.linear + half * (kWidth / 2), sizeof sums);
    std::memcpy(&products, loss.product + half * (kWidth / 2), sizeof products);
    sums += __builtin_convertvector(x, HalfDoubles);
    products *= __builtin_convertvector(f, HalfDoubles);
    std::memcpy(loss.linear + half * (kWidth / 2), &sums, sizeof sums);
    std::memcpy(loss.product + half * (kWidth / 2), &products, sizeof products);
  }
  if (++loss.n_products == 100) loss.total();
}

// Scores to gradients in place, loss on the way.
inline void gradients_from_scores(const Window& w, float rate, LossSum& loss) {
  const int n = w.n_inputs * w.n_outputs;
  Vf linear = {}, product = broadcast(1.0f);
  for (int i = 0; i < n; i += kWidth) {
    const Vf sign = load(w.signs + i);
    Vf z = load(w.scores + i) * sign;
    z = lane_numbers() < n - i ? z : broadcast(-1e30f);  // past the end: loss 0, gradient 0
    const Vf e = exp_nonpositive(z < 0.0f ? z : -z);
    const Vf factor = e + 1.0f;
    linear += z > 0.0f ? z : Vf{};
    product *= factor;
    const Vf sigmoid = (z > 0.0f ? broadcast(1.0f) : e) / factor;
    store(w.scores + i, sigmoid * sign * -rate);
    if (i / kWidth % 8 == 7) {
      add_to_loss(loss, linear, product);
      linear = Vf{};
      product = broadcast(1.0f);
    }
  }
  add_to_loss(loss, linear, product);
}

void score(const Window& w, int n_floats) {
  for_column_groups(w.n_outputs, [&](auto n, int first) { dot_columns<n.value>(w, first, n_floats); });
}

void skipgram(const Window& w, const Window* next, const Coming& coming, int n_floats, float rate, LossSum& loss) {
  gradients_from_scores(w, rate, loss);
  if (next != nullptr) score(*next, n_floats);
  for_column_groups(w.n_outputs, [&](auto n, int first) {
    update_columns<n.value>(w.inputs, w.n_inputs, w.outputs + first, w.n_outputs, n_floats, w.scores + first,
                            first == 0 ? coming : Coming{});
  });
  loss.n_pairs += static_cast<std::uint64_t>(w.n_inputs);
}

// hidden = mean of the input rows, T vectors of it at k.
template <int T>
inline void mean_block(const Window& w, std::ptrdiff_t k, float share, float* hidden) {
  Vf sums[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) sums[t] = load(w.inputs[0] + k + t * kWidth);
  for (int c = 1; c < w.n_inputs; ++c) {
    const float* const row = pointer_in_register(w.inputs[c] + k);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) sums[t] += load(row + t * kWidth);
  }
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) store(hidden + k + t * kWidth, sums[t] * share);
}

// Adds T vectors of the gain at k, scaled, to every input row.
template <int T>
inline void gain_block(const Window& w, std::ptrdiff_t k, const float* gain, float scale) {
  Vf gains[T];
#pragma GCC unroll 8
  for (int t = 0; t < T; ++t) gains[t] = load(gain + k + t * kWidth) * scale;
  for (int c = 0; c < w.n_inputs; ++c) {
    float* const row = pointer_in_register(w.inputs[c] + k);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) store(row + t * kWidth, load(row + t * kWidth) + gains[t]);
  }
}

// v_j += g_j h for N outputs, and gain = sum_j g_j v_j before that, on top of what is there unless these are the first ones.
template <int N>
[[gnu::noinline]] void cbow_columns(float* const* outputs, int n_floats, const float* gradients, const float* hidden, float* gain,
                                    bool is_first, const Coming& coming) {
  float* rows[N];
  Vf g[N];
  for (int j = 0; j < N; ++j) {
    rows[j] = pointer_in_register(outputs[j]);
    g[j] = broadcast(gradients[j]);
  }
  for (std::ptrdiff_t k = 0; k < n_floats; k += kWidth) {
    ask(coming, k);
    const Vf h = load(hidden + k);
    Vf sum = is_first ? Vf{} : load(gain + k);
#pragma GCC unroll 6
    for (int j = 0; j < N; ++j) {
      const Vf v = load(rows[j] + k);
      sum = fma(g[j], v, sum);
      store(rows[j] + k, fma(g[j], h, v));
    }
    store(gain + k, sum);
  }
}

// Calls visit(integral_constant<T>, k) for blocks of eight vectors and one of the rest: each block is a loop over the window's
// rows, whose number no processor guesses.
template <typename Visit>
inline void for_blocks(std::ptrdiff_t n_floats, Visit visit) {
  std::ptrdiff_t k = 0;
  for (; k + 8 * kWidth <= n_floats; k += 8 * kWidth) visit(std::integral_constant<int, 8>{}, k);
  switch ((n_floats - k) / kWidth) {
    case 7: return visit(std::integral_constant<int, 7>{}, k);
    case 6: return visit(std::integral_constant<int, 6>{}, k);
    case 5: return visit(std::integral_constant<int, 5>{}, k);
    case 4: return visit(std::integral_constant<int, 4>{}, k);
    case 3: return visit(std::integral_constant<int, 3>{}, k);
    case 2: return visit(std::integral_constant<int, 2>{}, k);
    case 1: return visit(std::integral_constant<int, 1>{}, k);
    default: return;
  }
}

void cbow(const Window& w, const Coming& coming, int n_floats, float rate, float input_scale, float* hidden, LossSum& loss) {
  float* const gain = hidden + n_floats;
  const float share = 1.0f / static_cast<float>(w.n_inputs);
  for_blocks(n_floats, [&](auto t, std::ptrdiff_t k) { mean_block<t.value>(w, k, share, hidden); });
  float* const inputs[1] = {hidden};
  const Window one{inputs, w.outputs, w.signs, w.scores, 1, w.n_outputs};
  score(one, n_floats);
  gradients_from_scores(one, rate, loss);
  for_column_groups(w.n_outputs, [&](auto n, int first) {
    cbow_columns<n.value>(w.outputs + first, n_floats, w.scores + first, hidden, gain, first == 0,
                          first == 0 ? coming : Coming{});
  });
  for_blocks(n_floats, [&](auto t, std::ptrdiff_t k) { gain_block<t.value>(w, k, gain, input_scale); });
  loss.n_pairs += 1;
}

}  // namespace

const Word2vecKernels& word2vec_kernels() {
  static constexpr Word2vecKernels kernels{kWidth, score, skipgram, cbow};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
