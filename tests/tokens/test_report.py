"""The report counts what a plain loop over the tokens counts."""

from __future__ import annotations

import unicodedata

import pytest

from qianru.errors import CorpusError
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.tokens.report import KINDS_OF_TEXT, kinds_of, readable, report_tokens

MIXED = ["The tiger, 老虎在睡觉。", "", "ひらがな 한글 Привет 123", "🙂\t\u0301x", "石墨烯C++"]


@pytest.mark.parametrize("kind", ["bpe", "character", "word", "bytes"])
def test_it_counts_what_a_loop_counts(kind: str, tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers[kind]
    report = report_tokens(tokenizer, {"one": Corpus(MIXED[:2]), "two": Corpus(MIXED[2:])})
    text = [unicodedata.normalize("NFC", line) for line in MIXED]
    found = [tokenizer.encode(line) for line in text]
    total = report.total
    assert total.n_tokens == sum(map(len, found))
    assert total.n_characters == sum(map(len, text))
    assert total.n_bytes == sum(len(line.encode()) for line in text)
    assert total.n_words == sum(map(len, Corpus(MIXED).words()))
    assert total.n_unknown == sum((one.ids == tokenizer.unknown_id).sum() for one in found)
    for name in ("n_characters", "n_bytes", "n_words", "n_tokens", "n_unknown", "n_fallback"):
        for parts in (report.files, report.scripts):
            assert sum(getattr(share, name) for share in parts.values()) == getattr(total, name)
    assert total.fertility == total.n_tokens / total.n_words
    used = {token_id for one in found for token_id in one.ids.tolist()}
    assert report.n_never_used == report.n_ordinary - len(used - set(tokenizer.special_tokens.values()))
    assert report.as_dict()["total"]["fertility"] == total.fertility  # type: ignore[index]


def test_bytes_are_told_from_characters(tokenizers: dict[str, Tokenizer]) -> None:
    report = report_tokens(tokenizers["bytes"], {"text": Corpus(["龘a"])})
    assert report.scripts["Han"].n_fallback == report.total.n_fallback == 3
    assert report.scripts["Han"].fallback_rate == 1
    assert report.scripts["Latin"].fallback_rate == 0
    report = report_tokens(tokenizers["bpe"], {"text": Corpus(["龘a"])})
    assert report.total.n_fallback == 3


def test_the_longest_and_the_unused(tokenizers: dict[str, Tokenizer], lines: list[str]) -> None:
    report = report_tokens(tokenizers["word"], {"text": Corpus(lines)})
    lengths = [len(token) for token, _ in report.longest]
    assert lengths == sorted(lengths, reverse=True)
    assert all(count > 0 for _, count in report.longest)
    assert report.total.unknown_rate < 0.5
    empty = report_tokens(tokenizers["bpe"], {"text": Corpus(["a"])})
    assert empty.n_never_used == empty.n_ordinary - 1
    assert "老" in "".join(empty.never_used) or len(empty.never_used) == 20


def test_scripts() -> None:
    text = "aé老ひカ가Жאω1 \n,。🙂\u0301ｱＡ々"
    assert [KINDS_OF_TEXT[kind] for kind in kinds_of(text)] == [
        "Latin",
        "Latin",
        "Han",
        "Kana",
        "Kana",
        "Hangul",
        "Cyrillic",
        "Hebrew",
        "Greek",
        "digits",
        "white space",
        "white space",
        "punctuation",
        "punctuation",
        "punctuation",
        "other",
        "Kana",
        "Latin",
        "Han",
    ]


def test_tokens_are_readable(tokenizers: dict[str, Tokenizer]) -> None:
    tokenizer = tokenizers["bpe"]
    assert readable(tokenizer, tokenizer.id_of("Ġt")) == " t"
    assert readable(tokenizer, tokenizer.id_of("è")) == "\\xe8"


def test_no_text_is_an_error(tokenizers: dict[str, Tokenizer]) -> None:
    with pytest.raises(CorpusError, match="no text"):
        report_tokens(tokenizers["bpe"], {"text": Corpus(["", ""])})
