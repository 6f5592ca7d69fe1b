"""A trained network as a folder: model.safetensors, tokenizer.json, tokenizer_config.json and qianru.json, nothing pickled.

The embedding layer is one matrix `embeddings`; all other weights have their names in the network.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray

from qianru.arrays import Float32Array
from qianru.errors import ArgumentError, FormatError
from qianru.layers.embedding import EmbeddingLayer
from qianru.output import new_folder
from qianru.tokens import Tokenizer
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header

FORMAT_VERSION = 1
WEIGHTS = "model.safetensors"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
# A contextual model that was trained with the network, as a folder of its own.
ENCODER = "encoder"
_FILES = (WEIGHTS, "qianru.json", *_TOKENIZER, ENCODER)
_MAX_DESCRIPTION = 1 << 28

Tensors: TypeAlias = Mapping[str, NDArray[np.generic]]
Rules: TypeAlias = Mapping[str, tuple[type | tuple[type, ...], Callable[[Any], bool]]]


def write_network(
    path: Path,
    kind: str,
    tensors: Tensors,
    tokenizer: Tokenizer | None,
    told: Mapping[str, object],
    *,
    force: bool,
    others: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Write the folder whole or not at all. told: what else qianru.json says; others: writes more into it. Raises OutputError."""
    with new_folder(path, force=force, may_replace=lambda folder: _why_not_replace(folder, kind)) as folder:
        with (folder / WEIGHTS).open("wb") as out:
            # The widest type first, so that every tensor lies at a multiple of its item size.
            names = sorted(tensors, key=lambda name: -tensors[name].itemsize)
            shapes = {name: (tensors[name].dtype, tensors[name].shape) for name in names}
            write_header(out, shapes, {"format": "pt"})
            for name in names:
                out.write(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
        if tokenizer is not None:
            tokenizer.save(folder / "tokenizer")
            for name in _TOKENIZER:
                (folder / "tokenizer" / name).rename(folder / name)
            (folder / "tokenizer").rmdir()
        others(folder)
        description = {
            "format": "qianru model folder",
            "format_version": FORMAT_VERSION,
            "kind": kind,
            **told,
            "software": {
                "qianru": version("qianru"),
                "torch": str(torch.__version__),
                "python": platform.python_version(),
            },
        }
        text = json.dumps(description, ensure_ascii=False, indent=2)
        (folder / "qianru.json").write_text(text + "\n", encoding="utf-8")


def read_description(path: Path, kind: str, maker: str, rules: Rules) -> dict[str, object]:
    """qianru.json with its kind, version and fields checked. Raises FormatError."""
    file = path / "qianru.json"
    hint = f"name a folder of `{maker}`"
    if not file.is_file():
        raise FormatError("no qianru.json in it", path=str(path), hint=hint)
    if file.stat().st_size > _MAX_DESCRIPTION:
        raise FormatError(f"more than {_MAX_DESCRIPTION} bytes", path=str(file))
    told = parse_json_object(file.read_bytes(), file)
    if told.get("kind") != kind:
        raise FormatError(f"kind must be {kind!r}, got {told.get('kind')!r}", path=str(file), hint=hint)
    if told.get("format_version") != FORMAT_VERSION:
        raise FormatError(
            f"format version {told.get('format_version')!r} is none this program knows ({FORMAT_VERSION})",
            path=str(file),
            hint="pip install --upgrade qianru",
        )
    for name, (types, rule) in rules.items():
        value = told.get(name)
        if isinstance(value, bool) or not isinstance(value, types) or not rule(value):
            raise FormatError(f"{name} is missing or breaks its rule: {value!r}"[:200], path=str(file))
    return told


def read_layer(path: Path, dim: int) -> EmbeddingLayer:
    """The embedding layer of the folder, frozen. Raises FormatError."""
    weights = path / WEIGHTS
    tokenizer = Tokenizer.load(path / "tokenizer.json")
    rows = map_weights(weights, {"embeddings": ("F32", 2)}).get("embeddings")
    n_tokens = tokenizer.n_tokens
    if rows is None or rows.shape not in ((n_tokens, dim), (n_tokens + 1, dim)):
        got = "none" if rows is None else list(rows.shape)
        raise FormatError(
            f"embeddings must be [{n_tokens}, {dim}] for this tokenizer, got {got}", path=str(weights)
        )
    try:
        return EmbeddingLayer(tokenizer, dim=dim, matrix=cast(Float32Array, rows[:n_tokens]), modes="frozen")
    except ArgumentError as error:
        raise FormatError(f"embeddings: {error.message}", path=str(weights)) from None


def tensors_of(network: Any, layer: EmbeddingLayer | None, prefix: str) -> dict[str, NDArray[np.generic]]:
    """The weights of a network by name. prefix: of the layer's own tensors, for which its matrix stands."""
    made: dict[str, NDArray[np.generic]] = {}
    if layer is not None:
        made["embeddings"] = layer.weight.detach().cpu().float().numpy()
    for name, value in _others(network, prefix).items():
        made[name] = value.detach().cpu().float().numpy()
    return made


def n_numbers(network: Any, layer: EmbeddingLayer | None, prefix: str) -> int:
    """Numbers in a network; the rows of the layer once, in however many parts they are trained."""
    n = 0 if layer is None else layer.vocab_size * layer.dim
    return n + sum(int(one.numel()) for one in _others(network, prefix).values() if one.is_floating_point())


def fill(network: Any, prefix: str | tuple[str, ...], path: Path) -> None:
    """Put the folder's weights into the network; the layer has its own already. Raises FormatError, naming the tensor."""
    others = _others(network, prefix)
    found = map_weights(path / WEIGHTS, {name: ("F32", value.ndim) for name, value in others.items()})
    for name, value in others.items():
        if name not in found or found[name].shape != tuple(value.shape):
            got = "none" if name not in found else list(found[name].shape)
            raise FormatError(
                f"tensor {name!r} must be {list(value.shape)}, got {got}", path=str(path / WEIGHTS)
            )
        if not np.isfinite(cast(Float32Array, found[name])).all():
            raise FormatError(f"tensor {name!r} holds NaN or infinity", path=str(path / WEIGHTS))
        with torch.no_grad():
            value.copy_(torch.from_numpy(found[name].copy()))


def map_weights(path: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, NDArray[np.generic]]:
    """The expected tensors (dtype, dimensions) that the file holds. Raises FormatError."""
    try:
        return map_tensors(path, expected)
    except OSError as error:
        raise FormatError(
            f"cannot be opened: {error.strerror or error}", path=str(path), hint="copy the whole folder again"
        ) from None


def mark_of(told: object, tokenizer: Tokenizer | None, tensors: Tensors) -> str:
    """SHA-256 over all that an answer of the network hangs on; told: what JSON can hold."""
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    if tokenizer is not None:
        digest.update(tokenizer.fingerprint.encode())
    for name in sorted(tensors):
        digest.update(f"{name}\0{tensors[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def check_mark(mark: str, told: object, path: Path) -> None:
    """Raises FormatError where the parts of a folder do not belong together."""
    if mark != told:
        raise FormatError(
            "the tensors are not those that qianru.json tells of",
            path=str(path),
            hint="files of two models are mixed or damaged: copy the whole folder again",
        )


def _others(network: Any, prefix: str | tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in network.state_dict().items() if not name.startswith(prefix)}


def _why_not_replace(folder: Path, kind: str) -> str:
    try:
        found = parse_json_object((folder / "qianru.json").read_bytes(), folder).get("kind")
    except (OSError, FormatError):
        found = None
    if found != kind:
        return f"it is not a folder of a {kind.replace('-', ' ')}"
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _FILES)
    return f"it holds files of yours: {', '.join(others[:3])}" if others else ""
