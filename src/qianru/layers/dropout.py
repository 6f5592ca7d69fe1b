"""Dropout (Srivastava et al. 2014, Journal of Machine Learning Research 15) that a processor draws fast.

Torch draws a double of its generator for each number, one number after the other, which was a seventh of a small Transformer's
training; here four numbers share 64 bits.
"""

from __future__ import annotations

from typing import Any

from qianru.layers.backend import load_torch

torch = load_torch()
Module: Any = torch.nn.Module
_ALL = 1 << 16  # what 16 bits can be


class Dropout(Module):
    """`dropout` as a module; p: the share of numbers set to 0 in training."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, values: Any) -> Any:
        """The same shape."""
        return dropout(values, self.p, self.training)

    def extra_repr(self) -> str:
        """For print."""
        return f"p={self.p}"


def dropout(values: Any, p: float, training: bool = True) -> Any:
    """In training each number is 0 with probability p, else divided by 1 - p; otherwise the numbers as they are.

    On a processor p is taken to the next 65,536th. Draws come from torch's generator.
    """
    if not training or p == 0:
        return values
    n_kept = round((1 - p) * _ALL)
    if values.device.type != "cpu" or not 0 < n_kept < _ALL:
        return torch.nn.functional.dropout(values, p)
    n = values.numel()
    words = torch.empty((n + 3) // 4, dtype=torch.int64, device=values.device).random_(-(1 << 63), None)
    draws = words.view(torch.int16)[:n].view(values.shape)
    # Written as numbers at once: a product with truth values takes ten times as long.
    kept = torch.lt(draws, n_kept - _ALL // 2, out=torch.empty_like(draws, dtype=values.dtype))
    return values * kept.mul_(_ALL / n_kept)
