"""Classifiers on the frozen features of an encoder: they learn, find their model again, and refuse another one."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.errors import ArgumentError, FormatError
from qianru.vectors import Vectors

_spec = importlib.util.spec_from_file_location("transfer_conftest", Path(__file__).parent / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)
sentences = world.sentences

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.contextual import Elmo, ElmoOptions, load_encoder  # noqa: E402
from qianru.contextual.elmo_files import write_options, write_safetensors  # noqa: E402
from qianru.progress import Progress  # noqa: E402
from qianru.transfer import TextClassifier, train_text_classifier  # noqa: E402

QUICK: dict[str, Any] = {"epochs": 15, "learning_rate": 0.05, "dropout": 0.1}
TEXTS = ["the cat was near us", "a bus", ""]


@pytest.fixture
def static(known: Vectors, tmp_path: Path) -> Path:
    known.save(tmp_path / "static")
    return tmp_path / "static"


@pytest.fixture
def elmo(tmp_path: Path) -> Path:
    """A contextual model, drawn at random."""
    torch.manual_seed(1)
    options = ElmoOptions(
        character_dim=4, filters=((1, 16), (3, 48)), n_highway=0, dim=16, projection_dim=16, n_layers=2
    )
    model = Elmo(options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    folder = tmp_path / "elmo"
    folder.mkdir()
    write_options(folder / "options.json", options)
    write_safetensors(folder / "model.safetensors", model.weights())
    return folder


def test_features_carry_over_to_words_no_example_has(static: Path, tmp_path: Path) -> None:
    made = train_text_classifier(sentences(0, 6, 160, 1), features=static, **QUICK)
    assert made.evaluate(sentences(6, 12, 80, 2)).accuracy.value > 0.85
    (tmp_path / "m").mkdir()
    made.save(tmp_path / "m" / "classifier")
    loaded = TextClassifier.load(tmp_path / "m" / "classifier")
    assert np.array_equal(loaded.probabilities(TEXTS), made.probabilities(TEXTS))
    told = json.loads((tmp_path / "m" / "classifier" / "qianru.json").read_text("utf-8"))
    assert told["features"] == load_encoder(static).fingerprint
    assert told["features_from"] == {"path": "../../static", "settings": {}}
    assert told["provenance"]["start"]["fingerprint"] == told["features"]


def test_a_contextual_model_with_layers_and_its_progress(elmo: Path, tmp_path: Path) -> None:
    reports: list[Progress] = []
    settings = {"layers": {0: 0.5, -1: 0.5}, "pooling": ["mean", "max"], "max_tokens": 6}
    made = train_text_classifier(
        sentences(0, 6, 100, 1), features=elmo, features_settings=settings, progress=reports.append, **QUICK
    )
    assert {report.stage for report in reports} == {"encode", "seed 1"}
    expected = load_encoder(elmo, **settings)  # type: ignore[arg-type]
    assert made.evaluate(sentences(0, 6, 60, 2)).accuracy.value > 0.8
    assert "longer than their model takes and were cut" in made.notes[0]
    assert made.evaluate([("a cat and a dog here", "animal")]).n_truncated == 1
    made.save(tmp_path / "classifier")
    loaded = TextClassifier.load(tmp_path / "classifier")
    assert np.array_equal(loaded.probabilities(TEXTS), made.probabilities(TEXTS))
    assert (
        json.loads((tmp_path / "classifier" / "qianru.json").read_text("utf-8"))["features"]
        == expected.fingerprint
    )
    loaded.save(tmp_path / "again")
    assert np.array_equal(
        TextClassifier.load(tmp_path / "again").probabilities(TEXTS), made.probabilities(TEXTS)
    )


def test_a_moved_model_is_named_and_another_one_refused(static: Path, elmo: Path, tmp_path: Path) -> None:
    made = train_text_classifier(sentences(0, 6, 40, 1), features=elmo, **{**QUICK, "epochs": 1})
    folder = tmp_path / "classifier"
    made.save(folder)
    expected = made.probabilities(TEXTS)
    for wrong in (static, load_encoder(static)):
        with pytest.raises(ArgumentError, match="features must be those of model"):
            TextClassifier.load(folder, features=wrong)
    (tmp_path / "both").mkdir()
    shutil.move(elmo, tmp_path / "both" / "elmo")
    with pytest.raises(FormatError, match=r"the model whose features it reads is not at .*elmo"):
        TextClassifier.load(folder)
    for moved in (tmp_path / "both" / "elmo", load_encoder(tmp_path / "both" / "elmo")):
        assert np.array_equal(TextClassifier.load(folder, features=moved).probabilities(TEXTS), expected)
    # Changed since: the fingerprint tells.
    weights = tmp_path / "both" / "elmo" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-20] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(ArgumentError, match="features must be those of model"):
        TextClassifier.load(folder, features=tmp_path / "both" / "elmo")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features_settings": {"depth": 1}}, "settings of features must be of .*, got 'depth'"),
        ({"features_settings": {"layers": "x"}}, "setting layers of features breaks its rule"),
        ({"features_settings": {"layers": {"a": 1}}}, "setting layers of features breaks its rule"),
        ({"features_settings": {"pooling": "median"}}, "setting pooling of features breaks its rule"),
        ({"features_settings": {"layers": 1}}, "a static model has one vector a word"),
        ({"encoder": "cnn"}, "features goes without encoder, got 'cnn'"),
    ],
)
def test_bad_arguments(static: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train_text_classifier(sentences(0, 6, 20, 1), features=static, **options)


def test_settings_need_a_path_and_forged_places_are_refused(static: Path, tmp_path: Path) -> None:
    data = sentences(0, 6, 20, 1)
    with pytest.raises(ArgumentError, match="one that is open has its own"):
        train_text_classifier(data, features=load_encoder(static), features_settings={"long": "window"})
    with pytest.raises(ArgumentError, match="one that is open has its own"):
        train_text_classifier(data, features_settings={"long": "window"})
    train_text_classifier(data, features=static, **{**QUICK, "epochs": 1}).save(tmp_path / "m")
    file = tmp_path / "m" / "qianru.json"
    told = json.loads(file.read_text("utf-8"))
    for place, message in (
        ({"path": 3, "settings": {}}, "must tell path and settings"),
        ({"path": "../static", "settings": {"trust_remote_code": True}}, "must be of .*, got 'trust_remote"),
        ({"path": "../static", "settings": {"layers": [1.5]}}, "breaks its rule"),
        ({"path": "../nothing", "settings": {}}, "is not at"),
        ([], "features_from is missing or breaks its rule"),
    ):
        file.write_text(json.dumps({**told, "features_from": place}), encoding="utf-8")
        with pytest.raises(FormatError, match=message):
            TextClassifier.load(tmp_path / "m")


def test_on_the_command_line(
    static: Path,
    elmo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, rows in (("train.csv", sentences(0, 6, 60, 1)), ("test.csv", sentences(0, 6, 30, 2))):
        Path(name).write_text("text,label\n" + "".join(f"{t},{y}\n" for t, y in rows), encoding="utf-8")
    train = ["classify", "train", "train.csv", "--threads", "1", "--epochs", "3", "--features"]
    assert run([*train, "elmo", "-o", "m", "--features-settings", '{"layers": [0, -1]}']) == 0
    assert "features: elmo, dim 32, " in capsys.readouterr().err
    assert run(["classify", "evaluate", "m", "test.csv", "--bootstrap", "0"]) == 0
    assert capsys.readouterr().out.startswith("accuracy\t30")
    assert run(["classify", "predict", "m", "the cat was near us"]) == 0
    assert capsys.readouterr().out.split("\t")[1] in ("animal", "vehicle")
    for arguments, message in (
        (["classify", "predict", "m", "x", "--features", "static"], "settings"),
        ([*train, "elmo", "-o", "n", "--start", "static"], "features goes without start"),
        ([*train, "nothing", "-o", "n"], "no such file or folder"),
        ([*train, "elmo", "-o", "n", "--features-settings", "3"], "must be a JSON object"),
    ):
        assert run(arguments) == 2, arguments
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert message in told or "layers" in told
    Path("elmo").rename("moved")
    assert run(["classify", "predict", "m", "x"]) == 2
    assert "--features MODEL" in capsys.readouterr().err
    assert run(["classify", "predict", "m", "x", "--features", "moved"]) == 0
