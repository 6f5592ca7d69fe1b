from __future__ import annotations

import json

import numpy as np
import pytest

from qianru.errors import ArgumentError, UnknownWordError
from qianru.vectors import Neighbour, Vectors


def cosines(vectors: Vectors, query: np.ndarray) -> np.ndarray:
    matrix = vectors.to_numpy().astype(np.float64)
    return matrix @ query / np.linalg.norm(matrix, axis=1) / np.linalg.norm(query)


def plain_similar(vectors: Vectors, query: np.ndarray, k: int, without: set[str]) -> list[str]:
    order = np.argsort(-cosines(vectors, query), kind="stable")
    return [word for word in (vectors.keys[row] for row in order) if word not in without][:k]


def test_looking_up(vectors: Vectors) -> None:
    matrix = vectors.to_numpy()
    assert len(vectors) == 19
    assert vectors.dim == 10
    assert "猫" in vectors
    assert "龙" not in vectors
    assert 3 not in vectors
    np.testing.assert_array_equal(vectors["老虎"], matrix[2])
    np.testing.assert_array_equal(vectors[["狗", "猫"]], matrix[[1, 0]])
    assert list(vectors) == list(vectors.keys)
    assert vectors.index("king") == 7
    assert vectors.rows(["猫", "龙"], unknown="skip").tolist() == [0, -1]
    assert repr(vectors) == "Vectors(n=19, dim=10)"


def test_nothing_is_copied_and_nothing_can_be_written() -> None:
    matrix = np.ones((2, 3), np.float32)
    vectors = Vectors(["a", "b"], matrix)
    assert np.shares_memory(vectors.to_numpy(), matrix)
    assert np.shares_memory(vectors["a"], matrix)
    with pytest.raises(ValueError, match="read-only"):
        vectors["a"][0] = 5
    with pytest.raises(ValueError, match="read-only"):
        vectors.to_numpy()[0, 0] = 5


def test_provenance_is_what_json_keeps(vectors: Vectors) -> None:
    given = {"window": 5, "paths": ("a", "b")}
    made = Vectors(["a"], np.ones((1, 1), np.float32), provenance=given)
    given["window"] = 6
    assert dict(made.provenance) == {"window": 5, "paths": ["a", "b"]}
    json.dumps(dict(made.provenance))


