// How byte-level BPE cuts a text into pieces before it merges: the known patterns as hand-written scanners.
//
// Each scanner returns what the regular expression, matched at the start of the rest of the text, would take. All the patterns
// match at least one character of any text, so the pieces cover it. In the order of their alternatives, with CONTRACTION =
// 's|'t|'re|'ve|'m|'ll|'d (upper case and U+017F too, except in GPT-2), LETTERS one or more \p{L}:
//   gpt2     CONTRACTION | " "?LETTERS | " "?\p{N}+ | " "?[^\s\p{L}\p{N}]+ | \s+(?!\S) | \s+
//   cl100k   CONTRACTION | [^\r\n\p{L}\p{N}]?LETTERS | \p{N}{1,3} | " "?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//   qwen2    as cl100k, with \p{N} one at a time
//   o200k    as cl100k, but words are upper-case characters, then lower-case ones, then a CONTRACTION, and [\r\n/]* after signs
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tokens/char_flags.h"

namespace qianru {

enum class Pattern { none, gpt2, cl100k, qwen2, o200k };
enum class Digits { together, runs, each };  // not cut; every run of numbers is a piece of its own; every number is

// Known by its name here or by the text of the regular expression in a tokenizer.json; nothing if it is not known.
std::optional<Pattern> pattern_from(std::string_view name_or_regex);
std::optional<Digits> digits_from(std::string_view name);

struct PretokenizeOptions {
  Pattern pattern = Pattern::gpt2;
  Digits digits = Digits::together;
  bool add_prefix_space = false;  // a text (or what a cut at numbers leaves) that does not start with a space gets one
};

class Scanner {
 public:
  Scanner() : flags_(char_flags()) {}

  // The end of the piece that starts at p < end.
  template <Pattern kPattern>
  const char* next(const char* p, const char* end) const {
    if constexpr (kPattern == Pattern::none) return end;
    else if constexpr (kPattern == Pattern::gpt2) return next_gpt2(p, end);
    else if constexpr (kPattern == Pattern::o200k) return next_o200k(p, end);
    else return next_cl100k<kPattern == Pattern::cl100k ? 3 : 1>(p, end);
  }

  // The end of the longest run of characters from p that are all numbers (or all none); one number where each is cut.
  const char* next_digits(const char* p, const char* end, Digits digits) const {
    const auto is_number = at(p, end).flags & kIsNumber;
    const char* q = p + at(p, end).n_bytes;
    if (is_number && digits == Digits::each) return q;
    while (q < end) {
      const At c = at(q, end);
      if ((c.flags & kIsNumber) != is_number) break;
      q += c.n_bytes;
    }
    return q;
  }

 private:
  struct At {
    std::uint8_t flags, n_bytes;
  };

  At at(const char* p, const char* end) const {
    const auto first = static_cast<unsigned char>(*p);
    if (first < 0x80) return {flags_[first], 1};
    const Char c = decode(p, end);
    return {flags_[c.code], c.n_bytes};
  }

  // Skips the characters that have one of the flags, or (kNot) none of them.
  template <std::uint8_t kFlags, bool kNot = false>
  const char* skip(const char* p, const char* end) const {
    while (p < end) {
      const At c = at(p, end);
      if (!(c.flags & kFlags) != kNot) break;
      p += c.n_bytes;
    }
    return p;
  }

  static constexpr std::uint8_t kIsWord = kIsLetter | kIsNumber | kIsSpace;  // what [^\s\p{L}\p{N}] leaves out

  static bool is_letter_s(const char* p, const char* end) {
    return *p == 's' || *p == 'S' || (end - p > 1 && p[0] == '\xC5' && p[1] == '\xBF');  // U+017F folds to s
  }

