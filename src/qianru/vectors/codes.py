"""Matrices in fewer bytes, and back: half precision, int8 with a scale a row, product quantisation.

Product quantisation (Jégou, Douze & Schmid 2011): a row, scaled to length 1, is cut into n_sub parts; each part is
named by the nearest of 256 centroids, one byte, which k-means finds for that part. A scale for each row, the
least-squares one, brings its length back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Float32Array, Int64Array, UInt8Array
from qianru.errors import ArgumentError

METHODS = ("float16", "int8", "pq")
N_CENTROIDS = 256
_TRAINING_ROWS = 65536
_ITERATIONS = 20
_BLOCK = 8192


@dataclass(frozen=True)
class Codes:
    """n rows of `dim` numbers. arrays, by method:

    "float16": values float16 [n, dim]. "int8": codes int8 [n, dim], scales float32 [n]; a number is code times
    scale. "pq": codes uint8 [n, n_sub], scales float32 [n], centroids float32 [n_sub, 256, sub_dim], where
    n_sub * sub_dim may exceed dim by columns that do not count.
    """

    method: str
    dim: int
    arrays: Mapping[str, NDArray[np.generic]]

    def __len__(self) -> int:
        return len(self.arrays["values" if self.method == "float16" else "codes"])

    @property
    def n_bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())

    def decode(self, rows: slice | Int64Array) -> Float32Array:
        """float32 [m, dim]: what the codes of those rows stand for; beyond float32's range infinity."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._decode(rows)

    def _decode(self, rows: slice | Int64Array) -> Float32Array:
        if self.method == "float16":
            return cast(Float32Array, self.arrays["values"][rows].astype(np.float32))
        codes = self.arrays["codes"][rows]
        scales = cast(Float32Array, self.arrays["scales"])[rows, None]
        if self.method == "int8":
            return cast(Float32Array, codes.astype(np.float32) * scales)
        centroids = cast(Float32Array, self.arrays["centroids"])
        parts = [centroids[m][codes[:, m]] for m in range(codes.shape[1])]
        return cast(Float32Array, np.hstack(parts)[:, : self.dim] * scales)

    def decode_all(self) -> Float32Array:
        """float32 [n, dim], in blocks, so that no second matrix is needed on the way."""
        out = np.empty((len(self), self.dim), dtype=np.float32)
        for begin in range(0, len(self), _BLOCK):
            out[begin : begin + _BLOCK] = self.decode(slice(begin, begin + _BLOCK))
        return out


def encode(matrix: Float32Array, method: str, *, n_sub: int | None = None, seed: int = 1) -> Codes:
    """The matrix [n, dim] in codes. n_sub: bytes a row for "pq", by default one for every two numbers.

    Raises ArgumentError for an unknown method, n_sub out of 1 … dim, or numbers too large for half precision.
    """
    if method not in METHODS:
        raise ArgumentError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    dim = matrix.shape[1]
    if n_sub is not None and (method != "pq" or not 1 <= n_sub <= dim):
        raise ArgumentError(f'n_sub must be 1 to dim {dim}, and goes with method "pq", got {n_sub!r}')
    if method == "float16":
        return Codes(method, dim, {"values": _halves(matrix)})
    if method == "int8":
        return Codes(method, dim, _bytes(matrix))
    return Codes(method, dim, _products(matrix, n_sub or (dim + 1) // 2, np.random.default_rng(seed)))


def _halves(matrix: Float32Array) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        values = matrix.astype(np.float16)
    if not np.isfinite(values).all():
        raise ArgumentError(
            f"float16 holds numbers up to 65504, the largest here is {np.abs(matrix).max():.6g}",
            hint="normalise the vectors first, or choose int8",
        )
    return values


def _bytes(matrix: Float32Array) -> dict[str, NDArray[np.generic]]:
    scales = (np.abs(matrix).max(axis=1) / np.float32(127)).astype(np.float32)
    codes = np.empty(matrix.shape, dtype=np.int8)
    # A row so small that its scale is zero stays zero.
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales > np.finfo(np.float32).tiny)
    for begin in range(0, len(matrix), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        codes[block] = np.rint(matrix[block] * inverse[block, None]).clip(-127, 127)
    return {"codes": codes, "scales": scales}


def _products(matrix: Float32Array, n_sub: int, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
    n, dim = matrix.shape
    sub_dim = -(-dim // n_sub)
    n_sub = -(-dim // sub_dim)
    # In float64: the squares of small and of large numbers are beyond float32.
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > np.finfo(np.float32).tiny)
    inverse = inverse.astype(np.float32)
    rows = np.sort(rng.permutation(n)[:_TRAINING_ROWS])
    codes = np.empty((n, n_sub), dtype=np.uint8)
    centroids = np.zeros((n_sub, N_CENTROIDS, sub_dim), dtype=np.float32)
    for part in range(n_sub):
        columns = slice(part * sub_dim, min((part + 1) * sub_dim, dim))
        width = columns.stop - columns.start
        sample = matrix[rows, columns] * inverse[rows, None]
        centroids[part, :, :width] = _k_means(sample, rng)
        for begin in range(0, n, _BLOCK):
            block = slice(begin, begin + _BLOCK)
            points = matrix[block, columns] * inverse[block, None]
            codes[block, part] = _nearest(points, centroids[part, :, :width])
    made = Codes("pq", dim, {"codes": codes, "scales": np.ones(n, np.float32), "centroids": centroids})
    scales = np.empty(n, dtype=np.float32)
    for begin in range(0, n, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        coded = made.decode(block)
        along = np.einsum("ij,ij->i", matrix[block], coded, dtype=np.float64)
        square = np.einsum("ij,ij->i", coded, coded, dtype=np.float64)
        scales[block] = np.divide(along, square, out=np.zeros_like(along), where=square > 0)
    return {**made.arrays, "scales": scales}


def _k_means(points: Float32Array, rng: np.random.Generator) -> Float32Array:
    """[256, width]: Lloyd's iterations from random points; an empty cluster takes a new random point.

    Of fewer than 256 points some stand twice.
    """
    n = len(points)
    centroids = (
        points[rng.permutation(n)[:N_CENTROIDS]] if n >= N_CENTROIDS else points[np.arange(N_CENTROIDS) % n]
    )
    if n <= N_CENTROIDS:
        return centroids.astype(np.float32)
    for _ in range(_ITERATIONS):
        found = np.concatenate([_nearest(points[i : i + _BLOCK], centroids) for i in range(0, n, _BLOCK)])
        sizes = np.bincount(found, minlength=N_CENTROIDS)
        sums = np.stack(
            [np.bincount(found, weights=column, minlength=N_CENTROIDS) for column in points.T], axis=1
        )
        moved = np.where(
            sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], points[rng.integers(0, n, N_CENTROIDS)]
        ).astype(np.float32)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def _nearest(points: Float32Array, centroids: Float32Array) -> UInt8Array:
    """The nearest centroid of each point, by squared distance without the points' own squares."""
    distances = points @ (-2 * centroids.T)
    distances += np.einsum("ij,ij->i", centroids, centroids)
    found: UInt8Array = distances.argmin(axis=1).astype(np.uint8)
    return found
