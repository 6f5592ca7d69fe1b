// One training step of word2vec on one window, for every instruction set.
//
// Mikolov et al. 2013 (arXiv:1310.4546). A window has C input rows u_c and N output rows v_j with labels y_j: for negative
// sampling the centre word (y = 1) and the words drawn against it (y = 0), for hierarchical softmax the inner nodes on the
// centre word's path with y = 1 - code. With s_cj = u_c . v_j and sigma the logistic function
//
//   loss   L = sum_cj  -log sigma(s_cj) if y_j = 1, else -log sigma(-s_cj)
//   update g_cj = rate * (y_j - sigma(s_cj));   u_c += sum_j g_cj v_j;   v_j += sum_c g_cj u_c
//
// where the scores are those from before the step (of skip-gram, in the trainer, from before the step of the window ahead of it
// too), and the outputs are taken six at a time: v_j's sum reads the inputs as the
// sixes before it left them, a difference of the order of rate^2 that word2vec.c makes at every output. Skip-gram shares the drawn words between the C pairs of a window
// (Ji et al. 2016, arXiv:1604.04661), which turns the step into three small matrix products; CBOW is the case of one input row
// h, the mean of the C context rows.
#pragma once

#include "base/cpu.h"

#include <cstdint>

namespace qianru {

// Loss of many steps, in 16 lanes. Kept as a sum and a product because log(1 + e^-|z|) summed over a million scores is one
// logarithm of a product now and then instead of a million logarithms. A step's factors, at most 2 each, are multiplied eight at a
// time as floats, and doubles hold 100 of these products.
struct LossSum {
  double linear[16] = {};   // sums of max(z, 0), z = -s where y = 1 and s where y = 0
  double product[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  double log_products = 0;  // sum of the logarithms taken so far
  int n_products = 0;       // multiplied into each product
  std::uint64_t n_pairs = 0;     // (input row, centre word) pairs

  double total();  // folds the products in
};

// Rows that later windows need.
struct Coming {
  float* const* rows = nullptr;
  int n = 0;
};

struct Window {
  float* const* inputs;   // n_inputs rows
  float* const* outputs;  // n_outputs rows
  const float* signs;     // [n_inputs * n_outputs], readable to the next multiple of 16: -1 where y = 1, +1 where y = 0
  float* scores;          // [n_inputs * n_outputs rounded up to a multiple of 16, + 16]: s_cj, then g_cj
  int n_inputs;
  int n_outputs;
};

struct Word2vecKernels {
  int width;  // floats in a vector
  // Rows are `n_floats` long, a multiple of `width`, zero past the dimension. No row stands in `outputs` twice; one that
  // stands in `inputs` twice gains both updates, the second on top of the first.
  //
  // `scores` takes a skip-gram window's scores, `skipgram` makes the step from them. `next`, if there is one, is scored on the
  // way, before the rows move, so that its multiplications fill the time in which this window's logistic functions are awaited.
  // The rows `coming` are asked for meanwhile.
  void (*scores)(const Window& window, int n_floats);
  void (*skipgram)(const Window& window, const Window* next, const Coming& coming, int n_floats, float rate, LossSum& loss);
  // h = mean of the inputs; each input row moves by `input_scale` times h's gradient: 1 for word2vec.c's update,
  // 1 / n_inputs for the true gradient of the mean (Irsoy et al. 2021, arXiv:2012.15332). hidden: [2 * n_floats], room for
  // h and its gain.
  void (*cbow)(const Window& window, const Coming& coming, int n_floats, float rate, float input_scale, float* hidden,
               LossSum& loss);
};

QIANRU_DISPATCH(Word2vecKernels, word2vec_kernels)

}  // namespace qianru
