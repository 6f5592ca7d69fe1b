"""A tiny model, a tiny text, and `cli`: one command line run inside this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.sample import sample_lines
from qianru.vectors import Vectors

WORDS = {
    "man": [1, 0, 0, 0],
    "woman": [0, 1, 0, 0],
    "king": [1, 0, 1, 0],
    "queen": [0, 1, 1, 0],
    "猫": [0, 0, 0.3, 1],
    "老虎": [0.1, 0, 0.3, 1],
    "汽车": [0.2, 0.9, 0, -1],
}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]


Cli = Callable[..., Ran]


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Run `qianru ARGUMENTS` in a folder of its own, with `stdin` as its standard input."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path, stdin: str | None = None) -> Ran:
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        code = run([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Ran(code, written.out, written.err)

    return call


@pytest.fixture
def model(tmp_path: Path) -> Path:
    matrix = np.array(list(WORDS.values()), np.float32)
    vectors = Vectors(
        list(WORDS), matrix, counts=np.arange(len(WORDS), 0, -1), provenance={"kind": "by hand"}
    )
    vectors.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    lines = [*sample_lines("en", n_bytes=30_000), *sample_lines("zh", n_bytes=30_000)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
