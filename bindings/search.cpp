// core/search: arrays in, arrays filled. The package checks rows and shapes before it calls.
#include "module.h"

#include "search/scan.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <stdexcept>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, typename... Shape>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, Shape...>;
using Matrix = Array<const float, nb::ndim<2>>;

void require(bool rule, const char* message) {
  if (!rule) throw std::invalid_argument(message);
}

void scan(Matrix matrix, Array<const float, nb::ndim<1>> inverse_norms, Matrix queries, bool cos_mul,
          std::optional<Array<const std::uint32_t, nb::ndim<2>>> triples,
          std::optional<Array<const std::uint32_t, nb::ndim<1>>> among, Array<const std::int64_t, nb::ndim<2>> exclude,
          Array<std::int64_t, nb::ndim<2>> rows, Array<float, nb::ndim<2>> scores, std::size_t threads) {
  const std::size_t n_results = rows.shape(0);
  require(matrix.shape(0) <= UINT32_MAX && matrix.shape(1) > 0, "matrix: at most 2**32 - 1 rows, at least one column");
  require(inverse_norms.shape(0) == matrix.shape(0), "inverse_norms must have one number a row");
  require(queries.shape(1) == matrix.shape(1) && (triples || queries.shape(0) == n_results), "queries: wrong shape");
  require(queries.shape(0) < UINT32_MAX, "queries: at most 2**32 - 2");
  require(triples ? triples->shape(0) == n_results && triples->shape(1) == 3 : !cos_mul, "triples must be [n_results, 3]");
  for (std::size_t i = 0; triples && i < triples->size(); ++i)
    require(triples->data()[i] < queries.shape(0), "triples must name queries");
  require(exclude.shape(0) == n_results && scores.shape(0) == n_results && scores.shape(1) == rows.shape(1), "results: wrong shape");
  require(rows.shape(1) > 0, "k must be at least 1");
  for (std::size_t i = 0; among && i < among->shape(0); ++i)
    require(among->data()[i] < matrix.shape(0) && (i == 0 || among->data()[i - 1] < among->data()[i]), "among: rows must rise");
  const auto score = !triples ? qianru::ScanScore::cosine : cos_mul ? qianru::ScanScore::cos_mul : qianru::ScanScore::cos_add;
  const qianru::ScanRequest request{matrix.data(), matrix.shape(0), matrix.shape(1), inverse_norms.data(), queries.data(),
                                    queries.shape(0), triples ? triples->data() : nullptr, n_results, score,
                                    among ? among->data() : nullptr, among ? among->shape(0) : 0, exclude.data(), exclude.shape(1),
                                    rows.shape(1), threads};
  nb::gil_scoped_release release;
  qianru::scan(request, rows.data(), scores.data());
}

}  // namespace

void bind_search(nb::module_& m) {
  m.def("scan", &scan, "matrix"_a, "inverse_norms"_a, "queries"_a, nb::kw_only(), "cos_mul"_a, "triples"_a.none(), "among"_a.none(),
        "exclude"_a, "rows"_a, "scores"_a, "threads"_a = 0,
        "Fill rows and scores [n_results, k] with the best rows of matrix for each query, or for the queries a, b, c that each of "
        "triples names: by 3CosMul, or by cosine to b - to a + to c.");
  m.def(
      "inverse_norms",
      [](Matrix matrix, Array<float, nb::ndim<1>> out, std::size_t threads) {
        require(out.shape(0) == matrix.shape(0), "out must have one number a row");
        nb::gil_scoped_release release;
        qianru::inverse_norms(matrix.data(), matrix.shape(0), matrix.shape(1), out.data(), threads);
      },
      "matrix"_a, "out"_a, "threads"_a = 0, "Fill out [n_rows] with 1 / length of each row, 0 for a zero row.");
  m.def(
      "first_row_not_finite",
      [](Matrix matrix, std::size_t threads) {
        nb::gil_scoped_release release;
        return qianru::first_row_not_finite(matrix.data(), matrix.shape(0), matrix.shape(1), threads);
      },
      "matrix"_a, "threads"_a = 0, "The first row that holds a NaN or an infinity, or -1.");
}
