#include "tokens.h"

#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "tokens/bpe.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace qianru_bindings;

namespace {

using IdsIn = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using PairsIn = nb::ndarray<const std::uint32_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

qianru::PretokenizeOptions pretokenize_options(std::string_view pattern, std::string_view digits, bool add_prefix_space) {
  const auto known_pattern = qianru::pattern_from(pattern);
  const auto known_digits = qianru::digits_from(digits);
  if (!known_pattern) throw std::invalid_argument("pattern must be none, gpt2, cl100k, qwen2, o200k or the regular expression of one");
  if (!known_digits) throw std::invalid_argument("digits must be together, runs or each");
  return {*known_pattern, *known_digits, add_prefix_space};
}

std::vector<nb::bytes> pretokenize(const nb::bytes& text, std::string_view pattern, std::string_view digits) {
  const qianru::PretokenizeOptions options = pretokenize_options(pattern, digits, false);
  const qianru::Scanner scanner;
  std::vector<nb::bytes> pieces;
  const char* const end = text.c_str() + text.size();
  for (const char* p = text.c_str(); p < end;) {
    const char* const next = options.digits == qianru::Digits::together ? end : scanner.next_digits(p, end, options.digits);
    qianru::for_pieces(scanner, options.pattern, p, next,
                       [&](const char* from, const char* to) { pieces.emplace_back(from, static_cast<std::size_t>(to - from)); });
    p = next;
  }
  return pieces;
}

void make_encoder(qianru::BpeEncoder* self, const Texts& tokens, const IdsIn& ids, const std::optional<PairsIn>& merges,
                  std::string_view pattern, std::string_view digits, bool add_prefix_space, bool ignore_merges) {
  const auto texts = views(tokens);
  const qianru::BpeOptions options{pretokenize_options(pattern, digits, add_prefix_space), ignore_merges};
  std::span<const std::uint32_t> pairs;
  if (merges) pairs = {merges->data(), merges->size()};
  const nb::gil_scoped_release unlocked;
  new (self) qianru::BpeEncoder(texts, {ids.data(), ids.size()}, merges ? &pairs : nullptr, options);
}

}  // namespace

void bind_tokens(nb::module_& m) {
  m.def(
      "knows_pattern", [](std::string_view regex) { return qianru::pattern_from(regex).has_value(); }, "regex"_a,
      "Whether a pre-tokeniser's regular expression is one that the core cuts by.");
  m.def("pretokenize", &pretokenize, "text"_a, nb::kw_only(), "pattern"_a, "digits"_a = "together",
        "The pieces of UTF-8 text that byte-level BPE merges within. pattern: none, gpt2, cl100k, qwen2, o200k, or its regex.");
  nb::class_<qianru::BpeEncoder> encoder(m, "BpeEncoder", "Byte-level BPE.");
  encoder.def("__init__", &make_encoder, "tokens"_a, "ids"_a, "merges"_a.none(), nb::kw_only(), "pattern"_a, "digits"_a = "together",
              "add_prefix_space"_a = false, "ignore_merges"_a = false,
              "tokens: bytes, with ids u32 [n]; merges: pairs of ids u32 [m, 2] in the order of their ranks, or None: the rank of "
              "a token is its id.");
  encoder.def_prop_ro("n_tokens", &qianru::BpeEncoder::n_tokens);
  bind_encoding(encoder);
}
