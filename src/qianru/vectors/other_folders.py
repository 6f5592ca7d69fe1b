"""Model folders that hold no word vectors: language models, classifiers, translators. What they are, read without torch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from qianru.errors import FormatError
from qianru.vectors.safetensors_file import MAX_FOREIGN_HEADER, map_header, parse_json_object
from qianru.vectors.static_encoder import is_static_folder

_ENCODE = (
    "qianru encode FOLDER TEXT, qianru senses FOLDER WORD CORPUS; in Python qianru.contextual.load_encoder"
)
# By the kind that qianru.json names: what it is, and what opens it.
_KINDS = {
    "bert": ("BERT, a language model that fills gaps", _ENCODE),
    "gpt": ("GPT, a language model that goes on", _ENCODE),
    "elmo": ("ELMo, a language model of words by their characters", _ENCODE),
    "text-classifier": ("text classifier", "qianru classify predict FOLDER TEXT"),
    "translator": ("translator", "qianru translate run FOLDER TEXT"),
}
_MAX_DESCRIPTION = 1 << 28
_LEFT_OUT = ("format", "kind", "software")


@dataclass(frozen=True)
class ModelFolder:
    """A folder of a model that is no table of word vectors.

    Attributes:
        kind: "bert", "gpt", "elmo", "text-classifier" or "translator"; of `read_encoder_folder` also another program's name for it.
        facts: what qianru.json, or ELMo's options.json, tells.
        n_parameters: numbers in the weights; None for ELMo's HDF5, which is not opened here.
        n_bytes: of the weights. opens: the commands that open it.
    """

    kind: str
    description: str
    facts: Mapping[str, object]
    n_parameters: int | None
    n_bytes: int
    opens: str


def read_model_folder(path: Path) -> ModelFolder | None:
    """What the folder is; None if it is no folder or holds word vectors, or what is not known here.

    Raises FormatError for descriptions and headers that cannot be read; the numbers themselves are not looked at.
    """
    if not path.is_dir():
        return None
    kind, facts = _description(path)
    if kind not in _KINDS:
        return None
    description, opens = _KINDS[kind]
    weights = path / "model.safetensors"
    if weights.is_file():
        n_parameters: int | None = _n_parameters(weights)
    else:
        found = sorted(path.glob("*weights*.hdf5")) or sorted(path.glob("*.hdf5"))
        if not found:
            raise FormatError("no weights in it", path=str(path), hint="copy the whole folder again")
        weights, n_parameters = found[0], None
    return ModelFolder(kind, description, facts, n_parameters, weights.stat().st_size, opens)


def is_contextual_folder(path: Path) -> bool:
    """Whether it is the folder of a model that `qianru.contextual.load_encoder` opens, and whose words have no vector of their own."""
    files = ("config.json", "modules.json", "options.json")
    return path.is_dir() and any((path / name).is_file() for name in files) and not is_static_folder(path)


def read_encoder_folder(path: Path) -> ModelFolder | None:
    """What is told by the folder of a model that gives texts vectors, without opening the model: those of `read_model_folder`, and
    those of transformers and sentence-transformers, whose kind is config.json's model_type.

    Among the facts is `config`, what config.json holds, if there is one. None where there is neither qianru.json nor
    config.json. Raises FormatError for what cannot be read.
    """
    ours = read_model_folder(path)
    folder = path
    if ours is None and (path / "modules.json").is_file():
        folder = path / _first_module(path / "modules.json")
    file = folder / "config.json"
    if not file.is_file():
        return ours
    config = _read(file)
    if ours is not None:
        return replace(ours, facts={**ours.facts, "config": config})
    weights = sorted(folder.glob("*.safetensors"))
    return ModelFolder(
        str(config.get("model_type", "")),
        "a model of transformers" if folder == path else "a model of sentence-transformers",
        {"config": config},
        sum(map(_n_parameters, weights)) or None,
        sum(one.stat().st_size for one in weights),
        _ENCODE,
    )


def _first_module(file: Path) -> str:
    """The folder of the first module of sentence-transformers, mostly the folder itself."""
    listed = parse_json_object(b'{"modules":' + file.read_bytes() + b"}", file)["modules"]
    first = listed[0] if isinstance(listed, list) and listed else None
    place = first.get("path", "") if isinstance(first, dict) else None
    root = os.path.realpath(file.parent)
    if not isinstance(place, str) or not (os.path.realpath(file.parent / place) + os.sep).startswith(
        root + os.sep
    ):
        raise FormatError("the first module has no place in the folder", path=str(file))
    return place


def _description(path: Path) -> tuple[str, dict[str, object]]:
    file = path / "qianru.json"
    if file.is_file():
        told = _read(file)
        kind = told.get("kind")
        if isinstance(kind, str) and kind in _KINDS:
            for name in ("fingerprint", "provenance"):
                if not isinstance(told.get(name), str if name == "fingerprint" else dict):
                    raise FormatError(f"{name} is missing or of another type", path=str(file))
        return str(kind), {name: value for name, value in told.items() if name not in _LEFT_OUT}
    file = path / "options.json"
    if file.is_file() and any(path.glob("*.hdf5")):
        told = _read(file)
        if isinstance(told.get("lstm"), dict) and isinstance(told.get("char_cnn"), dict):
            width = cast("dict[str, object]", told["lstm"]).get("projection_dim")
            dim = {"dim": 2 * width} if isinstance(width, int) else {}
            return "elmo", {**dim, "made_by": "the original program", "options": told}
    return "", {}


def _read(file: Path) -> dict[str, object]:
    if file.stat().st_size > _MAX_DESCRIPTION:
        raise FormatError(f"more than {_MAX_DESCRIPTION} bytes", path=str(file))
    return parse_json_object(file.read_bytes(), file)


def _n_parameters(file: Path) -> int:
    """The floating-point numbers that the header tells of. Raises FormatError where the file does not hold them all."""
    mapped, header, begin = map_header(file, max_header=MAX_FOREIGN_HEADER)
    n_data, total = len(mapped) - begin, 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        told = entry if isinstance(entry, dict) else {}
        shape, place = told.get("shape"), told.get("data_offsets")
        if not _naturals(shape) or not _naturals(place) or len(cast("list[int]", place)) != 2:
            raise FormatError(f"tensor {name!r} has no shape or no place", path=str(file))
        if cast("list[int]", place)[1] > n_data:
            raise FormatError(
                f"tensor {name!r} ends behind the file's end: the file is cut",
                path=str(file),
                hint="copy the whole folder again",
            )
        if str(told.get("dtype")).startswith(("F", "BF")):
            n_numbers, (begin_of, end) = math.prod(cast("list[int]", shape)), cast("list[int]", place)
            # No number has less than a bit.
            if n_numbers > 8 * (end - begin_of):
                raise FormatError(f"tensor {name!r} has no room for shape {str(shape)[:80]}", path=str(file))
            total += n_numbers
    return total


def _naturals(value: object) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)
