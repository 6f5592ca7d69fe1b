"""A text classifier on disk: model.safetensors, tokenizer.json, tokenizer_config.json and qianru.json, nothing pickled."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from qianru.arrays import Float32Array, UInt64Array
from qianru.errors import ArgumentError, FormatError
from qianru.layers.embedding import EmbeddingLayer
from qianru.layers.encoders import TextEncoder, make_encoder
from qianru.output import new_folder
from qianru.tokens import Tokenizer
from qianru.transfer.calibration import HIGHEST, LOWEST
from qianru.transfer.network import FeatureNetwork, TextNetwork
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header

KIND = "text-classifier"
FORMAT_VERSION = 1
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
_FILES = ("model.safetensors", "qianru.json", *_TOKENIZER)
_MAX_DESCRIPTION = 1 << 28


@dataclass(frozen=True)
class Saved:
    """What a classifier knows beside its network. features: fingerprint of the model whose features it reads, "" if
    that has none; None for one that reads tokens. seen: hashes of the training texts, sorted."""

    labels: tuple[str, ...]
    encoder: str
    encoder_settings: dict[str, Any]
    max_tokens: int
    seen: UInt64Array
    temperature: float = 1.0
    seed: int = 1
    features: str | None = None
    provenance: dict[str, object] = field(default_factory=dict)


def write_classifier(path: Path, network: Any, saved: Saved, *, force: bool) -> None:
    """Write the folder whole or not at all. Raises OutputError."""
    tensors = _tensors(network, saved)
    with new_folder(path, force=force, may_replace=_why_not_replace) as folder:
        with (folder / "model.safetensors").open("wb") as out:
            # The widest type first, so that every tensor lies at a multiple of its item size.
            names = sorted(tensors, key=lambda name: -tensors[name].itemsize)
            shapes = {name: (tensors[name].dtype, tensors[name].shape) for name in names}
            write_header(out, shapes, {"format": "pt"})
            for name in names:
                out.write(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
        dim = network.head.in_features
        if isinstance(network, TextNetwork):
            network.text.layer.tokenizer.save(folder / "tokenizer")
            for name in _TOKENIZER:
                (folder / "tokenizer" / name).rename(folder / name)
            (folder / "tokenizer").rmdir()
            dim = network.text.layer.dim
        description = {
            "format": "qianru model folder",
            "format_version": FORMAT_VERSION,
            "kind": KIND,
            "labels": list(saved.labels),
            "dim": dim,
            "encoder": saved.encoder,
            "encoder_settings": saved.encoder_settings,
            "features": saved.features,
            "max_tokens": saved.max_tokens,
            "temperature": saved.temperature,
            "seed": saved.seed,
            "fingerprint": _fingerprint(network, saved),
            "provenance": saved.provenance,
            "software": {
                "qianru": version("qianru"),
                "torch": str(torch.__version__),
                "python": platform.python_version(),
            },
        }
        text = json.dumps(description, ensure_ascii=False, indent=2)
        (folder / "qianru.json").write_text(text + "\n", encoding="utf-8")


def read_classifier(path: Path) -> tuple[TextNetwork | FeatureNetwork, Saved]:
    """The network and what goes with it. Raises FormatError, naming the file and what is wrong."""
    told = _description(path)
    labels, dim = cast("list[str]", told["labels"]), cast(int, told["dim"])
    features = cast("str | None", told["features"])
    encoder, settings = cast(str, told["encoder"]), cast("dict[str, Any]", told["encoder_settings"])
    weights = path / "model.safetensors"
    network: Any
    if features is not None:
        network, layer = FeatureNetwork(dim, len(labels)), None
    else:
        tokenizer = Tokenizer.load(path / "tokenizer.json")
        try:
            made = make_encoder(encoder, dim, **settings)
        except ArgumentError as error:
            raise FormatError(error.message, path=str(path / "qianru.json")) from None
        rows = _map(weights, {"embeddings": ("F32", 2)}).get("embeddings")
        n_tokens = tokenizer.n_tokens
        if rows is None or rows.shape not in ((n_tokens, dim), (n_tokens + 1, dim)):
            got = "none" if rows is None else list(rows.shape)
            raise FormatError(
                f"embeddings must be [{n_tokens}, {dim}] for this tokenizer, got {got}", path=str(weights)
            )
        try:
            layer = EmbeddingLayer(
                tokenizer, dim=dim, matrix=cast(Float32Array, rows[:n_tokens]), modes="frozen"
            )
        except ArgumentError as error:
            raise FormatError(f"embeddings: {error.message}", path=str(weights)) from None
        network = TextNetwork(TextEncoder(layer, made), len(labels), dropout=0.0)
    _fill(network, weights)
    seen = _map(weights, {"seen": ("U64", 1)}).get("seen", np.empty(0, np.uint64))
    saved = Saved(
        tuple(labels),
        encoder,
        settings,
        cast(int, told["max_tokens"]),
        cast(UInt64Array, seen),
        cast(float, told["temperature"]),
        cast(int, told["seed"]),
        features,
        cast("dict[str, object]", told["provenance"]),
    )
    if _fingerprint(network, saved) != told["fingerprint"]:
        raise FormatError(
            "the tensors are not those that qianru.json tells of",
            path=str(path),
            hint="files of two models are mixed or damaged: copy the whole folder again",
        )
    return network, saved


def _tensors(network: Any, saved: Saved) -> dict[str, NDArray[np.generic]]:
    """What goes into model.safetensors: the layer as one matrix, all other weights by their names, the texts' hashes."""
    made: dict[str, NDArray[np.generic]] = {}
    if isinstance(network, TextNetwork):
        made["embeddings"] = network.text.layer.weight.detach().cpu().float().numpy()
    for name, value in _others(network).items():
        made[name] = value.detach().cpu().float().numpy()
    if len(saved.seen):
        made["seen"] = saved.seen
    return made


