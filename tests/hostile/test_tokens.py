"""Tokenizer files that were cut, edited or forged: one FormatError that names file and entry, never a crash."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.errors import FormatError, QianruError
from qianru.tokens import Tokenizer
from qianru.tokens.core_engine import told_as_format_error
from qianru.tokens.pipelines import BYTE_CHARACTERS, bert, byte_level, special_token

BERT = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b"])}
BYTES = {char: i for i, char in enumerate(BYTE_CHARACTERS)}
GOOD = {
    "bert": bert(BERT, lowercase=True),
    "bpe": byte_level(
        {**BYTES, "ab": 256, "abc": 257, "<s>": 258}, ["a b", "ab c"], "gpt2", special=[("<s>", 258)]
    ),
    "unigram": {
        "added_tokens": [special_token("<unk>", 0)],
        "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.5], ["老", -2.0]]},
    },
    "words": {"model": {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"a": 0, "[UNK]": 1}}},
}


def edited(kind: str, change: Callable[[dict], object]) -> dict:
    description = copy.deepcopy(GOOD[kind])
    change(description)
    return description


def write(folder: Path, description: object) -> Path:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(description), "utf-8")
    return path


@pytest.mark.parametrize("kind", GOOD)
def test_they_are_good_before(kind: str, tmp_path: Path) -> None:
    assert Tokenizer.load(write(tmp_path, GOOD[kind])).encode("a").ids.size


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("bert", lambda d: d.pop("model"), r"must be from 0 up|no object 'model'"),
        ("bert", lambda d: d.update(model=[]), "no object 'model'"),
        ("bert", lambda d: d["model"].update(type="Wordpiece"), "model.type must be one of"),
        ("bert", lambda d: d["model"].update(vocab={}), "not empty"),
        ("bert", lambda d: d["model"]["vocab"].update(x=2**31), "the id of 'x' must be from 0 up"),
        ("bert", lambda d: d["model"]["vocab"].update(x=-1), "the id of 'x' must be"),
        ("bert", lambda d: d["model"]["vocab"].update(x=True), "the id of 'x' must be"),
        ("bert", lambda d: d["model"]["vocab"].update(x=6.0), "the id of 'x' must be"),
        ("bert", lambda d: d["model"]["vocab"].update(x=5), "the id 5 belongs to '##b' and to 'x'"),
        (
            "bert",
            lambda d: d["model"]["vocab"].update(x=9),
            "no token has the id 6, though there are ids up to 9",
        ),
        ("bert", lambda d: d["model"]["vocab"].pop("a"), "no token has the id 4"),
        ("bert", lambda d: d["model"].update(unk_token="[unk]"), r"model.unk_token is '\[unk\]'"),
        ("bert", lambda d: d["added_tokens"].append({"id": 6}), "added_tokens, entry 4"),
        ("bert", lambda d: d["added_tokens"].append(7), "added_tokens, entry 4"),
        ("bert", lambda d: d.update(added_tokens=3), "added_tokens must be an array"),
        (
            "bert",
            lambda d: d["added_tokens"].append(special_token("a", 6)),
            "'a' has id 6, model.vocab gives it 4",
        ),
        ("bert", lambda d: d["added_tokens"].append(d["added_tokens"][0]), r"'\[PAD\]' stands there twice"),
        ("bert", lambda d: d["added_tokens"].append(special_token("x", 5)), "the id 5 belongs to"),
        (
            "bert",
            lambda d: d["post_processor"]["special_tokens"]["[CLS]"].update(ids=[3]),
            r"post_processor: '\[CLS\]' has id 3, the vocabulary gives it 2",
        ),
        (
            "bert",
            lambda d: d["post_processor"]["special_tokens"].pop("[CLS]"),
            r"post_processor: '\[CLS\]' is not among its special_tokens",
        ),
        ("bert", lambda d: d["model"]["vocab"].update({"\ud800": 6}), r"a lone surrogate \(U\+D800\)"),
        ("bert", lambda d: d.update(normalizer={"type": "None such"}), "the tokenizers package refuses it"),
        ("bpe", lambda d: d["model"]["merges"].append("a"), "model.merges, entry 2: must be two tokens"),
        ("bpe", lambda d: d["model"]["merges"].append(["a", 1]), "model.merges, entry 2: must be two tokens"),
        ("bpe", lambda d: d["model"]["merges"].append("a c"), r"entry 2 \('a' \+ 'c'\): 'ac' is not in"),
        ("bpe", lambda d: d["model"]["merges"].append("老 c"), "'老' is not in model.vocab"),
        ("bpe", lambda d: d["model"].update(merges={}), "model.merges must be an array"),
        ("bpe", lambda d: d["model"].update(unk_token="<unk>"), "model.unk_token is '<unk>'"),
        ("unigram", lambda d: d["model"]["vocab"].append(["a", -3.0]), "entry 3: 'a' stands already at 1"),
        ("unigram", lambda d: d["model"]["vocab"].append(["b"]), r"entry 3: must be \[piece, score\]"),
        ("unigram", lambda d: d["model"]["vocab"].append(["b", "c"]), "the score of 'b' must be a number"),
        ("unigram", lambda d: d["model"]["vocab"].append(["b", float("nan")]), "the score of 'b'"),
        ("unigram", lambda d: d["model"].update(unk_id=3), "model.unk_id must be from 0 to 2, got 3"),
        ("unigram", lambda d: d["model"].update(unk_id=-1), "model.unk_id must be from 0 to 2"),
        ("unigram", lambda d: d["model"].update(vocab=[]), "model.vocab is empty"),
        (
            "words",
            lambda d: d["model"]["vocab"].pop("[UNK]"),
            r"model.unk_token is '\[UNK\]', which is not in",
        ),
    ],
)
def test_contradictions(kind: str, change: Callable[[dict], object], message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        Tokenizer.load(write(tmp_path, edited(kind, change)))
    assert "tokenizer.json" in str(caught.value)


@pytest.mark.parametrize("kind", GOOD)
def test_every_truncation_is_an_error(kind: str, tmp_path: Path) -> None:
    data = json.dumps(GOOD[kind], ensure_ascii=False).encode()
    path = tmp_path / "tokenizer.json"
    for size in [*range(min(300, len(data))), *range(300, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(FormatError, match=r"tokenizer\.json"):
            Tokenizer.load(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b'{"model":' * 50_000,
        b"\xff\xfe{}",
        b"{}",
        b'{"x": 1}',
        b'{"model": {"vocab": {"a": 0, "a": 1}}}',
        b'{"model": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_tokenizer(data: bytes, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt", "vocab.json", "x.tiktoken"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FormatError, match=name.replace(".", r"\.")):
            Tokenizer.load(tmp_path / name)


def test_what_cannot_be_encoded_is_one_error() -> None:
    """No checked vocabulary gets there; what the core or the package still refuses must not be a bare exception."""
    with (
        pytest.raises(FormatError, match="the vocabulary cannot encode this text: no piece"),
        told_as_format_error(),
    ):
        raise ValueError("no piece")
    with pytest.raises(MemoryError), told_as_format_error():
        raise MemoryError


def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "WordLevel", "vocab": {"a": 0, "a": 1}}}')
    with pytest.raises(FormatError, match="the name 'a' stands twice"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[PAD]\n[CLS]\n", r"no token \[UNK\]"),
        ("[UNK]\na\nb\na\n", "line 4: the token 'a' stands already in line 2"),
        ("[UNK]\n\nb\n", "line 2 is empty"),
    ],
)
def test_vocab_txt(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text(text)
    with pytest.raises(FormatError, match=message):
        Tokenizer.load(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\n\xff\xff\n")
    with pytest.raises(FormatError, match=r"vocab\.txt, byte 6: not valid UTF-8"):
        Tokenizer.load(tmp_path)


def test_vocab_json_and_merges(tmp_path: Path) -> None:
    def load(vocab: object, merges: str) -> Tokenizer:
        (tmp_path / "vocab.json").write_text(json.dumps(vocab))
        (tmp_path / "merges.txt").write_text(merges)
        return Tokenizer.load(tmp_path)

    whole = {**BYTES, "ab": 256}
    assert load(whole, "#version: 0.2\na b\n").encode("ab").ids.tolist() == [256]
    for vocab, merges, message in (
        (whole, "#version: 0.2\na b\na c\n", r"merges\.txt: line 3: 'ac' is not in the vocabulary"),
        (whole, "#version: 0.2\na b c\n", "line 2: must be two tokens"),
        (whole, "#version: 0.2\n\na b\n", "line 2: must be two tokens"),
        ({**whole, "x y": 258}, "a b\n", "no token has the id 257"),
        ({**whole, "x y": 255}, "a b\n", "the id 255 belongs to"),
        ({**whole, "x y": "1"}, "a b\n", "the id of 'x y' must be"),
        ({"a": 0, "b": 1, "ab": 2}, "a b\n", "254 of the 256 bytes have no token"),
    ):
        with pytest.raises(FormatError, match=message):
            load(vocab, merges)
    (tmp_path / "vocab.json").write_text(json.dumps(whole))
    (tmp_path / "merges.txt").write_bytes(b"\xff \xff\n")
    with pytest.raises(FormatError, match=r"merges\.txt, byte 0: not valid UTF-8"):
        Tokenizer.load(tmp_path)
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(FormatError, match=r"no merges\.txt beside it"):
        Tokenizer.load(tmp_path)


def test_ranks(tmp_path: Path) -> None:
    lines = [f"{base64.b64encode(bytes([i])).decode()} {i}" for i in range(256)]
    path = tmp_path / "made.tiktoken"

    def load(*more: str) -> Tokenizer:
        path.write_text("\n".join([*lines, *more]) + "\n")
        return Tokenizer.load(path, pattern="gpt2")

    assert load("YWI= 256").encode("ab").ids.tolist() == [256]
    for more, message in (
        ("YWI= 257", "no token has the rank 256"),
        ("YWI= 255", "line 257: the rank 255 stands already in line 256"),
        ("YQ== 256", "line 257: the token b'a' has the rank 97 already"),
        ("YW 256", "line 257: must be base64"),
        ("YWI=", "line 257: must be base64"),
        ("YWI= 99999999999", "line 257: must be base64"),
        ("YWI= 2x", "line 257: must be base64"),
    ):
        with pytest.raises(FormatError, match=message):
            load(more)
    path.write_text("\n".join(lines[:-1]))
    with pytest.raises(FormatError, match="the byte 0xff has no token"):
        Tokenizer.load(path, pattern="gpt2")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("kind", GOOD)
def test_flipped_bytes_are_an_error_or_a_tokenizer(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    broken = bytearray(json.dumps(GOOD[kind], ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(
            st.sampled_from(b'09aZ{}[]",: \\\x00\xff\x80-')
        )
    path = tmp_path / "tokenizer.json"
    path.write_bytes(broken)
    try:
        tokenizer = Tokenizer.load(path)
        tokenizer.encode("ab 老c")
        tokenizer.encode_batch(["ab 老c"])
        tokenizer.fingerprint  # noqa: B018
    except QianruError:
        pass


def test_where_the_package_panics_there_is_an_error_like_any_other(tmp_path: Path) -> None:
    """The decoder takes a space away behind a text that has none."""
    description = {
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Strip", "content": " ", "start": 0, "stop": 1},
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, " ": 1}, "unk_token": "[UNK]"},
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(description), encoding="utf-8")
    made = Tokenizer.load(tmp_path)
    assert made.decode([0]) == "[UNK]"
    description["decoder"] = {
        "type": "Sequence",
        "decoders": [
            {"type": "Replace", "pattern": {"String": " "}, "content": ""},
            {"type": "Strip", "content": " ", "start": 1, "stop": 1},
        ],
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(description), encoding="utf-8")
    made = Tokenizer.load(tmp_path)
    with pytest.raises(FormatError, match="decoder cannot decode"):
        made.decode([1])


def test_a_damaged_table_of_characters_in_a_sentencepiece_model(tmp_path: Path) -> None:
    """The package panics at it while it opens the file."""
    file = tmp_path / "m.model"
    file.write_bytes(base64.b64decode("Cg4KBTx1bms+FQAAAAAYAuICBSDigYcgGgoKABICCgAgASgB"))
    with pytest.raises(FormatError, match="refuses it"):
        Tokenizer.load(file)
