"""Nearest words and analogies: rows become unit queries, and core/search scans every row for each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, Int64Array, UInt32Array
from qianru.errors import ArgumentError


class Neighbour(NamedTuple):
    """A word and its score, higher is nearer."""

    word: str
    score: float


class Searcher:
    """Exact search over one matrix float32 [n, dim]; row lengths are taken once, at the first search."""

    def __init__(self, matrix: Float32Array) -> None:
        self._matrix = matrix
        self._inverse_norms: Float32Array | None = None

    @property
    def inverse_norms(self) -> Float32Array:
        """1 / length of each row [n], 0 for a zero row."""
        if self._inverse_norms is None:
            norms = np.empty(len(self._matrix), dtype=np.float32)
            _core.inverse_norms(self._matrix, norms)
            self._inverse_norms = norms
        return self._inverse_norms

    def unit(self, rows: Int64Array) -> Float32Array:
        """The rows [m, dim] scaled to length 1; a zero row stays zero."""
        units: Float32Array = self._matrix[rows] * self.inverse_norms[rows, None]
        return units

    def nearest(
        self, queries: Float32Array, k: int, *, exclude: Int64Array, among: UInt32Array | None = None
    ) -> tuple[Int64Array, Float32Array]:
        """Rows int64 and cosines float32, both [m, k], for queries [m, dim]; row -1 where none is left."""
        return self._scan(unit_rows(queries), len(queries), k, exclude=exclude, among=among)

    def analogies(
        self, triples: Int64Array, k: int, *, method: str, among: UInt32Array | None = None
    ) -> tuple[Int64Array, Float32Array]:
        """Rows and scores [m, k]: "a is to b as c is to ?" for triples [m, 3], those three left out.

        "add": cosine to b - a + c, all of length 1 (3CosAdd; Mikolov, Yih & Zweig 2013). "mul": the product
        of the cosines to b and c over the one to a, all moved to 0 … 1 (3CosMul; Levy & Goldberg 2014).
        """
        if method not in ("add", "mul"):
            raise ArgumentError(f'method must be "add" or "mul", got {method!r}')
        if method == "mul":
            return self._triples(triples, k, exclude=triples, among=among, cos_mul=True)
        units = self.unit(triples.reshape(-1)).reshape(len(triples), 3, -1)
        targets = units[:, 1] - units[:, 0] + units[:, 2]
        return self.nearest(targets, k, exclude=triples, among=among)

    def questions(self, triples: Int64Array, k: int, *, method: str) -> tuple[Int64Array, Float32Array]:
        """Like `analogies`, for many questions about few words, whose cosines to all rows are taken once.

        The three words are among the candidates. Scores of "add" are cosines times |b - a + c|. They may differ from
        those of `analogies` by rounding.
        """
        return self._triples(triples, k, exclude=triples[:, :0], among=None, cos_mul=method == "mul")

    def _triples(
        self, triples: Int64Array, k: int, *, exclude: Int64Array, among: UInt32Array | None, cos_mul: bool
    ) -> tuple[Int64Array, Float32Array]:
        words, places = np.unique(triples, return_inverse=True)
        places = places.reshape(triples.shape)
        units = self.unit(words)
        return self._scan(
            units, len(triples), k, exclude=exclude, among=among, triples=places, cos_mul=cos_mul
        )

    def _scan(
        self,
        queries: Float32Array,
        n_results: int,
        k: int,
        *,
        exclude: Int64Array,
        among: UInt32Array | None,
        triples: Int64Array | None = None,
        cos_mul: bool = False,
    ) -> tuple[Int64Array, Float32Array]:
        k = min(k, len(self._matrix))
        rows = np.empty((n_results, k), dtype=np.int64)
        scores = np.empty((n_results, k), dtype=np.float32)
        _core.scan(
            self._matrix,
            self.inverse_norms,
            np.ascontiguousarray(queries, dtype=np.float32),
            cos_mul=cos_mul,
            triples=None if triples is None else np.ascontiguousarray(triples, dtype=np.uint32),
            among=among,
            exclude=np.ascontiguousarray(exclude),
            rows=rows,
            scores=scores,
        )
        return rows, scores


def unit_rows(matrix: Float32Array) -> Float32Array:
    """The matrix [m, dim] with rows of length 1; zero rows stay zero. Lengths are taken in float64."""
    wide = matrix.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    units: Float32Array = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0).astype(
        np.float32
    )
    return units


def cosine(a: Float32Array, b: Float32Array) -> float:
    """The cosine of two vectors [dim], in float64, within -1 … 1; 0 if either is zero."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.clip(x @ y / lengths, -1, 1)) if lengths > 0 else 0.0


def odd_row(units: Float32Array) -> int:
    """Which of the unit rows [m, dim] is on average the least similar to the others; the first of equals."""
    wide = units.astype(np.float64)
    similarities = wide @ wide.T
    np.fill_diagonal(similarities, 0)
    return int(np.argmin(similarities.sum(axis=1)))
