"""Vectors in a quarter of their memory or less, searched as they are, and what that costs in quality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from qianru.arrays import Float32Array, Float64Array, Int64Array, UInt64Array
from qianru.errors import ArgumentError, FormatError
from qianru.vectors.algebra import Neighbour, Searcher, unit_rows
from qianru.vectors.checks import check_seed, checked_k
from qianru.vectors.codes import Codes, encode
from qianru.vectors.correlation import spearman
from qianru.vectors.folder import read_coded_folder, write_folder
from qianru.vectors.keys import Keys
from qianru.vectors.stored import Stored, with_step
from qianru.vectors.vectors import Vectors

_BLOCK = 16384
_K_LOSS = 10


class QuantisedVectors:
    """Words and their rows in codes (`Codes`); never changed once made. `quantise` and `load` make them."""

    def __init__(
        self, keys: Keys, codes: Codes, counts: UInt64Array | None, provenance: dict[str, object]
    ) -> None:
        self._keys = keys
        self._codes = codes
        self._counts = counts
        self._provenance = provenance

    @classmethod
    def load(cls, path: str | Path) -> QuantisedVectors:
        """Open a model folder that `save` wrote; its codes are mapped. Raises FormatError."""
        stored, codes = read_coded_folder(Path(path))
        if codes is None:
            raise FormatError(
                "its vectors are not quantised", path=str(path), hint="open it with Vectors.load"
            )
        return cls(stored.keys, codes, stored.counts, dict(stored.provenance))

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write a model folder; `Vectors.load` opens it too, and decodes it then. Raises OutputError."""
        stored = Stored(self._keys, self._codes.decode_all(), self._counts, self._provenance)
        write_folder(Path(path), stored, force=force, codes=self._codes)

    @property
    def keys(self) -> Sequence[str]:
        """The words in row order."""
        return self._keys

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._codes.dim

    @property
    def method(self) -> str:
        """ "float16", "int8" or "pq"."""
        return self._codes.method

    @property
    def n_bytes(self) -> int:
        """Bytes of the codes, keys not counted."""
        return self._codes.n_bytes

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, word: object) -> bool:
        return word in self._keys

    def __getitem__(self, word: str) -> Float32Array:
        """The decoded vector [dim]. Raises UnknownWordError."""
        row: Float32Array = self._codes.decode(np.array([self._keys.row(word)]))[0]
        return row

    def __repr__(self) -> str:
        return f"QuantisedVectors(n={len(self)}, dim={self.dim}, method={self.method!r})"

    def to_vectors(self) -> Vectors:
        """All of them decoded to float32."""
        return Vectors(self._keys, self._codes.decode_all(), counts=self._counts, provenance=self._provenance)

    @overload
    def similar(self, query: str, k: int = ...) -> list[Neighbour]: ...  # type: ignore[overload-overlap]
    @overload
    def similar(self, query: Sequence[str], k: int = ...) -> list[list[Neighbour]]: ...
    def similar(self, query: str | Sequence[str], k: int = 10) -> list[Neighbour] | list[list[Neighbour]]:
        """The k nearest words by cosine, as `Vectors.similar`; rows are decoded block by block on the way."""
        k = checked_k(k)
        single = isinstance(query, str)
        own = self._keys.rows([query] if isinstance(query, str) else query)
        rows, scores = self._nearest(unit_rows(self._codes.decode(own)), own, k)
        answers = [
            [Neighbour(self._keys[row], score) for row, score in zip(one, two, strict=True) if row >= 0]
            for one, two in zip(rows.tolist(), scores.tolist(), strict=True)
        ]
        return answers[0] if single else answers

    def _nearest(self, queries: Float32Array, own: Int64Array, k: int) -> tuple[Int64Array, Float32Array]:
        """Rows and cosines [m, k] for unit queries [m, dim], each without its own row."""
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for begin in range(0, len(self), _BLOCK):
            block = self._codes.decode(slice(begin, begin + _BLOCK))
            exclude = np.where((own >= begin) & (own < begin + len(block)), own - begin, -1).reshape(-1, 1)
            found, cosines = Searcher(block).nearest(queries, k, exclude=exclude)
            cosines = np.where(found >= 0, cosines, -np.inf)
            found = np.where(found >= 0, found + begin, -1)
            all_rows, all_scores = np.hstack([rows, found]), np.hstack([scores, cosines])
            # Equal scores stay in row order: earlier blocks stand to the left, and the sort is stable.
            best = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
            rows, scores = np.take_along_axis(all_rows, best, 1), np.take_along_axis(all_scores, best, 1)
        return rows, scores.clip(-1, 1)


