"""Reads word2vec's two formats as word2vec.c, gensim and others write them, plain or gzip.

Both begin with a line "n_keys dim". A binary row is the word, a space, dim little-endian float32 and a
newline, which gensim omits; a text row is the word and dim decimal numbers between spaces. The file is read
once, in pieces, into the matrix; nothing is allocated on the word of a header that the file is too small for.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array
from qianru.errors import FormatError
from qianru.vectors.keys import Keys
from qianru.vectors.stored import Stored

_PIECE = 1 << 22
_MAX_HEADER = 64
_MAX_DIM = 1 << 20
# Deflate cannot shrink data by more than this.
_MAX_RATIO = 1032
_HEADER = re.compile(rb"[ \t]*(\d{1,18})[ \t]+(\d{1,18})[ \t\r]*\n")
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_MESSAGES = {
    "key_empty": ("a row without a word", ""),
    "key_too_long": ("no end of the word in 16384 bytes", "the file is damaged, or not of this format"),
    "key_not_utf8": ("a word that is not UTF-8", 'pass errors="replace" to put U+FFFD for its broken bytes'),
    "not_a_number": ("not a number", ""),
    "not_finite": (
        "a number that is NaN or infinite",
        "the vectors are damaged: take them from their source again",
    ),
    "line_too_long": ("no end of the line where dim numbers must have ended", "the file is damaged"),
}


def read_word2vec(path: Path, *, replace: bool) -> Stored:
    """Read the file. Raises FormatError with the byte offset, in a .gz file that of the uncompressed data.

    replace: broken UTF-8 becomes U+FFFD and the first of equal words is kept, instead of an error.
    """
    size = path.stat().st_size
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        # Decompressing gigabytes in small calls is slow; the buffer makes them large.
        file = (
            io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)), _PIECE) if compressed else raw
        )
        reader = _Reader(path, file, size * _MAX_RATIO if compressed else size)
        return reader.read(replace=replace)


class _Reader:
    """One pass over one file; `_rest` holds bytes read and not used up, of which the first is at `_at`."""

    def __init__(self, path: Path, file: BinaryIO, max_size: int) -> None:
        self._path = str(path)
        self._file = file
        self._max_size = max_size
        self._rest = b""
        self._at = 0
        self._ended = False

    def read(self, *, replace: bool) -> Stored:
        self._more()
        n_keys, dim = self._header()
        binary = self._is_binary(dim)
        self._check_room(n_keys, dim, binary)
        matrix = np.empty((n_keys, dim), dtype=np.float32)
        rows = _core.Word2vecRows(matrix, binary=binary, replace=replace)
        self._rows(rows, n_keys, dim, binary)
        if self._rest.strip(b"\r\n \t") or not self._ended:
            raise self._error(
                f"bytes after the last of {n_keys} rows", self._at, "the header tells a wrong number"
            )
        return self._stored(rows, matrix, binary=binary, replace=replace)

    def _rows(self, rows: _core.Word2vecRows, n_keys: int, dim: int, binary: bool) -> None:
        while True:
            used = rows.feed(np.frombuffer(self._rest, dtype=np.uint8), self._ended)
            if rows.error:
                raise self._row_error(rows, dim, binary)
            self._rest = self._rest[used:]
            self._at += used
            if rows.n_read == n_keys:
                # Only blank bytes may follow; the last newline of a binary file is one of them.
                while not self._ended and len(self._rest.strip(b"\r\n \t")) == 0:
                    self._more()
                return
            if self._ended and used == 0:
                raise self._error(
                    f"the file ends in row {rows.n_read + 1} of {n_keys}",
                    self._at + len(self._rest),
                    "the file is truncated: copy it again",
                )
            self._more()

    def _more(self) -> None:
        """Read one more piece behind what is left."""
        try:
            piece = self._file.read(_PIECE)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._error(
                f"damaged gzip data: {error}", self._at + len(self._rest), "copy it again"
            ) from None
        self._ended = not piece
        self._rest += piece

    def _header(self) -> tuple[int, int]:
        if not self._rest:
            raise self._error("the file is empty", 0)
        match = _HEADER.match(self._rest[:_MAX_HEADER])
        if not match:
            raise self._error(
                f'the first line must be "n_keys dim", got {self._rest[:_MAX_HEADER].splitlines()[0]!r}',
                0,
                "a word2vec .bin or .txt file begins with two numbers; a GloVe file has no such line",
            )
        n_keys, dim = int(match[1]), int(match[2])
        if n_keys < 1 or not 1 <= dim <= _MAX_DIM:
            raise self._error(f"n_keys {n_keys} and dim {dim} must be at least 1, dim at most {_MAX_DIM}", 0)
        self._rest = self._rest[match.end() :]
        self._at = match.end()
        return n_keys, dim

    def _is_binary(self, dim: int) -> bool:
        """Text if the first row has no control characters and ends in a number, as floats hardly ever do."""
        limit = 20 * dim + 1024
        line = self._rest[:limit].split(b"\n", 1)[0]
        fields = line.split()
        if len(line) == limit:
            # Cut off, perhaps within a number: the field before it tells.
            del fields[-1:]
        return not fields or bool(_CONTROL.search(line)) or not _NUMBER.fullmatch(fields[-1])

    def _check_room(self, n_keys: int, dim: int, binary: bool) -> None:
        """Before anything is allocated: can a file of this size hold that many rows?"""
        least = 2 + 4 * dim if binary else 2 + 2 * dim
        if n_keys * least - 1 > self._max_size - self._at or n_keys >= 1 << 32:
            raise self._error(
                f"the header tells of {n_keys} rows of {dim}, for which the file is too small",
                0,
                "the file is truncated or its header damaged: copy it again",
            )

    def _row_error(self, rows: _core.Word2vecRows, dim: int, binary: bool) -> FormatError:
        where = f"row {rows.n_read + 1}" if binary else f"line {rows.n_read + 2}"
        offset = self._at + rows.error_offset
        if rows.error in ("too_few_numbers", "too_many_numbers"):
            hint = ""
            if rows.error == "too_many_numbers":
                hint = "is there a space in the word? Text cannot hold it: take the binary file"
            return self._error(f"{where}: {rows.error_fields} numbers where dim is {dim}", offset, hint)
        message, hint = _MESSAGES[rows.error]
        return self._error(f"{where}: {message}", offset, hint)

    def _stored(
        self, rows: _core.Word2vecRows, matrix: Float32Array, *, binary: bool, replace: bool
    ) -> Stored:
        data = np.frombuffer(rows.key_bytes(), dtype=np.uint8)
        offsets = np.frombuffer(rows.key_offsets(), dtype=np.uint64)
        keys, duplicates = Keys.from_bytes(data, offsets)
        provenance: dict[str, object] = {
            "source": Path(self._path).name,
            "format": "word2vec binary" if binary else "word2vec text",
        }
        if rows.n_replaced:
            provenance["n_words_with_replaced_bytes"] = rows.n_replaced
        if duplicates and not replace:
            word = keys[duplicates[0]]
            raise self._error(
                f"{word!r} comes twice, in rows {keys.find(word) + 1} and {duplicates[0] + 1}",
                None,
                'pass errors="replace" to keep the first of equal words',
            )
        if duplicates:
            provenance["n_repeated_words_dropped"] = len(duplicates)
            kept = np.delete(np.arange(len(keys)), duplicates)
            return Stored(Keys.from_words(keys[row] for row in kept.tolist()), matrix[kept], None, provenance)
        return Stored(keys, matrix, None, provenance)

    def _error(self, message: str, offset: int | None, hint: str = "") -> FormatError:
        return FormatError(message, path=self._path, offset=offset, hint=hint)
