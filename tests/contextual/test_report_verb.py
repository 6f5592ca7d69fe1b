"""`qianru report` with models of all kinds: trained here, of transformers, of sentence-transformers, of words and n-grams."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qianru.cli.app import run
from qianru.contextual import find_senses, load_encoder
from qianru.evaluate import evaluate_encoder, find_datasets
from qianru.static import train_fasttext
from qianru.text import Corpus

# Uses of a word in two senses, more than ten.
USES = [
    f"the {side} of the bank {n} was near the {what}"
    for n in ("one", "two", "three", "four", "five", "six", "seven", "eight")
    for side, what in (("door", "money"), ("grass", "river"))
]


@pytest.fixture
def data(tmp_path: Path, lines: list[str]) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "sts.tsv").write_text("a cat\ta tiger\t3\na king\ta cat\t1\n猫\t老虎\t4\n", encoding="utf-8")
    (folder / "pairs.txt").write_text("cat tiger 9\ncat king 1\nking man 6\n猫 老虎 8\n", encoding="utf-8")
    (tmp_path / "text.txt").write_text("\n".join([*USES, *lines[:40]]) + "\n", encoding="utf-8")
    return folder


def test_models_of_all_kinds_on_one_page(
    make: Callable[..., Path],
    train: Callable[..., Any],
    data: Path,
    tmp_path: Path,
    lines: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for kind in ("bert", "gpt", "elmo"):
        train(kind, f"our-{kind}")
    theirs = make("gpt2")
    train_fasttext(Corpus(lines), dim=8, epochs=1, threads=1, min_count=2).save(tmp_path / "words")
    models = [
        *(str(tmp_path / f"our-{kind}") for kind in ("bert", "gpt", "elmo")),
        str(theirs),
        str(tmp_path / "words"),
    ]
    out, text = tmp_path / "r.html", tmp_path / "text.txt"
    given = ["--data", str(data), "--text", str(text), "--words", "bank,catlike,zebra", "--bootstrap", "100"]
    assert run(["report", *models, *given, "-o", str(out), "--json"]) == 0
    ran = capsys.readouterr()
    told = json.loads(ran.out)
    page = out.read_text(encoding="utf-8")
    assert [one["name"] for one in told["models"]] == ["our-bert", "our-gpt", "our-elmo", "gpt2", "words"]
    datasets, _ = find_datasets(data)
    for path, one in zip(models[:4], told["models"], strict=False):
        encoder = load_encoder(path)
        expected = evaluate_encoder(encoder, datasets, n_bootstrap=100).as_dict()["results"]
        assert one["results"] == expected
        # Each found the senses of the word that stands in the text, and no other's.
        assert encoder.fingerprint == expected[0]["model_fingerprint"]
        assert f"by {one['name']}</span>" in page
    assert "note: no senses of zebra by our-bert: 'zebra' stands in 0 different sentences" in ran.err
    assert "note: no tokenizer of" in ran.err
    assert page.count("Loss on what was held out") == 3
    assert "six" in page
    for key in ("compared", "neighbours", "senses", "fertility", "missing"):
        assert f'<section id="{key}"' in page, key
    assert "by its n-grams" in page
    lacking = page[page.index('<section id="missing"') : page.index('<section id="policies"')]
    assert "our-elmo" in lacking
    assert "<bdi>zebra</bdi>" in lacking
    assert "<bdi>bank</bdi>" not in lacking


def test_a_model_of_sentence_transformers_alone(
    make: Callable[..., Path], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(
        "bert",
        modules=[
            {"kind": "Pooling", "config": {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}}
        ],
    )
    out = tmp_path / "r.html"
    assert run(["report", str(folder), "--data", str(data), "--language", "zh", "-o", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    assert "wrote" in capsys.readouterr().err
    assert re.search(r"config\.hidden_size.*?<td>32</td>", page)
    assert '<section id="neighbours"' not in page
    assert "语境模型只为文本中的词给出向量" in page


def test_one_error_and_no_page(
    make: Callable[..., Path], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    assert run(["report", str(folder), "--data", str(data), "-o", str(tmp_path / "r.html")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "r.html").exists()


def test_senses_say_which_model_found_them(make: Callable[..., Path]) -> None:
    encoder = load_encoder(make())
    found = find_senses(encoder, "bank", USES, n_senses=2)
    assert found.model_fingerprint == encoder.fingerprint
    told = json.loads(json.dumps(found.as_dict()))
    assert told["model_fingerprint"] == encoder.fingerprint
    assert [len(one["examples"]) for one in told["senses"]] == [3, 3]
