"""Word similarity: the model's cosines beside people's scores, by rank (Spearman 1904) and by value (Pearson)."""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import WordPairs
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling, interval_of
from qianru.evaluate.result import Outcome, Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors
from qianru.vectors.correlation import pearson, spearman, weighted_pearson


class Correlation:
    """Correlations of bootstrap samples: takes weights [b, n], gives Spearman's or Pearson's for each row.

    A sample's mean ranks follow from how often each value was drawn, so nothing is sorted twice.
    """

    def __init__(self, a: Float64Array, b: Float64Array, *, ranked: bool) -> None:
        self._pair = (a, b)
        self._ranked = ranked
        self._groups = [np.unique(values, return_inverse=True)[1] for values in self._pair]
        self._orders = [np.argsort(group, kind="stable") for group in self._groups]

    def __call__(self, weights: Float64Array) -> Float64Array:
        if not self._ranked:
            return weighted_pearson(weights, *self._pair)
        a, b = (_weighted_ranks(weights, *one) for one in zip(self._groups, self._orders, strict=True))
        return weighted_pearson(weights, a, b)


def _weighted_ranks(weights: Float64Array, group: np.ndarray, order: np.ndarray) -> Float64Array:
    """The mean ranks [b, n] in samples that hold item i weights[:, i] times."""
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    found: Float64Array = (np.cumsum(sizes, axis=1) - (sizes - 1) / 2)[:, group]
    return found


def similarity(
    model: Vectors | Space, data: WordPairs, *, seed: int = 1, n_bootstrap: int = DEFAULT_BOOTSTRAP
) -> Result:
    """Scores "spearman" and "pearson" of the cosines with people's scores.

    Both are None, and a note says so, where the model's cosines are all equal. Raises ArgumentError where fewer than two
    pairs have both words in the model.
    """
    checked_resampling(seed, n_bootstrap)
    space = space_of(model)
    rows = space.table(data.pairs, 2)
    known = (rows >= 0).all(axis=1)
    n_known = int(known.sum())
    if n_known < 2:
        raise ArgumentError(
            f"{data.name}: {n_known} of {len(data.pairs)} pairs have both words in the model, two are needed",
            hint="check that model and test are of one language, spelled alike",
        )
    counted = np.flatnonzero(known) if space.unknown == "skip" else np.arange(len(rows))
    cosines, gold = space.cosines(rows[:, 0], rows[:, 1])[counted], data.gold[counted]
    one_hot = ((rows[:, 0] == rows[:, 1]) & known)[counted].astype(np.float64)
    scores, notes = [], []
    for metric, of, ranked in (("spearman", spearman, True), ("pearson", pearson, False)):
        interval = interval_of(
            Correlation(cosines, gold, ranked=ranked), len(counted), n_bootstrap=n_bootstrap, seed=seed
        )
        zero = of(one_hot, gold)
        scores.append(
            score(
                metric, of(cosines, gold), len(counted), interval, zero_line=None if np.isnan(zero) else zero
            )
        )
    if scores[0].value is None:
        notes.append("correlation undefined: the cosines, or the scores of the known pairs, are all equal")
    return result(
        "similarity",
        data,
        space,
        scores,
        n_items=len(rows),
        n_known=n_known,
        seed=seed,
        n_bootstrap=n_bootstrap,
        notes=notes,
        outcome=Outcome(counted, cosines, gold),
    )
