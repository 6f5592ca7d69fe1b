"""Files of ELMo: options.json beside an .hdf5 of the original program, or beside a model.safetensors of ours.

The tensors have the same names in both (Peters et al. 2018, and the bilm-tf program): `char_embed`, `CNN/W_cnn_0`,
`CNN_high_0/W_carry`, `CNN_proj/W_proj`, `RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0`, …; RNN_0 reads forward, RNN_1 backward.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from qianru.arrays import Float32Array
from qianru.errors import FormatError, QianruError
from qianru.output import new_file
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header

_MAX_OPTIONS = 1 << 20
# A number above these is a forged file: the largest ELMo published has 4,096 cells.
_MOST = 1 << 20
_MOST_LAYERS = 64
_MAX_CLIP = 1e30  # within a float32


@dataclass(frozen=True, kw_only=True)
class ElmoOptions:
    """The sizes of an ELMo model, by the names of options.json.

    filters: (width, number) of each convolution. dim: cells of an LSTM layer in one direction; projection_dim: what
    comes out of it. cell_clip, proj_clip: cells and outputs are cut off at this; None: not at all.
    """

    character_dim: int
    filters: tuple[tuple[int, int], ...]
    n_highway: int
    dim: int
    projection_dim: int
    n_layers: int
    max_characters: int = 50
    activation: str = "relu"
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0
    skip_connections: bool = True

    @property
    def n_filters(self) -> int:
        """All filters together: what the convolutions give for a word."""
        return sum(number for _, number in self.filters)

    def as_json(self) -> dict[str, object]:
        """What stands in options.json."""
        return {
            "lstm": {
                "use_skip_connections": self.skip_connections,
                "projection_dim": self.projection_dim,
                "cell_clip": self.cell_clip,
                "proj_clip": self.proj_clip,
                "dim": self.dim,
                "n_layers": self.n_layers,
            },
            "char_cnn": {
                "activation": self.activation,
                "filters": [list(entry) for entry in self.filters],
                "n_highway": self.n_highway,
                "embedding": {"dim": self.character_dim},
                "n_characters": 262,
                "max_characters_per_token": self.max_characters,
            },
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by its name."""
        n_filters, width = self.n_filters, self.projection_dim
        found: dict[str, tuple[int, ...]] = {"char_embed": (261, self.character_dim)}
        for i, (size, number) in enumerate(self.filters):
            found[f"CNN/W_cnn_{i}"] = (1, size, self.character_dim, number)
            found[f"CNN/b_cnn_{i}"] = (number,)
        for i in range(self.n_highway):
            for gate in ("carry", "transform"):
                found[f"CNN_high_{i}/W_{gate}"] = (n_filters, n_filters)
                found[f"CNN_high_{i}/b_{gate}"] = (n_filters,)
        found |= {"CNN_proj/W_proj": (n_filters, width), "CNN_proj/b_proj": (width,)}
        for direction in range(2):
            for layer in range(self.n_layers):
                cell = lstm_name(direction, layer)
                found[f"{cell}/W_0"] = (2 * width, 4 * self.dim)
                found[f"{cell}/B"] = (4 * self.dim,)
                found[f"{cell}/W_P_0"] = (self.dim, width)
        return found


def lstm_name(direction: int, layer: int) -> str:
    """What the names of an LSTM layer begin with; direction 0 is forward."""
    return f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"


def read_options(path: Path) -> ElmoOptions:
    """Read options.json. Raises FormatError, naming the entry."""
    try:
        if path.stat().st_size > _MAX_OPTIONS:
            raise FormatError(f"more than {_MAX_OPTIONS} bytes", path=str(path))
        value = parse_json_object(path.read_bytes(), path)
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror}", path=str(path)) from None
    lstm, cnn = _object(value, "lstm", path), _object(value, "char_cnn", path)
    filters = cnn.get("filters")
    if not isinstance(filters, list) or not 0 < len(filters) <= _MOST_LAYERS:
        raise FormatError("char_cnn.filters must be a list of [width, number]", path=str(path))
    longest = _count(cnn, "max_characters_per_token", path, 3, 1 << 12)
    pairs = []
    for entry in filters:
        if not (isinstance(entry, list) and len(entry) == 2 and all(_is_count(n, 1, _MOST) for n in entry)):
            raise FormatError(f"char_cnn.filters holds {entry!r}, not [width, number]", path=str(path))
        if entry[0] > longest:
            raise FormatError(
                f"a filter of width {entry[0]} for words of {longest} characters", path=str(path)
            )
        pairs.append((entry[0], entry[1]))
    activation = cnn.get("activation", "relu")
    if activation not in ("relu", "tanh"):
        raise FormatError(f"char_cnn.activation must be relu or tanh, got {activation!r}", path=str(path))
    if cnn.get("n_characters", 262) not in (261, 262):
        raise FormatError(f"char_cnn.n_characters must be 262, got {cnn['n_characters']!r}", path=str(path))
    return ElmoOptions(
        character_dim=_count(_object(cnn, "embedding", path), "dim", path, 1, _MOST),
        filters=tuple(pairs),
        n_highway=_count(cnn, "n_highway", path, 0, _MOST_LAYERS) if "n_highway" in cnn else 0,
        dim=_count(lstm, "dim", path, 1, _MOST),
        projection_dim=_count(lstm, "projection_dim", path, 1, _MOST),
        n_layers=_count(lstm, "n_layers", path, 1, _MOST_LAYERS),
        max_characters=longest,
        activation=activation,
        cell_clip=_clip(lstm, "cell_clip", path),
        proj_clip=_clip(lstm, "proj_clip", path),
        skip_connections=lstm.get("use_skip_connections") is True,
    )


