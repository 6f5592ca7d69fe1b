#include "tokens.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>

#include "tokens/bpe.h"
#include "tokens/bpe_train.h"
#include "tokens/word_counts.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace qianru_bindings;

namespace {

using IdsIn = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using PairsIn = nb::ndarray<const std::uint32_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Pairs = nb::ndarray<std::uint32_t, nb::numpy, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using CountsIn = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<std::uint64_t, nb::numpy, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

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

void add_words(qianru::WordCounter& counter, const Texts& words, const CountsIn& counts) {
  if (words.size() != counts.size()) throw std::invalid_argument("words and counts must be of one length");
  const auto texts = views(words);
  const nb::gil_scoped_release unlocked;
  for (std::size_t i = 0; i < texts.size(); ++i) counter.add(texts[i], counts.data()[i]);
}

std::tuple<Texts, Counts> counted_words(qianru::WordCounter& counter) {
  std::vector<qianru::WordCounts::Word> words;
  {
    const nb::gil_scoped_release unlocked;
    const auto all = counter.counts().words();
    words.assign(all.begin(), all.end());
    std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.text() < b.text(); });
  }
  Texts texts;
  std::vector<std::uint64_t> counts;
  for (const auto& word : words) {
    texts.append(nb::bytes(word.data, word.n_bytes));
    counts.push_back(word.count);
  }
  return {texts, to_array<Counts>(std::move(counts))};
}

std::vector<std::string> strings(const Texts& texts) {
  std::vector<std::string> copies;
  for (const std::string_view text : views(texts)) copies.emplace_back(text);
  return copies;
}

void make_trainer(qianru::BpeTrainer* self, qianru::WordCounter& counter, std::size_t vocab_size, std::uint64_t min_frequency,
                  bool byte_level, const Texts& special_tokens, const Texts& initial_alphabet,
                  std::optional<std::size_t> limit_alphabet, double coverage, const nb::bytes& prefix,
                  std::size_t max_token_length, std::size_t max_places) {
  const qianru::BpeTrainOptions options{vocab_size,     min_frequency, byte_level,
                                        strings(special_tokens), strings(initial_alphabet), limit_alphabet,
                                        coverage,       std::string(view(prefix)), max_token_length, max_places};
  const nb::gil_scoped_release unlocked;
  new (self) qianru::BpeTrainer(counter.counts(), options);
}

Texts trained_tokens(const qianru::BpeTrainer& trainer) {
  Texts tokens;
  for (const std::string& token : trainer.tokens()) tokens.append(nb::bytes(token.data(), token.size()));
  return tokens;
}

void bind_training(nb::module_& m) {
  nb::class_<qianru::WordCounter>(m, "WordCounter", "How often each piece of text stands in a corpus.")
      .def("__init__",
           [](qianru::WordCounter* self, std::string_view pattern, std::string_view digits, bool add_prefix_space) {
             new (self) qianru::WordCounter(pretokenize_options(pattern, digits, add_prefix_space));
           },
           nb::kw_only(), "pattern"_a, "digits"_a = "together", "add_prefix_space"_a = false)
      .def("count_texts",
           [](qianru::WordCounter& counter, const Texts& texts, int threads) {
             const auto parts = views(texts);
             const nb::gil_scoped_release unlocked;
             counter.count_texts(parts, threads);
           },
           "texts"_a, "threads"_a, "Count the pieces of UTF-8 texts.")
      .def("count_lines",
           [](qianru::WordCounter& counter, const nb::bytes& block, int threads, bool keep_ends) {
             const nb::gil_scoped_release unlocked;
             counter.count_lines(view(block), threads, keep_ends);
           },
           "block"_a, "threads"_a, "keep_ends"_a = false, "The same for one text a line, with its \n or without.")
      .def("add", &add_words, "words"_a, "counts"_a, "Words that are cut already, with their counts u64 [n].")
      .def("words", &counted_words, "All words in the order of their bytes, and their counts u64 [n].")
      .def("keep_within", &qianru::WordCounter::keep_within, "training_bytes"_a, nb::call_guard<nb::gil_scoped_release>(),
           "Leave out the rarest words if training would take more bytes; to be called after each block.")
      .def_prop_ro(
          "dropped",
          [](const qianru::WordCounter& counter) {
            const auto& dropped = counter.dropped();
            return std::make_tuple(dropped.n_words, dropped.occurrences, dropped.highest_count);
          },
          "Words left out, their occurrences, and the highest count among them.")
      .def_prop_ro("n_words", [](qianru::WordCounter& counter) { return counter.counts().words().size(); });

  nb::class_<qianru::BpeTrainer>(m, "BpeTrainer", "Byte pair encoding learned from counted words.")
      .def("__init__", &make_trainer, "words"_a, nb::kw_only(), "vocab_size"_a, "min_frequency"_a, "byte_level"_a = true,
           "special_tokens"_a, "initial_alphabet"_a, "limit_alphabet"_a = nb::none(), "coverage"_a = 1.0,
           "prefix"_a = nb::bytes("", 0), "max_token_length"_a = 0, "max_places"_a = 0,
           "byte_level: units are bytes, else code points. special_tokens: the first ids. initial_alphabet: units kept whether they "
           "occur or not. limit_alphabet, coverage: leave out the rarest. prefix: before all units of a word but the first. "
           "max_token_length: new tokens have fewer units; 0: any number. max_places: about so many u32 in lists at a time; 0: a "
           "number that suits. The words are taken: the counter is empty afterwards.")
      .def("run", &qianru::BpeTrainer::run, "seconds"_a, nb::call_guard<nb::gil_scoped_release>(),
           "Work for about so many seconds; True once the vocabulary is complete.")
      .def_prop_ro("n_tokens", [](const qianru::BpeTrainer& trainer) { return trainer.tokens().size(); })
      .def_prop_ro(
          "left_out",
          [](const qianru::BpeTrainer& trainer) {
            return std::make_pair(trainer.left_out().n_units, trainer.left_out().occurrences);
          },
          "Code points without a token because vocab_size has no room for them, and how often they occur.")
      .def("tokens", &trained_tokens, "The tokens by id: bytes, or UTF-8.")
      .def("merges",
           [](const qianru::BpeTrainer& trainer) {
             auto* const flat = new std::vector<std::uint32_t>;
             const nb::capsule owner(flat, [](void* p) noexcept { delete static_cast<std::vector<std::uint32_t>*>(p); });
             for (const auto& [left, right] : trainer.merges()) flat->insert(flat->end(), {left, right});
             return Pairs(flat->data(), {flat->size() / 2, 2}, owner);
           },
           "Pairs of ids u32 [n, 2] in the order of their ranks.");
}

}  // namespace

void bind_tokens(nb::module_& m) {
  bind_training(m);
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
