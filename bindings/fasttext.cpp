// core/static: subwords and what fastText's files consist of.
#include "module.h"

#include "static/subwords.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace nb = nanobind;
using namespace nb::literals;
using qianru::SubwordLists;
using qianru::SubwordRule;

namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<T, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using MatrixIn = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using MatrixOut = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

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

void check_offsets(const In<std::uint64_t>& offsets, std::size_t n_values) {
  require(offsets.shape(0) >= 1 && offsets.data()[0] == 0, "offsets must begin with 0");
  for (std::size_t i = 1; i < offsets.shape(0); ++i)
    require(offsets.data()[i] >= offsets.data()[i - 1], "offsets must not fall");
  require(offsets.data()[offsets.shape(0) - 1] <= n_values, "offsets must end within the values");
}

Out<std::uint32_t> subwords(const nb::bytes& word, int min_n, int max_n, std::uint32_t n_buckets, std::uint32_t seed) {
  std::vector<std::uint32_t> buckets;
  qianru::append_subwords(view(word), {min_n, max_n, n_buckets, seed}, buckets);
  return to_array(std::move(buckets));
}

std::tuple<Out<std::uint64_t>, Out<std::uint32_t>> subword_lists(const In<std::uint8_t>& bytes, const In<std::uint64_t>& offsets,
                                                                 int min_n, int max_n, std::uint32_t n_buckets,
                                                                 std::uint32_t seed) {
  check_offsets(offsets, bytes.shape(0));
  SubwordLists lists;
  {
    const nb::gil_scoped_release release;
    const char* const text = reinterpret_cast<const char*>(bytes.data());
    for (std::size_t i = 0; i + 1 < offsets.shape(0); ++i) {
      const std::uint64_t begin = offsets.data()[i], end = offsets.data()[i + 1];
      qianru::append_subwords({text + begin, end - begin}, {min_n, max_n, n_buckets, seed}, lists.values);
      lists.close();
    }
  }
  return {to_array(std::move(lists.offsets)), to_array(std::move(lists.values))};
}

void mean_rows(std::optional<MatrixIn> first, const MatrixIn& rows, const In<std::uint64_t>& offsets, const In<std::uint32_t>& lists,
               const MatrixOut& out) {
  check_offsets(offsets, lists.shape(0));
  const std::size_t n = out.shape(0), dim = out.shape(1);
  require(offsets.shape(0) == n + 1 && rows.shape(1) == dim, "one list and one row of out each, all of one dim");
  require(!first || (first->shape(0) == n && first->shape(1) == dim), "first must have the shape of out");
  for (std::size_t i = 0; i < lists.shape(0); ++i)
    require(lists.data()[i] < rows.shape(0) || lists.data()[i] >= qianru::kNoRow, "a list names a row that is not there");
  const nb::gil_scoped_release release;
  qianru::mean_rows(first ? first->data() : nullptr, rows.data(), offsets.data(), lists.data(), n, dim, out.data());
}

// The dictionary of a fastText file: n entries of text, NUL, 8 bytes count, 1 byte type.
struct Entries {
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::int64_t> counts;
  std::vector<std::uint8_t> types;
  std::size_t used = 0;
};

std::tuple<Out<std::uint8_t>, Out<std::uint64_t>, Out<std::int64_t>, Out<std::uint8_t>, std::size_t> fasttext_entries(const In<std::uint8_t>& data, std::size_t n) {
  Entries entries;
  {
    const nb::gil_scoped_release release;
    const std::uint8_t *at = data.data(), *const end = at + data.shape(0);
    while (entries.types.size() < n) {
      const auto* nul = static_cast<const std::uint8_t*>(std::memchr(at, 0, static_cast<std::size_t>(end - at)));
      if (!nul || end - nul < 10) break;
      entries.bytes.insert(entries.bytes.end(), at, nul);
      entries.offsets.push_back(entries.bytes.size());
      std::memcpy(&entries.counts.emplace_back(), nul + 1, 8);
      entries.types.push_back(nul[9]);
      at = nul + 10;
    }
    entries.used = static_cast<std::size_t>(at - data.data());
  }
  return {to_array(std::move(entries.bytes)), to_array(std::move(entries.offsets)), to_array(std::move(entries.counts)),
          to_array(std::move(entries.types)), entries.used};
}

}  // namespace

void bind_fasttext(nb::module_& m) {
  m.attr("SUBWORD_SEED") = qianru::kSubwordSeed;
  m.attr("ZERO_ROW") = qianru::kZeroRow;
  m.attr("NO_ROW") = qianru::kNoRow;
  m.def(
      "subword_hash", [](const nb::bytes& text, std::uint32_t seed) { return qianru::subword_hash(view(text), seed); }, "text"_a,
      "seed"_a = qianru::kSubwordSeed, "fastText's hash of the bytes, or of what `seed` is the hash of and the bytes.");
  m.def("subwords", &subwords, "word"_a, nb::kw_only(), "min_n"_a, "max_n"_a, "n_buckets"_a, "seed"_a = qianru::kSubwordSeed,
        "The buckets of the n-grams of `<word>` in UTF-8.");
  m.def("subword_lists", &subword_lists, "bytes"_a, "offsets"_a, nb::kw_only(), "min_n"_a, "max_n"_a, "n_buckets"_a,
        "seed"_a = qianru::kSubwordSeed, "The same for many words: offsets [n + 1] and buckets.");
  m.def("mean_rows", &mean_rows, "first"_a.none(), "rows"_a, "offsets"_a, "lists"_a, "out"_a,
        "out[i] = mean of first[i], if there is first, and of the rows of list i; ZERO_ROW is one of zeros, NO_ROW none.");
  m.def("fasttext_entries", &fasttext_entries, "data"_a, "n"_a,
        "Up to n entries of a fastText dictionary: bytes, offsets, counts, types, and how many bytes they took.");
}
