"""`qianru tokenizer extend|prune|merge|verify` on tokenizers, static models and, where torch is there, transformers."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import pytest

from qianru.tokens import read_tokenizer
from qianru.vectors import Vectors

_spec = importlib.util.spec_from_file_location(
    "surgery_models", Path(__file__).parents[1] / "tokens" / "surgery_models.py"
)
assert _spec is not None
assert _spec.loader is not None
surgery_models = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(surgery_models)


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    path = tmp_path / "bert.json"
    path.write_text(json.dumps(surgery_models.wordpiece()), encoding="utf-8")
    return path


def test_extend_by_a_list(cli, bert: Path, text: Path) -> None:
    ran = cli(
        "tokenizer",
        "extend",
        bert,
        "-o",
        "new.json",
        "--words",
        "-",
        "--on",
        text,
        stdin="中国\n大学\n\ncat\n",
    )
    assert ran.code == 0, ran.err
    rows = dict(ran.rows)
    assert rows["words"] == "2"
    assert rows["skipped: known"] == "1"
    assert rows["changed without a new token"] == "0"
    assert "wrote new.json" in ran.err
    assert read_tokenizer("new.json").tokens[-2:] == ("中国", "大学")
    assert cli("tokenizer", "verify", "new.json").rows[0][:2] == ["tokenizer", "ok"]


def test_extend_by_a_text_then_prune_and_merge(cli, bert: Path, text: Path) -> None:
    ran = cli(
        "tokenizer", "extend", bert, "-o", "grown", "--corpus", text, "--n-words", "20", "--min-count", "3",
        "--on", text, "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.json["n_words"] == 20
    assert ran.json["on"]["n_unexpected"] == 0
    assert ran.json["on"]["n_tokens_after"] < ran.json["on"]["n_tokens_before"]
    pruned = cli(
        "tokenizer", "prune", "grown", "-o", "small", "--corpus", text, "--script", "latin", "--json"
    )
    assert pruned.code == 0, pruned.err
    assert pruned.json["n_after"] < ran.json["n_after"]
    merged = cli("tokenizer", "merge", "small", "grown", "-o", "both", "--json")
    assert merged.code == 0, merged.err
    assert merged.json["n_new"] > 0
    assert cli("tokenizer", "verify", "both", "--json").json[0]["ok"] is True
    Path("keep.txt").write_text("cat\nthe\n", "utf-8")
    assert cli("tokenizer", "prune", bert, "-o", "two.json", "--tokens", "keep.txt").code == 0


def test_a_static_model(cli, model: Path, tmp_path: Path) -> None:
    Path("words.txt").write_text("womens\n老师\nking\n", "utf-8")
    ran = cli("tokenizer", "extend", model, "-o", "new", "--words", "words.txt", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["from_subwords"] == ["womens", "老师"]
    old, new = Vectors.load(model), Vectors.load("new", verify=True)
    assert new.to_numpy()[: len(old)].tobytes() == old.to_numpy().tobytes()
    assert cli("tokenizer", "verify", "new").rows[0][:2] == ["fingerprint", "ok"]
    assert "error: " in cli("tokenizer", "prune", model, "-o", "x", "--script", "han").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("extend", "bert.json", "-o", "x.json"), "--words or --corpus"),
        (("extend", "bert.json", "-o", "x.json", "--words", "none.txt"), "none.txt"),
        (("extend", "bert.json", "-o", "x.json", "--words", "-"), "holds no word"),
        (("extend", "bert.json", "-o", "x.json", "--words", "words.txt", "--on", "nofile"), "nofile"),
        (("extend", "none.json", "-o", "x.json", "--words", "words.txt"), "none.json: cannot be read"),
        (("extend", "bert.json", "-o", "bert.json", "--words", "words.txt"), "exists already"),
        (
            ("extend", "bert.json", "-o", "x.json", "--words", "words.txt", "--bias-shift", "-3"),
            "no matrices",
        ),
        (("extend", "bert.json", "-o", "x.json", "--words", "special.txt"), "special token '[MASK]'"),
        (("prune", "bert.json", "-o", "x.json"), "at least one rule"),
        (("prune", "bert.json", "-o", "x.json", "--script", "elvish"), "'elvish' is none of them"),
        (("merge", "bert.json", "bert.json", "-o", "x.json"), "no token that the first lacks"),
        (("verify", "none.json"), "none.json"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(cli, bert: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("words.txt").write_text("中国\n", "utf-8")
    Path("special.txt").write_text("中国\n[MASK]\n", "utf-8")
    ran = cli("tokenizer", *arguments, stdin="")
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert not Path("x.json").exists()


def test_words_from_stdin_are_read_as_those_of_a_file(
    cli, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("tokenizer", "extend", bert, "-o", "x.json", "--words", "-", stdin="\ufeff中国\n").code == 0
    assert "中国" in read_tokenizer("x.json").tokens
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\xffb\n"), encoding="utf-8"))
    ran = cli("tokenizer", "extend", bert, "-o", "y.json", "--words", "-")
    assert ran.code == 2
    assert "-, byte 1: not valid UTF-8" in ran.err


@pytest.mark.filterwarnings("ignore")
def test_a_language_model_trained_here(cli, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: make build")
    pytest.importorskip("transformers", reason="transformers is not installed: make build")
    lines = ["the cat sat on the mat", "a dog ran to the man", "中国 老虎 在 森林"] * 9
    Path("text.txt").write_text("\n".join(lines), "utf-8")
    small = ("--vocab-size", 90, "--length", 8, "--batch-size", 2, "--steps", 1)
    assert cli("train", "bert", "text.txt", "-o", "b", *small).code == 0
    before = json.loads(Path("b/qianru.json").read_text("utf-8"))
    ran = cli("tokenizer", "extend", "b", "-o", "grown", "--words", "-", stdin="elephant\n")
    assert ran.code == 0, ran.err
    assert all(result == "ok" for _, result, _ in cli("tokenizer", "verify", "grown", "--parent", "b").rows)
    told = json.loads(Path("grown/qianru.json").read_text("utf-8"))
    assert told["n_tokens"] == before["n_tokens"] + 1
    assert told["provenance"]["changed_from"] == before["fingerprint"] != told["fingerprint"]
    assert told["provenance"]["corpus"] == before["provenance"]["corpus"]
    assert cli("tokenizer", "prune", "grown", "-o", "small", "--script", "latin").code == 0
    assert cli("info", "small", "--json").json["n_tokens"] < before["n_tokens"]


@pytest.mark.filterwarnings("ignore")
def test_a_model_of_transformers(cli, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: make build")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: make build")
    tokenizer = surgery_models.wordpiece()
    config = transformers.BertConfig(
        vocab_size=len(tokenizer["model"]["vocab"]), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=64, pad_token_id=0,
    )  # fmt: skip
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path / "bert")
    (tmp_path / "bert" / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    ran = cli(
        "tokenizer", "extend", "bert", "-o", "new", "--words", "-", "--bias-shift", "-30", stdin="中国\n"
    )
    assert ran.code == 0, ran.err
    assert "wrote and proved new" in ran.err
    assert {"rows before", "rows after"} <= set(dict(ran.rows))
    assert all(result == "ok" for _, result, _ in cli("tokenizer", "verify", "new", "--parent", "bert").rows)
    assert cli("tokenizer", "prune", "new", "-o", "small", "--script", "han", "--json").json["n_gone"] > 0
    text = json.loads(Path("new/config.json").read_text("utf-8"))
    Path("new/config.json").write_text(json.dumps({**text, "vocab_size": 7}), "utf-8")
    ran = cli("tokenizer", "verify", "new")
    assert ran.code == 2
    assert "vocab_size" in ran.err
