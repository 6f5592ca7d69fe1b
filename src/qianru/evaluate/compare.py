"""Two models on one test, item by item: the difference, how sure it is, and in words whether there is any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError
from qianru.evaluate.intervals import (
    DEFAULT_PERMUTATIONS,
    Interval,
    Shares,
    holm,
    interval_of,
    mcnemar_p,
    permutation_p,
)
from qianru.evaluate.result import Outcome, Result
from qianru.evaluate.similarity import Correlation
from qianru.vectors.correlation import ranks, spearman

ALPHA = 0.05
# Where `compare` gives None.
NOT_PAIRED = (
    "not compared with the other model item by item: this test has no single items that could be paired; "
    "look at both values and their intervals"
)
_SAME_POLICIES = ("case", "unknown", "restrict_vocab")


@dataclass(frozen=True)
class Comparison:
    """Model a against model b over the n items that both are scored on. difference: a - b, low to high its 95 % interval.

    p: two-sided, of the test that `method` names; p_holm: corrected for the number of comparisons made together, p itself
    for one alone. verdict, by p_holm: "a is better", "b is better" or "no difference shown".
    """

    test: str
    dataset: str
    metric: str
    n: int
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    method: str
    verdict: str
    p_holm: float | None = None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return dict(vars(self))


def compare(
    a: Result,
    b: Result,
    *,
    n_permutations: int = DEFAULT_PERMUTATIONS,
    seed: int = 1,
    n_bootstrap: int = 1000,
) -> Comparison | None:
    """Compare two results of one test by their first score.

    None for associations, offsets, geometry and stability: they have no single items that could be paired (NOT_PAIRED says
    so in a sentence).

    Correlations: permutation test on the ranks of the cosines. Shares: McNemar's exact test, or where items come in
    clusters, or ties have part of the credit, a permutation test that swaps clusters or items. Only items that both models
    are scored on count, so a and b may differ from the results' own values. Raises ArgumentError where test, dataset or
    policies differ, or the first score, or the items that were asked (sets drawn with another seed).
    """
    if a.test != b.test or a.dataset_fingerprint != b.dataset_fingerprint:
        raise ArgumentError(
            f"results must be of one test and dataset, got {a.test} {a.dataset}, {b.test} {b.dataset}"
        )
    differ = [name for name in _SAME_POLICIES if a.policies[name] != b.policies[name]]
    if differ:
        raise ArgumentError(f"results must have the same policies, {', '.join(differ)} differ")
    if a.outcome is None or b.outcome is None:
        return None
    if _asked(a) != _asked(b):
        raise ArgumentError(
            f"results must be of one score over the same items, got {_asked(a)} and {_asked(b)}",
            hint="give both tests the same methods, n_alike, n_sets and seed",
        )
    both, at_a, at_b = np.intersect1d(a.outcome.counted, b.outcome.counted, return_indices=True)
    x, y = a.outcome.values[at_a], b.outcome.values[at_b]
    if len(both) < 2:
        return _told(a, len(both), None, None, None, None, "fewer than two items in common")
    options = {"n_permutations": n_permutations, "seed": seed}
    if a.outcome.gold is not None:
        return _correlations(a, x, y, a.outcome.gold[at_a], n_bootstrap, options)
    return _shares(a, a.outcome, both, x, y, n_bootstrap, options)


def _asked(of: Result) -> str:
    """The score and the items behind it, the same text for the same ones."""
    drawn = of.details.get("sets_fingerprint")
    return f"{of.scores[0].metric} of {of.n_items} items" + (f", sets {str(drawn)[:16]}" if drawn else "")


def _correlations(
    of: Result,
    x: Float64Array,
    y: Float64Array,
    gold: Float64Array,
    n_bootstrap: int,
    options: dict[str, int],
) -> Comparison:
    value_x, value_y = spearman(x, gold), spearman(y, gold)
    if not np.isfinite([value_x, value_y]).all():
        return _told(of, len(x), value_x, value_y, None, None, "correlation undefined")
    # Ranks make the two models' cosines comparable, so that they can be swapped.
    rank_x, rank_y, centred = ranks(x), ranks(y), ranks(gold) - ranks(gold).mean()

    def difference(signs: Float64Array) -> Float64Array:
        middle, half = (rank_x + rank_y) / 2, (rank_x - rank_y) / 2
        return _plain(middle + signs * half, centred) - _plain(middle - signs * half, centred)

    p = permutation_p(difference, value_x - value_y, len(x), **options)
    one, two = Correlation(x, gold, ranked=True), Correlation(y, gold, ranked=True)
    interval = interval_of(lambda w: one(w) - two(w), len(x), n_bootstrap=n_bootstrap, seed=options["seed"])
    return _told(of, len(x), value_x, value_y, interval, p, "paired permutation test of ranks")


def _plain(values: Float64Array, centred: Float64Array) -> Float64Array:
    """The correlation of each row of values [b, n] with a centred gold [n]."""
    spread = np.sqrt(((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    found: Float64Array = values @ centred / np.maximum(spread * np.sqrt(centred @ centred), 1e-300)
    return found


def _shares(
    of: Result,
    outcome: Outcome,
    both: np.ndarray,
    x: Float64Array,
    y: Float64Array,
    n_bootstrap: int,
    options: dict[str, int],
) -> Comparison:
    clusters = None if outcome.clusters is None else outcome.clusters[both]
    shares = Shares(x - y, clusters)
    interval = shares.interval(n_bootstrap=n_bootstrap, seed=options["seed"])
    # Parts of a credit can be set off against each other, which counting who was right does not see.
    if clusters is None and not ((x - y) % 1).any():
        p, method = mcnemar_p(int((x > y).sum()), int((y > x).sum())), "McNemar's exact test"
    else:
        statistic: Callable[[Float64Array], Float64Array] = lambda signs: signs @ shares.sums / len(x)  # noqa: E731
        p = permutation_p(statistic, shares.value, shares.n_clusters, **options)
        method = "paired permutation test" + ("" if clusters is None else " of clusters")
    return _told(of, len(x), float(x.mean()), float(y.mean()), interval, p, method)


def _told(
    of: Result,
    n: int,
    x: float | None,
    y: float | None,
    interval: Interval | None,
    p: float | None,
    method: str,
) -> Comparison:
    x, y = (None if value is None or not np.isfinite(value) else value for value in (x, y))
    difference = None if x is None or y is None else x - y
    low, high = interval if interval is not None else (None, None)
    return Comparison(
        of.test,
        of.dataset,
        of.scores[0].metric,
        n,
        x,
        y,
        difference,
        low,
        high,
        p,
        method,
        _verdict(difference, p),
        p,
    )


def _verdict(difference: float | None, p: float | None) -> str:
    if p is None or p >= ALPHA or not difference:
        return "no difference shown"
    return "a is better" if difference > 0 else "b is better"


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons of one table: p_holm corrected for how many there are, and the verdicts by it."""
    adjusted = holm([one.p for one in comparisons])
    return tuple(
        replace(one, p_holm=p, verdict=_verdict(one.difference, p))
        for one, p in zip(comparisons, adjusted, strict=True)
    )