  // Where the contraction that starts at p ends, or p if there is none.
  template <bool kFold>
  const char* contraction(const char* p, const char* end) const {
    if (end - p < 2 || *p != '\'') return p;
    const auto lower = [](char c) { return kFold && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const char first = lower(p[1]);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return p + 2;
    if (kFold && is_letter_s(p + 1, end)) return p + 3;
    if (end - p < 3) return p;
    const char second = lower(p[2]);
    return ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l') ? p + 3 : p;
  }

  // The last alternatives, at white space: with kLines \s*[\r\n]+ first; \s+(?!\S); \s+.
  template <bool kLines>
  const char* space(const char* p, const char* end) const {
    const char* q = p;
    const char* last = p;      // where the last character of the run starts
    const char* lines = p;     // after the last line end in it
    while (q < end) {
      const At c = at(q, end);
      if (!(c.flags & kIsSpace)) break;
      last = q;
      q += c.n_bytes;
      if (c.flags & kIsNewline) lines = q;
    }
    if (kLines && lines > p) return lines;
    return q == end || last == p ? q : last;
  }

  const char* next_gpt2(const char* p, const char* end) const {
    if (*p == '\'')
      if (const char* q = contraction<false>(p, end); q > p) return q;
    const char* q = *p == ' ' && end - p > 1 ? p + 1 : p;
    const At c = at(q, end);
    if (c.flags & kIsLetter) return skip<kIsLetter>(q + c.n_bytes, end);
    if (c.flags & kIsNumber) return skip<kIsNumber>(q + c.n_bytes, end);
    if (!(c.flags & kIsSpace)) return skip<kIsWord, true>(q + c.n_bytes, end);
    return space<false>(p, end);
  }

  const char* some_numbers(const char* p, const char* end, int most) const {
    for (int n = 0; n < most && p < end; ++n) {
      const At c = at(p, end);
      if (!(c.flags & kIsNumber)) break;
      p += c.n_bytes;
    }
    return p;
  }

  // What follows the alternative for words in cl100k, qwen2 and o200k; c is the character at p, no letter.
  template <int kNumbers, bool kSlash>
  const char* no_word(At c, const char* p, const char* end) const {
    if (c.flags & kIsNumber) return some_numbers(p, end, kNumbers);
    const char* q = *p == ' ' && end - p > 1 ? p + 1 : p;
    if (!(at(q, end).flags & kIsWord)) {
      q = skip<kIsWord, true>(q, end);
      while (q < end && (*q == '\r' || *q == '\n' || (kSlash && *q == '/'))) ++q;
      return q;
    }
    return space<true>(p, end);
  }

  template <int kNumbers>
  const char* next_cl100k(const char* p, const char* end) const {
    if (*p == '\'')
      if (const char* q = contraction<true>(p, end); q > p) return q;
    const At c = at(p, end);
    const char* q = p + c.n_bytes;
    if (c.flags & kIsLetter) return skip<kIsLetter>(q, end);
    if (!(c.flags & (kIsNumber | kIsNewline)) && q < end) {
      const At letter = at(q, end);
      if (letter.flags & kIsLetter) return skip<kIsLetter>(q + letter.n_bytes, end);
    }
    return no_word<kNumbers, false>(c, p, end);
  }

  // [upper]*[lower]+ from p, or p if it does not match: the run of upper-case characters gives back what it has to.
  const char* lower_word(const char* p, const char* end) const {
    const char* q = p;
    const char* after_both = p;  // after the last character so far that counts as lower case too
    while (q < end) {
      const At c = at(q, end);
      if (!(c.flags & kIsUpper)) {
        if (c.flags & kIsLower) return skip<kIsLower>(q, end);
        break;
      }
      q += c.n_bytes;
      if (c.flags & kIsLower) after_both = q;
    }
    return after_both;
  }

  const char* next_o200k(const char* p, const char* end) const {
    const At c = at(p, end);
    const char* const after = p + c.n_bytes;
    const bool is_prefix = !(c.flags & (kIsLetter | kIsNumber | kIsNewline));
    const bool is_mark = is_prefix && (c.flags & kIsMark);
    // The one character in front is optional, and a mark can be that or part of the word; with it the pattern is tried first.
    const char* const start = is_prefix ? after : p;
    const char* q = lower_word(start, end);
    // A mark is a word by itself, so this always matches; its end may be `start`, where the others tell that nothing matched.
    if (q == start && is_mark) return contraction<true>(lower_word(p, end), end);
    if (q == start) q = skip<kIsUpper>(start, end);
    if (q != start) return contraction<true>(q, end);
    return no_word<3, true>(c, p, end);
  }

  const std::uint8_t* flags_;
};

// Calls piece(begin, end) for each piece of [text, end).
template <Pattern kPattern, class F>
void for_pieces(const Scanner& scanner, const char* text, const char* end, F piece) {
  while (text < end) {
    const char* const next = scanner.next<kPattern>(text, end);
    piece(text, next);
    text = next;
  }
}

// The same for a pattern known at run time.
template <class F>
void for_pieces(const Scanner& scanner, Pattern pattern, const char* text, const char* end, F piece) {
  switch (pattern) {
    case Pattern::none: return for_pieces<Pattern::none>(scanner, text, end, piece);
    case Pattern::gpt2: return for_pieces<Pattern::gpt2>(scanner, text, end, piece);
    case Pattern::cl100k: return for_pieces<Pattern::cl100k>(scanner, text, end, piece);
    case Pattern::qwen2: return for_pieces<Pattern::qwen2>(scanner, text, end, piece);
    case Pattern::o200k: return for_pieces<Pattern::o200k>(scanner, text, end, piece);
  }
}

}  // namespace qianru
