"""A space in which relations hold: words are sums of a few directions and a little noise; and datasets of it."""

from __future__ import annotations

import numpy as np
import pytest

from qianru.evaluate import Categories, Questions, Triples, WordPairs
from qianru.vectors import Vectors

N_PAIRS = 12
KINDS = ("animal", "fruit", "city")


def world(noise: float, seed: int = 1) -> Vectors:
    """`animal0` … and their plurals `animal0s`, each kind around a direction, plurals along one; `noise` a coordinate."""
    rng = np.random.default_rng(7)
    dim = 24
    kinds, plural = rng.standard_normal((3, dim)), rng.standard_normal(dim)
    words, rows = [], []
    for kind, centre in zip(KINDS, kinds, strict=True):
        for i in range(N_PAIRS):
            stem = 2 * centre + rng.standard_normal(dim)
            words += [f"{kind}{i}", f"{kind}{i}s"]
            rows += [stem, stem + 2 * plural]
    made = np.array(rows) + noise * np.random.default_rng(seed).standard_normal((len(rows), dim))
    return Vectors(words, made.astype(np.float32))


def all_questions() -> Questions:
    def section(kind: str) -> tuple[tuple[str, str, str, str], ...]:
        pairs = [(f"{kind}{i}", f"{kind}{i}s") for i in range(N_PAIRS)]
        return tuple((*a, *b) for a in pairs for b in pairs if a != b)

    return Questions("plurals", {"animals": section("animal"), "gram-fruits": section("fruit")})


@pytest.fixture
def vectors() -> Vectors:
    return world(0.5)


@pytest.fixture
def noisy() -> Vectors:
    return world(1.0, seed=2)


@pytest.fixture
def questions() -> Questions:
    return all_questions()


@pytest.fixture
def triples() -> Triples:
    return Triples("kinds", tuple((f"animal{i}", f"animal{i + 1}", f"fruit{i}") for i in range(N_PAIRS - 1)))


@pytest.fixture
def categories() -> Categories:
    return Categories("kinds", tuple((f"{kind}{i}", kind) for kind in KINDS for i in range(N_PAIRS)))


@pytest.fixture
def pairs() -> WordPairs:
    rng = np.random.default_rng(3)
    words = [f"{kind}{i}" for kind in KINDS for i in range(N_PAIRS)]
    drawn = [(words[i], words[j]) for i, j in rng.integers(0, len(words), (60, 2)).tolist()]
    alike = [(10.0 if a == b else 6.0 if a[:3] == b[:3] else 1.0) + float(rng.integers(3)) for a, b in drawn]
    return WordPairs("alike", tuple(drawn), tuple(alike))
