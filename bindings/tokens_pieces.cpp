// WordPiece, Unigram and SentencePiece on their way to Python.
#include "tokens.h"

#include <nanobind/stl/vector.h>

#include "tokens/normalize.h"
#include "tokens/sentencepiece.h"
#include "tokens/unigram.h"
#include "tokens/wordpiece.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace qianru_bindings;

namespace {

using IdsIn = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using DoublesIn = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using FloatsIn = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using BytesIn = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class Array>
auto to_vector(const Array& array) {
  return std::vector<std::remove_const_t<typename Array::Scalar>>(array.data(), array.data() + array.size());
}

void bind_wordpiece(nb::module_& m) {
  nb::class_<qianru::WordPieceEncoder> bound(m, "WordPieceEncoder", "BERT's normaliser, pre-tokenizer and WordPiece in one.");
  bound.def(
      "__init__",
      [](qianru::WordPieceEncoder* self, const Texts& tokens, const IdsIn& ids, std::string unknown, std::string prefix,
         std::uint32_t max_chars, bool clean_text, bool separate_han, std::optional<bool> strip_accents, bool lowercase) {
        const auto names = views(tokens);
        if (names.size() != ids.size()) throw std::invalid_argument("there must be as many ids as tokens");
        qianru::WordPieceOptions options{std::move(unknown), std::move(prefix),  max_chars, clean_text,
                                         separate_han,       strip_accents.value_or(lowercase), lowercase};
        new (self) qianru::WordPieceEncoder(names, to_vector(ids), std::move(options));
      },
      "tokens"_a, "ids"_a, nb::kw_only(), "unknown"_a = "[UNK]", "prefix"_a = "##", "max_chars"_a = 100, "clean_text"_a = true,
      "separate_han"_a = true, "strip_accents"_a = nb::none(), "lowercase"_a = true,
      "strip_accents None: as lowercase. Words of more than max_chars characters are unknown.");
  bind_encoding(bound);
}

qianru::UnigramOptions::Words words_from(const std::string& name) {
  if (name == "none") return qianru::UnigramOptions::Words::none;
  if (name == "whitespace") return qianru::UnigramOptions::Words::whitespace;
  if (name == "runs") return qianru::UnigramOptions::Words::runs;
  if (name == "characters") return qianru::UnigramOptions::Words::characters;
  throw std::invalid_argument("words must be none, whitespace, runs or characters, not " + name);
}

qianru::UnigramOptions::Prepend prepend_from(const std::string& name) {
  if (name == "always") return qianru::UnigramOptions::Prepend::always;
  if (name == "first") return qianru::UnigramOptions::Prepend::first;
  if (name == "never") return qianru::UnigramOptions::Prepend::never;
  throw std::invalid_argument("prepend must be always, first or never, not " + name);
}

void bind_unigram(nb::module_& m) {
  nb::class_<qianru::UnigramEncoder> bound(m, "UnigramEncoder", "The Unigram model of a tokenizer.json with its pre-tokenizers.");
  bound.def(
      "__init__",
      [](qianru::UnigramEncoder* self, const Texts& pieces, const DoublesIn& scores, std::optional<std::uint32_t> unknown,
         bool byte_fallback, const std::string& words, std::string metaspace, const std::string& prepend, bool metaspace_split) {
        qianru::UnigramOptions options{unknown.value_or(qianru::Trie::kNone), byte_fallback,         words_from(words),
                                       std::move(metaspace),                  prepend_from(prepend), metaspace_split};
        new (self) qianru::UnigramEncoder(views(pieces), to_vector(scores), std::move(options));
      },
      "pieces"_a, "scores"_a, nb::kw_only(), "unknown"_a.none(), "byte_fallback"_a = false, "words"_a = "none", "metaspace"_a = "",
      "prepend"_a = "always", "metaspace_split"_a = true,
      "words: what cuts the text first: none, whitespace, or the patterns of word vectors, runs or characters; metaspace: what "
      "stands for a space, empty for none.");
  bind_encoding(bound);
}

void bind_sentencepiece(nb::module_& m) {
  nb::class_<qianru::SentencePieceEncoder> bound(m, "SentencePieceEncoder", "The model of a SentencePiece file, its ids exactly.");
  bound.def(
      "__init__",
      [](qianru::SentencePieceEncoder* self, const Texts& pieces, const FloatsIn& scores, const BytesIn& types, bool bpe,
         bool byte_fallback, const nb::bytes& charsmap, bool add_dummy_prefix, bool remove_extra_whitespaces,
         bool escape_whitespaces, bool whitespace_as_suffix) {
        qianru::SentencePieceOptions options{bpe,
                                             byte_fallback,
                                             std::string(view(charsmap)),
                                             add_dummy_prefix,
                                             remove_extra_whitespaces,
                                             escape_whitespaces,
                                             whitespace_as_suffix};
        new (self) qianru::SentencePieceEncoder(views(pieces), to_vector(scores), to_vector(types), std::move(options));
      },
      "pieces"_a, "scores"_a, "types"_a, nb::kw_only(), "bpe"_a, "byte_fallback"_a, "charsmap"_a, "add_dummy_prefix"_a = true,
      "remove_extra_whitespaces"_a = true, "escape_whitespaces"_a = true, "whitespace_as_suffix"_a = false,
      "types: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte, as in the file.");
  bound.def(
      "normalize", [](const qianru::SentencePieceEncoder& self, const nb::bytes& text) {
        const std::string result = self.normalize(view(text));
        return nb::bytes(result.data(), result.size());
      },
      "text"_a, "The text that is cut into pieces.");
  bind_encoding(bound);
}

}  // namespace

void bind_token_pieces(nb::module_& m) {
  bind_wordpiece(m);
  bind_unigram(m);
  bind_sentencepiece(m);
  m.def(
      "char_properties", [](std::uint32_t code) { return code < 0x110000 ? qianru::char_properties()[code] : 0; }, "code"_a,
      "What normalize.h knows about a code point, as bits; for tests.");
}
