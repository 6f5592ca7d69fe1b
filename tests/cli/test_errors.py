"""What goes wrong is told in one line after `error:`, the next step after `hint:`, exit status 2, and nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TRAIN = ("train", "word2vec", "text.txt", "-o", "made")


def refused(ran, message: str, hint: str = "") -> None:
    assert ran.code == 2
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if not line.startswith("read ")]
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert len(lines) <= 2
    if hint:
        assert lines[1].startswith("hint: ")
        assert hint in lines[1]
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (("--dim", "0"), "dim must be a whole number of at least 1, got 0", "100 to 300"),
        (("--dim", "-3"), "dim must be", ""),
        (("--dim", "many"), "Invalid value for '--dim'", "--help"),
        (("--window", "0"), "window must be a whole number of at least 1, got 0", "5 is usual"),
        (("--negative", "0"), "negative must be a whole number of at least 1, got 0", "hs"),
        (("--threads", "0"), "threads must be a whole number of at least 1, got 0", "every processor"),
        (("--epochs", "0"), "epochs must be", ""),
        (("--sample", "2"), "sample must be from 0 to 1, got 2", ""),
        (("--learning-rate", "nan"), "learning_rate must be", ""),
        (("--min-learning-rate", "1"), "min_learning_rate must be", "floor"),
        (("--min-count", "0"), "min_count must be at least 1", ""),
        (("--max-vocab", "0"), "max_vocab must be at least 1", ""),
        (("--save-every", "0"), "--save-every", ""),
        (("--loss", "softmax"), "--loss", "qianru train word2vec --help"),
        (("--encoding", "klingon"), "klingon", "gb18030"),
        (("--user-dict", "none.txt"), "none.txt", ""),
        (("--initial", "none"), "none", ""),
        (("--nonsense",), "No such option: --nonsense", "qianru train word2vec --help"),
    ],
)
def test_wrong_settings_are_refused_before_work(cli, text: Path, options, message: str, hint: str) -> None:
    refused(cli(*TRAIN, *options), message, hint)
    assert not Path("made").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no words in 0 bytes"),
        (b" \n\t\n...\n", "no words"),
        (b"one two three\n", "min_count"),
        (b"word word word word word word\n", "at least two different words"),
    ],
)
def test_text_that_teaches_nothing(cli, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "text.txt").write_bytes(content)
    refused(cli(*TRAIN), message)
    assert not Path("made").exists()


def test_text_that_is_not_there(cli, tmp_path: Path) -> None:
    refused(cli(*TRAIN), "no such file or folder: text.txt", "Check the path")
    (tmp_path / "empty").mkdir()
    refused(cli("train", "word2vec", "empty", "-o", "made"), "empty")
    refused(cli("train", "word2vec", "*.none", "-o", "made"), "*.none")
    refused(cli("train", "word2vec", "-", "-o", "made", stdin=""), "no words")
    refused(cli("train", "word2vec", "-o", "made"), "Missing argument 'CORPUS'", "--help")
    refused(cli("train", "word2vec", "text.txt"), "Missing option '--output'", "--help")


def test_output_that_stands_or_cannot_be(cli, text: Path, model: Path) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    refused(cli("train", "word2vec", text, "-o", "model"), "output model exists already", "--force")
    refused(cli("convert", "model", "model"), "exists already", "--force")
    Path("file.bin").write_text("mine")
    refused(cli("convert", "model", "file.bin"), "exists already", "--force")
    refused(cli("train", "word2vec", text, "-o", "file.bin", "--force"), "is a file")
    refused(cli("train", "word2vec", text, "-o", "no/made"), "there is no folder", "make that folder")
    refused(cli("convert", "model", "no/made.bin"), "cannot be written: No such file")
    Path("photos").mkdir()
    Path("photos/cat.jpg").write_text("mine")
    for force in ((), ("--force",)):
        refused(cli("train", "word2vec", text, "-o", "photos", *force), "output photos")
        refused(cli("convert", "model", "photos", *force), "output photos")
        refused(cli("sample", "photos", *force), "photos")
    assert Path("photos/cat.jpg").read_text() == Path("file.bin").read_text() == "mine"
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    assert cli("convert", "model", "file.bin", "--force").code == 0


def test_output_without_permission(cli, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    if os.geteuid() == 0:  # root may write everywhere: say for it that it may not
        monkeypatch.setattr("qianru.cli.options.os.access", lambda *_: False)
    refused(cli("train", "word2vec", text, "-o", "locked/made"), "cannot be written to", "another place")


def test_words_that_the_model_does_not_have(cli, model: Path) -> None:
    refused(cli("similar", model, "kign"), "unknown word: 'kign'", "close spellings: king")
    refused(cli("similar", model, "man", "猫咪"), "unknown word: '猫咪'", "猫")
    refused(cli("similarity", model, "quen", "man"), "unknown word: 'quen'", "queen")
    refused(cli("analogy", model, "man", "king", "wman"), "unknown word: 'wman'", "woman")
    refused(cli("similar", model, "zzzzzzzzzz"), "unknown word: 'zzzzzzzzzz'")
    refused(cli("similar", model, "-", stdin=" \n"), "no word on stdin", "pipe words in")
    refused(cli("similar", model, "man", "-k", "0"), "k must be a whole number of at least 1, got 0")


@pytest.mark.parametrize("verb", ["similar", "similarity", "analogy", "info", "convert"])
def test_models_that_cannot_be_opened(cli, tmp_path: Path, verb: str) -> None:
    words = {"similar": ["a"], "similarity": ["a", "b"], "analogy": ["a", "b", "c"], "convert": ["out"]}
    refused(cli(verb, "nothing", *words.get(verb, [])), "no such file or folder: nothing")
    (tmp_path / "folder").mkdir()
    refused(cli(verb, "folder", *words.get(verb, [])), "folder: no qianru.json")
    (tmp_path / "story.txt").write_text("once upon a time")
    refused(cli(verb, "story.txt", *words.get(verb, [])), "story.txt, byte 0")
    assert not Path("out").exists()


def test_sample_and_demo(cli, tmp_path: Path) -> None:
    refused(cli("sample", "world", "--bytes", "0"), "n_bytes must be at least 1,000, got 0", "6,000,000")
    refused(cli("sample", "world", "--language", "fr"), "unknown language 'fr'", "en, zh, mixed")
    refused(cli("sample", "world", "--seed", "-1"), "seed")
    assert cli("demo", "--text", "nothing.txt").code == 2
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "tiny.txt").write_text("The cat sat.\n")
    for name in ("empty.txt", "tiny.txt"):
        ran = cli("demo", "--text", name)
        assert ran.code == 2
        assert ran.err.splitlines()[-2].startswith("error: ")
        assert ran.err.splitlines()[-1].startswith("hint: ")
    assert not Path("demo-model").exists()


def test_verbs_that_do_not_exist(cli) -> None:
    refused(cli("trian"), "No such command 'trian'", "qianru --help")
    refused(cli("train"), "Missing command", "qianru train --help")
    refused(cli("train", "word3vec"), "No such command 'word3vec'", "qianru train --help")
