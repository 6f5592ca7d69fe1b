// Text into words, Han runs and line ends. The rules, for text that is in NFC:
//
//   word      a letter or digit, then letters, digits and marks; between two letters or digits one joiner (' ’ - _ and the
//             zero-width joiners) stays, between two digits also one . or ,
//   kana      a run of hiragana, katakana and marks is one word
//   Han run   a run of ideographs, handed out in pieces of at most kMaxHanRun characters for a dictionary to cut
//   user word wherever it stands (user_dict.h), before all of the above
//   line end  \n
//   the rest  separates: white space, punctuation, symbols, controls, bytes that are not UTF-8, marks without a base
//
// tests/text/reference.py says the same in plain Python.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "text/ascii.h"
#include "text/unicode.h"
#include "text/user_dict.h"

namespace qianru {

constexpr std::size_t kMaxHanRun = 10'000;

inline bool is_word_class(CharClass k) { return k == kLetter || k == kDigit || k == kUnspaced; }

// Whether a word whose last base character is of class `last` takes in the character at p as well. Letters of unspaced
// scripts do not count: they are no border of a user word.
bool word_goes_on(const char* p, const char* end, CharClass last);

// Class of each byte below 0x80 (with a bit of its own for letters and digits), kNotAscii for the others.
constexpr std::uint8_t kPlain = 0x80;
constexpr std::uint8_t kNotAscii = 0x7F;
const std::array<std::uint8_t, 256>& byte_table();

// Calls sink.word(p, n_bytes, is_ascii), sink.han(p, n_bytes, n_chars) and sink.line_end() in the order of the text.
// `dict` may be null.
template <class Sink>
class Splitter {
 public:
  Splitter(Sink& sink, const UserDict* dict) : sink_(sink), dict_(dict) {}

  void split(const char* text, std::size_t n_bytes) {
    end_ = text + n_bytes;
    if (dict_) split_all<true>(text);
    else split_all<false>(text);
  }

 private:
  template <bool kDict>
  std::size_t user_word(const char* p, bool in_word) const {
    if constexpr (!kDict) return 0;
    return dict_->may_start(*p) ? dict_->match(p, end_, in_word) : 0;
  }

  template <bool kDict>
  void split_all(const char* p) {
    while (p < end_) {
      const std::uint8_t byte = bytes_[static_cast<unsigned char>(*p)];
      if (const std::size_t n = user_word<kDict>(p, false)) {
        sink_.word(p, n, false);
        p += n;
      } else if (byte & kPlain) {
        p = kDict ? word<kDict>(p, p + 1, class_of(byte), true) : plain_word(p);
      } else if (byte != kNotAscii) {
        if (byte == kLineEnd) sink_.line_end();
        ++p;
      } else {
        p = beyond_ascii<kDict>(p);
      }
    }
  }

  // A word that begins with an ASCII letter or digit; most are over at the next separator.
  const char* plain_word(const char* p) {
    const char* q = skip_plain(p, end_);
    if (q < end_ && bytes_[static_cast<unsigned char>(*q)] != kSeparator)
      return word<false>(p, q, class_of(bytes_[static_cast<unsigned char>(q[-1])]), true);
    sink_.word(p, static_cast<std::size_t>(q - p), true);
    return q;
  }

  template <bool kDict>
  const char* beyond_ascii(const char* p) {
    const Char c = decode(p, end_);
    const CharClass k = class_of(table_[c.code]);
    if (is_word_class(k)) return word<kDict>(p, p + c.n_bytes, k, false);
    if (k == kHan) return han<kDict>(p, p + c.n_bytes);
    if (k == kKana) return kana<kDict>(p, p + c.n_bytes);
    return p + c.n_bytes;
  }

  // A word that begins at `begin` and is known up to q; `last` is the class of its last base character.
  template <bool kDict>
  const char* word(const char* begin, const char* q, CharClass last, bool is_ascii) {
    while (q < end_) {
      if (user_word<kDict>(q, last != kUnspaced)) break;
      const std::uint8_t byte = bytes_[static_cast<unsigned char>(*q)];
      if (byte & kPlain) {
        q = kDict ? q + 1 : skip_plain(q, end_);
        last = class_of(bytes_[static_cast<unsigned char>(q[-1])]);
        continue;
      }
      const Char c = decode(q, end_);
      const CharClass k = class_of(table_[c.code]);
      if (k == kMark || is_word_class(k)) {
        if (k != kMark) last = k;
      } else if (!joins(k, last, q + c.n_bytes) || user_word<kDict>(q + c.n_bytes, last != kUnspaced)) {
        break;
      }
      is_ascii = is_ascii && c.code < 0x80;
      q += c.n_bytes;
    }
    sink_.word(begin, static_cast<std::size_t>(q - begin), is_ascii);
    return q;
  }

  // Whether a joiner of class k stays between the base character of class `last` and what stands at `next`.
  bool joins(CharClass k, CharClass last, const char* next) const {
    if ((k != kJoiner && k != kNumberJoiner) || next >= end_) return false;
    const CharClass after = class_of(table_[decode(next, end_).code]);
    return k == kJoiner ? is_word_class(after) : last == kDigit && after == kDigit;
  }

  template <bool kDict>
  const char* kana(const char* begin, const char* q) {
    while (q < end_ && !user_word<kDict>(q, false)) {
      const Char c = decode(q, end_);
      const CharClass k = class_of(table_[c.code]);
      if (k != kKana && k != kMark) break;
      q += c.n_bytes;
    }
    sink_.word(begin, static_cast<std::size_t>(q - begin), false);
    return q;
  }

  template <bool kDict>
  const char* han(const char* begin, const char* q) {
    std::size_t n_chars = 1;
    while (q < end_ && n_chars < kMaxHanRun && !user_word<kDict>(q, false)) {
      const Char c = decode(q, end_);
      if (class_of(table_[c.code]) != kHan) break;
      q += c.n_bytes;
      ++n_chars;
    }
    sink_.han(begin, static_cast<std::size_t>(q - begin), n_chars);
    return q;
  }

  Sink& sink_;
  const UserDict* dict_;
  const char* end_ = nullptr;
  const std::uint8_t* table_ = char_table();
  const std::array<std::uint8_t, 256>& bytes_ = byte_table();
};

}  // namespace qianru
