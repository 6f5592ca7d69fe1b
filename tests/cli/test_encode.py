"""`qianru encode` with a static model: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def test_texts_to_stdout(cli, model: Path) -> None:
    ran = cli("encode", model, "the king", "猫 老虎", "zzz")
    assert ran.code == 0
    assert len(ran.rows) == 3
    vector = np.array(ran.rows[0], float)
    np.testing.assert_allclose(vector, [0.7071068, 0, 0.7071068, 0], atol=1e-6)
    assert "number 3" in ran.err
    found = cli("encode", model, "king", "--no-normalize", "--json").json
    assert found[0]["vector"] == [1, 0, 1, 0]
    assert (found[0]["text"], found[0]["n_tokens"], found[0]["is_empty"]) == ("king", 1, False)


def test_files_to_files(cli, model: Path) -> None:
    Path("lines.txt").write_text("king\n\n猫\n", encoding="utf-8")
    ran = cli("encode", model, "lines.txt", "-o", "out.npy")
    assert (ran.code, ran.out) == (0, "")
    assert "1 text without a token (number 2)" in ran.err
    assert "wrote out.npy: 3 texts x 4" in ran.err
    assert np.load("out.npy").shape == (3, 4)
    assert json.loads(Path("out.npy.json").read_text())["empty"] == [1]
    again = cli("encode", model, "-", "-o", "out.npy", "--force", "--json", stdin="king\nqueen\n")
    assert again.json["n_texts"] == 2
    assert len(cli("encode", model, "-", stdin="king\nqueen\n").rows) == 2


def test_what_cannot_be_is_one_line(cli, model: Path) -> None:
    Path("lines.txt").write_text("king\n", encoding="utf-8")
    for arguments, words in (
        (["lines.txt", "king"], "not both"),
        (["king", "-o", "out.csv"], "must end in"),
        (["king", "--resume"], "needs --output"),
        (["king", "--level", "word"], "one vector a word"),
        (["king", "--level", "word", "-o", "out.npy"], "writes no --output"),
        (["king", "--layers", "1"], "no layers"),
        (["king", "--layers", "last"], "whole numbers"),
        (["king", "--pooling", "cls"], "pooling"),
    ):
        ran = cli("encode", model, *arguments)
        assert ran.code == 2, arguments
        assert words in ran.err
        assert ran.err.startswith("error: ")
        assert "Traceback" not in ran.err
    assert cli("encode", "nothing", "king").code == 2


def test_texts_of_any_length_and_what_looks_like_files(cli, model: Path) -> None:
    assert len(cli("encode", model, "猫 " * 200).rows) == 1
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("king\n猫\n", encoding="utf-8")
    Path("texts/b.txt").write_text("queen\n", encoding="utf-8")
    assert len(cli("encode", model, "texts/").rows) == 3
    assert len(cli("encode", model, "texts/*.txt").rows) == 3
    assert len(cli("encode", model, "what is this?", "[a]").rows) == 2
    assert "the folder of that name is texts/" in cli("encode", model, "texts").err
    assert "there is no file absent.txt" in cli("encode", model, "absent.txt").err


def test_options_that_a_static_model_cannot_follow_are_refused(cli, model: Path) -> None:
    for option in (("--prompt", "cat "), ("--max-tokens", "5"), ("--backend", "onnx")):
        ran = cli("encode", model, "king", *option)
        assert ran.code == 2
        assert "one vector a word" in ran.err
