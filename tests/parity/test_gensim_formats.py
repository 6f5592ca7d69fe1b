"""word2vec files go both ways between qianru and gensim, and both give the same neighbours and analogies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.vectors import Vectors, load

keyedvectors = pytest.importorskip("gensim.models.keyedvectors")

WORDS = [
    "猫",
    "狗",
    "king",
    "naïve",
    "don't",
    "New_York",
    "北京",
    "𠮷野家",
    *(f"word{i}" for i in range(200)),
]
FORMATS = [("v.bin", True), ("v.txt", False), ("v.bin.gz", True), ("v.txt.gz", False)]


@pytest.fixture(scope="module")
def matrix() -> np.ndarray:
    return np.random.default_rng(11).standard_normal((len(WORDS), 25)).astype(np.float32)


@pytest.fixture(scope="module")
def theirs(matrix: np.ndarray):
    made = keyedvectors.KeyedVectors(25)
    made.add_vectors(WORDS, matrix)
    return made


@pytest.mark.parametrize(("name", "binary"), FORMATS)
def test_gensim_opens_ours(tmp_path: Path, matrix: np.ndarray, name: str, binary: bool) -> None:
    Vectors(WORDS, matrix).export(tmp_path / name)
    opened = keyedvectors.KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=binary)
    assert opened.index_to_key == WORDS
    np.testing.assert_array_equal(opened.vectors, matrix)


@pytest.mark.parametrize(("name", "binary"), FORMATS)
def test_we_open_gensim_s(tmp_path: Path, matrix: np.ndarray, theirs, name: str, binary: bool) -> None:
    theirs.save_word2vec_format(str(tmp_path / name), binary=binary)
    opened = load(tmp_path / name)
    assert opened.keys == WORDS
    np.testing.assert_array_equal(opened.to_numpy(), matrix)


def test_neighbours_agree(matrix: np.ndarray, theirs) -> None:
    ours = Vectors(WORDS, matrix)
    for word in WORDS[::9]:
        expected = theirs.most_similar(word, topn=10)
        found = ours.similar(word, 10)
        assert [n.word for n in found] == [w for w, _ in expected]
        np.testing.assert_allclose([n.score for n in found], [s for _, s in expected], atol=1e-5)
    assert ours.similarity("猫", "狗") == pytest.approx(float(theirs.similarity("猫", "狗")), abs=1e-6)


def test_analogies_agree(matrix: np.ndarray, theirs) -> None:
    ours = Vectors(WORDS, matrix)
    for i in range(0, 200, 17):
        a, b, c = WORDS[i : i + 3]
        add = theirs.most_similar(positive=[b, c], negative=[a], topn=5)
        assert [n.word for n in ours.analogy(a, b, c, 5)] == [w for w, _ in add]
        # gensim divides by the cosine plus 1e-6, the paper by it plus 1e-3: close scores may change places.
        mul = theirs.most_similar_cosmul(positive=[b, c], negative=[a], topn=5)
        found = [n.word for n in ours.analogy(a, b, c, 5, method="mul")]
        assert found[0] == mul[0][0]
        assert len(set(found) & {w for w, _ in mul}) >= 4
