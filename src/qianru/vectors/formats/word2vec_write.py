"""Writes word2vec's two formats: binary rows end in a newline, as word2vec.c does."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import BinaryIO, cast

from qianru import _core
from qianru.errors import ArgumentError
from qianru.vectors.output import new_file
from qianru.vectors.stored import Stored

_PIECE_NUMBERS = 1 << 19
_SPACE = re.compile(r"\s")


def write_word2vec(path: Path, stored: Stored, *, binary: bool, compressed: bool, force: bool) -> None:
    """Write the file. Raises ArgumentError for a word with white space; OutputError."""
    _check_words(stored, binary=binary)
    with new_file(path, force=force) as temporary, temporary.open("wb") as raw:
        if compressed:
            # No time and no name in it: the same vectors give the same bytes.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
                _write(cast(BinaryIO, out), stored, binary=binary)
        else:
            _write(raw, stored, binary=binary)


def _write(out: BinaryIO, stored: Stored, *, binary: bool) -> None:
    n_keys, dim = stored.matrix.shape
    out.write(f"{n_keys} {dim}\n".encode())
    step = max(1, _PIECE_NUMBERS // dim)
    for begin in range(0, n_keys, step):
        end = min(begin + step, n_keys)
        out.write(_core.word2vec_rows(stored.keys.lookup, stored.matrix, begin, end, binary=binary))


def _check_words(stored: Stored, *, binary: bool) -> None:
    for row, word in enumerate(stored.keys):
        if _SPACE.search(word):
            name = "binary" if binary else "text"
            raise ArgumentError(
                f"key {word!r} at row {row} holds white space, where the {name} format ends the word",
                hint="put _ for it first, or keep the vectors in a model folder (save)",
            )
