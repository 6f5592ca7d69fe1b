from __future__ import annotations

import numpy as np
import pytest

from qianru.vectors import Vectors

WORDS = [
    "猫",
    "狗",
    "老虎",
    "国王",
    "女王",
    "男人",
    "女人",
    "king",
    "queen",
    "man",
    "woman",
    "cat",
    "tiger",
    "car",
    "don't",
    "北京",
    "大学",
    "北京大学",
    "卡拉OK",
]


@pytest.fixture
def vectors() -> Vectors:
    rng = np.random.default_rng(7)
    matrix = rng.standard_normal((len(WORDS), 10)).astype(np.float32)
    counts = np.arange(len(WORDS), 0, -1)
    return Vectors(WORDS, matrix, counts=counts, provenance={"dim": 10, "corpus": {"fingerprint": "abc"}})
