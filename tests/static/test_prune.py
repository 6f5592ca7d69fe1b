"""Pruning: what stays is the same, what goes is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.errors import ArgumentError, CorpusError, UnknownWordError
from qianru.static import prune
from qianru.vectors import Vectors

KEYS = ["the", "cat", "老虎", "sat", "on", "mat"]
COUNTS = [50, 9, 30, 9, 8, 1]


@pytest.fixture
def model() -> Vectors:
    matrix = np.random.default_rng(4).normal(size=(6, 5)).astype(np.float32)
    return Vectors(KEYS, matrix, counts=COUNTS, provenance={"kind": "test"})


def test_each_rule_and_all_together(model: Vectors, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("\ufeff老虎\nmat\r\nthe\n\n", "utf-8")
    text = ["the mat 老虎 elephant"]
    assert list(prune(model, min_count=9)[0]) == ["the", "cat", "老虎", "sat"]
    assert list(prune(model, words=words)[0]) == ["the", "老虎", "mat"]
    assert list(prune(model, corpus=text)[0]) == ["the", "老虎", "mat"]
    assert list(prune(model, max_vocab=3)[0]) == ["the", "cat", "老虎"]  # equal counts: the first
    small, report = prune(model, min_count=5, words=["mat", "on", "the", "老虎"], corpus=text, max_vocab=1)
    assert list(small) == ["the"]
    assert report.gone == {"min_count": 1, "words": 2, "corpus": 3, "max_vocab": 1}
    assert (report.n_before, report.n_after, report.n_bytes_gone) == (6, 1, 5 * 5 * 4)
    assert report.words_gone == ("老虎", "cat", "sat", "on", "mat")
    assert report.count_gone == pytest.approx(57 / 107)
    step = small.provenance["steps"][-1]
    assert step["step"] == "prune"
    assert step["parent"] == model.fingerprint
    assert small.provenance["kind"] == "test"


@given(st.sets(st.integers(0, 5), min_size=1), st.integers(1, 60))
def test_rows_stay_bit_for_bit(rows: set[int], min_count: int) -> None:
    matrix = np.random.default_rng(4).normal(size=(6, 5)).astype(np.float32)
    model = Vectors(KEYS, matrix, counts=COUNTS)
    want = [i for i in range(6) if i in rows and COUNTS[i] >= min_count]
    if not want:
        with pytest.raises(ArgumentError, match="no word is left"):
            prune(model, words=[KEYS[i] for i in rows], min_count=min_count)
        return
    small, _ = prune(model, words=[KEYS[i] for i in rows], min_count=min_count)
    assert list(small) == [KEYS[i] for i in want]
    assert small.to_numpy().tobytes() == matrix[want].tobytes()
    assert small.counts.tolist() == [COUNTS[i] for i in want]


def test_without_counts_the_first_rows_stay(model: Vectors) -> None:
    bare = Vectors(KEYS, model.to_numpy())
    small, report = prune(bare, max_vocab=2)
    assert list(small) == ["the", "cat"]
    assert report.count_gone is None
    with pytest.raises(ArgumentError, match="min_count needs counts"):
        prune(bare, min_count=2)


def test_bad_rules_are_refused(model: Vectors, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").write_bytes(b"\n")
    with pytest.raises(ArgumentError, match="prune needs at least one rule"):
        prune(model)
    with pytest.raises(ArgumentError, match="max_vocab must be a whole number of at least 1, got 0"):
        prune(model, max_vocab=0)
    with pytest.raises(ArgumentError, match="no word is left: min_count keeps 0"):
        prune(model, min_count=100)
    with pytest.raises(UnknownWordError, match="unknown word: 'tiger'"):
        prune(model, words=["the", "tiger"])
    with pytest.raises(ArgumentError, match="words: cannot read"):
        prune(model, words=tmp_path / "none")
    with pytest.raises(ArgumentError, match="byte 0: not valid UTF-8"):
        prune(model, words=tmp_path / "bad")
    with pytest.raises(ArgumentError, match="words holds no word"):
        prune(model, words=tmp_path / "empty")
    with pytest.raises(CorpusError, match="none of the 2 different words of the text is in the model"):
        prune(model, corpus=["x y"])
