"""Rules of the arguments of `Vectors`, each checked before any work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

import numpy as np

from qianru.arrays import Float32Array, UInt64Array
from qianru.errors import ArgumentError


def checked_k(k: int) -> int:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ArgumentError(f"k must be a whole number of at least 1, got {k!r}")
    return int(k)


def check_seed(seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ArgumentError(f"seed must be a whole number from 0 to 2**64 - 1, got {seed!r}")


def check_matrix(matrix: Float32Array) -> None:
    if not isinstance(matrix, np.ndarray):
        raise ArgumentError(
            f"matrix must be a numpy array, got {type(matrix).__name__}", hint="np.asarray(matrix)"
        )
    if matrix.dtype != np.float32 or not matrix.flags.c_contiguous:
        raise ArgumentError(
            f"matrix must be float32 and C-contiguous, got {matrix.dtype}",
            hint="np.ascontiguousarray(matrix, dtype=np.float32)",
        )
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ArgumentError(f"matrix must have shape [n, dim], both at least 1, got {list(matrix.shape)}")


def checked_counts(counts: Sequence[int] | UInt64Array | None, n_keys: int) -> UInt64Array | None:
    if counts is None:
        return None
    given = np.asarray(counts)
    if (
        given.shape != (n_keys,)
        or given.dtype.kind not in "iu"
        or (given.dtype.kind == "i" and given.min() < 0)
    ):
        raise ArgumentError(
            f"counts must be {n_keys} whole numbers from 0 up, got {list(given.shape)} {given.dtype}"
        )
    made = given.astype(np.uint64)
    made.flags.writeable = False
    return made


def checked_provenance(provenance: Mapping[str, object] | None) -> Mapping[str, object]:
    """A copy, as it would come back from the file."""
    try:
        copied = json.loads(json.dumps(dict(provenance or {}), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"provenance must be a mapping that JSON can hold: {error}") from None
    return MappingProxyType(cast(dict[str, object], copied))
