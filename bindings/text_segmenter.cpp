// The part of core/text that cuts Han runs by trained weights.
#include "module.h"

#include "text/segmenter_trainer.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace nb = nanobind;
using namespace nb::literals;
using qianru::kTags;
using qianru::Segmenter;
using qianru::SegmenterTrainer;

namespace {

using Words = nb::typed<nb::list, nb::str>;
using KeysIn = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using WeightsIn = nb::ndarray<const std::int16_t, nb::shape<-1, kTags>, nb::c_contig, nb::device::cpu>;
using TransitionsIn = nb::ndarray<const std::int32_t, nb::shape<kTags, kTags>, nb::c_contig, nb::device::cpu>;
using Keys = nb::ndarray<nb::numpy, std::uint64_t, nb::ndim<1>, nb::c_contig>;
using Weights = nb::ndarray<nb::numpy, std::int16_t, nb::shape<-1, kTags>, nb::c_contig>;
using TransitionsOut = nb::ndarray<nb::numpy, std::int32_t, nb::shape<kTags, kTags>, nb::c_contig>;

template <class Array, class T>
Array to_array(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Array(owned->data(), shape, owner);
}

std::vector<std::uint32_t> lengths_of(const Words& words) {
  std::vector<std::uint32_t> lengths(words.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const Py_ssize_t n = PyUnicode_GetLength(PyList_GetItem(words.ptr(), static_cast<Py_ssize_t>(i)));
    if (n < 0) throw nb::python_error();
    lengths[i] = static_cast<std::uint32_t>(n);
  }
  return lengths;
}

void make(Segmenter* self, const KeysIn& keys, const WeightsIn& weights, const TransitionsIn& transitions) {
  qianru::Transitions made;
  for (std::size_t before = 0; before < kTags; ++before) std::copy_n(transitions.data() + before * kTags, kTags, made[before].begin());
  new (self) Segmenter({keys.data(), keys.size()}, {weights.data(), weights.size()}, made);
}

Words cut(const Segmenter& segmenter, const nb::str& runs, const Words& words) {
  const std::vector<std::uint32_t> lengths = lengths_of(words);
  const auto text = nb::cast<std::string_view>(runs);
  std::vector<std::uint32_t> made;
  {
    nb::gil_scoped_release unlocked;
    made = segmenter.cut(text, lengths);
  }
  Words list;
  Py_ssize_t at = 0;
  for (const std::uint32_t n : made) {
    list.append(nb::steal<nb::str>(PyUnicode_Substring(runs.ptr(), at, at + static_cast<Py_ssize_t>(n))));
    at += static_cast<Py_ssize_t>(n);
  }
  return list;
}

void make_trainer(SegmenterTrainer* self, std::string_view runs, const Words& words, const Words& right, std::uint64_t seed) {
  const std::vector<std::uint32_t> lengths = lengths_of(words), right_lengths = lengths_of(right);
  nb::gil_scoped_release unlocked;
  new (self) SegmenterTrainer(runs, lengths, right_lengths, seed);
}

std::tuple<Keys, Weights, TransitionsOut> weights(const SegmenterTrainer& trainer) {
  SegmenterTrainer::Weights made;
  {
    nb::gil_scoped_release unlocked;
    made = trainer.weights();
  }
  std::vector<std::int32_t> transitions;
  for (const qianru::TagScores& row : made.transitions) transitions.insert(transitions.end(), row.begin(), row.end());
  const std::size_t n = made.keys.size();
  return {to_array<Keys>(std::move(made.keys), {n}), to_array<Weights>(std::move(made.weights), {n, kTags}),
          to_array<TransitionsOut>(std::move(transitions), {kTags, kTags})};
}

}  // namespace

void bind_segmenter(nb::module_& m) {
  nb::class_<Segmenter>(m, "Segmenter", "Cuts Han runs by weights of character tags.")
      .def("__init__", &make, "keys"_a, "weights"_a, "transitions"_a)
      .def("cut", &cut, "runs"_a, "words"_a,
           "The words of runs that are joined by line feeds, which come back as words of their own; `words`: the dictionary's.");

  nb::class_<SegmenterTrainer>(m, "SegmenterTrainer", "Weights of a Segmenter from runs that are cut, by the averaged perceptron.")
      .def("__init__", &make_trainer, "runs"_a, "words"_a, "right"_a, "seed"_a,
           "Runs joined by line feeds, cut by the dictionary and rightly; line feeds are words of their own.")
      .def_prop_ro("n_runs", &SegmenterTrainer::n_runs)
      .def("begin_epoch", &SegmenterTrainer::begin_epoch, "Take the runs in a new order.")
      .def("train", &SegmenterTrainer::train, "first"_a, "last"_a, nb::call_guard<nb::gil_scoped_release>(),
           "Train on these places of the order; how many characters got a wrong tag.")
      .def("weights", &weights, "keys uint64 [n], weights int16 [n, 4], transitions int32 [4, 4] (before, after).");
}
