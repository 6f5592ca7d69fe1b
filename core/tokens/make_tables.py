"""Write char_tables.h: what the pre-tokenisers' patterns ask about a code point.

`pip install unicodedata2==16.0.0 && python core/tokens/make_tables.py`

The patterns are matched as Oniguruma in the `tokenizers` package matches them, and that knows Unicode 16, which is another
version than the running Python may have. tests/tokens/test_pretokenize.py asks it about every code point.
"""

from __future__ import annotations

import sys
from pathlib import Path

import unicodedata2

UNICODE = "16.0.0"
LETTER, NUMBER, SPACE, NEWLINE, UPPER, LOWER = 1, 2, 4, 8, 16, 32
FLAGS = {
    "Lu": LETTER | UPPER,
    "Lt": LETTER | UPPER,
    "Ll": LETTER | LOWER,
    "Lm": LETTER | UPPER | LOWER,
    "Lo": LETTER | UPPER | LOWER,
    "Mn": UPPER | LOWER,
    "Mc": UPPER | LOWER,
    "Me": UPPER | LOWER,
    "Nd": NUMBER,
    "Nl": NUMBER,
    "No": NUMBER,
    "Zs": SPACE,
    "Zl": SPACE,
    "Zp": SPACE,
}
# White space that is not a separator: controls.
EXTRA = {0x09: SPACE, 0x0A: SPACE | NEWLINE, 0x0B: SPACE, 0x0C: SPACE, 0x0D: SPACE | NEWLINE, 0x85: SPACE}


def main() -> None:
    if unicodedata2.unidata_version != UNICODE:
        sys.exit(f"unicodedata2 knows Unicode {unicodedata2.unidata_version}, and {UNICODE} is needed")
    values = [
        EXTRA.get(code, FLAGS.get(unicodedata2.category(chr(code)), 0)) for code in range(sys.maxunicode + 1)
    ]
    entries = [
        f"{{0x{code:x},{value}}}"
        for code, value in enumerate(values)
        if code == 0 or values[code - 1] != value
    ]
    lines = [
        "// Written by core/tokens/make_tables.py; do not edit.",
        "#pragma once",
        "",
        "#include <cstdint>",
        "",
        "namespace qianru {",
        "",
        "// From `first` up to the next run, each code point has `flags` (CharFlags in char_flags.h).",
        "struct FlagRun { std::uint32_t first; std::uint8_t flags; };",
        "inline constexpr FlagRun kFlagRuns[] = {",
        *wrap(entries),
        "};",
        "",
        "}  // namespace qianru",
    ]
    Path(__file__).with_name("char_tables.h").write_text("\n".join(lines) + "\n", encoding="ascii")


def wrap(entries: list[str], width: int = 126) -> list[str]:
    lines = [""]
    for entry in entries:
        if len(lines[-1]) + len(entry) + 1 > width:
            lines.append("")
        lines[-1] += entry + ","
    return lines


if __name__ == "__main__":
    main()
