"""Rows of words and numbers, read once and in pieces from a plain or gzip file: what word2vec's and GloVe's files share.

Nothing is allocated on the word of a header that the file is too small for; a matrix whose number of rows is
not known, or not to be believed, grows with what has been read.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array
from qianru.errors import FormatError
from qianru.vectors.formats.words import with_distinct_keys
from qianru.vectors.stored import Stored

PIECE = 1 << 22
BOM = b"\xef\xbb\xbf"
MAX_DIM = 1 << 20
# NaN and infinity are numbers here, and errors later.
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.IGNORECASE)
# The end of a row that would be read as a part of a word, or its numbers as more of the row before.
LONE_CR = re.compile(rb"[ \t][+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t]*\r+[^\r\n]")
# Deflate cannot shrink data by more than this.
_MAX_RATIO = 1032
_FIRST_ROWS = 1024
_LOOK_LINES = 200
_LOOK_BYTES = 1 << 22
_BLANK = b"\r\n \t"

_MESSAGES = {
    "key_empty": ("a row without a word", ""),
    "key_too_long": ("no end of the word in 16384 bytes", "the file is damaged, or not of this format"),
    "key_not_utf8": (
        "a word that is not UTF-8",
        'pass errors="surrogateescape" to keep its bytes, or errors="replace" to put U+FFFD for them',
    ),
    "not_a_number": ("not a number", ""),
    "not_finite": (
        "a number that is NaN or infinite",
        "the vectors are damaged: take them from their source again",
    ),
    "line_too_long": ("no end of the line where dim numbers must have ended", "the file is damaged"),
}


@contextlib.contextmanager
def open_rows(path: Path) -> Iterator[RowFile]:
    """The file, its first piece read. Raises FormatError if it is empty."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        # Decompressing gigabytes in small calls is slow; the buffer makes them large.
        file = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)), PIECE) if compressed else raw
        rows = RowFile(path, file, size * _MAX_RATIO if compressed else size, compressed=compressed)
        rows.more()
        if not rows.rest:
            raise rows.error("the file is empty", 0)
        yield rows


def likely_dim(data: bytes) -> int:
    """Numbers at the end of most of the first lines, 0 if there is no line with a number."""
    lines = data[:_LOOK_BYTES].split(b"\n", _LOOK_LINES)
    if len(lines) > 1:
        # The last one may be cut.
        del lines[-1]
    counts: Counter[int] = Counter()
    for line in lines:
        # The first field is the word, whatever it looks like.
        numbers = itertools.takewhile(NUMBER.fullmatch, reversed(line.split()[1:]))
        counts[sum(1 for _ in numbers)] += 1
    del counts[0]
    return min(counts, key=lambda n: (-counts[n], n), default=0)


