"""Reads word2vec's two formats as word2vec.c, gensim and others write them, plain or gzip.

Both begin with a line "n_keys dim". A binary row is the word, a space, dim little-endian float32 and a
newline, which gensim omits; a text row is the word and dim decimal numbers between spaces.
"""

from __future__ import annotations

import re
from pathlib import Path

from qianru.vectors.formats.row_file import MAX_DIM, NUMBER, RowFile, likely_dim, open_rows
from qianru.vectors.stored import Stored

_MAX_HEADER = 64
_HEADER = re.compile(rb"[ \t]*(\d{1,18})[ \t]+(\d{1,18})[ \t\r]*\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def looks_like_word2vec(head: bytes) -> bool:
    """Whether the first line is two whole numbers."""
    return _HEADER.match(head[:_MAX_HEADER]) is not None


def text_header(path: Path) -> tuple[int, int] | None:
    """The numbers of the header if the file is of the textual kind, else None. Raises FormatError, OSError."""
    with open_rows(path) as file:
        file.skip_bom(repair=True)
        n_keys, dim = _header(file)
        return None if is_binary(file.rest, dim) else (n_keys, dim)


def read_word2vec(path: Path, *, errors: str = "strict", repair: bool = False) -> Stored:
    """Read the file. Raises FormatError with the byte offset, in a .gz file that of the uncompressed data.

    errors: what becomes of words that are not UTF-8, as in `Vectors.load`. repair: take the rows there are
    instead of those that the header tells of, and the first of equal words.
    """
    with open_rows(path) as file:
        file.skip_bom(repair=repair)
        n_keys, dim = _header(file)
        binary = is_binary(file.rest, dim)
        if not repair:
            _check_room(file, n_keys, dim, binary=binary)
        elif not binary and 1 <= (found := likely_dim(file.rest)) <= MAX_DIM and found != dim:
            file.repairs.append(f"header said dim {dim}, most rows have {found} numbers")
            dim = found
        return file.read(
            dim,
            n_keys,
            kind="binary" if binary else "text",
            format="word2vec binary" if binary else "word2vec text",
            errors=errors,
            repair=repair,
        )


def _header(file: RowFile) -> tuple[int, int]:
    match = _HEADER.match(file.rest[:_MAX_HEADER])
    if not match:
        raise file.error(
            f'the first line must be "n_keys dim", got {file.rest[:_MAX_HEADER].splitlines()[:1]!r}',
            0,
            "run `qianru inspect` on the file",
        )
    n_keys, dim = int(match[1]), int(match[2])
    if n_keys < 1 or not 1 <= dim <= MAX_DIM:
        raise file.error(f"n_keys {n_keys} and dim {dim} must be at least 1, dim at most {MAX_DIM}", 0)
    file.use(match.end())
    return n_keys, dim


def is_binary(data: bytes, dim: int) -> bool:
    """Text if the first row is a word and dim numbers.

    Else too where it ends in a number and no control characters follow: floats, even ones that hold a newline, hardly
    ever look like that.
    """
    limit = 20 * dim + 1024
    line = data[:limit].split(b"\n", 1)[0]
    fields = line.split()
    if len(line) == limit:
        # Cut off, perhaps within a number: the field before it tells.
        del fields[-1:]
    elif len(fields) > dim and all(map(NUMBER.fullmatch, fields[-dim:])):
        return False
    return not fields or bool(_CONTROL.search(data[:limit])) or not NUMBER.fullmatch(fields[-1])


def _check_room(file: RowFile, n_keys: int, dim: int, *, binary: bool) -> None:
    """Before anything is allocated: can a file of this size hold that many rows?"""
    least = 2 + 4 * dim if binary else 2 + 2 * dim
    if n_keys * least - 1 > file.max_size - file.at or n_keys >= 1 << 32:
        raise file.error(
            f"the header tells of {n_keys} rows of {dim}, for which the file is too small",
            0,
            "the file is truncated or its header damaged: copy it again, or pass repair=True (--repair)",
        )
