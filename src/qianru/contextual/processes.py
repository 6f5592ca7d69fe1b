"""One process, or several that torchrun started, each with its share of every batch (accelerate does the talking)."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
from datetime import timedelta
from typing import Any

from qianru.errors import ArgumentError, QianruError
from qianru.layers.backend import device_of, load_torch, own_draws

torch = load_torch()


class Processes:
    """Who this process is among how many; a single one needs nothing but torch.

    device: of torch; None: a GPU where there is one. Raises ArgumentError for one that cannot be used, or not by so many.

    Attributes:
        n: how many. rank: which one. device: where this one computes.
    """

    def __init__(self, device: str | None = None) -> None:
        self._accelerator: Any = None
        self.n, self.rank = 1, 0
        self.device = device_of(device)
        if int(os.environ.get("WORLD_SIZE", "1")) < 2:
            return
        on_gpu = self.device.type != "cpu"
        if on_gpu and self.device.index is not None:
            raise ArgumentError(
                f"with several processes device must not name a single one, got {device!r}",
                hint=f"give {self.device.type!r}: each process takes the one of its number",
            )
        n_here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if self.device.type == "cuda" and n_here > torch.cuda.device_count():
            raise ArgumentError(
                f"{n_here} processes on this machine need a GPU each, it has {torch.cuda.device_count()}",
                hint="a smaller --nproc-per-node, or device='cpu' (--device cpu)",
            )
        try:
            accelerate = importlib.import_module("accelerate")
        except ImportError as error:
            raise QianruError(
                f"several processes need the package accelerate: {error}", hint="pip install 'qianru[torch]'"
            ) from None
        # The others wait while the first one reads the text.
        patience = accelerate.InitProcessGroupKwargs(timeout=timedelta(hours=12))
        self._accelerator = accelerate.Accelerator(cpu=not on_gpu, kwargs_handlers=[patience])
        atexit.register(_take_leave)  # not after each training: the process may go on to another one
        self.n, self.rank = self._accelerator.num_processes, self._accelerator.process_index
        self.device = self._accelerator.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def wrap(self, module: Any) -> Any:
        """The module on the device, its gradients shared by all."""
        return (
            module.to(self.device) if self._accelerator is None else self._accelerator.prepare_model(module)
        )

    def without_sharing(self, module: Any) -> Any:
        """A context in which gradients stay here: for all parts of a batch but the last."""
        return contextlib.nullcontext() if self._accelerator is None else self._accelerator.no_sync(module)

    def sums(self, *values: float) -> list[float]:
        """The sums over all processes, in float64."""
        if self._accelerator is None:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        return [float(value) for value in self._accelerator.reduce(tensor, "sum")]

    def own_draws(self) -> Any:
        """A context behind which torch's generators of this process are as they were before."""
        return own_draws(self.device)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()


def _take_leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
