"""Common directions removed and principal components, beside the plain computation."""

from __future__ import annotations

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.vectors import SubwordRule, SubwordVectors, Vectors
from qianru.vectors.transform import principal, reduce_dim, remove_components


@pytest.fixture
def tilted() -> Vectors:
    """A mean far from zero and a direction that outweighs the others."""
    rng = np.random.default_rng(5)
    matrix = rng.standard_normal((500, 12)) * np.array([30, *[2] * 5, *[0.1] * 6]) + 7
    turned = matrix @ np.linalg.qr(rng.standard_normal((12, 12)))[0]
    return Vectors([f"w{i}" for i in range(500)], turned.astype(np.float32), counts=range(500))


def test_principal_is_numpy_s(tilted: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qianru.vectors.transform._BLOCK", 64)
    matrix = tilted.to_numpy().astype(np.float64)
    mean, values, directions = principal(tilted.to_numpy())
    _, singular, vt = np.linalg.svd(matrix - matrix.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(mean, matrix.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(values, singular**2 / len(matrix), rtol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(directions[:, :6] * vt[:6].T, axis=0)), 1, atol=1e-4)


def test_remove_components(tilted: Vectors) -> None:
    cleaned = remove_components(tilted, 1)
    matrix = tilted.to_numpy().astype(np.float64)
    mean, _, directions = principal(tilted.to_numpy())
    centred, top = matrix - mean, directions[:, 0]
    np.testing.assert_allclose(cleaned.to_numpy(), centred - np.outer(centred @ top, top), atol=1e-4)
    assert np.abs(cleaned.to_numpy().mean(axis=0)).max() < 1e-4
    assert cleaned.provenance["steps"][-1]["variance_removed"] > 0.9
    np.testing.assert_array_equal(cleaned.counts, tilted.counts)
    np.testing.assert_allclose(remove_components(tilted, 0).to_numpy(), centred, atol=1e-4)
    assert remove_components(tilted).fingerprint == cleaned.fingerprint


def test_reduce_dim(tilted: Vectors) -> None:
    small = reduce_dim(tilted, 6)
    assert small.dim == 6
    assert small.provenance["steps"][-1]["variance_kept"] > 0.999
    # Distances hardly change where hardly any variance is lost, and not at all where none is.
    for made, bound in ((small, 0.02), (reduce_dim(tilted, 12), 1e-5)):
        a, b = tilted.to_numpy(), made.to_numpy()
        before, after = (np.linalg.norm(m[:100] - m[100:200], axis=1) for m in (a, b))
        np.testing.assert_allclose(after, before, rtol=bound)
    assert np.abs(np.corrcoef(small.to_numpy().T) - np.eye(6)).max() < 1e-3


def test_bad_arguments(tilted: Vectors) -> None:
    for n in (-1, 12, 1.5, True):
        with pytest.raises(ArgumentError, match="n_components must be"):
            remove_components(tilted, n)
    for dim in (0, 13, 2.0):
        with pytest.raises(ArgumentError, match="dim must be"):
            reduce_dim(tilted, dim)


def test_vectors_that_are_all_the_same() -> None:
    same = Vectors(["a", "b"], np.ones((2, 3), np.float32))
    assert not remove_components(same, 1).to_numpy().any()
    assert not reduce_dim(same, 2).to_numpy().any()


@pytest.mark.parametrize("pruned", [False, True])
def test_words_and_their_n_grams_go_the_same_way(tilted: Vectors, pruned: bool) -> None:
    rng = np.random.default_rng(6)
    rule = SubwordRule(min_n=1, max_n=2, n_buckets=50)
    buckets = np.arange(30, dtype=np.uint32) if pruned else None
    model = SubwordVectors(
        tilted.keys, tilted.to_numpy(), rng.standard_normal((30 if pruned else 50, 12)).astype(np.float32) + 3,
        rule=rule, buckets=buckets, pruned=pruned, counts=tilted.counts, output=tilted.to_numpy(),
    )  # fmt: skip
    made = reduce_dim(remove_components(model, 1), 4)
    plain = reduce_dim(remove_components(model.vectors, 1), 4)
    np.testing.assert_allclose(made.vectors.to_numpy(), plain.to_numpy(), atol=2e-4)
    # Of a word that nobody has seen: the same map of the vector that it had.
    seen_only = Vectors([*model.vectors.keys, "w0w1"], np.vstack([model.vectors.to_numpy(), model["w0w1"]]))
    mean, _, directions = principal(model.vectors.to_numpy())
    first = (seen_only.to_numpy() - mean) @ (np.eye(12) - np.outer(directions[:, 0], directions[:, 0]))
    mean, _, directions = principal(remove_components(model.vectors, 1).to_numpy())
    np.testing.assert_allclose(made["w0w1"], ((first - mean) @ directions[:, :4])[-1], atol=2e-4)
    assert made.lookup("w0w1").source == "subwords"
    assert made.output is None
    np.testing.assert_array_equal(made.vectors.counts, tilted.counts)
    steps = made.provenance["steps"]
    assert isinstance(steps, list)
    assert [step["step"] for step in steps] == ["remove components", "principal components"]


def test_grown_words_whose_n_grams_have_no_rows_are_mapped_as_vectors(tilted: Vectors) -> None:
    rng = np.random.default_rng(2)
    rule = SubwordRule(min_n=3, max_n=3, n_buckets=1000)
    rows = rng.standard_normal((40, tilted.dim)).astype(np.float32) + 2
    words = list(tilted)[:20]
    model = SubwordVectors(
        words, tilted.to_numpy()[:20], rows, rule=rule, buckets=np.arange(0, 1000, 25, dtype=np.uint32)
    )
    grown = model.with_words(
        Vectors(
            [*words, "xyzq"],
            np.vstack([model.vectors.to_numpy(), rng.standard_normal((1, tilted.dim)).astype(np.float32)]),
        )
    )
    for change in (
        lambda v: remove_components(v, 0),
        lambda v: remove_components(v, 2),
        lambda v: reduce_dim(v, 3),
    ):
        np.testing.assert_allclose(
            change(grown).vectors.to_numpy(), change(grown.vectors).to_numpy(), atol=1e-4
        )
