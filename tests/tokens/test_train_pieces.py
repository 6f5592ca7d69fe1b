"""Training of WordPiece and Unigram."""

from __future__ import annotations

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


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_tokens_for_the_characters(kind: str, lines: list[str]) -> None:
    with pytest.raises(ArgumentError, match=r"coverage|vocab_size"):
        Tokenizer.train(Corpus(lines), kind=kind, vocab_size=300, coverage=1.0, byte_fallback=False)


@pytest.mark.parametrize("kind", KINDS)
def test_no_text(kind: str) -> None:
    with pytest.raises(CorpusError, match="no text"):
        Tokenizer.train(Corpus([" ", ""]), kind=kind, vocab_size=300)


@pytest.mark.skipif(HAS_SENTENCEPIECE, reason="sentencepiece is installed")
def test_without_sentencepiece_the_error_says_what_to_install(lines: list[str]) -> None:
    with pytest.raises(ArgumentError, match="sentencepiece"):
        Tokenizer.train(Corpus(lines), kind="unigram", vocab_size=1500)
