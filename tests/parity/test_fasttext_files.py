"""fastText's files go both ways between qianru, gensim and the original program, with equal vectors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from qianru.vectors import SubwordRule, SubwordVectors, load

gensim = pytest.importorskip("gensim.models.fasttext")

DATA = Path(os.environ.get("QIANRU_DATA", "../shared/data")) / "models" / "fasttext"
WORDS = ["the", "where", "naïve", "北京", "𠮷野家", *(f"word{i}" for i in range(50))]
UNKNOWN = ["there", "北京大学", "wordy", "𠮷", "ñandú"]


@pytest.fixture(scope="module")
def model() -> SubwordVectors:
    rng = np.random.default_rng(11)
    return SubwordVectors(
        WORDS,
        rng.standard_normal((len(WORDS), 12)).astype(np.float32),
        rng.standard_normal((40, 12)).astype(np.float32),
        rule=SubwordRule(min_n=2, max_n=5, n_buckets=300),
        buckets=rng.permutation(300)[:40].astype(np.uint32),
        counts=list(range(len(WORDS), 0, -1)),
    )


def test_gensim_opens_ours(tmp_path: Path, model: SubwordVectors) -> None:
    model.export(tmp_path / "m.bin")
    opened = gensim.load_facebook_vectors(str(tmp_path / "m.bin"))
    assert opened.index_to_key == WORDS
    for word in WORDS + UNKNOWN:
        np.testing.assert_allclose(opened[word], model.lookup(word).vector, atol=1e-6)


def test_we_open_gensims(tmp_path: Path) -> None:
    lines = [[f"w{i % 17}", f"w{i % 5}", f"字{i % 7}"] for i in range(400)]
    theirs = gensim.FastText(lines, vector_size=8, min_count=1, bucket=200, epochs=1, workers=1)
    gensim.save_facebook_model(theirs, str(tmp_path / "m.bin"))
    ours = SubwordVectors.load(tmp_path / "m.bin")
    for word in [*theirs.wv.index_to_key, "w99", "汉字"]:
        np.testing.assert_allclose(ours.lookup(word).vector, theirs.wv[word], atol=1e-6)


def original():
    module = pytest.importorskip("fasttext", reason="needs the original: pip install fasttext-numpy2")
    module.FastText.eprint = lambda text: None
    return module


@pytest.mark.slow
def test_the_original_opens_ours(tmp_path: Path, model: SubwordVectors) -> None:
    model.export(tmp_path / "m.bin")
    opened = original().load_model(str(tmp_path / "m.bin"))
    assert opened.get_words() == WORDS
    for word in WORDS + UNKNOWN:
        np.testing.assert_array_equal(opened.get_word_vector(word), model.lookup(word).vector)


@pytest.mark.slow
def test_we_open_the_originals(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("\n".join(f"the cat {i % 9} sat 北京 大学{i % 4}" for i in range(500)))
    theirs = original().train_unsupervised(
        str(tmp_path / "text"), dim=10, bucket=500, minCount=1, epoch=1, thread=1, verbose=0
    )
    theirs.save_model(str(tmp_path / "m.bin"))
    ours = SubwordVectors.load(tmp_path / "m.bin")
    for word in [*theirs.get_words(), "cats", "北京大学", "x"]:
        np.testing.assert_array_equal(ours.lookup(word).vector, theirs.get_word_vector(word))
    for word in ["cat", "大学1", "sat"]:
        assert ours.rule.of(word).tolist() == [
            row - len(theirs.get_words()) for row in theirs.get_subwords(word)[1][1:]
        ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["crime-and-punishment.bin", "lee_fasttext_new.bin", "pang_lee_polarity_fasttext.bin", "lid.176.ftz"],
)
def test_real_files(name: str) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no {DATA}")
    theirs = original().load_model(str(DATA / name))
    ours = load(DATA / name, errors="replace")
    words = [word for word in ours.keys if "\ufffd" not in word]
    assert len(words) > 0.99 * len(ours)
    for word in words:
        np.testing.assert_array_equal(ours[word], theirs.get_word_vector(word))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lee_fasttext.bin", "non_ascii_fasttext.bin", "cp852_fasttext.bin"])
def test_real_files_without_magic(name: str) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no {DATA}")
    theirs = gensim.load_facebook_vectors(str(DATA / name), encoding="cp852" if "cp852" in name else "utf-8")
    ours = load(DATA / name, errors="replace")
    # gensim gives the end of line the n-grams that fastText says it has not.
    words = [word for word in ours.keys if "\ufffd" not in word and word != "</s>"]
    for word in words[:500]:
        np.testing.assert_allclose(ours[word], theirs[word], atol=1e-6)
