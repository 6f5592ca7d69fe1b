// core/vectors: keys, spellings, and the rows of word2vec files.
#include "module.h"

#include "vectors/key_table.h"
#include "vectors/murmur.h"
#include "vectors/spelling.h"
#include "vectors/unigram.h"
#include "vectors/word2vec_rows.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <bit>
#include <stdexcept>

namespace nb = nanobind;
using namespace nb::literals;
using namespace qianru;

namespace {

template <typename T>
using Array = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void require(bool rule, const char* message) {
  if (!rule) throw std::invalid_argument(message);
}

std::string_view view(const nb::bytes& bytes) { return {bytes.c_str(), bytes.size()}; }

// Holds the arrays alive that the table points into; they may be mapped from a file.
struct KeyIndex {
  Array<const std::uint8_t> bytes;
  Array<const std::uint64_t> offsets, table;
  KeyTable keys;

  KeyIndex(Array<const std::uint8_t> bytes_, Array<const std::uint64_t> offsets_, Array<const std::uint64_t> table_)
      : bytes(bytes_), offsets(offsets_), table(table_),
        keys{reinterpret_cast<const char*>(bytes.data()), bytes.shape(0), offsets.data(), offsets.shape(0) - 1, table.data(), table.shape(0)} {
    require(offsets.shape(0) >= 2 && offsets.shape(0) <= UINT32_MAX, "offsets must have one number more than there are keys");
    require(std::has_single_bit(table.shape(0)), "the table must have a power of two of slots");
  }
};

std::vector<std::uint32_t> fill_table(Array<const std::uint8_t> bytes, Array<const std::uint64_t> offsets, Array<std::uint64_t> table) {
  require(offsets.shape(0) >= 1 && offsets.shape(0) <= UINT32_MAX, "offsets must have one number more than there are keys");
  const std::size_t n = offsets.shape(0) - 1;
  require(table.shape(0) == slots_for(n), "table: wrong size");
  const KeyTable keys{reinterpret_cast<const char*>(bytes.data()), bytes.shape(0), offsets.data(), n, nullptr, table.shape(0)};
  nb::gil_scoped_release release;
  std::vector<std::uint32_t> duplicates;
  build_table(keys, table.data(), duplicates);
  return duplicates;
}

void bind_keys(nb::module_& m) {
  m.def("slots_for", &slots_for, "n_keys"_a, "The slots that the table of this many keys has.");
  m.def("fill_table", &fill_table, "bytes"_a, "offsets"_a, "table"_a,
        "Fill the table [slots_for(n_keys)]; returns the rows left out because a lower row has the same key.");
  nb::class_<KeyIndex>(m, "KeyIndex", "From key to row, over arrays that may be mapped.")
      .def(nb::init<Array<const std::uint8_t>, Array<const std::uint64_t>, Array<const std::uint64_t>>(), "bytes"_a, "offsets"_a, "table"_a)
      .def(
          "find", [](const KeyIndex& index, const nb::bytes& key) { return find_key(index.keys, view(key)); }, "key"_a,
          "The row of the key's UTF-8 bytes, or -1.")
      .def(
          "is_sound",
          [](const KeyIndex& index) {
            nb::gil_scoped_release release;
            return table_is_sound(index.keys);
          },
          "Whether no key is empty and each is found at its row.")
      .def(
          "close_spellings",
          [](const KeyIndex& index, const nb::bytes& word, std::uint32_t limit, std::size_t k) {
            const std::string_view text = view(word);
            nb::gil_scoped_release release;
            std::vector<std::uint32_t> rows;
            for (const Spelling& spelling : close_spellings(index.keys, text, limit, k)) rows.push_back(spelling.row);
            return rows;
          },
          "word"_a, "limit"_a, "k"_a, "Rows of the k keys nearest in spelling, within limit edits, nearest first.")
      .def(
          "murmur_hashes",
          [](const KeyIndex& index, Array<std::uint64_t> out) {
            require(out.shape(0) == index.keys.n_keys, "one number a key");
            nb::gil_scoped_release release;
            for (std::size_t row = 0; row < index.keys.n_keys; ++row) out.data()[row] = murmur_64a(key_at(index.keys, row), 1);
          },
          "out"_a, "Fill out [n_keys] with the hashes by which spaCy names the keys.")
      .def(
          "unigram_scores",
          [](const KeyIndex& index, std::optional<Array<const std::uint64_t>> counts, Array<double> scores) {
            require(scores.shape(0) == index.keys.n_keys && (!counts || counts->shape(0) == index.keys.n_keys), "one number a key");
            nb::gil_scoped_release release;
            unigram_scores(index.keys, counts ? counts->data() : nullptr, scores.data());
          },
          "counts"_a.none(), "scores"_a, "Fill scores [n_keys] for a Unigram tokenizer whose pieces are the keys.");
}

const char* error_name(RowError error) {
  switch (error) {
    case RowError::none: return "";
    case RowError::key_empty: return "key_empty";
    case RowError::key_too_long: return "key_too_long";
    case RowError::key_not_utf8: return "key_not_utf8";
    case RowError::too_few_numbers: return "too_few_numbers";
    case RowError::too_many_numbers: return "too_many_numbers";
    case RowError::not_a_number: return "not_a_number";
    case RowError::not_finite: return "not_finite";
    case RowError::line_too_long: return "line_too_long";
  }
  return "?";
}

KeyPolicy policy_of(const std::string& errors) {
  require(errors == "strict" || errors == "replace" || errors == "surrogateescape", "errors: strict, replace or surrogateescape");
  return errors == "strict" ? KeyPolicy::strict : errors == "replace" ? KeyPolicy::replace : KeyPolicy::keep;
}

RowFormat format_of(const std::string& format) {
  require(format == "binary" || format == "text" || format == "numbers", "format: binary, text or numbers");
  return format == "binary" ? RowFormat::binary : format == "text" ? RowFormat::text : RowFormat::numbers;
}

// The matrix comes anew with each piece, since it may grow between two of them.
struct Word2vecRows {
  RowReader reader;
  std::size_t dim;

