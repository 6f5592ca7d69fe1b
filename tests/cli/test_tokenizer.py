"""`qianru tokenize` and `qianru tokenizer`: training, looking, reporting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qianru.tokens import Tokenizer


@pytest.fixture
def made(cli, text: Path) -> str:
    ran = cli("tokenizer", "train", text, "-o", "made", "--vocab-size", "500", "--special-token", "<s>")
    assert (ran.code, ran.out) == (0, "")
    assert "wrote made: 500 tokens" in ran.err
    assert "try: qianru tokenize made" in ran.err
    return "made"


def test_tokenize(cli, made: str) -> None:
    tokenizer = Tokenizer.load(made)
    found = tokenizer.encode("the 老虎<s>")
    rows = cli("tokenize", made, "the 老虎<s>").rows
    assert [row[0] for row in rows] == found.tokens
    assert [int(row[1]) for row in rows] == found.ids.tolist()
    assert [[int(row[2]), int(row[3])] for row in rows] == found.offsets.tolist()
    assert cli("tokenize", made, "a<s>", "--allow-special").rows[-1][1:] == ["0", "1", "4", "special"]
    assert cli("tokenize", made, "龘").rows[0][3:] == ["1", "bytes"]
    assert cli("tokenize", made, "老a", "--bytes").rows[-1][2:4] == ["3", "4"]


def test_tokenize_as_json_and_from_stdin(cli, made: str) -> None:
    one = cli("tokenize", made, "the 老虎", "--json").json
    assert one["text"] == "the 老虎"
    assert len(one["tokens"]) == len(one["ids"]) == len(one["offsets"]) == len(one["kinds"])
    several = cli("tokenize", made, "-", "--json", stdin="the 老虎\na\n").json
    assert several[0] == one
    assert several[1]["tokens"] == ["a"]
    rows = cli("tokenize", made, "-", stdin="a\nb\n").out.split("\n\n")
    assert [block.split("\t")[0] for block in rows] == ["a", "b"]
    # A text ends at a line feed and at nothing else.
    odd = cli("tokenize", made, "-", "--json", stdin="a\rb\u2028c\r\n\nd").json
    assert [one["text"] for one in odd] == ["a\rb\u2028c", "", "d"]
    ran = cli("tokenize", made, "a\udcff")
    assert ran.code == 2
    assert "error: text holds a lone surrogate" in ran.err


def test_tokenize_in_colours(cli, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = cli("tokenize", made, "ab龘").out
    assert "\x1b[36m" in shown
    assert "\x1b[33m" in shown
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cli("tokenize", made, "ab龘").out


def test_kinds_of_training(cli, text: Path) -> None:
    for kind in ("character", "word"):
        assert cli("tokenizer", "train", text, "-o", kind, "--kind", kind, "--vocab-size", "300").code == 0
        assert Tokenizer.load(kind).n_tokens == 300
    ran = cli("tokenizer", "train", text, "-o", "made", "--vocab-size", "300", "--json")
    assert ran.json["n_tokens"] == 300
    assert ran.json["fingerprint"] == Tokenizer.load("made").fingerprint
    again = cli("tokenizer", "train", text, "-o", "made", "--vocab-size", "300", "--json", "--force")
    assert again.json["fingerprint"] == ran.json["fingerprint"]


def test_words_that_the_dictionary_prefers(cli) -> None:
    Path("zh.txt").write_text("石墨烯电池\n石墨烯\n电池\n", "utf-8")
    Path("prefer.txt").write_text("石墨烯\n", "utf-8")
    options = ("--kind", "word", "--vocab-size", "9", "--prefer", "prefer.txt")
    assert cli("tokenizer", "train", "zh.txt", "-o", "made", *options).code == 0
    assert [*Tokenizer.load("made").vocab] == ["电池", "石墨烯", "[UNK]"]


def test_training_errors_come_before_work(cli, text: Path) -> None:
    assert (
        "error: vocab_size must be above 256"
        in cli("tokenizer", "train", text, "-o", "x", "--vocab-size", "9").err
    )
    Path("there").mkdir()
    Path("there/mine.txt").write_text("mine")
    ran = cli("tokenizer", "train", text, "-o", "there", "--force")
    assert ran.code == 2
    assert "is a folder, but no tokenizer" in ran.err
    Path("small.txt").write_text("aab\n")
    ran = cli("tokenizer", "train", "small.txt", "-o", "small")
    assert "note: 256 tokens, not 32000: the text gives no more" in ran.err


def test_report(cli, made: str, text: Path) -> None:
    ran = cli("tokenizer", "report", made, text)
    parts = {row[1]: row for row in ran.rows}
    assert {str(text), "Latin", "Han", "all"} <= set(parts)
    assert parts["all"][2:] == parts[str(text)][2:]
    assert "never used" in ran.err
    assert "longest" in ran.err
    cli("tokenizer", "train", text, "-o", "words", "--kind", "word", "--vocab-size", "300")
    both = cli("tokenizer", "report", made, text, "--beside", "words")
    assert [row[0] for row in both.rows[:2]] == [made, "words"]
    found = cli("tokenizer", "report", made, text, "--beside", "words", "--json").json
    assert found[made]["total"]["n_words"] == int(parts["all"][2])
    assert found["words"]["total"]["unknown_rate"] > 0


def test_what_is_no_tokenizer(cli, text: Path) -> None:
    ran = cli("tokenize", text, "a")
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "hint: " in ran.err
    assert cli("tokenize", "nowhere", "a").err.startswith("error: nowhere: no such file")
