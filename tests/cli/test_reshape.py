"""`qianru quantise`, `qianru transform` and `qianru align`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.vectors import Vectors, load


@pytest.fixture
def model(tmp_path: Path) -> str:
    rng = np.random.default_rng(8)
    Vectors([f"w{i}" for i in range(50)], rng.standard_normal((50, 8)).astype(np.float32)).save(
        tmp_path / "m"
    )
    return str(tmp_path / "m")


def test_quantise(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pairs.tsv").write_text("w1\tw2\t1\nw3\tw4\t2\nw5\tw6\t3\nw5\tx\t3\n")
    out = str(tmp_path / "q")
    assert run(["quantise", model, out, "--pairs", str(tmp_path / "pairs.tsv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["n_pairs"] == 3
    assert told["overlap"] > 0.9
    assert len(load(out)) == 50
    assert run(["quantise", model, out, "--method", "pq", "--n-sub", "4", "--force"]) == 0
    assert "of the ten nearest kept" in capsys.readouterr().out
    assert run(["quantise", model, out]) == 2
    (tmp_path / "pairs.tsv").write_text("w1\tw2\n")
    assert run(["quantise", model, out, "--force", "--pairs", str(tmp_path / "pairs.tsv")]) == 2
    assert "line 1" in capsys.readouterr().err


def test_transform(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "t")
    assert run(["transform", model, out, "--remove-components", "1", "--dim", "3", "--normalise"]) == 0
    made = load(out)
    assert made.dim == 3
    np.testing.assert_allclose(np.linalg.norm(made.to_numpy(), axis=1), 1, rtol=1e-5)
    assert run(["transform", model, out]) == 2
    assert "nothing to do" in capsys.readouterr().err


def test_align(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.txt").write_text("".join(f"w{i} w{i}\n" for i in range(30)))
    (tmp_path / "t.txt").write_text("".join(f"w{i} w{i}\n" for i in range(30, 51)))
    files = ["--dictionary", str(tmp_path / "d.txt"), "--test", str(tmp_path / "t.txt")]
    assert run(["align", model, model, *files, "--json", "-o", str(tmp_path / "both")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["n_pairs"] == 30
    assert [one["at_1"] for one in told["retrieval"]] == [1, 1]
    assert load(tmp_path / "both" / "source").dim == 8
    assert run(["align", model, model, *files]) == 0
    assert "20 words of 21 known" in capsys.readouterr().out
    assert run(["align", model, model, "--dictionary", str(tmp_path / "missing")]) == 2
    assert run(["align", model, "nowhere", *files, "-o", str(tmp_path / "none")]) == 2
    assert not (tmp_path / "none").exists()
