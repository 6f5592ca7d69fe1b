"""Bias as association: the word embedding association test, WEAT (Caliskan, Bryson & Narayanan 2017).

s(w) = mean cosine of w to the attributes A minus that to B. Effect size: (mean of s over X - mean over Y) / standard deviation of s
over X and Y (n - 1 in the denominator): at most √(n (n - 1) / (|X| |Y|)) for n = |X| + |Y|, which is below 2 where X and Y are of one
size and above it otherwise (5.15 for 2 and 50 words). p, one-sided: the share of the ways to divide the targets anew, in
sizes as before, that give the same difference or more; all ways where they are few, random ones otherwise.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Associations
from qianru.evaluate.intervals import (
    DEFAULT_BOOTSTRAP,
    DEFAULT_PERMUTATIONS,
    Interval,
    checked_resampling,
    resampled,
)
from qianru.evaluate.result import Result, Score, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors


def associations(
    model: Vectors | Space,
    data: Associations,
    *,
    n_permutations: int = DEFAULT_PERMUTATIONS,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """One score for each test, its effect size; details[name] has p, how it was taken, and the words that were unknown.

    A note names the tests whose known X and Y differ in size: their effect sizes may pass 2 and are on a scale of their own.
    The interval resamples the target words of X and of Y. Unknown words are left out whatever the policy. Tests
    for which too few words are known (two targets and one attribute a side) have no value. Raises ArgumentError where
    that is so for all.
    """
    checked_resampling(seed, n_bootstrap)
    if n_permutations < 100:
        raise ArgumentError(f"n_permutations must be at least 100, got {n_permutations}")
    space = space_of(model)
    scores: list[Score] = []
    details: dict[str, object] = {}
    uneven: list[str] = []
    n_items = n_known = 0
    for test in data.tests:
        words = {side: list(dict.fromkeys(getattr(test, side))) for side in "xyab"}
        rows = {side: space.rows(given) for side, given in words.items()}
        unknown = [w for s in "xyab" for w, row in zip(words[s], rows[s].tolist(), strict=True) if row < 0]
        n_items += sum(map(len, words.values()))
        n_known += sum(map(len, words.values())) - len(unknown)
        x, y, a, b = (rows[side][rows[side] >= 0] for side in "xyab")
        if min(len(x), len(y)) < 2 or min(len(a), len(b)) < 1:
            scores.append(score(test.name, math.nan, len(x) + len(y)))
            details[test.name] = {"p": None, "unknown": unknown, "note": "too few known words"}
            continue
        s = (_association(space, x, a, b), _association(space, y, a, b))
        if len(x) != len(y):
            uneven.append(f"{test.name} ({len(x)} and {len(y)})")
        p, method = partition_p(*s, n_permutations=n_permutations, seed=seed)
        interval = _interval(*s, n_bootstrap, seed) if n_bootstrap else None
        scores.append(score(test.name, effect_size(*s), len(x) + len(y), interval, zero_line=0.0))
        details[test.name] = {"p": p, "p_method": method, "unknown": unknown}
    if all(one.value is None for one in scores):
        raise ArgumentError(
            f"{data.name}: no test has two known targets and one known attribute a side",
            hint="check that model and test are of one language, spelled alike",
        )
    notes = [
        "effect sizes lie between -2 and 2 where X and Y are of one size; items are words; unknown ones are left out "
        "whatever the policy"
    ]
    if uneven:
        notes.append(
            f"known words of X and Y differ in number: {', '.join(uneven)}: effect sizes may pass 2, and are not to be "
            "compared with those of other tests or models"
        )
    return result(
        "associations",
        data,
        space,
        scores,
        n_items=n_items,
        n_known=n_known,
        seed=seed,
        n_bootstrap=n_bootstrap,
        details=details,
        notes=notes,
    )


def _association(space: Space, targets: Int64Array, a: Int64Array, b: Int64Array) -> Float64Array:
    """s(w) [n] of the target rows."""
    units = space.unit(targets)
    found: Float64Array = (units @ space.unit(a).T).mean(axis=1) - (units @ space.unit(b).T).mean(axis=1)
    return found


def effect_size(x: Float64Array, y: Float64Array) -> float:
    """Difference of the means over the standard deviation of all; NaN where all are equal."""
    spread = float(np.std(np.concatenate([x, y]), ddof=1))
    return float(x.mean() - y.mean()) / spread if spread > 1e-12 else math.nan


def partition_p(x: Float64Array, y: Float64Array, *, n_permutations: int, seed: int) -> tuple[float, str]:
    """One-sided p, and "exact" or "random": how likely a random division of x and y differs as much."""
    both = np.concatenate([x, y])
    bar = x.sum() - 1e-12
    if math.comb(len(both), len(x)) <= n_permutations:
        sums = np.array([both[list(chosen)].sum() for chosen in combinations(range(len(both)), len(x))])
        return float((sums >= bar).mean()), "exact"
    rng = np.random.default_rng([seed, len(both)])
    shuffled = rng.permuted(np.broadcast_to(both, (n_permutations, len(both))), axis=1)
    extreme = int((shuffled[:, : len(x)].sum(axis=1) >= bar).sum())
    return (extreme + 1) / (n_permutations + 1), "random"


def _interval(x: Float64Array, y: Float64Array, n_bootstrap: int, seed: int) -> Interval | None:
    """Words of x and of y drawn apart."""
    sides = [np.concatenate(list(resampled(len(s), n_bootstrap, seed + at))) for at, s in enumerate((x, y))]
    means = [w @ s / len(s) for w, s in zip(sides, (x, y), strict=True)]
    n = len(x) + len(y)
    mean = (means[0] * len(x) + means[1] * len(y)) / n
    squares = sides[0] @ x**2 + sides[1] @ y**2
    variance = np.maximum(squares - n * mean**2, 0) / (n - 1)
    values = (means[0] - means[1])[variance > 1e-18] / np.sqrt(variance[variance > 1e-18])
    if len(values) * 20 < n_bootstrap * 19:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))
