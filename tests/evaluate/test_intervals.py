"""Bootstrap, permutation and McNemar beside plain computations."""

from __future__ import annotations

import importlib.util
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError
from qianru.evaluate.intervals import (
    Shares,
    checked_resampling,
    holm,
    interval_of,
    mcnemar_p,
    permutation_p,
    resampled,
)
from qianru.evaluate.similarity import Correlation
from qianru.vectors.correlation import pearson, ranks, spearman

SPEC = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
plain = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(plain)

values = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=30)


@given(values)
def test_ranks(numbers: list[float]) -> None:
    assert ranks(np.array(numbers)).tolist() == plain.ranks(numbers)


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=30))
def test_correlations(pairs: list[tuple[int, int]]) -> None:
    a, b = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
    for ours, theirs in ((pearson, plain.pearson), (spearman, plain.spearman)):
        found, expected = ours(np.array(a), np.array(b)), theirs(a, b)
        assert math.isnan(found) == math.isnan(expected)
        assert math.isnan(found) or found == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=12), st.booleans())
def test_a_resample_is_the_statistic_of_the_items_drawn(pairs: list[tuple[int, int]], ranked: bool) -> None:
    a, b = np.array(pairs, dtype=np.float64).T
    (weights,) = resampled(len(a), 20, 3)
    assert (weights.sum(axis=1) == len(a)).all()
    found = Correlation(a, b, ranked=ranked)(weights)
    for row, value in zip(weights.astype(int), found.tolist(), strict=True):
        drawn = np.repeat(np.arange(len(a)), row)
        expected = (plain.spearman if ranked else plain.pearson)(a[drawn].tolist(), b[drawn].tolist())
        assert math.isnan(value) == math.isnan(expected)
        assert math.isnan(value) or value == pytest.approx(expected, abs=1e-9)


def test_the_bootstrap_is_the_plain_one() -> None:
    right = np.random.default_rng(1).random(200)
    interval = Shares(right).interval(n_bootstrap=2000, seed=4)
    rng = np.random.default_rng(9)
    means = [np.mean(rng.choice(right, len(right))) for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=0.02)
    assert interval == Shares(right).interval(n_bootstrap=2000, seed=4)
    assert interval != Shares(right).interval(n_bootstrap=2000, seed=5)


def test_clusters_widen_the_interval() -> None:
    right = np.repeat(np.random.default_rng(1).integers(0, 2, 20), 30).astype(np.float64)
    alone = Shares(right).interval(n_bootstrap=500, seed=1)
    together = Shares(right, np.repeat(np.arange(20), 30)).interval(n_bootstrap=500, seed=1)
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_coverage_of_the_interval() -> None:
    """About 95 of 100 intervals hold the true share."""
    rng = np.random.default_rng(2)
    n_held = 0
    for seed in range(200):
        found = Shares((rng.random(150) < 0.3).astype(np.float64)).interval(n_bootstrap=300, seed=seed)
        assert found is not None
        n_held += found.low <= 0.3 <= found.high
    assert 178 <= n_held <= 199


def test_no_interval() -> None:
    assert Shares(np.ones(1)).interval(n_bootstrap=100, seed=1) is None
    assert Shares(np.ones(9)).interval(n_bootstrap=0, seed=1) is None
    assert interval_of(lambda w: np.full(len(w), np.nan), 9, n_bootstrap=100, seed=1) is None


def test_memory_is_bounded_by_blocks() -> None:
    shapes = [weights.shape for weights in resampled(100_000, 100, 1)]
    assert sum(b for b, _ in shapes) == 100
    assert max(b * n for b, n in shapes) <= 1 << 21


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar(a: int, b: int) -> None:
    n, k = a + b, min(a, b)
    tail = sum(Fraction(math.comb(n, i), 2**n) for i in range(k + 1))
    assert mcnemar_p(a, b) == pytest.approx(float(min(Fraction(1), 2 * tail)), rel=1e-9)


def test_mcnemar_of_many() -> None:
    assert mcnemar_p(50_000, 50_300) == pytest.approx(0.344, abs=0.002)
    assert mcnemar_p(0, 100_000) < 1e-300


def test_permutation_p_is_that_of_all_swaps() -> None:
    differences = np.array([0.5, 0.2, -0.1, 0.7, 0.3, 0.0, 0.4, 0.1, -0.2, 0.6])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 10)).reshape(10, -1).T
    exact = float((np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12).mean())
    found = permutation_p(
        lambda s: s @ differences, float(differences.sum()), 10, n_permutations=20_000, seed=1
    )
    assert found == pytest.approx(exact, abs=0.01)


def test_p_is_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(5)
    found = []
    for seed in range(200):
        noise = rng.standard_normal(30)
        found.append(
            permutation_p(lambda s, x=noise: s @ x, float(noise.sum()), 30, n_permutations=300, seed=seed)
        )
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.1


@pytest.mark.parametrize(("seed", "n"), [(-1, 100), (1.5, 100), (1, -1), (1, 50), (True, 100)])
def test_bad_arguments(seed: int, n: int) -> None:
    with pytest.raises(ArgumentError, match=r"seed|n_bootstrap"):
        checked_resampling(seed, n)


def holm_slowly(p_values: list[float | None]) -> list[float | None]:
    """The smallest level at which Holm's procedure still rejects each hypothesis, by running it at that level."""
    known = sorted(p for p in p_values if p is not None)

    def rejected(p: float, level: float) -> bool:
        for k, one in enumerate(known):
            if one * (len(known) - k) > level:
                return False
            if one >= p:
                return True
        return False

    levels = sorted({min(1.0, p * n) for p in known for n in range(1, len(known) + 1)} | {1.0})
    return [None if p is None else next((x for x in levels if rejected(p, x)), 1.0) for p in p_values]


@given(st.lists(st.none() | st.floats(1e-6, 1), max_size=8))
def test_holm_is_the_procedure_itself(p_values: list[float | None]) -> None:
    assert holm(p_values) == holm_slowly(p_values)


def test_holm_by_hand() -> None:
    assert holm([0.01, None, 0.04, 0.03, 0.005]) == pytest.approx([0.03, None, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([None]) == [None]
