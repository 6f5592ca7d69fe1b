"""The exact scan against its plain twin in numpy, on every instruction set of this processor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru import _core

ISAS = _core.available_isas()


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _core.current_isa()
    _core.set_isa(request.param)
    yield request.param
    _core.set_isa(before)


def scan(matrix, queries, k, *, cos_mul=False, triples=None, among=None, exclude=None, threads=0):
    n = len(queries) if triples is None else len(triples)
    norms = np.empty(len(matrix), np.float32)
    _core.inverse_norms(matrix, norms)
    rows, scores = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    exclude = np.empty((n, 0), np.int64) if exclude is None else exclude
    _core.scan(
        matrix,
        norms,
        queries,
        cos_mul=cos_mul,
        triples=triples,
        among=among,
        exclude=exclude,
        rows=rows,
        scores=scores,
        threads=threads,
    )
    return rows, scores


def plain_scores(matrix, queries, *, cos_mul=False, triples=None):
    wide = matrix.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1)
    units = np.divide(wide, lengths[:, None], out=np.zeros_like(wide), where=lengths[:, None] > 0)
    cosines = queries.astype(np.float64) @ units.T
    if triples is None:
        return cosines
    a, b, c = (cosines[triples[:, i]] for i in range(3))
    if not cos_mul:
        return b - a + c
    return (1 + b) / 2 * (1 + c) / 2 / ((1 + a) / 2 + 1e-3)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("dim", [1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 100, 300])
@pytest.mark.parametrize("n_queries", [1, 2, 4, 7])
def test_all_scores_agree_with_numpy(isa: str, dim: int, n_queries: int) -> None:
    matrix, queries = random(203, dim), unit(random(n_queries, dim, seed=1))
    rows, scores = scan(matrix, queries, 203)
    assert (np.sort(rows, axis=1) == np.arange(203)).all()
    expected = np.take_along_axis(plain_scores(matrix, queries), rows, axis=1)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert (np.diff(scores, axis=1) <= 0).all()


@pytest.mark.parametrize("cos_mul", [False, True])
@pytest.mark.parametrize("n_queries", [3, 5, 700])
def test_triples_agree_with_numpy(isa: str, cos_mul: bool, n_queries: int) -> None:
    """Few queries that many results share, and more than one group holds."""
    matrix, queries = random(500, 30), unit(random(n_queries, 30, seed=2))
    triples = np.random.default_rng(3).integers(0, n_queries, (1200, 3)).astype(np.uint32)
    rows, scores = scan(matrix, queries, 20, cos_mul=cos_mul, triples=triples)
    plain = plain_scores(matrix, queries, cos_mul=cos_mul, triples=triples)
    expected = np.take_along_axis(plain, rows, axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(scores, -np.sort(-plain, axis=1)[:, :20], rtol=1e-3, atol=1e-5)
    for i in (0, 17, 1199):
        alone, alone_scores = scan(matrix, queries, 20, cos_mul=cos_mul, triples=triples[i : i + 1])
        np.testing.assert_array_equal(alone[0], rows[i])
        np.testing.assert_array_equal(alone_scores[0], scores[i])


def test_a_batch_gives_the_bits_of_single_queries(isa: str) -> None:
    matrix, queries = random(3000, 37), unit(random(301, 37, seed=3))
    rows, scores = scan(matrix, queries, 9)
    for i in range(0, 301, 25):
        alone, alone_scores = scan(matrix, queries[i : i + 1], 9)
        np.testing.assert_array_equal(alone[0], rows[i])
        np.testing.assert_array_equal(alone_scores[0], scores[i])


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_do_not_change_the_answer(threads: int) -> None:
    # Few distinct rows: nearly all scores are ties, which go to the lower row.
    matrix = np.repeat(random(7, 64), 3000, axis=0)[np.random.default_rng(0).permutation(21000)]
    queries = unit(random(5, 64, seed=4))
    rows, _scores = scan(matrix, queries, 50, threads=threads)
    order = np.lexsort((np.broadcast_to(np.arange(21000), (5, 21000)), -scan_scores(matrix, queries)), axis=1)
    np.testing.assert_array_equal(rows, order[:, :50])


def scan_scores(matrix, queries):
    """Scores in row order, from the scan itself, so that ties are ties to the last bit."""
    rows, scores = scan(matrix, queries, len(matrix))
    out = np.empty_like(scores)
    np.put_along_axis(out, rows, scores, axis=1)
    return out


def test_among_and_exclude(isa: str) -> None:
    matrix, queries = random(1000, 20), unit(random(6, 20, seed=5))
    among = np.arange(3, 1000, 7, dtype=np.uint32)
    exclude = np.array([[3, -1], [10, 17], [-1, -1], [4, 5], [990, 3], [24, 24]])
    rows, _ = scan(matrix, queries, len(among), among=among, exclude=exclude)
    scores = plain_scores(matrix, queries)
    for i in range(6):
        allowed = [r for r in among.tolist() if r not in exclude[i]]
        found = rows[i][rows[i] >= 0].tolist()
        assert sorted(found) == allowed
        assert found[0] == max(allowed, key=lambda r: scores[i][r])
        assert (rows[i][len(allowed) :] == -1).all()


def test_zero_rows_score_zero_and_nan_rows_never_answer(isa: str) -> None:
    matrix = random(40, 12)
    matrix[5] = 0
    matrix[7, 3] = np.nan
    matrix[9, 11] = np.inf
    matrix[11] = np.nan
    rows, scores = scan(matrix, unit(random(3, 12, seed=6)), 40)
    assert not {7, 11} & set(rows.ravel().tolist())
    assert (scores[rows == 5] == 0).all()
    assert np.isfinite(scores).all()


def test_lengths_whose_square_float32_cannot_hold(isa: str) -> None:
    matrix = random(6, 19) * np.array([[1e-22], [1e-30], [1e-37], [1e25], [1e37], [1]], np.float32)
    norms = np.empty(6, np.float32)
    _core.inverse_norms(matrix, norms)
    np.testing.assert_allclose(norms, 1 / np.linalg.norm(matrix.astype(np.float64), axis=1), rtol=1e-6)
    rows, scores = scan(matrix, unit(matrix.astype(np.float64)).astype(np.float32), 1)
    assert rows[:, 0].tolist() == list(range(6))
    np.testing.assert_allclose(scores, 1, rtol=1e-5)
    matrix[:] = [[1e-39], [3e38], [0], [1e-45], [-3e38], [2e-40]]
    _core.inverse_norms(matrix, norms)
    assert not norms[1:].any()
    assert np.isfinite(norms).all()


def test_inverse_norms(isa: str) -> None:
    matrix = random(101, 19)
    matrix[3] = 0
    norms = np.empty(101, np.float32)
    _core.inverse_norms(matrix, norms)
    assert norms[3] == 0
    keep = np.arange(101) != 3
    np.testing.assert_allclose(norms[keep], 1 / np.linalg.norm(matrix[keep], axis=1), rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_first_row_not_finite(n: int, dim: int, data: st.DataObject) -> None:
    matrix = random(n, dim)
    assert _core.first_row_not_finite(matrix) == -1
    bad = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, dim - 1)), min_size=1))
    for row, column in bad:
        matrix[row, column] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    assert _core.first_row_not_finite(matrix) == min(row for row, _ in bad)


def test_wrong_shapes_are_refused() -> None:
    matrix = random(10, 4)
    with pytest.raises(ValueError, match="queries"):
        scan(matrix, random(1, 5), 3)
    with pytest.raises(ValueError, match="triples must be"):
        scan(matrix, random(4, 4), 3, triples=np.zeros((2, 2), np.uint32))
    with pytest.raises(ValueError, match="triples must name"):
        scan(matrix, random(4, 4), 3, triples=np.full((2, 3), 4, np.uint32))
    with pytest.raises(ValueError, match="triples"):
        scan(matrix, random(3, 4), 3, cos_mul=True)
    with pytest.raises(ValueError, match="among"):
        scan(matrix, random(1, 4), 3, among=np.array([10], np.uint32))
    with pytest.raises(ValueError, match="rise"):
        scan(matrix, random(1, 4), 3, among=np.array([5, 5], np.uint32))
