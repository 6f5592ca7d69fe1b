"""The demo shows every stage, on the generated world and on a reader's own text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.vectors import Vectors, load

STAGES = ["1 text:", "2 words:", "3 ids:", "4 one-hot:", "5 training:", "6 vectors:"]


def stages(out: str) -> list[str]:
    return [
        line.split(":")[0] + ":" for line in out.splitlines() if line[:2].strip().isdigit() and ":" in line
    ]


def test_on_a_smaller_world(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qianru.cli.demo_stages.SAMPLE_BYTES", 1_200_000)
    monkeypatch.setattr("qianru.cli.demo_stages._EPOCHS", (2, 3))
    ran = cli("demo")
    assert ran.code == 0
    assert [line for line in stages(ran.out) if line in STAGES] == STAGES
    assert "cat · tiger = 0    cat · cat = 1" in ran.out
    assert "猫 · 老虎 = 0" in ran.out
    assert "我 | 用 | Python | 训练 | word2vec | 模型" in ran.out
    assert "words/s" in ran.out
    for asked in ("cat–tiger", "king − man + woman → ", "国王 − 男人 + 女人 → ", "walked − walk + talk → "):
        assert asked in ran.out
    assert len(Vectors.load("demo-model")) > 1000
    assert cli("demo", "-o", "demo-model").code == 0  # takes the place of the earlier one


def test_on_ones_own_text(cli, text: Path, tmp_path: Path) -> None:
    own = tmp_path / "my own.txt"
    text.rename(own)
    ran = cli("demo", "--text", own, "-o", "here")
    assert ran.code == 0
    assert [line for line in stages(ran.out) if line in STAGES] == STAGES
    assert f"qianru train word2vec '{own}' -o model" in ran.out
    assert Path("here/qianru.json").is_file()


def test_on_a_text_just_large_enough(cli, tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_text(
        "一 只 猫 看 见 了 那 辆 红色 汽车 one two three four\n" * 12, "utf-8"
    )
    assert cli("demo", "--text", "small.txt").code == 0


def test_nothing_but_a_model_is_replaced(cli, text: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("mine")
    ran = cli("demo", "--text", text, "-o", "photos")
    assert ran.code == 2
    assert ran.out == ""
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "mine"
    Vectors(["precious"], np.ones((1, 2), np.float32)).save("precious")
    assert cli("demo", "--text", text, "-o", "precious").code == 2
    assert list(load("precious")) == ["precious"]
    assert cli("demo", "--text", text, "-o", "precious", "--force").code == 0
    assert len(load("precious")) > 1


@pytest.mark.slow
def test_on_the_whole_world_everything_comes_out(cli) -> None:
    assert "5 of 5 came out as expected" in cli("demo").out
