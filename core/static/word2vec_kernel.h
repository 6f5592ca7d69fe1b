#pragma once

#include "base/cpu.h"

namespace qianru {

struct Word2vecKernels {
  int width;
};

QIANRU_DISPATCH(Word2vecKernels, word2vec_kernels)

}  // namespace qianru
