// One thread's copies of the rows that all threads write all the time. Written in place by several processors, such a row travels
// between their caches at every step: two threads on processors without a common cache were then slower than one.
#pragma once

#include "base/matrix.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace qianru {

class HotRows {
 public:
  // The rows [first, first + n) of `shared`; with n = 0 every row is the shared one.
  HotRows(Matrix& shared, std::size_t first, std::size_t n)
      : shared_(shared), first_(first), own_(n, shared.dim()), before_(n, shared.dim()) {
    for (std::size_t i = 0; i < n; ++i) copy(i);
  }

  // Where this thread reads and writes row `id`.
  float* row(std::size_t id) {
    const std::size_t i = id - first_;  // of an id before the first one a number beyond all others
    return i < own_.n_rows() ? own_.row(i) : shared_.row(id);
  }

  // Adds to the shared rows what the copies gained since the last time, and copies them anew. One thread at a time.
  // Gains of several threads add up, which is a step too long where each has come to where a row wants to be: two stand it, sixteen
  // diverged.
  void merge() {
    for (std::size_t i = 0; i < own_.n_rows(); ++i) {
      float* const to = shared_.row(first_ + i);
      const float *const own = own_.row(i), *const before = before_.row(i);
      for (std::size_t k = 0; k < own_.stride(); ++k) to[k] += own[k] - before[k];
      copy(i);
    }
  }

 private:
  void copy(std::size_t i) {
    const std::size_t n_bytes = own_.stride() * sizeof(float);
    std::memcpy(own_.row(i), shared_.row(first_ + i), n_bytes);
    std::memcpy(before_.row(i), shared_.row(first_ + i), n_bytes);
  }

  Matrix& shared_;
  std::size_t first_;
  Matrix own_, before_;
};

}  // namespace qianru
