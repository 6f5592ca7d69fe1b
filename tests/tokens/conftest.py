"""A small mixed text, and tokenizers of each kind trained on it."""

from __future__ import annotations

import pytest

from qianru.sample import sample_lines
from qianru.text import Corpus
from qianru.tokens import Tokenizer

SIZES = {"bpe": 600, "character": 500, "word": 400}


@pytest.fixture(scope="session")
def lines() -> list[str]:
    return [*sample_lines("en", n_bytes=40_000), *sample_lines("zh", n_bytes=40_000)]


@pytest.fixture(scope="session")
def tokenizers(lines: list[str]) -> dict[str, Tokenizer]:
    corpus = Corpus(lines)
    made = {
        kind: Tokenizer.train(corpus, kind=kind, vocab_size=size, special_tokens=["<s>", "[PAD]"])
        for kind, size in SIZES.items()
    }
    made["bytes"] = Tokenizer.train(corpus, kind="character", vocab_size=400, byte_fallback=True)
    return made
