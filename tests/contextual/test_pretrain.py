"""BERT and GPT trained on a small text: folders that open anywhere, resuming to the same bytes, and what goes wrong."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.errors import ArgumentError, CorpusError, FormatError, OutputError, TrainingError
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.vectors import Vectors

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from qianru.contextual import pretrain, train_bert  # noqa: E402
from qianru.contextual.packing import Order, open_stream, write_stream  # noqa: E402
from qianru.contextual.run_state import checkpoint_folder  # noqa: E402
from qianru.contextual.settings import PretrainSettings, learning_rate_at  # noqa: E402
from qianru.contextual.start_from import start_from_vectors  # noqa: E402

Train = Callable[..., Any]


@pytest.mark.parametrize("kind", ["bert", "gpt"])
def test_a_run_learns_and_its_folder_opens_in_transformers(train: Train, kind: str) -> None:
    made = train(kind, steps=60, evaluate_every=10, learning_rate=5e-4, tokenizer=None, vocab_size=1200)
    first, last = made.curve.held_out[0], made.held_out
    assert last["loss"] < first["loss"] < np.log(made.n_tokens) + 0.5
    assert last["perplexity"] == pytest.approx(np.exp(last["loss"]))
    assert len(made.curve.losses) == 60
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.path, local_files_only=True)
    auto = transformers.AutoModelForMaskedLM if kind == "bert" else transformers.AutoModelForCausalLM
    model, info = auto.from_pretrained(made.path, local_files_only=True, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert (
        transformers.AutoModel.from_pretrained(made.path, local_files_only=True).config.vocab_size
        == made.n_tokens
    )
    text = "the tiger 老虎"
    ids = tokenizer(text)["input_ids"]
    assert ids == Tokenizer.load(made.path).encode(text).ids.tolist()
    assert model(torch.tensor([ids])).logits.shape == (1, len(ids), made.n_tokens)
    assert tokenizer.model_max_length == 16
    about = json.loads((made.path / "qianru.json").read_text("utf-8"))
    assert about["kind"] == kind
    assert about["fingerprint"] == made.fingerprint
    assert about["provenance"]["steps_done"] == 60
    assert about["provenance"]["held_out"] == made.curve.held_out
    assert not checkpoint_folder(made.path).exists()


def test_the_loss_is_that_of_transformers(train: Train, corpus: Corpus, tmp_path: Path) -> None:
    """The held-out loss of the saved model, taken by its own loss over the whole sequence."""
    made = train("gpt", steps=3)
    model = transformers.AutoModelForCausalLM.from_pretrained(made.path).eval()
    tokenizer = Tokenizer.load(made.path)
    folder = tmp_path / "stream"
    folder.mkdir()
    stream = write_stream(corpus, tokenizer, folder, whole_words=False)
    order = Order((len(stream.ids) - 1) // 16, batch_size=8, seed=1)
    window = stream.window(order.held_out * 16, 17, line_end=0)
    with torch.no_grad():
        losses = [
            model(torch.from_numpy(row)[None], labels=torch.from_numpy(row)[None]).loss.item()
            for row in window[:, :16]
        ]
        logits = model(torch.from_numpy(window[:, :16])).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(window[:, 1:]).flatten())
    assert made.held_out["loss"] == pytest.approx(float(loss), abs=1e-5)
    assert np.mean(losses) == pytest.approx(float(loss), abs=0.5)


@pytest.mark.parametrize("kind", ["bert", "gpt"])
def test_a_killed_run_resumes_to_the_same_bytes(
    train: Train, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(kind, "whole", dropout=0.1)

    def dies(self: Any, *arguments: Any) -> Any:
        if self.step == 4:
            raise RuntimeError("killed")
        return one_step(self, *arguments)

    one_step = pretrain.PretrainRun._one_step
    monkeypatch.setattr(pretrain.PretrainRun, "_one_step", dies)
    with pytest.raises(RuntimeError, match="killed"):
        train(kind, "cut", dropout=0.1)
    monkeypatch.undo()
    with pytest.raises(OutputError, match="was not finished"):
        train(kind, "cut", dropout=0.1)
    with pytest.raises(ArgumentError, match=r"learning_rate was 0.003, is 0.001"):
        train(kind, "cut", dropout=0.1, resume=True, learning_rate=1e-3)
    with pytest.raises(ArgumentError, match=r"corpus"):
        train(kind, "cut", dropout=0.1, resume=True, corpus=Corpus(["a"], lowercase=True))
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    other = Tokenizer.train(Corpus(["the cat"] * 9), kind="wordpiece", vocab_size=60, special_tokens=names)
    with pytest.raises(ArgumentError, match="tokenizer is another than that of the run"):
        train(kind, "cut", dropout=0.1, resume=True, tokenizer=other)
    with pytest.raises(ArgumentError, match="vocab_size"):
        train(kind, "cut", dropout=0.1, resume=True, tokenizer=None)
    again = train(kind, "cut", dropout=0.1, resume=True)
    assert again.curve == whole.curve
    for name in ("model.safetensors", "tokenizer.json", "config.json", "qianru.json"):
        assert (again.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_ctrl_c_ends_the_step_and_leaves_a_checkpoint(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    whole = train("bert", "whole")
    one_step = pretrain.PretrainRun._one_step

    def pressed(self: Any) -> float:
        if self.step == 1:
            signal.raise_signal(signal.SIGINT)
        return one_step(self)

    monkeypatch.setattr(pretrain.PretrainRun, "_one_step", pressed)
    with pytest.raises(KeyboardInterrupt):
        train("bert", "cut")
    monkeypatch.undo()
    again = train("bert", "cut", resume=True)
    assert again.fingerprint == whole.fingerprint


def test_accumulation_and_short_memory_change_nothing_but_rounding(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train("bert", "whole")
    parts = train("bert", "parts", accumulate=3)
    np.testing.assert_allclose(parts.curve.losses, whole.curve.losses, atol=1e-4)
    gradients = pretrain.PretrainRun._gradients

    def short(self: Any, batch: Any) -> float:
        if self.accumulate < 4:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return gradients(self, batch)

    monkeypatch.setattr(pretrain.PretrainRun, "_gradients", short)
    said: list[str] = []
    halved = train("bert", "halved", notice=said.append)
    np.testing.assert_allclose(halved.curve.losses, whole.curve.losses, atol=1e-4)
    assert said[-1] == "memory was short: each batch is now taken in 4 parts (--accumulate 4)"
    assert json.loads((halved.path / "qianru.json").read_text("utf-8"))["provenance"]["accumulate"] == 4
    with pytest.raises(ArgumentError, match="accumulate must be a whole number from 1 to"):
        train("bert", "many", accumulate=99)

    def never(self: Any, batch: Any) -> float:
        raise MemoryError

    monkeypatch.setattr(pretrain.PretrainRun, "_gradients", never)
    with pytest.raises(MemoryError, match="smaller size or length"):
        train("bert", "never")


def test_more_parts_may_be_asked_for_on_resuming(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = pretrain.PretrainRun._gradients
    seen: list[int] = []

    def dies(self: Any, batch: Any) -> float:
        seen.append(self.accumulate)
        if self.step == 3 and self.accumulate == 1:
            raise RuntimeError("killed")
        return gradients(self, batch)

    monkeypatch.setattr(pretrain.PretrainRun, "_gradients", dies)
    with pytest.raises(RuntimeError, match="killed"):
        train("bert", "cut", checkpoint_seconds=0)
    made = train("bert", "cut", checkpoint_seconds=0, resume=True, accumulate=4)
    assert set(seen) == {1, 4}
    assert json.loads((made.path / "qianru.json").read_text("utf-8"))["provenance"]["accumulate"] == 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_little_held_out_text_is_asked_about(tmp_path: Path, seed: int) -> None:
    made = train_bert(
        Corpus(["the cat sat on the mat", "a dog ran to the man"] * 2),
        output=tmp_path / "m", length=8, batch_size=2, vocab_size=60, steps=2, seed=seed, mask_share=0.05,
    )  # fmt: skip
    assert made.held_out["loss"] > 1
    assert made.held_out["train_loss"] > 1 or not any(made.curve.losses)


def test_a_loss_that_is_not_finite_stops_at_the_last_good_checkpoint(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gradients = pretrain.PretrainRun._gradients
    monkeypatch.setattr(
        pretrain.PretrainRun,
        "_gradients",
        lambda self, batch: gradients(self, batch) if self.step < 4 else np.nan,
    )
    with pytest.raises(TrainingError, match="the loss of step 5 is nan") as caught:
        train("bert", steps=9)
    assert "step 3, the last good checkpoint" in caught.value.hint
    about = json.loads((tmp_path / "model/qianru.json").read_text("utf-8"))
    assert about["provenance"]["steps_done"] == 3
    monkeypatch.undo()
    model = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "model")
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    monkeypatch.setattr(pretrain.PretrainRun, "_gradients", lambda self, batch: np.inf)
    with pytest.raises(TrainingError, match="step 1 is inf") as caught:
        train("bert", "never")
    assert "lower learning_rate" in caught.value.hint
    assert not (tmp_path / "never").exists()


def test_a_damaged_checkpoint_is_one_error_that_names_the_file(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrain.PretrainRun, "evaluate", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train("bert")
    monkeypatch.undo()
    folder = checkpoint_folder(tmp_path / "model")
    shutil.copytree(folder, tmp_path / "kept")
    for name in ("state.safetensors", "ids.npy", "begins.npy", "text.json", "tokenizer/tokenizer.json"):
        whole = (tmp_path / "kept" / name).read_bytes()
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 0x10
        variants = [whole[: len(whole) // 2], b"", whole[:9], bytes(flipped)]
        for data in variants:
            shutil.rmtree(folder)
            shutil.copytree(tmp_path / "kept", folder)
            (folder / name).write_bytes(data)
            with pytest.raises((FormatError, ArgumentError)) as caught:
                train("bert", resume=True, steps=1)
            # Bytes that are still whole are of another run, since the tokenizer's hash is part of its identity.
            expected = "another run" if caught.type is ArgumentError else name
            if name == "text.json" and "ids.npy" in str(caught.value):
                expected = "are not the ones that were written"  # a hash in it was hit: either file may be the bad one
            assert expected in str(caught.value), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "size must be one of tiny, small, base"),
        ({"length": 4}, "length must be a whole number from 8"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"steps": 0}, "steps must be"),
        ({"epochs": 0}, "epochs must be a number above 0"),
        ({"learning_rate": -1}, "learning_rate must be"),
        ({"warmup": 2}, "warmup must be"),
        ({"precision": "float16"}, "precision must be one of float32, bfloat16"),
        ({"mask_share": 0}, "mask_share must be"),
        ({"dropout": 1}, "dropout must be"),
        ({"seed": -1}, "seed must be"),
        ({"resume": True}, "there is no checkpoint"),
        ({"vocab_size": 3}, "vocab_size must be"),
    ],
)
def test_bad_arguments_are_errors_before_work(train: Train, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train("bert", **options)


def test_other_things_that_cannot_be_begun(train: Train, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="corpus must be a Corpus"):
        train_bert("a.txt", output=tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match="1 sequence"):
        train_bert(Corpus(["a b c d e f g"] * 3), output=tmp_path / "x", length=24, vocab_size=40)
    shutil.rmtree(tmp_path / "x.checkpoint")
    words = Tokenizer.train(Corpus(["a cat"] * 9), kind="word", vocab_size=20)
    with pytest.raises(ArgumentError, match=r"no \[CLS\], \[SEP\], \[MASK\], which BERT needs"):
        train("bert", "y", tokenizer=words)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        train("bert", "taken")
    with pytest.raises(OutputError, match="not a qianru model folder"):
        train("bert", "taken", force=True)
    with pytest.raises(OutputError, match="there is no folder"):
        train("bert", "no/where")
    (tmp_path / "z.checkpoint").mkdir()
    (tmp_path / "z.checkpoint" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds files of yours: mine.txt"):
        train("bert", "z", force=True)


def test_a_tokenizer_without_marks_gets_them(train: Train, corpus: Corpus) -> None:
    names = ("[CLS]", "[SEP]", "[MASK]")
    bare = Tokenizer.train(corpus, kind="bpe", vocab_size=600, special_tokens=names)
    assert bare.encode("a").ids.tolist()[:1] != [0]
    made = train("bert", tokenizer=bare, steps=1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.path, local_files_only=True)
    assert tokenizer("a 猫")["input_ids"] == [0, *bare.encode("a 猫").ids.tolist(), 1]
    assert tokenizer.mask_token == "[MASK]"


def test_every_sequence_comes_once_an_epoch_and_none_that_is_held_out() -> None:
    order = Order(1000, batch_size=7, seed=3)
    assert len(order.held_out) == 10
    epoch = np.concatenate([order.batch(step) for step in range(282)])
    assert len(order.train) == 990
    assert sorted(epoch[:990].tolist()) == order.train.tolist()
    assert not set(epoch.tolist()) & set(order.held_out.tolist())
    assert epoch[:990].tolist() != epoch[990:1974].tolist()
    again = Order(1000, batch_size=7, seed=3)
    np.testing.assert_array_equal(again.batch(200), order.batch(200))
    with pytest.raises(CorpusError):
        Order(1, batch_size=1, seed=1)


def test_the_learning_rate_rises_and_falls() -> None:
    settings = PretrainSettings(
        size="tiny", length=8, batch_size=1, accumulate=1, steps=None, epochs=1.0, learning_rate=2.0, warmup=0.1,
        min_learning_rate=0.25, weight_decay=0.0, clip_norm=1.0, dropout=0.0, seed=1, precision="float32",
        evaluate_every=None, checkpoint_seconds=1.0,
    )  # fmt: skip
    rates = [learning_rate_at(step, 100, settings) for step in range(100)]
    assert rates[:3] == pytest.approx([0.2, 0.4, 0.6])
    assert rates[9] == rates[10] == 2.0
    assert rates[55] == pytest.approx(2.0 * (0.25 + 0.75 * 0.5))
    assert 0.5 < rates[-1] < 0.505
    assert all(one >= other for one, other in itertools.pairwise(rates[10:]))


def test_the_stream_holds_every_line(tmp_path: Path) -> None:
    lines = ["the cat", "", "老虎 在", "the the cat"]
    tokenizer = Tokenizer.train(Corpus(lines * 3), kind="wordpiece", vocab_size=40)
    stream = write_stream(Corpus(lines), tokenizer, tmp_path, whole_words=True)
    texts = "".join(
        "\n" if i == 0xFFFFFFFF else tokenizer.decode([i]).replace("##", "") for i in stream.ids.tolist()
    )
    assert texts == "thecat\n老虎在\nthethecat\n"
    assert (stream.n_lines, stream.n_tokens) == (3, len(stream.ids) - 3)
    window = stream.window(np.array([0, 2]), 3, line_end=99)
    assert window[0].tolist() == [*stream.ids[:2].tolist(), 99]
    assert open_stream(tmp_path).fingerprint == stream.fingerprint


def test_vectors_go_into_the_rows_of_the_tokens_they_know(train: Train) -> None:
    random = np.random.default_rng(1)
    words = ["cat", "老", "tiger", "ghost"]
    for dim in (3, 8, 12):
        vectors = Vectors(words, random.normal(size=(4, dim)).astype(np.float32))
        matrix = random.normal(0, 0.02, (6, 8)).astype(np.float32)
        before = matrix.copy()
        assert start_from_vectors(matrix, ["Cat", None, "tiger", "老", "dog", None], vectors) == 3
        np.testing.assert_array_equal(matrix[[1, 4, 5]], before[[1, 4, 5]])
        width = 3 if dim == 12 else dim  # three rows have three directions
        np.testing.assert_array_equal(matrix[:, width:], before[:, width:])
        rows, wanted = matrix[[0, 2, 3], :width], vectors[["cat", "tiger", "老"]]
        np.testing.assert_allclose(
            rows @ rows.T / (rows[0] @ rows[0]), wanted @ wanted.T / (wanted[0] @ wanted[0]), atol=1e-4
        )
        assert np.square(rows).mean() == pytest.approx(np.square(before[[0, 2, 3], :width]).mean(), rel=1e-3)
    made = train(
        "bert", vectors=Vectors(["tiger", "the"], random.normal(size=(2, 5)).astype(np.float32)), steps=1
    )
    assert 0 < made.n_from_vectors <= 2
    assert start_from_vectors(matrix, ["x"] * 6, vectors) == 0
