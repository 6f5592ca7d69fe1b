"""Training of WordPiece and Unigram."""

from __future__ import annotations

import random
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus
from qianru.tokens import Tokenizer

HAS_SENTENCEPIECE = find_spec("sentencepiece") is not None
KINDS = [
    "wordpiece",
    pytest.param(
        "unigram", marks=pytest.mark.skipif(not HAS_SENTENCEPIECE, reason="sentencepiece is not installed")
    ),
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_text_gives_the_same_bytes(kind: str, lines: list[str], tmp_path: Path) -> None:
    made = [
        Tokenizer.train(
            Corpus(lines), kind=kind, vocab_size=1500, special_tokens=["[PAD]", "[CLS]"], threads=threads
        )
        for threads in (1, 2, 1)
    ]
    assert {one.n_tokens for one in made} == {1500}
    for i, one in enumerate(made):
        one.save(tmp_path / str(i))
    files = {(tmp_path / str(i) / "tokenizer.json").read_bytes() for i in range(3)}
    assert len(files) == 1
    assert made[0].engine == "core"
    assert {"[PAD]", "[CLS]"} <= made[0].special_tokens.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_text_comes_back(kind: str, lines: list[str]) -> None:
    tokenizer = Tokenizer.train(Corpus(lines), kind=kind, vocab_size=1500, coverage=1.0)
    assert tokenizer.unknown_id is not None
    for line in lines[::50]:
        ids = tokenizer.encode(line).ids
        assert tokenizer.unknown_id not in ids.tolist()
        assert tokenizer.decode(ids).replace(" ", "") == line.replace(" ", "")
        assert ids.tolist() == tokenizer.encode_batch([line])[0].tolist()


def test_words_of_bert_get_pieces_with_a_mark(lines: list[str]) -> None:
    tokenizer = Tokenizer.train(Corpus(lines, lowercase=True), kind="wordpiece", vocab_size=1500)
    assert any(token.startswith("##") for token in tokenizer.vocab)
    assert tokenizer.encode("The KING").tokens == tokenizer.encode("the king").tokens
    assert tokenizer.encode("☃").ids.tolist() == [tokenizer.unknown_id]


def large_alphabet() -> list[str]:
    """3,000 characters, the first the most frequent, between words of letters, with all that trainers treat apart."""
    rng = random.Random(3)
    han = [chr(0x4E00 + int(3000 * rng.random() ** 3)) for _ in range(20_000)] + list(
        map(chr, range(0x4E00, 0x4E00 + 3000))
    )
    lines = ["".join(han[i : i + 40]) for i in range(0, len(han), 40)]
    return [
        *lines,
        "the tigers are the tigers " * 30,
        " two  spaces ",
        "a\tb\0c\rd",
        "\u2581 \u3000",
        "\ufffd \u2585",
    ]


@pytest.mark.parametrize("coverage", [1.0, 0.95])
@pytest.mark.parametrize(
    ("vocab_size", "byte_fallback"), [(300, False), (341, False), (1000, False), (1000, True)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_large_alphabet_does_not_break_the_size(
    kind: str, vocab_size: int, byte_fallback: bool, coverage: float
) -> None:
    if kind == "wordpiece" and byte_fallback:
        pytest.skip("WordPiece has no bytes")
    made = Tokenizer.train(
        Corpus(large_alphabet()),
        kind=kind,
        vocab_size=vocab_size,
        coverage=coverage,
        byte_fallback=byte_fallback,
        special_tokens=["[CLS]", "[SEP]"],
    )
    assert made.n_tokens == vocab_size
    becomes = "bytes" if byte_fallback else r"\[UNK\]" if kind == "wordpiece" else "<unk>"
    if vocab_size < 500 or coverage == 1:
        assert re.search(
            rf"\d+ characters, which occur \d+ times, have no token, .* become {becomes}", made.notes[0]
        )
    assert not any("gives no more" in note for note in made.notes)
    # The most frequent have tokens, the rarest none.
    vocab = made.vocab
    assert all(chr(0x4E00 + i) in vocab for i in range(50))
    assert chr(0x4E00 + 2990) not in vocab
    found = made.encode(chr(0x4E00 + 2990), add_special_tokens=False).tokens
    assert (
        found[-3:] == ["<0xE5>", "<0xA6>", "<0xAE>"]
        if byte_fallback
        else found[-1] == made.token_of(made.unknown_id or 0)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_room_even_for_one_character(kind: str, lines: list[str]) -> None:
    with pytest.raises(ArgumentError, match="vocab_size must be above 4, the special tokens"):
        Tokenizer.train(
            Corpus(lines), kind=kind, vocab_size=4, byte_fallback=False, special_tokens=["<a>", "<b>", "<c>"]
        )


@pytest.mark.parametrize("kind", KINDS)
def test_no_text(kind: str) -> None:
    with pytest.raises(CorpusError, match="no text"):
        Tokenizer.train(Corpus([" ", ""]), kind=kind, vocab_size=300)


@pytest.mark.skipif(HAS_SENTENCEPIECE, reason="sentencepiece is installed")
def test_without_sentencepiece_the_error_says_what_to_install(lines: list[str]) -> None:
    with pytest.raises(ArgumentError, match="sentencepiece"):
        Tokenizer.train(Corpus(lines), kind="unigram", vocab_size=1500)


@pytest.mark.parametrize("special", ["mask", "##sk", "MASK"])
def test_a_special_token_that_bert_would_find_in_text_is_refused(special: str) -> None:
    corpus = Corpus(["the mask of the task"] * 5)
    with pytest.raises(ArgumentError, match=f"special_tokens: '{special}' can be part of a word"):
        Tokenizer.train(corpus, kind="wordpiece", vocab_size=60, special_tokens=["[MASK]", special])
    lower = Corpus(["the mask of the task [MASK] MASK"] * 5, lowercase=True)
    made = Tokenizer.train(lower, kind="wordpiece", vocab_size=60, special_tokens=["[MASK]", "MASK"])
    assert not {"MASK", "[MASK]"} & set(made.encode("MASK [MASK]", add_special_tokens=False).tokens)


@pytest.mark.skipif(not HAS_SENTENCEPIECE, reason="sentencepiece is not installed")
def test_text_that_spells_a_special_token_stays_text(lines: list[str]) -> None:
    text = ["<s>mask of the mask"] * 50
    made = Tokenizer.train(
        Corpus([*text, *lines]), kind="unigram", vocab_size=600, special_tokens=["<s>", "mask"]
    )
    found = made.encode("<s>mask")
    assert not {"<s>", "mask"} & set(found.tokens)
    assert made.decode(found.ids) == "<s>mask"
