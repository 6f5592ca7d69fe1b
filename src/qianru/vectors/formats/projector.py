"""The tables of TensorFlow's projector: vectors.tsv with numbers alone, metadata.tsv with the words.

Metadata of one column has no line of column names, metadata of several has one; the words are then in the
column named word, label or token, or else in the first.
"""

from __future__ import annotations

import re
from pathlib import Path

from qianru.errors import FormatError
from qianru.output import new_file
from qianru.vectors.formats.row_file import MAX_DIM, likely_dim, open_rows
from qianru.vectors.formats.word2vec_write import write_rows
from qianru.vectors.formats.words import (
    check_lines,
    checked_word,
    companion_path,
    pack,
    read_lines,
    require_companion,
    with_distinct_keys,
    word_lines,
)
from qianru.vectors.stored import Stored

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAMES = (b"word", b"words", b"label", b"token", b"name")


def looks_like_tsv(head: bytes) -> bool:
    """Whether the first line is one or more numbers between tabs; head may end within it."""
    line, newline, _ = head.partition(b"\n")
    fields = line.rstrip(b"\r").split(b"\t")
    if not newline and len(fields) > 1:
        del fields[-1:]
    return all(_NUMBER.fullmatch(field) for field in fields)


def metadata_names(path: Path) -> list[str]:
    """What the file with the words may be called."""
    stems = [word for word in ("vectors", "tensors", "tensor", "vecs") if word in path.stem]
    return [
        *(path.name.replace(word, "metadata") for word in stems),
        "metadata.tsv",
        "meta.tsv",
        "labels.tsv",
    ]


def read_tsv(path: Path, *, errors: str = "strict", repair: bool = False) -> Stored:
    """The numbers in `path` and the words beside it. Raises FormatError."""
    beside = require_companion(path, *metadata_names(path))
    with open_rows(path) as file:
        dim = likely_dim(b"w " + file.rest.replace(b"\n", b"\nw "))
        if not 1 <= dim <= MAX_DIM:
            raise file.error(f"no line of 1 to {MAX_DIM} numbers", 0)
        matrix = file.numbers(dim)
    words = _words(beside, len(matrix), errors=errors)
    provenance: dict[str, object] = {"source": path.name, "format": "TensorFlow projector"}
    return with_distinct_keys(*pack(words), matrix, provenance, str(beside), keep_first=repair)


def _words(path: Path, n: int, *, errors: str) -> list[bytes]:
    lines = read_lines(path, None, errors=errors)
    names = lines[0].split(b"\t")
    if len(lines) == n and len(names) == 1:
        return lines
    folded = [name.strip().lower() for name in names]
    if len(lines) != n + 1 or (len(names) == 1 and folded[0] not in _NAMES):
        raise FormatError(f"{len(lines)} lines for {n} rows", path=str(path))
    column = next((folded.index(name) for name in _NAMES if name in folded), 0)
    words = []
    for row, line in enumerate(lines[1:]):
        fields = line.split(b"\t")
        if len(fields) != len(names):
            raise FormatError(f"line {row + 2}: {len(fields)} columns, not {len(names)}", path=str(path))
        words.append(checked_word(fields[column], row, str(path), errors=errors))
    return words


def write_tsv(path: Path, stored: Stored, *, force: bool) -> None:
    """Write both tables. Raises ArgumentError for a word with a tab or a line break; OutputError."""
    check_lines(stored.keys, "\t\n\r", "a table")
    name = path.name.replace("vectors", "metadata") if "vectors" in path.stem else ""
    # my.metadata.tsv is that of my.tsv, not of my.vectors.tsv too.
    own = name and not name.endswith(".metadata.tsv")
    beside = path.with_name(name) if own else companion_path(path, "metadata.tsv")
    with new_file(beside, force=force) as words:
        words.write_bytes(word_lines(stored.keys))
        write_rows(path, stored, header=False, kind="numbers", compressed=False, force=force)
