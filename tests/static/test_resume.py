"""Checkpoints and continued training: a killed run ends as if it had not been, and a model's words keep their ids."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from qianru.differences import differences
from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.progress import Progress
from qianru.sample import sample_lines
from qianru.static import train_word2vec
from qianru.static.state import read_state, write_state
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import Vectors

OPTIONS = {"dim": 16, "epochs": 6, "sample": 1e-2, "threads": 1, "seed": 5}


@pytest.fixture(scope="module")
def small() -> EncodedCorpus:
    return Corpus(sample_lines("mixed", n_bytes=60_000)).encode(min_count=3)


def interrupt_after(share: float):
    def report(progress: Progress) -> None:
        if progress.stage == "train" and progress.done >= share:
            raise KeyboardInterrupt

    return report


def interrupted(corpus: EncodedCorpus, output: Path, **options: object) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_word2vec(
            corpus, output=output, save_every=1, progress=interrupt_after(0.5), **(OPTIONS | options)
        )


def same(a: Vectors, b: Vectors) -> bool:
    return (
        a.to_numpy().tobytes() == b.to_numpy().tobytes()
        and list(a) == list(b)
        and np.array_equal(a.counts, b.counts)
        and a.provenance == b.provenance
    )


@pytest.mark.parametrize(
    "case",
    [{}, {"model": "cbow"}, {"loss": "hs"}, {"model": "cbow", "loss": "hs", "cbow_gradient": "corrected"}],
)
def test_resumed_run_equals_the_uninterrupted_one(small: EncodedCorpus, tmp_path: Path, case: dict) -> None:
    whole = train_word2vec(small, **(OPTIONS | case))
    interrupted(small, tmp_path / "model", **case)
    assert Vectors.load(tmp_path / "model").provenance["epochs_done"] >= 1
    resumed = train_word2vec(small, output=tmp_path / "model", save_every=1, resume=True, **(OPTIONS | case))
    assert same(whole, resumed)
    assert same(whole, Vectors.load(tmp_path / "model", verify=True))
    assert os.listdir(tmp_path) == ["model"]


KILLED = """
import sys
from qianru.sample import sample_lines
from qianru.static import train_word2vec
from qianru.text import Corpus
corpus = Corpus(sample_lines("mixed", n_bytes=60_000))
train_word2vec(corpus, output=sys.argv[1], save_every=1, resume=sys.argv[2] == "resume", force=True,
               min_count=3, dim=16, epochs=60, sample=0.0, threads=1, seed=5)
