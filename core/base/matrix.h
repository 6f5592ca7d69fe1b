// A row-major float matrix for training: rows start on cache lines, the padding after each row is zero, and the memory asks for
// huge pages, because a trainer touches rows at random and would otherwise miss the translation buffer on most of them.
#pragma once

#include <cstddef>

namespace qianru {

class Matrix {
 public:
  Matrix(std::size_t n_rows, std::size_t dim);  // zeros; throws std::bad_alloc
  ~Matrix();
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  void release();  // gives the memory back; no row may be used after

  float* row(std::size_t i) { return data_ + i * stride_; }
  const float* row(std::size_t i) const { return data_ + i * stride_; }
  std::size_t n_rows() const { return n_rows_; }
  std::size_t dim() const { return dim_; }
  std::size_t stride() const { return stride_; }  // floats from row to row, a multiple of 16

 private:
  std::size_t n_rows_, dim_, stride_, n_bytes_;
  float* data_;
};

}  // namespace qianru
