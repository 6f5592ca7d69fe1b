"""`qianru train classifier` and `qianru predict`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qianru.vectors import load

LINES = ("__label__animal the cat saw a tiger", "__label__vehicle the car passed a bus") * 40


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("lines.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return "lines.txt"


def test_train_and_predict(cli, lines: str) -> None:
    options = ("--dim", "8", "--epochs", "20", "--learning-rate", "0.5", "--threads", "1")
    ran = cli("train", "classifier", lines, "-o", "topics.bin", "--test", lines, "--json", *options)
    assert ran.code == 0
    assert json.loads(ran.out)["accuracy"] == 1
    assert "wrote topics.bin: 2 labels" in ran.err
    ran = cli("predict", "topics.bin", "a tiger", "a bus")
    assert [row.split("\t")[:2] for row in ran.out.splitlines()] == [["1", "animal"], ["2", "vehicle"]]
    (found,) = json.loads(cli("predict", "topics.bin", "a tiger", "-k", "2", "--json").out)
    assert [one["label"] for one in found["labels"]] == ["animal", "vehicle"]
    told = json.loads(cli("predict", "topics.bin", "-", "--json", stdin="a\x85tiger\f\r\na bus").out)
    assert [one["text"] for one in told] == ["a\x85tiger\f", "a bus"]
    ran = cli("train", "classifier", lines, "-o", "small.ftz", "--calibrate", lines, *options)
    assert ran.code == 0
    assert cli("predict", "small.ftz", "a tiger").out.startswith("1\tanimal\t")


def test_labels_are_measured(cli, lines: str) -> None:
    options = ("--dim", "8", "--epochs", "20", "--learning-rate", "0.5", "--threads", "1", "--test", lines)
    ran = cli("train", "classifier", lines, "-o", "topics.ftz", *options)
    assert ran.code == 0
    rows = [[label, "40", "1.0000", "1.0000", "1.0000"] for label in ("animal", "vehicle")]
    assert sorted(ran.rows) == rows
    assert "accuracy before 1.0000" in ran.err
    assert "calibration error" in ran.err
    again = cli("predict", "topics.ftz", "--test", lines)
    assert (again.code, sorted(again.rows)) == (0, rows)
    found = json.loads(cli("predict", "topics.ftz", "--test", lines, "--json").out)
    assert found["labels"]["animal"]["recall"] == 1
    for bad in ((), ("a tiger", "--test", lines)):
        ran = cli("predict", "topics.ftz", *bad)
        assert (ran.code, "error: give texts, or --test" in ran.err) == (2, True)
    assert cli("predict", "topics.ftz", "--test", "none.txt").code == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("none.txt", "-o", "a.bin"), "no such file: none.txt"),
        (("lines.txt", "-o", "a.model"), "must end in .bin or .ftz"),
        (("lines.txt", "-o", "none/a.bin"), "there is no folder"),
        (("lines.txt", "-o", "a.bin", "--dim", "0"), "dim must be a whole number of at least 1"),
        (("lines.txt", "-o", "a.bin", "--cutoff", "5"), "--cutoff is for quantised files"),
        (("lines.txt", "-o", "a.bin", "--test", "none.txt"), "no such file: none.txt"),
        (("lines.txt", "-o", "lines.bin"), "exists already"),
    ],
)
def test_errors(cli, lines: str, arguments: tuple[str, ...], error: str) -> None:
    Path("lines.bin").write_bytes(b"mine")
    ran = cli("train", "classifier", *arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert error in ran.err
    assert Path("lines.bin").read_bytes() == b"mine"


def test_lowercase_reaches_the_tokenizer(cli, lines: str) -> None:
    Path("text.txt").write_text("The Cat saw the Tiger\n" * 20, encoding="utf-8")
    ran = cli("train", "word2vec", "text.txt", "-o", "model", "--lowercase", "--dim", "4", "--epochs", "1")
    assert ran.code == 0
    assert {"type": "Lowercase"} in json.loads(Path("model/tokenizer.json").read_text())["normalizer"][
        "normalizers"
    ]
    assert json.loads(Path("model/qianru.json").read_text())["corpus_fingerprint"]
    assert "cat" in load("model")
