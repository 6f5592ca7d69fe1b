#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "module.h"
#include "text/encoder.h"
#include "text/survey.h"
#include "text/unicode_tables.h"
#include "text/vocab_select.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Ids = nb::ndarray<std::uint32_t, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using IdsIn = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<std::uint64_t, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::string_view view(const nb::bytes& data) { return {data.c_str(), data.size()}; }

template <class Array, class T>
Array to_array(std::vector<T> values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Array(owned->data(), {owned->size()}, owner);
}

nb::str to_str(std::string_view text) {
  return nb::steal<nb::str>(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}

auto survey_bytes(const nb::bytes& data) {
  const std::string_view text = view(data);
  nb::gil_scoped_release unlocked;
  const qianru::Survey found = qianru::survey(text.data(), text.size());
  return std::make_tuple(found.n_invalid_bytes, found.first_invalid, found.nfc_spans);
}

void scan(qianru::Encoder& encoder, const nb::bytes& data, bool starts_in_line, bool ends_in_line) {
  const std::string_view text = view(data);
  nb::gil_scoped_release unlocked;
  encoder.scan(text, starts_in_line, ends_in_line);
}

void scan_words(qianru::Encoder& encoder, const nb::bytes& data) {
  const std::string_view text = view(data);
  nb::gil_scoped_release unlocked;
  encoder.scan_words(text);
}

nb::str take_han(qianru::Encoder& encoder, std::size_t n_bytes) { return to_str(encoder.take_han(n_bytes)); }

void put_words(qianru::Encoder& encoder, const nb::typed<nb::list, nb::str>& words) {
  std::vector<std::uint32_t> lengths(words.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const Py_ssize_t n = PyUnicode_GetLength(PyList_GetItem(words.ptr(), static_cast<Py_ssize_t>(i)));
    if (n < 0) throw nb::python_error();
    lengths[i] = static_cast<std::uint32_t>(n);
  }
  nb::gil_scoped_release unlocked;
  encoder.put_lengths(lengths);
}

Ids merge(qianru::Encoder& encoder, qianru::Encoder& other) {
  std::vector<std::uint32_t> ids;
  {
    nb::gil_scoped_release unlocked;
    ids = encoder.table().merge(other.table());
  }
  return to_array<Ids>(std::move(ids));
}

nb::typed<nb::tuple, nb::typed<nb::list, nb::str>, Counts, Ids> select_words(qianru::Encoder& encoder, std::uint64_t min_count, std::size_t max_vocab) {
  qianru::Selection selection;
  {
    nb::gil_scoped_release unlocked;
    selection = qianru::select_words(encoder.table(), min_count, max_vocab);
  }
  nb::list keys;
  std::vector<std::uint64_t> counts;
  for (const auto& entry : selection.kept) {
    keys.append(to_str(entry.word));
    counts.push_back(entry.count);
  }
  return nb::make_tuple(keys, to_array<Counts>(std::move(counts)), to_array<Ids>(std::move(selection.map)));
}

nb::typed<nb::list, nb::str> words_by_id(qianru::Encoder& encoder) {
  std::vector<std::string_view> words(encoder.table().n_words());
  const auto entries = encoder.table().entries();
  for (const auto& entry : entries) words[entry.id] = entry.word;
  nb::typed<nb::list, nb::str> list;
  for (const std::string_view word : words) list.append(to_str(word));
  return list;
}

void remap_block(qianru::IdBlock& block, const IdsIn& map) {
  nb::gil_scoped_release unlocked;
  block.n_ids = qianru::remap(block.ids(), {map.data(), map.size()}, block.starts_in_line, block.ids().data());
}

std::size_t remap_ids(const Ids& ids, const IdsIn& map, bool starts_in_line) {
  nb::gil_scoped_release unlocked;
  return qianru::remap({ids.data(), ids.size()}, {map.data(), map.size()}, starts_in_line, ids.data());
}

Ids block_ids(nb::handle_t<qianru::IdBlock> self) {
  const auto ids = nb::cast<qianru::IdBlock&>(self).ids();
  return Ids(ids.data(), {ids.size()}, self);
}

void bind_encoder(nb::module_& m) {
  nb::class_<qianru::UserDict>(m, "UserDict", "Words that must come out as they are.")
      .def(nb::init<bool>(), "ignore_case"_a)
      .def("add", [](qianru::UserDict& dict, std::string_view word) { dict.add(word); }, "word"_a,
           "Add one word, not empty, in NFC.");

  nb::class_<qianru::Encoder>(m, "Encoder", "One worker's word table, and blocks of text turned into blocks of its ids.")
      .def(nb::init<bool, const qianru::UserDict*>(), "lowercase"_a, "dict"_a.none() = nb::none(), nb::keep_alive<1, 3>())
      .def("scan", &scan, "text"_a, "starts_in_line"_a = false, "ends_in_line"_a = false)
      .def("scan_words", &scan_words, "text"_a, "Words that are split already: each ends with NUL, each line with a line feed.")
      .def("take_han", &take_han, "n_bytes"_a, "The next Han runs to be cut, joined by line feeds; empty when there are none.")
      .def("put_words", &put_words, "words"_a, "What the dictionary made of take_han(), line feeds as words of their own.")
      .def("finish", &qianru::Encoder::finish, nb::call_guard<nb::gil_scoped_release>())
      .def("merge", &merge, "other"_a, "Take in the other's words and counts; this encoder's id for each of the other's.")
      .def("select", &select_words, "min_count"_a, "max_vocab"_a,
           "Words by falling count: keys, counts, and the new id of each old one (0xFFFFFFFE: left out). max_vocab 0: all.")
      .def("words", &words_by_id, "All words in the order of their ids.");
}

void bind_ids(nb::module_& m) {
  nb::class_<qianru::IdBlock>(m, "IdBlock", "The ids of one block of text.")
      .def_prop_ro("n_ids", [](const qianru::IdBlock& block) { return block.n_ids; })
      .def_prop_ro("n_words", [](const qianru::IdBlock& block) { return block.n_words; })
      .def_prop_ro("n_lines", [](const qianru::IdBlock& block) { return block.n_lines; })
      .def_prop_ro("n_long", [](const qianru::IdBlock& block) { return block.n_long; })
      .def_prop_ro("starts_in_line", [](const qianru::IdBlock& block) { return block.starts_in_line; })
      .def("ids", &block_ids, "A view, valid as long as it is not remapped.")
      .def("remap", &remap_block, "map"_a, "Replace each id in place and drop the words that are left out.");

  m.def("remap_ids", &remap_ids, "ids"_a, "map"_a, "starts_in_line"_a,
        "The same for ids in an array; how many are left, at its beginning.");

  nb::class_<qianru::CorpusHash>(m, "CorpusHash", "The fingerprint of a corpus from its blocks in order.")
      .def(nb::init<>())
      .def("append", &qianru::CorpusHash::append, "block"_a)
      .def("hex", &qianru::CorpusHash::hex);
}

}  // namespace

void bind_text(nb::module_& m) {
  m.attr("UNICODE_VERSION") = qianru::kUnicodeVersion;
  m.attr("LINE_END") = qianru::kLineEndId;
  m.attr("MAX_WORD_BYTES") = qianru::kMaxWordBytes;
  m.attr("MAX_HAN_RUN") = qianru::kMaxHanRun;
  m.def("survey", &survey_bytes, "text"_a,
        "Bytes that are not UTF-8: their number and the first one's offset or -1; and the spans of lines to bring into NFC.");
  m.def(
      "safe_cut",
      [](const nb::bytes& data, bool any_separator) {
        const std::string_view text = view(data);
        return qianru::safe_cut(text.data(), text.size(), any_separator);
      },
      "text"_a, "any_separator"_a, "The last offset where a line may be cut in two without a word changing; 0 if none.");
  bind_encoder(m);
  bind_ids(m);
}
