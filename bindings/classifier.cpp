// core/static: the text classifier.
#include "module.h"

#include "static/classifier.h"
#include "static/product_quantiser.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <stdexcept>

namespace nb = nanobind;
using namespace nb::literals;
using namespace qianru;

namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using MatrixIn = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using MatrixOut = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using NewMatrix = nb::ndarray<float, nb::numpy, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void require(bool rule, const char* message) {
  if (!rule) throw std::invalid_argument(message);
}

std::string_view view(const nb::bytes& data) { return {data.c_str(), data.size()}; }

template <class T>
Out<T> to_array(std::vector<T> values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Out<T>(owned->data(), {owned->size()}, owner);
}

NewMatrix to_matrix(std::vector<float> values, std::size_t n_columns) {
  auto* owned = new std::vector<float>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return NewMatrix(owned->data(), {owned->size() / n_columns, n_columns}, owner);
}

std::vector<std::string_view> texts(const In<std::uint8_t>& bytes, const In<std::uint64_t>& offsets) {
  std::vector<std::string_view> found;
  require(offsets.shape(0) >= 1, "offsets must have one number more than there are texts");
  for (std::size_t i = 0; i + 1 < offsets.shape(0); ++i) {
    const std::uint64_t begin = offsets.data()[i], end = offsets.data()[i + 1];
    require(begin <= end && end <= bytes.shape(0), "offsets must rise within the bytes");
    found.emplace_back(reinterpret_cast<const char*>(bytes.data()) + begin, end - begin);
  }
  return found;
}

ClassifierLoss loss_from(std::string_view name) {
  if (name == "hs") return ClassifierLoss::hierarchical;
  require(name == "softmax" || name == "ova", "loss must be softmax, ova or hs");
  return name == "softmax" ? ClassifierLoss::softmax : ClassifierLoss::one_vs_all;
}

// The names of a data set's words or labels, one after the other, and their counts.
template <typename Text, typename Count>
std::tuple<Out<std::uint8_t>, Out<std::uint64_t>, Out<std::uint64_t>> names(std::size_t n, Text text, Count count) {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint64_t> offsets{0}, counts;
  for (std::size_t i = 0; i < n; ++i) {
    const std::string_view name = text(i);
    bytes.insert(bytes.end(), name.begin(), name.end());
    offsets.push_back(bytes.size());
    counts.push_back(count(i));
  }
  return {to_array(std::move(bytes)), to_array(std::move(offsets)), to_array(std::move(counts))};
}

void bind_data(nb::module_& m) {
  nb::class_<ClassifierData>(m, "ClassifierData", "Labelled lines of text, counted and turned into rows.")
      .def(nb::init<>())
      .def(
          "add",
          [](ClassifierData& data, const nb::bytes& text, const nb::bytes& prefix) {
            const std::string_view all = view(text), start = view(prefix);
            const nb::gil_scoped_release release;
            data.add(all, start);
          },
          "text"_a, "label_prefix"_a, "Read lines; tokens that begin with the prefix are labels.")
      .def(
          "finish",
          [](ClassifierData& data, std::uint64_t min_count, std::uint64_t min_count_label, const In<std::uint8_t>& more,
             const In<std::uint64_t>& more_offsets, int min_n, int max_n, std::uint32_t n_buckets, int word_ngrams) {
            const std::vector<std::string_view> words = texts(more, more_offsets);
            const nb::gil_scoped_release release;
            data.finish(min_count, min_count_label, words, {min_n, max_n, n_buckets}, word_ngrams);
          },
          nb::kw_only(), "min_count"_a, "min_count_label"_a, "more"_a, "more_offsets"_a, "min_n"_a, "max_n"_a, "n_buckets"_a,
          "word_ngrams"_a, "Keep the frequent words and labels, and new ones of `more`; give rows to words and buckets.")
      .def_prop_ro("n_lines", &ClassifierData::n_lines)
      .def_prop_ro("n_tokens", &ClassifierData::n_tokens)
      .def("buckets", [](const ClassifierData& data) { return to_array(std::vector<std::uint32_t>(data.buckets())); })
      .def("words",
           [](const ClassifierData& data) {
             return names(data.n_words(), [&](std::size_t i) { return data.word(i); }, [&](std::size_t i) { return data.word_count(i); });
           })
      .def("labels",
           [](const ClassifierData& data) {
             return names(data.n_labels(), [&](std::size_t i) { return data.label(i); }, [&](std::size_t i) { return data.label_count(i); });
           })
      .def(
          "line",
          [](const ClassifierData& data, std::size_t line) {
            require(line < data.n_lines(), "no such line");
            std::vector<std::uint32_t> rows;
            data.append_rows(line, rows);
            return std::make_tuple(rows, std::vector<std::uint32_t>(data.labels_begin(line), data.labels_end(line)));
          },
          "line"_a, "Rows and labels of one line. For tests.");
}

