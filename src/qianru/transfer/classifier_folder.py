"""What a text classifier's folder holds beside its network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import UInt64Array
from qianru.contextual.encode import ContextualEncoder
from qianru.contextual.loading import load_encoder
from qianru.contextual.saving import save_encoder
from qianru.errors import ArgumentError, FormatError
from qianru.layers.encoders import TextEncoder, make_encoder
from qianru.tokens import Tokenizer
from qianru.transfer.calibration import HIGHEST, LOWEST
from qianru.transfer.encoder_features import checked_settings
from qianru.transfer.folder import (
    ENCODER,
    WEIGHTS,
    Rules,
    check_mark,
    fill,
    map_weights,
    mark_of,
    read_description,
    read_layer,
    tensors_of,
    write_network,
)
from qianru.transfer.network import FeatureNetwork, TextNetwork, TunedNetwork

KIND = "text-classifier"
PREFIX = "text.layer."
# Tensors that lie in the tuned model's own folder, and settings that have no place there.
_ENCODER = ("body.", "dense.")
_NOT_IN_FILES = ("layers", "long", "overlap")
_RULES: Rules = {
    "labels": (
        list,
        lambda v: len(v) >= 2 and all(isinstance(x, str) and x for x in v) and len(set(v)) == len(v),
    ),
    "dim": (int, lambda v: 1 <= v < 1 << 20),
    "encoder": (str, bool),
    "encoder_settings": (dict, lambda v: True),
    "features": ((str, type(None)), lambda v: True),
    "features_from": ((dict, type(None)), lambda v: True),
    "tuned": ((dict, type(None)), lambda v: True),
    "max_tokens": (int, lambda v: v >= 1),
    "temperature": (float, lambda v: LOWEST <= v <= HIGHEST),
    "seed": (int, lambda v: v >= 0),
    "fingerprint": (str, bool),
    "provenance": (dict, lambda v: True),
}


@dataclass(frozen=True)
class Saved:
    """What a classifier knows beside its network. features: fingerprint of the model whose features it reads, "" if
    that has none; None for one that reads tokens. features_from: what `place_of` told of that model. tuned: settings of the contextual model that was trained, None where there is none.
    seen: hashes of the training texts, sorted."""

    labels: tuple[str, ...]
    encoder: str
    encoder_settings: dict[str, Any]
    max_tokens: int
    seen: UInt64Array
    temperature: float = 1.0
    seed: int = 1
    features: str | None = None
    features_from: dict[str, object] | None = None
    tuned: dict[str, Any] | None = None
    provenance: dict[str, object] = field(default_factory=dict)


def write_classifier(path: Path, network: Any, saved: Saved, *, force: bool) -> None:
    """Write the folder whole or not at all. Raises OutputError."""
    layer = network.text.layer if isinstance(network, TextNetwork) else None
    told = {
        "labels": list(saved.labels),
        "dim": network.head.in_features if layer is None else layer.dim,
        "encoder": saved.encoder,
        "encoder_settings": saved.encoder_settings,
        "features": saved.features,
        "features_from": saved.features_from,
        "tuned": saved.tuned,
        "max_tokens": saved.max_tokens,
        "temperature": saved.temperature,
        "seed": saved.seed,
        "fingerprint": _mark(network, saved),
        "provenance": saved.provenance,
    }
    tokenizer = None if layer is None else layer.tokenizer
    made = {name: one for name, one in _tensors(network, saved).items() if not name.startswith(_ENCODER)}

    def others(folder: Path) -> None:
        if isinstance(network, TunedNetwork):
            (folder / ENCODER).mkdir()
            save_encoder(network.encoder, folder / ENCODER)

    write_network(path, KIND, made, tokenizer, told, force=force, others=others)


def read_classifier(
    path: Path, device: str = "cpu"
) -> tuple[TextNetwork | FeatureNetwork | TunedNetwork, Saved]:
    """The network, on that device, and what goes with it. Raises FormatError, naming the file and what is wrong."""
    told = read_description(path, KIND, "qianru classify train", _RULES)
    labels, dim = cast("list[str]", told["labels"]), cast(int, told["dim"])
    features = cast("str | None", told.get("features"))
    encoder, settings = cast(str, told["encoder"]), cast("dict[str, Any]", told["encoder_settings"])
    tuned = cast("dict[str, Any] | None", told.get("tuned"))
    network: Any
    if tuned is not None:
        network = TunedNetwork(_read_encoder(path, tuned, device), len(labels))
        if network.head.in_features != dim:
            raise FormatError(f"dim must be {network.head.in_features}, got {dim}", path=str(path / ENCODER))
    elif features is not None:
        network = FeatureNetwork(dim, len(labels))
    else:
        try:
            made = make_encoder(encoder, dim, **settings)
        except ArgumentError as error:
            raise FormatError(error.message, path=str(path / "qianru.json")) from None
        network = TextNetwork(TextEncoder(read_layer(path, dim), made), len(labels), dropout=0.0)
    fill(network, (PREFIX, *_ENCODER), path)
    seen = map_weights(path / WEIGHTS, {"seen": ("U64", 1)}).get("seen", np.empty(0, np.uint64))
    saved = Saved(
        tuple(labels),
        encoder,
        settings,
        cast(int, told["max_tokens"]),
        cast(UInt64Array, seen),
        cast(float, told["temperature"]),
        cast(int, told["seed"]),
        features,
        cast("dict[str, object] | None", told.get("features_from")),
        tuned,
        cast("dict[str, object]", told["provenance"]),
    )
    check_mark(_mark(network, saved), told["fingerprint"], path)
    return network.to(device), saved


def _read_encoder(path: Path, settings: dict[str, Any], device: str) -> ContextualEncoder:
    """The tuned model, with what no file of its own has a place for."""
    try:
        checked = checked_settings(settings)
        kept = {name: checked[name] for name in _NOT_IN_FILES if name in checked}
        found = load_encoder(path / ENCODER, backend="transformers", device=device, **kept)
    except ArgumentError as error:
        raise FormatError(error.message, path=str(path / "qianru.json")) from None
    if not isinstance(found, ContextualEncoder):
        raise FormatError("must be a model of transformers", path=str(path / ENCODER))
    return found


def _tensors(network: Any, saved: Saved) -> dict[str, NDArray[np.generic]]:
    layer = network.text.layer if isinstance(network, TextNetwork) else None
    made = tensors_of(network, layer, PREFIX)
    if len(saved.seen):
        made["seen"] = saved.seen
    return made


def _mark(network: Any, saved: Saved) -> str:
    told = [
        saved.labels,
        saved.encoder,
        saved.encoder_settings,
        saved.max_tokens,
        saved.temperature,
        saved.features,
        # Classifiers of before have no such entry.
        *([saved.tuned] if saved.tuned is not None else []),
    ]
    tokenizer = network.text.layer.tokenizer if isinstance(network, TextNetwork) else None
    if isinstance(network, TunedNetwork):
        tokenizer = cast(Tokenizer, network.encoder.tokenizer)
    return mark_of(told, tokenizer, _tensors(network, saved))
