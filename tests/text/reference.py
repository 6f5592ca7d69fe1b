"""The slow, plain twin of core/text: the rules of words in Python's own terms."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import rjieba

JOINERS = "'\u2019-\u2010\u2011_\u00ad\u200c\u200d"
UNSPACED = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF))
UNSPACED_MORE = ((0xA9E0, 0xA9FF), (0xAA60, 0xAADF))
MAX_BYTES, MAX_RUN = 1000, 10_000

# Over a string of class letters: a word, a run of kana, a run of ideographs.
PIECE = re.compile(r"(?:[LU]M*|DM*(?:N(?=D))?|J(?=[LUD])(?<!^J))+|K[KM]*|H+")
WORD_START = "LUD"


@cache
def class_letter(char: str) -> str:
    code, category = ord(char), unicodedata.category(char)
    name = unicodedata.name(char, "")
    if char in JOINERS:
        return "J"
    if char in ".,":
        return "N"
    if (
        0x20000 <= code <= 0x2FFFD
        or 0x30000 <= code <= 0x3FFFD
        or re.match(r"CJK (UNIFIED|COMPATIBILITY) IDEOGRAPH", name)
        or char in "々〇〸〹〺〻〡〢〣〤〥〦〧〨〩"
    ):
        return "H"
    if category[0] == "M":
        return "M"
    if category[0] == "N":
        return "D"
    if category[0] != "L":
        return "S"
    if "KATAKANA" in name or "HIRAGANA" in name:
        return "K"
    return "U" if any(a <= code <= b for a, b in UNSPACED + UNSPACED_MORE) else "L"


def split_lines(text: str, *, lowercase: bool = False) -> list[list[str]]:
    """The words of each line that has any, without a user dictionary."""
    lines = []
    for line in unicodedata.normalize("NFC", text).split("\n"):
        words: list[str] = []
        classes = "".join(map(class_letter, line))
        at = 0
        while at < len(line):
            found = PIECE.match(classes, at)
            # A joiner opens no word.
            if found is None or classes[at] == "J":
                at += 1
                continue
            words += cut_piece(line[at : found.end()], classes[at], lowercase)
            at = found.end()
        if words:
            lines.append(words)
    return lines


def cut_piece(piece: str, letter: str, lowercase: bool) -> list[str]:
    if letter == "H":
        return [
            word for i in range(0, len(piece), MAX_RUN) for word in rjieba.cut(piece[i : i + MAX_RUN], False)
        ]
    if len(piece.encode()) > MAX_BYTES:
        return []
    return [piece.lower() if lowercase else piece]


def split_with_dict(line: str, user_words: list[str], *, lowercase: bool = False) -> list[str]:
    """The words of one line, user words first: leftmost, then longest."""
    line = unicodedata.normalize("NFC", line)
    fold = (lambda c: {"\u0130": "i"}.get(c, c.lower())) if lowercase else (lambda c: c)
    known = {tuple(map(fold, unicodedata.normalize("NFC", word))) for word in user_words}
    classes = "".join(map(class_letter, line))
    words: list[str] = []

    def goes_on(at: int, last: str) -> bool:
        rest = classes[at : at + 2]
        return bool(re.match("[MLD]|J[LD]", rest)) or (last == "D" and rest == "ND")

    def match(at: int, in_word: bool) -> int:
        """The end of the longest user word at `at`, or 0."""
        if at >= len(line) or (in_word and classes[at] in "LD"):
            return 0
        for end in range(min(len(line), at + max(map(len, known), default=0)), at, -1):
            last = classes[at:end].rstrip("M")[-1:]
            inside = last in ("L", "D") and goes_on(end, last)
            if tuple(map(fold, line[at:end])) in known and not inside:
                return end
        return 0

    at = 0
    while at < len(line):
        end = match(at, False)
        if end:
            words.append(line[at:end].lower() if lowercase else line[at:end])
            at = end
            continue
        piece = PIECE.match(classes, at)
        if piece is None or classes[at] == "J":
            at += 1
            continue
        end = next(
            (i for i in range(at + 1, piece.end()) if match(i, in_word_at(classes, at, i))), piece.end()
        )
        kept = line[at:end]
        if classes[at] in WORD_START and classes[end - 1] in "JN":
            kept = kept[:-1]  # a user word behind a joiner leaves it outside
        words += cut_piece(kept, classes[at], lowercase)
        at = end
    return words


def in_word_at(classes: str, start: int, at: int) -> bool:
    """Whether `at` stands inside a word of a spaced script that starts at `start`."""
    base = classes[start:at].rstrip("MJN")[-1:]
    return classes[start] in WORD_START and base != "U"
