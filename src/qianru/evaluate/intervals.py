"""How sure a number is: bootstrap intervals, and tests that compare two models item by item.

Bootstrap: percentile intervals over resampled items (Efron & Tibshirani 1993, chapter 13), 95 %. Where items come in clusters,
whole clusters are drawn: the questions that share a pair of words stand or fall together. Comparing: a paired permutation test,
which swaps the two models' outcomes of an item or cluster (Dror et al. 2018, "The Hitchhiker's Guide to Testing Statistical
Significance in NLP"), and McNemar's exact test where outcomes are right or wrong and independent. Several comparisons: Holm's step-down
correction (Holm 1979), which holds for tests that depend on each other, as those of one model do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError

DEFAULT_BOOTSTRAP = 1000
DEFAULT_PERMUTATIONS = 10_000
# Numbers held at once: bounds the memory for any number of items.
_BLOCK = 1 << 21


class Interval(NamedTuple):
    """The middle 95 % of the resampled values."""

    low: float
    high: float


def checked_resampling(seed: int, n_bootstrap: int) -> None:
    """Raises ArgumentError unless seed is a whole number from 0 and n_bootstrap is 0 (no interval) or at least 100."""
    for name, value in (("seed", seed), ("n_bootstrap", n_bootstrap)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise ArgumentError(f"{name} must be a whole number from 0 up, got {value!r}")
    if 0 < n_bootstrap < 100:
        raise ArgumentError(
            f"n_bootstrap must be 0 or at least 100, got {n_bootstrap}",
            hint="1000 is usual; 0 gives no interval",
        )


def resampled(n: int, n_bootstrap: int, seed: int) -> Iterator[Float64Array]:
    """Blocks [b, n] of how often each of n items was drawn in a resample; n_bootstrap rows in all."""
    rng = np.random.default_rng([seed, n])
    done = 0
    while done < n_bootstrap:
        b = min(n_bootstrap - done, max(1, _BLOCK // max(n, 1)))
        drawn = rng.integers(0, n, size=(b, n)) + np.arange(b)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n).astype(np.float64)
        done += b


def interval_of(
    statistic: Callable[[Float64Array], Float64Array], n: int, *, n_bootstrap: int, seed: int
) -> Interval | None:
    """The interval of a statistic of n items, which takes weights [b, n] and gives a value for each row.

    Resamples for which it is not defined (NaN) are left out; None where more than one in twenty are, where there is
    but one item, and for n_bootstrap = 0.
    """
    if n < 2 or not n_bootstrap:
        return None
    values = np.concatenate([statistic(weights) for weights in resampled(n, n_bootstrap, seed)])
    defined = values[np.isfinite(values)]
    if len(defined) * 20 < n_bootstrap * 19:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(float(low), float(high))


class Shares:
    """The share of n items that are right, for bootstrap weights over its clusters."""

    def __init__(self, right: Float64Array, clusters: Int64Array | None = None) -> None:
        labels = np.arange(len(right)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        self.value = float(right.mean()) if len(right) else math.nan
        self.sums = np.bincount(labels, weights=right)
        self.counts = np.bincount(labels).astype(np.float64)

    @property
    def n_clusters(self) -> int:
        """Clusters, or items where they are independent."""
        return len(self.counts)

    def __call__(self, weights: Float64Array) -> Float64Array:
        with np.errstate(invalid="ignore"):
            found: Float64Array = (weights @ self.sums) / (weights @ self.counts)
        return found

    def interval(self, *, n_bootstrap: int, seed: int) -> Interval | None:
        """95 %, whole clusters resampled."""
        return interval_of(self, self.n_clusters, n_bootstrap=n_bootstrap, seed=seed)


def permutation_p(
    statistic: Callable[[Float64Array], Float64Array],
    observed: float,
    n: int,
    *,
    n_permutations: int,
    seed: int,
) -> float:
    """Two-sided p of a paired permutation test.

    statistic: takes signs [b, n], -1 where the two models' outcomes of an item are swapped, and gives the
    difference of the models for each row. Counts the observed order itself, so p is at least 1 / (n_permutations + 1).
    """
    rng = np.random.default_rng([seed, n, 1])
    # A difference that is equal but for rounding is as extreme.
    bar = abs(observed) - 1e-12 * max(1.0, abs(observed))
    done = extreme = 0
    while done < n_permutations:
        b = min(n_permutations - done, max(1, _BLOCK // max(n, 1)))
        signs = rng.integers(0, 2, size=(b, n)).astype(np.float64) * 2 - 1
        extreme += int((np.abs(statistic(signs)) >= bar).sum())
        done += b
    return (extreme + 1) / (n_permutations + 1)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Two-sided exact p of McNemar's test (1947): only_a, only_b items were answered right by one model alone.

    Under the hypothesis of no difference each of them is a fair coin.
    """
    n, k = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0
    logs = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(k + 1)]
    top = max(logs)
    tail = math.exp(top - n * math.log(2)) * sum(math.exp(one - top) for one in logs)
    return min(1.0, 2 * tail)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p values corrected for their number by Holm's step-down method; None, where no test could be made, stays and is not counted.

    The k-th smallest of m becomes (m - k + 1) p, at least as large as those before it and at most 1.
    """
    order = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    least = 0.0
    for k, (p, at) in enumerate(order):
        least = max(least, min(1.0, (len(order) - k) * p))
        found[at] = least
    return found
