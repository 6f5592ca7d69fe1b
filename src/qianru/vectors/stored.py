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
    """Keys, matrix float32 [n_keys, dim], counts uint64 [n_keys] or None, provenance, and the fingerprint once known."""

    keys: Keys
    matrix: Float32Array
    counts: UInt64Array | None = None
    provenance: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    fingerprint: str | None = None


def fingerprint(keys: Keys, matrix: Float32Array) -> str:
    """SHA-256, in hexadecimal, over the shape, the keys and the matrix: the identity of a model, on any machine."""
    digest = hashlib.sha256(b"qianru vectors 1\n")
    digest.update(np.array(matrix.shape, dtype="<u8").tobytes())
    digest.update(keys.offsets.astype("<u8", copy=False).data)
    digest.update(keys.bytes.data)
    # Every key of the same size as its bytes has been hashed; -0.0 and 0.0 differ on purpose: the bits are the model.
    digest.update(np.ascontiguousarray(matrix, dtype="<f4").data)
    return digest.hexdigest()
