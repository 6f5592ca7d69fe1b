// One training step of word2vec on one window, for every instruction set.
//
// Mikolov et al. 2013 (arXiv:1310.4546). A window has C input rows u_c and N output rows v_j with labels y_j: for negative
// sampling the centre word (y = 1) and the words drawn against it (y = 0), for hierarchical softmax the inner nodes on the
// centre word's path with y = 1 - code. With s_cj = u_c . v_j and sigma the logistic function
//
//   loss   L = sum_cj  -log sigma(s_cj) if y_j = 1, else -log sigma(-s_cj)
//   update g_cj = rate * (y_j - sigma(s_cj));   u_c += sum_j g_cj v_j;   v_j += sum_c g_cj u_c
//
// where the scores are those from before the step, and the outputs are taken six at a time: v_j's sum reads the inputs as the
// sixes before it left them, a difference of the order of rate^2 that word2vec.c makes at every output. Skip-gram shares the drawn words between the C pairs of a window
// (Ji et al. 2016, arXiv:1604.04661), which turns the step into three small matrix products; CBOW is the case of one input row
// h, the mean of the C context rows.
#pragma once

#include "base/cpu.h"

#include <cstdint>

namespace qianru {

// Loss of many steps. Kept as a sum and a product because log(1 + e^-|z|) summed over a million scores is one logarithm of a
// product now and then instead of a million logarithms; doubles hold 512 factors of at most 2.
struct LossSum {
  double linear = 0;        // sum of max(z, 0), z = -s where y = 1 and s where y = 0
  double log_products = 0;  // sum of the logarithms taken so far
  double product[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  int n_factors = 0;             // in each product
  std::uint64_t n_pairs = 0;     // (input row, centre word) pairs

  double total();  // folds the products in
};

// Buffers of one thread, for P = n_inputs * n_outputs rounded up to a multiple of 16.
struct WindowScratch {
  float* scores;  // [P + 16] dot products, then gradients
  float* hidden;  // [n_floats] CBOW's h
};

struct Window {
  float* const* inputs;   // n_inputs rows
  float* const* outputs;  // n_outputs rows
  const float* signs;     // [n_inputs * n_outputs], readable to the next multiple of 16: -1 where y = 1, +1 where y = 0
  int n_inputs;
  int n_outputs;
};

struct Word2vecKernels {
  int width;  // floats in a vector
  // Rows are `n_floats` long, a multiple of `width`, zero past the dimension. No row stands in `outputs` twice; one that
  // stands in `inputs` twice gains both updates, the second on top of the first.
  void (*skipgram)(const Window& window, int n_floats, float rate, WindowScratch& scratch, LossSum& loss);
  // As above with h = mean of the inputs; each input row moves by `input_scale` times h's gradient: 1 for word2vec.c's update,
  // 1 / n_inputs for the true gradient of the mean (Irsoy et al. 2021, arXiv:2012.15332).
  void (*cbow)(const Window& window, int n_floats, float rate, float input_scale, WindowScratch& scratch, LossSum& loss);
};

QIANRU_DISPATCH(Word2vecKernels, word2vec_kernels)

}  // namespace qianru
