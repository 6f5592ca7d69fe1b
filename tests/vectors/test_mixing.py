"""Mixtures of old words by nearness in another space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.vectors import Vectors
from qianru.vectors.mixing import mixtures, sparsemax


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_sparsemax_is_the_nearest_point_of_the_simplex(scores: list[float]) -> None:
    z = np.array(scores)
    found = sparsemax(z)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    # What stays is shifted by one number, and what goes lies below it.
    shift = (z - found)[found > 0]
    assert np.allclose(shift, shift[0])
    assert (z[found == 0] <= shift[0] + 1e-12).all()


def test_near_words_make_the_mixture() -> None:
    vectors = Vectors(
        ["cat", "dog", "car", "猫", "zero"],
        np.array([[1, 0], [0.9, 0.1], [-1, 0.2], [1, 0.01], [0, 1]], np.float32),
    )
    (cat, nothing) = mixtures(["猫", "狐"], [None, "cat", "car", "unknown", "dog"], vectors, k=3)
    assert cat[0].tolist()[0] == 1
    assert set(cat[0].tolist()) <= {1, 4}
    assert cat[1].sum() == pytest.approx(1)
    assert cat[1][0] > 0.4
    assert len(nothing[0]) == 0
    assert [len(found[0]) for found in mixtures(["猫"], ["nothing"], vectors)] == [0]
