"""torch and transformers, loaded when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from qianru.errors import ArgumentError, QianruError


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


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise QianruError(
            f"this needs the package {name}: {error}", hint="pip install 'qianru[torch]'"
        ) from None
