"""Scores, their intervals and the temperature against plain twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.transfer.calibration import HIGHEST, fit_temperature, log_loss, softmax
from qianru.transfer.report import text_report


def plain(truth: list[int], said: list[int], label: int) -> tuple[float | None, float | None, float | None]:
    hit = sum(1 for t, p in zip(truth, said, strict=True) if t == p == label)
    n_said, n_true = said.count(label), truth.count(label)
    f1 = 2 * hit / (n_said + n_true) if n_said + n_true else None
    return hit / n_said if n_said else None, hit / n_true if n_true else None, f1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_scores_are_those_of_counting(pairs: list[tuple[int, int]]) -> None:
    truth, said = [t for t, _ in pairs], [p for _, p in pairs]
    probabilities = np.eye(4)[said] * 0.6 + 0.1
    report = text_report(list("abcd"), probabilities, np.array(truth), n_bootstrap=100)
    assert report.accuracy.value == pytest.approx(np.mean([t == p for t, p in pairs]))
    found = []
    for label, name in enumerate("abcd"):
        expected = plain(truth, said, label)
        one = report.labels[name]
        for score, value in zip((one.precision, one.recall, one.f1), expected, strict=True):
            assert (score.value is None) == (value is None)
            assert value is None or score.value == pytest.approx(value)
        assert (one.n_examples, one.n_predicted) == (truth.count(label), said.count(label))
        if label in truth:
            found.append(expected[2])
    assert report.macro_f1.value == pytest.approx(np.mean(found))
    assert report.majority == max(truth.count(label) for label in range(4)) / len(truth)
    assert report.confusion.sum() == len(truth)


def test_intervals_are_those_of_drawing_examples_again() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 300)
    said = np.where(rng.random(300) < 0.8, truth, 1 - truth)
    probabilities = np.eye(2)[said] * 0.8 + 0.1
    report = text_report(["a", "b"], probabilities, truth, n_bootstrap=2000)
    drawn = rng.integers(0, 300, (2000, 300))
    shares = (truth == said)[drawn].mean(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    assert report.accuracy.low == pytest.approx(low, abs=0.006)
    assert report.accuracy.high == pytest.approx(high, abs=0.006)
    recalls = [((said == 1) & (truth == 1))[rows].sum() / (truth == 1)[rows].sum() for rows in drawn]
    assert report.labels["b"].recall.low == pytest.approx(np.percentile(recalls, 2.5), abs=0.01)
    assert text_report(["a", "b"], probabilities, truth, n_bootstrap=0).accuracy.low is None
    assert report.as_dict()["accuracy"] == report.accuracy.as_dict()


def test_the_temperature_is_the_best_of_a_grid() -> None:
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 3, 400)
    scores = rng.normal(size=(400, 3)) * 4
    scores[np.arange(400), labels] += 3
    found = fit_temperature(scores, labels)
    assert found is not None
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 4000))
    best = min(grid, key=lambda t: log_loss(scores, labels, t))
    assert found == pytest.approx(best, rel=2e-3)
    assert found > 1.2  # scores are surer than they are right
    assert softmax(scores, found).sum(axis=1) == pytest.approx(np.ones(400))
    assert (softmax(scores, found).argmax(axis=1) == scores.argmax(axis=1)).all()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 3.7, 1e3])
def test_no_temperature_is_fitted_where_the_loss_has_no_least_value(scale: float) -> None:
    """Scores that are right for every example would have it run to the lowest one, and be wrong surely elsewhere."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 30)
    scores = scale * (rng.normal(size=(30, 3)) * 0.1 + 2 * np.eye(3)[labels])
    assert (scores.argmax(axis=1) == labels).all()
    assert fit_temperature(scores, labels) is None
    assert fit_temperature(-scores, labels) == HIGHEST
    assert fit_temperature(0 * scores, labels) is None