def _others(network: Any) -> dict[str, Any]:
    return {name: value for name, value in network.state_dict().items() if not name.startswith("text.layer.")}


def _fill(network: Any, path: Path) -> None:
    others = _others(network)
    found = _map(path, {name: ("F32", value.ndim) for name, value in others.items()})
    for name, value in others.items():
        if name not in found or found[name].shape != tuple(value.shape):
            got = "none" if name not in found else list(found[name].shape)
            raise FormatError(f"tensor {name!r} must be {list(value.shape)}, got {got}", path=str(path))
        if not np.isfinite(cast(Float32Array, found[name])).all():
            raise FormatError(f"tensor {name!r} holds NaN or infinity", path=str(path))
        with torch.no_grad():
            value.copy_(torch.from_numpy(found[name].copy()))


def _map(path: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, NDArray[np.generic]]:
    try:
        return map_tensors(path, expected)
    except OSError as error:
        raise FormatError(
            f"cannot be opened: {error.strerror or error}", path=str(path), hint="copy the whole folder again"
        ) from None


def _fingerprint(network: Any, saved: Saved) -> str:
    """SHA-256 over all that a prediction hangs on."""
    told = [
        saved.labels,
        saved.encoder,
        saved.encoder_settings,
        saved.max_tokens,
        saved.temperature,
        saved.features,
    ]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    if isinstance(network, TextNetwork):
        digest.update(network.text.layer.tokenizer.fingerprint.encode())
    tensors = _tensors(network, saved)
    for name in sorted(tensors):
        digest.update(f"{name}\0{tensors[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _description(path: Path) -> dict[str, object]:
    """qianru.json, its version and types checked."""
    file = path / "qianru.json"
    if not file.is_file():
        raise FormatError(
            "no qianru.json in it", path=str(path), hint="name a folder of `qianru classify train`"
        )
    if file.stat().st_size > _MAX_DESCRIPTION:
        raise FormatError(f"more than {_MAX_DESCRIPTION} bytes", path=str(file))
    told = parse_json_object(file.read_bytes(), file)
    if told.get("kind") != KIND:
        raise FormatError(
            f"kind must be {KIND!r}, got {told.get('kind')!r}",
            path=str(file),
            hint="name a folder of `qianru classify train`",
        )
    if told.get("format_version") != FORMAT_VERSION:
        raise FormatError(
            f"format version {told.get('format_version')!r} is none this program knows ({FORMAT_VERSION})",
            path=str(file),
            hint="pip install --upgrade qianru",
        )
    told.setdefault("features", None)
    rules: dict[str, tuple[type | tuple[type, ...], Any]] = {
        "labels": (
            list,
            lambda v: len(v) >= 2 and all(isinstance(x, str) and x for x in v) and len(set(v)) == len(v),
        ),
        "dim": (int, lambda v: 1 <= v < 1 << 20),
        "encoder": (str, bool),
        "encoder_settings": (dict, lambda v: all(isinstance(key, str) for key in v)),
        "features": ((str, type(None)), lambda v: True),
        "max_tokens": (int, lambda v: v >= 1),
        "temperature": (float, lambda v: LOWEST <= v <= HIGHEST),
        "seed": (int, lambda v: v >= 0),
        "fingerprint": (str, bool),
        "provenance": (dict, lambda v: True),
    }
    for name, (kind, rule) in rules.items():
        value = told.get(name)
        if isinstance(value, bool) or not isinstance(value, kind) or not rule(value):
            raise FormatError(f"{name} is missing or breaks its rule: {value!r}"[:200], path=str(file))
    return told


def _why_not_replace(folder: Path) -> str:
    try:
        kind = parse_json_object((folder / "qianru.json").read_bytes(), folder).get("kind")
    except (OSError, FormatError):
        kind = None
    if kind != KIND:
        return "it is not a folder of a text classifier"
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _FILES)
    return f"it holds files of yours: {', '.join(others[:3])}" if others else ""
