"""Any encoder as the source of a classifier's features; the classifier's folder names it and finds it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from qianru.arrays import Float32Array
from qianru.contextual.loading import load_encoder
from qianru.contextual.pooling import MODES
from qianru.errors import ArgumentError, FormatError
from qianru.progress import ProgressCallback


class EncoderFeatures:
    """The vectors that an encoder gives texts, float32 [n, dim]; the model stays as it is.

    Args:
        path: a folder, or a file of word vectors, that `load_encoder` opens.
        settings: of `load_encoder`: pooling, normalize, layers, max_tokens, long, overlap, prompt, lowercase.
        device: of torch, where the model computes.

    Attributes:
        n_truncated: texts of the last call that were cut.

    Raises FormatError, ArgumentError.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        settings: Mapping[str, Any] | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        self.path = Path(os.path.abspath(path))
        self.settings = checked_settings(settings or {})
        self._encoder = load_encoder(path, device=device, **self.settings)
        self.n_truncated = 0

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        """The encoder's: over weights, tokenizer and settings."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str], *, progress: ProgressCallback | None = None) -> Float32Array:
        """float32 [n, dim]. Raises ArgumentError, naming the text that cannot be encoded."""
        found = self._encoder.encode(texts, progress=progress)
        self.n_truncated = int(np.count_nonzero(found.n_truncated))
        return found.vectors


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, as JSON holds them, for `load_encoder`. Raises ArgumentError, naming the one that breaks its rule."""
    made: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in _RULES:
            raise ArgumentError(
                f"settings of features must be of {', '.join(_RULES)}, got {name!r}",
                hint="docs/concepts/encoding.md tells what they do",
            )
        if value is None:
            continue
        if not _RULES[name](value):
            raise ArgumentError(f"setting {name} of features breaks its rule: {value!r}"[:200])
        made[name] = value
    if isinstance(made.get("layers"), Mapping):
        made["layers"] = {int(number): float(weight) for number, weight in made["layers"].items()}
    return made


def settings_for_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Checked settings with names alone as keys."""
    layers = settings.get("layers")
    if not isinstance(layers, Mapping):
        return dict(settings)
    return {**settings, "layers": {str(number): weight for number, weight in layers.items()}}


def as_features(model: object, settings: Mapping[str, Any] | None = None, *, device: str = "cpu") -> Any:
    """A model as it is, a path opened. Raises ArgumentError where there are settings for a model that is open already."""
    if isinstance(model, str | os.PathLike):
        return EncoderFeatures(model, settings, device=device)
    if settings:
        raise ArgumentError("features_settings go with the path of a model: one that is open has its own")
    return model


def place_of(features: object, folder: Path) -> dict[str, object] | None:
    """What a classifier's qianru.json says of where its features come from; None where nothing can be said.

    The path is that from the classifier's folder, so that both can be moved together.
    """
    if not isinstance(features, EncoderFeatures):
        return None
    try:
        path = os.path.relpath(features.path, os.path.abspath(folder))
    except ValueError:  # another drive
        path = str(features.path)
    return {"path": Path(path).as_posix(), "settings": settings_for_json(features.settings)}


def reopened(
    place: Mapping[str, object], folder: Path, path: str | os.PathLike[str] | None, *, device: str = "cpu"
) -> EncoderFeatures:
    """The model of a classifier's folder, where that says it is, or at another path, with the settings it was trained with.

    Raises FormatError where it is not there.
    """
    told, settings = place.get("path"), place.get("settings")
    if not isinstance(told, str) or not isinstance(settings, dict):
        raise FormatError("features_from must tell path and settings", path=str(folder / "qianru.json"))
    try:
        checked = checked_settings(cast("dict[str, Any]", settings))
    except ArgumentError as error:
        raise FormatError(error.message, path=str(folder / "qianru.json")) from None
    at = folder / told if path is None else Path(path)
    if path is None and not at.exists():
        raise FormatError(
            f"the model whose features it reads is not at {os.path.normpath(at)}",
            path=str(folder),
            hint="say where it is: --features MODEL, in Python features=",
        )
    return EncoderFeatures(at, checked, device=device)


def _is_layers(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_number(name) and _is_weight(weight) for name, weight in value.items())
    numbers = value if isinstance(value, list | tuple) else [value]
    return all(type(one) is int for one in numbers)


def _is_number(name: object) -> bool:
    return type(name) is int or (isinstance(name, str) and name.removeprefix("-").isdecimal())


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _is_pooling(value: object) -> bool:
    modes = [value] if isinstance(value, str) else value
    return isinstance(modes, list | tuple) and bool(modes) and all(one in MODES for one in modes)


_RULES: dict[str, Callable[[Any], bool]] = {
    "pooling": _is_pooling,
    "normalize": lambda value: isinstance(value, bool),
    "layers": _is_layers,
    "max_tokens": lambda value: type(value) is int,
    "long": lambda value: isinstance(value, str),
    "overlap": lambda value: type(value) is int,
    "prompt": lambda value: isinstance(value, str),
    "lowercase": lambda value: isinstance(value, bool),
}
