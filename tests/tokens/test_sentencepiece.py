"""SentencePiece models: the file's reader, the core's encoder beside plain twins and the sentencepiece package."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings

from qianru.errors import FormatError
from qianru.sample import sample_lines
from qianru.tokens import Tokenizer
from qianru.tokens.sentencepiece_file import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    SentencePieceFile,
    parse_sentencepiece,
    write_sentencepiece,
)

_spec = importlib.util.spec_from_file_location("pieces", Path(__file__).with_name("pieces.py"))
assert _spec is not None
assert _spec.loader is not None
pieces = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pieces)

LINES = [*sample_lines("en", n_bytes=15_000), *sample_lines("zh", n_bytes=15_000)]


def made(kind: int, *, byte_fallback: bool, **options: bool) -> SentencePieceFile:
    letters = sorted({char for line in [*LINES, "▁"] for char in line if not char.isspace()})
    parts = pieces.some_substrings(LINES, 500, 3, 6)
    names = [*letters, *parts, *(f"▁{part}" for part in parts[::2])]
    names = [name for name in dict.fromkeys(names) if name not in ("<unk>", "<s>", "</s>")]
    control = ["<unk>", "<s>", "</s>"]
    raw = [f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else []
    return SentencePieceFile(
        [*control, *raw, *names],
        [0.0] * (3 + len(raw)) + [-float(i) / 16 - i % 5 for i in range(len(names))],
        [UNKNOWN, CONTROL, CONTROL, *[BYTE] * len(raw), *[NORMAL] * len(names)],
        kind=kind,
        byte_fallback=byte_fallback,
        **options,
    )


MODELS = {
    "unigram": made(UNIGRAM, byte_fallback=False),
    "unigram-bytes": made(UNIGRAM, byte_fallback=True, add_dummy_prefix=False),
    "bpe": made(BPE, byte_fallback=True),
    "bpe-spaces": made(BPE, byte_fallback=True, remove_extra_whitespaces=False),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_file_comes_back(name: str, tmp_path: Path) -> None:
    data = write_sentencepiece(MODELS[name])
    assert write_sentencepiece(parse_sentencepiece(data)) == data
    path = tmp_path / "tokenizer.model"
    path.write_bytes(data)
    tokenizer = Tokenizer.load(path)
    assert tokenizer.engine == "core"
    assert tokenizer.notes
    for line in [*LINES[::20], "a  b", "", "é 中文 x"]:
        one = tokenizer.encode(line)
        assert one.ids.tolist() == tokenizer.encode_batch([line])[0].tolist()
        assert all(0 <= a <= b <= len(line) for a, b in one.offsets.tolist())
    tokenizer.save(tmp_path / "saved")
    assert Tokenizer.load(tmp_path / "saved").encode("the king").ids.tolist() == (
        tokenizer.encode("the king").ids.tolist()
    )


def test_bpe_is_the_plain_one() -> None:
    model = MODELS["bpe"]
    scores = {p: s for p, s, t in zip(model.pieces, model.scores, model.types, strict=True) if t == NORMAL}
    encoder = model.encoder()
    for line in LINES[::20]:
        text = "▁" + "▁".join(line.split())
        expected = [model.pieces.index(piece) for piece in pieces.merge_by_score(text, scores)]
        assert encoder.encode(line.encode())[0].tolist() == expected


def test_long_texts_take_no_long_time() -> None:
    for model in MODELS.values():
        encoder = model.encoder()
        for text in ("a" * 300_000, "中" * 100_000):
            assert len(encoder.encode(text.encode())[0]) > 1000


@pytest.mark.parametrize("size", [1, 5, 60, 400, 3000])
def test_a_file_cut_short_is_an_error(size: int, tmp_path: Path) -> None:
    path = tmp_path / "x.model"
    path.write_bytes(write_sentencepiece(MODELS["bpe"])[:size])
    with pytest.raises(FormatError, match=r"x\.model"):
        Tokenizer.load(path)


@settings(max_examples=300, deadline=None)
@given(pieces.st.binary(max_size=200))
def test_any_bytes_are_a_model_or_an_error(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        parse_sentencepiece(data, path="x.model")


def check(data: bytes, texts: list[str]) -> None:
    package = pytest.importorskip("sentencepiece").SentencePieceProcessor(model_proto=data)
    encoder = parse_sentencepiece(data).encoder()
    ids, splits = encoder.encode_batch([text.encode() for text in texts], 2)
    for i, text in enumerate(texts):
        assert ids[splits[i] : splits[i + 1]].tolist() == package.encode(text), text


@pytest.mark.parametrize("name", MODELS)
def test_ids_are_those_of_the_package(name: str) -> None:
    check(write_sentencepiece(MODELS[name]), [*LINES[::10], "", " ", "  a  b ", "中" * 5000])


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=150, deadline=None)
@given(pieces.texts)
def test_ids_are_those_of_the_package_on_any_text(name: str, text: str) -> None:
    if "\0" not in text:
        check(write_sentencepiece(MODELS[name]), [text])
