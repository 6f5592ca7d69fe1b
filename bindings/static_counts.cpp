// The part of core/static that works on counts: co-occurrence, GloVe, sparse matrices.
#include "module.h"

#include "static/cooccurrence.h"
#include "static/glove.h"
#include "static/sparse.h"

#include <nanobind/ndarray.h>

#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <stdexcept>

namespace nb = nanobind;
using namespace nb::literals;
using qianru::GloveTrainer;
using qianru::PositionIndex;
using qianru::RowCounter;

namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<nb::numpy, T, nb::ndim<1>, nb::c_contig>;
using State = nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Dense = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using DenseOut = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <typename T>
Out<T> to_array(std::vector<T> values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Out<T>(owned->data(), {owned->size()}, owner);
}

auto to_arrays(qianru::CooccurrenceRows rows) {
  return std::make_tuple(to_array(std::move(rows.lengths)), to_array(std::move(rows.columns)), to_array(std::move(rows.sums)));
}

auto to_arrays(qianru::SparseMatrix matrix) {
  return std::make_tuple(to_array(std::move(matrix.offsets)), to_array(std::move(matrix.columns)),
                         to_array(std::move(matrix.values)));
}

void check_rows(const In<std::uint64_t>& offsets, const In<std::uint32_t>& columns, std::size_t n_values) {
  bool sound = offsets.shape(0) > 0 && offsets.data()[0] == 0 && offsets.data()[offsets.shape(0) - 1] == columns.shape(0) &&
               columns.shape(0) == n_values;
  for (std::size_t row = 0; sound && row + 1 < offsets.shape(0); ++row) sound = offsets.data()[row] <= offsets.data()[row + 1];
  if (!sound) throw std::invalid_argument("offsets must rise from 0 to the number of columns and of values");
}

// Parts of a range of rows that were spilled: lengths of the rows, columns and sums one row after the other.
using Parts = std::vector<std::tuple<In<std::uint64_t>, In<std::uint32_t>, In<std::uint64_t>>>;

qianru::CooccurrenceRows merge(RowCounter& counter, const Parts& parts, std::size_t n_rows) {
  for (const auto& [lengths, columns, sums] : parts) {
    std::uint64_t n = 0;
    for (std::size_t row = 0; row < lengths.shape(0); ++row) n += lengths.data()[row];
    if (lengths.shape(0) != n_rows || n != columns.shape(0) || n != sums.shape(0))
      throw std::invalid_argument("parts must have the same rows, and lengths that fit");
    for (std::size_t e = 0; e < n; ++e)
      if (columns.data()[e] >= counter.n_keys()) throw std::invalid_argument("a column is out of range");
  }
  std::vector<std::size_t> at(parts.size(), 0);
  qianru::CooccurrenceRows rows;
  const nb::gil_scoped_release release;
  for (std::size_t row = 0; row < n_rows; ++row) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& [lengths, columns, sums] = parts[i];
      for (const std::size_t end = at[i] + lengths.data()[row]; at[i] < end; ++at[i])
        counter.add(columns.data()[at[i]], sums.data()[at[i]]);
    }
    counter.end_row(rows);
  }
  return rows;
}

void bind_cooccurrence(nb::module_& m) {
  nb::class_<PositionIndex>(m, "PositionIndex", "Where each word stands in a part of an id stream.")
      .def(
          "__init__",
          [](PositionIndex* self, const In<std::uint32_t>& ids, std::size_t begin, std::size_t end, std::size_t n_keys,
             int threads) {
            if (begin > end || end > ids.shape(0)) throw std::invalid_argument("begin and end must lie in the stream");
            const nb::gil_scoped_release release;
            new (self) PositionIndex(ids.data(), begin, end, n_keys, threads);
          },
          "ids"_a, "begin"_a, "end"_a, nb::kw_only(), "n_keys"_a, "threads"_a)
      .def(
          "starts",
          [](const PositionIndex& self) {
            std::vector<std::uint64_t> starts;
            for (std::size_t word = 0; word < self.n_keys(); ++word) starts.push_back(self.start(word));
            starts.push_back(self.n_keys() ? self.start(self.n_keys() - 1) + self.count(self.n_keys() - 1) : 0);
            return to_array(std::move(starts));
          },
          "How many words of smaller ids the part holds [n_keys + 1].");
  nb::class_<RowCounter>(m, "RowCounter", "One thread's accumulator for rows of co-occurrence sums, in units of 2^-30.")
      .def(nb::init<std::size_t>(), "n_keys"_a)
      .def(
          "count",
          [](RowCounter& self, const PositionIndex& index, const In<std::uint32_t>& ids, std::size_t low, std::size_t high,
             int window, bool symmetric, bool by_distance) {
            if (low > high || high > index.n_keys() || self.n_keys() != index.n_keys() || window < 1)
              throw std::invalid_argument("rows must lie below n_keys, window must be at least 1");
            qianru::CooccurrenceRows rows;
            {
              const nb::gil_scoped_release release;
              rows = self.count(index, ids.data(), ids.shape(0), low, high, window, symmetric, by_distance);
            }
            return to_arrays(std::move(rows));
          },
          "index"_a, "ids"_a, "low"_a, "high"_a, nb::kw_only(), "window"_a, "symmetric"_a, "by_distance"_a,
          "Rows low to high: lengths uint64, columns uint32, sums uint64.")
      .def(
          "merge",
          [](RowCounter& self, const Parts& parts, std::size_t n_rows) { return to_arrays(merge(self, parts, n_rows)); },
          "parts"_a, "n_rows"_a, "The sum of parts (lengths, columns, sums), in the same form.");
}

