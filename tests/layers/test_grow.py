"""The transaction: every model follows its tokenizer, old rows keep their bits, and nothing half-done is left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.layers import change_vocabulary, verify
from qianru.layers.checkpoint import Checkpoint, decode, encode
from qianru.layers.grow import protected_ids
from qianru.tokens import Surgery, extend, merge, prune, read_tokenizer
from qianru.vectors import Vectors

torch = pytest.importorskip("torch", reason="torch is not installed: make build")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: make build")
pytestmark = pytest.mark.filterwarnings("ignore")

WORDS = ["中国", "大学", "人民大学", "walker"]


def matrix(folder: Path, name: str) -> Any:
    checkpoint = Checkpoint(folder)
    return checkpoint.floats(checkpoint.tensors[name], 0)


def logits(folder: Path, kind: Any, ids: list[int]) -> Any:
    model = kind.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits.float()


@pytest.mark.parametrize(
    ("kind", "options", "tensors", "tied"),
    [
        ("bert", {}, {"bert.embeddings.word_embeddings.weight", "cls.predictions.bias"}, True),
        (
            "bert",
            {"tie_word_embeddings": False},
            {
                "bert.embeddings.word_embeddings.weight",
                "cls.predictions.bias",
                "cls.predictions.decoder.weight",
                "cls.predictions.decoder.bias",
            },
            False,
        ),
        ("encoder", {}, {"embeddings.word_embeddings.weight"}, False),
        ("gpt2", {}, {"transformer.wte.weight"}, True),
        ("llama", {}, {"model.embed_tokens.weight", "lm_head.weight"}, False),
        ("llama", {"tie_word_embeddings": True}, {"model.embed_tokens.weight"}, True),
        ("t5", {}, {"shared.weight"}, True),
    ],
)
def test_every_kind_follows(make, tmp_path: Path, kind: str, options: dict, tensors: set, tied: bool) -> None:
    folder = make(kind, **options)
    surgery = extend(read_tokenizer(folder), WORDS)
    changed = change_vocabulary(folder, surgery, tmp_path / "new")
    assert set(changed.tensors) <= tensors | {"cls.predictions.decoder.bias"}
    assert set(changed.tensors) & tensors
    assert changed.tied == tied or kind == "encoder"
    assert changed.n_rows_after == len(surgery.after) == changed.n_rows_before + surgery.n_new
    assert all(check.ok for check in verify(tmp_path / "new", parent=folder))
    for name in changed.tensors:
        old, new = matrix(folder, name), matrix(tmp_path / "new", name)
        assert new[: len(old)].tobytes() == old.tobytes()
        for number, parts in surgery.parts.items():
            want = old[list(parts)] if parts else old[: len(surgery.before)]
            assert np.allclose(new[number], want.mean(axis=0), atol=1e-6)
    assert (tmp_path / "new" / "README.md").read_text("utf-8") == "mine\n"
    assert not (tmp_path / "new" / "vocab.txt").exists()
    assert changed.left_out == ("vocab.txt",)
    assert json.loads((tmp_path / "new" / "config.json").read_text("utf-8"))["vocab_size"] == len(
        surgery.after
    )


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_logits_of_old_tokens_stay(make, tmp_path: Path, kind: str) -> None:
    folder = make(kind)
    surgery = extend(read_tokenizer(folder), WORDS)
    change_vocabulary(folder, surgery, tmp_path / "new")
    model_class = transformers.BertForMaskedLM if kind == "bert" else transformers.GPT2LMHeadModel
    before = logits(folder, model_class, [5, 9, 20, 7])
    after = logits(tmp_path / "new", model_class, [5, 9, 20, 7])
    assert torch.allclose(after[..., : before.shape[-1]], before, atol=1e-6)
    assert after.shape[-1] == len(surgery.after)


def test_a_low_bias_keeps_the_loss(make, tmp_path: Path) -> None:
    folder = make("bert")
    surgery = extend(read_tokenizer(folder), WORDS)
    change_vocabulary(folder, surgery, tmp_path / "new", bias_shift=-40.0)
    ids = [5, 9, 20, 7]
    before = logits(folder, transformers.BertForMaskedLM, ids).log_softmax(-1)
    after = logits(tmp_path / "new", transformers.BertForMaskedLM, ids).log_softmax(-1)
    assert torch.allclose(after[..., : before.shape[-1]], before, atol=1e-6)
    with pytest.raises(ArgumentError, match="head has no bias"):
        change_vocabulary(
            make("gpt2"), extend(read_tokenizer(make("gpt2")), WORDS), tmp_path / "x", bias_shift=-1.0
        )


def test_spare_rows_are_used_first_and_the_matrix_never_shrinks(make, tmp_path: Path) -> None:
    folder = make("gpt2", spare=500)
    surgery = extend(read_tokenizer(folder), WORDS)
    assert 0 < surgery.n_new < 500
    changed = change_vocabulary(folder, surgery, tmp_path / "new")
    assert changed.n_rows_before == changed.n_rows_after == len(surgery.before) + 500
    assert changed.n_spare_used == surgery.n_new
    old, new = (matrix(path, "transformer.wte.weight") for path in (folder, tmp_path / "new"))
    first, last = len(surgery.before), len(surgery.after)
    assert new[:first].tobytes() == old[:first].tobytes()
    assert new[last:].tobytes() == old[last:].tobytes()
    assert not np.array_equal(new[first:last], old[first:last])
    few = make("bert", spare=2)
    changed = change_vocabulary(few, extend(read_tokenizer(few), WORDS), tmp_path / "few")
    assert (changed.n_spare_used, changed.n_rows_after - changed.n_rows_before) == (2, len(WORDS) - 2)


def test_an_id_of_a_spare_row_is_refused(make, tmp_path: Path) -> None:
    """Else a new token would take it, and be padding."""
    folder = make("gpt2", spare=500)
    surgery = extend(read_tokenizer(folder), WORDS)
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    for number in (len(surgery.before), len(surgery.before) + 499):
        path.write_text(json.dumps({**config, "pad_token_id": number}), "utf-8")
        message = f"json:pad_token_id must be .* up to {len(surgery.before) - 1}, got {number}, which"
        with pytest.raises(ArgumentError, match=message):
            change_vocabulary(folder, surgery, tmp_path / "new")
    path.write_text(json.dumps({**config, "pad_token_id": -1}), "utf-8")
    change_vocabulary(folder, surgery, tmp_path / "new")


def test_tokens_come_and_go_at_once(make, tmp_path: Path) -> None:
    folder = make("gpt2", spare=9)
    data = read_tokenizer(folder)
    gone = prune(data, corpus=["the cat is walking"], keep_ids=protected_ids(folder, len(data)))
    come = extend(gone.after, WORDS)
    surgery = Surgery(
        before=data,
        after=come.after,
        kept=tuple(gone.kept[old] if old >= 0 else -1 for old in come.kept),
        parts={new: tuple(gone.kept[old] for old in parts) for new, parts in come.parts.items()},
    )
    assert surgery.n_gone
    changed = change_vocabulary(folder, surgery, tmp_path / "new")
    assert (changed.n_rows_after, changed.n_spare_used) == (len(surgery.after), 0)
    old, new = (matrix(path, "transformer.wte.weight") for path in (folder, tmp_path / "new"))
    for number, parts in surgery.parts.items():
        assert np.allclose(new[number], old[list(parts)].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("stored", ["float32", "float16"])
def test_the_files_dtype_counts_not_the_configurations(make, tmp_path: Path, stored: str) -> None:
    folder = make("gpt2", dtype=getattr(torch, stored))
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**config, "dtype": "bfloat16"}), "utf-8")
    changed = change_vocabulary(folder, extend(read_tokenizer(folder), WORDS), tmp_path / "new")
    assert all(check.ok for check in changed.proof)


def test_weights_in_other_formats_are_left_out_and_told(make, tmp_path: Path) -> None:
    folder = make("bert")
    for name in ("coreml", "onnx", "original", "1_Pooling", ".cache"):
        (folder / name).mkdir()
        (folder / name / "config.json").write_text("{}", "utf-8")
    stale = ["consolidated.safetensors", "m.mlmodel", "m.pt", "m.pth", "m.tflite", "pytorch_model.bin"]
    stale += ["pytorch_model.bin.index.json", "rust_model.ot"]
    for name in stale:
        (folder / name).write_bytes(b"old")
    changed = change_vocabulary(folder, extend(read_tokenizer(folder), WORDS), tmp_path / "new")
    assert set(changed.left_out) == {*stale, "coreml/", "onnx/", "original/", "vocab.txt"}
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        *("1_Pooling", "README.md", "config.json", "growth.json", "model.safetensors"),
        *("tokenizer.json", "tokenizer_config.json"),
    }


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_and_shards(make, tmp_path: Path, dtype: str) -> None:
    folder = make("llama", dtype=getattr(torch, dtype), shard="20KB")
    assert (folder / "model.safetensors.index.json").is_file()
    surgery = extend(read_tokenizer(folder), WORDS)
    changed = change_vocabulary(folder, surgery, tmp_path / "new")
    assert set(changed.tensors) == {"model.embed_tokens.weight", "lm_head.weight"}
    index = json.loads((tmp_path / "new" / "model.safetensors.index.json").read_text("utf-8"))
    before = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
    grown = 2 * surgery.n_new * 16 * 2
    assert index["metadata"]["total_size"] == before["metadata"]["total_size"] + grown


def test_bfloat16_is_rounded_as_torch_does() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    want = torch.from_numpy(rows).to(torch.bfloat16)
    bits = np.frombuffer(encode(rows, "BF16"), "<u2").reshape(50, 7)
    assert np.array_equal(bits.view("<i2"), want.view(torch.int16).numpy())
    assert np.array_equal(decode(bits.view(np.uint8), "BF16"), want.float().numpy())


def test_pruning_and_growing_again(make, tmp_path: Path) -> None:
    folder = make("bert", spare=3)
    data = read_tokenizer(folder)
    small = prune(data, corpus=["the cat is walking 中国"], keep_ids=protected_ids(folder, len(data)))
    changed = change_vocabulary(folder, small, tmp_path / "small")
    assert changed.n_rows_after == len(small.after) < len(data)
    old, new = (
        matrix(path, "bert.embeddings.word_embeddings.weight") for path in (folder, tmp_path / "small")
    )
    assert new.tobytes() == old[list(small.kept)].tobytes()
    grown = merge(read_tokenizer(tmp_path / "small"), data)
    change_vocabulary(tmp_path / "small", grown, tmp_path / "grown")
    assert all(check.ok for check in verify(tmp_path / "grown", parent=tmp_path / "small"))


def test_ids_in_the_configuration_follow_pruning(make, tmp_path: Path) -> None:
    folder = make("gpt2")
    path = folder / "generation_config.json"
    given = {
        "bos_token_id": 200,
        "eos_token_id": [0, 300],
        "suppress_tokens": [201],
        "bad_words_ids": [[302], [303, 304]],
        "force_words_ids": [[[305]]],
        "forced_decoder_ids": [[1, None], [2, 306]],
        "sequence_bias": [[[307, 308], -0.5]],
    }
    path.write_text(json.dumps(given), "utf-8")
    data = read_tokenizer(folder)
    keep = protected_ids(folder, len(data))
    assert keep == {0, 200, 201, 300, *range(302, 309)}
    with pytest.raises(ArgumentError, match=r"which .* names, is gone"):
        change_vocabulary(folder, prune(data, corpus=["the"]), tmp_path / "bad")
    assert not (tmp_path / "bad").exists()
    small = prune(data, corpus=["the"], keep_ids=keep)
    change_vocabulary(folder, small, tmp_path / "new")
    ids = json.loads((tmp_path / "new" / "generation_config.json").read_text("utf-8"))
    assert small.after.tokens[ids["bos_token_id"]] == data.tokens[200]
    assert [small.after.tokens[number] for number in ids["eos_token_id"]] == [
        data.tokens[0],
        data.tokens[300],
    ]
    moved = {data.tokens.index(token): number for number, token in enumerate(small.after.tokens)}
    assert moved[302] != 302
    assert ids["bad_words_ids"] == [[moved[302]], [moved[303], moved[304]]]
    assert ids["force_words_ids"] == [[[moved[305]]]]
    assert ids["forced_decoder_ids"] == [[1, None], [2, moved[306]]]
    assert ids["sequence_bias"] == [[[moved[307], moved[308]], -0.5]]


def test_rows_from_vectors_and_from_a_model(make, tmp_path: Path) -> None:
    folder = make("bert")
    surgery = extend(read_tokenizer(folder), ["walker", "大学"])
    vectors = Vectors(["walk", "walker", "cat"], np.array([[1, 0], [1, 0.001], [-1, 0]], np.float32))
    change_vocabulary(folder, surgery, tmp_path / "new", start="vectors", source=vectors)
    name = "bert.embeddings.word_embeddings.weight"
    old, new = matrix(folder, name), matrix(tmp_path / "new", name)
    walker, walk = surgery.after.tokens.index("walker"), surgery.after.tokens.index("walk")
    assert np.allclose(new[walker], old[walk], atol=1e-6)
    daxue = surgery.after.tokens.index("大学")
    assert np.allclose(new[daxue], old[list(surgery.parts[daxue])].mean(axis=0), atol=1e-6)
    # A model that has the words: each takes a mixture of what is near it there.
    change_vocabulary(folder, surgery, tmp_path / "again", start="model", source=tmp_path / "new")
    again = matrix(tmp_path / "again", name)
    assert np.isfinite(again).all()
    assert np.dot(again[walker], old[walk]) > 0
    with pytest.raises(ArgumentError, match="needs a source"):
        change_vocabulary(folder, surgery, tmp_path / "x", start="vectors")
    with pytest.raises(ArgumentError, match="takes no source"):
        change_vocabulary(folder, surgery, tmp_path / "x", source=vectors)
    with pytest.raises(ArgumentError, match="start must be one of"):
        change_vocabulary(folder, surgery, tmp_path / "x", start="magic")  # type: ignore[arg-type]


def test_parts_that_do_not_fit_are_refused(make, tmp_path: Path) -> None:
    folder = make("bert")
    data = read_tokenizer(folder)
    surgery = extend(data, WORDS)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 50}), "utf-8")
    with pytest.raises(FormatError, match="vocab_size is 50"):
        change_vocabulary(folder, surgery, tmp_path / "new")
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    # More tokens than rows.
    (folder / "tokenizer.json").write_text(json.dumps(surgery.after.json), "utf-8")
    with pytest.raises(FormatError, match=r"tokens but .* rows: '中国' has none"):
        change_vocabulary(folder, extend(surgery.after, ["国人"]), tmp_path / "new")
    with pytest.raises(ArgumentError, match="another tokenizer"):
        change_vocabulary(folder, surgery, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_folders_that_are_none(make, tmp_path: Path) -> None:
    folder = make("bert")
    surgery = extend(read_tokenizer(folder), WORDS)
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match=r"model\.safetensors"):
        change_vocabulary(folder, surgery, tmp_path / "new")
    weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(FormatError, match="pickled weights"):
        change_vocabulary(folder, surgery, tmp_path / "new")
    (folder / "config.json").write_text("{", "utf-8")
    with pytest.raises(FormatError, match="configuration"):
        change_vocabulary(folder, surgery, tmp_path / "new")
    (folder / "config.json").unlink()
    with pytest.raises(FormatError, match=r"no config\.json"):
        change_vocabulary(folder, surgery, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_left_of_what_cannot_be_written(make, tmp_path: Path) -> None:
    folder = make("bert")
    surgery = extend(read_tokenizer(folder), WORDS)
    with pytest.raises(OutputError):
        change_vocabulary(folder, surgery, tmp_path / "none" / "new")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("x", "utf-8")
    with pytest.raises(OutputError, match="exists already"):
        change_vocabulary(folder, surgery, mine)
    with pytest.raises(OutputError, match=r"no growth\.json"):
        change_vocabulary(folder, surgery, mine, force=True)
    change_vocabulary(folder, surgery, tmp_path / "new")
    change_vocabulary(folder, surgery, tmp_path / "new", force=True)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"bert", "mine", "new"}
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(OutputError):
            change_vocabulary(folder, surgery, tmp_path / "locked")
        tmp_path.chmod(0o700)


def test_verify_finds_each_kind_of_damage(make, tmp_path: Path) -> None:
    folder = make("gpt2")
    new = tmp_path / "new"
    change_vocabulary(folder, extend(read_tokenizer(folder), WORDS), new)

    def broken() -> set[str]:
        return {check.name for check in verify(new, parent=folder) if not check.ok}

    assert broken() == set()
    checkpoint = Checkpoint(new)
    begin = checkpoint._maps["model.safetensors"][1]
    weights = (new / "model.safetensors").read_bytes()
    for name, want in (
        ("transformer.wte.weight", {"old rows", "parent"}),
        ("transformer.wpe.weight", {"other tensors"}),
    ):
        damaged = bytearray(weights)
        damaged[begin + checkpoint.tensors[name].begin] ^= 1
        (new / "model.safetensors").write_bytes(bytes(damaged))
        assert broken() == want
    damaged = bytearray(weights)
    end = begin + checkpoint.tensors["transformer.wte.weight"].end
    damaged[end - 4 : end] = np.float32(np.nan).tobytes()
    (new / "model.safetensors").write_bytes(bytes(damaged))
    assert "finite rows" in broken()
    (new / "model.safetensors").write_bytes(weights)
    for file, change, want_name in (
        ("config.json", {"vocab_size": 99}, "vocab_size"),
        ("config.json", {"bos_token_id": 99_999}, "special ids"),
        ("config.json", {"bos_token_id": 3}, "special ids"),
        ("tokenizer.json", {"version": "2.0"}, "tokenizer file"),
    ):
        text = (new / file).read_text("utf-8")
        (new / file).write_text(json.dumps({**json.loads(text), **change}), "utf-8")
        assert want_name in broken()
        (new / file).write_text(text, "utf-8")
    (new / "growth.json").write_text("{}", "utf-8")
    with pytest.raises(FormatError, match="not a record"):
        verify(new)
