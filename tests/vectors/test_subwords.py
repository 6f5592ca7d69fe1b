"""Words and n-grams: known, made of n-grams, or none; kept by the folder and by fastText's file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, FormatError, UnknownWordError
from qianru.vectors import SubwordRule, SubwordVectors, Vectors, load

WORDS = ["where", "here", "北京", "北京大学", "木林", "naïve"]
DIM, N_BUCKETS = 6, 50


def make(*, compact: bool = False, rule: SubwordRule | None = None, output: bool = True) -> SubwordVectors:
    rng = np.random.default_rng(5)
    rule = SubwordRule(min_n=2, max_n=3, n_buckets=N_BUCKETS) if rule is None else rule
    word_rows = rng.standard_normal((len(WORDS), DIM)).astype(np.float32)
    ngram_rows = rng.standard_normal((N_BUCKETS, DIM)).astype(np.float32)
    buckets = None
    if compact:
        buckets = np.unique(np.concatenate([rule.of(word) for word in WORDS]))[::-1].copy()
        ngram_rows = ngram_rows[buckets]
    return SubwordVectors(
        WORDS,
        word_rows,
        ngram_rows,
        rule=rule,
        buckets=buckets,
        counts=[9, 8, 7, 6, 5, 4],
        output=rng.standard_normal((len(WORDS), DIM)).astype(np.float32) if output else None,
        provenance={"settings": {"window": 4}},
    )


def mean(model: SubwordVectors, word: str) -> np.ndarray:
    rows = [model._ngram_rows[row] for row in model.rows_of(word)]
    if word in WORDS:
        rows.append(model._word_rows[WORDS.index(word)])
    return np.sum(rows, axis=0) / (len(model.rule.of(word)) + (word in WORDS))


@pytest.mark.parametrize("compact", [False, True])
def test_known_and_unknown_words(compact: bool) -> None:
    model = make(compact=compact)
    for word in WORDS:
        answer = model.lookup(word)
        assert answer.source == "known"
        np.testing.assert_allclose(answer.vector, mean(model, word), atol=1e-6)
    answer = model.lookup("there")
    assert answer.source == "subwords"
    np.testing.assert_allclose(answer.vector, mean(model, "there"), atol=1e-6)
    np.testing.assert_array_equal(model["there"], answer.vector)
    matrix, sources = model.matrix_of(["here", "there"])
    assert sources == ["known", "subwords"]
    np.testing.assert_array_equal(matrix[1], answer.vector)
    assert model.similar("there", 2)[0].word in WORDS
    assert -1 <= model.similarity("there", "here") <= 1


def test_no_ngram_no_vector() -> None:
    model = make(compact=True, rule=SubwordRule(min_n=4, max_n=5, n_buckets=N_BUCKETS))
    for word in ("", "猫"):  # <猫> is shorter than any n-gram
        answer = model.lookup(word)
        assert answer.source == "none"
        assert not answer.vector.any()
        with pytest.raises(UnknownWordError):
            model[word]


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("output", [False, True])
def test_folder_comes_back(tmp_path: Path, compact: bool, output: bool) -> None:
    model = make(compact=compact, output=output)
    model.save(tmp_path / "m")
    opened = SubwordVectors.load(tmp_path / "m", verify=True)
    for word in [*WORDS, "there", "林木"]:
        assert opened.lookup(word).source == model.lookup(word).source
        np.testing.assert_array_equal(opened.lookup(word).vector, model.lookup(word).vector)
    assert opened.rule == model.rule
    assert opened.provenance == model.provenance
    opened.save(tmp_path / "m", force=True)
    plain = load(tmp_path / "m")
    assert isinstance(plain, Vectors)
    np.testing.assert_array_equal(plain["北京"], model["北京"])


@pytest.mark.parametrize("compact", [False, True])
def test_fasttext_file_comes_back(tmp_path: Path, compact: bool) -> None:
    model = make(compact=compact)
    model.export(tmp_path / "m.bin")
    opened = SubwordVectors.load(tmp_path / "m.bin")
    for word in [*WORDS, "there", "林木"]:
        np.testing.assert_array_equal(opened.lookup(word).vector, model.lookup(word).vector)
    assert opened.vectors.counts is not None
    assert opened.vectors.counts.tolist() == [9, 8, 7, 6, 5, 4]
    assert opened.provenance["settings"]["window"] == 4  # type: ignore[index]
    opened.export(tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "m.bin").read_bytes()
    np.testing.assert_array_equal(load(tmp_path / "m.bin").to_numpy(), model.vectors.to_numpy())
    model.export(tmp_path / "m.vec")
    np.testing.assert_allclose(load(tmp_path / "m.vec").to_numpy(), model.vectors.to_numpy(), rtol=1e-6)


def test_decompositions(tmp_path: Path) -> None:
    table = {"木": "一丨丿丶", "林": "一丨丿丶一丨丿丶", "森": "一丨丿丶一丨丿丶一丨丿丶"}
    rule = SubwordRule(
        min_n=1,
        max_n=2,
        n_buckets=N_BUCKETS,
        decomposition=table,
        decomposition_min_n=4,
        decomposition_max_n=5,
    )
    plain = SubwordRule(min_n=1, max_n=2, n_buckets=N_BUCKETS)
    assert len(rule.of("木")) == len(plain.of("木")) + 3 + 2
    assert rule.of("北").tolist() == plain.of("北").tolist()
    # <一丨丿丶> alone: nothing falls together with the same characters as a word.
    assert set(rule.of("木")[len(plain.of("木")) :].tolist()) != set(plain.of("一丨丿丶").tolist())
    model = make(compact=True, rule=rule)
    assert model.lookup("森").source == "subwords"
    model.save(tmp_path / "m")
    opened = SubwordVectors.load(tmp_path / "m")
    np.testing.assert_array_equal(opened["森"], model["森"])
    np.testing.assert_array_equal(opened["木林"], model["木林"])
    with pytest.raises(ArgumentError, match="decompositions"):
        model.export(tmp_path / "m.bin")


def test_arguments() -> None:
    with pytest.raises(ArgumentError, match="min_n must not be above max_n"):
        SubwordRule(min_n=5, max_n=3)
    with pytest.raises(ArgumentError, match="n_buckets"):
        SubwordRule(n_buckets=0)
    with pytest.raises(ArgumentError, match="single characters"):
        SubwordRule(decomposition={"ab": "c"})
    with pytest.raises(ArgumentError, match="ngram_rows must be"):
        SubwordVectors(
            ["a"], np.ones((1, 2), np.float32), np.ones((3, 2), np.float32), rule=SubwordRule(n_buckets=4)
        )


def test_folder_without_or_with_wrong_ngrams(tmp_path: Path) -> None:
    Vectors(["a"], np.ones((1, 2), np.float32)).save(tmp_path / "plain")
    with pytest.raises(FormatError, match="without n-grams"):
        SubwordVectors.load(tmp_path / "plain")
    make().save(tmp_path / "m")
    about = json.loads((tmp_path / "m" / "qianru.json").read_text())
    about["provenance"]["subwords"]["n_buckets"] = 7
    (tmp_path / "m" / "qianru.json").write_text(json.dumps(about))
    with pytest.raises(FormatError, match="do not fit"):
        SubwordVectors.load(tmp_path / "m")