"""


def test_run_killed_at_any_moment_resumes(tmp_path: Path) -> None:
    corpus = Corpus(sample_lines("mixed", n_bytes=60_000))
    whole = train_word2vec(corpus, min_count=3, dim=16, epochs=60, sample=0.0, threads=1, seed=5)
    model, checkpoint, draw = tmp_path / "model", tmp_path / "model.checkpoint", random.Random(1)
    n_kills, started = 0, time.monotonic()
    while n_kills < 6 and time.monotonic() - started < 60:
        before = checkpoint.read_bytes() if checkpoint.exists() else b""
        how = "resume" if before else "begin"
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(model), how])
        # Some moment after it has written a checkpoint of its own.
        while child.poll() is None and (not checkpoint.exists() or checkpoint.read_bytes() == before):
            time.sleep(0.002)
        time.sleep(draw.random() * 0.03)
        child.send_signal(signal.SIGKILL)
        if child.wait(timeout=30) != -signal.SIGKILL:
            break
        n_kills += 1
        read_state(checkpoint, ["inputs", "outputs"])
    assert n_kills >= 1
    if checkpoint.exists():
        subprocess.run([sys.executable, "-c", KILLED, str(model), "resume"], check=True, timeout=60)
    assert same(whole, Vectors.load(model, verify=True))
    assert not checkpoint.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 17}, "settings dim was 16, is 17"),
        ({"seed": 6, "window": 4}, "settings window was 5, is 4; settings seed was 5, is 6"),
        ({"epochs": 7}, "settings epochs was 6, is 7"),
        ({"loss": "hs"}, 'settings loss was "ns", is "hs"'),
    ],
)
def test_checkpoint_of_other_settings_is_refused(
    small: EncodedCorpus, tmp_path: Path, options: dict, message: str
) -> None:
    interrupted(small, tmp_path / "model")
    before = (tmp_path / "model.checkpoint").read_bytes()
    with pytest.raises(ArgumentError, match=message):
        train_word2vec(small, output=tmp_path / "model", resume=True, **(OPTIONS | options))
    assert (tmp_path / "model.checkpoint").read_bytes() == before


def test_checkpoint_of_another_text_is_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    output = tmp_path / "model"
    interrupted(small, output)
    other = Corpus(sample_lines("mixed", n_bytes=60_000, seed=2)).encode(min_count=3)
    with pytest.raises(ArgumentError, match="is of another run: corpus fingerprint was"):
        train_word2vec(other, output=output, resume=True, **OPTIONS)
    rarer = Corpus(sample_lines("mixed", n_bytes=60_000)).encode(min_count=2)
    with pytest.raises(ArgumentError, match="corpus min_count was 3, is 2; vocabulary was"):
        train_word2vec(rarer, output=output, resume=True, **OPTIONS)
    with pytest.raises(ArgumentError, match="initial was null, is"):
        train_word2vec(small, output=output, resume=True, initial=Vectors.load(output), **OPTIONS)


def test_unfinished_run_is_not_overwritten(small: EncodedCorpus, tmp_path: Path) -> None:
    output = tmp_path / "model"
    interrupted(small, output)
    with pytest.raises(OutputError, match=r"a run for .*model was not finished"):
        train_word2vec(small, output=output, save_every=1, **OPTIONS)
    # The model was replaced by another one meanwhile: it is not this run's to overwrite.
    train_word2vec(small, dim=8, epochs=1).save(output, force=True)
    with pytest.raises(OutputError, match="exists already, and another run made it"):
        train_word2vec(small, output=output, resume=True, **OPTIONS)
    train_word2vec(small, output=output, save_every=1, force=True, **OPTIONS)
    assert not (tmp_path / "model.checkpoint").exists()


def test_the_model_that_training_begins_from_is_not_the_output_of_saves(
    small: EncodedCorpus, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    train_word2vec(small, output=model, save_every=1, **OPTIONS)
    (tmp_path / "link").symlink_to(model)
    with pytest.raises(ArgumentError, match="is the model that training begins from"):
        train_word2vec(
            small, continue_from=model, output=tmp_path / "link", save_every=1, force=True, **OPTIONS
        )


def test_resume_needs_output_and_checkpoint(small: EncodedCorpus, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="resume needs output"):
        train_word2vec(small, resume=True)
    with pytest.raises(ArgumentError, match=r"there is no checkpoint .*model\.checkpoint to resume from"):
        train_word2vec(small, resume=True, output=tmp_path / "model")


def test_damaged_checkpoints_are_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    output = tmp_path / "model"
    interrupted(small, output)
    checkpoint = tmp_path / "model.checkpoint"
    good = checkpoint.read_bytes()
    draw = random.Random(3)
    damaged = [good[: draw.randrange(len(good))] for _ in range(20)]
    for _ in range(60):
        at = draw.randrange(len(good)) if draw.random() < 0.5 else draw.randrange(400)
        damaged.append(good[:at] + bytes([good[at] ^ (1 << draw.randrange(8))]) + good[at + 1 :])
    n_refused = 0
    for data in damaged:
        checkpoint.write_bytes(data)
        try:
            train_word2vec(small, output=output, resume=True, **(OPTIONS | {"epochs": 6}))
        except (FormatError, ArgumentError):
            n_refused += 1
    # A flipped bit in the padding or in a number that is told only changes nothing that matters.
    assert n_refused > 0.8 * len(damaged)


def test_state_files_round_trip_and_name_what_differs(tmp_path: Path) -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_state(tmp_path / "state", {"a": matrix}, {"x": {"y": 1}})
    matrices, about = read_state(tmp_path / "state", ["a"])
    np.testing.assert_array_equal(matrices["a"], matrix)
    assert about["x"] == {"y": 1}
    with pytest.raises(FormatError, match="no tensor 'b'"):
        read_state(tmp_path / "state", ["b"])
    assert differences({"a": 1, "b": {"c": [2]}}, {"a": 1, "b": {"c": [3]}, "d": None}) == [
        "b c was [2], is [3]"
    ]


def test_continuing_keeps_words_and_ids(small: EncodedCorpus, tmp_path: Path) -> None:
    output = tmp_path / "model"
    first = train_word2vec(small, output=output, keep_training_state=True, **OPTIONS)
    text = ["the zyx cat sat with the zyx"] * 5 + ["a hapax walked"]
    options = {"threads": 1, "sample": 0.0, "epochs": 2}
    grown = train_word2vec(text, continue_from=output, min_count=3, **options)
    assert list(grown)[: len(first)] == list(first)
    assert list(grown)[len(first) :] == [w for w in ("zyx", "cat", "sat", "with") if w not in first]
    assert "hapax" not in grown
    counted = dict(zip(first, first.counts.tolist(), strict=True))
    assert grown.counts[grown.index("the")] == counted["the"] + 10
    assert grown.counts[grown.index("zyx")] == 10
    untouched = [
        word for word in first if word not in ["the", "zyx", "cat", "sat", "with", "a", "hapax", "walked"]
    ]
    np.testing.assert_array_equal(grown[untouched], first[untouched])
    assert not np.array_equal(grown["the"], first["the"])
    assert grown.provenance["growth"]["outputs_from_parent"] is True
    assert grown.provenance["parent"]["fingerprint"] == first.fingerprint
    assert grown.provenance["parent"]["provenance"]["corpus"]["fingerprint"] == small.fingerprint
    # From the vectors alone the output vectors start from zero.
    other = train_word2vec(text, continue_from=first, min_count=3, **options)
    assert other.provenance["growth"]["outputs_from_parent"] is False
    assert not np.array_equal(grown["the"], other["the"])


def test_continuing_goes_on_where_training_ended(small: EncodedCorpus, tmp_path: Path) -> None:
    first = train_word2vec(small, output=tmp_path / "model", keep_training_state=True, **OPTIONS)
    losses = first.provenance["loss_per_epoch"]
    again = train_word2vec(small, continue_from=tmp_path / "model", **(OPTIONS | {"epochs": 1}))
    assert again.provenance["loss_per_epoch"][0] < losses[0]
    assert again.provenance["loss_per_epoch"][0] < losses[-1] * 1.02
    # A continued run resumes like any other.
    options = OPTIONS | {"continue_from": tmp_path / "model"}
    whole = train_word2vec(small, **options)
    interrupted(small, tmp_path / "next", continue_from=tmp_path / "model")
    assert same(whole, train_word2vec(small, output=tmp_path / "next", resume=True, **options))
    interrupted(small, tmp_path / "other", continue_from=tmp_path / "model")
    with pytest.raises(ArgumentError, match=r"parent was .*, is null"):
        train_word2vec(small, output=tmp_path / "other", resume=True, **OPTIONS)


def test_bad_continuations_are_refused(small: EncodedCorpus, tmp_path: Path) -> None:
    output = tmp_path / "model"
    first = train_word2vec(small, output=output, keep_training_state=True, **OPTIONS)
    with pytest.raises(ArgumentError, match="dim must be that of the model, 16, got 20"):
        train_word2vec(small, continue_from=first, dim=20)
    with pytest.raises(ArgumentError, match="initial and continue_from exclude each other"):
        train_word2vec(small, continue_from=first, initial=first)
    with pytest.raises(ArgumentError, match='model must be "skipgram" as in the training state'):
        train_word2vec(small, continue_from=output, model="cbow")
    with pytest.raises(ArgumentError, match='keep_training_state is for loss="ns"'):
        train_word2vec(small, output=tmp_path / "hs", keep_training_state=True, loss="hs")
    with pytest.raises(ArgumentError, match="keep_training_state needs output"):
        train_word2vec(small, keep_training_state=True)
    with pytest.raises(ArgumentError, match="no such file or folder"):
        train_word2vec(small, continue_from=tmp_path / "nothing")
    state = json.loads((output / "qianru.json").read_text(encoding="utf-8"))["fingerprint"]
    assert read_state(output / "training.safetensors", ["outputs"])[1]["model"] == state
    other = train_word2vec(small, **(OPTIONS | {"seed": 9}))
    other.save(tmp_path / "other")
    (tmp_path / "other" / "training.safetensors").write_bytes((output / "training.safetensors").read_bytes())
    with pytest.raises(FormatError, match="belongs to another model"):
        train_word2vec(small, continue_from=tmp_path / "other")
    # It counts as part of the model folder: force replaces both.
    other.save(output, force=True)
    assert not (output / "training.safetensors").exists()
