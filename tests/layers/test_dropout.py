"""Dropout drawn by 16 bits against what it is by definition, and attention with it against attention without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")
from qianru.layers import encoders  # noqa: E402
from qianru.layers.dropout import Dropout, dropout  # noqa: E402


@given(
    shape=st.lists(st.integers(0, 5), max_size=3),
    p=st.floats(0, 1),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float64]),
)
def test_numbers_are_zero_or_scaled(shape: list[int], p: float, dtype: Any) -> None:
    values = torch.randn(shape, dtype=dtype) + 10
    found = dropout(values, p)
    assert found.shape == values.shape
    assert found.dtype == dtype
    kept = found != 0
    expected = values / max(1 - p, 1e-9)
    torch.testing.assert_close(found[kept], expected[kept], rtol=0.02 if p < 0.99 else 1e4, atol=0.0)
    assert torch.equal(dropout(values, p, training=False), values)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_share_is_p_at_every_place_of_a_word(p: float) -> None:
    """Four numbers share a word of the generator; each of them is drawn alike, and none hangs on its neighbour."""
    torch.manual_seed(5)
    n = 1 << 18
    zero = (dropout(torch.ones(n), p) == 0).view(-1, 4).double()
    spread = (p * (1 - p) / len(zero)) ** 0.5
    assert (zero.mean(dim=0) - p).abs().max() < 5 * spread
    together = torch.corrcoef(zero.T) - torch.eye(4)
    assert together.abs().max() < 5 * len(zero) ** -0.5
    after = torch.corrcoef(torch.stack([zero[:-1, 3], zero[1:, 0]]))[0, 1]
    assert abs(after) < 5 * len(zero) ** -0.5


def test_the_gradient_is_of_what_was_kept() -> None:
    values = torch.randn(7, 9, requires_grad=True)
    found = Dropout(0.25).train()(values)
    found.sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(values.grad * values, found)
    assert {round(float(one), 4) for one in values.grad.unique()} == {0.0, round(1 / 0.75, 4)}


def test_a_seed_draws_the_same_again() -> None:
    draws = []
    for _ in range(2):
        torch.manual_seed(3)
        draws.append(dropout(torch.ones(50), 0.5))
    assert torch.equal(*draws)
    assert not torch.equal(draws[0], dropout(torch.ones(50), 0.5))


@pytest.mark.parametrize("with_mask", [True, False])
def test_attention_with_dropout_is_that_without_on_average(
    with_mask: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(2)
    layer = encoders.Attention(12, 3, 0.3)
    layer.drop.p = 0.0
    states, memory = torch.randn(2, 4, 12), torch.randn(2, 6, 12)
    seen = torch.rand(2, 1, 1, 6) < 0.7
    seen[..., 0] = True
    mask = seen if with_mask else None
    with torch.no_grad():
        expected = layer.eval()(states, memory, mask)
        found = torch.stack([layer.train()(states, memory, mask) for _ in range(4000)])
        spread = found.std(dim=0) / len(found) ** 0.5
        assert ((found.mean(dim=0) - expected).abs() < 6 * spread + 1e-6).all()
        # And number for number where nothing is dropped.
        monkeypatch.setattr(encoders, "dropout", lambda values, p: values)
        torch.testing.assert_close(layer(states, memory, mask), expected)
