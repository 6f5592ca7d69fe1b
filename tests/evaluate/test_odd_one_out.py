"""Odd one out: sets that have an odd word, and one-hot vectors that get what their line says."""

from __future__ import annotations

import numpy as np
import pytest

from qianru.errors import ArgumentError
from qianru.evaluate import Categories, Space, Triples, compare, odd_one_out
from qianru.evaluate.odd_one_out import drawn_sets
from qianru.vectors import Vectors


def test_odd_one_out(noisy: Vectors, triples: Triples, categories: Categories) -> None:
    found = odd_one_out(noisy, triples)
    right = [noisy.odd_one_out(list(one)) == one[2] for one in triples.triples]
    nearer = [noisy.similarity(a, b) > noisy.similarity(a, c) for a, b, c in triples.triples]
    assert found.value == pytest.approx(np.mean(right))
    assert found["nearer"].value == pytest.approx(np.mean(nearer))
    assert found.scores[0].zero_line == pytest.approx(1 / 3)
    drawn = odd_one_out(noisy, categories, n_sets=50)
    assert drawn.n_items == 50
    assert drawn.value > 0.5
    assert drawn == odd_one_out(noisy, categories, n_sets=50)
    with pytest.raises(ArgumentError, match="no category has 40"):
        odd_one_out(noisy, categories, n_alike=40)
    with pytest.raises(ArgumentError, match="none of 1 sets"):
        odd_one_out(noisy, Triples("t", (("x", "y", "z"),)))


def one_hot(words: list[str]) -> Vectors:
    return Vectors(words, np.eye(len(words), dtype=np.float32))


@pytest.mark.parametrize("unknown", ["skip", "zero"])
def test_one_hot_vectors_get_their_line(triples: Triples, categories: Categories, unknown: str) -> None:
    known = [word for word, _ in categories.words if not word.endswith("7")]
    space = Space(one_hot(known), unknown=unknown)
    for found in (odd_one_out(space, triples), odd_one_out(space, categories, n_sets=200)):
        assert found.coverage < 1
        for one in found.scores:
            assert one.value == pytest.approx(one.zero_line)
    drawn = odd_one_out(space, categories, n_alike=4, n_sets=200).scores[0]
    assert drawn.zero_line == pytest.approx(1 / 5 if unknown == "skip" else 1 / 5 * found.coverage)


def test_words_that_tie_share_the_credit() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 1], [0, -1]], np.float32)
    space = Vectors(["a", "b", "c", "d"], rows)
    # Of (a, b, c) c alone is odd, of (a, c, b) it is not last; in (a, c, b) a is as near to b as can be.
    found = odd_one_out(space, Triples("t", (("a", "b", "c"), ("a", "c", "b"))))
    assert (found.value, found["nearer"].value) == (0.5, 0.5)
    tied = odd_one_out(space, Triples("t", (("a", "c", "d"),)))
    assert (tied.value, tied["nearer"].value) == (0.5, 0.5)


def test_parts_of_a_credit_are_compared_by_their_sum() -> None:
    """Of 20 sets one model finds 4 and ties in none, the other ties in all: 0.2 against 0.333, with 4 and 16 sets won."""
    words = [f"{kind}{i}" for kind in "abc" for i in range(20)]
    data = Triples("t", tuple((f"a{i}", f"b{i}", f"c{i}") for i in range(20)))
    rows = np.zeros((60, 40), np.float32)
    for i in range(20):
        # The last word is alone in four sets; in the others the second is.
        alone = 40 + i if i < 4 else 20 + i
        for row in (i, 20 + i, 40 + i):
            rows[row, i + 20 * (row == alone)] = 1
    made = compare(odd_one_out(Vectors(words, rows), data), odd_one_out(one_hot(words), data))
    assert made is not None
    assert (made.a, made.b) == pytest.approx((0.2, 1 / 3))
    assert made.method == "paired permutation test"
    assert made.p > 0.05


def test_no_drawn_set_holds_a_word_twice() -> None:
    """A word of two categories, or spelled in two ways, is never the odd one among its own kind."""
    fruit = ("apple", "pear", "plum", "fig", "Orange")
    firms = ("Apple", "orange", "bank", "shop", "mill")
    data = Categories("c", (*((w, "fruit") for w in fruit), *((w, "firm") for w in firms), ("fig", "firm")))
    sets = drawn_sets(data, 4, 500, 1)
    assert all(len({word.upper() for word in one}) == 5 for one in sets)
    assert {one[-1] for one in sets} == {"pear", "plum", "bank", "shop", "mill"}
    inside = Categories("c", (*((w, "fruit") for w in fruit), ("pear", "green"), ("fig", "green")))
    with pytest.raises(ArgumentError, match="no category has 4 words"):
        drawn_sets(inside, 4, 10, 1)


def test_results_of_other_sets_are_not_compared(vectors: Vectors, categories: Categories) -> None:
    first = odd_one_out(vectors, categories, n_sets=50)
    assert compare(first, odd_one_out(vectors, categories, n_sets=50)) is not None
    for options in ({"seed": 2}, {"n_alike": 3}, {"n_sets": 40}):
        other = odd_one_out(vectors, categories, **{"n_sets": 50, **options})
        with pytest.raises(ArgumentError, match="over the same items"):
            compare(first, other)
