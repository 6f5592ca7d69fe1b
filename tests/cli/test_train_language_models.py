"""`qianru train bert|gpt|elmo`: rows, JSON, resuming, and what goes wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qianru.sample import sample_lines
from qianru.text import Corpus
from qianru.tokens import Tokenizer

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

MAIN = "from qianru.cli import main; main()"
FEW = ("--length", "16", "--batch-size", "8", "--steps", "4", "--evaluate-every", "2", "--threads", "1")


@pytest.fixture
def text(cli: Callable[..., Any]) -> Path:
    lines = [*sample_lines("en", n_bytes=9_000), *sample_lines("zh", n_bytes=9_000)]
    Path("text.txt").write_text("\n".join(lines), encoding="utf-8")
    return Path("text.txt")


@pytest.mark.parametrize("kind", ["bert", "gpt"])
def test_rows_json_and_an_existing_model(cli: Callable[..., Any], text: Path, kind: str) -> None:
    ran = cli("train", kind, text, "-o", "model", "--vocab-size", "1000", *FEW)
    assert ran.code == 0, ran.err
    assert [row[:2] for row in ran.rows] == [["2", "256"], ["4", "512"]]
    assert all(len(row) == 6 for row in ran.rows)
    assert "wrote model: " in ran.err
    ran = cli("train", kind, text, "-o", "model", *FEW)
    assert (ran.code, ran.out) == (2, "")
    assert "error: output model exists already" in ran.err
    ran = cli("train", kind, text, "-o", "model", "--tokenizer", "model", *FEW, "--json", "--force")
    assert ran.code == 0, ran.err
    assert ran.json["kind"] == kind
    assert ran.json["n_tokens"] == Tokenizer.load("model").n_tokens
    assert [look["step"] for look in ran.json["held_out"]] == [2, 4]
    told = cli("info", "model", "--json").json
    assert (told["kind"], told["fingerprint"]) == (kind, ran.json["fingerprint"])
    assert told["provenance"]["steps_done"] == 4
    assert cli("inspect", "model").out.startswith(f"model: {kind.upper()}, ")


def test_elmo(cli: Callable[..., Any], text: Path) -> None:
    ran = cli("train", "elmo", text, "-o", "model", "--vocab-size", "200", *FEW, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["kind"], ran.json["n_tokens"], ran.json["dim"]) == ("elmo", 200, 128)
    assert [look["step"] for look in ran.json["held_out"]] == [2, 4]
    assert cli("info", "model").out.startswith("model: ELMo, ")
    words = cli("encode", "model", "The cat, 老虎", "--level", "word", "--layers", "0,1,2")
    assert [row[1] for row in words.rows] == ["The", "cat", "老虎"]
    assert all(len(row) == 4 + 128 for row in words.rows)
    out = cli("encode", "model", text, "-o", "vectors.npy")
    assert out.code == 0, out.err
    assert "x 128" in out.err
    assert "alone or in a batch" in out.err


def test_a_killed_process_resumes_to_the_same_bytes(cli: Callable[..., Any], text: Path) -> None:
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    made = Tokenizer.train(Corpus(text), kind="wordpiece", vocab_size=1000, special_tokens=special)
    made.save("tokenizer")
    options = ("--tokenizer", "tokenizer", *FEW[:4], "--steps", "60", "--evaluate-every", "2", *FEW[8:])
    assert cli("train", "bert", text, "-o", "whole", *options).code == 0
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "train", "bert", str(text), "-o", "cut", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    state = Path("cut.checkpoint/state.safetensors")
    while process.poll() is None and not (state.is_file() and b'"step": 0' not in state.read_bytes()):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    if process.returncode != 0:  # else it was done before it could be killed
        assert not Path("cut").exists()
        ran = cli("train", "bert", text, "-o", "cut", *options)
        assert "was not finished" in ran.err
        assert "--resume" in ran.err
        assert cli("train", "bert", text, "-o", "cut", *options, "--resume").code == 0
    for name in ("model.safetensors", "qianru.json"):
        assert Path("cut", name).read_bytes() == Path("whole", name).read_bytes()


def test_bad_input_is_one_error_and_a_hint(cli: Callable[..., Any], text: Path) -> None:
    for arguments, message in (
        (("--size", "tiny", "--learning-rate", "-1"), "learning_rate must be a number above 0"),
        (("--tokenizer", "nowhere"), "nowhere"),
        (("--vectors", "nowhere"), "nowhere"),
        (("--resume",), "there is no checkpoint"),
        (("--threads", "0"), "threads must be at least 1, got 0"),
        (("--length", "20000", "--vocab-size", "1000"), "the text fills"),
    ):
        ran = cli("train", "bert", text, "-o", "model", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert message in ran.err
        assert "Traceback" not in ran.err


def test_without_torch_one_line_says_how_to_install_it(text: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "torch.py").write_text("raise ImportError('No module named torch')")
    ran = subprocess.run(
        [sys.executable, "-c", MAIN, "train", "bert", str(text), "-o", "m"],
        env={"PYTHONPATH": str(blocked), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "error: this needs the package torch: No module named torch",
        "hint: pip install 'qianru[torch]'",
    ]
