#include "search/scan_kernel.h"

#include "base/simd.h"

#include <utility>

namespace qianru::QIANRU_ISA {

namespace {

// Tiles of queries × rows: the accumulators, the rows and one query at a time stay in registers, of which AVX-512 and NEON have
// 32 and the others 16.
constexpr int kTileQueries = 4;
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 4;
#else
constexpr int kTileRows = 3;
#endif
// One query alone: enough independent chains to hide the latency of the additions, and a whole vector of sums at once.
constexpr int kSingleRows = kWidth >= 8 ? kWidth : 8;

// Halving for two vectors at once: each consists of groups of 2·half lanes, whose upper half is added to the lower one. Down to
// four lanes the groups of a come before those of b; below that, each 128 bits hold two lanes of a and two of b, which is what
// the processors can shuffle in one instruction. The position, in a and b laid end to end, of what result lane i is made from:
constexpr int folded(int i, int half, int offset) {
  const int n = half < 4 ? 2 : kWidth / 2;  // results in a row from the same vector
  const int start = half < 4 ? i / 4 * 4 : 0, lane = i - start;
  return lane / n * kWidth + start + lane % n / half * 2 * half + lane % n % half + offset;
}

template <int half, int... i>
inline Vf fold(Vf a, Vf b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, folded(i, half, 0)...) + __builtin_shufflevector(a, b, folded(i, half, half)...);
}

template <int half>
inline void fold_all(Vf* level) {
  for (int i = 0; i < half; ++i) level[i] = fold<half>(level[2 * i], level[2 * i + 1], std::make_integer_sequence<int, kWidth>{});
  if constexpr (half > 1) fold_all<half / 2>(level);
}

// The sums of kWidth vectors at once, in order; every one has the bits that sum() would give.
inline Vf sums(const Vf* v) {
  Vf level[kWidth];
  // Undoes the order in which the shuffles within 128 bits leave them.
  for (int i = 0; i < kWidth; ++i) level[i % 4 * (kWidth / 4) + i / 4] = v[i];
  fold_all<kWidth / 2>(level);
  return level[0];
}

// Keeps the compiler from loading a vector again for each use: rows are seldom aligned, and loads are what bounds a tile.
inline Vf in_register(Vf v) {
#if defined(QIANRU_WIDTH)
  // A vector wider than the registers fits none.
#elif defined(__x86_64__)
  __asm__("" : "+v"(v));
#elif defined(__aarch64__)
  __asm__("" : "+w"(v));
#endif
  return v;
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

// One step of a tile: a vector of each query by a vector of each row.
template <int n_queries, int n_rows>
inline void multiply(const float* queries, std::size_t query_stride, const float* rows, std::size_t row_stride, Vf* acc) {
  Vf row[n_rows];
  for (int r = 0; r < n_rows; ++r) row[r] = in_register(load(rows + static_cast<std::size_t>(r) * row_stride));
  for (int i = 0; i < n_queries; ++i) {
    const Vf query = n_rows > 1 ? in_register(load(queries + static_cast<std::size_t>(i) * query_stride))
                                : load(queries + static_cast<std::size_t>(i) * query_stride);
    for (int r = 0; r < n_rows; ++r) acc[i * n_rows + r] = fma(query, row[r], acc[i * n_rows + r]);
  }
}

template <int n_queries, int n_rows>
inline void tile(const float* packed, std::size_t stride, const float* rows, std::size_t dim, float* out, std::size_t out_stride) {
  // Filled up with zeros to whole vectors of sums.
  constexpr int n_sums = (n_queries * n_rows + kWidth - 1) / kWidth * kWidth;
  Vf acc[n_sums] = {};
  const std::size_t end = whole(dim);
  for (std::size_t c = 0; c < end; c += kWidth) multiply<n_queries, n_rows>(packed + c, stride, rows + c, dim, acc);
  // The last dim % kWidth elements: the row is read so as to end at its end, and the packed query holds zeros against what was
  // already counted. Nothing outside the row is ever touched.
  if (end < dim) multiply<n_queries, n_rows>(packed + end, stride, rows + dim - kWidth, dim, acc);
  float flat[n_sums];
  for (int i = 0; i < n_sums; i += kWidth) store(flat + i, sums(acc + i));
  for (int i = 0; i < n_queries; ++i)
    std::memcpy(out + static_cast<std::size_t>(i) * out_stride, flat + i * n_rows, n_rows * sizeof(float));
}

template <int n_queries, int n_tile_rows>
inline void all_rows(const float* packed, std::size_t stride, const float* rows, std::size_t n_rows, std::size_t dim, float* out,
                     std::size_t out_stride) {
  std::size_t r = 0;
  for (; r + n_tile_rows <= n_rows; r += n_tile_rows)
    tile<n_queries, n_tile_rows>(packed, stride, rows + r * dim, dim, out + r, out_stride);
  for (; r < n_rows; ++r) tile<n_queries, 1>(packed, stride, rows + r * dim, dim, out + r, out_stride);
}

// Rows shorter than a vector, one after the other.
void short_dots(const float* packed, std::size_t n_queries, const float* rows, std::size_t n_rows, std::size_t dim, float* out,
                std::size_t out_stride) {
  for (std::size_t r = 0; r < n_rows; ++r) {
    float lanes[kWidth] = {};
    std::memcpy(lanes, rows + r * dim, dim * sizeof(float));
    for (std::size_t q = 0; q < n_queries; ++q) out[q * out_stride + r] = sum(load(packed + q * kWidth) * load(lanes));
  }
}

void dots(const float* packed, std::size_t n_queries, const float* rows, std::size_t n_rows, std::size_t dim, float* out,
          std::size_t out_stride) {
  if (dim < kWidth) return short_dots(packed, n_queries, rows, n_rows, dim, out, out_stride);
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

void cos_add(const float* a, const float* b, const float* c, float* out, std::size_t n) {
  std::size_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(out + i, load(b + i) - load(a + i) + load(c + i));
  for (; i < n; ++i) out[i] = b[i] - a[i] + c[i];
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
  static constexpr ScanKernels kernels{packed_size, pack, dots, squares, scale, cos_add, cos_mul, above};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