class RowFile:
    """One pass over one file; `rest` holds bytes read and not used up, of which the first is at `at`."""

    def __init__(self, path: Path, file: BinaryIO, max_size: int, *, compressed: bool) -> None:
        self.max_size = max_size
        self.compressed = compressed
        self.rest = b""
        self.at = 0
        self.ended = False
        self.repairs: list[str] = []
        self._path = path
        self._file = file

    def error(self, message: str, offset: int | None, hint: str = "") -> FormatError:
        return FormatError(message, path=str(self._path), offset=offset, hint=hint)

    def more(self) -> None:
        """Read one more piece behind what is left."""
        try:
            piece = self._file.read(PIECE)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self.error(
                f"damaged gzip data: {error}", self.at + len(self.rest), "copy it again"
            ) from None
        self.ended = not piece
        self.rest += piece

    def use(self, n_bytes: int) -> None:
        self.rest = self.rest[n_bytes:]
        self.at += n_bytes

    def skip_bom(self, *, repair: bool) -> None:
        """A byte order mark would become a part of the first word, or hide the header."""
        if not self.rest.startswith(BOM):
            return
        if not repair:
            raise self.error("begins with a byte order mark", 0, "pass repair=True (--repair) to drop it")
        self.use(len(BOM))
        self.repairs.append("byte order mark dropped")

    def read(
        self, dim: int, n_keys: int | None, *, kind: str, format: str, errors: str, repair: bool
    ) -> Stored:
        """All rows. n_keys: as many as there must be; None, or with repair: as many as there are.

        kind: "binary" or "text", how they are written; format: the name of the format in the provenance.
        """
        rows = _core.Word2vecRows(dim, format=kind, errors=errors)
        if kind == "text":
            self._refuse_lone_cr(self.rest.partition(b"\n")[0], self.at)
        matrix = self._rows(rows, dim, n_keys, binary=kind == "binary", repair=repair)
        words = rows.key_bytes()
        if kind == "text":
            self._refuse_lone_cr(words, None)
        if rows.n_read == 0:
            raise self.error("no row in it", self.at)
        if n_keys is not None and rows.n_read != n_keys:
            self.repairs.append(f"header said {n_keys} rows, there are {rows.n_read}")
        provenance: dict[str, object] = {"source": self._path.name, "format": format}
        if rows.n_broken and errors == "replace":
            provenance["n_words_with_replaced_bytes"] = rows.n_broken
        if self.repairs:
            provenance["repairs"] = self.repairs
        data = np.frombuffer(words, dtype=np.uint8)
        offsets = np.frombuffer(rows.key_offsets(), dtype=np.uint64)
        keep_first = repair or errors == "replace"
        return with_distinct_keys(data, offsets, matrix, provenance, str(self._path), keep_first=keep_first)

    def _refuse_lone_cr(self, data: bytes, offset: int | None) -> None:
        if b"\r" in data and (match := LONE_CR.search(data)):
            raise self.error(
                f"a row that ends in CR alone: {match[0]!r}",
                offset,
                "put line feeds there: tr '\\r' '\\n' <FILE >NEW",
            )

    def numbers(self, dim: int) -> Float32Array:
        """Rows of numbers alone, as many as there are."""
        rows = _core.Word2vecRows(dim, format="numbers", errors="strict")
        return self._rows(rows, dim, None, binary=False, repair=False)

    def _rows(
        self, rows: _core.Word2vecRows, dim: int, n_keys: int | None, *, binary: bool, repair: bool
    ) -> Float32Array:
        limit = None if repair else n_keys
        matrix = np.empty((self._first_rows(dim, limit, binary=binary), dim), dtype=np.float32)
        while True:
            data = self.rest if binary or limit is not None else self._without_blank_end(rows)
            used = rows.feed(np.frombuffer(data, dtype=np.uint8), self.ended, matrix)
            if rows.error:
                if repair and self._is_torn_tail(rows, used):
                    self.repairs.append("last row dropped: cut off")
                    break
                raise self._row_error(rows, dim, binary=binary, n_header=1 if n_keys is not None else 0)
            self.use(used)
            if rows.n_read == limit:
                self._expect_end(rows.n_read)
                break
            if rows.n_read == len(matrix):
                n_rows = len(matrix) + len(matrix) // 2 + _FIRST_ROWS
                # A large array grows in place, and no view of it is left.
                matrix.resize((n_rows if limit is None else min(n_rows, limit), dim), refcheck=False)
            elif self.ended:
                self._at_end(rows.n_read, limit, repair=repair)
                break
            else:
                self.more()
        if rows.n_read != len(matrix):
            matrix.resize((rows.n_read, dim), refcheck=False)
        return matrix

    def _first_rows(self, dim: int, limit: int | None, *, binary: bool) -> int:
        """How many rows to make room for at first: all, if their number is known or can be judged."""
        if self.compressed:
            return min(_FIRST_ROWS, limit or _FIRST_ROWS)
        if limit is not None:
            return limit
        most = self.max_size // (2 + (4 if binary else 2) * dim) + 1
        if binary:
            return most
        likely = self.max_size * (self.rest.count(b"\n") + 1) / len(self.rest)
        return min(most, int(1.05 * likely) + 16)

    def _without_blank_end(self, rows: _core.Word2vecRows) -> bytes:
        """What is at hand without blank lines at its end, which only end a file, and no row."""
        end = len(self.rest.rstrip(_BLANK))
        if len(self.rest) - end > rows.max_row_bytes:
            raise self.error("nothing but white space here", self.at + end, "the file is damaged")
        end = self.rest.find(b"\n", end) + 1 if end and b"\n" in self.rest[end:] else end
        return self.rest[:end]

    def _expect_end(self, n_keys: int) -> None:
        """Only blank bytes may follow; the last newline of a binary file is one of them."""
        while not self.ended and not self.rest.strip(_BLANK):
            self.use(len(self.rest))
            self.more()
        if self.rest.strip(_BLANK):
            raise self.error(
                f"bytes after the last of {n_keys} rows",
                self.at,
                "the header tells a wrong number: pass repair=True (--repair) to read them too",
            )

    def _at_end(self, n_read: int, limit: int | None, *, repair: bool) -> None:
        """The file has ended, with or without a part of a row left over."""
        if not repair and (limit is not None or self.rest.strip(_BLANK)):
            of = f" of {limit}" if limit is not None else ""
            raise self.error(
                f"the file ends in row {n_read + 1}{of}",
                self.at + len(self.rest),
                "the file is truncated: copy it again, or pass repair=True (--repair) to take the whole rows",
            )
        if self.rest.strip(_BLANK):
            self.repairs.append("last row dropped: cut off")

    def _is_torn_tail(self, rows: _core.Word2vecRows, used: int) -> bool:
        """Whether the row that begins at `used` has no line end and looks as if the file had been cut in it."""
        if rows.error not in ("too_few_numbers", "not_a_number"):
            return False
        return self.ended and b"\n" not in self.rest[used:]

    def _row_error(self, rows: _core.Word2vecRows, dim: int, *, binary: bool, n_header: int) -> FormatError:
        where = f"row {rows.n_read + 1}" if binary else f"line {rows.n_read + 1 + n_header}"
        offset = self.at + rows.error_offset
        if rows.error in ("too_few_numbers", "too_many_numbers"):
            return self.error(f"{where}: {rows.error_fields} numbers where dim is {dim}", offset)
        message, hint = _MESSAGES[rows.error]
        return self.error(f"{where}: {message}", offset, hint)
