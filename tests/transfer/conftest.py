"""Little worlds of texts with labels, and vectors that know more of their words than the examples do."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

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
