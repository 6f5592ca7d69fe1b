// Sparse matrices by rows: what PPMI and its factorisation need of them.
#pragma once

#include "base/cpu.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qianru {

struct SparseMatrix {
  std::vector<std::uint64_t> offsets;  // [n_rows + 1]
  std::vector<std::uint32_t> columns;  // rising in each row
  std::vector<float> values;
};

// Columns become rows. Throws std::invalid_argument for a column that is not below n_columns.
SparseMatrix transpose(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t n_rows,
                       std::size_t n_columns);

// The whole of a symmetric matrix given by its upper triangle with the diagonal. Throws std::invalid_argument.
SparseMatrix mirror(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t n_rows);

struct SparseKernels {
  // out[row] = sum over the row's entries of value * dense[column], rows low to high; dense and out have rows of `dim` floats.
  void (*times_dense)(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t low,
                      std::size_t high, const float* dense, std::size_t dim, float* out);
};

QIANRU_DISPATCH(SparseKernels, sparse_kernels)

}  // namespace qianru
