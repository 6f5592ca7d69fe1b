"""Segmenters that nobody saved: cut short, flipped, forged. Each is one clear error, or a segmenter that cuts somehow."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from qianru import Corpus, FormatError, QianruError, Segmenter, train_segmenter
from qianru.cli.app import run
from qianru.text import split_words

TEXT = "老虎在森林里看见银行行长"
KEYS = np.array([5, 7, 2**64 - 1], np.uint64)
WEIGHTS = np.ones((3, 4), np.int16)
TRANSITIONS = np.zeros((4, 4), np.int32)
ABOUT = {"format": 1, "provenance": {}}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "segmenter"
    train_segmenter(Corpus(["老虎 在 森林里", "银行 行长 看见 老虎"]), held_out=0).save(path)
    return path.read_bytes()


def opens(path: Path, data: bytes) -> bool:
    path.write_bytes(data)
    try:
        segmenter = Segmenter.load(path)
    except QianruError as error:
        said = error.message
    else:
        said = ""
    if said:
        assert str(path) in said
        return False
    assert "".join(split_words(TEXT, segmenter=segmenter)) == TEXT
    return True


def test_cut_short(good: bytes, tmp_path: Path) -> None:
    for n in {*range(0, len(good), 7), *range(64), len(good) - 1}:
        assert not opens(tmp_path / "short", good[:n]), n
    assert not opens(tmp_path / "long", good + b"\0")


def test_bits_flipped(good: bytes, tmp_path: Path) -> None:
    draw = random.Random(1)
    n_header = 8 + int.from_bytes(good[:8], "little")
    opened = 0
    for place in [*range(n_header), *draw.sample(range(n_header, len(good)), 300)]:
        data = bytearray(good)
        data[place] ^= 1 << draw.randrange(8)
        opened += opens(tmp_path / "flipped", bytes(data))
    assert opened  # flips of weights cannot be known


def write(path: Path, about: object = ABOUT, **tensors: NDArray[np.generic]) -> Path:
    made = {"keys": KEYS, "weights": WEIGHTS, "transitions": TRANSITIONS, **tensors}
    text = about if isinstance(about, str) else json.dumps(about)
    save_file(made, path, metadata={"qianru_segmenter": text})
    return path


def test_the_forger_s_own_file_opens(tmp_path: Path) -> None:
    assert Segmenter.load(write(tmp_path / "good")).n_features == 3


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"keys": KEYS[::-1].copy()}, "not sorted"),
        ({"keys": np.array([5, 5, 7], np.uint64)}, "comes twice"),
        ({"keys": np.array([0, 5, 7], np.uint64)}, "is 0"),
        ({"keys": KEYS[:2]}, "do not belong together"),
        ({"keys": KEYS.astype(np.int64)}, "'keys' is I64"),
        ({"keys": KEYS.reshape(1, 3)}, "'keys' is U64"),
        ({"weights": WEIGHTS[:, :3].copy()}, "do not belong together"),
        ({"weights": WEIGHTS.astype(np.float32)}, "'weights' is F32"),
        ({"transitions": TRANSITIONS[:3].copy()}, "do not belong together"),
        ({"transitions": TRANSITIONS.astype(np.int64)}, "'transitions' is I64"),
    ],
)
def test_forged_tensors(tensors: dict[str, NDArray[np.generic]], message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message):
        Segmenter.load(write(tmp_path / "forged", **tensors))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ("{", "of format None"),
        ("[" * 100_000, "of format None"),
        ([], "of format None"),
        ({"format": 1}, "of format None"),
        ({"format": 2, "provenance": {}}, "of format 2, not 1"),
        ({"format": 1, "provenance": []}, "not a JSON object"),
    ],
)
def test_forged_metadata(about: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message):
        Segmenter.load(write(tmp_path / "forged", about))


def test_other_safetensors_are_no_segmenters(tmp_path: Path) -> None:
    save_file({"keys": KEYS, "weights": WEIGHTS, "transitions": TRANSITIONS}, tmp_path / "other")
    with pytest.raises(FormatError, match="no entry qianru_segmenter"):
        Segmenter.load(tmp_path / "other")
    save_file({"keys": KEYS}, tmp_path / "part", metadata={"qianru_segmenter": json.dumps(ABOUT)})
    with pytest.raises(FormatError, match="no tensor 'weights'"):
        Segmenter.load(tmp_path / "part")


def test_the_greatest_weights_and_the_longest_run_do_not_overflow(tmp_path: Path) -> None:
    least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    for value in (least, most):
        path = write(tmp_path / "great", transitions=np.full((4, 4), value, np.int32))
        run = "老虎" * 5_000
        assert "".join(split_words(run, segmenter=path)) == run


def test_the_command_line_says_it_in_two_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad").write_bytes(b"no segmenter")
    (tmp_path / "text").write_text("老虎 在 森林\n", encoding="utf-8")
    arguments = ["train", "word2vec", str(tmp_path / "text"), "-o", str(tmp_path / "model")]
    assert run([*arguments, "--segmenter", str(tmp_path / "bad")]) == 2
    error = capsys.readouterr().err.splitlines()
    assert error[0].startswith(f"error: {tmp_path / 'bad'}: not a segmenter")
    assert error[1].startswith("hint: `qianru train segmenter`")
