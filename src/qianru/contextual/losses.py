"""The loss over a whole vocabulary, with its gradient taken in the same pass, so that the scores [n, n_tokens] never stand in
memory all at once and are not read again."""

from __future__ import annotations

from typing import Any

from qianru.layers.backend import load_torch

torch = load_torch()
Function: Any = torch.autograd.Function

# Rows of scores at once: with 32,000 tokens some 16 MB.
_ROWS = 128
_ROWS_ON_DEVICE = 2048


class LinearCrossEntropy(Function):
    """The sum over n of -ln softmax(hidden_n weightᵀ + bias)[target_n]; see `linear_cross_entropy`.

    With p the probabilities and y the targets as 0 and 1, the gradient by the scores is p - y; by hidden it is
    (p - y) weight, by weight (p - y)ᵀ hidden, by bias the sum of p - y. With smoothing y is 1 - smoothing at the target and
    smoothing / n_tokens more everywhere.
    """

    @staticmethod
    def forward(
        context: Any, hidden: Any, weight: Any, bias: Any, targets: Any, dtype: Any, smoothing: float
    ) -> Any:
        """hidden [n, dim], weight [n_tokens, dim], bias [n_tokens] or None, targets int64 [n]; to a scalar, float32."""
        needs = any(context.needs_input_grad)
        low, rows = weight.to(dtype), _rows(hidden)
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        by_hidden: Any = torch.empty_like(hidden) if needs else None
        by_weight: Any = torch.zeros_like(weight) if needs else None
        by_bias: Any = torch.zeros_like(bias) if needs and bias is not None else None
        for begin in range(0, len(hidden), rows):
            part, wanted = hidden[begin : begin + rows].to(dtype), targets[begin : begin + rows, None]
            scores = _scores(part, low, bias)
            if not needs:
                log_sums = torch.logsumexp(scores, dim=1, keepdim=True)
            else:
                # One exponential instead of two: the sum follows from the largest score and its probability.
                errors = torch.softmax(scores, dim=1)
                log_sums = scores.amax(1, keepdim=True) - errors.amax(1, keepdim=True).log()
            total += (log_sums - (1 - smoothing) * scores.gather(1, wanted)).sum()
            if smoothing:
                total -= smoothing * scores.mean(dim=1).sum()
            if not needs:
                continue
            errors.scatter_add_(1, wanted, torch.full_like(log_sums, smoothing - 1))
            if by_bias is not None:
                by_bias += errors.sum(dim=0)
            errors = errors.to(dtype)
            by_hidden[begin : begin + rows] = errors @ low
            if dtype == torch.float32:
                by_weight.addmm_(errors.T, part)
            else:
                by_weight += errors.T @ part
        if needs and smoothing:
            # What every score's error is less by, as sums over all of them instead of a pass over the errors.
            share = smoothing / len(weight)
            by_hidden -= share * weight.sum(dim=0)
            by_weight -= share * hidden.sum(dim=0)
            if by_bias is not None:
                by_bias -= share * len(hidden)
        if needs:
            context.save_for_backward(by_hidden, by_weight, by_bias)
        return total

    @staticmethod
    def backward(context: Any, gradient: Any) -> tuple[Any, Any, Any, None, None, None]:
        """The gradients taken in `forward`, times the one that comes in."""
        by_hidden, by_weight, by_bias = context.saved_tensors
        return (
            by_hidden * gradient.to(by_hidden.dtype),
            by_weight * gradient,
            None if by_bias is None else by_bias * gradient,
            None,
            None,
            None,
        )


def linear_cross_entropy(
    hidden: Any, weight: Any, bias: Any, targets: Any, *, dtype: Any = None, smoothing: float = 0.0
) -> Any:
    """The sum of the cross entropies of a linear layer's scores, float32 [], differentiable by hidden, weight and bias.

    Args:
        hidden: [n, dim].
        weight: [n_tokens, dim], float32.
        bias: [n_tokens], float32, or None.
        targets: int64 [n].
        dtype: of the multiplications, by default that of weight; sums are float32.
        smoothing: of the targets, from 0 to below 1 (Szegedy et al. 2016, arXiv:1512.00567, section 7).
    """
    dtype = weight.dtype if dtype is None else dtype
    return LinearCrossEntropy.apply(hidden, weight, bias, targets, dtype, smoothing)


def n_correct(hidden: Any, weight: Any, bias: Any, targets: Any) -> int:
    """How often the target has the highest score."""
    found, rows = 0, _rows(hidden)
    with torch.no_grad():
        for begin in range(0, len(hidden), rows):
            part = hidden[begin : begin + rows].to(weight.dtype)
            best = _scores(part, weight, bias).argmax(dim=1)
            found += int((best == targets[begin : begin + rows]).sum())
    return found


def _scores(hidden: Any, weight: Any, bias: Any) -> Any:
    if bias is not None and weight.dtype == torch.float32:
        return torch.addmm(bias, hidden, weight.T)
    scores = (hidden @ weight.T).float()
    return scores if bias is None else scores.add_(bias)


def _rows(hidden: Any) -> int:
    return _ROWS if hidden.device.type == "cpu" else _ROWS_ON_DEVICE