void copy_rows(Matrix& matrix, const MatrixOut& out) {
  require(out.shape(0) == matrix.n_rows() && out.shape(1) == matrix.dim(), "out has another shape");
  for (std::size_t i = 0; i < matrix.n_rows(); ++i)
    std::memcpy(out.data() + i * matrix.dim(), matrix.row(i), matrix.dim() * sizeof(float));
}

void bind_trainer(nb::module_& m) {
  nb::class_<ClassifierTrainer>(m, "ClassifierTrainer", "Trains a linear classifier, one epoch at a time.")
      .def(
          "__init__",
          [](ClassifierTrainer* self, const ClassifierData& data, int dim, std::string_view loss, double learning_rate, int epochs,
             int threads, std::uint64_t seed) {
            const ClassifierOptions options{dim, loss_from(loss), learning_rate, epochs, threads, seed};
            const nb::gil_scoped_release release;
            new (self) ClassifierTrainer(data, options);
          },
          "data"_a, nb::kw_only(), "dim"_a, "loss"_a, "learning_rate"_a, "epochs"_a, "threads"_a, "seed"_a, nb::keep_alive<1, 2>())
      .def("start_epoch", &ClassifierTrainer::start_epoch, nb::call_guard<nb::gil_scoped_release>())
      .def("wait", &ClassifierTrainer::wait, "seconds"_a, nb::call_guard<nb::gil_scoped_release>(), "True once the epoch has ended.")
      .def("stop", &ClassifierTrainer::stop, nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("n_lines_done", &ClassifierTrainer::n_lines_done)
      .def_prop_ro("n_examples", &ClassifierTrainer::n_examples)
      .def_prop_ro("loss", &ClassifierTrainer::loss)
      .def_prop_ro("diverged", &ClassifierTrainer::diverged)
      .def_prop_ro("n_inputs", [](ClassifierTrainer& trainer) { return trainer.inputs().n_rows(); })
      .def("read_inputs", [](ClassifierTrainer& trainer, const MatrixOut& out) { copy_rows(trainer.inputs(), out); }, "out"_a)
      .def("read_outputs", [](ClassifierTrainer& trainer, const MatrixOut& out) { copy_rows(trainer.outputs(), out); }, "out"_a)
      .def(
          "write_inputs",
          [](ClassifierTrainer& trainer, const In<std::int64_t>& ids, const MatrixIn& rows) {
            Matrix& inputs = trainer.inputs();
            require(rows.shape(0) == ids.shape(0) && rows.shape(1) == inputs.dim(), "rows must be [n, dim]");
            for (std::size_t i = 0; i < ids.shape(0); ++i) {
              require(ids.data()[i] >= 0 && static_cast<std::size_t>(ids.data()[i]) < inputs.n_rows(), "no such row");
              std::memcpy(inputs.row(static_cast<std::size_t>(ids.data()[i])), rows.data() + i * inputs.dim(), inputs.dim() * sizeof(float));
            }
          },
          "ids"_a, "rows"_a, "Start these rows [n] from others [n, dim].");
}

// The scorer and the arrays that it points into.
struct Scorer {
  MatrixIn word_rows, ngram_rows, outputs;
  ClassifierScorer scorer;
};

void bind_scorer(nb::module_& m) {
  nb::class_<Scorer>(m, "ClassifierScorer", "The labels' scores of new lines.")
      .def(
          "__init__",
          [](Scorer* self, const In<std::uint8_t>& bytes, const In<std::uint64_t>& offsets, std::optional<In<std::uint32_t>> buckets,
             const MatrixIn& word_rows, const MatrixIn& ngram_rows, const MatrixIn& outputs, const In<std::uint64_t>& label_counts, std::string_view loss, int min_n,
             int max_n, std::uint32_t n_buckets, int word_ngrams, bool pruned) {
            const std::vector<std::string_view> words = texts(bytes, offsets);
            std::vector<std::uint32_t> held;
            if (buckets) held.assign(buckets->data(), buckets->data() + buckets->shape(0));
            const std::size_t n_rows = buckets ? held.size() : n_buckets, dim = word_rows.shape(1);
            require(word_rows.shape(0) == words.size(), "word_rows must have a row for each word");
            require(ngram_rows.shape(0) == n_rows && ngram_rows.shape(1) == dim, "ngram_rows must have a row for each bucket");
            require(outputs.shape(0) == label_counts.shape(0) && outputs.shape(1) == dim, "outputs must have a row for each label");
            require(label_counts.shape(0) >= 1, "there must be a label");
            new (self) Scorer{word_rows, ngram_rows, outputs,
                              ClassifierScorer(words, held, !buckets, {{min_n, max_n, n_buckets}, word_ngrams, pruned}, loss_from(loss),
                                               {label_counts.data(), label_counts.data() + label_counts.shape(0)}, word_rows.data(),
                                               ngram_rows.data(), outputs.data(), dim)};
          },
          "bytes"_a, "offsets"_a, "buckets"_a.none(), "word_rows"_a, "ngram_rows"_a, "outputs"_a, "label_counts"_a, nb::kw_only(), "loss"_a, "min_n"_a,
          "max_n"_a, "n_buckets"_a, "word_ngrams"_a, "pruned"_a)
      .def(
          "score",
          [](const Scorer& self, const nb::bytes& text) {
            std::vector<float> scores;
            std::vector<std::uint32_t> n_rows;
            {
              const std::string_view all = view(text);
              const nb::gil_scoped_release release;
              self.scorer.score(all, scores, n_rows);
            }
            return std::make_tuple(to_matrix(std::move(scores), self.scorer.n_labels()), to_array(std::move(n_rows)));
          },
          "text"_a, "For each line: log-probabilities (logits for ova) [n, n_labels], and how many rows it has.")
      .def(
          "embed",
          [](const Scorer& self, const nb::bytes& text) {
            std::vector<float> means;
            std::vector<std::uint32_t> n_rows;
            {
              const std::string_view all = view(text);
              const nb::gil_scoped_release release;
              self.scorer.embed(all, means, n_rows);
            }
            return std::make_tuple(to_matrix(std::move(means), self.word_rows.shape(1)), to_array(std::move(n_rows)));
          },
          "text"_a, "For each line the mean of its rows [n, dim], and how many rows it has.");
}

}  // namespace

void bind_classifier(nb::module_& m) {
  m.def(
      "quantise",
      [](const MatrixIn& rows, std::size_t sub_dim, std::uint64_t seed, const nb::ndarray<std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>& codes,
         const nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>& centroids) {
        const std::size_t n = rows.shape(0), dim = rows.shape(1);
        require(sub_dim >= 1 && codes.shape(0) == n && codes.shape(1) == (dim + sub_dim - 1) / sub_dim, "codes must be [n, parts]");
        require(centroids.shape(0) == 256 * dim && n <= UINT32_MAX, "centroids must be [256 * dim]");
        const nb::gil_scoped_release release;
        qianru::quantise(rows.data(), n, dim, sub_dim, seed, codes.data(), centroids.data());
      },
      "rows"_a, "sub_dim"_a, "seed"_a, "codes"_a, "centroids"_a, "Product quantisation of rows [n, dim]: fills codes and centroids.");
  bind_data(m);
  bind_trainer(m);
  bind_scorer(m);
}
