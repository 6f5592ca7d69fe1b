"""`qianru evaluate`: one model, two models, leaks, and what cannot be done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qianru.vectors import StaticEncoder, Vectors

WIC = "word\tsentence1\tsentence2\tstart1\tend1\tstart2\tend2\tlabel\n"


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Path:
    """Test sets for the tiny model; and a second model beside it."""
    there = tmp_path / "tests"
    there.mkdir()
    (there / "pairs.txt").write_text("猫 老虎 9\n猫 汽车 1\nman king 6\nman cat 1\n", encoding="utf-8")
    (there / "questions.txt").write_text(": gender\nman king woman queen\nking man queen woman\n")
    (there / "wic.tsv").write_text(WIC + "man\ta man who walked along the river\tman\t2\t5\t0\t3\tT\n")
    (there / "readme.md").write_text("nothing")
    (there / "other.txt").write_text("no test here\nat all\n")
    opened = Vectors.load(model)
    matrix = np.random.default_rng(1).standard_normal((len(opened), 3)).astype(np.float32)
    Vectors(list(opened.keys), matrix).save(tmp_path / "other")
    return there


def test_one_model(cli: Callable, model: Path, folder: Path) -> None:
    ran = cli("evaluate", model, "--data", folder)
    assert ran.code == 0, ran.err
    rows = {(row[0], row[2]): row for row in ran.rows}
    assert rows["analogy", "3CosAdd"][3] == "1.0000"
    assert rows["similarity", "spearman"][8] == "75.0%"
    assert "no test set" in ran.err
    assert "skipped geometry" in ran.err
    assert "case ignore, unknown skip, 7 words, seed 1" in ran.err


def test_json(cli: Callable, model: Path, folder: Path) -> None:
    told = cli(
        "evaluate", model, "--data", folder / "pairs.txt", "--json", "--unknown", "zero", "--seed", 3
    ).json
    (result, *_) = told["results"]
    assert result["unknown"] == "zero"
    assert result["seed"] == 3
    assert (result["n_known"], result["n_items"], result["coverage"]) == (3, 4, 0.75)
    assert result["model_fingerprint"] == Vectors.load(model).fingerprint
    assert result["restrict_vocab"] == 300_000


def test_two_models(cli: Callable, model: Path, folder: Path) -> None:
    ran = cli("evaluate", model, "other", "--data", folder)
    assert ran.code == 0, ran.err
    assert "no difference shown" in ran.out
    told = cli("evaluate", model, "other", "--data", folder, "--json").json
    assert [one["test"] for one in told["comparisons"]] == ["similarity", "analogy", "words in context"]
    assert told["b"]["model"] == "other"


def test_contamination(cli: Callable, model: Path, folder: Path) -> None:
    Path("text.txt").write_text("He saw\nA man, who walked along the river.\n")
    ran = cli("evaluate", model, "--data", folder, "--contamination", "text.txt")
    assert ran.code == 0, ran.err
    leaks = {row[0]: row[1:] for row in ran.rows[-3:]}
    assert leaks["wic"][:3] == ["1", "0", "1"]  # its other sentence, one word, is too short to tell
    assert "no sentence" in leaks["pairs"][-1]
    told = cli("evaluate", model, "--data", folder, "--contamination", "text.txt", "--json").json
    assert [told["contamination"][2][key] for key in ("n_found", "n_partly", "first")] == [0, 1, []]


def test_gensim_s_sets_without_data(cli: Callable, tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    words = ["love", "sex", "tiger", "cat", "old", "new", "smart", "intelligent", "Athens", "Greece"]
    words += ["Baghdad", "Iraq"]
    Vectors(words, np.random.default_rng(1).standard_normal((12, 5)).astype(np.float32)).save(tmp_path / "m")
    ran = cli("evaluate", "m")
    assert ran.code == 0, ran.err
    assert {row[1] for row in ran.rows} >= {"WordSim-353", "SimLex-999", "questions-words"}


def test_errors(cli: Callable, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, message in (
        (("--data", "nowhere"), "no such folder"),
        (("--data", folder, "--bootstrap", 5), "n_bootstrap must be"),
        (("--data", folder / "pairs.txt", "--restrict-vocab", 1), "no dataset can be used"),
        (("--data", folder, "--contamination", "nowhere"), "no such file"),
        (("--data", folder, "--target", "nowhere"), "nowhere"),
    ):
        ran = cli("evaluate", model, *arguments)
        assert ran.code == 2, arguments
        assert message in ran.err
        assert "hint: " in ran.err or "nowhere" in ran.err
    ran = cli("evaluate", model, "nowhere", "--data", folder)
    assert ran.code == 2
    assert "nowhere: no such file or folder" in ran.err
    monkeypatch.setitem(sys.modules, "gensim", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = cli("evaluate", model)
    assert ran.code == 2
    assert "gensim is not installed" in ran.err


def test_a_folder_that_is_not_what_its_fingerprint_says_is_refused(
    cli: Callable, model: Path, folder: Path
) -> None:
    path = model / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(bytes(data))
    ran = cli("evaluate", model, "--data", folder)
    assert ran.code == 2
    assert "fingerprint" in ran.err
    assert ran.out == ""


def test_static_models_run_the_sets_of_sentences_too(cli: Callable, model: Path, folder: Path) -> None:
    """Beside those of words, whose policies are the ones that are told."""
    text = "the cat sees a king\tthe king\t3\na car\ta king and a queen\t1\n猫\t老虎\t4\nwoman\tman\t2\n"
    (folder.parent / "sts.tsv").write_text(text, encoding="utf-8")
    ran = cli("evaluate", model, "--data", folder.parent / "sts.tsv", "--data", folder / "pairs.txt")
    assert ran.code == 0, ran.err
    assert {row[0] for row in ran.rows} >= {"sentence similarity", "similarity"}
    assert "case ignore" in ran.err
    told = cli("evaluate", model, model, "--data", folder.parent / "sts.tsv", "--json").json
    assert [one["test"] for one in told["comparisons"]] == ["sentence similarity"]
    fingerprint = told["a"]["results"][0]["model_fingerprint"]
    assert fingerprint == StaticEncoder.load(model).fingerprint
