"""SentencePiece models as tokenizers: the ids are sentencepiece's own, places and special tokens are right."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Package

from qianru.errors import FormatError
from qianru.tokens import Tokenizer
from qianru.tokens.sentencepiece_file import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    SentencePieceFile,
    write_sentencepiece,
)

DATA = Path(os.environ.get("QIANRU_DATA", Path(__file__).parents[2] / "../shared/data"))
WORDS = ["▁老虎", "▁ab", "老虎", "ab", "▁a", "▁<", "▁", "a", "b", "老", "虎", "<", "s", ">"]
TEXTS = st.text(
    st.one_of(st.sampled_from("ab 老虎<s>\u2581\n🙂"), st.characters(exclude_categories=["Cs"])), max_size=30
)


def model(kind: int, *, byte_fallback: bool = True) -> SentencePieceFile:
    pieces = ["<unk>", "<s>", "</s>"]
    types = [UNKNOWN, CONTROL, CONTROL]
    if byte_fallback:
        pieces += [f"<0x{byte:02X}>" for byte in range(256)]
        types += [BYTE] * 256
    scores = [0.0] * len(pieces) + [-1.5 * i - 1 for i in range(len(WORDS))]
    return SentencePieceFile(
        [*pieces, *WORDS], scores, [*types, *[NORMAL] * len(WORDS)], kind=kind, byte_fallback=byte_fallback
    )


@pytest.mark.parametrize("kind", [BPE, UNIGRAM])
def test_a_model_opens(kind: int, tmp_path: Path) -> None:
    (tmp_path / "any name.model").write_bytes(write_sentencepiece(model(kind)))
    for path in (tmp_path, tmp_path / "any name.model"):
        tokenizer = Tokenizer.load(path)
        assert tokenizer.engine == "core"
        assert tokenizer.special_tokens == {"<unk>": 0, "<s>": 1, "</s>": 2}
        assert tokenizer.unknown_id == 0
        found = tokenizer.encode("ab 老虎 <s>🙂", byte_offsets=True)
        assert found.tokens[:2] == ["▁ab", "▁老虎"]
        assert 1 not in found.ids
        assert "<0xF0>" in found.tokens
        assert found.offsets[:2].tolist() == [[0, 2], [2, 9]]
        assert found.word_ids[:3].tolist() == [0, 1, 2]
        assert tokenizer.encode("ab<s>", allow_special=True).tokens == ["▁ab", "<s>"]
        assert tokenizer.decode(found.ids) == "ab 老虎 <s>🙂"
        ids, offsets = tokenizer.encode_offsets(["ab", ""])
        assert (ids.splits.tolist(), offsets.tolist()) == ([0, 1, 1], [[0, 2]])


@pytest.mark.parametrize("kind", [BPE, UNIGRAM])
@pytest.mark.parametrize("byte_fallback", [False, True])
@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_it_says_what_sentencepiece_says(kind: int, byte_fallback: bool, text: str) -> None:
    package = pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")
    key = kind, byte_fallback
    if key not in _OPENED:
        data = write_sentencepiece(model(kind, byte_fallback=byte_fallback))
        original = package.SentencePieceProcessor()
        original.LoadFromSerializedProto(data)
        _OPENED[key] = original, _loaded(data)
    original, tokenizer = _OPENED[key]
    found = tokenizer.encode(text)
    assert found.ids.tolist() == original.encode(text)
    np.testing.assert_array_equal(tokenizer.encode_batch([text])[0], found.ids)
    assert (found.offsets >= 0).all()
    assert (found.offsets <= len(text)).all()
    assert (np.diff(found.offsets[:, 1]) >= 0).all()


_OPENED: dict[tuple[int, bool], tuple[object, Tokenizer]] = {}


def _loaded(data: bytes) -> Tokenizer:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.model").write_bytes(data)
        return Tokenizer.load(folder)


def test_saved_as_json(tmp_path: Path) -> None:
    (tmp_path / "x.model").write_bytes(write_sentencepiece(model(BPE)))
    tokenizer = Tokenizer.load(tmp_path / "x.model")
    tokenizer.save(tmp_path / "made")
    again = Tokenizer.load(tmp_path / "made")
    assert again.vocab == tokenizer.vocab
    for text in ("ab 老虎", "<s>", "a  b", "🙂"):
        assert again.encode(text).ids.tolist() == tokenizer.encode(text).ids.tolist()


def test_a_piece_that_is_there_twice(tmp_path: Path) -> None:
    twice = model(UNIGRAM)
    twice.pieces[-1] = "a"
    (tmp_path / "x.model").write_bytes(write_sentencepiece(twice))
    with pytest.raises(FormatError, match=r"x\.model: piece \d+: 'a' stands already at 266"):
        Tokenizer.load(tmp_path)


def test_every_truncation_is_an_error(tmp_path: Path) -> None:
    data = write_sentencepiece(model(UNIGRAM, byte_fallback=False))
    path = tmp_path / "x.model"
    whole = Tokenizer.load(_write(path, data))
    for size in range(len(data)):
        # A file cut between two fields is a smaller model.
        with contextlib.suppress(FormatError):
            assert Tokenizer.load(_write(path, data[:size])).n_tokens <= whole.n_tokens


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["llama2/tokenizer.model", "sentencepiece/test_ja_model.model", "sentencepiece/test_model.model"]
)
def test_real_models_on_real_text(name: str) -> None:
    package = pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")
    path, text = DATA / "models/tokenizers" / name, DATA / "eval/bi/tatoeba/en-zh-22k.tsv"
    if not path.is_file() or not text.is_file():
        pytest.skip(f"no {path}: set QIANRU_DATA")
    original, tokenizer = package.SentencePieceProcessor(str(path)), Tokenizer.load(path)
    texts = [cell for line in text.read_text("utf-8").splitlines() for cell in line.split("\t")]
    texts += list(tokenizer.vocab)
    found = tokenizer.encode_batch(texts)
    for i, ids in enumerate(original.encode(texts)):
        assert found[i].tolist() == ids, texts[i]

    @settings(max_examples=500, deadline=None)
    @given(text=TEXTS)
    def any_text(text: str) -> None:
        assert tokenizer.encode(text).ids.tolist() == original.encode(text)

    any_text()


CONFIGS: list[tuple[dict[str, object], list[str], list[str]]] = [
    ({}, [], []),
    ({"tokenizer_class": "T5TokenizerFast"}, [], ["</s>"]),
    ({"tokenizer_class": "LlamaTokenizer"}, ["<s>"], []),
    ({"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "add_eos_token": True}, [], ["</s>"]),
    ({"add_bos_token": True, "add_eos_token": True}, ["<s>"], ["</s>"]),
    ({"add_eos_token": True, "eos_token": {"content": "<s>"}, "add_bos_token": None}, [], ["<s>"]),
]


@pytest.mark.parametrize(("config", "before", "behind"), CONFIGS)
@pytest.mark.parametrize("kind", [BPE, UNIGRAM])
def test_a_config_beside_a_model_says_what_stands_around_texts(
    kind: int, config: dict[str, object], before: list[str], behind: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tokenizer.model").write_bytes(write_sentencepiece(model(kind)))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.load(tmp_path)
    bare = tokenizer.encode("ab 老虎", add_special_tokens=False)
    found = tokenizer.encode("ab 老虎")
    assert found.tokens == [*before, *bare.tokens, *behind]
    assert found.special_tokens_mask.tolist() == [True] * len(before) + [False] * len(bare) + [True] * len(
        behind
    )
    assert tokenizer.encode_batch(["ab 老虎"])[0].tolist() == found.ids.tolist()
    tokenizer.save(tmp_path / "saved")
    assert Tokenizer.load(tmp_path / "saved").encode("ab").tokens == [*before, "▁ab", *behind]
    package = Package.from_file(str(tmp_path / "saved" / "tokenizer.json"))
    assert package.encode("ab", "ab").tokens == [*before, "▁ab", *behind, *before, "▁ab", *behind]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"add_bos_token": 1}, "add_bos_token must be true or false, got 1"),
        (
            {"add_eos_token": True, "eos_token": "<end>"},
            "the eos_token '<end>', which is no piece of the model",
        ),
    ],
)
def test_a_config_that_asks_for_what_cannot_be(
    config: dict[str, object], message: str, tmp_path: Path
) -> None:
    (tmp_path / "tokenizer.model").write_bytes(write_sentencepiece(model(BPE)))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(FormatError, match=message) as caught:
        Tokenizer.load(tmp_path)
    assert "tokenizer_config.json" in str(caught.value)
