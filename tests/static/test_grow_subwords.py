"""Growing a model with n-grams: old vectors and n-grams stay, new words get rows of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.sample import sample_lines, similarity
from qianru.static import grow, train_fasttext
from qianru.static.new_rows import subword_sums
from qianru.static.parent import Parent
from qianru.text import Corpus
from qianru.vectors import SubwordVectors, Vectors

HELD = {"tiger", "apple", "老虎", "苹果", "汽车", "truck"}


def lines(seed: int) -> list[list[str]]:
    texts = (sample_lines(lang, n_bytes=400_000, seed=seed) for lang in ("en", "zh"))
    return [words for text in texts for words in Corpus(text).words()]


@pytest.fixture(scope="module")
def model() -> SubwordVectors:
    """It never saw the held words."""
    text = [words for words in lines(1) if not HELD & set(words)]
    return train_fasttext(text, dim=32, epochs=4, sample=1e-3, n_buckets=20_000, min_n=1, max_n=4, threads=2)


@pytest.fixture(scope="module")
def text() -> list[list[str]]:
    return [words for words in lines(2) if HELD & set(words)]


@pytest.mark.parametrize("start", ["context", "subword", "random"])
def test_old_vectors_and_ngrams_stay(
    model: SubwordVectors, text: list[list[str]], start: str, tmp_path: Path
) -> None:
    model.save(tmp_path / "model")
    grown, report = grow(tmp_path / "model", text, start=start, threads=2, output=tmp_path / "grown")
    assert isinstance(grown, SubwordVectors)
    n_old = len(model)
    assert list(grown.vectors)[:n_old] == list(model.vectors)
    assert grown.vectors.to_numpy()[:n_old].tobytes() == model.vectors.to_numpy().tobytes()
    assert grown.word_rows[:n_old].tobytes() == model.word_rows.tobytes()
    assert grown.ngram_rows.tobytes() == model.ngram_rows.tobytes()
    assert set(list(grown.vectors)[n_old:]) >= HELD
    assert report.drift.kept == 1.0
    assert grown.provenance["growth"]["outputs_from_parent"] is True
    # A word of neither text has the vector that it had.
    assert grown.lookup("catlike").source == "subwords"
    np.testing.assert_array_equal(grown["catlike"], model["catlike"])
    triples = [t for lang in ("en", "zh") for t in similarity(lang) if t[0] in HELD]
    triples = [t for t in triples if all(word in grown for word in t)]
    assert np.mean([grown.similarity(a, b) > grown.similarity(a, c) for a, b, c in triples]) > 0.8
    # Saved, and made again from the rows: the same vectors.
    saved = SubwordVectors.load(tmp_path / "grown", verify=True)
    assert saved.vectors.fingerprint == grown.vectors.fingerprint
    grown.export(tmp_path / "grown.bin")
    again = SubwordVectors.load(tmp_path / "grown.bin")
    np.testing.assert_allclose(again.vectors.to_numpy(), grown.vectors.to_numpy(), atol=1e-5)
    # It grows once more, from its own output rows.
    assert saved.output is not None
    second, _ = grow(tmp_path / "grown", [["blorp", "tiger", "the", "苹果"]] * 6, threads=1, epochs=1)
    assert list(second.vectors) == [*grown.vectors, "blorp"]


def test_vectors_in_vectors_out(model: SubwordVectors, text: list[list[str]]) -> None:
    grown, _ = grow(model.vectors, text, threads=1, epochs=1)
    assert isinstance(grown, Vectors)
    moved, _ = grow(model, text, threads=1, epochs=1, old_rate=0.5)
    assert not np.array_equal(moved["the"], model["the"])
    np.testing.assert_array_equal(moved.ngram_rows, model.ngram_rows)


def test_subword_start_is_the_vector_of_the_ngrams(model: SubwordVectors) -> None:
    sums = subword_sums(["catlike", "狮虎"], Parent.load(model))
    np.testing.assert_array_equal(sums[0], model["catlike"])
    np.testing.assert_array_equal(sums[1], model.lookup("狮虎").vector)


def test_with_words_sets_the_rows_that_give_the_vectors(model: SubwordVectors) -> None:
    words = [*list(model.vectors)[5:1:-1], "catlike", "zzz"]
    matrix = np.random.default_rng(1).normal(size=(6, 32)).astype(np.float32)
    matrix[0] = model[words[0]]
    made = model.with_words(Vectors(words, matrix))
    np.testing.assert_array_equal(made.word_rows[0], model.word_rows[5])
    rebuilt = SubwordVectors(
        words, made.word_rows, made.ngram_rows, rule=made.rule, buckets=made.buckets
    ).vectors.to_numpy()
    np.testing.assert_allclose(rebuilt, matrix, atol=1e-4)
    assert model.output is not None
    assert made.output is not None
    np.testing.assert_array_equal(made.output[:4], model.output[5:1:-1])
    np.testing.assert_array_equal(made.output[4:], 0)
    with pytest.raises(ArgumentError, match="dim 32, got 3"):
        model.with_words(Vectors(["a"], np.ones((1, 3), np.float32)))
