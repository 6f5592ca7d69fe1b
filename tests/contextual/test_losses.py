"""The loss with its gradient in one pass, against torch's own in two."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from qianru.contextual.losses import linear_cross_entropy, n_correct  # noqa: E402


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("n", [0, 1, 128, 300])
def test_loss_and_gradients_are_those_of_torch(n: int, with_bias: bool, smoothing: float) -> None:
    torch.manual_seed(n)
    hidden = torch.randn(n, 8, requires_grad=True)
    weight = torch.randn(50, 8, requires_grad=True)
    bias = torch.randn(50, requires_grad=True) if with_bias else None
    targets = torch.randint(0, 50, (n,))
    loss = linear_cross_entropy(hidden * 2, weight, bias, targets, smoothing=smoothing)
    found = torch.autograd.grad(loss * 3, [hidden, weight, *([bias] if with_bias else [])])
    scores = torch.nn.functional.linear(hidden * 2, weight, bias)
    plain = torch.nn.functional.cross_entropy(scores, targets, reduction="sum", label_smoothing=smoothing)
    expected = torch.autograd.grad(plain * 3, [hidden, weight, *([bias] if with_bias else [])])
    torch.testing.assert_close(loss, plain)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert n_correct(hidden * 2, weight, bias, targets) == int((scores.argmax(dim=1) == targets).sum())


def test_bfloat16_is_near() -> None:
    torch.manual_seed(1)
    hidden, weight = torch.randn(200, 16, requires_grad=True), (torch.randn(90, 16) * 0.3).requires_grad_()
    targets = torch.randint(0, 90, (200,))
    losses, gradients = [], []
    for dtype in (torch.float32, torch.bfloat16):
        loss = linear_cross_entropy(hidden, weight, None, targets, dtype=dtype)
        losses.append(loss.item())
        gradients.append(torch.autograd.grad(loss, weight)[0])
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert torch.nn.functional.cosine_similarity(*(g.flatten() for g in gradients), dim=0) > 0.999
