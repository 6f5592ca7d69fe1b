// Product quantisation (Jégou, Douze and Schmid 2011): each part of a row is named by the nearest of 256 centroids, which k-means
// finds on a sample of the rows. The layout of centroids and codes is that of fastText's files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qianru {

// rows [n, dim]; codes [n, parts] and centroids [256 * dim] are filled; parts = dim / sub_dim, rounded up.
void quantise(const float* rows, std::size_t n, std::size_t dim, std::size_t sub_dim, std::uint64_t seed, std::uint8_t* codes,
              float* centroids);

}  // namespace qianru
