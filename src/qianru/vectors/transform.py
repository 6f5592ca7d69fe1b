"""The same words with better or smaller vectors: common directions removed, principal components.

Both are one affine map of all vectors. That of a mean is the mean of the maps, so a model with n-grams keeps them: its rows
are mapped. Words of the vocabulary among whose n-grams some have no row are mapped as they are; of other
words such n-grams count as zeros before and after, which is not quite the same map. The rows that predicted context words are gone.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from qianru.arrays import Float32Array, Float64Array
from qianru.errors import ArgumentError
from qianru.vectors.subwords import SubwordVectors
from qianru.vectors.vectors import Vectors

AnyVectors = TypeVar("AnyVectors", Vectors, SubwordVectors)

_BLOCK = 65536


def remove_components(vectors: AnyVectors, n_components: int | None = None) -> AnyVectors:
    """Subtract the mean and the projections on the first n_components principal directions.

    These are much the same for all words and follow their frequency (Mu & Viswanath, "All-but-the-top", ICLR
    2018, algorithm 1). n_components: by default dim / 100, at least 1, as they advise; 0 takes the mean alone
    away. Raises ArgumentError unless it is 0 … dim - 1.
    """
    dim = vectors.dim
    n = max(1, dim // 100) if n_components is None else n_components
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < dim:
        raise ArgumentError(f"n_components must be 0 to dim - 1 = {dim - 1}, got {n_components!r}")
    mean, values, directions = principal(_matrix(vectors))
    top = directions[:, :n]
    rest = np.eye(dim) - top @ top.T
    step = {"step": "remove components", "n_components": n, "variance_removed": _share(values, n)}
    return _projected(vectors, mean, rest, step)


def reduce_dim(vectors: AnyVectors, dim: int) -> AnyVectors:
    """The first `dim` principal components of the centred vectors: PCA, which keeps the most variance there is.

    The share kept stands in the provenance. Raises ArgumentError unless dim is 1 to that of the vectors.
    """
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= vectors.dim:
        raise ArgumentError(f"dim must be 1 to {vectors.dim}, got {dim!r}")
    mean, values, directions = principal(_matrix(vectors))
    step = {"step": "principal components", "dim": dim, "variance_kept": _share(values, dim)}
    return _projected(vectors, mean, directions[:, :dim], step)


def principal(matrix: Float32Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Mean [dim], variances [dim] falling, and directions [dim, dim], one a column, of the rows of [n, dim].

    In float64, by the eigenvectors of the covariance; the largest number of a direction is positive, so that
    the same matrix gives the same directions everywhere.
    """
    n, dim = matrix.shape
    mean = np.zeros(dim)
    for begin in range(0, n, _BLOCK):
        mean += matrix[begin : begin + _BLOCK].sum(axis=0, dtype=np.float64)
    mean /= n
    covariance = np.zeros((dim, dim))
    for begin in range(0, n, _BLOCK):
        block = matrix[begin : begin + _BLOCK] - mean
        covariance += block.T @ block
    values, directions = np.linalg.eigh(covariance / n)
    values, directions = values[::-1].clip(0), directions[:, ::-1]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(dim)]
    return mean, values, directions * np.where(largest < 0, -1, 1)


def _share(values: Float64Array, n: int) -> float:
    total = float(values.sum())
    return float(values[:n].sum()) / total if total > 0 else 0.0


def _matrix(vectors: Vectors | SubwordVectors) -> Float32Array:
    return (vectors if isinstance(vectors, Vectors) else vectors.vectors).to_numpy()


def _projected(
    vectors: AnyVectors, mean: Float64Array, projection: Float64Array, step: dict[str, object]
) -> AnyVectors:
    """(row - mean) @ projection for each row, in blocks."""

    def projected(matrix: Float32Array) -> Float32Array:
        out = np.empty((len(matrix), projection.shape[1]), dtype=np.float32)
        for begin in range(0, len(matrix), _BLOCK):
            out[begin : begin + _BLOCK] = (matrix[begin : begin + _BLOCK] - mean) @ projection
        return out

    if isinstance(vectors, Vectors):
        return vectors.with_matrix(projected(vectors.to_numpy()), step)
    made = vectors.with_rows(projected(vectors.word_rows), projected(vectors.ngram_rows), step)
    # The mean of mapped rows is the mapped vector, but for words among whose n-grams some have no row: those count as zero
    # here and there, and zero is not mapped to zero. These words keep their vectors by rows of their own.
    wanted, matrix = projected(vectors.vectors.to_numpy()), made.vectors.to_numpy().copy()
    apart = np.abs(wanted - matrix).max(axis=1) > 1e-4 * np.abs(wanted).max()
    if not apart.any():
        return made
    matrix[apart] = wanted[apart]
    words = Vectors(made.vectors.keys, matrix, counts=made.vectors.counts, provenance=made.provenance)
    return made.with_words(words)
