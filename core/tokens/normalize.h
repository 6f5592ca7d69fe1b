// What characters are to BERT's normaliser and to the pre-tokenizers, as the tokenizers package sees them, whatever versions of
// Unicode it holds inside (normalize_tables.h, written by make_tables.py).
#pragma once

#include <cstdint>

namespace qianru {

enum CharProperty : std::uint16_t {
  kSpace = 1,         // white space
  kDropped = 2,       // removed by clean_text: controls, NUL, U+FFFD
  kPunctuation = 4,   // set apart by BertPreTokenizer
  kNonspacing = 8,    // removed by strip_accents
  kDecomposes = 16,   // has a canonical decomposition
  kLowers = 32,       // has a lower case
  kCombines = 64,     // its combining class is not 0
  kWordChar = 128,    // [\p{L}\p{M}\p{N}_]
  kHanScript = 256,   // \p{Han}
  kRegexWord = 512,   // \w of the Whitespace pre-tokenizer
};

// Properties of every code point, 0x110000 of them; the same table on every call.
const std::uint16_t* char_properties();

// The characters that BERT sets spaces around: CJK ideographs by block.
inline bool is_bert_han(std::uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

// The canonical decomposition in full: 1 to 4 code points, their number is returned.
int decompose(std::uint32_t code, std::uint32_t parts[4]);

int combining_class(std::uint32_t code);

// The lower case without context: 1 or 2 code points, their number is returned (2 only for U+0130).
int lower_parts(std::uint32_t code, std::uint32_t parts[2]);

}  // namespace qianru
