// What the splitter knows about a code point: one byte of class and flags, and its lower case.
//
// The values come from unicode_tables.h, which make_tables.py writes from Python's Unicode database, so that the fast path
// agrees with unicodedata and str.lower().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace qianru {

enum CharClass : std::uint8_t {
  kSeparator,     // spaces, punctuation, symbols, controls, everything unassigned
  kLetter,        // letters of scripts that are written with spaces
  kDigit,         // all kinds of numbers
  kMark,          // combining marks: continue what stands before them
  kHan,           // ideographs: runs are cut by dictionary
  kKana,          // hiragana and katakana: each run is one word
  kUnspaced,      // letters of scripts without spaces that nothing here can cut: Thai, Lao, Khmer, ...
  kJoiner,        // stays in a word between two letters or digits: ' ’ - _ and the zero-width joiners
  kNumberJoiner,  // stays in a word between two digits: . ,
  kLineEnd,       // \n
};

enum CharFlag : std::uint8_t {
  kCased = 0x10,
  kCaseIgnorable = 0x20,
  kNfcCheck = 0x40,  // NFC may change the text around this code point
  kHasLower = 0x80,
};

// Class and flags of every code point, 0x110000 bytes; the same table on every call.
const std::uint8_t* char_table();

inline CharClass class_of(std::uint8_t entry) { return static_cast<CharClass>(entry & 0x0F); }

struct Char {
  std::uint32_t code;    // U+FFFD for bytes that are not UTF-8
  std::uint8_t n_bytes;  // at least 1; for bytes that are not UTF-8, as many as Python replaces at once
  bool valid;
};

// The code point that starts at p < end. Never reads at or after end.
inline Char decode(const char* p, const char* end) {
  const auto byte = [&](std::ptrdiff_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::ptrdiff_t left = end - p;
  // Most Han, kana and Hangul: three bytes whose second is not bounded more tightly.
  if (left >= 4) {
    std::uint32_t four;
    std::memcpy(&four, p, 4);
    if ((four & 0xC0C0F0) == 0x8080E0 && first != 0xE0 && first != 0xED)
      return {(first & 0x0F) << 12 | (four >> 2 & 0xFC0) | (four >> 16 & 0x3F), 3, true};
  }
  if (first < 0xC2 || first > 0xF4) return {0xFFFD, 1, false};
  // The second byte is bounded more tightly after E0, ED, F0 and F4: no overlong forms, surrogates, or code points too large.
  const std::uint32_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint32_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (left < 2 || byte(1) < low || byte(1) > high) return {0xFFFD, 1, false};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2, true};
  if (left < 3 || (byte(2) & 0xC0) != 0x80) return {0xFFFD, 2, false};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3, true};
  if (left < 4 || (byte(3) & 0xC0) != 0x80) return {0xFFFD, 3, false};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4, true};
}

// The lower case of one code point, as str.lower() gives it for a single character (U+0130 gives plain "i").
std::uint32_t lower_code(std::uint32_t code);

void append_utf8(std::string& out, std::uint32_t code);

// The lower case of one word of valid UTF-8, as Python's str.lower() gives it, final sigma and U+0130 included.
void lower_word(const char* word, std::size_t n_bytes, std::string& out);

}  // namespace qianru
