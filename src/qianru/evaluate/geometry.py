"""The space itself: hubs, and whether vectors use all directions alike. No dataset is needed.

Hubness (Radovanović, Nanopoulos & Ivanović 2010): N_k of a word is how often it is among the k nearest of others; where the skewness of
N_k is high, a few hubs are near to everything. Isotropy (Mu & Viswanath 2018, section 2.2, after Arora et al. 2016): least over
largest Z(c) = Σ exp(c · w) over the eigenvectors c of the scatter matrix of the vectors w as they are, so their length counts; 1
is isotropic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling, interval_of
from qianru.evaluate.result import Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors
from qianru.vectors.algebra import Searcher

N_WORDS = 10_000
_N_HUBS = 10


def geometry(
    model: Vectors | Space,
    *,
    k: int = 10,
    n_words: int = N_WORDS,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Over the first n_words words: "hubness" (skewness of N_k), "share never near", "isotropy", "mean cosine", "top component".

    "share never near": words that are among no other's k nearest. "mean cosine": of all couples; 0 where the vectors
    have no common direction. "top component": share of the variance about the origin that lies in one direction.
    details["hubs"]: the words with the highest N_k. All but isotropy are of the vectors at length 1. Intervals resample words;
    neighbours and eigenvectors are those of all words. Words whose vector is zero have no direction and are left out, with a
    note. Raises ArgumentError where fewer than k + 2 words are left.
    """
    checked_resampling(seed, n_bootstrap)
    space = space_of(model)
    n_first = min(n_words, space.n_words)
    kept = np.flatnonzero(space.matrix[:n_first].any(axis=1))
    n = len(kept)
    if k < 1 or n < k + 2:
        raise ArgumentError(
            "k must be at least 1, and at least k + 2 words with a vector that is not zero are needed, "
            f"got k = {k} and {n} words",
            hint="ask for a smaller k or more words",
        )
    units = space.unit_matrix(n_first)[kept]
    found, _ = Searcher(units).nearest(units, k, exclude=np.arange(n).reshape(-1, 1))
    occurs = np.bincount(found[found >= 0], minlength=n).astype(np.float64)
    never = (occurs == 0).astype(np.float64)
    wide = units.astype(np.float64)
    statistics: dict[str, Callable[[Float64Array], Float64Array]] = {
        "hubness": lambda weights: _skewness(weights, occurs),
        "share never near": lambda weights: (weights @ never) / weights.sum(axis=1),
        "isotropy": _Isotropy(space.matrix[kept].astype(np.float64)),
        "mean cosine": lambda weights: _mean_cosine(weights, wide),
        "top component": _TopComponent(wide),
    }
    hubs = np.argsort(-occurs, kind="stable")[:_N_HUBS].tolist()
    once = np.ones((1, n))
    return result(
        "geometry",
        None,
        space,
        [
            score(
                name,
                float(statistic(once)[0]),
                n,
                interval_of(statistic, n, n_bootstrap=n_bootstrap, seed=seed),
            )
            for name, statistic in statistics.items()
        ],
        n_items=n,
        n_known=n,
        seed=seed,
        n_bootstrap=n_bootstrap,
        details={"k": k, "hubs": {space.vectors.keys[int(kept[at])]: int(occurs[at]) for at in hubs}},
        notes=[f"{n_first - n} words whose vector is zero are left out"] if n < n_first else [],
    )


def _skewness(weights: Float64Array, values: Float64Array) -> Float64Array:
    """The third standardised moment for each row of weights [b, n]; NaN where all values are equal."""
    total = weights.sum(axis=1)
    mean = weights @ values / total
    second = weights @ values**2 / total
    third = weights @ values**3 / total
    variance = second - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Float64Array = np.where(
            variance > 1e-12, (third - 3 * mean * second + 2 * mean**3) / variance**1.5, np.nan
        )
    return found


def _mean_cosine(weights: Float64Array, units: Float64Array) -> Float64Array:
    """The mean cosine of all couples of different words of units [n, dim], for each row of weights [b, n]."""
    summed = ((weights @ units) ** 2).sum(axis=1)
    # A word drawn twice is no couple.
    squares = (weights**2).sum(axis=1)
    with np.errstate(invalid="ignore"):
        found: Float64Array = (summed - squares) / (weights.sum(axis=1) ** 2 - squares)
    return found


class _Isotropy:
    """Least over largest Z(c) of vectors [n, dim], from 0 to 1, for each row of weights [b, n]."""

    def __init__(self, vectors: Float64Array) -> None:
        along = vectors @ np.linalg.eigh(vectors.T @ vectors)[1]
        # An eigenvector's sign is arbitrary: both are tried.
        both = np.concatenate([along, -along], axis=1)
        # Sums by their logarithms, as long vectors overflow.
        self._peaks = both.max(axis=0)
        self._powers = np.exp(both - self._peaks)

    def __call__(self, weights: Float64Array) -> Float64Array:
        with np.errstate(divide="ignore"):
            logs = self._peaks + np.log(weights @ self._powers)
        found: Float64Array = np.exp(logs.min(axis=1) - logs.max(axis=1))
        return found


class _TopComponent:
    """The share of the variance about the origin of units [n, dim] along their strongest direction, for weights [b, n]."""

    def __init__(self, units: Float64Array) -> None:
        self._along = (units @ np.linalg.eigh(units.T @ units)[1][:, -1]) ** 2

    def __call__(self, weights: Float64Array) -> Float64Array:
        found: Float64Array = weights @ self._along / weights.sum(axis=1)
        return found
