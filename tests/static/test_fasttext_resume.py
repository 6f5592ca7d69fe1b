"""fastText's checkpoints and continued training: the same bits after an interruption, words and n-grams that stay."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, OutputError, TrainingError
from qianru.progress import Progress
from qianru.sample import sample_lines
from qianru.static import train_fasttext, train_word2vec
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import SubwordRule, SubwordVectors, Vectors

OPTIONS = {"dim": 12, "epochs": 4, "sample": 1e-2, "threads": 1, "seed": 5, "n_buckets": 3000}


@pytest.fixture(scope="module")
def small() -> EncodedCorpus:
    return Corpus(sample_lines("mixed", n_bytes=40_000)).encode(min_count=3)


def interrupted(corpus: EncodedCorpus, output: Path, **options: object) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "train" and progress.done >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_fasttext(corpus, output=output, save_every=1, progress=stop, **(OPTIONS | options))


def parts(model: SubwordVectors) -> dict[str, object]:
    arrays = {
        "vectors": model.vectors.to_numpy(),
        "words": model.word_rows,
        "ngrams": model.ngram_rows,
        "buckets": model.buckets,
        "output": model.output,
        "counts": model.vectors.counts,
    }
    bits = {name: None if array is None else array.tobytes() for name, array in arrays.items()}
    return {**bits, "keys": list(model.vectors), "provenance": dict(model.provenance)}


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"model": "cbow", "loss": "hs"},
        {"min_n": 1, "max_n": 2, "decomposition": {"猫": "犭苗", "狗": "犭句"}},
    ],
)
def test_resumed_run_equals_the_uninterrupted_one(small: EncodedCorpus, tmp_path: Path, case: dict) -> None:
    output = tmp_path / "model"
    whole = train_fasttext(small, **(OPTIONS | case))
    interrupted(small, output, **case)
    between = SubwordVectors.load(output, verify=True)
    assert 1 <= between.provenance["epochs_done"] < 4
    assert between.output is not None
    resumed = train_fasttext(small, output=output, save_every=1, resume=True, **(OPTIONS | case))
    assert parts(resumed) == parts(whole)
    assert parts(SubwordVectors.load(output, verify=True)) == parts(whole)
    assert os.listdir(tmp_path) == ["model"]


def test_checkpoint_of_another_run_is_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    output = tmp_path / "model"
    interrupted(small, output)
    with pytest.raises(ArgumentError, match="is the model that training begins from"):
        train_fasttext(small, continue_from=output, output=output, save_every=1, force=True, **OPTIONS)
    before = (tmp_path / "model.checkpoint").read_bytes()
    for options, message in (
        ({"max_n": 5}, "subwords max_n was 6, is 5"),
        ({"decomposition": {"猫": "犭苗"}}, "subwords decomposition was"),
        ({"dim": 13}, "settings dim was 12, is 13"),
    ):
        with pytest.raises(ArgumentError, match=message):
            train_fasttext(small, output=output, resume=True, **(OPTIONS | options))
    same = {name: OPTIONS[name] for name in ("dim", "epochs", "sample", "threads", "seed")}
    with pytest.raises(ArgumentError, match="is of another run"):
        train_word2vec(small, output=output, resume=True, **same)
    with pytest.raises(OutputError, match="was not finished"):
        train_fasttext(small, output=output, save_every=1, **OPTIONS)
    assert (tmp_path / "model.checkpoint").read_bytes() == before
    for options in ({"save_every": 1}, {"resume": True}):
        with pytest.raises(ArgumentError, match="needs output"):
            train_fasttext(small, **OPTIONS, **options)


def test_a_loss_that_is_not_finite_leaves_the_last_good_epoch(small: EncodedCorpus, tmp_path: Path) -> None:
    options = OPTIONS | {"learning_rate": 1e6, "epochs": 50}
    with pytest.raises(TrainingError) as stopped:
        train_fasttext(small, output=tmp_path / "model", **options)
    if stopped.value.vectors is not None:
        kept = SubwordVectors.load(tmp_path / "model", verify=True)
        assert kept.vectors.fingerprint == stopped.value.vectors.fingerprint


TEXT = ["the zyxcat cat sat with the zyxcat"] * 5 + ["a hapax walked"]
NEXT = {"threads": 1, "sample": 0.0, "epochs": 2, "min_count": 3}


@pytest.mark.parametrize("as_file", [False, True])
def test_continuing_keeps_words_ids_and_ngrams(small: EncodedCorpus, tmp_path: Path, as_file: bool) -> None:
    first = train_fasttext(small, **OPTIONS)
    place = tmp_path / ("model.bin" if as_file else "model")
    (first.export if as_file else first.save)(place)
    grown = train_fasttext(TEXT, continue_from=place, **NEXT)
    n_old = len(first)
    assert list(grown.vectors)[:n_old] == list(first.vectors)
    assert "zyxcat" in list(grown.vectors)[n_old:]
    assert "hapax" not in grown
    counted = dict(zip(first.vectors, first.vectors.counts.tolist(), strict=True))
    assert int(grown.vectors.counts[grown.vectors.index("the")]) == counted["the"] + 10
    assert grown.rule == first.rule
    # Words and n-grams that the text does not hold are as they were.
    used = {
        bucket
        for words in ("the", "zyxcat", "cat", "sat", "with", "a", "walked")
        for bucket in first.rule.of(words)
    }
    old = SubwordVectors.load(place)
    still = [
        word for word in first.vectors if not used & set(old.rule.of(word).tolist()) and word not in TEXT[0]
    ]
    assert len(still) > 10
    np.testing.assert_array_equal(grown.vectors[still], old.vectors[still])
    assert not np.array_equal(grown["the"], old["the"])
    # A word in neither text, of n-grams that are in the old one alone.
    assert grown.lookup("tigerish").source == "subwords"
    assert grown.provenance["growth"]["outputs_from_parent"] is True
    assert grown.output is not None
    assert grown.output.shape == grown.word_rows.shape
    assert grown.provenance["parent"]["fingerprint"] == old.vectors.fingerprint
    # The result is a model like any other.
    grown.save(tmp_path / "grown")
    assert parts(SubwordVectors.load(tmp_path / "grown", verify=True))["ngrams"] == grown.ngram_rows.tobytes()
    grown.export(tmp_path / "grown.bin")
    again = SubwordVectors.load(tmp_path / "grown.bin")
    np.testing.assert_allclose(again.vectors.to_numpy(), grown.vectors.to_numpy(), atol=1e-6)


def test_new_words_begin_at_what_their_ngrams_know(small: EncodedCorpus) -> None:
    first = train_fasttext(small, **OPTIONS)
    options = NEXT | {"epochs": 1, "learning_rate": 0.0}
    grown = train_fasttext(["the tigerish tiger"] * 5, continue_from=first, **options)
    known, new = first["tigerish"], grown["tigerish"]
    assert float(known @ new / np.linalg.norm(known) / np.linalg.norm(new)) > 0.9
    np.testing.assert_array_equal(grown["the"], first["the"])


def test_continued_run_resumes(small: EncodedCorpus, tmp_path: Path) -> None:
    first = train_fasttext(small, **OPTIONS)
    first.save(tmp_path / "model")
    options = OPTIONS | {"continue_from": tmp_path / "model"}
    whole = train_fasttext(small, **options)
    assert whole.provenance["loss_per_epoch"][0] < first.provenance["loss_per_epoch"][0]
    interrupted(small, tmp_path / "next", continue_from=tmp_path / "model")
    resumed = train_fasttext(small, output=tmp_path / "next", resume=True, **options)
    assert parts(resumed) == parts(whole)
    interrupted(small, tmp_path / "other", continue_from=tmp_path / "model")
    with pytest.raises(ArgumentError, match=r"parent was .*, is null"):
        train_fasttext(small, output=tmp_path / "other", resume=True, **OPTIONS)


def test_hierarchical_softmax_goes_on_without_its_tree(small: EncodedCorpus) -> None:
    first = train_fasttext(small, loss="hs", **OPTIONS)
    grown = train_fasttext(TEXT, loss="hs", continue_from=first, **NEXT)
    assert grown.provenance["growth"]["outputs_from_parent"] is False
    assert grown.output is None
    assert len(grown) > len(first)


def test_bad_continuations_are_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    first = train_fasttext(small, **OPTIONS)
    first.save(tmp_path / "model")
    for options, message in (
        ({"dim": 20}, "dim must be that of the model, 12, got 20"),
        ({"min_n": 2}, "min_n must be that of the model, 3, got 2"),
        ({"n_buckets": 7}, "n_buckets must be that of the model, 3000, got 7"),
        ({"decomposition": {"猫": "犭苗"}}, "decomposition must be that of the model"),
        ({"model": "cbow"}, 'model must be "skipgram"'),
    ):
        with pytest.raises(ArgumentError, match=message):
            train_fasttext(small, continue_from=tmp_path / "model", **options)
    with pytest.raises(ArgumentError, match="has n-grams, which word2vec cannot train"):
        train_word2vec(small, continue_from=tmp_path / "model")
    plain = Vectors(["a", "b"], np.eye(2, dtype=np.float32))
    plain.save(tmp_path / "plain")
    with pytest.raises(ArgumentError, match="continue_from has no n-grams"):
        train_fasttext(small, continue_from=tmp_path / "plain")
    pruned = SubwordVectors(
        ["a", "b"],
        np.eye(2, dtype=np.float32),
        np.ones((1, 2), np.float32),
        rule=SubwordRule(min_n=1, max_n=2, n_buckets=10),
        buckets=np.array([3], np.uint32),
        pruned=True,
    )
    with pytest.raises(ArgumentError, match="is quantised"):
        train_fasttext(small, continue_from=pruned)
