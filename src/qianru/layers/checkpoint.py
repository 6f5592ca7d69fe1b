"""The weights of a model folder as bytes: tensors by name over one or several safetensors files.

Tensors that do not change are copied as they are, without being understood; rows of vocabulary matrices are cut and
joined as bytes too, so old rows cannot but stay the same.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.errors import FormatError
from qianru.vectors.safetensors_file import MAX_FOREIGN_HEADER, map_header

_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_BLOCK = 1 << 24
_ALIGNMENT = 64


@dataclass(frozen=True)
class Tensor:
    """Where a tensor lies. dtype: as safetensors names it."""

    name: str
    file: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class NewTensor:
    """What takes the place of a tensor: its shape, and its bytes in pieces."""

    shape: tuple[int, ...]
    pieces: tuple[bytes, ...]


class Checkpoint:
    """The tensors of a folder, mapped. Raises FormatError where there is none that can be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = _weight_files(folder)
        self._maps: dict[str, tuple[mmap.mmap, int]] = {}
        self._metadata: dict[str, Any] = {}
        self.tensors: dict[str, Tensor] = {}
        for file in self.files:
            path = folder / file
            try:
                mapped, header, begin = map_header(path, max_header=MAX_FOREIGN_HEADER)
            except OSError as error:
                raise FormatError(f"cannot be read: {error.strerror}", path=str(path)) from None
            self._maps[file] = (mapped, begin)
            self._metadata[file] = header.pop("__metadata__", None)
            for name, entry in header.items():
                if name in self.tensors:
                    raise FormatError(f"tensor {name!r} stands in two files", path=str(path))
                self.tensors[name] = _tensor(name, entry, file, len(mapped) - begin, path)

    def data(self, tensor: Tensor) -> memoryview:
        """The bytes of a tensor."""
        mapped, begin = self._maps[tensor.file]
        return memoryview(mapped)[begin + tensor.begin : begin + tensor.end]

    def rows(self, tensor: Tensor, axis: int) -> NDArray[np.uint8]:
        """A vocabulary tensor as bytes, uint8 [n_rows, bytes of a row]; axis 1 is that of a bias of shape [1, n]."""
        if tensor.dtype not in _SIZES:
            raise FormatError(
                f"tensor {tensor.name!r} has dtype {tensor.dtype}; vocabulary is changed in {', '.join(_SIZES)}",
                path=str(self.folder / tensor.file),
                hint="Change the vocabulary before quantising.",
            )
        flat = np.frombuffer(self.data(tensor), np.uint8)
        return flat.reshape(tensor.shape[axis], -1)

    def floats(self, tensor: Tensor, axis: int, numbers: Int64Array | None = None) -> Float32Array:
        """Rows of a vocabulary tensor as float32 [n, width]."""
        rows = self.rows(tensor, axis)
        return decode(rows if numbers is None else rows[numbers], tensor.dtype)

    def write(self, folder: Path, changed: Mapping[str, NewTensor]) -> None:
        """Write all weight files into the folder, with the changed tensors in place of the old ones."""
        for file in self.files:
            here = [tensor for tensor in self.tensors.values() if tensor.file == file]
            here.sort(key=lambda tensor: tensor.begin)
            header: dict[str, Any] = {}
            if self._metadata[file]:
                header["__metadata__"] = self._metadata[file]
            end = 0
            for tensor in here:
                new = changed.get(tensor.name)
                size = tensor.end - tensor.begin if new is None else sum(map(len, new.pieces))
                shape = tensor.shape if new is None else new.shape
                header[tensor.name] = {
                    "dtype": tensor.dtype,
                    "shape": list(shape),
                    "data_offsets": [end, end + size],
                }
                end += size
            text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
            text += b" " * (-(len(text) + 8) % _ALIGNMENT)
            with (folder / file).open("wb") as out:
                out.write(len(text).to_bytes(8, "little") + text)
                for tensor in here:
                    for piece in (
                        changed[tensor.name].pieces if tensor.name in changed else (self.data(tensor),)
                    ):
                        for begin in range(0, len(piece), _BLOCK):
                            out.write(piece[begin : begin + _BLOCK])
        self._write_index(folder, changed)

    def _write_index(self, folder: Path, changed: Mapping[str, NewTensor]) -> None:
        if not (self.folder / _INDEX).is_file():
            return
        index = json.loads((self.folder / _INDEX).read_text(encoding="utf-8"))
        total = index.get("metadata", {}).get("total_size")
        if isinstance(total, int):
            for name, new in changed.items():
                old = self.tensors[name]
                total += sum(map(len, new.pieces)) - (old.end - old.begin)
            index["metadata"]["total_size"] = total
        (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")

    def hash_of_others(self, names: frozenset[str]) -> str:
        """SHA-256 over name, dtype, shape and bytes of all tensors but those."""
        digest = hashlib.sha256()
        for name in sorted(set(self.tensors) - names):
            tensor = self.tensors[name]
            digest.update(f"{name}\0{tensor.dtype}\0{tensor.shape}\n".encode())
            digest.update(self.data(tensor))
        return digest.hexdigest()

    def hash_of_rows(self, tensor: Tensor, axis: int, numbers: Int64Array) -> str:
        """SHA-256 over rows of a vocabulary tensor, in the order of the numbers."""
        digest = hashlib.sha256()
        rows = self.rows(tensor, axis)
        for begin in range(0, len(numbers), 4096):
            digest.update(np.ascontiguousarray(rows[numbers[begin : begin + 4096]]).data)
        return digest.hexdigest()


def model_fingerprint(folder: Path, tokenizer: str) -> str:
    """Of a language model that was trained here: SHA-256 over the tokenizer's fingerprint and the folder's weights."""
    weights = Checkpoint(folder).hash_of_others(frozenset())
    return hashlib.sha256(f"qianru contextual 1\n{tokenizer}\n{weights}\n".encode()).hexdigest()


def decode(rows: NDArray[np.uint8], dtype: str) -> Float32Array:
    """Rows of bytes as float32."""
    rows = np.ascontiguousarray(rows)
    if dtype == "BF16":
        wide = rows.view("<u2").astype(np.uint32) << 16
        return cast(Float32Array, wide.view(np.float32))
    kind = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype]
    return cast(Float32Array, rows.view(kind).astype(np.float32))


