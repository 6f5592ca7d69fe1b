"""Each verb on its way through: what it prints for people, for pipes and as JSON, and what it leaves on disk."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from qianru import __version__
from qianru.cli.app import app
from qianru.cli.output import aligned, n_bytes, n_of, width
from qianru.vectors import Vectors, load

VERBS = [
    "similar",
    "similarity",
    "analogy",
    "info",
    "evaluate",
    "report",
    "encode",
    "senses",
    "convert",
    "sample",
    "demo",
    "grow",
    "prune",
    "align",
    "inspect",
    "quantise",
    "transform",
    "train glove",
    "train bert",
    "train gpt",
    "train elmo",
    "train ppmi",
    "train classifier",
    "train fasttext",
    "tokenize",
    "tokenizer",
    "tokenizer train",
    "tokenizer report",
    "tokenizer extend",
    "tokenizer prune",
    "tokenizer merge",
    "tokenizer verify",
    "classify",
    "classify train",
    "classify predict",
    "classify evaluate",
    "translate",
    "translate train",
    "translate run",
    "translate evaluate",
    "predict",
    "report",
    "train",
    "train word2vec",
    "train bert",
    "train gpt",
    "train elmo",
]


def test_alone_it_prints_help(cli) -> None:
    ran = cli()
    assert ran.code == 0
    assert "Usage: qianru" in ran.out
    assert "qianru similar model 猫" in ran.out
    assert cli("--help").out == cli("-h").out == ran.out
    assert cli("--version").out == f"qianru {__version__}\n"


def test_no_verb_is_missing_from_the_list() -> None:
    names = {command.name for command in app.registered_commands}
    names |= {group.name or group.typer_instance.info.name for group in app.registered_groups}
    assert names == {verb.split()[0] for verb in VERBS}


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_what_it_does_and_shows_examples(cli, verb: str) -> None:
    ran = cli(*verb.split(), "--help")
    assert ran.code == 0
    assert ran.err == ""
    assert f"Usage: qianru {verb}" in ran.out
    assert f"Examples:\n    qianru {verb}" in ran.out


def test_train_then_ask(cli, text: Path) -> None:
    ran = cli("train", "word2vec", text, "-o", "made", "--dim", "12", "--epochs", "2", "--threads", "1")
    assert (ran.code, ran.out) == (0, "")
    assert "wrote made:" in ran.err
    assert "try: qianru similar made" in ran.err
    vectors = Vectors.load("made")
    assert vectors.dim == 12
    word = vectors.keys[5]
    assert len(cli("similar", "made", word).rows) == 10


def test_train_as_json_and_again_with_force(cli, text: Path) -> None:
    options = ("-o", "made", "--dim", "8", "--epochs", "1", "--json", "--threads", "1", "--model", "cbow")
    ran = cli("train", "word2vec", text, *options)
    assert ran.code == 0
    assert {"path": "made", "dim": 8}.items() <= ran.json.items()
    assert ran.json["fingerprint"] == Vectors.load("made").fingerprint
    assert cli("train", "word2vec", text, *options).code == 2
    assert cli("train", "word2vec", text, *options, "--force").json["fingerprint"] == ran.json["fingerprint"]


def test_train_reads_stdin_and_json_lines(cli, text: Path) -> None:
    lines = text.read_text(encoding="utf-8")
    common = ("--dim", "8", "--epochs", "1", "--threads", "1", "--json")
    piped = cli("train", "word2vec", "-", "-o", "one", *common, stdin=lines)
    named = cli("train", "word2vec", text, "-o", "two", *common)
    assert piped.json["fingerprint"] == named.json["fingerprint"]
    Path("text.jsonl").write_text("".join(f'{{"body": "{line}"}}\n' for line in lines.splitlines()), "utf-8")
    field = cli("train", "word2vec", "text.jsonl", "--field", "body", "-o", "three", *common)
    assert field.json["n_keys"] == named.json["n_keys"]


def test_train_starts_from_another_model(cli, text: Path, model: Path) -> None:
    ran = cli("train", "word2vec", text, "-o", "made", "--dim", "4", "--epochs", "1", "--initial", model)
    assert ran.code == 0
    assert Vectors.load("made").provenance["initial_words"] > 0
    ran = cli("train", "word2vec", text, "-o", "other", "--dim", "5", "--initial", model)
    assert ran.code == 2
    assert "hint: pass --dim 4" in ran.err


def test_invalid_bytes_are_told(cli, text: Path) -> None:
    text.write_bytes(text.read_bytes() + b"\xff\xfe broken\n")
    ran = cli("train", "word2vec", text, "-o", "made", "--dim", "4", "--epochs", "1")
    assert "warning: 2 bytes not valid in the encoding" in ran.err
    ran = cli("train", "word2vec", text, "-o", "other", "--dim", "4", "--errors", "strict")
    assert ran.code == 2
    assert "text.txt" in ran.err
    assert not Path("other").exists()


def test_similar(cli, model: Path) -> None:
    assert cli("similar", model, "猫", "-k", "1").rows == [["猫", "老虎", "0.9954"]]
    found = cli("similar", model, "猫", "king", "-k", "2", "--json").json
    assert [entry["word"] for entry in found] == ["猫", "king"]
    assert found[0]["neighbours"][0]["word"] == "老虎"
    assert found[0]["neighbours"][0]["cosine"] == pytest.approx(0.9954, abs=1e-4)
    piped = cli("similar", model, "-", "-k", "2", "--json", stdin="猫\nking\n")
    assert piped.json == found


def test_similarity(cli, model: Path) -> None:
    assert cli("similarity", model, "man", "king").out == "0.7071\n"
    assert cli("similarity", model, "man", "king", "--json").json == {
        "a": "man",
        "b": "king",
        "cosine": pytest.approx(0.5**0.5),
    }


@pytest.mark.parametrize("method", ["add", "mul"])
def test_analogy(cli, model: Path, method: str) -> None:
    ran = cli("analogy", model, "man", "king", "woman", "-k", "2", "--method", method)
    assert ran.rows[0][0] == "queen"
    assert len(ran.rows) == 2
    found = cli("analogy", model, "man", "king", "woman", "--method", method, "--json").json
    assert found["answers"][0]["word"] == "queen"
    assert not {"man", "king", "woman"} & {answer["word"] for answer in found["answers"]}


def test_info(cli, model: Path) -> None:
    ran = cli("info", model)
    assert "7 words, dim 4, float32" in ran.out
    assert "28 words of text" in ran.out
    assert "112 bytes dense, 196 bytes one-hot (1.8 times)" in ran.out
    assert "kind: by hand" in ran.out
    facts = cli("info", model, "--json").json
    assert facts["fingerprint"] == Vectors.load(model).fingerprint
    assert (facts["n_keys"], facts["dim"], facts["n_counted"]) == (7, 4, 28)


@pytest.mark.parametrize("name", ["made.bin", "made.txt", "made.vec.gz", "folder"])
def test_convert_there_and_back(cli, model: Path, name: str) -> None:
    ran = cli("convert", model, name)
    assert (ran.code, ran.out) == (0, "")
    assert f"wrote {name}: 7 words, dim 4" in ran.err
    assert Path(name).is_dir() == (name == "folder")
    if name.endswith(".gz"):
        assert gzip.decompress(Path(name).read_bytes()).startswith(b"7 4\n")
    assert cli("convert", name, "back").code == 0
    assert (Vectors.load("back").to_numpy() == Vectors.load(model).to_numpy()).all()


def test_sample(cli) -> None:
    ran = cli("sample", "world", "--bytes", "5000", "--seed", "3")
    assert ran.code == 0
    assert "world/en.txt" in ran.out.splitlines()
    assert "all of it generated" in ran.err
    written = Path("world/en.txt").read_bytes()
    assert cli("sample", "again", "--bytes", "5000", "--seed", "3", "--json").json["seed"] == 3
    assert Path("again/en.txt").read_bytes() == written
    assert cli("sample", "zh", "--bytes", "5000", "--language", "zh").code == 0
    assert not Path("zh/en.txt").exists()


def test_tables_for_a_terminal(cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qianru.cli.output.sys.stdout.isatty", lambda: True, raising=False)
    lines = cli("similar", model, "猫", "-k", "2").out.splitlines()
    assert lines[0].split() == ["word", "neighbour", "cosine"]
    assert lines[1].split() == ["猫", "老虎", "0.9954"]
    assert len({width(line) for line in lines}) == 1


def test_columns_are_as_wide_as_a_terminal_shows_them() -> None:
    assert aligned([["a", "b"], ["猫", 1], ["xyz", 22]]) == ["a     b", "猫    1", "xyz  22"]
    assert width("e\u0301猫") == 3
    assert n_of(1, "word") == "1 word"
    assert n_of(2000, "word") == "2,000 words"
    assert n_bytes(999) == "999 bytes"
    assert n_bytes(1_250_000) == "1.2 MB"


def test_control_characters_do_not_reach_the_terminal(cli, tmp_path: Path) -> None:
    from numpy import eye, float32

    Vectors(["a", "b\x1b[2J\tc"], eye(2, dtype=float32)).save(tmp_path / "odd")
    assert cli("similar", "odd", "a").rows == [["a", "b�[2J�c", "0.0000"]]


@pytest.mark.skipif(sys.platform == "win32", reason="paths")
def test_a_model_opens_through_a_link(cli, model: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model)
    assert cli("similarity", "link", "man", "man").out == "1.0000\n"


@pytest.mark.parametrize("kind", ["word2vec", "fasttext", "glove"])
def test_training_that_goes_on_reads_as_the_model_s_text_was_read(cli, kind: str) -> None:
    Path("a.txt").write_text("the cat sat\n" * 20, encoding="utf-8")
    Path("b.txt").write_text("THE Cat RAN\n" * 20, encoding="utf-8")
    train = ("train", kind, "--epochs", "1")
    assert cli(*train, "a.txt", "-o", "a", "--dim", "4", "--lowercase").code == 0
    assert cli(*train, "b.txt", "-o", "b", "--continue", "a").code == 0
    assert cli(*train, "b.txt", "-o", "c", "--continue", "b", "--no-lowercase").code == 0
    assert set(load("b")) - set(load("a")) == {"ran"}
    assert set(load("c")) - set(load("b")) == {"THE", "Cat", "RAN"}


def test_words_come_out_of_pipes_and_json_as_they_are(cli, tmp_path: Path) -> None:
    words = ["a", "New\u00a0York", "می\u200cروم", "👨\u200d👩", "全\u3000角", "x\x1b[2J", "bad\udcff"]
    matrix = np.eye(7, dtype=np.float32) + 1
    Vectors(words, matrix).save(tmp_path / "odd")
    shown = [row[-2] if len(row) > 2 else row[0] for row in cli("similar", tmp_path / "odd", "a").rows]
    assert set(words[1:5]) | {"x�[2J", "bad�"} <= set(shown)
    told = cli("similar", tmp_path / "odd", "a", "--json").json
    assert {near["word"] for one in told for near in one["neighbours"]} == set(words[1:])