def quantise(
    vectors: Vectors, method: str = "int8", *, n_sub: int | None = None, seed: int = 1
) -> QuantisedVectors:
    """The vectors in fewer bytes: "float16" half, "int8" a quarter, "pq" n_sub bytes and a scale for each row.

    n_sub: for "pq", by default one byte for two numbers. Raises ArgumentError.
    """
    check_seed(seed)
    codes = encode(vectors.to_numpy(), method, n_sub=n_sub, seed=seed)
    step: dict[str, object] = {"step": "quantise", "method": method, "from_fingerprint": vectors.fingerprint}
    if method == "pq":
        step.update(n_sub=codes.arrays["codes"].shape[1], seed=seed)
    provenance = with_step(vectors.provenance, step)
    keys = vectors.keys
    packed = keys if isinstance(keys, Keys) else Keys.from_words(keys)
    return QuantisedVectors(packed, codes, vectors.counts, provenance)


@dataclass(frozen=True)
class QuantisationLoss:
    """overlap: share of the ten nearest words that stay, mean over the queries. cosine: of a row to its decoded form, mean.

    spearman, spearman_before: rank correlation with given scores over n_pairs known pairs, or None.
    """

    n_queries: int
    overlap: float
    cosine: float
    n_bytes: int
    n_bytes_before: int
    n_pairs: int = 0
    spearman: float | None = None
    spearman_before: float | None = None


def quantisation_loss(
    vectors: Vectors,
    quantised: QuantisedVectors,
    *,
    n_queries: int = 1000,
    pairs: Iterable[tuple[str, str, float]] = (),
    seed: int = 1,
) -> QuantisationLoss:
    """Compare the quantised vectors with what they were made from: neighbours of random words, and scored pairs.

    pairs: (word, word, score), of which those with an unknown word are left out. Raises ArgumentError where the two
    do not have the same words.
    """
    check_seed(seed)
    if isinstance(n_queries, bool) or not isinstance(n_queries, int) or n_queries < 1:
        raise ArgumentError(f"n_queries must be a whole number of at least 1, got {n_queries!r}")
    if vectors.keys != quantised.keys:
        raise ArgumentError("vectors and quantised must have the same words")
    after = quantised.to_vectors()
    rows = np.random.default_rng(seed).permutation(len(vectors))[:n_queries]
    own = rows.astype(np.int64).reshape(-1, 1)
    near = []
    for matrix in (vectors.to_numpy(), after.to_numpy()):
        found, _ = Searcher(matrix).nearest(matrix[rows], _K_LOSS, exclude=own)
        near.append(found)
    kept = [
        len(np.intersect1d(a[a >= 0], b)) / int((a >= 0).sum()) if (a >= 0).any() else 1.0
        for a, b in zip(*near, strict=True)
    ]
    units = unit_rows(vectors.to_numpy()[rows]), unit_rows(after.to_numpy()[rows])
    cosines = np.einsum("ij,ij->i", *units)
    cosines[~units[0].any(axis=1) & ~units[1].any(axis=1)] = 1  # zero before and after: nothing was lost
    known = [(a, b, score) for a, b, score in pairs if a in vectors and b in vectors]
    gold = np.array([score for *_, score in known], dtype=np.float64)
    return QuantisationLoss(
        n_queries=len(rows),
        overlap=float(np.mean(kept)),
        cosine=float(cosines.mean()),
        n_bytes=quantised.n_bytes,
        n_bytes_before=vectors.to_numpy().nbytes,
        n_pairs=len(known),
        spearman=_spearman(_cosines(after, known), gold) if len(known) > 1 else None,
        spearman_before=_spearman(_cosines(vectors, known), gold) if len(known) > 1 else None,
    )


def _cosines(vectors: Vectors, pairs: Sequence[tuple[str, str, float]]) -> Float64Array:
    return np.array([vectors.similarity(a, b) for a, b, _ in pairs], dtype=np.float64)


def _spearman(a: Float64Array, b: Float64Array) -> float | None:
    """Rank correlation, ties at their mean rank; None where one side is all equal."""
    found = spearman(a, b)
    return None if np.isnan(found) else found
