"""Writes word2vec's two formats, binary rows with a newline at their end as word2vec.c has it, and GloVe's rows."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import BinaryIO, cast

from qianru import _core
from qianru.errors import ArgumentError
from qianru.output import new_file
from qianru.vectors.stored import Stored

_PIECE_NUMBERS = 1 << 19
# Other white space, as no-break or ideographic spaces, ends a word nowhere.
_SPACE = re.compile(r"[ \t\n\v\f\r]")


def write_word2vec(path: Path, stored: Stored, *, binary: bool, compressed: bool, force: bool) -> None:
    """Write the file. Raises ArgumentError for a word with white space; OutputError."""
    _check_words(stored, binary=binary)
    kind = "binary" if binary else "text"
    write_rows(path, stored, header=True, kind=kind, compressed=compressed, force=force)


def write_rows(path: Path, stored: Stored, *, header: bool, kind: str, compressed: bool, force: bool) -> None:
    """Write the rows, after the line "n_keys dim" if header; kind: as in `RowFile.read`. Raises OutputError."""
    with new_file(path, force=force) as temporary, temporary.open("wb") as raw:
        if compressed:
            # No time and no name in it: the same vectors give the same bytes.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
                _write(cast(BinaryIO, out), stored, header=header, kind=kind)
        else:
            _write(raw, stored, header=header, kind=kind)


def _write(out: BinaryIO, stored: Stored, *, header: bool, kind: str) -> None:
    n_keys, dim = stored.matrix.shape
    if header:
        out.write(f"{n_keys} {dim}\n".encode())
    step = max(1, _PIECE_NUMBERS // dim)
    for begin in range(0, n_keys, step):
        end = min(begin + step, n_keys)
        out.write(_core.word2vec_rows(stored.keys.lookup, stored.matrix, begin, end, format=kind))


def _check_words(stored: Stored, *, binary: bool) -> None:
    for row, word in enumerate(stored.keys):
        if _SPACE.search(word):
            name = "binary" if binary else "text"
            raise ArgumentError(
                f"key {word!r} at row {row} holds white space, where the {name} format ends the word",
                hint="put _ for it first, or keep the vectors in a model folder (save)",
            )