void bind_glove(nb::module_& m) {
  nb::class_<GloveTrainer>(m, "GloveTrainer", "GloVe over a sparse matrix of counts, one epoch at a time.")
      .def(
          "__init__",
          [](GloveTrainer* self, const In<std::uint64_t>& offsets, const In<std::uint32_t>& columns, const In<float>& values,
             bool symmetric, int dim, double x_max, double alpha, double learning_rate, int threads, std::uint64_t seed) {
            check_rows(offsets, columns, values.shape(0));
            const qianru::GloveOptions options{dim, x_max, alpha, learning_rate, threads, seed};
            const qianru::SparseRows counts{offsets.data(), columns.data(), values.data(), offsets.shape(0) - 1, symmetric};
            const nb::gil_scoped_release release;
            new (self) GloveTrainer(counts, options);
          },
          "offsets"_a, "columns"_a, "values"_a, nb::kw_only(), "symmetric"_a, "dim"_a, "x_max"_a, "alpha"_a, "learning_rate"_a,
          "threads"_a, "seed"_a)
      .def("start_epoch", &GloveTrainer::start_epoch, nb::call_guard<nb::gil_scoped_release>())
      .def("wait", &GloveTrainer::wait, "seconds"_a, nb::call_guard<nb::gil_scoped_release>(), "True once the epoch has ended.")
      .def("stop", &GloveTrainer::stop, nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("n_entries", &GloveTrainer::n_entries)
      .def_prop_ro("n_done", &GloveTrainer::n_done)
      .def_prop_ro("loss", &GloveTrainer::loss)
      .def_prop_ro("diverged", &GloveTrainer::diverged)
      .def_prop_rw("epoch", &GloveTrainer::epoch, &GloveTrainer::set_epoch)
      .def(
          "read_state",
          [](GloveTrainer& self, const State& out, std::size_t first) {
            const std::size_t n_floats = static_cast<std::size_t>(self.options().dim) + 2;
            if (first > self.n_keys() || out.shape(0) > self.n_keys() - first || out.shape(1) != 4 || out.shape(2) != n_floats)
              throw std::invalid_argument("state must have shape [n, 4, dim + 2]");
            const nb::gil_scoped_release release;
            for (std::size_t i = 0; i < out.shape(0) * 4; ++i)
              std::memcpy(out.data() + i * n_floats, self.state(first + i / 4, i % 4), n_floats * sizeof(float));
          },
          "out"_a, "first"_a = 0, "Copies the state of the words from `first` on: w, b, 1; G; w~, 1, b~; G~.")
      .def(
          "write_state",
          [](GloveTrainer& self, const nb::ndarray<const float, nb::ndim<3>, nb::c_contig, nb::device::cpu>& state) {
            const std::size_t n_floats = static_cast<std::size_t>(self.options().dim) + 2;
            if (state.shape(0) != self.n_keys() || state.shape(1) != 4 || state.shape(2) != n_floats)
              throw std::invalid_argument("state must have shape [n_keys, 4, dim + 2]");
            const nb::gil_scoped_release release;
            for (std::size_t i = 0; i < state.shape(0) * 4; ++i)
              std::memcpy(self.state(i / 4, i % 4), state.data() + i * n_floats, n_floats * sizeof(float));
          },
          "state"_a);
}

void bind_sparse(nb::module_& m) {
  m.def(
      "sparse_transpose",
      [](const In<std::uint64_t>& offsets, const In<std::uint32_t>& columns, const In<float>& values, std::size_t n_columns) {
        check_rows(offsets, columns, values.shape(0));
        return to_arrays(qianru::transpose(offsets.data(), columns.data(), values.data(), offsets.shape(0) - 1, n_columns));
      },
      "offsets"_a, "columns"_a, "values"_a, "n_columns"_a, "The transposed matrix by rows.");
  m.def(
      "sparse_mirror",
      [](const In<std::uint64_t>& offsets, const In<std::uint32_t>& columns, const In<float>& values) {
        check_rows(offsets, columns, values.shape(0));
        return to_arrays(qianru::mirror(offsets.data(), columns.data(), values.data(), offsets.shape(0) - 1));
      },
      "offsets"_a, "columns"_a, "values"_a, "The whole of a symmetric matrix given by its upper triangle.");
  m.def(
      "sparse_times_dense",
      [](const In<std::uint64_t>& offsets, const In<std::uint32_t>& columns, const In<float>& values, const Dense& dense,
         const DenseOut& out, std::size_t low, std::size_t high) {
        if (low > high || high >= offsets.shape(0) || out.shape(0) + 1 != offsets.shape(0) || out.shape(1) != dense.shape(1) ||
            columns.shape(0) != values.shape(0) || offsets.data()[high] > columns.shape(0))
          throw std::invalid_argument("matrix [n, m], dense [m, k], out [n, k], rows low to high of them");
        const nb::gil_scoped_release release;
        for (std::uint64_t e = offsets.data()[low]; e < offsets.data()[high]; ++e)
          if (columns.data()[e] >= dense.shape(0)) throw std::invalid_argument("a column is out of range");
        qianru::sparse_kernels().times_dense(offsets.data(), columns.data(), values.data(), low, high, dense.data(),
                                             dense.shape(1), out.data());
      },
      "offsets"_a, "columns"_a, "values"_a, "dense"_a, "out"_a, "low"_a, "high"_a,
      "Rows low to high of out [n, k] = matrix [n, m] times dense [m, k].");
}

}  // namespace

void bind_counts(nb::module_& m) {
  bind_cooccurrence(m);
  bind_glove(m);
  bind_sparse(m);
}
