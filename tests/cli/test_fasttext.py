"""`qianru train fasttext`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.sample import write_sample
from qianru.vectors import SubwordVectors
from qianru.vectors.subwords import has_subwords

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
        (("-o", "nowhere/m.bin"), "there is no folder"),
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


def test_continued_grown_pruned_and_converted(cli, world: str) -> None:
    assert cli("train", "fasttext", world, "-o", "model", "--min-n", "1", "--max-n", "2", *OPTIONS).code == 0
    model = SubwordVectors.load("model")
    Path("more.txt").write_text("猫 和 卟卟 在 一起\n" * 20, encoding="utf-8")
    user = Path("words.txt")
    user.write_text("卟卟\n", encoding="utf-8")
    more = ("more.txt", "--user-dict", user)
    ran = cli(
        "train", "fasttext", *more, "-o", "on", "--continue", "model", "--epochs", "1", "--save-every", "1"
    )
    assert ran.code == 0, ran.err
    assert list(SubwordVectors.load("on").vectors)[: len(model)] == list(model.vectors)
    assert "卟卟" in SubwordVectors.load("on")
    assert not Path("on.checkpoint").exists()
    ran = cli("grow", "model", *more, "-o", "grown", "--start", "subword", "--epochs", "1")
    assert ran.code == 0, ran.err
    grown = SubwordVectors.load("grown", verify=True)
    assert grown.ngram_rows.tobytes() == model.ngram_rows.tobytes()
    assert cli("prune", "grown", "-o", "small", "--max-vocab", "30").code == 0
    small = SubwordVectors.load("small", verify=True)
    assert len(small) == 30
    np.testing.assert_array_equal(small.vectors.to_numpy(), grown.vectors[list(small.vectors)])
    assert cli("convert", "grown", "grown.bin", "--to", "fasttext").code == 0
    ran = cli("info", "grown")
    assert f"n-grams       {len(grown.ngram_rows):,} rows" in ran.out
    assert cli("info", "grown.bin", "--json").json["n_ngram_rows"] == 1000
    ran = cli("transform", "grown", "other", "--normalise")
    assert (ran.code, "note: grown has n-grams" in ran.err) == (0, True)
    ran = cli("transform", "grown", "reduced", "--dim", "4")
    assert (ran.code, "n-grams" in ran.err) == (0, False)
    assert SubwordVectors.load("reduced", verify=True).ngram_rows.shape == (len(grown.ngram_rows), 4)
    ran = cli("convert", "grown.bin", "again")
    assert ran.code == 0, ran.err
    assert "of n-grams" in ran.err
    again = SubwordVectors.load("again", verify=True)
    np.testing.assert_allclose(again.vectors.to_numpy(), grown.vectors.to_numpy(), atol=1e-5)
    assert cli("convert", "grown.bin", "words", "--words-only").code == 0
    assert not has_subwords("words")
    ran = cli("convert", "words", "w.bin", "--to", "fasttext")
    assert (ran.code, "has no n-grams" in ran.err) == (2, True)
    assert "must end in .bin" in cli("convert", "grown", "x.vec", "--to", "fasttext").err


def test_words_outside_the_vocabulary(cli, world: str) -> None:
    assert cli("train", "fasttext", world, "-o", "model", "--min-n", "1", "--max-n", "2", *OPTIONS).code == 0
    ran = cli("similar", "model", "狗猫猫", "猫", "-k", "2")
    assert (ran.code, len(ran.rows)) == (0, 4)
    assert ran.err == "note: 狗猫猫 is not in the vocabulary: its vector is made of its n-grams\n"
    ran = cli("similarity", "model", "狗猫猫", "猫")
    assert -1 <= float(ran.out) <= 1
    assert "n-grams" in ran.err
    ran = cli("similar", "model", "qqq")
    assert ran.code == 2 or "n-grams" in ran.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("-o", "m.bin", "--save-every", "1"), "--save-every and --resume need a model folder, got m.bin"),
        (("-o", "m", "--resume"), "there is no checkpoint m.checkpoint to resume from"),
        (("-o", "m", "--continue", "none"), "no such file or folder: none"),
    ],
)
def test_errors_of_going_on(cli, world: str, arguments: tuple[str, ...], error: str) -> None:
    ran = cli("train", "fasttext", world, *arguments)
    assert (ran.code, error in ran.err) == (2, True), ran.err
    assert "Traceback" not in ran.err
