"""ELMo trained on a small text: its loss against a plain one, its folder, resuming."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.contextual.characters import character_ids
from qianru.errors import ArgumentError, FormatError
from qianru.text import Corpus

torch = pytest.importorskip("torch")

from qianru.contextual import Elmo, ElmoOptions, pretrain  # noqa: E402
from qianru.contextual.elmo_task import ElmoTask  # noqa: E402
from qianru.contextual.elmo_train import _prepare, _read_words  # noqa: E402
from qianru.contextual.packing import open_stream  # noqa: E402
from qianru.contextual.run_state import checkpoint_folder  # noqa: E402
from qianru.contextual.settings import PretrainSettings  # noqa: E402

Train = Callable[..., Any]
SETTINGS = PretrainSettings(
    size="tiny", length=8, batch_size=2, accumulate=1, steps=1, epochs=1.0, learning_rate=1e-3, warmup=0.0,
    min_learning_rate=0.0, weight_decay=0.0, clip_norm=1.0, dropout=0.0, seed=1, precision="float32",
    evaluate_every=None, checkpoint_seconds=1.0,
)  # fmt: skip
LINES = ["the cat sees the dog", "", "老虎在山上", "the dog"]


def test_the_stream_holds_each_line_between_its_marks(tmp_path: Path) -> None:
    _prepare(Corpus(LINES * 2), tmp_path, None)
    words, stream = _read_words(tmp_path / "words.json"), open_stream(tmp_path)
    names = {1: "<S>", 0xFFFFFFFF: "</S>"}
    names |= dict(enumerate(words, 3))
    found = [names[number] for number in stream.ids.tolist()]
    once = [
        "<S>",
        "the",
        "cat",
        "sees",
        "the",
        "dog",
        "</S>",
        "<S>",
        "老虎",
        "在",
        "山上",
        "</S>",
        "<S>",
        "the",
        "dog",
        "</S>",
    ]
    assert found == [*once, *once, "<S>"]


def test_the_loss_is_that_of_the_layers_and_torchs_own(tmp_path: Path) -> None:
    _prepare(Corpus(LINES * 3), tmp_path, None)
    keys, stream = _read_words(tmp_path / "words.json"), open_stream(tmp_path)
    options = ElmoOptions(
        character_dim=4, filters=((1, 8), (2, 8)), n_highway=1, dim=9, projection_dim=5, n_layers=2
    )
    n_targets = 6  # three marks and the three most frequent words
    torch.manual_seed(2)
    task = ElmoTask(stream, keys, options, SETTINGS, n_targets=n_targets)
    batch = task.batch(np.array([0, 2]), np.random.default_rng(1))
    assert batch.inputs.shape == (2, 8)
    assert batch.n_targets == 2 * 2 * 7
    names = ["", "<S>", "</S>", *keys]
    characters = np.stack([character_ids([names[number] for number in row]) for row in batch.inputs])
    layers, _ = task.module.elmo(torch.from_numpy(characters))
    forward, backward = layers[-1].chunk(2, dim=2)
    wanted = torch.from_numpy(np.where(batch.inputs < n_targets, batch.inputs, 0))
    loss = torch.zeros(())
    for hidden, targets in ((forward[:, :-1], wanted[:, 1:]), (backward[:, 1:], wanted[:, :-1])):
        scores = task.module.output(hidden).flatten(0, 1)
        loss = loss + torch.nn.functional.cross_entropy(scores, targets.flatten(), reduction="sum")
    found = task.module(torch.from_numpy(batch.inputs), None, torch.from_numpy(batch.targets))
    torch.testing.assert_close(found, loss, rtol=1e-5, atol=1e-4)
    parts = [batch.rows(0, 1), batch.rows(1, 2)]
    assert sum(part.n_targets for part in parts) == batch.n_targets
    assert parts[1].inputs.tolist() == batch.inputs[1:].tolist()


def test_a_run_learns_resumes_and_opens(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"vocab_size": 300, "steps": 16, "evaluate_every": 8, "learning_rate": 1e-2}
    whole = train("elmo", "whole", **options)
    assert whole.held_out["loss"] < whole.curve.held_out[0]["loss"] < np.log(300) + 0.5
    one_step = pretrain.PretrainRun._one_step

    def dies(self: Any) -> float:
        if self.step == 10:
            raise RuntimeError("killed")
        return one_step(self)

    monkeypatch.setattr(pretrain.PretrainRun, "_one_step", dies)
    with pytest.raises(RuntimeError, match="killed"):
        train("elmo", "cut", **options)
    monkeypatch.undo()
    words = checkpoint_folder(tmp_path / "cut") / "words.json"
    kept = words.read_bytes()
    words.write_bytes(kept[:-20])
    with pytest.raises(FormatError, match=r"words.json"):
        train("elmo", "cut", resume=True, **options)
    words.write_bytes(kept)
    again = train("elmo", "cut", resume=True, **options)
    for name in ("model.safetensors", "options.json", "vocab.json", "qianru.json"):
        assert (again.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    about = json.loads((whole.path / "qianru.json").read_text("utf-8"))
    assert (about["kind"], about["n_tokens"], about["dim"]) == ("elmo", 300, 128)
    assert len(json.loads((whole.path / "vocab.json").read_text("utf-8"))) == 300
    model = Elmo.load(whole.path)
    layers = model.embed([["the", "tiger"], ["老虎"]])
    assert [layer.shape for layer in layers] == [(3, 2, 128), (3, 1, 128)]
    pytest.importorskip("h5py")
    model.export(tmp_path / "original")
    np.testing.assert_array_equal(Elmo.load(tmp_path / "original").embed([["a"]])[0], model.embed([["a"]])[0])


def test_bad_arguments(train: Train) -> None:
    with pytest.raises(ArgumentError, match="size must be one of tiny, small, base"):
        train("elmo", size="huge")
    with pytest.raises(ArgumentError, match="vocab_size must be"):
        train("elmo", vocab_size=2)
