"""The safetensors layout, written as a stream and opened mapped: header length, JSON header, tensors.

The safetensors package copies tensors on reading; opening a million rows in milliseconds needs the place of
each tensor and nothing else. Nothing in the header is believed before it is checked against the size of the
file.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from qianru.errors import FormatError

_DTYPES: dict[str, np.dtype[np.generic]] = {
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U8": np.dtype("u1"),
    "F16": np.dtype("<f2"),
    "I8": np.dtype("i1"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_MAX_HEADER = 1 << 20
# The most that the safetensors package reads.
MAX_FOREIGN_HEADER = 100_000_000
# The first tensor begins at a multiple of this: a cache line.
_ALIGNMENT = 64


def write_header(
    out: BinaryIO,
    tensors: Mapping[str, tuple[np.dtype[np.generic], tuple[int, ...]]],
    metadata: Mapping[str, str],
) -> None:
    """Write length and header for tensors (dtype, shape); the caller then writes those, in the same order."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        begin, end = end, end + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _ALIGNMENT)
    out.write(len(text).to_bytes(8, "little") + text)


def map_tensors(path: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, NDArray[np.generic]]:
    """Map the file; returns read-only views of those tensors in `expected` (dtype, dimensions) that it holds.

    Raises FormatError if the file does not follow the layout.
    """
    mapped, header, begin = map_header(path, max_header=_MAX_HEADER)
    return {
        name: view_tensor(mapped, header[name], begin, _DTYPES[dtype], dtype, n_dimensions, path, name)
        for name, (dtype, n_dimensions) in expected.items()
        if name in header
    }


def map_header(path: Path, *, max_header: int) -> tuple[mmap.mmap, dict[str, object], int]:
    """The file mapped, its header, and where the tensors' data begin. Raises FormatError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < 8:
            raise FormatError(f"too short for a header: {size} bytes", path=str(path))
        # A private read-only map: processes that open the same model share its pages.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    n_header = int.from_bytes(mapped[:8], "little")
    if n_header > min(size - 8, max_header):
        raise FormatError(f"header of {n_header} bytes, file of {size}", path=str(path), offset=0)
    return mapped, parse_json_object(mapped[8 : 8 + n_header], path, offset=8), 8 + n_header


def view_tensor(
    mapped: mmap.mmap,
    entry: object,
    data_begin: int,
    dtype: np.dtype[np.generic],
    dtype_name: str,
    n_dimensions: int,
    path: Path,
    name: str,
) -> NDArray[np.generic]:
    """A read-only view of the tensor that the header's entry tells of, a copy if it is not aligned. Raises FormatError."""
    begin, shape = _place(entry, dtype, dtype_name, n_dimensions, path, len(mapped) - data_begin, name)
    count, begin = int(np.prod(shape, dtype=object)), data_begin + begin
    flat: NDArray[np.generic]
    if begin % dtype.itemsize:  # older writers did not pad their headers
        flat = np.frombuffer(mapped[begin : begin + count * dtype.itemsize], dtype)
    else:
        flat = np.frombuffer(mapped, dtype, count=count, offset=begin)
    return flat.reshape(shape)


def parse_json_object(data: bytes, path: Path, *, offset: int | None = None) -> dict[str, object]:
    """The JSON object in data. Raises FormatError with the path."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not valid JSON: {error}", path=str(path), offset=offset) from None
    if not isinstance(value, dict):
        raise FormatError(
            f"a JSON object was expected, got {type(value).__name__}", path=str(path), offset=offset
        )
    return value


def _place(
    entry: object,
    dtype: np.dtype[np.generic],
    dtype_name: str,
    n_dimensions: int,
    path: Path,
    n_data: int,
    name: str,
) -> tuple[int, tuple[int, ...]]:
    """Where the tensor begins in the data, and its shape, both checked."""
    if not isinstance(entry, dict) or entry.get("dtype") != dtype_name:
        raise FormatError(f"tensor {name!r} must have dtype {dtype_name}", path=str(path), offset=8)
    shape, offsets = _naturals(entry.get("shape")), _naturals(entry.get("data_offsets"))
    if shape is None or len(shape) != n_dimensions or offsets is None or len(offsets) != 2:
        raise FormatError(f"tensor {name!r} has a broken shape or data_offsets", path=str(path), offset=8)
    begin, end = offsets
    n_bytes = dtype.itemsize
    for extent in shape:
        n_bytes *= extent
    if end - begin != n_bytes or end > n_data or n_bytes == 0:
        raise FormatError(
            f"tensor {name!r} of shape {list(shape)} takes {n_bytes} bytes, not {begin} to {end} of {n_data}",
            path=str(path),
            offset=8,
            hint="the file is truncated or damaged: copy it again",
        )
    return begin, shape


def _naturals(value: object) -> tuple[int, ...] | None:
    """The list of whole numbers from 0 up as a tuple; None if it is anything else."""
    if isinstance(value, list) and all(type(x) is int and 0 <= x < 1 << 62 for x in value):
        return tuple(value)
    return None
