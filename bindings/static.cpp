#include "module.h"

#include "static/word2vec.h"

#include <nanobind/ndarray.h>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <stdexcept>
#include <type_traits>

namespace nb = nanobind;
using namespace nb::literals;
using qianru::Word2vecOptions;
using qianru::Word2vecTrainer;

using Ids = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Offsets = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Labels = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Shares = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using ConstRows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Copies rows [n, dim] out of, or into, the trainer's rows, which `row_of` finds.
template <class Array, class RowOf>
static void copy_rows(const Word2vecTrainer& trainer, const Array& array, std::size_t n, RowOf row_of) {
  if (array.shape(0) != n || array.shape(1) != static_cast<std::size_t>(trainer.options().dim))
    throw std::invalid_argument("rows must have the shape of the trainer's matrix");
  const nb::gil_scoped_release release;
  const std::size_t dim = array.shape(1);
  for (std::size_t i = 0; i < n; ++i) {
    float* const row = row_of(i);
    if constexpr (std::is_const_v<typename Array::Scalar>)
      std::memcpy(row, array.data() + i * dim, dim * sizeof(float));
    else
      std::memcpy(array.data() + i * dim, row, dim * sizeof(float));
  }
}

// Throws unless there is a list for each word and all its rows are there.
static void check_lists(const Offsets& offsets, const Ids& rows, std::size_t n_keys, std::size_t n_shared) {
  bool is_sound = offsets.shape(0) == n_keys + 1 && offsets.data()[0] == 0 && offsets.data()[n_keys] == rows.shape(0);
  for (std::size_t i = 0; is_sound && i < n_keys; ++i) is_sound = offsets.data()[i] <= offsets.data()[i + 1];
  for (std::size_t i = 0; is_sound && i < rows.shape(0); ++i) is_sound = rows.data()[i] < n_shared;
  if (!is_sound) throw std::invalid_argument("shared_offsets and shared_rows must list rows below n_shared for each key");
}

// One step of the kernel on rows of a padded matrix, so that tests can hold it against a plain twin.
static double window_step(const Rows& inputs, const Rows& outputs, const Labels& labels, float rate, bool cbow, float input_scale) {
  const std::size_t n_inputs = inputs.shape(0), n_outputs = outputs.shape(0), dim = inputs.shape(1);
  if (n_inputs == 0 || n_outputs == 0 || outputs.shape(1) != dim || labels.shape(0) != n_outputs)
    throw std::invalid_argument("inputs [C, dim], outputs [N, dim], labels [N], C and N at least 1");
  qianru::Matrix u(n_inputs, dim), v(n_outputs, dim);
  std::vector<float*> u_rows, v_rows;
  for (std::size_t i = 0; i < n_inputs; ++i) {
    std::memcpy(u.row(i), inputs.data() + i * dim, dim * sizeof(float));
    u_rows.push_back(u.row(i));
  }
  for (std::size_t i = 0; i < n_outputs; ++i) {
    std::memcpy(v.row(i), outputs.data() + i * dim, dim * sizeof(float));
    v_rows.push_back(v.row(i));
  }
  const std::size_t n_scores = (n_inputs * n_outputs + 15) / 16 * 16;
  std::vector<float> scores(n_scores + 16), hidden(2 * u.stride()), signs(n_scores, 1.0f);
  for (std::size_t i = 0; i < n_inputs * n_outputs; ++i) signs[i] = labels.data()[i % n_outputs] ? -1.0f : 1.0f;
  qianru::LossSum loss;
  const qianru::Window window{u_rows.data(), v_rows.data(), signs.data(), scores.data(), static_cast<int>(n_inputs),
                              static_cast<int>(n_outputs)};
  const qianru::Word2vecKernels& kernels = qianru::word2vec_kernels();
  const int n_floats = (static_cast<int>(dim) + kernels.width - 1) / kernels.width * kernels.width;
  if (cbow) {
    kernels.cbow(window, {}, n_floats, rate, input_scale, hidden.data(), loss);
  } else {
    kernels.scores(window, n_floats);
    kernels.skipgram(window, nullptr, {}, n_floats, rate, loss);
  }
  for (std::size_t i = 0; i < n_inputs; ++i) std::memcpy(inputs.data() + i * dim, u.row(i), dim * sizeof(float));
  for (std::size_t i = 0; i < n_outputs; ++i) std::memcpy(outputs.data() + i * dim, v.row(i), dim * sizeof(float));
  return loss.total();
}

