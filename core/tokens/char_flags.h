// What the patterns of pre-tokenisers ask about a code point.
//
// The values come from char_tables.h, which make_tables.py writes for the Unicode version that the `tokenizers` package has.
#pragma once

#include <cstdint>

#include "text/unicode.h"

namespace qianru {

enum CharFlags : std::uint8_t {
  kIsLetter = 1,    // \p{L}
  kIsNumber = 2,    // \p{N}
  kIsSpace = 4,     // \s
  kIsNewline = 8,   // [\r\n]
  kIsUpper = 16,    // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
  kIsLower = 32,    // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
  kIsMark = 48,     // both, and no letter: \p{M}
};

// The flags of every code point, 0x110000 bytes; the same table on every call.
const std::uint8_t* char_flags();

}  // namespace qianru