@pytest.mark.parametrize(
    ("keys", "matrix", "extra", "message"),
    [
        (["a", "b"], np.ones((2, 3)), {}, "matrix must be float32"),
        (["a", "b"], np.ones((3, 2), np.float32).T, {}, "C-contiguous"),
        (["a"], np.ones(3, np.float32), {}, "shape"),
        (["a"], [[1.0]], {}, "numpy array"),
        (["a"], np.ones((1, 0), np.float32), {}, "at least 1"),
        ([], np.ones((0, 3), np.float32), {}, "at least 1"),
        (["a", "b"], np.ones((3, 3), np.float32), {}, "2 keys, 3 rows"),
        (["a", "b", "a"], np.ones((3, 3), np.float32), {}, "'a' at rows 0 and 2"),
        (["a", ""], np.ones((2, 3), np.float32), {}, "non-empty"),
        (["a", 5], np.ones((2, 3), np.float32), {}, "got 5 at row 1"),
        ("ab", np.ones((2, 3), np.float32), {}, "one str"),
        (["a\ud800"], np.ones((1, 3), np.float32), {}, "surrogate"),
        (["a"], np.full((1, 3), np.nan, np.float32), {}, "finite"),
        (["a"], np.ones((1, 3), np.float32), {"counts": [1, 2]}, "counts"),
        (["a"], np.ones((1, 3), np.float32), {"counts": [-1]}, "counts"),
        (["a"], np.ones((1, 3), np.float32), {"counts": [1.5]}, "counts"),
        (["a"], np.ones((1, 3), np.float32), {"provenance": {"x": object()}}, "provenance"),
        (["a"], np.ones((1, 3), np.float32), {"provenance": {"x": float("nan")}}, "provenance"),
    ],
)
def test_bad_arguments(keys, matrix, extra, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Vectors(keys, matrix, **extra)


def test_similarity(vectors: Vectors) -> None:
    expected = cosines(vectors, vectors["猫"])[1]
    assert vectors.similarity("猫", "狗") == pytest.approx(expected, abs=1e-6)
    assert vectors.similarity("猫", vectors["狗"]) == pytest.approx(expected, abs=1e-6)
    assert vectors.similarity("猫", "猫") == pytest.approx(1)
    assert vectors.similarity("猫", np.zeros(10, np.float32)) == 0
    assert vectors.similarity("猫", -vectors["猫"]) == pytest.approx(-1)


def test_similar_agrees_with_numpy(vectors: Vectors) -> None:
    for word in vectors:
        found = vectors.similar(word, 5)
        assert [n.word for n in found] == plain_similar(vectors, vectors[word], 5, {word})
        assert isinstance(found[0], Neighbour)
        assert found[0].score == pytest.approx(vectors.similarity(word, found[0].word), abs=1e-6)


def test_similar_to_a_vector_and_to_batches(vectors: Vectors) -> None:
    assert vectors.similar(vectors["猫"], 3)[0].word == "猫"
    assert vectors.similar("猫", 3, keep_query=True)[0].word == "猫"
    single = [vectors.similar(word, 4) for word in vectors]
    assert vectors.similar(list(vectors), 4) == single
    batch = vectors.similar(vectors.to_numpy(), 4)
    assert batch == [vectors.similar(vectors[word], 4) for word in vectors]
    assert vectors.similar([], 4) == []


def test_filters(vectors: Vectors) -> None:
    latin = [word for word in vectors if word.isascii()]
    by_words = vectors.similar("猫", 5, among=latin)
    assert {n.word for n in by_words} <= set(latin)
    assert vectors.similar("猫", 5, among=str.isascii) == by_words
    assert vectors.similar("猫", 5, among=vectors.rows(latin)) == by_words
    assert vectors.similar("猫", 5, among=reversed(latin)) == by_words
    first = by_words[0].word
    assert first not in [n.word for n in vectors.similar("猫", 100, exclude=[first, "unknown"])]
    assert len(vectors.similar("猫", 100)) == 18
    assert vectors.similar("猫", 3, among=[]) == []
    assert vectors.similar("猫", 3, among=["猫"]) == []


def test_analogies_agree_with_numpy(vectors: Vectors) -> None:
    units = vectors.to_numpy() / np.linalg.norm(vectors.to_numpy(), axis=1, keepdims=True)
    cosine = units @ units.T
    for a, b, c in [("man", "king", "woman"), ("男人", "国王", "女人"), ("猫", "cat", "老虎")]:
        ra, rb, rc = vectors.rows([a, b, c])
        target = units[rb] - units[ra] + units[rc]
        expected = plain_similar(vectors, target, 5, {a, b, c})
        assert [n.word for n in vectors.analogy(a, b, c, 5)] == expected
        shifted = (1 + cosine) / 2
        product = shifted[rb] * shifted[rc] / (shifted[ra] + 1e-3)
        product[[ra, rb, rc]] = -1
        found = vectors.analogy(a, b, c, 5, method="mul")
        assert [n.word for n in found] == [vectors.keys[row] for row in np.argsort(-product)[:5]]
        assert found[0].score == pytest.approx(product.max(), rel=1e-4)


def test_an_analogy_made_to_hold() -> None:
    royal, female, male, other = np.eye(4, dtype=np.float32)
    words = ["man", "woman", "king", "queen", "car"]
    vectors = Vectors(words, np.stack([male, female, royal + male, royal + female, other]))
    for method in ("add", "mul"):
        assert vectors.analogy("man", "king", "woman", 1, method=method)[0].word == "queen"


@pytest.mark.parametrize("method", ["add", "mul"])
def test_batches_of_analogies(vectors: Vectors, method: str) -> None:
    triples = [("man", "king", "woman"), ("猫", "cat", "老虎"), ("狗", "狗", "car")]
    rows, scores = vectors.analogies(triples, 3, method=method)
    assert rows.shape == scores.shape == (3, 3)
    assert rows.dtype == np.int64
    for i, (a, b, c) in enumerate(triples):
        single = vectors.analogy(a, b, c, 3, method=method)
        assert [n.word for n in single] == [vectors.keys[row] for row in rows[i]]
        assert [n.score for n in single] == scores[i].tolist()
    by_rows, _ = vectors.analogies(np.array([vectors.rows(t) for t in triples]), 3, method=method)
    np.testing.assert_array_equal(by_rows, rows)
    few, _ = vectors.analogies(triples, 3, method=method, among=["car", "猫"])
    assert few[0].tolist().count(-1) == 1


def test_odd_one_out() -> None:
    rng = np.random.default_rng(0)
    near = np.ones(6) + 0.1 * rng.standard_normal((4, 6))
    vectors = Vectors(list("abcd"), np.vstack([near[:2], -near[2:3], near[3:]]).astype(np.float32))
    assert vectors.odd_one_out(["a", "b", "c", "d"]) == "c"
    with pytest.raises(ArgumentError, match="three"):
        vectors.odd_one_out(["a", "b"])


def test_subset_and_normalise(vectors: Vectors) -> None:
    part = vectors.subset(["狗", "car"])
    assert list(part) == ["狗", "car"]
    assert part.counts is not None
    assert part.counts.tolist() == [18, 6]
    np.testing.assert_array_equal(part.to_numpy(), vectors[["狗", "car"]])
    assert part.provenance["steps"] == [{"step": "subset", "n_keys": 2}]
    units = part.normalise()
    np.testing.assert_allclose(np.linalg.norm(units.to_numpy(), axis=1), 1, rtol=1e-6)
    assert [step["step"] for step in units.provenance["steps"]] == ["subset", "normalise"]
    assert part.fingerprint != units.fingerprint
    zero = Vectors(["a", "b"], np.array([[0, 0], [3, 4]], np.float32)).normalise()
    np.testing.assert_allclose(zero.to_numpy(), [[0, 0], [0.6, 0.8]], rtol=1e-6)
    with pytest.raises(ArgumentError, match="unique"):
        vectors.subset(["狗", "狗"])


def test_the_fingerprint_is_of_keys_and_matrix() -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    first = Vectors(["a", "b"], matrix)
    assert first.fingerprint == Vectors(["a", "b"], matrix.copy(), counts=[2, 1]).fingerprint
    assert first.fingerprint != Vectors(["b", "a"], matrix).fingerprint
    assert first.fingerprint != Vectors(["a", "b"], matrix + 1).fingerprint
    assert first.fingerprint != Vectors(["a", "b", "c"], matrix.reshape(3, 2)).fingerprint
    assert Vectors(["ab", "c"], matrix).fingerprint != Vectors(["a", "bc"], matrix).fingerprint


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: v.similar("猫", 0), "k must"),
        (lambda v: v.similar("猫", 2.5), "k must"),
        (lambda v: v.similar("猫", True), "k must"),
        (lambda v: v.similar(np.ones(4, np.float32)), "10 numbers"),
        (lambda v: v.similar(np.full(10, np.nan, np.float32)), "finite"),
        (lambda v: v.similar("猫", among="狗"), "one str"),
        (lambda v: v.similar("猫", among=np.array([19])), "from 0 to 18"),
        (lambda v: v.analogy("man", "king", "woman", method="sum"), "method"),
        (lambda v: v.analogies(np.zeros((3, 2), np.int64)), r"\[m, 3\]"),
        (lambda v: v.analogies(np.full((1, 3), 99)), "rows must"),
        (lambda v: v.rows("猫狗"), "one str"),
        (lambda v: v.rows(["猫"], unknown="?"), "unknown must"),
        (lambda v: v[["猫", 3]], "must be a str"),
    ],
)
def test_bad_questions(vectors: Vectors, call, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(vectors)


def test_unknown_words_are_named(vectors: Vectors) -> None:
    for call in (
        lambda: vectors["quene"],
        lambda: vectors.similar("quene"),
        lambda: vectors.similar(["king", "quene"]),
        lambda: vectors.similarity("king", "quene"),
        lambda: vectors.analogy("man", "king", "quene"),
        lambda: vectors.subset(["quene"]),
        lambda: vectors.similar("king", among=["quene"]),
    ):
        with pytest.raises(UnknownWordError, match=r"'quene'[^q]*queen") as caught:
            call()
        assert caught.value.close[0] == "queen"
    with pytest.raises(KeyError):
        vectors["龙"]