void bind_static(nb::module_& m) {
  m.def("word2vec_window_step", &window_step, "inputs"_a, "outputs"_a, "labels"_a, nb::kw_only(), "rate"_a, "cbow"_a,
        "input_scale"_a, "One training step in place on inputs [C, dim] and outputs [N, dim]; returns the loss. For tests.");
  m.def(
      "huffman_paths",
      [](const Counts& counts) {
        const qianru::HuffmanPaths paths = qianru::huffman_paths(counts.data(), counts.shape(0));
        std::vector<std::vector<std::pair<std::uint32_t, float>>> words(counts.shape(0));
        for (std::size_t i = 0; i < words.size(); ++i)
          for (std::uint64_t j = paths.offsets[i]; j < paths.offsets[i + 1]; ++j) words[i].emplace_back(paths.nodes[j], paths.signs[j]);
        return words;
      },
      "counts"_a, "For each word the (inner node, sign) pairs from the root down. For tests.");
  m.def(
      "draw_negatives",
      [](const Counts& counts, double power, std::uint64_t key, std::size_t n) {
        const qianru::AliasTable table(counts.data(), counts.shape(0), power);
        std::vector<std::uint32_t> drawn(n);
        for (std::size_t i = 0; i < n; ++i) drawn[i] = table.draw(qianru::random_at(key, i));
        return drawn;
      },
      "counts"_a, "power"_a, "key"_a, "n"_a, "n draws of an id from counts^power. For tests.");
  m.def(
      "keep_probabilities",
      [](const Counts& counts, double sample) {
        std::vector<double> kept;
        for (std::uint32_t threshold : qianru::keep_thresholds(counts.data(), counts.shape(0), sample))
          kept.push_back((static_cast<double>(threshold) + 1) / 4294967296.0);
        return kept;
      },
      "counts"_a, "sample"_a, "Probability of keeping a token of each word. For tests.");
  nb::class_<Word2vecTrainer>(m, "Word2vecTrainer", "word2vec over a stream of ids, one epoch at a time.")
      .def(
          "__init__",
          [](Word2vecTrainer* self, const Ids& ids, const Counts& counts, int dim, int window, int negative, bool cbow,
             bool mean_gradient, double sample, double learning_rate, double min_learning_rate, int epochs, int threads,
             std::uint64_t seed, double negative_power, double start_range, const std::optional<Offsets>& shared_offsets,
             const std::optional<Ids>& shared_rows, std::size_t n_shared) {
            const Word2vecOptions options{dim,    window,        negative,          cbow,   mean_gradient,
                                          sample, learning_rate, min_learning_rate, epochs, threads,
                                          seed,   negative_power, start_range};
            qianru::SharedRows shared;
            if (shared_offsets && shared_rows) {
              check_lists(*shared_offsets, *shared_rows, counts.shape(0), n_shared);
              shared = {shared_offsets->data(), shared_rows->data(), n_shared};
            }
            const nb::gil_scoped_release release;
            new (self) Word2vecTrainer(ids.data(), ids.shape(0), counts.data(), counts.shape(0), options, shared);
          },
          "ids"_a, "counts"_a, nb::kw_only(), "dim"_a, "window"_a, "negative"_a, "cbow"_a, "mean_gradient"_a, "sample"_a,
          "learning_rate"_a, "min_learning_rate"_a, "epochs"_a, "threads"_a, "seed"_a, "negative_power"_a = 0.75,
          "start_range"_a = 0.5, "shared_offsets"_a = nb::none(), "shared_rows"_a = nb::none(), "n_shared"_a = 0,
          nb::keep_alive<1, 2>(), nb::keep_alive<1, 16>(), nb::keep_alive<1, 17>())
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
      .def_prop_ro("n_inputs", &Word2vecTrainer::n_inputs)
      .def_prop_ro("n_outputs", &Word2vecTrainer::n_outputs)
      .def("skip_epochs", &Word2vecTrainer::skip_epochs, "n"_a, "Before the first epoch: as if n had been trained already.")
      .def(
          "set_input_shares",
          [](Word2vecTrainer& self, const Shares& shares) {
            if (shares.shape(0) != self.n_keys()) throw std::invalid_argument("shares must have shape [n_keys]");
            self.set_input_shares(shares.data());
          },
          "shares"_a, "For each word the share of its update that its input vector takes: 0 keeps it as it is.")
      .def(
          "read_vectors",
          [](Word2vecTrainer& self, const Rows& out) {
            copy_rows(self, out, self.n_inputs(), [&](std::size_t i) { return self.vectors(i); });
          },
          "out"_a, "Copies the input rows, the words' and then the shared ones, to out [n_inputs, dim].")
      .def(
          "write_vectors",
          [](Word2vecTrainer& self, const ConstRows& rows) {
            copy_rows(self, rows, self.n_inputs(), [&](std::size_t i) { return self.vectors(i); });
          },
          "rows"_a, "Copies rows [n_inputs, dim] to the input rows.")
      .def(
          "read_outputs",
          [](Word2vecTrainer& self, const Rows& out) {
            copy_rows(self, out, self.n_outputs(), [&](std::size_t i) { return self.outputs(i); });
          },
          "out"_a, "Copies the output vectors to out [n_outputs, dim].")
      .def(
          "write_outputs",
          [](Word2vecTrainer& self, const ConstRows& rows) {
            copy_rows(self, rows, self.n_outputs(), [&](std::size_t i) { return self.outputs(i); });
          },
          "rows"_a, "Copies rows [n_outputs, dim] to the output vectors.");
}
