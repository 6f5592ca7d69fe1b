#include "search/scan_kernel.h"

#include "base/simd.h"

#include <utility>

namespace qianru::QIANRU_ISA {

namespace {

// Tiles of queries × rows, sized so that accumulators and operands stay in registers: 32 of them with AVX-512 and NEON, 16
// otherwise.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileQueries = 4;
#else
constexpr int kTileQueries = 2;
#endif
constexpr int kTileRows = 4;
// One query alone: enough independent chains to hide the latency of the additions, and a whole vector of sums at once.
constexpr int kSingleRows = kWidth >= 8 ? kWidth : 8;

// Position in the concatenation of two vectors of lane i of their folded halves; see fold.
constexpr int folded(int i, int half, int offset) {
  const int in_b = i / (kWidth / 2), within = i % (kWidth / 2);
  return in_b * kWidth + within / half * 2 * half + within % half + offset;
}

// Both vectors consist of groups of 2·half lanes; halves each group by adding its upper half to its lower one, and puts the
// groups of a before those of b.
template <int half, int... i>
inline Vf fold(Vf a, Vf b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, folded(i, half, 0)...) + __builtin_shufflevector(a, b, folded(i, half, half)...);
}

// The sums of kWidth vectors at once, in order; every one has the bits that sum() would give.
template <int half = kWidth / 2>
inline Vf sums(const Vf* v) {
  constexpr std::make_integer_sequence<int, kWidth> lanes;
  if constexpr (half == kWidth / 2 && half == 1) return fold<1>(v[0], v[1], lanes);
  Vf level[kWidth];
  for (int i = 0; i < kWidth; ++i) level[i] = v[i];
  return [&]<int... step>(std::integer_sequence<int, step...>) {
    (
        [&] {
          constexpr int h = kWidth >> (step + 1);
          for (int i = 0; i < h; ++i) level[i] = fold<h>(level[2 * i], level[2 * i + 1], lanes);
        }(),
        ...);
    return level[0];
  }(std::make_integer_sequence<int, kWidth == 16 ? 4 : kWidth == 8 ? 3 : 2>{});
}

// The last dim % kWidth elements. A row long enough is read so as to end at its end: the packed query holds zeros against what
// was already counted. Nothing outside the row is ever touched.
inline Vf load_tail(const float* row, std::size_t dim) {
  if (dim >= kWidth) return load(row + dim - kWidth);
  float lanes[kWidth] = {};
  std::memcpy(lanes, row, dim * sizeof(float));
  return load(lanes);
}

inline std::size_t whole(std::size_t dim) { return dim / kWidth * kWidth; }

std::size_t packed_size(std::size_t dim) { return (dim + kWidth - 1) / kWidth * kWidth; }

void pack(const float* query, std::size_t dim, float* packed) {
  const std::size_t n_whole = whole(dim), n_tail = dim - n_whole;
  std::memcpy(packed, query, n_whole * sizeof(float));
  if (n_tail == 0) return;
  float* tail = packed + n_whole;
  for (int i = 0; i < kWidth; ++i) tail[i] = 0;
  std::memcpy(tail + (n_whole ? kWidth - n_tail : 0), query + n_whole, n_tail * sizeof(float));
}

template <int n_queries, int n_rows>
inline void tile(const float* packed, std::size_t stride, const float* rows, std::size_t dim, float* out, std::size_t out_stride) {
  Vf acc[n_queries * n_rows] = {};
  const std::size_t end = whole(dim);
  for (std::size_t c = 0; c < end; c += kWidth) {
    Vf q[n_queries];
    for (int i = 0; i < n_queries; ++i) q[i] = load(packed + static_cast<std::size_t>(i) * stride + c);
    for (int r = 0; r < n_rows; ++r) {
      const Vf row = load(rows + static_cast<std::size_t>(r) * dim + c);
      for (int i = 0; i < n_queries; ++i) acc[i * n_rows + r] = fma(q[i], row, acc[i * n_rows + r]);
    }
  }
  if (end < dim) {
    for (int r = 0; r < n_rows; ++r) {
      const Vf row = load_tail(rows + static_cast<std::size_t>(r) * dim, dim);
      for (int i = 0; i < n_queries; ++i)
        acc[i * n_rows + r] = fma(load(packed + static_cast<std::size_t>(i) * stride + end), row, acc[i * n_rows + r]);
    }
  }
  if constexpr (n_queries * n_rows % kWidth == 0) {
    float flat[n_queries * n_rows];
    for (int i = 0; i < n_queries * n_rows; i += kWidth) store(flat + i, sums(acc + i));
    for (int i = 0; i < n_queries; ++i)
      std::memcpy(out + static_cast<std::size_t>(i) * out_stride, flat + i * n_rows, n_rows * sizeof(float));
  } else {
    for (int i = 0; i < n_queries; ++i)
      for (int r = 0; r < n_rows; ++r) out[static_cast<std::size_t>(i) * out_stride + static_cast<std::size_t>(r)] = sum(acc[i * n_rows + r]);
  }
}

template <int n_queries, int n_tile_rows>
inline void all_rows(const float* packed, std::size_t stride, const float* rows, std::size_t n_rows, std::size_t dim, float* out,
                     std::size_t out_stride) {
  std::size_t r = 0;
  for (; r + n_tile_rows <= n_rows; r += n_tile_rows)
    tile<n_queries, n_tile_rows>(packed, stride, rows + r * dim, dim, out + r, out_stride);
  for (; r < n_rows; ++r) tile<n_queries, 1>(packed, stride, rows + r * dim, dim, out + r, out_stride);
}

void dots(const float* packed, std::size_t n_queries, const float* rows, std::size_t n_rows, std::size_t dim, float* out,
          std::size_t out_stride) {
  const std::size_t stride = packed_size(dim);
  std::size_t q = 0;
  for (; q + kTileQueries <= n_queries; q += kTileQueries)
    all_rows<kTileQueries, kTileRows>(packed + q * stride, stride, rows, n_rows, dim, out + q * out_stride, out_stride);
  for (; q < n_queries; ++q)
    all_rows<1, kSingleRows>(packed + q * stride, stride, rows, n_rows, dim, out + q * out_stride, out_stride);
}

void squares(const float* rows, std::size_t n_rows, std::size_t dim, float* out) {
  const std::size_t end = whole(dim);
  for (std::size_t r = 0; r < n_rows; ++r) {
    const float* row = rows + r * dim;
    Vf acc{}, more{};
    std::size_t c = 0;
    for (; c + 2 * kWidth <= end; c += 2 * kWidth) {
      acc = fma(load(row + c), load(row + c), acc);
      more = fma(load(row + c + kWidth), load(row + c + kWidth), more);
    }
    if (c < end) acc = fma(load(row + c), load(row + c), acc);
    float total = sum(acc + more);
    for (c = end; c < dim; ++c) total += row[c] * row[c];
    out[r] = total;
  }
}

void scale(float* scores, const float* factors, std::size_t n) {
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(scores + i, load(scores + i) * load(factors + i));
  for (; i < n; ++i) scores[i] *= factors[i];
}

void cos_mul(const float* a, const float* b, const float* c, float epsilon, float* out, std::size_t n) {
  std::size_t i = 0;
  const Vf half = broadcast(0.5f), one = broadcast(1.0f), small = broadcast(epsilon);
  for (; i + kWidth <= n; i += kWidth)
    store(out + i, (one + load(b + i)) * half * ((one + load(c + i)) * half) / ((one + load(a + i)) * half + small));
  for (; i < n; ++i) out[i] = (1.0f + b[i]) * 0.5f * ((1.0f + c[i]) * 0.5f) / ((1.0f + a[i]) * 0.5f + epsilon);
}

std::size_t above(const float* scores, std::size_t n, float threshold, std::uint32_t* positions) {
  std::size_t n_found = 0, i = 0;
  const Vf limit = broadcast(threshold);
  // Almost every block of four vectors holds none: one test passes over it.
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    const Vi any = (load(scores + i) > limit) | (load(scores + i + kWidth) > limit) | (load(scores + i + 2 * kWidth) > limit) |
                   (load(scores + i + 3 * kWidth) > limit);
    std::uint64_t word[kWidth / 2], all = 0;
    std::memcpy(word, &any, sizeof any);
    for (int w = 0; w < kWidth / 2; ++w) all |= word[w];
    if (all == 0) continue;
    for (std::size_t j = i; j < i + 4 * kWidth; ++j)
      if (scores[j] > threshold) positions[n_found++] = static_cast<std::uint32_t>(j);
  }
  for (; i < n; ++i)
    if (scores[i] > threshold) positions[n_found++] = static_cast<std::uint32_t>(i);
  return n_found;
}

}  // namespace

const ScanKernels& scan_kernels() {
  static constexpr ScanKernels kernels{packed_size, pack, dots, squares, scale, cos_mul, above};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
