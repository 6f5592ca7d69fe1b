#include "static/product_quantiser.h"

#include "base/random.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace qianru {

namespace {

constexpr std::size_t kCentroids = 256, kSample = 65536;
constexpr int kRounds = 20;

// The nearest centroid; they stand column by column, so that a vector of them is compared at a time.
std::uint8_t nearest(const float* x, std::size_t width, const float* columns) {
  float distance[kCentroids] = {};
  for (std::size_t k = 0; k < width; ++k)
    for (std::size_t c = 0; c < kCentroids; ++c) {
      const float gap = x[k] - columns[k * kCentroids + c];
      distance[c] += gap * gap;
    }
  return static_cast<std::uint8_t>(std::min_element(distance, distance + kCentroids) - distance);
}

// k-means over points [n, width] with n >= 256.
void find_centroids(const std::vector<float>& points, std::size_t width, std::uint64_t seed, std::vector<float>& columns) {
  const std::size_t n = points.size() / width;
  columns.resize(width * kCentroids);
  for (std::size_t c = 0; c < kCentroids; ++c)
    for (std::size_t k = 0; k < width; ++k) columns[k * kCentroids + c] = points[c * width + k];
  std::vector<std::uint8_t> codes(n);
  std::vector<double> sums(width * kCentroids);
  std::vector<std::size_t> sizes(kCentroids);
  for (int round = 0; round < kRounds; ++round) {
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(sizes.begin(), sizes.end(), std::size_t{0});
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t c = codes[i] = nearest(points.data() + i * width, width, columns.data());
      ++sizes[c];
      for (std::size_t k = 0; k < width; ++k) sums[k * kCentroids + c] += points[i * width + k];
    }
    for (std::size_t c = 0; c < kCentroids; ++c) {
      if (sizes[c] > 0) {
        for (std::size_t k = 0; k < width; ++k)
          columns[k * kCentroids + c] = static_cast<float>(sums[k * kCentroids + c] / static_cast<double>(sizes[c]));
      } else {
        // A centroid that nobody is near starts again at a random point.
        const std::size_t i = random_at(seed, static_cast<std::uint64_t>(round) * kCentroids + c) % n;
        for (std::size_t k = 0; k < width; ++k) columns[k * kCentroids + c] = points[i * width + k];
      }
    }
  }
}

}  // namespace

void quantise(const float* rows, std::size_t n, std::size_t dim, std::size_t sub_dim, std::uint64_t seed, std::uint8_t* codes,
              float* centroids) {
  const std::size_t n_parts = (dim + sub_dim - 1) / sub_dim;
  // A random sample in random order; all rows, again and again, where they are fewer than centroids.
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = n; i > 1; --i)
    std::swap(order[i - 1], order[below(static_cast<std::uint32_t>(random_at(seed, i) >> 32), static_cast<std::uint32_t>(i))]);
  const std::size_t n_points = n ? std::max(std::min(n, kSample), kCentroids) : 0;
  std::vector<float> points, columns;
  for (std::size_t part = 0; part < n_parts; ++part) {
    const std::size_t first = part * sub_dim, width = std::min(sub_dim, dim - first);
    points.resize(n_points * width);
    for (std::size_t i = 0; i < n_points; ++i) std::copy_n(rows + order[i % n] * dim + first, width, points.data() + i * width);
    columns.assign(width * kCentroids, 0.0f);
    if (n) find_centroids(points, width, mix64(seed + part), columns);
    for (std::size_t i = 0; i < n; ++i) codes[i * n_parts + part] = nearest(rows + i * dim + first, width, columns.data());
    for (std::size_t c = 0; c < kCentroids; ++c)
      for (std::size_t k = 0; k < width; ++k) centroids[kCentroids * first + c * width + k] = columns[k * kCentroids + c];
  }
}

}  // namespace qianru