def write_options(path: Path, options: ElmoOptions) -> None:
    """Write options.json. Raises OutputError."""
    with new_file(path, force=True) as beside:
        beside.write_text(json.dumps(options.as_json(), indent=2) + "\n", encoding="utf-8")


def read_hdf5(path: Path, options: ElmoOptions) -> dict[str, Float32Array]:
    """The tensors of an .hdf5 by name, float32. Raises FormatError where the file and options.json disagree."""
    h5py = load_h5py()
    made: dict[str, Float32Array] = {}
    try:
        with h5py.File(path, "r") as file:
            for name, shape in options.shapes().items():
                dataset = _dataset(h5py, file, name, path)
                _check_shape(name, dataset.shape, shape, path)
                made[name] = np.ascontiguousarray(dataset[()], dtype=np.float32)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"not a readable HDF5 file: {error}", path=str(path)) from None
    _check_finite(made, path)
    return made


def write_hdf5(path: Path, weights: Mapping[str, Float32Array], *, force: bool = False) -> None:
    """Write the tensors as the original program does. Raises OutputError."""
    h5py = load_h5py()
    with new_file(path, force=force) as beside, h5py.File(beside, "w") as file:
        for name, array in weights.items():
            file.create_dataset(name, data=np.asarray(array, dtype=np.float32))


def read_safetensors(path: Path, options: ElmoOptions) -> dict[str, Float32Array]:
    """As `read_hdf5`, from a file of ours."""
    shapes = options.shapes()
    try:
        found = map_tensors(path, {name: ("F32", len(shape)) for name, shape in shapes.items()})
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    for name, shape in shapes.items():
        if name not in found:
            raise FormatError(f"no tensor {name!r}", path=str(path))
        _check_shape(name, found[name].shape, shape, path)
    made = {name: cast(Float32Array, found[name]) for name in shapes}
    _check_finite(made, path)
    return made


def write_safetensors(path: Path, weights: Mapping[str, Float32Array]) -> None:
    """Write tensors, float32, in the order given."""
    with path.open("wb") as out:
        shapes = {name: (np.dtype("<f4"), array.shape) for name, array in weights.items()}
        write_header(out, shapes, {"format": "pt"})
        for array in weights.values():
            out.write(np.ascontiguousarray(array, dtype="<f4").reshape(-1).view(np.uint8).data)


def read_weights(folder: Path) -> tuple[ElmoOptions, dict[str, Float32Array]]:
    """Options and tensors of a folder. Raises FormatError where it holds no ELMo model, or more than one .hdf5."""
    options = read_options(folder / "options.json")
    if (folder / "model.safetensors").is_file():
        return options, read_safetensors(folder / "model.safetensors", options)
    found = sorted(folder.glob("*weights*.hdf5")) or sorted(folder.glob("*.hdf5"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:4]) or "none"
        raise FormatError(
            f"one .hdf5 with weights was expected beside options.json, found {names}",
            path=str(folder),
            hint="name the weights *weights*.hdf5, or leave the other files out",
        )
    return options, read_hdf5(found[0], options)


def load_h5py() -> Any:
    """The package h5py. Raises QianruError if it is not there."""
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise QianruError(
            f"this needs the package h5py: {error}", hint="pip install 'qianru[elmo]'"
        ) from None


def settings_of(options: ElmoOptions) -> dict[str, object]:
    """The options under the names of `ElmoOptions`, for qianru.json."""
    return {**asdict(options), "filters": [list(entry) for entry in options.filters]}


def _dataset(h5py: Any, file: Any, name: str, path: Path) -> Any:
    """The dataset, reached through nothing but the file itself: links may lead to other files of the reader's."""
    at: Any = file
    for part in name.split("/"):
        link = at.get(part, getlink=True) if isinstance(at, h5py.Group) else None
        if link is None:
            raise FormatError(f"no tensor {name!r}", path=str(path), hint="options.json is of another model")
        if not isinstance(link, h5py.HardLink):
            raise FormatError(f"tensor {name!r} is a link to elsewhere", path=str(path))
        at = at[part]
    if not isinstance(at, h5py.Dataset) or at.dtype.kind != "f" or at.external or at.is_virtual:
        raise FormatError(f"tensor {name!r} must be an array of floats in the file itself", path=str(path))
    return at


def _check_shape(name: str, found: tuple[int, ...], expected: tuple[int, ...], path: Path) -> None:
    if tuple(found) != expected:
        raise FormatError(
            f"tensor {name!r} has shape {list(found)}, options.json asks for {list(expected)}",
            path=str(path),
            hint="options.json and weights are of two models",
        )


def _check_finite(weights: Mapping[str, Float32Array], path: Path) -> None:
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise FormatError(f"tensor {name!r} holds NaN or infinity", path=str(path))


def _object(value: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise FormatError(f"{name} is missing or not a JSON object", path=str(path))
    return found


def _is_count(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _count(value: Mapping[str, Any], name: str, path: Path, least: int, most: int) -> int:
    found = value.get(name)
    if not _is_count(found, least, most):
        raise FormatError(
            f"{name} must be a whole number from {least} to {most}, got {found!r}", path=str(path)
        )
    return cast(int, found)


def _clip(value: Mapping[str, Any], name: str, path: Path) -> float | None:
    found = value.get(name)
    if found is None or found == 0:
        return None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not (0 < found <= _MAX_CLIP):
        raise FormatError(
            f"{name} must be a number above 0 and up to {_MAX_CLIP:g}, got {found!r}", path=str(path)
        )
    return float(found)
