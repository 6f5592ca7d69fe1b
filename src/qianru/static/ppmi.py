"""PPMI with truncated SVD: counts to vectors by linear algebra, no training steps.

Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word Embeddings";
the singular vectors by Halko, Martinsson & Tropp 2011, "Finding Structure with Randomness", algorithms 4.4 and
5.1. docs/math/ppmi.md has the formulas.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from qianru.arrays import Float32Array
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.static.cooccurrence import (
    Cooccurrence,
    Weighting,
    check_counting,
    corpus_facts,
    count_cooccurrences,
    refuse_empty,
)
from qianru.static.encode_corpus import encode_corpus
from qianru.static.settings import at_least, available_threads, within
from qianru.static.sparse import SparseMatrix
from qianru.text import DEFAULT_MEMORY, Corpus, EncodedCorpus
from qianru.vectors import Vectors

_OVERSAMPLE = 16
_POWER_STEPS = 3
_ENTRIES = 1 << 22  # of the matrix worked on at a time, about 100 MB of float64


@dataclass(frozen=True, kw_only=True)
class PpmiSettings:
    """What `train_ppmi` was asked for; the same words as its arguments, checked on construction."""

    dim: int = 100
    window: int = 5
    symmetric: bool = True
    weighting: Weighting = "inverse"
    smoothing: float = 0.75
    shift: float = 1.0
    eigenvalue_weighting: float = 0.5
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        at_least("dim", self.dim, 1, hint="100 to 500 is usual.")
        check_counting(self.window, self.weighting, 1)
        within("smoothing", self.smoothing, 0.0, 1.0, hint="0.75 is usual; 1 smooths nothing.")
        within("shift", self.shift, 1.0, 1e6, hint="1 shifts nothing; 5 stands for 5 negatives.")
        within("eigenvalue_weighting", self.eigenvalue_weighting, 0.0, 1.0, hint="0, 0.5 or 1.")
        within("seed", self.seed, 0, 2**64 - 1, hint="Any whole number from 0 on.")
        at_least("threads", self.threads, 1, hint="Leave it out to use every processor.")


def train_ppmi(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    dim: int = 100,
    window: int = 5,
    symmetric: bool = True,
    weighting: Weighting = "inverse",
    smoothing: float = 0.75,
    shift: float = 1.0,
    eigenvalue_weighting: float = 0.5,
    min_count: int = 5,
    max_vocab: int | None = None,
    seed: int = 1,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: ProgressCallback | None = None,
) -> Vectors:
    """Factorise the (shifted) positive pointwise mutual information of words; float32 [n_words, dim].

    Args:
        corpus: text as `Corpus` takes it, or a corpus already encoded.
        dim: singular vectors kept, at most as many as there are words.
        window: most words to each side.
        symmetric: False counts only the words to the left.
        weighting: "inverse" lets a pair at distance d count 1/d, "flat" 1.
        smoothing: contexts are taken to occur in proportion to count ** smoothing, which tempers the high
            scores of rare ones.
        shift: log(shift) is subtracted before what is negative becomes 0.
        eigenvalue_weighting: the singular vectors are multiplied by the singular values to this power.
        min_count: words seen less often are dropped before windows are laid.
        max_vocab: keep only this many of the most frequent words.
        seed: of the random start of the factorisation.
        threads: default every processor this process may use.
        memory: bytes that counting may take before it goes to temporary files; the factorisation needs 32 for
            each pair of words seen together, whatever is said here.
        progress: called as each step is done.

    Raises:
        ArgumentError: an argument breaks its rule.
        CorpusError: there is no text, fewer words than dim, or no pair of them left.
    """
    settings = PpmiSettings(
        dim=dim,
        window=window,
        symmetric=symmetric,
        weighting=weighting,
        smoothing=smoothing,
        shift=shift,
        eigenvalue_weighting=eigenvalue_weighting,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    check_counting(window, weighting, memory)
    encoded = encode_corpus(
        corpus, min_count=min_count, max_vocab=max_vocab, threads=settings.threads, progress=progress
    )
    n_keys = len(encoded.keys)
    if dim > n_keys:
        raise CorpusError(
            f"dim must be at most the number of words, got dim {dim} for {n_keys} words",
            hint="Lower dim, add text, or lower min_count.",
        )
    counts = count_cooccurrences(
        encoded,
        window=window,
        symmetric=symmetric,
        weighting=weighting,
        threads=settings.threads,
        memory=memory,
        progress=progress,
    )
    refuse_empty(counts)
    matrix = ppmi(counts, smoothing=smoothing, shift=shift)
    del counts
    if not len(matrix.values):
        raise CorpusError(
            "no two words stand together more often than chance would have it",
            hint="Add text, or lower shift.",
        )
    left, singular = randomised_svd(matrix, dim, seed=seed, threads=settings.threads, progress=progress)
    rows = left * singular.astype(np.float32) ** np.float32(eigenvalue_weighting)
    # What rounding leaves of a word without context is no direction.
    rows[np.diff(matrix.offsets.astype(np.int64)) == 0] = 0.0
    return Vectors(
        encoded.keys,
        rows,
        counts=encoded.counts,
        provenance={
            "kind": "ppmi",
            "settings": asdict(settings),
            "n_entries": len(matrix.values),
            "singular_values": [float(value) for value in singular],
            "corpus": corpus_facts(encoded),
        },
    )


def ppmi(counts: Cooccurrence, *, smoothing: float = 0.75, shift: float = 1.0) -> SparseMatrix:
    """max(0, log(P(w, c) / (P(w) P(c))) - log(shift)), [n_keys, n_keys], with P(c) from count ** smoothing.

    Raises ArgumentError.
    """
    within("smoothing", smoothing, 0.0, 1.0)
    within("shift", shift, 1.0, 1e6)
    full = counts.full()
    n_keys, offsets = full.n_keys, full.offsets.astype(np.int64)
    by_row = np.zeros(n_keys)
    filled = offsets[:-1] < offsets[1:]
    if filled.any():
        by_row[filled] = np.add.reduceat(full.values, offsets[:-1][filled], dtype=np.float64)
    by_column = np.bincount(full.columns, full.values, n_keys)
    with np.errstate(divide="ignore"):  # words that stand with no other: no entry asks for them
        row_log, column_log = np.log(by_row), smoothing * np.log(by_column)
        shifted = np.log((by_column[by_column > 0] ** smoothing).sum()) - np.log(shift)
    lengths = np.zeros(n_keys + 1, np.uint64)
    columns: list[np.ndarray] = []
    values: list[np.ndarray] = []
    low = 0
    while low < n_keys:
        high = max(low + 1, int(np.searchsorted(offsets, offsets[low] + _ENTRIES, "right")) - 1)
        part = slice(int(offsets[low]), int(offsets[high]))
        rows = np.repeat(np.arange(low, high), np.diff(offsets[low : high + 1]))
        scores = np.log(full.values[part].astype(np.float64)) - row_log[rows]
        scores += shifted - column_log[full.columns[part]]
        kept = scores > 0
        lengths[low + 1 : high + 1] = np.bincount(rows[kept] - low, minlength=high - low)
        columns.append(full.columns[part][kept])
        values.append(scores[kept].astype(np.float32))
        low = high
    return SparseMatrix(
        np.cumsum(lengths, dtype=np.uint64), np.concatenate(columns), np.concatenate(values), n_keys
    )


def randomised_svd(
    matrix: SparseMatrix,
    rank: int,
    *,
    seed: int = 1,
    threads: int = 1,
    progress: ProgressCallback | None = None,
) -> tuple[Float32Array, Float32Array]:
    """The left singular vectors float32 [n_rows, rank] and singular values [rank], largest first.

    The range is found from a random start by power steps; of each vector's two signs the one is taken that
    makes its largest number positive. Raises ArgumentError.
    """
    most = min(matrix.n_rows, matrix.n_columns)
    if not 1 <= rank <= most:
        raise ArgumentError(f"rank must be from 1 to {most}, got {rank}")
    transposed = matrix.transposed()
    started, n_steps = time.monotonic(), 2 * _POWER_STEPS + 2

    def report(step: int) -> None:
        if progress is not None:
            seconds = max(time.monotonic() - started, 1e-9)
            left = seconds * (n_steps - step) / step
            progress(Progress("factorise", step / n_steps, step / seconds, "products", None, left))

    width = min(rank + _OVERSAMPLE, most)
    start = np.random.default_rng(seed).standard_normal((matrix.n_columns, width), np.float32)
    basis = _orthonormal(matrix.times(start, threads=threads))
    report(1)
    for step in range(_POWER_STEPS):
        back = _orthonormal(transposed.times(basis, threads=threads))
        report(2 * step + 2)
        basis = _orthonormal(matrix.times(back, threads=threads))
        report(2 * step + 3)
    # M ~ basis (Mᵀ basis)ᵀ, and the singular vectors of the small factor turn the basis into those of M.
    _, singular, turn = np.linalg.svd(transposed.times(basis, threads=threads), full_matrices=False)
    report(n_steps)
    left = (basis @ turn.T)[:, :rank]
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(rank)])
    return np.ascontiguousarray(left * signs, np.float32), singular[:rank].astype(np.float32)


def _orthonormal(matrix: Float32Array) -> Float32Array:
    basis: Float32Array = np.linalg.qr(matrix)[0]
    return basis
