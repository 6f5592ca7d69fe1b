"""`qianru train glove` and `qianru train ppmi`: a model comes out, and a wrong number is one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qianru.cli.app import run
from qianru.sample import sample_lines
from qianru.vectors import Vectors


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "en.txt"
    path.write_text("\n".join(sample_lines("en", n_bytes=60_000)), encoding="utf-8")
    return path


def test_glove(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, state = tmp_path / "model", tmp_path / "state"
    common = ["train", "glove", str(text), "--dim", "8", "--checkpoint", str(state)]
    assert run([*common, "-o", str(model), "--epochs", "2", "--save-every", "1", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["dim"] == 8
    assert "loss" in said.err
    assert run([*common, "-o", str(tmp_path / "more"), "--epochs", "4", "--resume"]) == 0
    assert (
        run(["train", "glove", str(text), "--dim", "8", "--epochs", "4", "-o", str(tmp_path / "whole")]) == 0
    )
    more, whole = (Vectors.load(tmp_path / name) for name in ("more", "whole"))
    assert more.fingerprint == whole.fingerprint


def test_ppmi_and_info(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model"
    assert run(["train", "ppmi", str(text), "-o", str(model), "--dim", "8"]) == 0
    assert "loss" not in capsys.readouterr().err
    assert run(["info", str(model), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    n_keys = facts["n_keys"]
    assert (facts["bytes_one_hot_sparse"], facts["bytes_one_hot"]) == (4 * n_keys, 4 * n_keys**2)
    assert run(["info", str(model)]) == 0
    assert "one-hot kept sparse" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["glove", "--dim", "0"], "dim must be"),
        (["glove", "--window", "0"], "window must be"),
        (["glove", "--x-max", "0"], "x_max must be"),
        (["glove", "--resume"], "need checkpoint, a file"),
        (["glove", "--resume", "--checkpoint", "nowhere"], "no checkpoint nowhere"),
        (["glove", "--memory", "1000"], "memory must be at least"),
        (["glove", "--min-count", "1000000"], "min_count"),
        (["ppmi", "--dim", "100000"], "dim must be at most"),
        (["ppmi", "--shift", "0"], "shift must be"),
    ],
)
def test_bad_input(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    model = tmp_path / "model"
    assert run(["train", *arguments, str(text), "-o", str(model)]) == 2
    said = capsys.readouterr().err
    assert f"error: {message}" in said or message in said
    assert "hint: " in said
    assert "Traceback" not in said
    assert not model.exists()
