"""What a set of vectors consists of, wherever it came from: the parts that readers make and writers take."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from qianru.arrays import Float32Array, UInt64Array
from qianru.vectors.keys import Keys


@dataclass(frozen=True)
class Stored:
    """Keys, matrix float32 [n_keys, dim], counts uint64 [n_keys] or None, provenance, biases.

    The fingerprint, which is over keys and matrix alone, is None until it has been taken. biases: float32
    [n_keys, m], what a model keeps of each word beside its vector, or None.
    """

    keys: Keys
    matrix: Float32Array
    counts: UInt64Array | None = None
    provenance: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    fingerprint: str | None = None
    biases: Float32Array | None = None


def fingerprint(keys: Keys, matrix: Float32Array) -> str:
    """SHA-256 over shape, keys and matrix, in hexadecimal: the identity of a model."""
    digest = hashlib.sha256(b"qianru vectors 1\n")
    digest.update(np.array(matrix.shape, dtype="<u8").tobytes())
    digest.update(keys.offsets.astype("<u8", copy=False).data)
    digest.update(keys.bytes.data)
    # The bits are hashed, so -0.0 and 0.0 differ.
    digest.update(np.ascontiguousarray(matrix, dtype="<f4").data)
    return digest.hexdigest()


def with_step(provenance: Mapping[str, object], step: Mapping[str, object]) -> dict[str, object]:
    """The provenance after one more step."""
    steps = provenance.get("steps")
    return {**provenance, "steps": [*(steps if isinstance(steps, list) else []), dict(step)]}


def of_corpus(provenance: Mapping[str, object], name: str) -> object:
    """What the provenance says of the text that a model was trained on, None if nothing."""
    corpus = provenance.get("corpus")
    return corpus.get(name) if isinstance(corpus, Mapping) else None
