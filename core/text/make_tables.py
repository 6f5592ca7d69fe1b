"""Write unicode_tables.h from Python's own Unicode database: `python core/text/make_tables.py`.

Each code point gets one byte: its class (low four bits, `CharClass` in unicode.h) and four flags. The file
holds the byte runs; unicode.cpp spreads them into a flat table.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

SEPARATOR, LETTER, DIGIT, MARK, HAN, KANA, UNSPACED, JOINER, NUMBER_JOINER, LINE_END = range(10)
CASED, CASE_IGNORABLE, NFC_CHECK, HAS_LOWER = 0x10, 0x20, 0x40, 0x80

# Apostrophes, hyphens, the underscore, the soft hyphen and the two zero-width joiners stay inside a word.
JOINERS = frozenset("'\u2019-\u2010\u2011_\u00ad\u200c\u200d")
# Iteration mark, zero and the Suzhou numerals belong to the Han script without being named ideographs.
HAN_EXTRA = frozenset([0x3005, 0x3007, *range(0x3021, 0x302A), *range(0x3038, 0x303C)])
# Scripts written without spaces that no dictionary here cuts: Thai, Lao, Myanmar, Khmer, Tai Le, New Tai Lue,
# Tai Tham, Myanmar Extended-B and -A, Tai Viet.
UNSPACED_BLOCKS = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x1950, 0x19DF),
    (0x1A20, 0x1AAF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAADF),
)


def is_han(code: int) -> bool:
    # Planes 2 and 3 are set aside for ideographs, so code points that a later Unicode fills are covered too.
    if 0x20000 <= code <= 0x2FFFD or 0x30000 <= code <= 0x3FFFD:
        return True
    name = unicodedata.name(chr(code), "")
    return code in HAN_EXTRA or name.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH"))


def char_class(code: int) -> int:
    char = chr(code)
    category = unicodedata.category(char)
    if char == "\n":
        return LINE_END
    if char in JOINERS:
        return JOINER
    if char in ".,":
        return NUMBER_JOINER
    if is_han(code):
        return HAN
    if category[0] == "M":
        return MARK
    if category[0] == "N":
        return DIGIT
    if category[0] != "L":
        return SEPARATOR
    name = unicodedata.name(char, "")
    # The sound marks are shared by both kana, and their names say "KATAKANA-HIRAGANA".
    if "KATAKANA" in name or "HIRAGANA" in name:
        return KANA
    if any(first <= code <= last for first, last in UNSPACED_BLOCKS):
        return UNSPACED
    return LETTER


def composing_seconds() -> set[int]:
    """Code points that NFC may join to the one before."""
    seconds = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    for code in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(int(parts[1], 16))
    return seconds


def char_flags(code: int, seconds: set[int]) -> int:
    char = chr(code)
    if 0xD800 <= code <= 0xDFFF:
        return 0
    flags = 0
    # str.lower() itself says what is cased and what is skipped around a capital sigma.
    cased = (char + "Σ").lower().endswith("ς")
    if cased:
        flags |= CASED
    elif ("a" + char + "Σ").lower().endswith("ς"):
        flags |= CASE_IGNORABLE
    # Code points without a meaning yet are left to the Unicode database of the running Python.
    if (
        code in seconds
        or unicodedata.combining(char)
        or not unicodedata.is_normalized("NFC", char)
        or unicodedata.category(char) == "Cn"
    ):
        flags |= NFC_CHECK
    if char.lower() != char:
        flags |= HAS_LOWER
    return flags


def lower_ranges() -> list[tuple[int, int, int, int]]:
    """(first, last, stride, delta): every stride-th one from first to last is delta below its lower case."""
    ranges: list[tuple[int, int, int, int]] = []
    for code in range(sys.maxunicode + 1):
        lower = chr(code).lower()
        if lower == chr(code) or code == 0x130:  # U+0130 becomes two code points; unicode.cpp knows it
            continue
        delta = ord(lower) - code
        if ranges:
            first, last, stride, before = ranges[-1]
            step = code - last
            if before == delta and (step == stride or (first == last and step <= 2)):
                ranges[-1] = (first, code, step, delta)
                continue
        ranges.append((code, code, 1, delta))
    return ranges


def main() -> None:
    seconds = composing_seconds()
    values = [char_class(code) | char_flags(code, seconds) for code in range(sys.maxunicode + 1)]
    runs = [(code, v) for code, v in enumerate(values) if code == 0 or values[code - 1] != v]
    entries = [f"{{0x{code:x},{value}}}" for code, value in runs]
    lowers = [f"{{0x{a:x},0x{b:x},{stride},{delta}}}" for a, b, stride, delta in lower_ranges()]
    lines = [
        "// Written by core/text/make_tables.py; do not edit.",
        "#pragma once",
        "",
        "#include <cstdint>",
        "",
        "namespace qianru {",
        "",
        f'inline constexpr char kUnicodeVersion[] = "{unicodedata.unidata_version}";',
        "",
        "// From `first` up to the next run, each code point has `value`: class | flags << 4.",
        "struct ClassRun { std::uint32_t first; std::uint8_t value; };",
        "inline constexpr ClassRun kClassRuns[] = {",
        *wrap(entries),
        "};",
        "",
        "// Every stride-th code point from first to last has its lower case delta away.",
        "struct LowerRange { std::uint32_t first, last, stride; std::int32_t delta; };",
        "inline constexpr LowerRange kLowerRanges[] = {",
        *wrap(lowers),
        "};",
        "",
        "}  // namespace qianru",
    ]
    Path(__file__).with_name("unicode_tables.h").write_text("\n".join(lines) + "\n", encoding="ascii")


def wrap(entries: list[str], width: int = 126) -> list[str]:
    lines = [""]
    for entry in entries:
        if len(lines[-1]) + len(entry) + 1 > width:
            lines.append("")
        lines[-1] += entry + ","
    return lines


if __name__ == "__main__":
    main()
