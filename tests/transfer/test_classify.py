"""Text classifiers: they learn, start from vectors, stop, come back from disk, and refuse what means nothing."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.errors import ArgumentError, CorpusError, FormatError, OutputError, QianruError, TrainingError
from qianru.progress import Progress
from qianru.tokens import tokenizer_of_words
from qianru.vectors import Vectors

_spec = importlib.util.spec_from_file_location("transfer_conftest", Path(__file__).parent / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)
sentences = world.sentences

pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.transfer import TextClassifier, train_text_classifier  # noqa: E402
from qianru.transfer.classify import _data  # noqa: E402
from qianru.transfer.classify_source import words_tokenizer  # noqa: E402
from qianru.transfer.examples import text_marks  # noqa: E402

SMALL: dict[str, dict[str, Any]] = {
    "mean": {},
    "cnn": {"n_filters": 8, "widths": (1, 2)},
    "lstm": {"hidden": 8},
    "gru": {"hidden": 8},
    "transformer": {"n_layers": 1, "n_heads": 2},
}
QUICK: dict[str, Any] = {"epochs": 12, "min_count": 1, "learning_rate": 0.02, "dropout": 0.1, "dim": 12}


@pytest.fixture(scope="module")
def trained(known: Vectors) -> TextClassifier:
    return train_text_classifier(sentences(0, 6, 60, 1), start=known, **QUICK)


@pytest.mark.parametrize("encoder", SMALL)
def test_every_encoder_learns_words_it_has_seen(encoder: str) -> None:
    made = train_text_classifier(
        sentences(0, 6, 120, 1), encoder=encoder, encoder_settings=SMALL[encoder], **QUICK
    )
    report = made.evaluate(sentences(0, 6, 80, 2))
    assert report.accuracy.value is not None
    assert report.accuracy.value > 0.9
    assert report.accuracy.low is not None


def test_vectors_carry_over_to_words_no_example_has(known: Vectors) -> None:
    unseen = sentences(6, 12, 80, 2)
    options = {**QUICK, "min_count": 2}
    for rows in ("frozen", "slow"):
        made = train_text_classifier(sentences(0, 6, 60, 1), start=known, rows=rows, **options)
        assert made.evaluate(unseen).accuracy.value > 0.9
    random = train_text_classifier(sentences(0, 6, 60, 1), **options)
    assert random.evaluate(unseen).accuracy.value < 0.75
    mapping = made.provenance["start"]["mapping"]  # type: ignore[index]
    assert mapping["n_found"] == len(known)
    assert 0 < mapping["coverage"] < 1


def test_frozen_rows_stay_and_slow_ones_move(known: Vectors) -> None:
    before = known["cat"]
    for rows, moves in (("frozen", False), ("slow", True)):
        made = train_text_classifier(sentences(0, 6, 60, 1), start=known, rows=rows, **QUICK)
        row = made.layer.weight[made.layer.tokenizer.id_of("cat")].detach().numpy()
        assert np.array_equal(row, before) != moves


def test_words_of_the_examples_may_all_be_rare_but_not_unreadable(known: Vectors) -> None:
    rare = words_tokenizer(known, ["heron", "ibis"], 2, 100)
    assert rare.n_tokens == words_tokenizer(known, ["cat"], 1, 100).n_tokens
    assert "heron" in words_tokenizer(known, ["heron", "heron ibis"], 2, 100)
    for texts, message in ((["a cat", "a \ud800 b"], "holds a lone surrogate"), (["!", "?"], "no words in")):
        with pytest.raises(CorpusError, match=message):
            words_tokenizer(known, texts, 1, 100)


def test_it_comes_back_from_disk_as_it_was(trained: TextClassifier, tmp_path: Path) -> None:
    texts = ["the cat was near us", "一辆 火车", "", "unheard-of words"]
    trained.save(tmp_path / "model")
    loaded = TextClassifier.load(tmp_path / "model")
    assert loaded.labels == trained.labels == ["animal", "vehicle"]
    assert np.array_equal(loaded.probabilities(texts), trained.probabilities(texts))
    assert loaded.n_parameters == trained.n_parameters
    assert loaded.predict(texts[:1])[0][0].label == "animal"
    assert sorted(entry.name for entry in (tmp_path / "model").iterdir()) == [
        "model.safetensors", "qianru.json", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    loaded.save(tmp_path / "again")
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        trained.save(tmp_path / "model")
    trained.save(tmp_path / "model", force=True)
    (tmp_path / "model" / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match="files of yours"):
        trained.save(tmp_path / "model", force=True)


@pytest.mark.parametrize("encoder", ["cnn", "gru", "transformer"])
def test_deep_encoders_come_back_too(encoder: str, tmp_path: Path) -> None:
    made = train_text_classifier(
        sentences(0, 6, 40, 1), encoder=encoder, encoder_settings=SMALL[encoder], **{**QUICK, "epochs": 1}
    )
    made.save(tmp_path / "model")
    texts = ["the cat was near us", "", "a bus"]
    assert np.array_equal(
        TextClassifier.load(tmp_path / "model").probabilities(texts), made.probabilities(texts)
    )


def test_a_text_has_its_probabilities_whatever_stands_beside_it(trained: TextClassifier) -> None:
    texts = [text for text, _ in sentences(0, 12, 30, 4)]
    together = trained.probabilities(texts)
    alone = np.vstack([trained.probabilities([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-6
    assert together.sum(axis=1) == pytest.approx(np.ones(len(texts)))
    assert trained.probabilities([]).shape == (0, 2)
    assert [len(one) for one in trained.predict(texts[:2], k=5)] == [2, 2]


def test_the_same_seed_gives_the_same_network_and_torch_is_left_as_it_was() -> None:
    import torch

    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    a = train_text_classifier(sentences(0, 6, 40, 1), **{**QUICK, "epochs": 2})
    assert torch.equal(torch.rand(2), expected)
    b = train_text_classifier(sentences(0, 6, 40, 1), **{**QUICK, "epochs": 2})
    texts = [text for text, _ in sentences(0, 6, 10, 3)]
    assert np.array_equal(a.probabilities(texts), b.probabilities(texts))


def test_several_seeds_and_the_best_by_held_out_loss(tmp_path: Path) -> None:
    reports: list[Progress] = []
    held_out = sentences(0, 6, 40, 5)
    held_out[0] = held_out[0][0], held_out[1][1]  # a wrong label, without which no temperature would be best
    made = train_text_classifier(
        sentences(0, 6, 100, 1),
        validation=held_out,
        test=sentences(0, 6, 40, 6),
        seeds=3,
        progress=reports.append,
        **{**QUICK, "epochs": 3},
    )
    assert [run.seed for run in made.runs] == [1, 2, 3]
    losses = [run.held_out_loss for run in made.runs]
    assert made.seed == 1 + losses.index(min(losses))
    assert all(run.report is not None and run.report.n_examples == 40 for run in made.runs)
    assert made.temperature == made.runs[made.seed - 1].temperature != 1.0
    assert made.notes == []
    made.save(tmp_path / "model")
    assert TextClassifier.load(tmp_path / "model").temperature == made.temperature
    assert {report.stage for report in reports} == {"seed 1", "seed 2", "seed 3"}
    for run in made.runs:
        best = min(run.history, key=lambda check: check["held_out_loss"])
        assert run.history[run.best_check - 1] == best
        assert run.held_out_loss == best["held_out_loss"]
    assert len(made.provenance["runs"]) == 3  # type: ignore[arg-type]
    assert train_text_classifier(sentences(0, 6, 40, 1), seeds=[7], **{**QUICK, "epochs": 1}).seed == 7


def test_held_out_examples_that_are_all_right_calibrate_nothing() -> None:
    made = train_text_classifier(sentences(0, 6, 120, 1), validation=0.2, **QUICK)
    assert made.runs[0].held_out_accuracy == 1.0
    assert made.temperature == 1.0
    assert made.notes[0].startswith(
        "the held-out loss of seed 1 falls down to the temperature 0.05: its probabilities are not calibrated"
    )


def test_copies_of_training_texts_are_not_held_out() -> None:
    pairs = [
        (f"{copy * ' '}{text.title()}", label) for text, label in sentences(0, 6, 40, 1) for copy in range(3)
    ]
    data = _data(pairs, 0.2, None, "refuse", 1)
    assert data.held_out is not None
    assert (len(data.train), len(data.held_out)) == (96, 24)
    assert not np.isin(text_marks(data.held_out.texts), text_marks(data.train.texts)).any()


def test_training_stops_early_and_goes_back_to_the_best() -> None:
    rng = np.random.default_rng(2)
    noise = [
        (f"w{a} w{b} {i}", "xy"[int(label)])
        for i, (a, b, label) in enumerate(rng.integers(0, [30, 30, 2], (60, 3)))
    ]
    made = train_text_classifier(noise, validation=0.4, patience=2, **{**QUICK, "epochs": 40})
    run = made.runs[0]
    assert run.stopped_early
    assert len(run.history) == run.best_check + 2 < 40
    assert made.evaluate(noise, overlap="allow").accuracy.value is not None


def test_class_weights_lift_the_rare_label(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pairs = [
        (
            f"{'odd' if i % 10 == 0 and rng.random() < 0.7 else 'even'} w{i}",
            "rare" if i % 10 == 0 else "usual",
        )
        for i in range(200)
    ]
    recalls = []
    for weights in ("none", "balanced", {"rare": np.float32(300), "usual": 1}):
        made = train_text_classifier(
            pairs, validation=0.0, class_weights=weights, **{**QUICK, "epochs": 6, "min_count": 2}
        )
        fresh = [(f"even x{i}", "rare" if i % 10 == 0 else "usual") for i in range(50)]
        recalls.append(made.evaluate(fresh).labels["rare"].recall.value)
        assert made.temperature == 1.0
        assert "nothing was held out" in made.notes[0]
    made.save(tmp_path / "model")
    assert recalls[0] == 0.0
    assert recalls[2] == 1.0
    with pytest.raises(ArgumentError, match="class_weights must give a number above 0"):
        train_text_classifier(pairs, class_weights={"rare": 1.0})
    with pytest.raises(ArgumentError, match='"none", "balanced"'):
        train_text_classifier(pairs, class_weights="equal")


class Lengths:
    """Another model: two numbers for each text."""

    fingerprint = "abc"

    def __init__(self, dim: int = 2) -> None:
        self.dim = dim

    def encode(self, texts: list[str]) -> np.ndarray:
        found = np.array([[len(text), text.count("!"), 5.0][: self.dim] for text in texts], np.float32)
        return found.reshape(len(texts), self.dim)


def test_features_of_another_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    pairs = [
        ("a" * int(n) + "!" * int(k), "loud" if k > 4 else "quiet") for n, k in rng.integers(0, 10, (200, 2))
    ]
    made = train_text_classifier(
        list(dict.fromkeys(pairs)), features=Lengths(), epochs=10, learning_rate=0.1, dropout=0.0
    )
    assert made.layer is None
    assert made.evaluate([("b!!!!!!!!", "loud"), ("bbb", "quiet")]).accuracy.value == 1.0
    made.save(tmp_path / "model")
    loaded = TextClassifier.load(tmp_path / "model", features=Lengths())
    assert np.array_equal(loaded.probabilities(["x!!"]), made.probabilities(["x!!"]))
    with pytest.raises(ArgumentError, match="works on the features of another model"):
        TextClassifier.load(tmp_path / "model")
    other = Lengths()
    other.fingerprint = "def"
    with pytest.raises(ArgumentError, match="must be those of model abc, got model def"):
        TextClassifier.load(tmp_path / "model", features=other)
    wrong = TextClassifier.load(tmp_path / "model", features=Lengths(3))
    with pytest.raises(ArgumentError, match="features must have dim 2, got 3"):
        wrong.predict(["x"])
    with pytest.raises(ArgumentError, match=r"features must have a method encode"):
        train_text_classifier(pairs, features=object())  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="features must come without start"):
        train_text_classifier(pairs, features=Lengths(), tokenizer=tokenizer_of_words(["a"]))


def test_sets_that_mean_nothing_are_refused(trained: TextClassifier) -> None:
    data = sentences(0, 6, 60, 1)
    with pytest.raises(CorpusError, match="all 60 test examples of examples are among the training examples"):
        trained.evaluate(data)
    with pytest.raises(CorpusError, match=r"1 of 3 test examples .* are among"):
        trained.evaluate([*sentences(0, 6, 2, 9), data[0]])
    assert trained.evaluate([*sentences(0, 6, 2, 9), data[0]], overlap="drop").n_examples == 2
    with pytest.raises(CorpusError, match="labels that the training examples do not have: 'plant'"):
        trained.evaluate([("a fern", "plant")])
    for options, message in (
        ({"test": data}, "all 60 test examples"),
        ({"test": [("a fern", "plant")]}, "do not have: 'plant'"),
        ({"validation": [("a fern", "plant")]}, "do not have: 'plant'"),
        ({"validation": data[:5]}, "all 5 validation examples"),
    ):
        with pytest.raises(CorpusError, match=message):
            train_text_classifier(data, **options)  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match="has one label"):
        train_text_classifier([("a", "x"), ("b", "x")])
    with pytest.raises(CorpusError, match="is empty"):
        train_text_classifier([])
    with pytest.raises(CorpusError, match="no label with two different texts"):
        train_text_classifier([("a", "x"), ("b", "y"), ("A ", "x")])
    with pytest.raises(CorpusError, match="which holds a lone surrogate"):
        train_text_classifier([*data, ("a", "\udcff")])
    with pytest.raises(CorpusError, match="no word of the examples occurs 2 times"):
        train_text_classifier([("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "rnn"}, "encoder must be one of"),
        ({"encoder": "cnn", "encoder_settings": {"depth": 3}}, "unexpected keyword argument 'depth'"),
        ({"epochs": 0}, "epochs must be a whole number from 1 up, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"rows": "loose"}, "rows must be one of"),
        ({"validation": 1.5}, "validation must be examples, or a share"),
        ({"seeds": []}, "seeds must be how many"),
        ({"seeds": 0}, "seeds must be a whole number from 1 up"),
        ({"overlap": "keep", "test": [("a", "animal")]}, "overlap must be one of"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train_text_classifier(sentences(0, 6, 20, 1), **options)


def test_a_loss_that_is_no_number_stops_training() -> None:
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf)"):
        train_text_classifier(sentences(0, 6, 40, 1), **{**QUICK, "learning_rate": 1e25})


def test_texts_that_are_cut_are_counted(known: Vectors) -> None:
    made = train_text_classifier(sentences(0, 6, 40, 1), max_tokens=3, **{**QUICK, "epochs": 1})
    assert "training texts are longer than 3 tokens and were cut" in made.notes[0]
    assert made.evaluate([("a cat is a very long cat", "animal")]).n_truncated == 1


def test_damaged_folders_are_refused(trained: TextClassifier, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    trained.save(folder)
    texts = ["the cat was near us", "a bus"]
    expected = trained.probabilities(texts)
    rng = np.random.default_rng(8)
    for name in ("model.safetensors", "qianru.json", "tokenizer.json"):
        data = (folder / name).read_bytes()
        for cut in (0, 7, 100, len(data) // 2, len(data) - 1):
            (folder / name).write_bytes(data[:cut])
            if name == "qianru.json" and cut == len(data) - 1:
                continue  # only the line end is missing
            with pytest.raises(QianruError):
                TextClassifier.load(folder)
        for place in rng.integers(0, len(data), 25).tolist():
            flipped = bytearray(data)
            flipped[place] ^= 1 << int(rng.integers(8))
            (folder / name).write_bytes(bytes(flipped))
            try:
                loaded = TextClassifier.load(folder)
            except QianruError:
                continue
            assert np.array_equal(loaded.probabilities(texts), expected), (name, place)
        (folder / name).write_bytes(data)
    told = json.loads((folder / "qianru.json").read_text("utf-8"))
    for field, value, message in (
        ("kind", "static", "kind must be 'text-classifier', got 'static'"),
        ("format_version", 2, "format version 2 is none this program knows"),
        ("labels", ["a"], "labels is missing or breaks its rule"),
        ("labels", ["a", "b", "c"], r"tensor 'head.weight' must be \[3, 12\], got \[2, 12\]"),
        ("dim", 13, r"embeddings must be \[\d+, 13\] for this tokenizer"),
        ("encoder", "rnn", "encoder must be one of"),
        ("temperature", 1e9, "temperature is missing or breaks its rule"),
        ("max_tokens", 5, "not those that qianru.json tells of"),
    ):
        (folder / "qianru.json").write_text(json.dumps({**told, field: value}), "utf-8")
        with pytest.raises(FormatError, match=message):
            TextClassifier.load(folder)
    del told["features"]
    (folder / "qianru.json").write_text(json.dumps(told), "utf-8")
    with contextlib.suppress(FormatError):
        TextClassifier.load(folder)
    with pytest.raises(FormatError, match=r"no qianru\.json"):
        TextClassifier.load(tmp_path / "nothing")
