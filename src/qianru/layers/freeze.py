"""Rows of a matrix that no optimiser moves, bit for bit.

A gradient of zero is not enough: AdamW's decay multiplies every row by 1 - rate x decay, and momentum from earlier steps
goes on. So the rows are kept aside before each step of any torch optimiser and put back after it; their gradient is zeroed
too, so that clipping by norm does not see it. Where a head shares the matrix, it is frozen with it.

What else writes the rows between steps is meant, and stands: `load_state_dict`, another dtype or device, your own code. Where
a step broke off, the next one begins with the rows of before it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from qianru.errors import ArgumentError
from qianru.layers.backend import load_torch


class FrozenRows:
    """Holds the rows until `release`, or until the end of a with block."""

    def __init__(self, parameter: Any, rows: Any, handles: list[Any]) -> None:
        self._parameter = parameter
        self._rows = rows
        self._handles = handles
        self._in_step = False
        self._keep()

    def restore(self) -> None:
        """Put the rows back as they were before the last step; called after each."""
        torch, parameter = load_torch(), self._parameter
        with torch.no_grad():
            parameter.index_copy_(0, self._rows.to(parameter.device), self._kept.to(parameter))

    def _keep(self) -> None:
        self._kept = self._parameter.detach()[self._rows.to(self._parameter.device)]

    def _before_step(self, optimizer: Any, *_: Any) -> None:
        if not self._moved_by(optimizer):
            return
        if self._in_step:  # the last step broke off, or this one is another optimiser's inner one
            self.restore()
        else:
            self._keep()
        self._in_step = True

    def _after_step(self, optimizer: Any, *_: Any) -> None:
        if self._moved_by(optimizer):
            self.restore()
            self._in_step = False

    def _moved_by(self, optimizer: Any) -> bool:
        return any(one is self._parameter for group in optimizer.param_groups for one in group["params"])

    @property
    def n_rows(self) -> int:
        """How many rows are frozen."""
        return len(self._rows)

    def release(self) -> None:
        """Let the rows move again."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def __enter__(self) -> FrozenRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def freeze_rows(module: Any, rows: int | Iterable[int], *, name: str = "weight") -> FrozenRows:
    """Freeze rows of a module's matrix [n, dim], or of its bias [n] (name="bias"). Sparse gradients lose those rows.

    It is the parameter that is frozen: freeze again where another takes its place, as with `load_state_dict(assign=True)`.

    Args:
        module: an embedding, a linear layer, or any module with such a parameter.
        rows: their numbers; a whole number n stands for the first n.

    Raises:
        ArgumentError: there is no such parameter, or a row that it does not have.
    """
    torch = load_torch()
    parameter = getattr(module, name, None)
    if not isinstance(parameter, torch.nn.Parameter):
        raise ArgumentError(f"module has no parameter {name!r}", hint="model.get_input_embeddings() has one.")
    numbers = sorted(set(range(rows) if isinstance(rows, int) else rows))
    if not numbers or numbers[0] < 0 or numbers[-1] >= len(parameter):
        raise ArgumentError(
            f"rows must be among 0 to {len(parameter) - 1}, got {numbers[:1]} to {numbers[-1:]}",
            hint="A number n stands for the first n rows.",
        )
    index = torch.tensor(numbers, dtype=torch.long)
    frozen = FrozenRows(parameter, index.to(parameter.device), [])

    def without_frozen(gradient: Any) -> Any:
        rows = index.to(gradient.device)
        if not gradient.is_sparse:
            return gradient.index_fill(0, rows, 0)
        gradient = gradient.coalesce()
        free = ~torch.isin(gradient.indices()[0], rows)
        return torch.sparse_coo_tensor(
            gradient.indices()[:, free], gradient.values()[free], gradient.shape, is_coalesced=True
        )

    hooks = importlib.import_module("torch.optim.optimizer")
    handles = [
        hooks.register_optimizer_step_pre_hook(frozen._before_step),
        hooks.register_optimizer_step_post_hook(frozen._after_step),
    ]
    if parameter.requires_grad:
        handles.append(parameter.register_hook(without_frozen))
    frozen._handles = handles
    return frozen
