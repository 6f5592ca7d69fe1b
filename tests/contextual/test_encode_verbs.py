"""`qianru encode` with a Transformer: tokens, words, windows, resumed files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.contextual import load_encoder
from qianru.evaluate.intervals import holm


def test_tokens_and_words(make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make()
    assert run(["encode", str(folder), "The cat", "猫", "--level", "word"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:4] for row in rows] == [
        ["1", "The", "0", "3"],
        ["1", "cat", "4", "7"],
        ["2", "猫", "0", "1"],
    ]
    assert len(rows[0]) == 4 + 32
    expected = load_encoder(folder).encode_tokens(["The cat"], level="word")[0].vectors[0]
    np.testing.assert_allclose([float(one) for one in rows[0][4:]], expected, rtol=1e-6)
    assert run(["encode", str(folder), "The cat", "--level", "token", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "".join(one["token"].removeprefix("##") for one in found[0]["tokens"]) == "Thecat"


def test_evaluate_takes_contextual_models(make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make()
    (tmp_path / "sts.tsv").write_text("a cat\ta tiger\t3\na king\ta cat\t1\n猫\t老虎\t4\n", encoding="utf-8")
    assert run(["evaluate", str(folder), "--data", str(tmp_path / "sts.tsv")]) == 0
    ran = capsys.readouterr()
    assert [line.split("\t")[:3] for line in ran.out.splitlines()] == [
        ["sentence similarity", "sts", "spearman"],
        ["sentence similarity", "sts", "pearson"],
    ]
    assert "texts as they are" in ran.err
    assert "note:" not in ran.err
    assert run(["evaluate", str(folder), "--data", str(tmp_path / "sts.tsv"), "--case", "exact"]) == 0
    assert (
        "note: --target, --restrict-vocab, --case and --unknown are for tests of words"
        in capsys.readouterr().err
    )
    assert run(["evaluate", str(folder), str(folder), "--data", str(tmp_path / "sts.tsv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["comparisons"][0]["verdict"] == "no difference shown"
    (tmp_path / "sts2.tsv").write_text("a man\ta car\t3\na king\ta man\t1\n猫\t汽车\t4\n", encoding="utf-8")
    both = ["--data", str(tmp_path / "sts.tsv"), "--data", str(tmp_path / "sts2.tsv"), "--json"]
    assert run(["evaluate", str(folder), str(make("gpt2")), *both]) == 0
    made = json.loads(capsys.readouterr().out)["comparisons"]
    assert len(made) == 2
    assert [one["p_holm"] for one in made] == holm([one["p"] for one in made])
    assert [one["p_holm"] for one in made] != [one["p"] for one in made]
    assert run(["evaluate", str(folder)]) == 2
    assert "no test on texts" in capsys.readouterr().err


def test_files_tell_the_bound_and_the_cut_texts(
    make, tmp_path: Path, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, text = make(), tmp_path / "lines.txt"
    text.write_text("\n".join([*lines[:30], "cat " * 99]) + "\n", encoding="utf-8")
    out = tmp_path / "out.npy"
    arguments = ["encode", str(folder), str(text), "-o", str(out)]
    assert run([*arguments, "--layers=-2", "--pooling", "cls", "--pooling", "mean", "--threads", "1"]) == 0
    told = capsys.readouterr().err
    assert "alone or in a batch, a number of a vector differs by" in told
    assert "1 text cut (number 31)" in told
    expected = load_encoder(folder, layers=-2, pooling=["cls", "mean"]).encode([*lines[:30], "cat " * 99])
    np.testing.assert_allclose(np.load(out), expected.vectors, atol=1e-5)
    assert run([*arguments, "--force", "--long", "window", "--max-tokens", "20", "--overlap", "4"]) == 0
    assert "cut" not in capsys.readouterr().err
    for wrong in (["--max-tokens", "99"], ["--threads", "0"], ["--batch-tokens", "0"]):
        assert run([*arguments, "--force", *wrong]) == 2
        assert capsys.readouterr().err.startswith("error: ")
