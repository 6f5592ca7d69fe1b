"""Texts by word vectors: against a plain twin, and against the libraries that open the same folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from qianru.errors import ArgumentError, FormatError
from qianru.static import train_fasttext
from qianru.text import Corpus
from qianru.vectors import StaticEncoder, SubwordRule, SubwordVectors, Vectors

WORDS = ["cat", "tiger", "苹果", "好吃", "the"]


@pytest.fixture
def vectors() -> Vectors:
    matrix = np.random.default_rng(1).standard_normal((len(WORDS), 6)).astype(np.float32)
    return Vectors(WORDS, matrix, counts=[5, 3, 2, 1, 90])


def test_a_text_is_the_mean_of_its_words(vectors: Vectors) -> None:
    encoder = StaticEncoder.from_vectors(vectors, normalize=False)
    found = encoder.encode(["the cat, the tiger!", "苹果好吃", "", "nothing known"])
    rows = vectors.to_numpy()
    np.testing.assert_allclose(found.vectors[0], rows[[4, 0, 4, 1]].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.vectors[1], rows[[2, 3]].mean(axis=0), atol=1e-6)
    assert not found.vectors[2:].any()
    assert found.is_empty.tolist() == [False, False, True, True]
    assert found.n_tokens.tolist() == [4, 2, 0, 0]
    assert "2 texts without a token (number 3, 4)" in found.notes[0]
    assert np.asarray(found).shape == (4, 6)
    unit = StaticEncoder.from_vectors(vectors).encode(["the cat", ""]).vectors
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [1, 0], atol=1e-6)


def test_other_poolings(vectors: Vectors) -> None:
    rows = vectors.to_numpy()
    texts = ["the cat", "", "tiger"]
    largest = StaticEncoder.from_vectors(vectors, pooling="max", normalize=False).encode(texts).vectors
    np.testing.assert_allclose(largest[0], rows[[4, 0]].max(axis=0))
    np.testing.assert_allclose(largest[2], rows[1])
    shares = np.array([90, 5]) / 101
    weights = 1e-3 / (1e-3 + shares)
    weighted = StaticEncoder.from_vectors(vectors, pooling="weighted", normalize=False).encode(texts).vectors
    np.testing.assert_allclose(weighted[0], weights @ rows[[4, 0]] / weights.sum(), atol=1e-6)
    assert not weighted[1].any()
    with pytest.raises(ArgumentError, match="pooling"):
        StaticEncoder.from_vectors(vectors, pooling="cls")
    with pytest.raises(ArgumentError, match="counts"):
        StaticEncoder.from_vectors(Vectors(WORDS, vectors.to_numpy()), pooling="weighted")


def test_a_word_has_one_vector_wherever_it_stands(vectors: Vectors) -> None:
    encoder = StaticEncoder.from_vectors(vectors)
    texts = ["the cat sleeps", "苹果好吃", "a zebra"]
    found = encoder.encode_spans(texts, [(4, 7), (0, 4), (2, 7)])
    np.testing.assert_array_equal(found.vectors[0], vectors["cat"])
    np.testing.assert_allclose(found.vectors[1], vectors.to_numpy()[[2, 3]].mean(axis=0), atol=1e-6)
    assert found.is_empty.tolist() == [False, False, True]
    with pytest.raises(ArgumentError, match="spans"):
        encoder.encode_spans(texts, [(0, 3)])


def test_the_folder_gives_the_same(vectors: Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "model")
    texts = ["the cat 苹果好吃", "", "tiger"]
    opened = StaticEncoder.load(tmp_path / "model")
    expected = StaticEncoder.from_vectors(vectors).encode(texts).vectors
    np.testing.assert_allclose(opened.encode(texts).vectors, expected, atol=1e-6)
    assert opened.fingerprint == StaticEncoder.load(tmp_path / "model").fingerprint
    assert opened.fingerprint != StaticEncoder.load(tmp_path / "model", pooling="max").fingerprint
    vectors.export(tmp_path / "words.bin")
    np.testing.assert_allclose(
        StaticEncoder.load(tmp_path / "words.bin").encode(["tiger"]).vectors, expected[2:], atol=1e-6
    )


def test_words_that_are_not_known_come_from_their_ngrams() -> None:
    lines = ["the cats and the tigers run", "cats sleep"] * 30
    model = train_fasttext(Corpus(lines), dim=8, epochs=1, min_count=1, n_buckets=500, threads=1)
    assert isinstance(model, SubwordVectors)
    encoder = StaticEncoder.from_vectors(model, normalize=False)
    found = encoder.encode(["cats tigerish", "tigers", "…"])
    expected = (model["cats"] + model.lookup("tigerish").vector) / 2
    np.testing.assert_allclose(found.vectors[0], expected, atol=1e-6)
    np.testing.assert_allclose(found.vectors[1], model["tigers"], atol=1e-6)
    assert found.is_empty.tolist() == [False, False, True]
    np.testing.assert_allclose(
        encoder.encode_spans(["a tigerish"], [(2, 10)]).vectors[0], model.lookup("tigerish").vector, atol=1e-6
    )


def foreign(folder: Path, vectors: Vectors, *, modules: bool, name: str) -> Path:
    """A static folder as another library writes it."""
    vectors.save(folder)
    tokenizer = (folder / "tokenizer.json").read_bytes()
    for file in folder.iterdir():
        file.unlink()
    inner = folder / "0_StaticEmbedding" if modules else folder
    inner.mkdir(exist_ok=True)
    matrix = np.concatenate([vectors.to_numpy(), np.zeros((1, vectors.dim), np.float32)])
    save_file({name: matrix}, inner / "model.safetensors")
    (inner / "tokenizer.json").write_bytes(tokenizer)
    if modules:
        listed = [
            {"idx": 0, "path": "0_StaticEmbedding", "type": "sentence_transformers.models.StaticEmbedding"},
            {"idx": 1, "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
        ]
        (folder / "modules.json").write_text(json.dumps(listed))
    else:
        (folder / "config.json").write_text('{"model_type": "model2vec", "normalize": true}')
    return folder


@pytest.mark.parametrize(("modules", "name"), [(True, "embedding.weight"), (False, "embeddings")])
def test_static_folders_of_others(vectors: Vectors, tmp_path: Path, modules: bool, name: str) -> None:
    folder = foreign(tmp_path / "model", vectors, modules=modules, name=name)
    found = StaticEncoder.load(folder).encode(["the cat", ""])
    expected = StaticEncoder.from_vectors(vectors).encode(["the cat", ""])
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-6)
    weights = next(folder.rglob("model.safetensors"))
    whole = weights.read_bytes()
    for data in (b"", whole[:9], whole[:-4], whole.replace(b"F32", b"I32")):
        weights.write_bytes(data)
        with pytest.raises(FormatError):
            StaticEncoder.load(folder)
    weights.unlink()
    with pytest.raises(FormatError, match=r"no model\.safetensors"):
        StaticEncoder.load(folder)


@pytest.mark.parametrize("more", ["mapping", "weights"])
def test_rows_that_are_not_the_tokens_vectors_are_refused(
    vectors: Vectors, tmp_path: Path, more: str
) -> None:
    folder = foreign(tmp_path / "m", vectors, modules=False, name="embeddings")
    n = len(vectors) + 1
    save_file(
        {"embeddings": np.zeros((n, 3), np.float32), more: np.ones(n, np.float32)},
        folder / "model.safetensors",
    )
    for opens in (lambda: StaticEncoder.load(folder), lambda: Vectors.load(folder / "model.safetensors")):
        with pytest.raises(FormatError, match=f"a tensor '{more}' says"):
            opens()


def test_the_fingerprint_tells_all_that_vectors_depend_on() -> None:
    words, matrix = ["cat", "dog"], np.eye(2, 4, dtype=np.float32)
    rule = SubwordRule(min_n=2, max_n=3, n_buckets=50)
    rows = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    models: list[Vectors | SubwordVectors] = [Vectors(words, matrix, counts=[3, 1])]
    models += [SubwordVectors(words, matrix, one, rule=rule) for one in (rows * 0, rows, rows + 1)]
    models.append(SubwordVectors(words, matrix, rows, rule=SubwordRule(min_n=2, max_n=4, n_buckets=50)))
    assert len({StaticEncoder.from_vectors(model).fingerprint for model in models}) == 5
    counts = [Vectors(words, matrix, counts=each) for each in ([3, 1], [1, 3])]
    for pooling, n in (("mean", 1), ("weighted", 2)):
        made = {StaticEncoder.from_vectors(one, pooling=pooling).fingerprint for one in counts}
        assert len(made) == n
    with pytest.raises(ArgumentError, match="counts above 0"):
        StaticEncoder.from_vectors(Vectors(words, matrix, counts=[0, 0]), pooling="weighted")
