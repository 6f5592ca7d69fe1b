"""The model folder: Hugging Face's layout, and our keys and provenance (docs/reference/model-folder.md)."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from qianru import _core
from qianru.arrays import Float32Array, Float64Array, UInt8Array, UInt64Array
from qianru.errors import FormatError
from qianru.output import new_folder
from qianru.tokens.word_model import unknown_token, write_word_tokenizer
from qianru.vectors.codes import METHODS, N_CENTROIDS, Codes
from qianru.vectors.keys import Keys
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header
from qianru.vectors.stored import Stored, fingerprint, of_corpus

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
        "biases.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "config.json",
        "modules.json",
        "qianru.json",
        "training.safetensors",  # written by static/parent.py, if at all
        # Of models with n-grams.
        "subwords.safetensors",
        "decomposition.json",
    }
)


def write_folder(
    path: Path,
    stored: Stored,
    *,
    force: bool,
    codes: Codes | None = None,
    more: Callable[[Path], None] | None = None,
) -> str:
    """Write the model folder; returns the fingerprint. Raises OutputError, and nothing has changed then.

    codes: written instead of the matrix, which must be what they stand for.
    more: writes further files of the model into the folder it is given.
    """
    with new_folder(path, force=force, may_replace=_why_not_replace) as folder:
        mark = stored.fingerprint or fingerprint(stored.keys, stored.matrix)
        _write_tensors(folder / "model.safetensors", _matrix_tensors(stored.matrix, codes), {"format": "pt"})
        _write_keys(folder / "keys.safetensors", stored)
        if stored.biases is not None:
            _write_tensors(folder / "biases.safetensors", {"biases": [stored.biases]}, {"format": "pt"})
        with (folder / "tokenizer.json").open("w", encoding="utf-8") as out:
            write_word_tokenizer(
                out,
                stored.keys,
                lambda: _scores(stored),
                lowercase=of_corpus(stored.provenance, "lowercase") is True,
            )
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
        if codes is None or codes.method == "float16":
            # Other libraries know no other codes.
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
                "quantisation": None if codes is None else {"method": codes.method},
                "fingerprint": mark,
                "corpus_fingerprint": of_corpus(stored.provenance, "fingerprint"),
                "provenance": dict(stored.provenance),
                "software": {
                    "qianru": version("qianru"),
                    "numpy": np.__version__,
                    "python": platform.python_version(),
                },
            },
        )
    return mark


def _scores(stored: Stored) -> Float64Array:
    scores = np.empty(len(stored.keys), dtype=np.float64)
    stored.keys.lookup.unigram_scores(stored.counts, scores)
    return scores


def read_folder(path: Path, *, verify: bool) -> Stored:
    """Open a model folder mapped: nothing but headers is read.

    verify: read and compare everything. Raises FormatError where the parts do not fit together.
    """
    stored, codes = read_coded_folder(path)
    if codes is not None:
        stored = replace(stored, matrix=codes.decode_all())
        bad = _core.first_row_not_finite(stored.matrix)
        if bad >= 0:
            raise FormatError(
                f"row {bad + 1} stands for NaN or infinity",
                path=str(path / "model.safetensors"),
                hint="the file is damaged: copy the whole folder again",
            )
    if verify:
        if not stored.keys.lookup.is_sound():
            raise FormatError(
                "keys, offsets and table contradict each other", path=str(path / "keys.safetensors")
            )
        if (found := fingerprint(stored.keys, stored.matrix)) != stored.fingerprint:
            raise FormatError(
                f"the fingerprint is {found}, qianru.json says {stored.fingerprint}",
                path=str(path),
                hint="the files were changed or damaged after saving: copy the folder again",
            )
    return stored


def read_coded_folder(path: Path) -> tuple[Stored, Codes | None]:
    """The folder mapped, and the codes if it holds such; the matrix is then empty. Raises FormatError."""
    description = _description(path)
    matrix_path = path / "model.safetensors"
    n_keys, dim = cast(int, description["n_keys"]), cast(int, description["dim"])
    codes = None
    if (quantisation := description.get("quantisation")) is not None:
        method = quantisation.get("method") if isinstance(quantisation, dict) else None
        if method not in METHODS:
            raise FormatError(f"unknown quantisation {quantisation!r}", path=str(path / "qianru.json"))
        codes = _read_codes(matrix_path, method, n_keys, dim)
        matrix = np.empty((0, dim), dtype=np.float32)
    else:
        whole = _tensor(matrix_path, "embeddings", "F32", 2)
        _check_shape(matrix_path, whole, (n_keys + 1, dim), n_keys, dim)
        matrix = cast(Float32Array, whole)[:n_keys]
    keys, counts = _read_keys(path / "keys.safetensors", n_keys)
    provenance = MappingProxyType(cast(dict[str, object], description["provenance"]))
    mark, biases = cast(str, description["fingerprint"]), _read_biases(path / "biases.safetensors", n_keys)
    return Stored(keys, matrix, counts, provenance, mark, biases), codes


def _read_codes(path: Path, method: str, n_keys: int, dim: int) -> Codes:
    if method == "float16":
        values = _tensor(path, "embeddings", "F16", 2)
        _check_shape(path, values, (n_keys + 1, dim), n_keys, dim)
        return Codes(method, dim, {"values": values[:n_keys]})
    scales = _tensor(path, "scales", "F32", 1)
    _check_shape(path, scales, (n_keys,), n_keys, dim)
    if method == "int8":
        codes = _tensor(path, "codes", "I8", 2)
        _check_shape(path, codes, (n_keys, dim), n_keys, dim)
        return Codes(method, dim, {"codes": codes, "scales": scales})
    codes = _tensor(path, "codes", "U8", 2)
    centroids = _tensor(path, "centroids", "F32", 3)
    n_sub, _, sub_dim = centroids.shape
    _check_shape(path, codes, (n_keys, n_sub), n_keys, dim)
    _check_shape(path, centroids, (-(-dim // sub_dim), N_CENTROIDS, sub_dim), n_keys, dim)
    return Codes(method, dim, {"codes": codes, "scales": scales, "centroids": centroids})


def _tensor(path: Path, name: str, dtype: str, n_dimensions: int) -> NDArray[np.generic]:
    tensors = _map(path, {name: (dtype, n_dimensions)})
    if name not in tensors:
        raise FormatError(f"no tensor {name!r}", path=str(path), offset=8)
    return tensors[name]


def _check_shape(
    path: Path, tensor: NDArray[np.generic], expected: tuple[int, ...], n_keys: int, dim: int
) -> None:
    if tensor.shape != expected:
        raise FormatError(
            f"shape {list(tensor.shape)}, not {list(expected)} for n_keys {n_keys}, dim {dim} in qianru.json",
            path=str(path),
            hint="files of two models are mixed: copy the whole folder again",
        )


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
        raise FormatError(
            f'kind must be "static", got {description.get("kind")!r}: it holds no word vectors',
            path=str(file),
            hint="`qianru info` tells what it is",
        )
    for name, kind in (("fingerprint", str), ("provenance", dict), ("n_keys", int), ("dim", int)):
        if not isinstance(description.get(name), kind):
            raise FormatError(f"{name} is missing or not a JSON {kind.__name__}", path=str(file))
    for name in ("n_keys", "dim"):
        number = description[name]
        if type(number) is not int or not 1 <= number < 1 << 32:
            raise FormatError(f"{name} {number} must be a whole number from 1 up", path=str(file))
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


def _read_biases(path: Path, n_keys: int) -> Float32Array | None:
    if not path.is_file():
        return None
    biases = _map(path, {"biases": ("F32", 2)}).get("biases")
    if biases is None or len(biases) != n_keys:
        raise FormatError(
            f"no tensor 'biases' with {n_keys} rows",
            path=str(path),
            hint="files of two models are mixed or damaged: copy the whole folder again",
        )
    return cast(Float32Array, biases)


def _map(path: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, NDArray[np.generic]]:
    try:
        return map_tensors(path, expected)
    except OSError as error:
        raise FormatError(
            f"cannot be opened: {error.strerror or error}", path=str(path), hint="copy the whole folder again"
        ) from None


def _matrix_tensors(matrix: Float32Array, codes: Codes | None) -> dict[str, list[NDArray[np.generic]]]:
    """Tensors by name, each the arrays that follow one another in it."""
    if codes is None or codes.method == "float16":
        values = matrix if codes is None else codes.arrays["values"]
        # The unknown token's row: zero, so that a mean over it keeps its direction.
        return {"embeddings": [values, np.zeros((1, values.shape[1]), dtype=values.dtype)]}
    # The widest type first, so that every tensor lies at a multiple of its item size.
    names = sorted(codes.arrays, key=lambda name: -codes.arrays[name].itemsize)
    return {name: [codes.arrays[name]] for name in names}


def _write_tensors(
    path: Path, tensors: Mapping[str, list[NDArray[np.generic]]], metadata: Mapping[str, str]
) -> None:
    with path.open("wb") as out:
        shapes = {
            name: (parts[0].dtype, (sum(map(len, parts)), *parts[0].shape[1:]))
            for name, parts in tensors.items()
        }
        write_header(out, shapes, metadata)
        for parts in tensors.values():
            for array in parts:
                _write_array(out, array)


def _write_keys(path: Path, stored: Stored) -> None:
    # The widest type first, so that every tensor lies at a multiple of its item size.
    arrays: dict[str, NDArray[np.generic]] = {"offsets": stored.keys.offsets, "table": stored.keys.table}
    if stored.counts is not None:
        arrays["counts"] = stored.counts
    arrays["bytes"] = stored.keys.bytes
    tensors = {name: [array] for name, array in arrays.items()}
    _write_tensors(path, tensors, {"format": "qianru keys", "hash": "fnv1a-64 fmix64"})


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
