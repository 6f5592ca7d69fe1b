"""`Tokenizer`: places in the text, special tokens, batches, streams, saving; for every kind that is trained."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Package

from qianru._core import LINE_END
from qianru.errors import ArgumentError, FormatError, OutputError, UnknownWordError
from qianru.text import Corpus
from qianru.tokens import Tokenizer

KINDS = ("bpe", "character", "word", "bytes")
# Emoji, joiners, jamo, combining marks, NUL and other controls among ordinary characters.
TEXTS = st.text(
    st.one_of(
        st.sampled_from("a bcthe 老虎在睡觉，。\n\t\0\r\u200d🙂👩🏽\u0301\u1100\u1161\ufeff\u2028<s>[PAD]"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXTS, max_size=4))
def test_a_batch_says_what_single_texts_say(
    kind: str, tokenizers: dict[str, Tokenizer], texts: list[str]
) -> None:
    tokenizer = tokenizers[kind]
    batch = tokenizer.encode_batch(texts)
    assert batch.splits[0] == 0
    assert len(batch) == len(texts)
    ids, offsets = tokenizer.encode_offsets(texts)
    for i, text in enumerate(texts):
        found = tokenizer.encode(text)
        np.testing.assert_array_equal(batch[i], found.ids)
        np.testing.assert_array_equal(ids[i], found.ids)
        np.testing.assert_array_equal(offsets[ids.splits[i] : ids.splits[i + 1]], found.offsets)
        assert [tokenizer.token_of(token_id) for token_id in found.ids.tolist()] == found.tokens
        assert found.ids.dtype == np.uint32
        assert found.offsets.shape == (len(found), 2)
        in_bytes = tokenizer.encode(text, byte_offsets=True).offsets
        for (begin, end), (first, last) in zip(found.offsets, in_bytes, strict=True):
            assert text[begin:end].encode() == text.encode()[first:last]


@pytest.mark.parametrize("kind", ["bpe", "bytes"])
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_bytes_come_back(kind: str, tokenizers: dict[str, Tokenizer], text: str) -> None:
    import unicodedata

    found = tokenizers[kind].encode(text)
    assert tokenizers[kind].decode(found.ids) == unicodedata.normalize("NFC", text)


def test_special_tokens_in_text_are_text(tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers["bpe"]
    assert tokenizer.special_tokens == {"<s>": 0, "[PAD]": 1}
    assert tokenizer.encode("a<s>b").tokens == ["a", "<", "s", ">", "b"]
    assert tokenizer.encode("a<s>b", allow_special=True).tokens == ["a", "<s>", "b"]
    assert tokenizer.encode_batch(["<s>"], allow_special=True)[0].tolist() == [0]
    assert 0 not in tokenizer.encode_batch(["<s>"])[0]
    assert tokenizer.decode([0, tokenizer.id_of("a")]) == "a"
    assert tokenizer.decode([0, tokenizer.id_of("a")], skip_special=False) == "<s>a"


def test_truncation_is_told(tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers["bpe"]
    whole = tokenizer.encode("the tiger sleeps in the forest")
    assert whole.n_truncated == 0
    cut = tokenizer.encode("the tiger sleeps in the forest", max_tokens=3)
    assert cut.tokens == whole.tokens[:3]
    assert cut.n_truncated == len(whole) - 3
    assert tokenizer.encode("a", max_tokens=3).n_truncated == 0
    with pytest.raises(ArgumentError, match="max_tokens must be above 0"):
        tokenizer.encode("a", max_tokens=0)


def test_a_batch_is_a_sequence_of_views(tokenizers: dict[str, Tokenizer], lines: list[str]) -> None:
    batch = tokenizers["bpe"].encode_batch(lines[:10])
    assert np.shares_memory(batch[3], batch.ids)
    np.testing.assert_array_equal(batch[-1], batch[9])
    part = batch[2:5]
    assert [one.tolist() for one in part] == [batch[i].tolist() for i in (2, 3, 4)]
    assert len(batch[5:2]) == 0
    with pytest.raises(IndexError):
        batch[10]
    with pytest.raises(ArgumentError, match="no step"):
        batch[::2]
    empty = tokenizers["bpe"].encode_batch([])
    assert (len(empty), empty.ids.dtype) == (0, np.uint32)


def test_lone_surrogates_are_refused(tokenizers: dict[str, Tokenizer]) -> None:
    for call in (tokenizers["bpe"].encode, tokenizers["bpe"].id_of):
        with pytest.raises(ArgumentError, match=r"lone surrogate \(U\+DC80\) at character 1"):
            call("a\udc80")
    with pytest.raises(ArgumentError, match=r"texts\[1\] holds a lone surrogate"):
        tokenizers["bpe"].encode_batch(["a", "\ud800"])
    with pytest.raises(ArgumentError, match=r"texts\[0\] must be a str, got bytes"):
        tokenizers["bpe"].encode_batch([b"a"])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="sequence of texts"):
        tokenizers["bpe"].encode_batch("text")


def test_the_vocabulary(tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers["word"]
    vocab = tokenizer.vocab
    assert list(vocab.values()) == list(range(tokenizer.n_tokens)) == list(range(400))
    assert all(tokenizer.id_of(token) == token_id for token, token_id in vocab.items())
    assert tokenizer.unknown_id == vocab["[UNK]"]
    assert "the" in tokenizer
    assert "no such token" not in tokenizer
    with pytest.raises(UnknownWordError, match="no such token"):
        tokenizer.id_of("no such token")
    with pytest.raises(ArgumentError, match="from 0 to 399"):
        tokenizer.token_of(400)
    for wrong in ([400], [-1], [1.5]):
        with pytest.raises(ArgumentError, match="from 0 to 399"):
            tokenizer.decode(wrong)
    assert tokenizers["bytes"].unknown_id is None


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_opened_again(kind: str, tokenizers: dict[str, Tokenizer], tmp_path: Path) -> None:
    tokenizer = tokenizers[kind]
    tokenizer.save(tmp_path / "made")
    again = Tokenizer.load(tmp_path / "made")
    assert again.fingerprint == tokenizer.fingerprint
    assert Tokenizer(tokenizer.description).fingerprint == tokenizer.fingerprint
    assert json.loads((tmp_path / "made/tokenizer_config.json").read_text())["tokenizer_class"] == (
        "PreTrainedTokenizerFast"
    )
    again.save(tmp_path / "again")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "made" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        tokenizer.save(tmp_path / "made")
    (tmp_path / "made/notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"other files: notes\.txt"):
        tokenizer.save(tmp_path / "made", force=True)
    assert sorted(os.listdir(tmp_path)) == ["again", "made"]


def test_the_package_opens_what_is_saved(
    tokenizers: dict[str, Tokenizer], tmp_path: Path, lines: list[str]
) -> None:
    for kind, tokenizer in tokenizers.items():
        tokenizer.save(tmp_path / kind)
        package = Package.from_file(str(tmp_path / kind / "tokenizer.json"))
        for line in lines[::40]:
            assert package.encode(line).ids == tokenizer.encode(line).ids.tolist()


def test_a_corpus_becomes_a_stream(
    tokenizers: dict[str, Tokenizer], tmp_path: Path, lines: list[str]
) -> None:
    tokenizer = tokenizers["bpe"]
    (tmp_path / "text.txt").write_text("\n\n".join(lines), "utf-8")
    seen = []
    stream = tokenizer.encode_files(
        Corpus(tmp_path / "text.txt"), tmp_path / "ids.npy", progress=lambda report: seen.append(report.done)
    )
    expected = [token_id for line in lines for token_id in [*tokenizer.encode(line).ids.tolist(), LINE_END]]
    assert stream.tolist() == expected
    assert isinstance(stream, np.memmap)
    assert seen[-1] == 1
    np.testing.assert_array_equal(np.load(tmp_path / "ids.npy"), expected)
    bare = tokenizer.encode_files(Corpus(lines), tmp_path / "bare.npy", line_end=None)
    assert bare.tolist() == [token_id for token_id in expected if token_id != LINE_END]
    with pytest.raises(OutputError, match="exists already"):
        tokenizer.encode_files(Corpus(lines), tmp_path / "ids.npy")
    with pytest.raises(ArgumentError, match="line_end must be no token's id"):
        tokenizer.encode_files(Corpus(lines), tmp_path / "x.npy", line_end=5)
    assert tokenizer.encode_files(Corpus(["", ""]), tmp_path / "empty.npy").shape == (0,)
    assert np.load(tmp_path / "empty.npy").shape == (0,)


@pytest.mark.parametrize("kind", ["bpe", "word", "character"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_the_ids_of_a_file_are_those_of_its_lines(
    kind: str, lowercase: bool, tmp_path: Path, lines: list[str]
) -> None:
    """Several blocks and threads; text in NFC, and lines of words, which nobody has brought into it."""
    tokenizer = Tokenizer.train(Corpus(lines, lowercase=lowercase), kind=kind, vocab_size=700)
    odd = ["cafe\u0301 Ångström A\u030a", "\u1112\u1161\u11ab ΟΔΟΣ İ", "", "\u0301", "e\u0301\r", "ÉCOLE é"]
    text = [*lines, *odd] * 40 + odd
    for i, corpus in enumerate([text, [line.split() for line in text]]):
        read = [*Corpus(corpus).lines()]
        expected = [ids.tolist() for ids in tokenizer.encode_batch(read, add_special_tokens=False)]
        for threads in (1, 3):
            found = tokenizer.encode_files(
                Corpus(corpus), tmp_path / f"{i}{threads}.npy", threads=threads, line_end=LINE_END
            )
            assert found.tolist() == [token_id for ids in expected if ids for token_id in [*ids, LINE_END]]
    with pytest.raises(ArgumentError, match="threads must be a whole number of at least 1, got 0"):
        tokenizer.encode_files(Corpus(lines), tmp_path / "none.npy", threads=0)


def test_a_path_is_no_corpus(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train(Corpus(["a cat and a dog"] * 5), kind="character", vocab_size=50)
    with pytest.raises(ArgumentError, match=r"corpus must be a Corpus, got str.*\n?.*Corpus\(path\)"):
        tokenizer.encode_files("text.txt", tmp_path / "ids.npy")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_template_stands_around_texts() -> None:
    vocab = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b", "老"])}
    from qianru.tokens.pipelines import bert

    tokenizer = Tokenizer(bert(vocab, lowercase=True))
    found = tokenizer.encode("A老 ab c")
    assert found.tokens == ["[CLS]", "a", "老", "a", "##b", "[UNK]", "[SEP]"]
    assert found.word_ids.tolist() == [-1, 0, 1, 2, 2, 3, -1]
    assert found.special_tokens_mask.tolist() == [True, *[False] * 5, True]
    assert found.offsets.tolist() == [[0, 0], [0, 1], [1, 2], [3, 4], [4, 5], [6, 7], [0, 0]]
    assert tokenizer.encode("A老", byte_offsets=True).offsets.tolist()[2] == [1, 4]
    batch = tokenizer.encode_batch(["ab", "", "老"])
    assert [one.tolist() for one in batch] == [[2, 4, 5, 3], [2, 3], [2, 6, 3]]
    assert tokenizer.encode_batch(["ab"], add_special_tokens=False)[0].tolist() == [4, 5]
    assert tokenizer.encode("ab", add_special_tokens=False).tokens == ["a", "##b"]
    cut = tokenizer.encode("a a a a", max_tokens=4)
    assert cut.tokens == ["[CLS]", "a", "a", "[SEP]"]
    assert cut.n_truncated == 2
    with pytest.raises(ArgumentError, match="above 2, the tokens around a text"):
        tokenizer.encode("a", max_tokens=2)


def test_a_description_that_is_wrong_is_refused(tokenizers: dict[str, Tokenizer]) -> None:
    description = tokenizers["bpe"].description
    description["model"]["merges"].append("a nothing")  # type: ignore[index]
    with pytest.raises(FormatError, match=r"the description: model\.merges, entry"):
        Tokenizer(description)


def test_what_is_no_text_or_number_is_one_clear_error(
    tokenizers: dict[str, Tokenizer], tmp_path: Path
) -> None:
    made = tokenizers["word"]
    for call, message in (
        (lambda: made.encode("a", max_tokens="3"), "max_tokens must be a whole number, got '3'"),  # type: ignore[arg-type]
        (lambda: made.encode_batch(None), "texts must be a sequence of texts, got NoneType"),  # type: ignore[arg-type]
        (lambda: made.encode_offsets("ab"), "texts must be a sequence of texts, got one str"),
        (lambda: made.token_of("a"), "token_id must be a whole number, got 'a'"),  # type: ignore[arg-type]
        (lambda: made.decode(None), "ids must be whole numbers from 0 to .*, got None"),  # type: ignore[arg-type]
        (lambda: made.decode([[1], [1, 2]]), "ids must be whole numbers"),  # type: ignore[list-item]
        (lambda: made.decode([2**70]), "ids must be whole numbers"),
        (
            lambda: made.encode_files(Corpus(["a"]), tmp_path / "ids", line_end="end"),  # type: ignore[arg-type]
            "line_end must be a whole number, got 'end'",
        ),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()  # type: ignore[no-untyped-call]
    assert "\ud800" not in made
    assert made.decode([]) == ""
