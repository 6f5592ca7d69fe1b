"""`Vectors` to gensim's KeyedVectors and back, and gensim's names on `Vectors` with gensim's answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, UnknownWordError
from qianru.vectors import Vectors

gensim = pytest.importorskip("gensim")


@pytest.fixture(scope="module")
def ours() -> Vectors:
    matrix = np.random.default_rng(9).standard_normal((120, 11)).astype(np.float32)
    return Vectors(["猫", "New York", *(f"w{i}" for i in range(118))], matrix, counts=range(240, 0, -2))


def test_there_and_back(ours: Vectors) -> None:
    theirs = ours.to_gensim()
    assert theirs.index_to_key == list(ours.keys)
    np.testing.assert_array_equal(theirs.vectors, ours.to_numpy())
    assert theirs.get_vecattr("猫", "count") == 240
    back = Vectors.from_gensim(theirs)
    assert back.fingerprint == ours.fingerprint
    np.testing.assert_array_equal(back.counts, ours.counts)


def test_counts_that_gensim_made_up_and_rows_that_it_left_empty(ours: Vectors, tmp_path: Path) -> None:
    ours.subset(["猫", "w1", "w2"]).export(tmp_path / "v.bin")
    theirs = gensim.models.KeyedVectors.load_word2vec_format(tmp_path / "v.bin", binary=True)
    assert theirs.get_vecattr("猫", "count") == 3
    assert Vectors.from_gensim(theirs).counts is None
    roomy = gensim.models.KeyedVectors(3, count=10)
    roomy.add_vectors(["a", "b"], np.eye(2, 3, dtype=np.float32))
    made = Vectors.from_gensim(roomy)
    assert list(made) == ["a", "b"]
    np.testing.assert_array_equal(made.to_numpy(), np.eye(2, 3))
    roomy.expandos["count"] = np.array([1])
    with pytest.raises(ArgumentError, match="12 words and 1 counts"):
        Vectors.from_gensim(roomy)
    roomy.vectors = roomy.vectors[:1]
    with pytest.raises(ArgumentError, match="12 words and 1 rows"):
        Vectors.from_gensim(roomy)


def test_what_is_no_word_is_not_found(ours: Vectors) -> None:
    assert 1 not in ours.key_to_index
    assert ours.key_to_index.get(None) is None
    with pytest.raises(ValueError, match="not among the keys"):
        ours.keys.index(5)  # type: ignore[arg-type]
    for given in ([1], 1, [None], [("w1", "w2")]):
        with pytest.raises(ArgumentError, match="positive and negative hold words and vectors, got"):
            ours.most_similar(positive=given)  # type: ignore[arg-type]
    for vector in (np.ones(3), np.ones((2, 11)), np.array(["w1", "w2"]), np.array(1)):
        with pytest.raises(ArgumentError, match="a vector must be 11 numbers long"):
            ours.most_similar(positive=["w1", vector])
    assert ours.most_similar(positive=("w1", 2.0)) == ours.most_similar(positive=[("w1", 2.0)])


def test_a_trained_model() -> None:
    model = gensim.models.Word2Vec(
        [["a", "b", "c"] * 5] * 20, vector_size=4, min_count=1, workers=1, epochs=1
    )
    made = Vectors.from_gensim(model)
    assert set(made.keys) == {"a", "b", "c"}
    assert made.counts.tolist() == [100, 100, 100]
    np.testing.assert_array_equal(made["a"], model.wv["a"])
    fast = gensim.models.FastText([["a", "b", "c"] * 5] * 20, vector_size=4, min_count=1, workers=1, epochs=1)
    np.testing.assert_array_equal(Vectors.from_gensim(fast.wv)["a"], fast.wv["a"])


def test_names(ours: Vectors) -> None:
    theirs = ours.to_gensim()
    assert ours.index_to_key == theirs.index_to_key
    assert dict(ours.key_to_index) == theirs.key_to_index
    assert ours.key_to_index["猫"] == 0
    assert "no" not in ours.key_to_index
    assert ours.vector_size == theirs.vector_size == 11
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)


@pytest.mark.parametrize(
    "asked",
    [
        {"positive": "猫"},
        {"positive": ["w1", "w2"], "negative": ["w3"]},
        {"positive": [("w1", 2.0), "w2"], "negative": [("w3", 0.5)], "topn": 3},
        {"positive": [("w1", np.float32(2)), "w2"]},
        {"positive": None, "negative": ["w9"]},
    ],
)
def test_most_similar(ours: Vectors, asked: dict) -> None:
    expected = ours.to_gensim().most_similar(**asked)
    found = ours.most_similar(**asked)
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=1e-5)


def test_most_similar_of_vectors(ours: Vectors) -> None:
    theirs = ours.to_gensim()
    for positive in (ours["w4"], [ours["w4"], "w5"]):
        expected = theirs.most_similar(positive=positive, topn=5)
        found = ours.most_similar(positive=positive, topn=5)
        assert [word for word, _ in found] == [word for word, _ in expected]


def test_bad_arguments(ours: Vectors) -> None:
    with pytest.raises(ArgumentError, match="at least one"):
        ours.most_similar()
    with pytest.raises(UnknownWordError):
        ours.most_similar("nothing like it")
    with pytest.raises(ArgumentError, match="index_to_key"):
        Vectors.from_gensim({"a": [1, 2]})
