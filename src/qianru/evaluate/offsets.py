"""Directions: do the pairs of a relation (antonyms, tenses, plurals) lie along one direction, more than shuffled pairs do?

A pair's offset is b - a, both of length 1. Consistency: the mean cosine between the offsets of different pairs. Shuffled: the
same after the second words have changed partners within the section, which keeps the words and loses the relation. Pairing consistency (PCS;
Fournier, Dupoux & Dunbar 2020, "Analogies minus analogy test"): the probability that a cosine between true offsets is
higher than one between shuffled offsets; 0.5 says that there is no direction.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Questions
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling, interval_of
from qianru.evaluate.result import Result, Score, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors
from qianru.vectors.correlation import ranks

N_SHUFFLES = 200
# Shuffles whose cosines are ranked among the true ones.
_N_RANKED = 20
_MIN_PAIRS = 3
_MAX_PAIRS = 300


def offsets(
    model: Vectors | Space,
    data: Questions,
    *,
    n_shuffles: int = N_SHUFFLES,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """The pairs of each section of an analogy set: first score "consistency gain", the mean over sections of true minus shuffled.

    details["sections"] has for each section with at least three known pairs: n_pairs, consistency, low, high, shuffled,
    pairing_consistency, and p: the share of shuffles that are as consistent. Of more than 300 pairs the first 300 are
    taken. Raises ArgumentError where no section has three known pairs.
    """
    checked_resampling(seed, n_bootstrap)
    if n_shuffles < 20:
        raise ArgumentError(f"n_shuffles must be at least 20, got {n_shuffles}")
    space = space_of(model)
    sections: dict[str, dict[str, float | int | None]] = {}
    n_items = n_known = 0
    for name, asked in data.sections.items():
        pairs = list(dict.fromkeys(pair for a, b, c, d in asked for pair in ((a, b), (c, d))))
        rows = space.table(pairs, 2)
        rows = rows[(rows >= 0).all(axis=1) & (rows[:, 0] != rows[:, 1])]
        n_items, n_known = n_items + len(pairs), n_known + len(rows)
        if len(rows) >= _MIN_PAIRS:
            sections[name] = _section(space, rows[:_MAX_PAIRS], n_shuffles, seed, n_bootstrap)
    if not sections:
        raise ArgumentError(
            f"{data.name}: no section has {_MIN_PAIRS} pairs with both words in the model",
            hint="check that model and test are of one language, spelled alike",
        )
    gains = np.array([_number(s, "consistency") - _number(s, "shuffled") for s in sections.values()])
    pcs = np.array([_number(s, "pairing_consistency") for s in sections.values()])
    scores: list[Score] = []
    for title, values, zero in (("consistency gain", gains, 0.0), ("pairing consistency", pcs, 0.5)):
        shares = Shares(values)
        interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
        scores.append(score(title, shares.value, len(values), interval, zero_line=zero))
    return result(
        "offsets",
        data,
        space,
        scores,
        n_items=n_items,
        n_known=n_known,
        seed=seed,
        n_bootstrap=n_bootstrap,
        details={"sections": sections, "n_shuffles": n_shuffles},
        notes=[
            "items are pairs; unknown ones are left out whatever the policy; the interval resamples sections"
        ],
    )


def _number(section: dict[str, float | int | None], name: str) -> float:
    value = section[name]
    return float("nan") if value is None else float(value)


def _section(
    space: Space, rows: Int64Array, n_shuffles: int, seed: int, n_bootstrap: int
) -> dict[str, float | int | None]:
    first, second = space.unit(rows[:, 0]), space.unit(rows[:, 1])
    true = _cosines(second - first)
    rng = np.random.default_rng([seed, len(rows)])
    means, sample = [], []
    apart = ~np.eye(len(rows), dtype=bool)
    for turn in range(n_shuffles):
        shuffled = _cosines(second[deranged(len(rows), rng)] - first)
        means.append(shuffled[apart].mean())
        if turn < _N_RANKED:
            sample.append(shuffled[apart])
    consistency = float(true[apart].mean())
    interval = interval_of(_Consistency(true), len(rows), n_bootstrap=n_bootstrap, seed=seed)
    as_consistent = int((np.array(means) >= consistency - 1e-12).sum())
    return {
        "n_pairs": len(rows),
        "consistency": consistency,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "shuffled": float(np.mean(means)),
        "pairing_consistency": probability_higher(true[apart], np.concatenate(sample)),
        "p": (as_consistent + 1) / (n_shuffles + 1),
    }


def _cosines(vectors: Float64Array) -> Float64Array:
    """The cosines [n, n] of the rows with each other; 0 for a zero row."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    found: Float64Array = units @ units.T
    return found


def deranged(n: int, rng: np.random.Generator) -> Int64Array:
    """A random order [n >= 2] in which nothing stands at its own place."""
    order = rng.permutation(n)
    fixed = np.flatnonzero(order == np.arange(n))
    if len(fixed) == 1:
        other = (fixed[0] + 1 + rng.integers(n - 1)) % n
        order[[fixed[0], other]] = order[[other, fixed[0]]]
    elif len(fixed):
        order[fixed] = order[np.roll(fixed, 1)]
    return order


class _Consistency:
    """The mean cosine between different pairs, for weights [b, n] of the pairs."""

    def __init__(self, cosines: Float64Array) -> None:
        self._between = cosines - np.diag(np.diag(cosines))

    def __call__(self, weights: Float64Array) -> Float64Array:
        summed = ((weights @ self._between) * weights).sum(axis=1)
        n_couples = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Float64Array = summed / n_couples
        return found


def probability_higher(a: Float64Array, b: Float64Array) -> float:
    """How likely one of a [n] is higher than one of b [m], ties half (Mann & Whitney 1947)."""
    summed = ranks(np.concatenate([a, b]))[: len(a)].sum()
    return float((summed - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))
