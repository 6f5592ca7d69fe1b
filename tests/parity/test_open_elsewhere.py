"""The model folder opens in sentence-transformers and model2vec, and all say the same of a text."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from qianru.sample import sample_lines
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.vectors import Vectors

N_LINES = 2000


def mixed_lines() -> list[str]:
    """Lines of Chinese, English and both, some with characters that no tokenizer knows."""
    draw = random.Random(7)
    pool = [*sample_lines("en", n_bytes=150_000), *sample_lines("zh", n_bytes=150_000)]
    more = ["", " 🙂", " C++ 3.14", "，don't", " naïve e\u0301", " unheard-of", " ①②", " ＡＢ"]
    return [
        draw.choice(("", " ", "，")).join(draw.sample(pool, draw.choice((1, 2)))) + draw.choice(more)
        for _ in range(N_LINES)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    lines = mixed_lines()
    encoded = Corpus(lines).encode(min_count=1)
    matrix = np.random.default_rng(1).standard_normal((len(encoded.keys), 16)).astype(np.float32)
    path = tmp_path_factory.mktemp("static") / "model"
    Vectors(encoded.keys, matrix, counts=encoded.counts).save(path)
    return path, lines


def means(path: Path, lines: list[str]) -> np.ndarray:
    """The unit vector of each line: the mean over the ids that the folder's tokenizer gives, unknown ones zero."""
    tokenizer, vectors = Tokenizer.load(path), Vectors.load(path)
    assert tokenizer.unknown_id == len(vectors)
    rows = np.vstack([vectors.to_numpy(), np.zeros((1, vectors.dim), np.float32)])
    found = np.array([rows[ids].mean(axis=0) for ids in tokenizer.encode_batch(lines)])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_the_tokenizer_finds_the_words_of_the_corpus(made: tuple[Path, list[str]]) -> None:
    path, lines = made
    tokenizer = Tokenizer.load(path)
    keys = set(Vectors.load(path).keys)
    words = [[word for word in found if word in keys] for found in Corpus(lines).words()]
    batch = tokenizer.encode_batch(lines)
    same = 0
    for ids, expected in zip(batch, words, strict=True):
        tokens = [
            tokenizer.token_of(token_id) for token_id in ids.tolist() if token_id != tokenizer.unknown_id
        ]
        same += tokens == expected
    # Counts may speak for another cut than the dictionary does.
    assert same / len(lines) > 0.99
    assert means(path, lines).shape == (N_LINES, 16)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_model2vec_gives_the_same_vectors(made: tuple[Path, list[str]]) -> None:
    model2vec = pytest.importorskip("model2vec", reason="model2vec is not installed")
    path, lines = made
    found = model2vec.StaticModel.from_pretrained(path).encode(lines)
    np.testing.assert_allclose(found, means(path, lines), atol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_sentence_transformers_gives_the_same_vectors(made: tuple[Path, list[str]]) -> None:
    transformers = pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers is not installed"
    )
    path, lines = made
    model = transformers.SentenceTransformer(str(path), device="cpu")
    np.testing.assert_allclose(model.encode(lines), means(path, lines), atol=1e-6)
    vectors = Vectors.load(path)
    words = [key for key in vectors.keys if key.isascii()][:50]
    unit = vectors.normalise()
    np.testing.assert_allclose(model.encode(words), unit[words], atol=1e-6)
