"""Little worlds of texts with labels, and vectors that know more of their words than the examples do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

from qianru.text import Corpus  # noqa: E402
from qianru.tokens import Tokenizer  # noqa: E402
from qianru.vectors import Vectors  # noqa: E402

NOUNS = {
    "animal": ["cat", "dog", "tiger", "horse", "mouse", "wolf", "猫", "狗", "老虎", "goat", "fox", "bear"],
    "vehicle": [
        "car",
        "bus",
        "truck",
        "train",
        "tram",
        "ship",
        "汽车",
        "火车",
        "轮船",
        "van",
        "bike",
        "jeep",
    ],
}
FRAMES = [
    "I saw a {} here",
    "the {} was near us",
    "they like the {} very much",
    "没有 {} 在 那里",
    "a {} and a {}",
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Other tests run beside these; torch's threads would wait for one another."""
    torch.set_num_threads(1)


def sentences(first: int, last: int, n: int, seed: int) -> list[tuple[str, str]]:
    """n sentences with nouns number first … last - 1 of both kinds, and their kind."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        label = sorted(NOUNS)[i % 2]
        nouns = NOUNS[label][first:last]
        frame = FRAMES[rng.integers(len(FRAMES))]
        made.append((frame.format(*rng.choice(nouns, size=frame.count("{}"))) + f" {seed}n{i}", label))
    return made


@pytest.fixture(scope="session")
def known() -> Vectors:
    """Vectors in which animals lie on one side and vehicles on the other, among words that mean neither."""
    rng = np.random.default_rng(1)
    words = [*NOUNS["animal"], *NOUNS["vehicle"], "I", "saw", "a", "the", "was", "near", "us", "like", "and"]
    matrix = 0.1 * rng.normal(size=(len(words), 12))
    matrix[: len(NOUNS["animal"]), 0] += 1
    matrix[len(NOUNS["animal"]) : 2 * len(NOUNS["animal"]), 0] -= 1
    return Vectors(words, matrix.astype(np.float32))


def folder_of(kind: str, folder: Path, tokenizer: Tokenizer, **options: Any) -> Path:
    """A folder of transformers: a model with random weights, and the tokenizer."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(5)
    n = tokenizer.n_tokens
    if kind == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=n, n_embd=16, n_layer=1, n_head=2, n_positions=32, bos_token_id=0, eos_token_id=0
        )
    else:
        config = transformers.BertConfig(
            vocab_size=n,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=32,
            pad_token_id=0,
            **options,
        )
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(folder / "t")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / "t" / name).rename(folder / name)
    (folder / "t").rmdir()
    return folder


@pytest.fixture(scope="session")
def wordpiece() -> Tokenizer:
    """Words and pieces of the sentences, with a token before and behind each text."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    lines = [text for text, _ in sentences(0, 12, 400, 1)]
    made = Tokenizer.train(Corpus(lines), kind="wordpiece", vocab_size=200, special_tokens=special)
    description: dict[str, Any] = made.description
    cls, sep = made.id_of("[CLS]"), made.id_of("[SEP]")
    description["post_processor"] = {"type": "BertProcessing", "cls": ["[CLS]", cls], "sep": ["[SEP]", sep]}
    return Tokenizer(description)
