#include "static/sparse.h"

#include <numeric>
#include <stdexcept>

namespace qianru {

namespace {

// Calls visit(row, column, value) for each entry, by rows.
template <typename Visit>
void for_entries(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t n_rows,
                 Visit visit) {
  for (std::size_t row = 0; row < n_rows; ++row)
    for (std::uint64_t e = offsets[row]; e < offsets[row + 1]; ++e) visit(row, columns[e], values[e]);
}

// Offsets from the lengths in offsets[1 …]; room for the entries.
void allocate(SparseMatrix& matrix) {
  std::partial_sum(matrix.offsets.begin(), matrix.offsets.end(), matrix.offsets.begin());
  matrix.columns.resize(matrix.offsets.back());
  matrix.values.resize(matrix.offsets.back());
}

}  // namespace

SparseMatrix transpose(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t n_rows,
                       std::size_t n_columns) {
  SparseMatrix out;
  out.offsets.assign(n_columns + 1, 0);
  for_entries(offsets, columns, values, n_rows, [&](std::size_t, std::size_t column, float) {
    if (column >= n_columns) throw std::invalid_argument("a column is out of range");
    ++out.offsets[column + 1];
  });
  allocate(out);
  std::vector<std::uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  for_entries(offsets, columns, values, n_rows, [&](std::size_t row, std::size_t column, float value) {
    const std::uint64_t at = next[column]++;
    out.columns[at] = static_cast<std::uint32_t>(row);
    out.values[at] = value;
  });
  return out;
}

SparseMatrix mirror(const std::uint64_t* offsets, const std::uint32_t* columns, const float* values, std::size_t n_rows) {
  SparseMatrix out;
  out.offsets.assign(n_rows + 1, 0);
  for_entries(offsets, columns, values, n_rows, [&](std::size_t row, std::size_t column, float) {
    if (column >= n_rows || column < row) throw std::invalid_argument("a column is out of range or below the diagonal");
    ++out.offsets[row + 1];
    if (column != row) ++out.offsets[column + 1];
  });
  allocate(out);
  // A row's mirrored entries come from the rows before it, so they are all there, in order, when its own are added.
  std::vector<std::uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  auto put = [&](std::size_t row, std::size_t column, float value) {
    const std::uint64_t at = next[row]++;
    out.columns[at] = static_cast<std::uint32_t>(column);
    out.values[at] = value;
  };
  for_entries(offsets, columns, values, n_rows, [&](std::size_t row, std::size_t column, float value) {
    put(row, column, value);
    if (column != row) put(column, row, value);
  });
  return out;
}

}  // namespace qianru
