"""One-hot vectors: every pair orthogonal, and what they would cost."""

from __future__ import annotations

import numpy as np
import pytest

from qianru.errors import ArgumentError, UnknownWordError
from qianru.static import OneHot

KEYS = ["cat", "dog", "猫", "狗"]


def test_every_pair_is_orthogonal() -> None:
    vectors = OneHot(KEYS)
    dense = vectors.encode(KEYS).to_numpy()
    np.testing.assert_array_equal(dense, np.eye(4, dtype=np.float32))
    np.testing.assert_array_equal(dense @ dense.T, np.eye(4))
    for a in KEYS:
        for b in KEYS:
            assert vectors.similarity(a, b) == (a == b)


def test_rows_of_a_sentence_pick_rows_of_a_matrix() -> None:
    vectors = OneHot(KEYS)
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    rows = vectors.encode(["狗", "cat", "狗"])
    np.testing.assert_array_equal(rows.times(table), table[[3, 0, 3]])
    assert (len(vectors), vectors.dim, "cat" in vectors, "cow" in vectors) == (4, 4, True, False)


def test_memory_is_linear_for_the_places_and_quadratic_for_the_matrix() -> None:
    vectors = OneHot([str(i) for i in range(1000)])
    assert (vectors.n_bytes, vectors.n_bytes_dense) == (4_000, 4_000_000)


def test_bad_input_is_named() -> None:
    with pytest.raises(UnknownWordError, match="cow"):
        OneHot(KEYS).encode(["cow"])
    for keys in ([], ["a", "a"], "abc"):
        with pytest.raises(ArgumentError, match="distinct words"):
            OneHot(keys)
