// What the encoders of core/tokens share on their way to Python.
#pragma once

#include "module.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <string_view>
#include <utility>
#include <vector>

#include "tokens/batch.h"

namespace qianru_bindings {

namespace nb = nanobind;

using TokenIds = nb::ndarray<std::uint32_t, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using TokenSplits = nb::ndarray<std::int64_t, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Texts = nb::typed<nb::list, nb::bytes>;

inline std::string_view view(const nb::bytes& data) { return {data.c_str(), data.size()}; }

inline TokenIds to_array(qianru::IdBuffer ids) {
  auto* const owned = new qianru::IdBuffer(std::move(ids));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<qianru::IdBuffer*>(p); });
  return TokenIds(owned->data(), {owned->size()}, owner);
}

template <class Array, class T>
Array to_array(std::vector<T> values) {
  auto* const owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Array(owned->data(), {owned->size()}, owner);
}

// The list keeps the bytes alive, and bytes do not change.
inline std::vector<std::string_view> views(const Texts& texts) {
  std::vector<std::string_view> found;
  found.reserve(texts.size());
  for (const nb::handle text : texts) found.push_back(view(nb::cast<nb::bytes>(text)));
  return found;
}

// encode, encode_batch and encode_lines of an encoder that has
//   void encode(std::string_view, IdBuffer& ids, IdBuffer& starts, IdBuffer& ends)
//   IdBuffer encode_batch(std::span<const std::string_view>, int threads, std::vector<std::int64_t>& splits)
//   IdBuffer encode_lines(std::string_view block, int threads, std::optional<std::uint32_t> line_end)
template <class Encoder>
void bind_encoding(nb::class_<Encoder>& bound) {
  using namespace nb::literals;
  bound
      .def(
          "encode",
          [](Encoder& encoder, const nb::bytes& text) {
            qianru::IdBuffer ids, starts, ends;
            {
              const nb::gil_scoped_release unlocked;
              encoder.encode(view(text), ids, starts, ends);
            }
            return std::make_tuple(to_array(std::move(ids)), to_array(std::move(starts)), to_array(std::move(ends)));
          },
          "text"_a, "ids u32 [n], and where in the text each token starts and ends, u32 [n], in bytes.")
      .def(
          "encode_batch",
          [](Encoder& encoder, const Texts& texts, int threads) {
            const auto parts = views(texts);
            std::vector<std::int64_t> splits;
            qianru::IdBuffer ids;
            {
              const nb::gil_scoped_release unlocked;
              ids = encoder.encode_batch(parts, threads, splits);
            }
            return std::make_tuple(to_array(std::move(ids)), to_array<TokenSplits>(std::move(splits)));
          },
          "texts"_a, "threads"_a, "ids u32 [total]; text i has those from splits[i] up to splits[i + 1], splits i64 [n + 1].")
      .def(
          "encode_lines",
          [](Encoder& encoder, const nb::bytes& block, int threads, std::optional<std::uint32_t> line_end) {
            qianru::IdBuffer ids;
            {
              const nb::gil_scoped_release unlocked;
              ids = encoder.encode_lines(view(block), threads, line_end);
            }
            return to_array(std::move(ids));
          },
          "block"_a, "threads"_a, "line_end"_a = nb::none(),
          "ids u32 of the lines of a block, one text a line without its \\n; line_end after each line if it is given.");
}

}  // namespace qianru_bindings
