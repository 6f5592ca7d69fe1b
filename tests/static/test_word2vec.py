"""The trainer: against its plain twin, its promises about seeds, stopping and saving, and its answers to bad input."""

from __future__ import annotations

import errno
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qianru import _core
from qianru.errors import ArgumentError, CorpusError, OutputError, TrainingError
from qianru.progress import Progress
from qianru.sample import analogies, sample_lines, similarity
from qianru.static import train_word2vec
from qianru.text import Corpus
from qianru.vectors import Vectors

_spec = importlib.util.spec_from_file_location(
    "reference_word2vec", Path(__file__).with_name("reference_word2vec.py")
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


class World:
    """English, Chinese and mixed lines of the sample world, as often as wanted."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes

    def __iter__(self) -> Iterator[str]:
        for language, share in (("en", 0.46), ("zh", 0.43), ("mixed", 0.11)):
            yield from sample_lines(language, n_bytes=int(self.n_bytes * share))


@pytest.fixture(scope="module")
def small() -> Corpus:
    return Corpus(World(60_000))


TWIN_CASES = [
    pytest.param({"model": "skipgram", "loss": "ns"}, id="skipgram-ns"),
    pytest.param({"model": "skipgram", "loss": "ns", "negative": 11, "sample": 0.0}, id="skipgram-ns-11"),
    pytest.param({"model": "skipgram", "loss": "hs"}, id="skipgram-hs"),
    pytest.param({"model": "cbow", "loss": "ns"}, id="cbow-ns"),
    pytest.param({"model": "cbow", "loss": "ns", "cbow_gradient": "corrected"}, id="cbow-ns-corrected"),
    pytest.param({"model": "cbow", "loss": "hs"}, id="cbow-hs"),
]


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("case", TWIN_CASES)
def test_trainer_equals_its_twin(case: dict, isa: str) -> None:
    corpus = Corpus(World(24_000))
    encoded = corpus.encode(min_count=2)
    options = {
        "dim": 13,
        "window": 4,
        "negative": 5,
        "sample": 1e-2,
        "epochs": 2,
        "learning_rate": 0.05,
    } | case
    before = _core.current_isa()
    _core.set_isa(isa)
    try:
        vectors = train_word2vec(encoded, threads=1, seed=7, **options)
    finally:
        _core.set_isa(before)
    want, losses = reference.train(
        encoded.ids,
        encoded.counts,
        _core.huffman_paths(encoded.counts),
        dim=13,
        window=4,
        negative=options["negative"] if options["loss"] == "ns" else 0,
        cbow=options["model"] == "cbow",
        corrected=options.get("cbow_gradient") == "corrected",
        sample=options["sample"],
        rate=0.05,
        floor=1e-4,
        epochs=2,
        seed=7,
        start_range=2.0 if options["model"] == "cbow" else 0.5,
    )
    np.testing.assert_allclose(vectors.provenance["loss_per_epoch"], losses, rtol=2e-4)
    np.testing.assert_allclose(vectors.to_numpy(), want, atol=2e-3)


@pytest.mark.parametrize("case", TWIN_CASES)
def test_one_thread_and_one_seed_give_the_same_bits(small: Corpus, case: dict) -> None:
    runs = [
        train_word2vec(small, threads=1, seed=seed, dim=20, epochs=2, **case).to_numpy().tobytes()
        for seed in (3, 3, 4)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("case", [{}, {"loss": "hs"}, {"model": "cbow"}], ids=["ns", "hs", "cbow"])
def test_many_threads_learn_as_much_as_one(case: dict) -> None:
    # When each trained copies of the hottest rows, the loss of sixteen left all bounds: on sixteen processors, and here where
    # threads change over every few words, as under sanitizers.
    encoded = Corpus(World(1_500_000)).encode(min_count=2)
    one, many = (
        train_word2vec(
            encoded, threads=threads, dim=32, epochs=2, sample=1e-2, learning_rate=0.05, **case
        ).provenance["loss_per_epoch"][-1]
        for threads in (1, 16)
    )
    assert many < 1.04 * one


def test_learns_the_sample_world() -> None:
    vectors = train_word2vec(World(6_000_000), dim=100, epochs=5, sample=1e-4, learning_rate=0.05, threads=2)
    for language in ("en", "zh"):
        triples = [t for t in similarity(language) if all(word in vectors for word in t)]
        nearer = [vectors.similarity(a, b) > vectors.similarity(a, c) for a, b, c in triples]
        assert np.mean(nearer) > 0.9
        for section, pairs in analogies(language).items():
            (a, b), (c, d) = pairs[0], pairs[1]
            if all(word in vectors for word in (a, b, c, d)):
                assert d in [n.word for n in vectors.analogy(a, b, c, k=5)], section
    assert vectors.analogy("man", "king", "woman", k=1)[0].word == "queen"
    assert vectors.analogy("男人", "国王", "女人", k=1)[0].word == "女王"
    assert vectors.similarity("cat", "tiger") > vectors.similarity("cat", "car")


def test_loss_falls_and_is_told(small: Corpus) -> None:
    reports: list[Progress] = []
    vectors = train_word2vec(
        small, epochs=4, sample=1e-2, threads=2, learning_rate=0.05, progress=reports.append
    )
    losses = vectors.provenance["loss_per_epoch"]
    assert losses[-1] < losses[0]
    trained = [report for report in reports if report.stage == "train"]
    assert trained
    assert trained[-1].done == pytest.approx(1.0)
    assert trained[-1].loss == pytest.approx(losses[-1])


def test_divergence_keeps_the_last_good_epoch(small: Corpus, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="loss left the finite range in epoch") as caught:
        train_word2vec(small, epochs=30, sample=0, learning_rate=1e5, threads=1, output=tmp_path / "model")
    assert "learning_rate" in caught.value.hint
    kept = caught.value.vectors
    if kept is not None:
        assert isinstance(kept, Vectors)
        assert np.isfinite(kept.to_numpy()).all()
        assert Vectors.load(tmp_path / "model").provenance["epochs_done"] >= 1


def test_interrupt_leaves_what_save_every_asked_for(small: Corpus, tmp_path: Path) -> None:
    def interrupt(report: Progress) -> None:
        if report.stage == "train" and report.done > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_word2vec(
            small, epochs=10, save_every=2, output=tmp_path / "model", threads=2, progress=interrupt
        )
    saved = Vectors.load(tmp_path / "model")
    assert saved.provenance["epochs_done"] in (6, 8)
    assert np.isfinite(saved.to_numpy()).all()


def test_initial_vectors_are_where_training_starts(small: Corpus) -> None:
    encoded = small.encode()
    given = Vectors(["the", "not-in-the-text"], np.full((2, 16), 3.0, np.float32))
    vectors = train_word2vec(
        encoded, dim=16, epochs=1, learning_rate=0.0, min_learning_rate=0.0, initial=given
    )
    np.testing.assert_array_equal(vectors["the"], np.full(16, 3.0, np.float32))
    assert vectors.provenance["initial_words"] == 1
    assert np.abs(vectors[encoded.keys[1]]).max() <= 0.5 / 16
    with pytest.raises(ArgumentError, match="initial must have dim 20, got vectors of dim 16"):
        train_word2vec(encoded, dim=20, initial=given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "dim must be a whole number of at least 1, got 0"),
        ({"dim": 2.5}, "dim must be a whole number of at least 1, got 2.5"),
        ({"window": 0}, "window must be a whole number of at least 1, got 0"),
        ({"negative": 0}, "negative must be a whole number of at least 1, got 0"),
        ({"threads": 0}, "threads must be a whole number of at least 1, got 0"),
        ({"epochs": 0}, "epochs must be"),
        ({"sample": -1.0}, "sample must be from 0 to 1, got -1.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be"),
        ({"min_learning_rate": 0.5}, "min_learning_rate must be from 0 to 0.025, got 0.5"),
        ({"seed": -1}, "seed must be from 0"),
        ({"model": "glove"}, "model must be one of skipgram, cbow, got 'glove'"),
        ({"loss": "softmax"}, "loss must be one of ns, hs, got 'softmax'"),
        ({"save_every": 1}, "save_every needs output"),
        ({"save_every": 0, "output": "model"}, "save_every must be"),
    ],
)
def test_bad_arguments_are_refused_before_the_text_is_read(options: dict, message: str) -> None:
    class Unread:
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("the corpus was read")

    with pytest.raises(ArgumentError, match=message):
        train_word2vec(Unread(), **options)


def test_one_word_is_not_a_corpus() -> None:
    with pytest.raises(CorpusError, match="at least two different words, the corpus leaves 1"):
        train_word2vec(["word word word word word word"])


def test_huffman_paths_are_a_prefix_code_of_least_length() -> None:
    counts = np.array([50, 30, 20, 20, 7, 3, 1, 1], np.uint64)
    paths = _core.huffman_paths(counts)
    codes = ["".join("1" if sign > 0 else "0" for _, sign in path) for path in paths]
    assert len(set(codes)) == len(codes)
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    assert sum(2.0 ** -len(code) for code in codes) == 1.0
    heap, cost = sorted(counts.tolist()), 0
    while len(heap) > 1:
        cost += heap[0] + heap[1]
        heap = sorted([heap[0] + heap[1], *heap[2:]])
    assert sum(len(code) * int(count) for code, count in zip(codes, counts, strict=True)) == cost
    assert all(path[0][0] == len(counts) - 2 for path in paths)
    with pytest.raises(ValueError, match="falling order"):
        _core.huffman_paths(counts[::-1].copy())


def test_negatives_follow_the_counts() -> None:
    counts = np.array([1000, 300, 100, 10, 1], np.uint64)
    drawn = np.bincount(_core.draw_negatives(counts, 0.75, 12345, 400_000), minlength=5) / 400_000
    want = counts**0.75 / (counts**0.75).sum()
    np.testing.assert_allclose(drawn, want, atol=4 * np.sqrt(want.max() / 400_000))


def test_keep_probabilities_are_those_of_word2vec_c() -> None:
    counts = np.array([100_000, 5_000, 100, 5], np.uint64)
    share = counts / counts.sum()
    want = np.minimum(1, (np.sqrt(share / 1e-3) + 1) * 1e-3 / share)
    np.testing.assert_allclose(_core.keep_probabilities(counts, 1e-3), want, rtol=1e-6)
    np.testing.assert_array_equal(_core.keep_probabilities(counts, 0), 1)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve room in a file")
def test_a_disk_too_full_for_the_last_good_epoch_is_told(
    small: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OutputError, match=r"last good epoch, .* bytes, in a temporary file: No space left"):
        train_word2vec(small, dim=8, epochs=2, min_count=2)
