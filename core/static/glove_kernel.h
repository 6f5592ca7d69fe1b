// GloVe's training step on the entries of one tile, for every instruction set.
//
// Pennington, Socher & Manning 2014, equation 8, with AdaGrad (Duchi, Hazan & Singer 2011). For an entry X_ij > 0
//
//   diff    d = w_i . w~_j + b_i + b~_j - log X_ij
//   loss    L = f(X_ij) d^2 / 2,      f(x) = min(1, (x / x_max)^alpha)
//   update  t = rate f d w~_j;   G_i += t^2;   w_i -= t / sqrt(G_i);   the same for w~_j with t~ = rate f d w_i
//
// both from the values before the step. Up to four entries of one column are taken together: each row moves as above, the
// column by the sum of the four t~, after its G has grown by the sum of their squares. That halves the memory traffic. G grows
// before the step, not after it as in the authors' program, because four steps of a bias that has not moved yet would
// otherwise overshoot so far that small tiles diverge (tried: NaN in the first epoch).
//
// A word's state is four rows of n_floats: w, G, w~, G~. The biases are two more numbers of the vectors: w ends in (b, 1), w~ in
// (1, b~), so that the dot product adds both and the update moves both. The ones stay as they are because their G is so large
// that no step shows in a float; the biases' G starts at rate^2 and not at 1, which makes their step
// f d / sqrt(1 + sum of (f d)^2): the rate does not apply to them, as in the authors' program.
#pragma once

#include "base/cpu.h"

#include <cstddef>
#include <cstdint>

namespace qianru {

struct GloveEntry {
  std::uint16_t row, column;  // words, counted from the first of the tile's blocks
  float log_count;            // log X
  float weight;               // f(X)
};

struct GloveTile {
  float* rows;     // of the first word of the rows' block: w, or w~ for the transposed matrix; its G follows
  float* columns;  // of the columns' block: w~, or w; its G follows
  const GloveEntry* entries;
  std::size_t n_entries;
  bool skips_diagonal;  // of entries whose row and column have the same place in their blocks
};

struct GloveKernels {
  int width;  // floats in a vector
  // Trains the entries in their order, neighbours of one column four at a time; returns the sum of f d^2 / 2. `n_floats`, a multiple
  // of `width`, is what of a row is walked, `stride` its length in memory.
  double (*train)(const GloveTile& tile, int n_floats, std::size_t stride, float rate);
};

QIANRU_DISPATCH(GloveKernels, glove_kernels)

}  // namespace qianru
