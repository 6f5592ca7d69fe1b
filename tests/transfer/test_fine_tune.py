"""Contextual models trained with a classifier: they learn, are saved whole, come back, and refuse what cannot be trained."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.errors import ArgumentError, CorpusError, FormatError, TrainingError
from qianru.tokens import Tokenizer, tokenizer_of_words
from qianru.vectors import Vectors

_spec = importlib.util.spec_from_file_location("transfer_conftest", Path(__file__).parent / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)
folder_of, sentences = world.folder_of, world.sentences

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
pytest.importorskip("transformers", reason="transformers is not installed")
from qianru.contextual import load_encoder  # noqa: E402
from qianru.progress import Progress  # noqa: E402
from qianru.transfer import TextClassifier, train_text_classifier  # noqa: E402
from qianru.transfer import fitting as fitting_module  # noqa: E402
from qianru.transfer.fitting import _set_rates  # noqa: E402

QUICK: dict[str, Any] = {"epochs": 5, "body_learning_rate": 3e-3, "learning_rate": 0.02, "dropout": 0.1}
TEXTS = ["the cat was near us", "没有 火车 在 那里", "a bus", ""]


@pytest.fixture
def bert(wordpiece: Tokenizer, tmp_path: Path) -> Path:
    return folder_of("bert", tmp_path / "bert", wordpiece)


def add_modules(folder: Path) -> None:
    """Two poolings, a dense layer with tanh, and unit length behind the model, as sentence-transformers writes them."""
    from safetensors.torch import save_file

    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    for number, kind in enumerate(("Pooling", "Dense", "Normalize"), 1):
        modules.append(
            {
                "idx": number,
                "name": str(number),
                "path": f"{number}_{kind}",
                "type": f"sentence_transformers.models.{kind}",
            }
        )
        (folder / f"{number}_{kind}").mkdir()
    (folder / "modules.json").write_text(json.dumps(modules))
    flags = {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(flags))
    told = {"in_features": 32, "out_features": 8, "bias": True}
    (folder / "2_Dense" / "config.json").write_text(
        json.dumps({**told, "activation_function": "torch.nn.modules.activation.Tanh"})
    )
    torch.manual_seed(1)
    tensors = {"linear.weight": torch.randn(8, 32), "linear.bias": torch.randn(8)}
    save_file(tensors, str(folder / "2_Dense" / "model.safetensors"))


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_it_learns_and_comes_back_from_disk(kind: str, wordpiece: Tokenizer, tmp_path: Path) -> None:
    folder = folder_of(kind, tmp_path / kind, wordpiece)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    reports: list[Progress] = []
    made = train_text_classifier(
        sentences(0, 6, 120, 1), validation=0.2, fine_tune=folder, progress=reports.append, **QUICK
    )
    assert {report.stage for report in reports} == {"seed 1"}
    report = made.evaluate(sentences(0, 6, 80, 2))
    assert report.accuracy.value is not None
    assert report.accuracy.value > 0.9
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    made.save(tmp_path / "m")
    shutil.rmtree(folder)  # nothing of it is needed any more
    loaded = TextClassifier.load(tmp_path / "m")
    assert repr(loaded) == "TextClassifier(fine-tuned, 2 labels)"
    assert np.array_equal(loaded.probabilities(TEXTS), made.probabilities(TEXTS))
    assert loaded.temperature == made.temperature
    loaded.save(tmp_path / "again")
    assert np.array_equal(
        TextClassifier.load(tmp_path / "again").probabilities(TEXTS), made.probabilities(TEXTS)
    )
    assert not [file for file in (tmp_path / "m").rglob("*") if file.suffix in (".bin", ".pt", ".pkl")]
    told = json.loads((tmp_path / "m" / "qianru.json").read_text("utf-8"))
    assert told["provenance"]["start"]["kind"] == "fine-tuned"
    assert str(tmp_path) not in json.dumps(told) + (tmp_path / "m" / "encoder" / "config.json").read_text()


def test_every_weight_that_texts_pass_through_is_trained(bert: Path, tmp_path: Path) -> None:
    add_modules(bert)
    start = load_encoder(bert)
    made = train_text_classifier(sentences(0, 6, 60, 1), fine_tune=bert, **{**QUICK, "epochs": 1})
    made.save(tmp_path / "m")
    from safetensors.torch import load_file

    for name, still in (("model.safetensors", "pooler"), ("2_Dense/model.safetensors", "nothing")):
        old, new = load_file(str(bert / name)), load_file(str(tmp_path / "m" / "encoder" / name))
        assert set(old) == set(new)
        for key in old:
            # The key's bias adds the same to all scores of a query, so its gradient is rounding alone.
            if still not in key and "key.bias" not in key:
                assert not torch.equal(old[key], new[key]), key
    # The encoder stands on its own, pooling and all, here and in sentence-transformers.
    tuned = load_encoder(tmp_path / "m" / "encoder")
    assert (tuned.dim, tuned.settings["pooling"]) == (start.dim, start.settings["pooling"])
    assert tuned.settings["pooling"] == "cls + max, dense 8 tanh, normalize"
    features = made._network.top  # type: ignore[union-attr]
    with torch.no_grad():
        scores = features(torch.from_numpy(tuned.encode(TEXTS).vectors)).double() / made.temperature
    assert np.abs(torch.softmax(scores, 1).numpy() - made.probabilities(TEXTS)).max() < 1e-5
    sentence_transformers = pytest.importorskip("sentence_transformers")
    theirs = sentence_transformers.SentenceTransformer(str(tmp_path / "m" / "encoder"), device="cpu")
    assert np.abs(theirs.encode(TEXTS[:3]) - tuned.encode(TEXTS[:3]).vectors).max() < 1e-5


@pytest.mark.parametrize("pooling", ["mean", "max", "last", ["weighted", "mean_sqrt"]])
def test_gradients_are_those_of_texts_one_by_one(pooling: str | list[str], bert: Path) -> None:
    """In parts, sorted by length and padded, against one text after the other."""
    from qianru.transfer.network import EncoderInputs, TunedNetwork

    texts = ["the cat", "a bus and a car here", "没有 火车 在 那里", "a", "they like the tram"]
    grads = []
    for alone in (False, True):
        settings = {"pooling": pooling, "long": "window", "max_tokens": 6, "overlap": 1}
        torch.manual_seed(3)
        network = TunedNetwork(load_encoder(bert, backend="transformers", **settings), 2)
        network.eval()
        inputs = EncoderInputs(network.encoder, texts)
        network.fit_scale(inputs)
        network.encoder._batch_tokens = 13
        parts = [[i] for i in range(5)] if alone else [list(range(5))]
        scores = torch.cat([network(inputs.batch(np.array(part))) for part in parts])
        (scores * torch.arange(10.0).view(5, 2)).sum().backward()
        grads.append([one.grad.clone() for one in network.parameters() if one.grad is not None])
    assert len(grads[0]) == len(grads[1]) > 20
    for one, other in zip(*grads, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max() + 1))


def test_seeds_weights_and_settings(bert: Path, tmp_path: Path) -> None:
    data = [*sentences(0, 6, 40, 1), *[(f"a cat here {i}", "animal") for i in range(40)]]
    settings = {
        "layers": {0: 0.25, -1: 0.75},
        "long": "window",
        "max_tokens": 6,
        "overlap": 1,
        "prompt": "I ",
    }
    options = {**QUICK, "epochs": 2, "class_weights": "balanced", "features_settings": settings}
    options["validation"] = sentences(0, 6, 30, 3)
    made = train_text_classifier(data, fine_tune=bert, seeds=2, test=sentences(0, 6, 20, 2), **options)
    assert [one.seed for one in made.runs] == [1, 2]
    assert all(one.report is not None and one.history for one in made.runs)
    assert made.seed == min(made.runs, key=lambda one: one.held_out_loss or 0).seed
    made.save(tmp_path / "m")
    loaded = TextClassifier.load(tmp_path / "m")
    assert np.array_equal(loaded.probabilities(TEXTS), made.probabilities(TEXTS))
    # The second seed does not start where the first one ended, and the same seed ends in the same place.
    again = train_text_classifier(data, fine_tune=bert, seeds=[made.seed], **options)
    assert np.allclose(again.probabilities(TEXTS), made.probabilities(TEXTS), atol=1e-6)


def test_texts_that_are_cut_are_counted(bert: Path) -> None:
    options = {**QUICK, "epochs": 1, "features_settings": {"max_tokens": 5}}
    made = train_text_classifier(sentences(0, 6, 40, 1), fine_tune=bert, **options)
    assert "longer than their model takes and were cut" in made.notes[0]
    assert made.evaluate([("a cat and a dog here", "animal")]).n_truncated == 1


def test_rates_rise_and_fall() -> None:
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": 2.0, "full_rate": 2.0}])
    rates = []
    for step in range(20):
        _set_rates(optimizer, step, 20, 0.2)
        rates.append(optimizer.param_groups[0]["lr"])
    assert np.allclose(rates[:4], [0.5, 1.0, 1.5, 2.0])
    assert np.allclose(rates[4:], np.arange(16, 0, -1) / 16 * 2)
    _set_rates(optimizer, 0, 20, 0.0)
    assert optimizer.param_groups[0]["lr"] == 2.0


@pytest.mark.parametrize("where", ["train", "held-out"])
def test_a_loss_that_is_no_number_keeps_the_last_good_state(
    where: str, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sentences(0, 6, 60, 1)
    with pytest.raises(TrainingError, match=r"the (held-out )?loss is (nan|inf)"):
        train_text_classifier(data, fine_tune=bert, **{**QUICK, "body_learning_rate": 1e30, "warmup": 0.0})

    def set_rates(optimizer: Any, step: int, n_steps: int, warmup: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = 1e30 if where == "train" and step >= 20 else group["full_rate"]

    monkeypatch.setattr(fitting_module, "_set_rates", set_rates)
    good = train_text_classifier(data, fine_tune=bert, **{**QUICK, "epochs": 1})
    assert not good.runs[0].diverged
    real, calls = fitting_module.scores_of, [0]

    def scores_of(network: Any, inputs: Any) -> Any:
        calls[0] += 1
        return real(network, inputs) * (np.nan if calls[0] == 2 else 1.0)

    if where == "held-out":
        monkeypatch.setattr(fitting_module, "scores_of", scores_of)
    made = train_text_classifier(data, fine_tune=bert, **QUICK)
    assert made.runs[0].diverged
    assert "was no number after check 1: the state of check 1 is kept" in made.notes[0]
    assert np.array_equal(made.probabilities(TEXTS), good.probabilities(TEXTS))


def test_what_cannot_be_tuned_is_refused(bert: Path, known: Vectors, tmp_path: Path) -> None:
    data = sentences(0, 6, 20, 1)

    def refused(error: type[Exception], message: str, path: Path = bert, **options: Any) -> None:
        with pytest.raises(error, match=message):
            train_text_classifier(options.pop("data", data), fine_tune=path, **options)

    known.save(tmp_path / "static")
    refused(ArgumentError, "static holds another kind of model", tmp_path / "static")
    refused(FormatError, "no such file or folder", tmp_path / "nothing")
    refused(ArgumentError, "fine_tune must come without start and tokenizer and features", start=known)
    refused(ArgumentError, "fine_tune must come without start and tokenizer and features", features=bert)
    refused(ArgumentError, "fine_tune must come without encoder, got 'cnn'", encoder="cnn")
    refused(ArgumentError, "body_learning_rate must be above 0, got 0", body_learning_rate=0)
    refused(ArgumentError, "warmup must be from 0 to below 1, got 1", warmup=1)
    refused(ArgumentError, "settings of features must be of", features_settings={"depth": 1})
    refused(CorpusError, "labels that the training examples do not have", test=[("x y", "plant")])
    refused(CorpusError, "has one label", data=data[::2])
    shutil.copytree(bert, tmp_path / "bare")
    (tmp_path / "bare" / "tokenizer.json").unlink()
    refused(FormatError, "no tokenizer in it", tmp_path / "bare")
    shutil.copytree(bert, tmp_path / "pickle")
    (tmp_path / "pickle" / "model.safetensors").rename(tmp_path / "pickle" / "pytorch_model.bin")
    refused(FormatError, r"a pickle \(pytorch_model.bin\)", tmp_path / "pickle")
    shutil.copytree(bert, tmp_path / "other")
    tokenizer_of_words([f"w{i}" for i in range(500)]).save(tmp_path / "t")
    shutil.copy(tmp_path / "t" / "tokenizer.json", tmp_path / "other" / "tokenizer.json")
    refused(FormatError, "the tokenizer has", tmp_path / "other")


def test_damaged_and_mixed_folders_are_refused(bert: Path, tmp_path: Path) -> None:
    made = train_text_classifier(sentences(0, 6, 40, 1), fine_tune=bert, **{**QUICK, "epochs": 1})
    made.save(tmp_path / "m")
    file = tmp_path / "m" / "qianru.json"
    told = json.loads(file.read_text("utf-8"))

    def refused(message: str) -> None:
        with pytest.raises(FormatError, match=message):
            TextClassifier.load(tmp_path / "m")

    for change, message in (
        ({"tuned": 3}, "tuned is missing or breaks its rule"),
        ({"tuned": {"trust_remote_code": True}}, "must be of .*, got 'trust_remote"),
        ({"tuned": {"layers": 99}}, "layers must be from"),
        ({"dim": 15}, "dim must be 16, got 15"),
        ({"tuned": None}, "encoder must be one of"),
    ):
        file.write_text(json.dumps({**told, **change}), encoding="utf-8")
        refused(message)
    file.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ArgumentError, match="works on no features"):
        TextClassifier.load(tmp_path / "m", features=bert)
    weights = tmp_path / "m" / "encoder" / "model.safetensors"
    good = weights.read_bytes()
    shutil.copy(bert / "model.safetensors", weights)
    refused("the tensors are not those that qianru.json tells of")
    weights.write_bytes(good[: len(good) // 2])
    refused("encoder")
    weights.rename(weights.with_name("pytorch_model.bin"))
    refused("a pickle")
    shutil.rmtree(tmp_path / "m" / "encoder")
    refused("encoder")


def test_on_the_command_line(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("train.csv", sentences(0, 6, 60, 1)), ("test.csv", sentences(0, 6, 30, 2))):
        Path(name).write_text("text,label\n" + "".join(f"{t},{y}\n" for t, y in rows), encoding="utf-8")
    train = ["classify", "train", "train.csv", "--threads", "1", "--epochs", "2", "--fine-tune"]
    rates = ["--learning-rate", "0.02", "--body-learning-rate", "0.003", "--warmup", "0.2"]
    assert run([*train, "bert", "-o", "m", *rates]) == 0
    assert "fine-tuned: bert, dim 16, " in capsys.readouterr().err
    assert run(["classify", "evaluate", "m", "test.csv", "--bootstrap", "0"]) == 0
    assert capsys.readouterr().out.startswith("accuracy\t30")
    assert run(["classify", "predict", "m", "the cat was near us", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]["labels"][0]
    assert found["label"] in ("animal", "vehicle")
    assert 0.5 <= found["probability"] <= 1
    assert run([*train, "bert", "-o", "m", *rates, "--force"]) == 0
    capsys.readouterr()
    for arguments, message in (
        ([*train, "bert", "-o", "n", "--features", "bert"], "fine_tune must come without"),
        ([*train, "nothing", "-o", "n"], "no such file or folder"),
        ([*train, "bert", "-o", "n", "--warmup", "2"], "warmup must be"),
    ):
        assert run(arguments) == 2, arguments
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert message in told
