"""Reads a text file of vectors line by line and lists all that is wrong with it, where a reader stops at the first."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO

from qianru.vectors.formats.row_file import BOM, LONE_CR, likely_dim

_MAX_LINE = 1 << 24
_LOOK = 1 << 20
_NUMERALS = re.compile(rb"(?:[ \t]+[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)+[ \t\r\n]*")
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LARGE = re.compile(rb"[eE]\+?\d|\d{38}")
_MAX_FLOAT32 = 3.4028235677973366e38  # from here on a number is rounded to infinity
_NOT_FINITE = re.compile(rb"[ \t][+-]?(nan|inf(inity)?)(?=[ \t\r\n]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """what: one clause. n: how often. where: the first place. repair: what to do. safe: --repair does it."""

    what: str
    n: int
    where: str
    repair: str
    safe: bool


# In the order in which they are told: what, repair, safe.
_KINDS = {
    "bom": ("a byte order mark at the beginning", "--repair drops it", True),
    "header": ("", "--repair takes the rows there are", True),
    "dim": ("", "--repair takes the numbers there are", True),
    "gzip": ("damaged gzip data", "copy the file again", False),
    "endless": ("a line of more than 16 MiB", "the file is damaged, or of another kind", False),
    "cr": ("rows that end in CR alone", "put line feeds there: tr '\\r' '\\n' <FILE >NEW", False),
    "few": ("rows with too few numbers", "the rows are damaged: take them from their source again", False),
    "many": ("rows with too many numbers", "the rows are damaged: take them from their source again", False),
    "number": ("rows with something that is no number", "take them from their source again", False),
    "finite": (
        "rows with NaN, an infinite number or one beyond float32",
        "take them from their source again",
        False,
    ),
    "word": ("rows without a word", "give each row a word", False),
    "blank": ("empty lines between rows", "delete them: sed -i '/^\\s*$/d' FILE", False),
    "tail": ("the last row is cut off", "copy the file again, or --repair drops the row", True),
    "repeated": ("words that came before", "--repair keeps the first of each", True),
    "utf8": (
        "words that are not UTF-8",
        "their bytes are kept by convert; --errors replace puts U+FFFD",
        True,
    ),
}


@dataclass
class Scan:
    """n_rows: rows with a word; dim: numbers in most rows; facts: what is worth knowing and no problem."""

    n_rows: int = 0
    dim: int | None = None
    facts: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def scan_text(file: BinaryIO, header: tuple[int, int] | None) -> Scan:
    """Read the file from its beginning; header: its n_keys and dim if it has one."""
    return _Scanner(file, header).run()


class _Scanner:
    def __init__(self, file: BinaryIO, header: tuple[int, int] | None) -> None:
        self._file = file
        self._header = header
        self._found: Counter[str] = Counter()
        self._where: dict[str, int] = {}
        self._marks: Counter[str] = Counter()
        self._words: set[int] = set()
        self._line_number = 0
        self._dim = 0
        self._n_rows = 0

    def run(self) -> Scan:
        try:
            begin = self._file.read(_LOOK)
            self._file.seek(0)
            if begin.startswith(BOM):
                self._note("bom")
                self._file.read(len(BOM))
            if self._header is not None:
                self._line_number = 1
                self._file.readline(_MAX_LINE)
                begin = begin.partition(b"\n")[2]
            self._dim = likely_dim(begin.removeprefix(BOM))
            if self._header is not None and self._header[1] != self._dim:
                self._note("dim", line=1)
            if LONE_CR.search(begin.partition(b"\n")[0]):
                self._note("cr", line=self._line_number + 1)
                return self._result()
            self._lines()
        except (EOFError, OSError, zlib.error):
            self._note("gzip")
        return self._result()

    def _lines(self) -> None:
        line = self._file.readline(_MAX_LINE)
        blank = 0
        while line:
            following = self._file.readline(_MAX_LINE)
            self._line_number += 1
            if len(line) == _MAX_LINE and not line.endswith(b"\n"):
                self._note("endless")
                return
            if not line.strip():
                blank += 1
            else:
                # Empty lines count only when a row follows them.
                if blank:
                    self._note("blank", n=blank, line=self._line_number - blank)
                    blank = 0
                self._row(line, cut=not line.endswith(b"\n"))
            line = following

    def _row(self, line: bytes, *, cut: bool) -> None:
        if line.endswith(b"\r\n"):
            self._marks["lines that end in CR LF"] += 1
        if b"\t" in line:
            self._marks["lines with tabs"] += 1
            self._marks["lines with tabs and spaces"] += b" " in line.strip()
        fields = line.split()
        n = len(fields) - (line[:1] not in b" \t")
        if n < self._dim:
            self._note("tail" if cut else "few")
            return
        if n > self._dim and (_NUMBER.fullmatch(fields[-self._dim - 1]) or line[:1] in b" \t"):
            self._note("many")
            return
        if n == self._dim and line[:1] in b" \t":
            self._note("word")
            return
        word = line.rsplit(None, self._dim)[0]
        numbers = line[len(word) :]
        if b"\r" in word and LONE_CR.search(word):
            self._note("cr")
            return
        if not _NUMERALS.fullmatch(numbers):
            self._note("finite" if _NOT_FINITE.search(numbers) else "tail" if cut else "number")
            return
        if _LARGE.search(numbers) and any(abs(float(number)) > _MAX_FLOAT32 for number in numbers.split()):
            self._note("finite")
            return
        self._n_rows += 1
        self._word(word)

    def _word(self, word: bytes) -> None:
        if b" " in word:
            self._marks["words with spaces"] += 1
        if not word.isascii():
            try:
                word.decode()
            except UnicodeDecodeError:
                self._note("utf8")
        # Hashes, not words: a million of them take 60 MB instead of 150.
        mark = hash(word)
        if mark in self._words:
            self._note("repeated")
        self._words.add(mark)

    def _note(self, kind: str, *, n: int = 1, line: int | None = None) -> None:
        self._found[kind] += n
        self._where.setdefault(kind, self._line_number if line is None else line)

    def _result(self) -> Scan:
        if self._header is not None and self._n_rows != self._header[0]:
            self._note("header", line=1)
        scan = Scan(self._n_rows, self._dim or None, {name: n for name, n in self._marks.items() if n})
        for kind, (what, repair, safe) in _KINDS.items():
            if n := self._found[kind]:
                if kind == "header" and self._header is not None:
                    what = f"the header tells of {self._header[0]} rows, {self._n_rows} are whole"
                if kind == "dim" and self._header is not None:
                    what = f"the header tells of dim {self._header[1]}, most rows have {self._dim} numbers"
                where = f"line {max(self._where[kind], 1)}"
                scan.problems.append(Problem(what, n, where, repair, safe))
        return scan
