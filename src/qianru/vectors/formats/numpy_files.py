"""NumPy's .npy with the words, one a line, beside it in vocab.txt."""

from __future__ import annotations

import os
import tokenize
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qianru import _core
from qianru.arrays import Float32Array
from qianru.errors import FormatError
from qianru.output import new_file
from qianru.vectors.formats.words import (
    check_lines,
    companion_path,
    pack,
    read_lines,
    require_companion,
    with_distinct_keys,
    word_lines,
)
from qianru.vectors.stored import Stored

MAGIC = b"\x93NUMPY"
_WORD_LISTS = ("vocab.txt", "words.txt")
_MAX_HEADER = 65536


def read_npy(path: Path, *, errors: str = "strict", repair: bool = False) -> Stored:
    """A matrix of floats and its words. Raises FormatError."""
    matrix = read_matrix(path)
    beside = require_companion(path, *_WORD_LISTS)
    words = read_lines(beside, len(matrix), errors=errors)
    provenance: dict[str, object] = {"source": path.name, "format": "NumPy"}
    return with_distinct_keys(*pack(words), matrix, provenance, str(beside), keep_first=repair)


def read_matrix(path: Path) -> Float32Array:
    """The array of the .npy file as finite float32 [n, dim], C-contiguous. Raises FormatError."""
    with path.open("rb") as file:
        try:
            major, _ = np.lib.format.read_magic(file)
            if major not in (1, 2, 3):
                raise ValueError(f"version {major} of the format is not known")
            # NumPy makes room for the header's length as the file states it, before it looks at the limit.
            length = file.read(2 if major == 1 else 4)
            if int.from_bytes(length, "little") > _MAX_HEADER:
                raise ValueError(f"a header of {int.from_bytes(length, 'little')} bytes")
            file.seek(-len(length), os.SEEK_CUR)
            read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file, max_header_size=_MAX_HEADER)
        except (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError) as error:
            raise FormatError(f"no NumPy header: {error}", path=str(path), offset=0) from None
        begin = file.tell()
        if dtype.kind not in "fiu" or dtype.itemsize > 8:
            raise FormatError(f"numbers must be floats or integers, got {dtype}", path=str(path))
        if len(shape) != 2 or 0 in shape or any(extent < 0 or extent >= 1 << 32 for extent in shape):
            raise FormatError(f"shape must be [n, dim], got {list(shape)}", path=str(path), offset=0)
        n_bytes = int(shape[0]) * int(shape[1]) * dtype.itemsize
        if path.stat().st_size - begin < n_bytes:
            raise FormatError(
                f"{n_bytes} bytes of numbers from byte {begin} on, file of {path.stat().st_size}",
                path=str(path),
                offset=path.stat().st_size,
                hint="the file is truncated: copy it again",
            )
        flat = np.fromfile(file, dtype=dtype, count=shape[0] * shape[1])
    return as_float32(flat.reshape(shape, order="F" if fortran else "C"), path)


def as_float32(matrix: NDArray[np.generic], path: Path) -> Float32Array:
    """The matrix as float32, C-contiguous. Raises FormatError where a number is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        made = cast(Float32Array, np.ascontiguousarray(matrix, dtype=np.float32))
    bad = _core.first_row_not_finite(made)
    if bad >= 0:
        raise FormatError(
            f"a number that is NaN or infinite in row {bad + 1}",
            path=str(path),
            hint="the vectors are damaged: take them from their source again",
        )
    return made


def write_npy(path: Path, stored: Stored, *, force: bool) -> None:
    """Write the matrix, and the words beside it. Raises ArgumentError for a word with a line break; OutputError."""
    check_lines(stored.keys, "\n\r", "a word list")
    with new_file(companion_path(path, "vocab.txt"), force=force) as words:
        words.write_bytes(word_lines(stored.keys))
        with new_file(path, force=force) as temporary, temporary.open("wb") as out:
            np.lib.format.write_array(out, stored.matrix, version=(1, 0), allow_pickle=False)
