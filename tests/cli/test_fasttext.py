"""`qianru train fasttext`."""

from __future__ import annotations

from pathlib import Path

import pytest

from qianru.sample import write_sample
from qianru.vectors import SubwordVectors

OPTIONS = ("--dim", "8", "--epochs", "1", "--n-buckets", "1000", "--threads", "1")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    write_sample(Path("world"), n_bytes=60_000)
    return "world/zh.txt"


def test_a_folder_and_a_file(cli, world: str) -> None:
    Path("strokes.tsv").write_text("猫\t犭苗\n狗\t犭句\n", encoding="utf-8")
    ran = cli(
        "train",
        "fasttext",
        world,
        "-o",
        "model",
        "--min-n",
        "1",
        "--max-n",
        "2",
        "--decomposition",
        "strokes.tsv",
        *OPTIONS,
    )
    assert ran.code == 0, ran.err
    assert SubwordVectors.load("model").lookup("狗猫").source in ("known", "subwords")
    assert cli("similar", "model", "猫", "-k", "2").code == 0
    assert cli("train", "fasttext", world, "-o", "model.bin", *OPTIONS).code == 0
    assert SubwordVectors.load("model.bin").dim == 8


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("-o", "model", "--dim", "0"), "dim must be a whole number of at least 1"),
        (("-o", "model", "--min-n", "4", "--max-n", "2"), "min_n must not be above max_n"),
        (("-o", "model", "--decomposition", "none.tsv"), "cannot read none.tsv"),
        (("-o", "model", "--decomposition", "bad.tsv"), "bad.tsv, line 1"),
        (("-o", "there.bin"), "exists already"),
    ],
)
def test_errors(cli, world: str, arguments: tuple[str, ...], error: str) -> None:
    Path("there.bin").write_bytes(b"mine")
    Path("bad.tsv").write_text("猫犭苗\n", encoding="utf-8")
    ran = cli("train", "fasttext", world, *arguments)
    assert ran.code == 2
    assert error in ran.err
    assert "Traceback" not in ran.err
    assert Path("there.bin").read_bytes() == b"mine"
