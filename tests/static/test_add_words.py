"""Words without text: rows from n-grams or from another space, and the old rows untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.static import add_words, train_fasttext
from qianru.tokens import Tokenizer
from qianru.vectors import Vectors

KEYS = ["walk", "walks", "talk", "老虎", "老鼠", "猫"]


@pytest.fixture
def model() -> Vectors:
    matrix = np.random.default_rng(3).normal(size=(6, 8)).astype(np.float32)
    return Vectors(KEYS, matrix, counts=[9, 8, 7, 6, 5, 4], provenance={"kind": "test"})


def test_old_rows_stay_and_new_ones_are_mixed(model: Vectors, tmp_path: Path) -> None:
    grown, report = add_words(model, ["walked", "老师", "walk", "qqq", "walked"])
    assert list(grown) == [*KEYS, "walked", "老师"]
    assert grown.to_numpy()[:6].tobytes() == model.to_numpy().tobytes()
    assert report.known == ("walk",)
    assert report.without_rows == ("qqq",)
    assert report.from_subwords == ("walked", "老师")
    assert grown.counts.tolist() == [9, 8, 7, 6, 5, 4, 0, 0]
    assert grown.similarity("walked", "walk") > grown.similarity("walked", "猫")
    assert grown.provenance["steps"][-1]["parent"] == model.fingerprint
    grown.save(tmp_path / "model")
    assert list(Vectors.load(tmp_path / "model", verify=True)) == list(grown)
    text = Tokenizer.load(tmp_path / "model").encode("老师 walked")
    assert [grown.keys[number] for number in text.ids.tolist()] == ["老师", "walked"]


def test_rows_from_another_space(model: Vectors) -> None:
    other = Vectors(["猫", "老虎", "tiger"], np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0.01]], np.float32))
    grown, report = add_words(model, ["tiger"], source=other)
    assert report.from_source == ("tiger",)
    assert np.allclose(grown["tiger"], model["老虎"], atol=0.05)


def test_what_cannot_be_is_refused(model: Vectors) -> None:
    with pytest.raises(ArgumentError, match="none of 1 is new"):
        add_words(model, ["walk"])
    with pytest.raises(ArgumentError, match="nothing is known of any of 1"):
        add_words(model, ["qqq"])
    subwords = train_fasttext([["walk", "talk"] * 10], dim=4, epochs=1, min_count=1, n_buckets=64, threads=1)
    with pytest.raises(ArgumentError, match="has n-grams"):
        add_words(subwords, ["walked"])
