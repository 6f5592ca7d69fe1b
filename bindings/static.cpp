#include "module.h"

#include "static/word2vec.h"

#include <nanobind/ndarray.h>

#include <cstring>
#include <stdexcept>

namespace nb = nanobind;
using namespace nb::literals;
using qianru::Word2vecOptions;
using qianru::Word2vecTrainer;

using Ids = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using ConstRows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

static void check_shape(const Word2vecTrainer& trainer, std::size_t n, std::size_t dim) {
  if (n != trainer.n_keys() || dim != static_cast<std::size_t>(trainer.options().dim))
    throw std::invalid_argument("vectors must have shape [n_keys, dim]");
}

void bind_static(nb::module_& m) {
  nb::class_<Word2vecTrainer>(m, "Word2vecTrainer", "word2vec over a stream of ids, one epoch at a time.")
      .def(
          "__init__",
          [](Word2vecTrainer* self, const Ids& ids, const Counts& counts, int dim, int window, int negative, bool cbow,
             bool mean_gradient, double sample, double learning_rate, double min_learning_rate, int epochs, int threads,
             std::uint64_t seed) {
            const Word2vecOptions options{dim,           window,            negative, cbow,    mean_gradient, sample,
                                          learning_rate, min_learning_rate, epochs,   threads, seed};
            const nb::gil_scoped_release release;
            new (self) Word2vecTrainer(ids.data(), ids.shape(0), counts.data(), counts.shape(0), options);
          },
          "ids"_a, "counts"_a, nb::kw_only(), "dim"_a, "window"_a, "negative"_a, "cbow"_a, "mean_gradient"_a, "sample"_a,
          "learning_rate"_a, "min_learning_rate"_a, "epochs"_a, "threads"_a, "seed"_a, nb::keep_alive<1, 2>())
      .def("start_epoch", &Word2vecTrainer::start_epoch, nb::call_guard<nb::gil_scoped_release>())
      .def("wait", &Word2vecTrainer::wait, "seconds"_a, nb::call_guard<nb::gil_scoped_release>(),
           "True once the epoch has ended.")
      .def("stop", &Word2vecTrainer::stop, nb::call_guard<nb::gil_scoped_release>())
      .def("release_outputs", &Word2vecTrainer::release_outputs, nb::call_guard<nb::gil_scoped_release>(),
           "Ends training and frees the output vectors, so that a copy of the input vectors finds room.")
      .def_prop_ro("n_positions_done", &Word2vecTrainer::n_positions_done)
      .def_prop_ro("n_kept", &Word2vecTrainer::n_kept)
      .def_prop_ro("n_pairs", &Word2vecTrainer::n_pairs)
      .def_prop_ro("loss", &Word2vecTrainer::loss)
      .def_prop_ro("diverged", &Word2vecTrainer::diverged)
      .def(
          "read_vectors",
          [](Word2vecTrainer& self, const Rows& out) {
            check_shape(self, out.shape(0), out.shape(1));
            const nb::gil_scoped_release release;
            for (std::size_t i = 0; i < out.shape(0); ++i)
              std::memcpy(out.data() + i * out.shape(1), self.vectors(i), out.shape(1) * sizeof(float));
          },
          "out"_a, "Copies the input vectors to out [n_keys, dim].")
      .def(
          "write_vectors",
          [](Word2vecTrainer& self, const ConstRows& rows) {
            check_shape(self, rows.shape(0), rows.shape(1));
            const nb::gil_scoped_release release;
            for (std::size_t i = 0; i < rows.shape(0); ++i)
              std::memcpy(self.vectors(i), rows.data() + i * rows.shape(1), rows.shape(1) * sizeof(float));
          },
          "rows"_a, "Copies rows [n_keys, dim] to the input vectors.");
}
