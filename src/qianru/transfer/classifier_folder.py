"""What a text classifier's folder holds beside its network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import UInt64Array
from qianru.errors import ArgumentError, FormatError
from qianru.layers.encoders import TextEncoder, make_encoder
from qianru.transfer.calibration import HIGHEST, LOWEST
from qianru.transfer.folder import (
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
from qianru.transfer.network import FeatureNetwork, TextNetwork

KIND = "text-classifier"
_PREFIX = "text.layer."
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
    "max_tokens": (int, lambda v: v >= 1),
    "temperature": (float, lambda v: LOWEST <= v <= HIGHEST),
    "seed": (int, lambda v: v >= 0),
    "fingerprint": (str, bool),
    "provenance": (dict, lambda v: True),
}


@dataclass(frozen=True)
class Saved:
    """What a classifier knows beside its network. features: fingerprint of the model whose features it reads, "" if
    that has none; None for one that reads tokens. features_from: what `place_of` told of that model. seen: hashes of the training texts, sorted."""

    labels: tuple[str, ...]
    encoder: str
    encoder_settings: dict[str, Any]
    max_tokens: int
    seen: UInt64Array
    temperature: float = 1.0
    seed: int = 1
    features: str | None = None
    features_from: dict[str, object] | None = None
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
        "max_tokens": saved.max_tokens,
        "temperature": saved.temperature,
        "seed": saved.seed,
        "fingerprint": _mark(network, saved),
        "provenance": saved.provenance,
    }
    tokenizer = None if layer is None else layer.tokenizer
    write_network(path, KIND, _tensors(network, saved), tokenizer, told, force=force)


def read_classifier(path: Path) -> tuple[TextNetwork | FeatureNetwork, Saved]:
    """The network and what goes with it. Raises FormatError, naming the file and what is wrong."""
    told = read_description(path, KIND, "qianru classify train", _RULES)
    labels, dim = cast("list[str]", told["labels"]), cast(int, told["dim"])
    features = cast("str | None", told["features"])
    encoder, settings = cast(str, told["encoder"]), cast("dict[str, Any]", told["encoder_settings"])
    network: Any
    if features is not None:
        network = FeatureNetwork(dim, len(labels))
    else:
        try:
            made = make_encoder(encoder, dim, **settings)
        except ArgumentError as error:
            raise FormatError(error.message, path=str(path / "qianru.json")) from None
        network = TextNetwork(TextEncoder(read_layer(path, dim), made), len(labels), dropout=0.0)
    fill(network, _PREFIX, path)
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
        cast("dict[str, object]", told["provenance"]),
    )
    check_mark(_mark(network, saved), told["fingerprint"], path)
    return network, saved


def _tensors(network: Any, saved: Saved) -> dict[str, NDArray[np.generic]]:
    layer = network.text.layer if isinstance(network, TextNetwork) else None
    made = tensors_of(network, layer, _PREFIX)
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
    ]
    tokenizer = network.text.layer.tokenizer if isinstance(network, TextNetwork) else None
    return mark_of(told, tokenizer, _tensors(network, saved))