  Word2vecRows(std::size_t dim_, const std::string& format, const std::string& errors)
      : reader(format_of(format), dim_, policy_of(errors)), dim(dim_) {}
};

template <typename T>
nb::bytes as_bytes(const std::vector<T>& values) {
  return nb::bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void bind_rows(nb::module_& m) {
  nb::class_<Word2vecRows>(m, "Word2vecRows", "Reads the rows of a word2vec file, fed in pieces, into a matrix.")
      .def(nb::init<std::size_t, const std::string&, const std::string&>(), "dim"_a, nb::kw_only(), "format"_a, "errors"_a)
      .def(
          "feed",
          [](Word2vecRows& rows, Array<const std::uint8_t> data, bool last, Matrix<float> matrix) {
            require(matrix.shape(1) == rows.dim && matrix.shape(0) >= rows.reader.n_read(), "matrix: wrong shape");
            nb::gil_scoped_release release;
            return rows.reader.feed(reinterpret_cast<const char*>(data.data()), data.shape(0), last, matrix.data(), matrix.shape(0));
          },
          "data"_a, "last"_a, "matrix"_a, "Read whole rows into matrix, as many as it has room for; returns the bytes used up.")
      .def_prop_ro("n_read", [](const Word2vecRows& rows) { return rows.reader.n_read(); })
      .def_prop_ro("n_broken", [](const Word2vecRows& rows) { return rows.reader.n_broken(); })
      .def_prop_ro("max_row_bytes", [](const Word2vecRows& rows) { return rows.reader.max_row_bytes(); })
      .def_prop_ro("error", [](const Word2vecRows& rows) { return std::string(error_name(rows.reader.error())); })
      .def_prop_ro("error_offset", [](const Word2vecRows& rows) { return rows.reader.error_offset(); })
      .def_prop_ro("error_fields", [](const Word2vecRows& rows) { return rows.reader.error_fields(); })
      .def("key_bytes", [](const Word2vecRows& rows) { return as_bytes(rows.reader.key_bytes()); })
      .def("key_offsets", [](const Word2vecRows& rows) { return as_bytes(rows.reader.key_offsets()); });
  m.def(
      "word2vec_rows",
      [](const KeyIndex& index, Matrix<const float> matrix, std::size_t begin, std::size_t end, const std::string& format) {
        const RowFormat kind = format_of(format);
        require(index.keys.n_keys == matrix.shape(0) && begin <= end && end <= matrix.shape(0), "rows out of range");
        std::string out;
        {
          nb::gil_scoped_release release;
          const std::size_t dim = matrix.shape(1);
          for (std::size_t r = begin; r < end; ++r)
            append_row(kind, key_at(index.keys, r), matrix.data() + r * dim, dim, out);
        }
        return nb::bytes(out.data(), out.size());
      },
      "index"_a, "matrix"_a, "begin"_a, "end"_a, nb::kw_only(), "format"_a, "Rows begin to end as a file has them.");
}

}  // namespace

void bind_vectors(nb::module_& m) {
  bind_keys(m);
  bind_rows(m);
}
