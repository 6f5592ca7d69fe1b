"""The commands and the code of docs/concepts/translate.md run, and the command line says what is wrong."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.vectors import Vectors

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
PAGE = Path(__file__).resolve().parents[2] / "docs/concepts/translate.md"

_spec = importlib.util.spec_from_file_location("test_translate", Path(__file__).parent / "test_translate.py")
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    pairs = world.toy(60, 1)
    for name, chosen in (("train.tsv", pairs[:50]), ("test.tsv", pairs[50:])):
        Path(name).write_text("".join(f"{a}\t{b}\n" for a, b in chosen), encoding="utf-8")
    rng = np.random.default_rng(1)
    for name, words in (("en", world.NOUNS), ("zh", world.NOUNS.values())):
        Vectors(list(words), rng.normal(size=(len(words), 16)).astype(np.float32)).save(name)
    return tmp_path


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_page_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in "".join(snippets("console")).splitlines():
        assert run(shlex.split(line.removeprefix("$ "))[1:]) == 0, capsys.readouterr().err
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[:4]] == ["1", "2", "3", "4"]
    assert [row[0] for row in rows[-2:]] == ["BLEU", "chrF"]
    exec(compile("".join(snippets("python")), PAGE.name, "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert int(printed[1]) >= 6
    assert printed[2].startswith("Score(metric='chrF'")
    # More of the command line, with what has been made.
    assert run(["translate", "run", "translator", "the cat", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["source"] == "the cat"
    given = io.BytesIO("the cat\u2028sees\r\n\n".encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given, encoding="utf-8"))
    assert run(["translate", "run", "translator", "-", "--json"]) == 0
    assert [one["source"] for one in json.loads(capsys.readouterr().out)] == ["the cat\u2028sees", ""]
    save = ["--save", "made.txt", "--seed", "2", "--json"]
    assert run(["translate", "evaluate", "translator", "test.tsv", *save]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bleu"]["low"] <= told["bleu"]["value"] <= told["bleu"]["high"]
    assert len(Path("made.txt").read_text("utf-8").splitlines()) == 10
    rows = [Path(name).read_text("utf-8").splitlines(keepends=True)[0] for name in ("test.tsv", "train.tsv")]
    Path("some.tsv").write_text("".join(rows), encoding="utf-8")
    for arguments, message in (
        (["run", "en", "x"], "kind must be 'translator', got 'static'"),
        (["evaluate", "translator", "train.tsv"], "are among the training sentences"),
        (["evaluate", "translator", "test.tsv", "--overlap", "keep"], "overlap must be one of"),
        (["evaluate", "translator", "test.tsv", "--bootstrap", "-5"], "n_bootstrap must be a whole number"),
        (["train", "test.tsv", "-o", "m", "--validation", "some.tsv"], "1 of 2 validation sentences"),
        (["train", "test.tsv", "-o", "m", "--validation-target", "x"], "x must come with --validation"),
        (["train", "none.tsv", "-o", "m"], "no such file or folder: none.tsv"),
        (["train", "train.tsv", "-o", "translator"], "exists already"),
        (["train", "train.tsv", "-o", "m", "--n-heads", "3"], "n_heads must divide"),
        (["train", "train.tsv", "-o", "m", "--target", "test.tsv"], "has 50 lines, and test.tsv has 10"),
    ):
        assert run(["translate", *arguments]) == 2
        found = capsys.readouterr()
        assert found.out == ""
        assert message in found.err.splitlines()[0]
        assert len(found.err.strip().splitlines()) <= 2
    small = ["--vocab-size", "330", "--dim", "8", "--n-layers", "1", "--epochs", "1"]
    dropped = [
        "train",
        "test.tsv",
        "-o",
        "m",
        "--validation",
        "some.tsv",
        "--overlap",
        "drop",
        *small,
        "--json",
    ]
    assert run(["translate", *dropped]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["n_held_out"] == 1
