"""torch and transformers, loaded when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from qianru.errors import ArgumentError, QianruError

# What torch's allocators, and cuBLAS for its own workspace, say when there is no room.
_NO_ROOM = (
    "not enough memory",
    "out of memory",
    "can't allocate memory",
    "DefaultCPUAllocator",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def load_torch() -> Any:
    """The package torch. Raises QianruError if it is not there."""
    return _load("torch")


def load_transformers() -> Any:
    """The package transformers. Raises QianruError if it, or torch, is not there."""
    _load("torch")
    return _load("transformers")


def set_threads(n: int | None) -> None:
    """Let torch use n threads; None: as many as it has set itself. Raises ArgumentError."""
    if n is None:
        return
    if n < 1:
        raise ArgumentError(
            f"threads must be at least 1, got {n}", hint="Leave it out for torch's own choice."
        )
    load_torch().set_num_threads(n)


def device_of(name: str | None) -> Any:
    """The device of torch with that name; None: "cuda" where there is one, else "cpu".

    Raises ArgumentError for one that cannot be used here.
    """
    torch = load_torch()
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
        # A name says nothing about a driver; what does is a tensor. Without CUDA torch asserts.
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        seen = ", ".join(["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])
        raise ArgumentError(
            f"device must be one that torch can use here ({seen}), got {name!r}: {_first_line(error)}",
            hint="leave it out, or install a torch that is built for the device, and its driver",
        ) from None
    return found


def default_precision(device: str | None) -> str:
    """ "bfloat16" where the device multiplies it faster than float32, else "float32". Raises ArgumentError."""
    torch, kind = load_torch(), device_of(device).type
    if kind == "cuda":
        # GPUs before Ampere only emulate it.
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if kind != "cpu":
        return "float32"
    fast = any(
        getattr(torch.cpu, name, lambda: False)()
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return "bfloat16" if fast else "float32"


def own_draws(device: Any) -> Any:
    """A context behind which torch's generators, the device's too, are as they were before."""
    # Not those of other GPUs, which may be other processes'.
    return load_torch().random.fork_rng([device] if device.type == "cuda" else [])


def is_no_room(error: BaseException) -> bool:
    """Whether an error of torch or Python means that memory was not enough, the device's or the machine's."""
    if isinstance(error, MemoryError):
        return True
    text = str(error)
    return type(error).__name__ == "OutOfMemoryError" or any(words in text for words in _NO_ROOM)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise QianruError(
            f"this needs the package {name}: {error}", hint="pip install 'qianru[torch]'"
        ) from None
