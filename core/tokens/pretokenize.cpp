#include "tokens/pretokenize.h"

#include <array>
#include <utility>

namespace qianru {

namespace {

// The texts under which tokenizer.json files have the patterns: as published, and in forms that match the same.
constexpr std::array<std::pair<std::string_view, Pattern>, 11> kPatterns{{
    {"none", Pattern::none},
    {"gpt2", Pattern::gpt2},
    {"cl100k", Pattern::cl100k},
    {"qwen2", Pattern::qwen2},
    {"o200k", Pattern::o200k},
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Pattern::gpt2},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Pattern::gpt2},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::cl100k},
    {R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::cl100k},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::qwen2},
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
     R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
     R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Pattern::o200k},
}};

}  // namespace

std::optional<Pattern> pattern_from(std::string_view name_or_regex) {
  for (const auto& [text, pattern] : kPatterns)
    if (text == name_or_regex) return pattern;
  return std::nullopt;
}

std::optional<Digits> digits_from(std::string_view name) {
  if (name == "together") return Digits::together;
  if (name == "runs") return Digits::runs;
  if (name == "each") return Digits::each;
  return std::nullopt;
}

}  // namespace qianru