def encode(rows: Float32Array | Float64Array, dtype: str) -> bytes:
    """float32 rows as bytes; bfloat16 is rounded to the nearest, ties to even."""
    if dtype == "BF16":
        bits = rows.astype("<f4").view("<u4").astype(np.uint64)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return rows.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def _weight_files(folder: Path) -> list[str]:
    if (folder / _SINGLE).is_file():
        return [_SINGLE]
    path = folder / _INDEX
    if not path.is_file():
        others = sorted(entry.name for entry in folder.glob("*.bin"))
        hint = "It has pickled weights, which are not opened: save it as safetensors." if others else ""
        raise FormatError("no model.safetensors in the folder", path=str(folder), hint=hint)
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()
        files = sorted(set(names))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise FormatError("no weight_map that names files", path=str(path)) from None
    for file in files:
        if not isinstance(file, str) or Path(file).name != file:
            raise FormatError(f"weight_map names {file!r}, which is no file of the folder", path=str(path))
    return files


def _tensor(name: str, entry: object, file: str, n_data: int, path: Path) -> Tensor:
    shape = entry.get("shape") if isinstance(entry, dict) else None
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    dtype = entry.get("dtype") if isinstance(entry, dict) else None
    good = (
        isinstance(dtype, str)
        and isinstance(shape, list)
        and all(type(n) is int and n >= 0 for n in shape)
        and isinstance(offsets, list)
        and len(offsets) == 2
        and all(type(n) is int for n in offsets)
        and 0 <= offsets[0] <= offsets[1] <= n_data
    )
    if good and dtype in _SIZES:
        n = int(np.prod(cast("list[int]", shape), dtype=object)) * _SIZES[dtype]
        good = n == cast("list[int]", offsets)[1] - cast("list[int]", offsets)[0]
    if not good:
        raise FormatError(
            f"tensor {name!r} does not fit the file of {n_data} bytes of data",
            path=str(path),
            offset=8,
            hint="The file is truncated or damaged: copy it again.",
        )
    return Tensor(name, file, str(dtype), tuple(shape or ()), offsets[0], offsets[1])  # type: ignore[index]


def joined(rows: NDArray[np.uint8], kept: Int64Array) -> Iterator[bytes]:
    """The bytes of rows by number, in pieces."""
    step = max(1, _BLOCK // max(rows.shape[1], 1))
    for begin in range(0, len(kept), step):
        yield np.ascontiguousarray(rows[kept[begin : begin + step]]).tobytes()
