"""`qianru train segmenter`, and `--segmenter` of the verbs that read text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qianru import Segmenter, load
from qianru.sample import sample_lines
from qianru.text import split_words


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Lines of the sample world in which 在 belongs to the word behind it."""
    monkeypatch.chdir(tmp_path)
    lines = [" ".join(split_words(line)).replace("在 ", "在") for line in sample_lines("zh", n_bytes=30_000)]
    Path("cut.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Path("plain.txt").write_text("\n".join(line.replace(" ", "") for line in lines) + "\n", encoding="utf-8")
    return "cut.txt"


def test_train_says_how_good_it_is(cli, cut: str) -> None:
    ran = cli("train", "segmenter", cut, "-o", "cutter")
    assert ran.code == 0
    score = Segmenter.load("cutter").provenance["held_out"]
    assert isinstance(score, dict)
    assert ran.out.startswith(f"F1 {score['f1']:.4f} (precision {score['precision']:.4f}, ")
    assert (
        f"dictionary {score['dictionary_f1']:.4f}, on {score['n_words']} words of held-out lines" in ran.out
    )
    assert "wrote cutter: " in ran.err
    ran = cli("train", "segmenter", cut, "-o", "again", "--test", cut, "--json")
    found = json.loads(ran.out)
    assert found["score"]["f1"] > 0.98 > found["score"]["dictionary_f1"]
    assert found["fingerprint"] == Segmenter.load("cutter").fingerprint
    ran = cli("train", "segmenter", cut, "-o", "third", "--held-out", "0", "--epochs", "1", "--seed", "3")
    assert (ran.code, ran.out) == (0, "")
    assert Segmenter.load("third").provenance["seed"] == 3


def test_verbs_cut_by_it_and_models_remember_it(cli, cut: str) -> None:
    assert cli("train", "segmenter", cut, "-o", "cutter", "--held-out", "0").code == 0
    cutter = Segmenter.load("cutter")
    small = ("--dim", "4", "--min-count", "1", "--threads", "1")
    for kind, more in (
        ("word2vec", ("--epochs", "1")),
        ("fasttext", ("--epochs", "1")),
        ("glove", ()),
        ("ppmi", ()),
    ):
        ran = cli("train", kind, "plain.txt", "-o", kind, "--segmenter", "cutter", *small, *more)
        assert ran.code == 0, ran.err
        model = load(kind)
        assert any(word[0] == "在" and len(word) > 1 for word in model.keys)
        about = model.provenance["corpus"]
        assert isinstance(about, dict)
        assert about["segmenter"] == {"file": "cutter", "sha256": cutter.fingerprint}
    assert cli("train", "word2vec", "plain.txt", "-o", "base", *small, "--epochs", "1").code == 0
    ran = cli("grow", "base", "plain.txt", "-o", "grown", "--segmenter", "cutter", "--epochs", "1")
    assert ran.code == 0, ran.err
    assert [word for word in load("grown").keys if word[0] == "在" and len(word) > 1]
    assert cli("prune", "base", "-o", "pruned", "--corpus", "plain.txt", "--segmenter", "cutter").code == 0
    assert len(load("pruned")) < len(load("base"))
    ran = cli("tokenizer", "train", "plain.txt", "-o", "words", "--kind", "word", "--segmenter", "cutter")
    assert ran.code == 0, ran.err
    assert '"在' in Path("words/tokenizer.json").read_text("utf-8")


def test_wrong_input_is_two_lines(cli, cut: str) -> None:
    for arguments, message in (
        ((cut, "-o", cut), f"output {cut} exists already"),
        ((cut, "-o", "."), "output . is a folder"),
        ((cut, "-o", "no/cutter"), "output no/cutter: there is no folder "),
        (("plain.txt", "-o", "cutter"), "no run of Han characters is cut in Corpus(plain.txt)"),
        (("none.txt", "-o", "cutter"), "none.txt"),
        ((cut, "-o", "cutter", "--test", "none.txt"), "none.txt"),
        ((cut, "-o", "cutter", "--held-out", "0.9"), "held_out must be from 0 to 0.5, got 0.9"),
        ((cut, "-o", "cutter", "--epochs", "0"), "epochs must be a whole number from 1 to 4294967295, got 0"),
    ):
        ran = cli("train", "segmenter", *arguments)
        error = ran.err.splitlines()
        assert (ran.code, len(error)) == (2, 2), ran.err
        assert error[0].startswith("error: ")
        assert message in error[0]
        assert error[1].startswith("hint: ")
    ran = cli("train", "word2vec", "plain.txt", "-o", "model", "--segmenter", "none")
    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        "error: segmenter: cannot read none: No such file or directory",
    )


def test_a_wrong_test_file_is_told_before_training(cli, cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qianru.text.train_segmenter", lambda *_, **__: pytest.fail("it trains"))
    ran = cli("train", "segmenter", cut, "-o", "cutter", "--test", "plain.txt")
    assert (ran.code, ran.err.splitlines()[0]) == (
        2,
        "error: no run of Han characters is cut in Corpus(plain.txt)",
    )
    ran = cli("train", "segmenter", "-", "-o", "cutter", "--test", "-", stdin="老虎 在\n")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: CORPUS and --test both name standard input")
