"""A rotated copy of a space is found again; retrieval beside the plain computation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qianru.errors import ArgumentError, FormatError
from qianru.vectors import Vectors
from qianru.vectors.align import align, read_dictionary, retrieval

N, DIM = 400, 16


@pytest.fixture(scope="module")
def spaces() -> tuple[Vectors, Vectors]:
    """The target is the source, turned, in another order and with a little noise."""
    rng = np.random.default_rng(6)
    matrix = rng.standard_normal((N, DIM)) + 0.5
    turned = matrix @ np.linalg.qr(rng.standard_normal((DIM, DIM)))[0] + 0.05 * rng.standard_normal((N, DIM))
    order = rng.permutation(N)
    source = Vectors([f"s{i}" for i in range(N)], matrix.astype(np.float32))
    return source, Vectors([f"t{i}" for i in order], turned[order].astype(np.float32))


def pairs(begin: int, end: int) -> list[tuple[str, str]]:
    return [(f"s{i}", f"t{i}") for i in range(begin, end)]


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("method", ["cosine", "csls"])
def test_a_turned_space_is_found_again(spaces: tuple[Vectors, Vectors], centre: bool, method: str) -> None:
    both = align(*spaces, [*pairs(0, 200), ("unknown", "t1")], centre=centre)
    assert (both.n_pairs, both.n_given) == (200, 201)
    np.testing.assert_allclose(both.rotation @ both.rotation.T, np.eye(DIM), atol=1e-5)
    found = retrieval(both.source, both.target, [*pairs(200, 400), ("s1", "unknown")], method=method)
    assert (found.n_words, found.n_asked) == (200, 201)
    assert found.at_5 >= found.at_1 > 0.95
    before = retrieval(*spaces, pairs(200, 400), method=method)
    assert before.at_1 < 0.2


def test_retrieval_is_the_plain_computation(spaces: tuple[Vectors, Vectors]) -> None:
    both = align(*spaces, pairs(0, 30))
    rng = np.random.default_rng(7)
    noisy = both.source.with_matrix(
        (both.source.to_numpy() + 0.3 * rng.standard_normal((N, DIM))).astype(np.float32), {"step": "noise"}
    )
    asked = [*pairs(100, 300), ("s100", "t5"), ("s101", "t6")]
    x = noisy.to_numpy() / np.linalg.norm(noisy.to_numpy(), axis=1, keepdims=True)
    y = both.target.to_numpy()
    cosines = x @ y.T
    local_x = np.sort(cosines, axis=1)[:, -10:].mean(axis=1)
    local_y = np.sort(cosines, axis=0)[-10:].mean(axis=0)
    for method, scores in (("cosine", cosines), ("csls", 2 * cosines - local_x[:, None] - local_y)):
        right = {k: [] for k in (1, 5)}
        for word in sorted({a for a, _ in asked}):
            best = np.argsort(-scores[noisy.index(word)])
            gold = {both.target.index(b) for a, b in asked if a == word}
            for k, hits in right.items():
                hits.append(bool(gold & set(best[:k].tolist())))
        found = retrieval(noisy, both.target, asked, method=method)
        assert found.at_1 == pytest.approx(np.mean(right[1]))
        assert found.at_5 == pytest.approx(np.mean(right[5]))
        assert 0.2 < found.at_1 < 0.99


def test_bad_arguments(spaces: tuple[Vectors, Vectors]) -> None:
    source, target = spaces
    with pytest.raises(ArgumentError, match="no pair of the 1"):
        align(target, source, pairs(0, 1))
    with pytest.raises(ArgumentError, match="no pair of the 1"):
        retrieval(target, source, pairs(0, 1))
    with pytest.raises(ArgumentError, match="method must be"):
        retrieval(source, target, pairs(0, 1), method="l2")
    with pytest.raises(ArgumentError, match="one dim"):
        align(source, Vectors(["a"], np.ones((1, 3), np.float32)), pairs(0, 1))


def test_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_bytes("\ufeffcat 猫\n\nNew York\t纽约\r\na\u2028b \tc\x85d\ne\rf\tg\nh\u00a0i  j\n".encode())
    assert read_dictionary(path) == [
        ("cat", "猫"), ("New York", "纽约"), ("a\u2028b", "c\x85d"), ("e\rf", "g"), ("h\u00a0i", "j"),
    ]  # fmt: skip
    for text, message in (("a b c\n", "line 1"), ("a b\nc\n", "line 2"), ("\n", "no pair")):
        path.write_text(text)
        with pytest.raises(FormatError, match=message):
            read_dictionary(path)
    path.write_bytes(b"\xff \xff\n")
    with pytest.raises(FormatError, match="cannot be read"):
        read_dictionary(path)
