"""The space itself, and how much of it two models share, beside plain computations."""

from __future__ import annotations

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.evaluate import Space, geometry, stability
from qianru.evaluate.geometry import _Isotropy, _TopComponent
from qianru.evaluate.intervals import interval_of
from qianru.vectors import Vectors


def isotropy(vectors: np.ndarray) -> float:
    return float(_Isotropy(vectors)(np.ones((1, len(vectors))))[0])


def top_component(units: np.ndarray) -> float:
    strengths = np.linalg.eigvalsh(units.T @ units)
    return float(strengths[-1] / strengths.sum())


def test_geometry(vectors: Vectors) -> None:
    found = geometry(vectors, k=5)
    units = Space(vectors).unit(np.arange(72))
    cosines = units @ units.T
    np.fill_diagonal(cosines, -2)
    near = np.argsort(-cosines, axis=1)[:, :5]
    occurs = np.bincount(near.ravel(), minlength=72)
    skewness = np.mean((occurs - occurs.mean()) ** 3) / occurs.std() ** 3
    assert found["hubness"].value == pytest.approx(skewness, abs=1e-6)
    assert found["share never near"].value == pytest.approx(np.mean(occurs == 0))
    assert max(found.details["hubs"].values()) == occurs.max()
    np.fill_diagonal(cosines, 0)
    assert found["mean cosine"].value == pytest.approx(cosines.sum() / (72 * 71), abs=1e-6)
    assert found["top component"].value == pytest.approx(top_component(units), rel=1e-5)
    for name in ("hubness", "share never near", "isotropy", "mean cosine", "top component"):
        assert found[name].low < found[name].value < found[name].high
    assert found["isotropy"].value == pytest.approx(isotropy(vectors.to_numpy().astype(np.float64)))
    round_space = np.random.default_rng(1).standard_normal((20_000, 10))
    round_space /= np.linalg.norm(round_space, axis=1, keepdims=True)
    assert isotropy(round_space) > 0.95
    line = np.tile([[1.0, 0, 0]], (50, 1))
    assert (isotropy(line), _TopComponent(line)(np.ones((1, 50)))[0]) == pytest.approx((np.exp(-2), 1))
    with pytest.raises(ArgumentError, match="k \\+ 2 words"):
        geometry(vectors, k=71)


def test_intervals_are_those_of_words_drawn_again() -> None:
    """The slow twin takes the rows of each resample out and computes from them; it takes anew the directions, too, which are held."""
    rng = np.random.default_rng(3)
    made = (rng.standard_normal((400, 5)) * [2, 1, 1, 1, 0.5] + [0.3, 0.2, 0, 0, 0]).astype(np.float32)
    found = geometry(Vectors([str(i) for i in range(400)], made), k=5, n_bootstrap=1000)
    units = made / np.linalg.norm(made, axis=1, keepdims=True)

    def mean_cosine(rows: np.ndarray) -> float:
        cosines, other = units[rows] @ units[rows].T, rows[:, None] != rows
        return cosines[other].mean()

    for name, plain in (
        ("mean cosine", mean_cosine),
        ("top component", lambda rows: top_component(units[rows])),
    ):
        slow = interval_of(
            lambda weights, plain=plain: np.array(
                [plain(np.repeat(np.arange(400), w.astype(int))) for w in weights]
            ),
            400,
            n_bootstrap=1000,
            seed=7,
        )
        width = slow.high - slow.low
        assert found[name].low == pytest.approx(slow.low, abs=0.15 * width)
        assert found[name].high == pytest.approx(slow.high, abs=0.15 * width)


def test_stability(vectors: Vectors, noisy: Vectors) -> None:
    assert stability(vectors, vectors).value == 1
    turned = np.linalg.qr(np.random.default_rng(1).standard_normal((24, 24)))[0].astype(np.float32)
    assert stability(vectors, vectors.with_matrix(vectors.to_numpy() @ turned, {})).value > 0.99
    found = stability(vectors, noisy, k=5)
    shared = []
    for word in vectors:
        near = [{n.word for n in one.similar(word, 5)} for one in (vectors, noisy)]
        shared.append(len(near[0] & near[1]) / 5)
    assert found.value == pytest.approx(np.mean(shared))
    assert found.details["n_common"] == 72
    with pytest.raises(ArgumentError, match="in common"):
        stability(vectors, Vectors(["x"], np.ones((1, 2), np.float32)))


def test_isotropy_is_that_of_the_vectors_as_they_are() -> None:
    """Mu & Viswanath's ratio as it is written, of vectors that are not of one length; and of such that overflow exp."""
    made = np.random.default_rng(2).standard_normal((300, 6)) * [3, 1, 1, 1, 1, 1]
    plainly = []
    for axis in np.linalg.eigh(made.T @ made)[1].T:
        plainly += [sum(np.exp(sign * (axis @ row)) for row in made) for sign in (1, -1)]
    vectors = Vectors([str(i) for i in range(300)], made.astype(np.float32))
    found = geometry(vectors, n_bootstrap=0)["isotropy"].value
    assert found == pytest.approx(min(plainly) / max(plainly), rel=1e-4)
    units = geometry(vectors.normalise(), n_bootstrap=0)["isotropy"].value
    assert units > 10 * found
    # exp(1000) has no float64; one to e^-1000 has none either, and to e^-500 has.
    assert isotropy(np.array([[1000.0, 0]] * 2)) == 0
    assert isotropy(np.array([[1000.0, 0], [0, 1000.0], [-1000.0, 0], [0, -1000.0]])) == pytest.approx(1)


def test_rows_of_zeros_are_no_hubs() -> None:
    """They would all be as near to a word as any, and the first of them its nearest in both models."""
    rng = np.random.default_rng(1)
    one, two = (rng.standard_normal((1000, 20)).astype(np.float32) for _ in range(2))
    words = [f"w{i}" for i in range(1000)]
    zero = rng.choice(1000, 700, replace=False)
    models = []
    for made in (one, two):
        made[zero] = 0
        kept = [word for word, row in zip(words, made, strict=True) if row.any()]
        whole = Vectors(words, made)
        models.append((whole, whole.subset(kept)))
    (one_whole, one_part), (two_whole, two_part) = models
    found, expected = geometry(one_whole), geometry(one_part)
    assert found.scores == expected.scores
    assert found.details == expected.details
    assert found.notes == ("700 words whose vector is zero are left out",)
    assert expected.notes == ()
    shared = stability(one_whole, two_whole)
    assert shared.scores == stability(one_part, two_part).scores
    assert shared.details["n_common"] == 300
    assert "700 words whose vector is zero in one of the models" in shared.notes[1]
    assert stability(one_whole, two_part).scores == shared.scores
    empty = Vectors(words, np.zeros((1000, 20), np.float32))
    for run in (lambda: geometry(empty), lambda: stability(one_whole, empty)):
        with pytest.raises(ArgumentError, match="not zero are needed, got k = 10 and 0 words"):
            run()
