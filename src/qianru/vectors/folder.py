"""The model folder: Hugging Face's layout, and our keys and provenance (docs/reference/model-folder.md)."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Float32Array, UInt8Array, UInt64Array
from qianru.errors import FormatError
from qianru.vectors.keys import Keys
from qianru.vectors.output import new_folder
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header
from qianru.vectors.stored import Stored, fingerprint
from qianru.vectors.tokenizer import unknown_token, write_tokenizer

FORMAT_VERSION = 1
_MAX_DESCRIPTION = 1 << 26
_KEYS = {"offsets": ("U64", 1), "table": ("U64", 1), "counts": ("U64", 1), "bytes": ("U8", 1)}
_MODULES = [
    {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
    {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
]
_FILES = frozenset(
    {
        "model.safetensors",
        "keys.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "config.json",
        "modules.json",
        "qianru.json",
        # Of models with n-grams.
        "subwords.safetensors",
        "decomposition.json",
    }
)


def write_folder(
    path: Path, stored: Stored, *, force: bool, more: Callable[[Path], None] | None = None
) -> str:
    """Write the model folder; returns the fingerprint. Raises OutputError, and nothing has changed then.

    more: writes further files of the model into the folder it is given.
    """
    with new_folder(path, force=force, may_replace=_why_not_replace) as folder:
        mark = stored.fingerprint or fingerprint(stored.keys, stored.matrix)
        _write_matrix(folder / "model.safetensors", stored.matrix)
        _write_keys(folder / "keys.safetensors", stored)
        with (folder / "tokenizer.json").open("w", encoding="utf-8") as out:
            write_tokenizer(out, stored.keys, stored.counts, stored.provenance)
        if more is not None:
            more(folder)
        n_keys, dim = stored.matrix.shape
        _write_json(
            folder / "tokenizer_config.json",
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "unk_token": unknown_token(stored.keys),
                "model_max_length": 1_000_000,
            },
        )
        _write_json(
            folder / "config.json",
            {
                "model_type": "model2vec",
                "architectures": ["StaticModel"],
                "normalize": True,
                "hidden_dim": dim,
            },
        )
        _write_json(folder / "modules.json", _MODULES)
        _write_json(
            folder / "qianru.json",
            {
                "format": "qianru model folder",
                "format_version": FORMAT_VERSION,
                "kind": "static",
                "n_keys": n_keys,
                "dim": dim,
                "fingerprint": mark,
                "corpus_fingerprint": stored.provenance.get("corpus_fingerprint"),
                "provenance": dict(stored.provenance),
                "software": {
                    "qianru": version("qianru"),
                    "numpy": np.__version__,
                    "python": platform.python_version(),
                },
            },
        )
    return mark


def read_folder(path: Path, *, verify: bool) -> Stored:
    """Open a model folder mapped: nothing but headers is read.

    verify: read and compare everything. Raises FormatError where the parts do not fit together.
    """
    description = _description(path)
    matrix_path, keys_path = path / "model.safetensors", path / "keys.safetensors"
    tensors = _map(matrix_path, {"embeddings": ("F32", 2)})
    if "embeddings" not in tensors:
        raise FormatError("no tensor 'embeddings'", path=str(matrix_path), offset=8)
    whole = cast(Float32Array, tensors["embeddings"])
    n_keys, dim = description["n_keys"], description["dim"]
    if type(n_keys) is not int or n_keys < 1 or (n_keys + 1, dim) != whole.shape:
        raise FormatError(
            f"shape {list(whole.shape)} for n_keys {n_keys!r} (and one row more), dim {dim!r} in qianru.json",
            path=str(matrix_path),
            hint="files of two models are mixed: copy the whole folder again",
        )
    keys, counts = _read_keys(keys_path, n_keys)
    stored = Stored(
        keys,
        whole[:n_keys],
        counts,
        MappingProxyType(cast(dict[str, object], description["provenance"])),
        cast(str, description["fingerprint"]),
    )
    if verify:
        if not keys.lookup.is_sound():
            raise FormatError("keys, offsets and table contradict each other", path=str(keys_path))
        if (found := fingerprint(keys, stored.matrix)) != stored.fingerprint:
            raise FormatError(
                f"the fingerprint is {found}, qianru.json says {stored.fingerprint}",
                path=str(path),
                hint="the files were changed or damaged after saving: copy the folder again",
            )
    return stored


def _description(path: Path) -> dict[str, object]:
    """qianru.json, its version and types checked."""
    file = path / "qianru.json"
    if not file.is_file():
        raise FormatError("no qianru.json in it", path=str(path), hint="name a folder that `save` wrote")
    if file.stat().st_size > _MAX_DESCRIPTION:
        raise FormatError(f"more than {_MAX_DESCRIPTION} bytes", path=str(file))
    description = parse_json_object(file.read_bytes(), file)
    found = description.get("format_version")
    if type(found) is not int or found < 1:
        raise FormatError(f"format_version must be a positive whole number, got {found!r}", path=str(file))
    if found > FORMAT_VERSION:
        raise FormatError(
            f"format version {found} is newer than this program knows ({FORMAT_VERSION})",
            path=str(file),
            hint="pip install --upgrade qianru",
        )
    if description.get("kind") != "static":
        raise FormatError(f'kind must be "static", got {description.get("kind")!r}', path=str(file))
    for name, kind in (("fingerprint", str), ("provenance", dict), ("n_keys", int), ("dim", int)):
        if not isinstance(description.get(name), kind):
            raise FormatError(f"{name} is missing or not a JSON {kind.__name__}", path=str(file))
    return description


def _read_keys(path: Path, n_keys: int) -> tuple[Keys, UInt64Array | None]:
    tensors = _map(path, _KEYS)
    for name in ("offsets", "table", "bytes"):
        if name not in tensors:
            raise FormatError(f"no tensor {name!r}", path=str(path), offset=8)
    data, offsets = cast(UInt8Array, tensors["bytes"]), cast(UInt64Array, tensors["offsets"])
    table, counts = cast(UInt64Array, tensors["table"]), cast("UInt64Array | None", tensors.get("counts"))
    n_slots = len(table)
    if (
        len(offsets) != n_keys + 1
        or (counts is not None and len(counts) != n_keys)
        or n_slots & (n_slots - 1)
        or n_slots <= n_keys
        or int(offsets[0]) != 0
        or int(offsets[-1]) != len(data)
    ):
        raise FormatError(
            f"the keys do not fit a matrix of {n_keys} rows",
            path=str(path),
            hint="files of two models are mixed or damaged: copy the whole folder again",
        )
    return Keys(data, offsets, table), counts


def _map(path: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, NDArray[np.generic]]:
    try:
        return map_tensors(path, expected)
    except OSError as error:
        raise FormatError(
            f"cannot be opened: {error.strerror or error}", path=str(path), hint="copy the whole folder again"
        ) from None


def _write_matrix(path: Path, matrix: Float32Array) -> None:
    n_keys, dim = matrix.shape
    with path.open("wb") as out:
        write_header(out, {"embeddings": (np.dtype("<f4"), (n_keys + 1, dim))}, {"format": "pt"})
        _write_array(out, matrix)
        # The unknown token's row: zero, so that a mean over it keeps its direction.
        out.write(bytes(4 * dim))


def _write_keys(path: Path, stored: Stored) -> None:
    # The widest type first, so that every tensor lies at a multiple of its item size.
    arrays: dict[str, NDArray[np.generic]] = {"offsets": stored.keys.offsets, "table": stored.keys.table}
    if stored.counts is not None:
        arrays["counts"] = stored.counts
    arrays["bytes"] = stored.keys.bytes
    with path.open("wb") as out:
        shapes = {name: (array.dtype, array.shape) for name, array in arrays.items()}
        write_header(out, shapes, {"format": "qianru keys", "hash": "fnv1a-64 fmix64"})
        for array in arrays.values():
            _write_array(out, array)


def _write_array(out: BinaryIO, array: NDArray[np.generic]) -> None:
    out.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _why_not_replace(folder: Path) -> str:
    """Only a model folder with nothing else in it is ever deleted."""
    if not (folder / "qianru.json").is_file():
        return "it is not a qianru model folder"
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _FILES)
    return f"it holds files of yours: {', '.join(others[:3])}" if others else ""
