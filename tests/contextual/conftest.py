"""A small bilingual text, and a training run of a second or so."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from qianru.sample import sample_lines
from qianru.text import Corpus
from qianru.tokens import Tokenizer

LINES = [*sample_lines("en", n_bytes=20_000), *sample_lines("zh", n_bytes=20_000)]
SMALL: dict[str, Any] = {
    "length": 16,
    "batch_size": 8,
    "steps": 6,
    "evaluate_every": 3,
    "learning_rate": 3e-3,
    "precision": "float32",
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """These models are too small for more."""
    pytest.importorskip("torch").set_num_threads(1)


@cache
def _tokenizer(kind: str) -> Tokenizer:
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if kind == "bert" else ("<|endoftext|>",)
    model = "wordpiece" if kind == "bert" else "bpe"
    return Tokenizer.train(Corpus(LINES), kind=model, vocab_size=1200, special_tokens=names)


@pytest.fixture
def corpus() -> Corpus:
    """The text that `train` trains on."""
    return Corpus(LINES)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """train(kind, name="model", **options): a small run, written to a folder of that name."""
    from qianru import contextual

    def call(kind: str, name: str = "model", **options: Any) -> Any:
        tokenizer = {} if kind == "elmo" else {"tokenizer": _tokenizer(kind)}
        settings = {**SMALL, **tokenizer, **options}
        return getattr(contextual, f"train_{kind}")(Corpus(LINES), output=tmp_path / name, **settings)

    return call
