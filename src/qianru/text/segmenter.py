"""A segmenter of Chinese: the dictionary's cut of Han runs corrected by weights trained on text that is cut already.

The tags and their features are those of core/text/segmenter.h; docs/math/segmenter.md has the objective and the source.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from qianru import _core
from qianru.arrays import Int16Array, Int32Array, UInt64Array
from qianru.errors import ArgumentError, CorpusError, FormatError
from qianru.output import new_file
from qianru.text.user_words import file_name

_FORMAT = 1  # another one if the features or their hash change: the keys of old files would mean nothing
_TENSORS = {"keys": ("U64", 1), "weights": ("I16", 2), "transitions": ("I32", 2)}


class Segmenter:
    """Cuts Han runs as the text it was trained on is cut. Made by `train_segmenter`; `Corpus(segmenter=…)` uses it.

    Attributes:
        provenance: how it was trained, and its F1 on lines that were held out.
        n_features: those that have weights.
        fingerprint: SHA-256 of the weights, 64 hexadecimal digits.
    """

    def __init__(
        self,
        keys: UInt64Array,
        weights: Int16Array,
        transitions: Int32Array,
        provenance: Mapping[str, object],
    ) -> None:
        self._tensors: dict[str, UInt64Array | Int16Array | Int32Array] = {
            "keys": keys,
            "weights": weights,
            "transitions": transitions,
        }
        self._core = _core.Segmenter(keys, weights, transitions)
        self.provenance = dict(provenance)
        self.n_features = len(keys)
        self.fingerprint = hashlib.sha256(
            b"".join(array.tobytes() for array in self._tensors.values())
        ).hexdigest()

    def __repr__(self) -> str:
        return f"Segmenter({self.n_features:,} features)"

    def cut(self, runs: str, words: list[str]) -> list[str]:
        """The words of Han runs that are joined by line feeds, which come back as words of their own.

        words: the dictionary's words of the same text, line feeds too.

        Raises:
            ArgumentError: the words do not cover the runs one by one, or something is no text.
        """
        try:
            return self._core.cut(runs, words)
        except (RuntimeError, TypeError, UnicodeEncodeError) as error:
            if not isinstance(error, RuntimeError) or str(error) == "std::bad_cast":
                raise ArgumentError(
                    "runs must be a str and words a list of str, without lone surrogates",
                    hint="HanCutter.by_dictionary gives both.",
                ) from None
            raise ArgumentError(f"words: {error}", hint="Give all words of the text, in its order.") from None

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write one safetensors file: keys uint64 [n], weights int16 [n, 4], transitions int32 [4, 4], and as metadata
        what `provenance` holds. force: replace what stands there.

        Raises:
            OutputError: something stands there, or it cannot be written.
        """
        # One entry of metadata: the order of more would not be the same each time.
        about = json.dumps({"format": _FORMAT, "provenance": self.provenance}, ensure_ascii=False)
        with new_file(Path(path), force=force) as temporary:
            save_file(self._tensors, temporary, metadata={"qianru_segmenter": about})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Segmenter:
        """Read what `save` wrote.

        Raises:
            CorpusError: the file cannot be read.
            FormatError: it is no segmenter, or a damaged one.
        """
        name = os.fspath(path)
        try:
            with open(name, "rb"), safe_open(name, framework="numpy") as file:
                provenance = _provenance((file.metadata() or {}).get("qianru_segmenter"), name)
                tensors = {}
                for key, (dtype, n_dimensions) in _TENSORS.items():
                    if key not in file.keys():  # noqa: SIM118  (not a mapping)
                        raise FormatError(f"no tensor {key!r}", path=name)
                    place = file.get_slice(key)
                    if place.get_dtype() != dtype or len(place.get_shape()) != n_dimensions:
                        raise FormatError(
                            f"tensor {key!r} is {place.get_dtype()} {place.get_shape()}, not {dtype} "
                            f"of {n_dimensions} dimensions",
                            path=name,
                        )
                    tensors[key] = np.ascontiguousarray(file.get_tensor(key))
        except OSError as error:
            raise CorpusError(
                f"segmenter: cannot read {name}: {error.strerror or error}", hint="Check the path."
            ) from None
        except SafetensorError as error:
            raise FormatError(f"not a segmenter: {error}", path=name, hint=_HINT) from None
        keys, weights, transitions = tensors["keys"], tensors["weights"], tensors["transitions"]
        if weights.shape != (len(keys), 4) or transitions.shape != (4, 4):
            raise FormatError(
                f"{len(keys)} keys, weights {weights.shape}, transitions {transitions.shape}: they do not belong together",
                path=name,
            )
        if len(keys) and (keys[0] == 0 or not np.all(keys[1:] > keys[:-1])):
            raise FormatError("the keys are not sorted, or one comes twice or is 0", path=name)
        return cls(keys, weights, transitions, provenance)


_HINT = "`qianru train segmenter` writes one."


def _provenance(about: str | None, name: str) -> dict[str, object]:
    if about is None:
        raise FormatError("not a segmenter: no entry qianru_segmenter in its metadata", path=name, hint=_HINT)
    try:
        told = json.loads(about)
        version, provenance = told["format"], told["provenance"]
    except (ValueError, RecursionError, KeyError, TypeError):
        version, provenance = None, None
    if version != _FORMAT:
        raise FormatError(
            f"a segmenter of format {version!r}, not {_FORMAT}",
            path=name,
            hint="Train it anew with this qianru.",
        )
    if not isinstance(provenance, dict):
        raise FormatError("the provenance is not a JSON object", path=name)
    return provenance


def read_segmenter(segmenter: Segmenter | str | os.PathLike[str] | None) -> Segmenter | None:
    """The segmenter itself, or the one at a path. Raises as `Segmenter.load`; ArgumentError for anything else."""
    if isinstance(segmenter, (str, os.PathLike)):
        return Segmenter.load(segmenter)
    if segmenter is None or isinstance(segmenter, Segmenter):
        return segmenter
    raise ArgumentError(
        f"segmenter must be a Segmenter or the path of one, not {type(segmenter).__name__}", hint=_HINT
    )


def describe_segmenter(given: object, segmenter: Segmenter | None) -> dict[str, object] | None:
    """What a model remembers of its segmenter: the file's name and the fingerprint. None without one."""
    if segmenter is None:
        return None
    return {"file": file_name(given), "sha256": segmenter.fingerprint}
