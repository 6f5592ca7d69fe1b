"""PPMI and its factorisation against NumPy, and their answers to bad input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru import _core
from qianru.errors import ArgumentError, CorpusError
from qianru.sample import analogies, sample_lines, similarity
from qianru.static import count_cooccurrences, train_ppmi
from qianru.static.ppmi import ppmi, randomised_svd
from qianru.static.sparse import SparseMatrix
from qianru.text import Corpus, EncodedCorpus


class World:
    """English lines of the sample world."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes

    def __iter__(self) -> Iterator[str]:
        yield from sample_lines("en", n_bytes=self.n_bytes)


@pytest.fixture(scope="module")
def small() -> EncodedCorpus:
    return Corpus(World(40_000)).encode(min_count=3)


def sparse(dense: np.ndarray) -> SparseMatrix:
    rows, columns = np.nonzero(dense)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(dense)))]).astype(np.uint64)
    return SparseMatrix(
        offsets, columns.astype(np.uint32), dense[rows, columns].astype(np.float32), dense.shape[1]
    )


def thin(seed: int, n_rows: int, n_columns: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(n_rows, n_columns)) * (draw.random((n_rows, n_columns)) < 0.3)
    return values.astype(np.float32)


@settings(deadline=None)
@given(
    seed=st.integers(0, 999),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    dim=st.integers(1, 35),
    isa=st.sampled_from(_core.available_isas()),
    threads=st.integers(1, 3),
)
def test_sparse_matrix_equals_numpy(
    seed: int, shape: tuple[int, int], dim: int, isa: str, threads: int
) -> None:
    dense = thin(seed, *shape)
    matrix = sparse(dense)
    np.testing.assert_array_equal(matrix.to_numpy(), dense)
    np.testing.assert_array_equal(matrix.transposed().to_numpy(), dense.T)
    factor = np.random.default_rng(seed).normal(size=(shape[1], dim)).astype(np.float32)
    before = _core.current_isa()
    _core.set_isa(isa)
    try:
        np.testing.assert_allclose(matrix.times(factor, threads=threads), dense @ factor, atol=1e-5)
    finally:
        _core.set_isa(before)


def test_sparse_functions_check_their_input() -> None:
    offsets, ones = np.array([0, 1], np.uint64), np.ones(1, np.float32)
    wide = np.array([3], np.uint32)
    with pytest.raises(ValueError, match="column"):
        _core.sparse_transpose(offsets, wide, ones, 3)
    with pytest.raises(ValueError, match="column"):
        _core.sparse_mirror(offsets, wide, ones)
    with pytest.raises(ValueError, match="column"):
        _core.sparse_times_dense(
            offsets, wide, ones, np.ones((3, 1), np.float32), np.ones((1, 1), np.float32), 0, 1
        )
    with pytest.raises(ValueError, match="offsets"):
        _core.sparse_transpose(np.array([0, 2], np.uint64), wide, ones, 9)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("smoothing", "shift"), [(1.0, 1.0), (0.75, 1.0), (0.75, 5.0)])
def test_ppmi_equals_its_formula(
    small: EncodedCorpus, symmetric: bool, smoothing: float, shift: float
) -> None:
    counts = count_cooccurrences(small, window=3, symmetric=symmetric)
    full = counts.full()
    x = SparseMatrix(full.offsets, full.columns, full.values, full.n_keys).to_numpy().astype(np.float64)
    context = x.sum(axis=0) ** smoothing
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log((x / x.sum()) / np.outer(x.sum(axis=1) / x.sum(), context / context.sum()))
    want = np.nan_to_num(np.maximum(pmi - np.log(shift), 0))
    got = ppmi(counts, smoothing=smoothing, shift=shift)
    assert (got.values > 0).all()
    np.testing.assert_allclose(got.to_numpy(), want, atol=1e-5)


def test_svd_equals_numpys() -> None:
    draw = np.random.default_rng(5)
    left, right = (np.linalg.qr(draw.normal(size=(n, 40)))[0] for n in (90, 70))
    dense = ((left * 0.7 ** np.arange(40)) @ right.T).astype(np.float32)
    u, singular = randomised_svd(sparse(dense), 10, threads=2)
    want_u, want_singular, _ = np.linalg.svd(dense)
    np.testing.assert_allclose(singular, want_singular[:10], rtol=1e-4)
    np.testing.assert_allclose(np.abs((u * want_u[:, :10]).sum(axis=0)), 1, atol=1e-3)
    assert (u[np.abs(u).argmax(axis=0), np.arange(10)] > 0).all()
    with pytest.raises(ArgumentError, match="rank must be from 1 to 70"):
        randomised_svd(sparse(dense), 71)


def test_same_seed_same_bits_at_any_number_of_threads(small: EncodedCorpus) -> None:
    one, three = (train_ppmi(small, dim=20, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.to_numpy(), three.to_numpy())


def test_eigenvalue_weighting_scales_the_columns(small: EncodedCorpus) -> None:
    plain, full = (train_ppmi(small, dim=20, eigenvalue_weighting=p) for p in (0.0, 1.0))
    singular = np.array(full.provenance["singular_values"])
    np.testing.assert_allclose(full.to_numpy(), plain.to_numpy() * singular, rtol=1e-5)
    assert (np.diff(singular) <= 0).all()


def test_a_word_without_context_has_no_direction() -> None:
    lines = [*World(3_000), *["zzz"] * 9]
    vectors = train_ppmi(Corpus(lines), dim=20, min_count=1)
    assert not vectors["zzz"].any()
    assert vectors.to_numpy().any(axis=1).sum() > 50


def test_relations_of_the_sample_world_come_out() -> None:
    vectors = train_ppmi(Corpus(World(2_000_000)), dim=100)
    triples = [t for t in similarity("en") if all(word in vectors for word in t)]
    assert np.mean([vectors.similarity(a, b) > vectors.similarity(a, c) for a, b, c in triples]) > 0.95
    found = []
    for pairs in analogies("en").values():
        (a, b), (c, d) = pairs[0], pairs[1]
        if all(word in vectors for word in (a, b, c, d)):
            found.append(d in [near.word for near in vectors.analogy(a, b, c, k=5)])
    assert np.mean(found) > 0.8


BAD = [
    ({"dim": 0}, "dim must be a whole number of at least 1, got 0"),
    ({"window": 0}, "window"),
    ({"smoothing": 1.5}, "smoothing must be from 0 to 1, got 1.5"),
    ({"shift": 0.5}, "shift"),
    ({"eigenvalue_weighting": -0.5}, "eigenvalue_weighting"),
    ({"weighting": "cubic"}, "weighting"),
    ({"threads": 0}, "threads"),
    ({"memory": 0}, "memory"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_argument_is_named_before_the_text_is_read(options: dict, message: str) -> None:
    def unread() -> Iterator[str]:
        raise AssertionError("the text was read")
        yield ""

    with pytest.raises(ArgumentError, match=message):
        train_ppmi(unread(), **options)


def test_text_that_cannot_be_used(small: EncodedCorpus) -> None:
    with pytest.raises(CorpusError, match="dim must be at most the number of words"):
        train_ppmi(small, dim=100_000)
    with pytest.raises(CorpusError, match="no two words"):
        train_ppmi(["a", "b"] * 5, dim=1)
    with pytest.raises(CorpusError, match="no words"):
        train_ppmi([])
    with pytest.raises(ArgumentError, match="memory must be at least"):
        train_ppmi(small, dim=2, memory=10_000)
