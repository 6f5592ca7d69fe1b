"""`qianru inspect` and `qianru convert`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qianru.cli.app import run
from qianru.static import train_classifier, train_fasttext, train_word2vec
from qianru.vectors import Vectors, load

BROKEN = b"\xef\xbb\xbf9 2\na 1 2\nb 3 4\na 5 6\nc 1"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.vec"
    path.write_bytes(BROKEN)
    return path


def test_inspect(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(broken)]) == 0
    out = capsys.readouterr().out
    for part in (
        "word2vec text",
        "3 words, dim 2",
        "byte order mark",
        "cut off",
        "came before",
        "9 rows",
        "OUT --repair",
    ):
        assert part in out
    assert run(["inspect", str(broken), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["dim"], len(found["problems"])) == ("word2vec", 2, 4)


def test_convert_with_repair(broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(broken), str(tmp_path / "out.vec")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error:")
    assert "hint:" in error
    assert run(["convert", str(broken), str(tmp_path / "out.vec"), "--repair"]) == 0
    assert "repaired: byte order mark dropped" in capsys.readouterr().err
    assert (tmp_path / "out.vec").read_bytes() == b"2 2\na 1 2\nb 3 4\n"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("v.bin", []),
        ("v.glove", []),
        ("v.npy", []),
        ("v.safetensors", []),
        ("vectors.tsv", []),
        ("m", []),
        ("x", ["--to", "text"]),
    ],
)
def test_convert_and_back(tmp_path: Path, name: str, options: list[str]) -> None:
    Vectors(["猫", "dog"], np.eye(2, 3, dtype=np.float32)).export(tmp_path / "in.txt")
    assert run(["convert", str(tmp_path / "in.txt"), str(tmp_path / name), *options]) == 0
    assert run(["convert", str(tmp_path / name), str(tmp_path / "back.txt")]) == 0
    assert (tmp_path / "back.txt").read_bytes() == (tmp_path / "in.txt").read_bytes()


def test_bytes_are_kept(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"1 1\n\xff 1\n")
    assert run(["convert", str(tmp_path / "in.txt"), str(tmp_path / "m")]) == 0
    assert run(["convert", str(tmp_path / "m"), str(tmp_path / "back.txt")]) == 0
    assert (tmp_path / "back.txt").read_bytes() == b"1 1\n\xff 1\n"
    assert run(["convert", str(tmp_path / "in.txt"), str(tmp_path / "r.txt"), "--errors", "replace"]) == 0
    assert load(tmp_path / "r.txt").keys == ["\ufffd"]


def test_form_that_the_content_does_not_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Two whole numbers: a header, or the first row of GloVe's text.
    (tmp_path / "in").write_bytes(b"1 2\n3 4\n")
    assert run(["convert", str(tmp_path / "in"), str(tmp_path / "m")]) == 2
    assert run(["convert", str(tmp_path / "in"), str(tmp_path / "m"), "--from", "glove"]) == 0
    assert load(tmp_path / "m").keys == ["1", "3"]
    assert run(["convert", str(tmp_path / "in"), str(tmp_path / "n"), "--from", "nonsense"]) == 2
    assert "format must be one of" in capsys.readouterr().err


def test_what_does_not_come_along_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m"
    train_word2vec([["a", "b", "c"]] * 50, dim=4, epochs=1, output=model, keep_training_state=True)
    assert run(["convert", str(model), str(model), "--force"]) == 2
    assert "are the same folder" in capsys.readouterr().err
    assert (model / "training.safetensors").is_file()
    assert run(["convert", str(model), str(tmp_path / "n")]) == 0
    assert "has a training state, which does not come along" in capsys.readouterr().err
    assert run(["quantise", str(model), str(tmp_path / "q")]) == 0
    assert run(["convert", str(tmp_path / "q"), str(tmp_path / "r")]) == 0
    assert "is quantised; its vectors are written as float32" in capsys.readouterr().err
    assert run(["convert", str(model), str(tmp_path / "x.txt"), "--errors", "nonsense"]) == 2


def test_n_grams_and_labels_are_not_lost_unsaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_fasttext([["cat", "dog"]] * 50, dim=4, epochs=1, n_buckets=50).save(tmp_path / "f")
    assert run(["convert", str(tmp_path / "f"), str(tmp_path / "g"), "--from", "folder"]) == 0
    assert "of n-grams" in capsys.readouterr().err
    classifier = tmp_path / "c.bin"
    train_classifier([("a b", "x"), ("c d", "y")] * 20, dim=4, epochs=1).export(classifier)
    before = classifier.read_bytes()
    assert run(["convert", str(classifier), str(classifier), "--to", "fasttext", "--force"]) == 2
    assert classifier.read_bytes() == before
    capsys.readouterr()
    assert run(["convert", str(classifier), str(tmp_path / "w")]) == 0
    assert "its labels do not come along" in capsys.readouterr().err
