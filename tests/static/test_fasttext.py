"""fastText's trainer: against the plain twin of word2vec with shared rows, and what its vectors can do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from qianru import _core
from qianru.errors import ArgumentError, CorpusError, TrainingError
from qianru.sample import sample_lines
from qianru.static import train_fasttext
from qianru.text import Corpus
from qianru.vectors import SubwordRule, SubwordVectors, Vectors
from qianru.vectors.keys import Keys

_spec = importlib.util.spec_from_file_location(
    "reference_word2vec", Path(__file__).with_name("reference_word2vec.py")
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


def lines(n_bytes: int) -> list[str]:
    return [line for language in ("en", "zh") for line in sample_lines(language, n_bytes=n_bytes // 2)]


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize(
    "case", [{}, {"loss": "hs"}, {"model": "cbow"}, {"window": 1, "sample": 0.0}, {"max_n": 0}]
)
def test_trainer_equals_its_twin(case: dict, isa: str) -> None:
    encoded = Corpus(lines(16_000)).encode(min_count=2)
    options = {"model": "skipgram", "loss": "ns", "window": 4, "sample": 1e-2, "min_n": 2, "max_n": 4} | case
    before = _core.current_isa()
    _core.set_isa(isa)
    try:
        made = train_fasttext(
            encoded, dim=13, n_buckets=500, epochs=2, learning_rate=0.05, seed=7, threads=1, **options
        )
    finally:
        _core.set_isa(before)
    rule = SubwordRule(
        min_n=options["min_n"], max_n=options["max_n"], n_buckets=500 if options["max_n"] else 0
    )
    lists = [rule.of(key).tolist() for key in encoded.keys]
    used = sorted({bucket for one in lists for bucket in one})
    want, losses = reference.train(
        encoded.ids,
        encoded.counts,
        _core.huffman_paths(encoded.counts),
        dim=13,
        window=options["window"],
        negative=5 if options["loss"] == "ns" else 0,
        cbow=options["model"] == "cbow",
        corrected=False,
        sample=options["sample"],
        rate=0.05,
        floor=0.0,
        epochs=2,
        seed=7,
        lists=[[used.index(bucket) for bucket in one] for one in lists],
        n_shared=len(used),
        power=0.5,
        start_range=1.0,
    )
    np.testing.assert_allclose(made.provenance["loss_per_epoch"], losses, rtol=2e-4)
    np.testing.assert_allclose(made._word_rows, want[: len(lists)], atol=2e-3)
    np.testing.assert_allclose(made._ngram_rows, want[len(lists) :], atol=2e-3)


def test_one_thread_and_one_seed_give_the_same_bits() -> None:
    runs = [
        train_fasttext(
            lines(60_000), dim=16, epochs=1, n_buckets=2000, threads=1, seed=seed
        ).vectors.fingerprint
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.fixture(scope="module")
def trained() -> SubwordVectors:
    return train_fasttext(lines(1_000_000), dim=48, epochs=5, n_buckets=50_000, sample=1e-3, threads=2)


def test_words_never_seen_lie_near_their_kin(trained: SubwordVectors) -> None:
    assert trained.lookup("tiger").source == "known"
    assert "tigerish" not in trained
    answer = trained.lookup("tigerish")
    assert answer.source == "subwords"
    assert trained.similarity("tigerish", "tiger") > trained.similarity("tigerish", "train")
    assert trained.similarity("cat", "tiger") > trained.similarity("cat", "car")
    assert trained.provenance["kind"] == "fasttext"


def test_saved_exported_and_opened_again(trained: SubwordVectors, tmp_path: Path) -> None:
    trained.save(tmp_path / "model")
    trained.export(tmp_path / "model.bin")
    for again in (SubwordVectors.load(tmp_path / "model"), SubwordVectors.load(tmp_path / "model.bin")):
        np.testing.assert_allclose(again.vectors.to_numpy(), trained.vectors.to_numpy(), atol=1e-6)
    words = Vectors.load(tmp_path / "model")
    np.testing.assert_array_equal(words.to_numpy(), trained.vectors.to_numpy())


def test_decompositions_bring_characters_together() -> None:
    table = {"猫": "犭苗", "狗": "犭句", "狼": "犭良"}
    made = train_fasttext(
        lines(100_000), dim=16, epochs=1, min_n=1, max_n=2, n_buckets=5000, decomposition=table, threads=1
    )
    assert made.rule.decomposition == table
    assert made.lookup("狼狗").source in ("known", "subwords")


def test_lists_that_name_no_row_are_refused() -> None:
    encoded = Corpus(lines(16_000)).encode(min_count=2)
    keys = Keys.from_words(encoded.keys)
    offsets, rows = SubwordRule(n_buckets=100).lists(keys.bytes, keys.offsets)
    common = {
        "dim": 4, "window": 2, "negative": 2, "cbow": False, "mean_gradient": False, "sample": 0.0,
        "learning_rate": 0.1, "min_learning_rate": 0.0, "epochs": 1, "threads": 1, "seed": 1,
    }  # fmt: skip
    for bad in (
        {"shared_offsets": offsets, "shared_rows": rows, "n_shared": int(rows.max())},
        {"shared_offsets": offsets[:-1], "shared_rows": rows, "n_shared": 100},
        {"shared_offsets": offsets[::-1].copy(), "shared_rows": rows, "n_shared": 100},
    ):
        with pytest.raises(ValueError, match="shared_offsets"):
            _core.Word2vecTrainer(encoded.ids, encoded.counts, **common, **bad)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dim": 0}, "dim"),
        ({"window": 0}, "window"),
        ({"negative": 0}, "negative"),
        ({"threads": 0}, "threads"),
        ({"min_n": 5, "max_n": 3}, "min_n"),
        ({"n_buckets": 0}, "n_buckets"),
        ({"loss": "softmax"}, "loss"),
    ],
)
def test_bad_options(options: dict, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        train_fasttext(lines(2000), **options)


def test_bad_text_and_a_loss_that_is_not_finite() -> None:
    with pytest.raises(CorpusError):
        train_fasttext(["one one one one one one"])
    with pytest.raises(TrainingError, match="learning_rate"):
        train_fasttext(lines(60_000), dim=8, learning_rate=1e6, epochs=3, threads=1, n_buckets=1000)
