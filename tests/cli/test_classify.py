"""`qianru classify train|predict|evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qianru.sample.truth import labels

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Sentences of the sample world with their mood, in both languages."""
    torch.set_num_threads(1)
    rows = [*labels("en", seed=1)[::3], *labels("zh", seed=1)[::3]]
    parts = []
    for name, chosen in (("train.csv", rows[::2]), ("test.jsonl", rows[1::2])):
        path = tmp_path / name
        if name.endswith("csv"):
            text = "text,label\n" + "".join('"' + t.replace('"', '""') + f'",{y}\n' for t, y in chosen)
        else:
            text = "".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in chosen)
        path.write_text(text, encoding="utf-8")
        parts.append(path)
    return parts[0], parts[1]


def test_train_predict_evaluate(cli, files: tuple[Path, Path], model: Path) -> None:
    ran = cli(
        "classify", "train", files[0], "-o", "mood", "--start", model, "--encoder", "cnn", "--encoder-settings",
        '{"widths": [1, 2], "n_filters": 8}', "--test", files[1], "--seeds", "2", "--epochs", "4", "--learning-rate",
        "0.02", "--overlap", "drop", "--threads", "1",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert [row[0] for row in ran.rows] == ["1", "2"]
    assert float(ran.rows[0][4]) > 0.8
    assert "wrote mood: 2 labels" in ran.err
    assert "of the training tokens start from a vector" in ran.err
    found = cli("classify", "predict", "mood", "-", "-k", "2", stdin="A wonderful phone, I love it!\n糟糕\n")
    assert found.code == 0, found.err
    assert [row[0] for row in found.rows] == ["1", "1", "2", "2"]
    assert found.rows[0][1] == "positive"
    lines = ["A wonderful\fphone\u2028I\x85love\rit!", "", "糟糕"]
    told = cli("classify", "predict", "mood", "-", "good", "--json", stdin="\r\n".join(lines) + "\n").json
    assert [one["text"] for one in told] == [*lines, "good"]
    told = cli("classify", "predict", "mood", "bad", "--json").json
    assert told[0]["labels"][0]["label"] in ("positive", "negative")
    report = cli("classify", "evaluate", "mood", files[1], "--overlap", "drop", "--bootstrap", "200")
    assert report.code == 0, report.err
    assert [row[0] for row in report.rows] == ["accuracy", "macro F1", "negative", "positive"]
    assert "calibration error" in report.err
    whole = cli("classify", "evaluate", "mood", files[1], "--overlap", "drop", "--json").json
    assert whole["accuracy"]["low"] <= whole["accuracy"]["value"] <= whole["accuracy"]["high"]
    assert cli("classify", "evaluate", "mood", files[0]).code == 2
    assert cli("classify", "train", files[0], "-o", "mood").code == 2


def test_errors_are_one_line_and_a_hint(cli, files: tuple[Path, Path], tmp_path: Path) -> None:
    bare = tmp_path / "bare.tsv"
    bare.write_text("good\t1\nbad\t0\n", encoding="utf-8")
    one = tmp_path / "one.csv"
    one.write_text("text,label\na,x\nb,x\n", encoding="utf-8")
    for arguments, message in (
        (("train", bare, "-o", "m"), "has no text column"),
        (("train", one, "-o", "m"), "has one label, 'x'"),
        (("train", files[0], "-o", "m", "--test", files[0]), "are among the training examples"),
        (("train", files[0], "-o", "m", "--validation", "none.csv"), "no such file or folder: none.csv"),
        (("train", files[0], "-o", "m", "--encoder-settings", "[]"), "must be a JSON object"),
        (("train", files[0], "-o", "m", "--start", "nowhere"), "nowhere"),
        (("predict", "nowhere", "x"), "no qianru.json"),
        (("evaluate", "nowhere", files[0]), "no qianru.json"),
    ):
        ran = cli("classify", *arguments)
        assert ran.code == 2, arguments
        assert ran.out == ""
        lines = ran.err.strip().splitlines()
        assert message in lines[0]
        assert lines[0].startswith("error: ")
        assert len(lines) <= 2
    assert not Path("m").exists()
