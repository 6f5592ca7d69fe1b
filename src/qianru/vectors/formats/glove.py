"""GloVe's text: no header, a word and dim decimal numbers a line, between single spaces.

Words may hold spaces, no-break and ideographic ones among them, as in the vectors of 840 billion words; so a
line is split from the right. How many numbers a line has, most of the first lines tell: those with a word
without spaces. GloVe itself puts `<unk>` last; it is a word like any other here.
"""

from __future__ import annotations

import re
from pathlib import Path

from qianru import _core
from qianru.errors import ArgumentError
from qianru.vectors.formats.row_file import MAX_DIM, likely_dim, open_rows
from qianru.vectors.formats.word2vec import looks_like_word2vec
from qianru.vectors.formats.word2vec_write import write_rows
from qianru.vectors.formats.words import check_first_word
from qianru.vectors.stored import Stored

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_BREAKS = re.compile(r"[\t\n\r]|^ | $")
_ENDS_IN_NUMBER = re.compile(r" [+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


def looks_like_glove(head: bytes) -> bool:
    """Whether the first line is a word and numbers; head may end within that line."""
    line, newline, _ = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    fields = line.split()
    if not newline:
        del fields[-1:]
    return len(fields) >= 2 and _NUMBER.fullmatch(fields[-1]) is not None and b"\x00" not in line


def read_glove(path: Path, *, errors: str = "strict", repair: bool = False) -> Stored:
    """Read the file, plain or gzip. Raises FormatError with the byte offset; errors, repair: `read_word2vec`."""
    with open_rows(path) as file:
        file.skip_bom(repair=repair)
        dim = likely_dim(file.rest)
        if not 1 <= dim <= MAX_DIM:
            raise file.error(f"no line of a word and 1 to {MAX_DIM} numbers", 0)
        return file.read(dim, None, kind="text", format="GloVe text", errors=errors, repair=repair)


def write_glove(path: Path, stored: Stored, *, compressed: bool, force: bool) -> None:
    """Write the file. Raises ArgumentError for a word that could not be read back; OutputError."""
    check_first_word(stored.keys[0], "GloVe's text")
    first = _core.word2vec_rows(stored.keys.lookup, stored.matrix, 0, 1, format="text")
    if looks_like_word2vec(first):
        raise ArgumentError(
            f"the first line {first.decode().rstrip()!r} would be read as word2vec's header",
            hint="keep the vectors in a model folder (save), or export another form",
        )
    for row, word in enumerate(stored.keys):
        if _BREAKS.search(word) or _ENDS_IN_NUMBER.search(word):
            raise ArgumentError(
                f"key {word!r} at row {row} cannot be told from the numbers or lines of GloVe's text",
                hint="keep the vectors in a model folder (save), or rename the word",
            )
    write_rows(path, stored, header=False, kind="text", compressed=compressed, force=force)
