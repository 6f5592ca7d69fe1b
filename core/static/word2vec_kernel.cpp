#include "static/word2vec_kernel.h"

#include "base/simd.h"

namespace qianru::QIANRU_ISA {

const Word2vecKernels& word2vec_kernels() {
  static constexpr Word2vecKernels kernels{kWidth};
  return kernels;
}

}  // namespace qianru::QIANRU_ISA
