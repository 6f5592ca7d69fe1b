"""Write char_tables.h and normalize_tables.h from the tokenizers package: `python core/tokens/make_tables.py`.

What a character is to the pre-tokenizers' patterns and to BERT's normaliser depends on the Unicode versions inside that package, and
each of its parts has one of its own. So the tables are what the package answers for every code point; tests ask it again.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, normalizers, pre_tokenizers

# CharProperty in normalize.h.
SPACE, DROPPED, PUNCTUATION, MARK, DECOMPOSES, LOWERS, COMBINES, WORD, HAN, REGEX_WORD = (
    1 << i for i in range(10)
)
# CharFlags in char_flags.h, in the order of their bits.
FLAGS = [
    r"\p{L}",
    r"\p{N}",
    r"\s",
    r"[\r\n]",
    r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]",
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]",
]
CHUNK = 1 << 16
IOTA = "\u0345"  # the character of the highest combining class


def code_points() -> Iterable[str]:
    return (chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF)


def chunks() -> Iterable[list[str]]:
    characters = list(code_points())
    return (characters[i : i + CHUNK] for i in range(0, len(characters), CHUNK))


def normalized(normalizer: normalizers.Normalizer, before: str = "") -> dict[str, str]:
    """What the normaliser makes of each character that it changes, `before` in front of each."""
    changed = {}
    for chunk in chunks():
        # The characters are set apart by letters: a combining one must not reach its neighbour.
        text = "_ab_".join(["", *(before + c for c in chunk), ""])
        for c, result in zip(chunk, _split(normalizer.normalize_str(text), len(chunk)), strict=True):
            if result != before + c:
                changed[c] = result
    return changed


def _split(text: str, n: int) -> list[str]:
    parts = text.removeprefix("_ab_").removesuffix("_ab_").split("_ab_")
    if len(parts) != n:
        raise SystemExit("a character became the separator")
    return parts


def pieces(pre_tokenizer: pre_tokenizers.PreTokenizer, *, alone: bool, between: str) -> set[str]:
    """Characters that are a piece of their own between others, or (alone=False) that are in some piece."""
    found = set()
    for chunk in chunks():
        text = between.join(["", *chunk, ""])
        step = len(between) + 1
        for _, (start, end) in pre_tokenizer.pre_tokenize_str(text):
            if not alone:
                found.update(chunk[i // step] for i in range(start, end) if i % step == len(between))
            elif end - start == 1 and start % step == len(between):
                found.add(chunk[start // step])
    return found


def matches(pattern: str) -> set[str]:
    return pieces(pre_tokenizers.Split(Regex(pattern), "removed", invert=True), alone=True, between="\n.")


def spaces() -> set[str]:
    kept = pieces(pre_tokenizers.WhitespaceSplit(), alone=False, between="a")
    return {c for c in code_points() if c not in kept}


def combining_classes(nfd: normalizers.Normalizer) -> dict[str, int]:
    """Of each character that is not a starter, found by what it changes places with."""
    swapped = set(normalized(nfd, before=IOTA)) - set(normalized(nfd))
    classes: dict[int, str] = {}
    for c in code_points():
        if not unicodedata.decomposition(c):
            classes.setdefault(unicodedata.combining(c), c)
    found = {IOTA: unicodedata.combining(IOTA)}
    for c in sorted(swapped):
        stays = [v for v, other in classes.items() if v and nfd.normalize_str(other + c) == other + c]
        found[c] = max(stays)
    return found


def properties(lower: dict[str, str], decomposed: dict[str, str], combining: dict[str, int]) -> list[int]:
    clean = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False
    )
    strip = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False
    )
    flags: dict[str, int] = dict.fromkeys(code_points(), 0)

    def mark(characters: Iterable[str], flag: int, rule: Callable[[str], bool] = lambda _: True) -> None:
        for c in characters:
            if rule(c):
                flags[c] |= flag

    mark(spaces(), SPACE)
    mark((c for c, result in normalized(clean).items() if not result), DROPPED)
    mark(pieces(pre_tokenizers.BertPreTokenizer(), alone=True, between="a"), PUNCTUATION)
    mark((c for c, result in normalized(strip).items() if not result and c not in decomposed), MARK)
    mark(decomposed, DECOMPOSES)
    mark(lower, LOWERS)
    mark(combining, COMBINES)
    mark(matches(r"[\p{L}\p{M}\p{N}_]"), WORD)
    mark(matches(r"\p{Han}"), HAN)
    apart = pieces(pre_tokenizers.Whitespace(), alone=True, between="a")
    covered = pieces(pre_tokenizers.Whitespace(), alone=False, between="a")
    mark(covered - apart, REGEX_WORD)
    return [flags.get(chr(c), 0) for c in range(sys.maxunicode + 1)]


def ranges(items: Iterable[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """(first, last, stride, value): every stride-th code point from first to last has the value."""
    out: list[tuple[int, int, int, int]] = []
    for code, value in items:
        if out:
            first, last, stride, before = out[-1]
            step = code - last
            if before == value and (step == stride or (first == last and step <= 2)):
                out[-1] = (first, code, step, value)
                continue
        out.append((code, code, 1, value))
    return out


def wrap(entries: Iterable[str], width: int = 126) -> list[str]:
    lines = [""]
    for entry in entries:
        if len(lines[-1]) + len(entry) + 1 > width:
            lines.append("")
        lines[-1] += entry + ","
    return lines


def runs(values: Sequence[int]) -> list[str]:
    starts = ((code, v) for code, v in enumerate(values) if code == 0 or values[code - 1] != v)
    return wrap(f"{{0x{code:x},{value}}}" for code, value in starts)


def char_tables() -> list[str]:
    flags = [0] * (sys.maxunicode + 1)
    for bit, pattern in enumerate(FLAGS):
        for c in matches(pattern):
            flags[ord(c)] |= 1 << bit
    return [
        "// From `first` up to the next run, each code point has `flags` (CharFlags in char_flags.h).",
        "struct FlagRun { std::uint32_t first; std::uint8_t flags; };",
        "inline constexpr FlagRun kFlagRuns[] = {",
        *runs(flags),
        "};",
    ]


def normalize_tables() -> list[str]:
    lower = normalized(normalizers.Lowercase())
    nfd = normalizers.NFD()
    # Hangul syllables are taken apart by arithmetic.
    decomposed = normalized(nfd)
    table = {ord(c): result for c, result in decomposed.items() if not 0xAC00 <= ord(c) <= 0xD7A3}
    combining = combining_classes(nfd)
    values = properties(lower, decomposed, combining)
    deltas = [(ord(c), ord(result) - ord(c)) for c, result in lower.items() if len(result) == 1]
    if [c for c, result in lower.items() if len(result) > 1] != ["\u0130"]:
        raise SystemExit(
            "U+0130 is no longer the only character with a longer lower case: change normalize.cpp"
        )
    parts = [f"{{0x{c:x},{{{','.join(hex(ord(p)) for p in result)}}}}}" for c, result in table.items()]
    return [
        "// From `first` up to the next run, each code point has these properties (CharProperty in normalize.h).",
        "struct PropertyRun { std::uint32_t first; std::uint16_t value; };",
        "inline constexpr PropertyRun kPropertyRuns[] = {",
        *runs(values),
        "};",
        "",
        "// Every stride-th code point from first to last has the value: the way to its lower case, its combining class.",
        "struct ValueRange { std::uint32_t first, last, stride; std::int32_t value; };",
        "inline constexpr ValueRange kLowerCases[] = {",
        *wrap(f"{{0x{a:x},0x{b:x},{stride},{v}}}" for a, b, stride, v in ranges(deltas)),
        "};",
        "inline constexpr ValueRange kCombiningClasses[] = {",
        *wrap(
            f"{{0x{a:x},0x{b:x},{stride},{v}}}"
            for a, b, stride, v in ranges(sorted((ord(c), v) for c, v in combining.items()))
        ),
        "};",
        "",
        "// Canonical decompositions in full, Hangul syllables left out; unused places are 0.",
        "struct Decomposition { std::uint32_t code, parts[4]; };",
        "inline constexpr Decomposition kDecompositions[] = {",
        *wrap(parts),
        "};",
    ]


def main() -> None:
    for name, tables in (("char_tables.h", char_tables), ("normalize_tables.h", normalize_tables)):
        lines = [
            "// Written by core/tokens/make_tables.py; do not edit.",
            "#pragma once",
            "",
            "#include <cstdint>",
            "",
            "namespace qianru {",
            "",
            *tables(),
            "",
            "}  // namespace qianru",
        ]
        Path(__file__).with_name(name).write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
