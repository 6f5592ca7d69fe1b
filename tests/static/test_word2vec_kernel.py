"""The window kernels against the formulas of word2vec_kernel.h written out in float64, on every instruction set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru import _core


@pytest.fixture(params=_core.available_isas(), autouse=True, scope="module")
def _isa(request: pytest.FixtureRequest) -> Iterator[None]:
    before = _core.current_isa()
    _core.set_isa(request.param)
    yield
    _core.set_isa(before)


def softplus(z: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, z)


def twin(inputs, outputs, labels, rate, *, cbow, input_scale):
    """One step in float64; returns the new rows and the loss."""
    u, v = inputs.astype(np.float64), outputs.astype(np.float64)
    y = labels.astype(np.float64)
    rows = u.mean(axis=0, keepdims=True) if cbow else u
    scores = rows @ v.T
    gradient = rate * (y - 1 / (1 + np.exp(-scores)))
    loss = softplus(np.where(y == 1, -scores, scores)).sum()
    if cbow:
        return u + input_scale * (gradient @ v), v + gradient.T @ rows, loss
    moved_u, moved_v = u.copy(), v.copy()
    for six in (slice(first, first + 6) for first in range(0, len(v), 6)):
        moved_v[six] += gradient[:, six].T @ moved_u
        moved_u += gradient[:, six] @ v[six]
    return moved_u, moved_v, loss


@settings(max_examples=60, deadline=None)
@given(
    n_inputs=st.integers(1, 21),
    n_outputs=st.integers(1, 27),
    dim=st.one_of(st.integers(1, 130), st.sampled_from([100, 128, 200, 256, 300])),
    size=st.sampled_from([0.01, 0.3, 3.0]),
    cbow=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_step_equals_its_twin(
    n_inputs: int, n_outputs: int, dim: int, size: float, cbow: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    inputs = (rng.standard_normal((n_inputs, dim)) * size).astype(np.float32)
    outputs = (rng.standard_normal((n_outputs, dim)) * size).astype(np.float32)
    labels = rng.integers(0, 2, n_outputs).astype(np.uint8)
    input_scale = float(rng.choice([1.0, 1 / n_inputs]))
    want_u, want_v, want_loss = twin(inputs, outputs, labels, 0.05, cbow=cbow, input_scale=input_scale)
    loss = _core.word2vec_window_step(inputs, outputs, labels, rate=0.05, cbow=cbow, input_scale=input_scale)
    # Float32 rounds each of `dim` products of rows of this size.
    tolerance = 2e-6 * (1 + size * size * np.sqrt(dim))
    np.testing.assert_allclose(inputs, want_u, atol=tolerance * (1 + size), rtol=1e-5)
    np.testing.assert_allclose(outputs, want_v, atol=tolerance * (1 + size), rtol=1e-5)
    np.testing.assert_allclose(loss, want_loss, rtol=1e-4, atol=1e-5)


def test_extreme_scores_give_finite_loss_and_gradients() -> None:
    inputs = np.full((3, 8), 1000.0, np.float32)
    outputs = np.stack([np.full(8, -1000.0), np.full(8, 1000.0), np.zeros(8)]).astype(np.float32)
    loss = _core.word2vec_window_step(
        inputs, outputs, np.array([1, 0, 0], np.uint8), rate=1e-3, cbow=False, input_scale=1.0
    )
    assert loss == pytest.approx(3 * (8e6 + 8e6 + np.log(2)), rel=1e-6)
    assert np.isfinite(inputs).all()
    assert np.isfinite(outputs).all()


def test_nan_reaches_the_loss() -> None:
    inputs, outputs = np.ones((2, 8), np.float32), np.ones((2, 8), np.float32)
    inputs[0, 3] = np.nan
    loss = _core.word2vec_window_step(
        inputs, outputs, np.array([1, 0], np.uint8), rate=0.1, cbow=False, input_scale=1.0
    )
    assert np.isnan(loss)


def test_gradient_is_the_derivative_of_the_loss() -> None:
    rng = np.random.default_rng(5)
    inputs, outputs = (
        rng.standard_normal((4, 12)).astype(np.float32),
        rng.standard_normal((6, 12)).astype(np.float32),
    )
    labels = np.array([1, 0, 0, 0, 0, 0], np.uint8)
    moved_u, moved_v = inputs.copy(), outputs.copy()
    _core.word2vec_window_step(moved_u, moved_v, labels, rate=1.0, cbow=False, input_scale=1.0)
    step = 1e-6
    for matrix, moved in ((inputs, moved_u), (outputs, moved_v)):
        for index in [(0, 0), (3, 11), (2, 5)]:
            plus, minus = matrix.astype(np.float64), matrix.astype(np.float64)
            plus[index] += step
            minus[index] -= step

            def loss_of(changed: np.ndarray, matrix: np.ndarray = matrix) -> float:
                pair = (changed, outputs) if matrix is inputs else (inputs, changed)
                return twin(*pair, labels, 0.0, cbow=False, input_scale=1.0)[2]

            slope = (loss_of(plus) - loss_of(minus)) / (2 * step)
            assert moved[index] - matrix[index] == pytest.approx(-slope, abs=1e-4)
