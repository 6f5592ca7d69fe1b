"""Checks of arguments that every trainer shares: each names the argument, the rule and the value."""

from __future__ import annotations

import math
import os

from qianru.errors import ArgumentError


def at_least(name: str, value: int, least: int, *, hint: str = "") -> None:
    """Raise ArgumentError unless `value` is a whole number not below `least` (nor above 2^31 - 1)."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise ArgumentError(f"{name} must be a whole number of at least {least}, got {value!r}", hint=hint)


def within(name: str, value: object, low: float, high: float, *, hint: str = "") -> None:
    """Raise ArgumentError unless `value` is a finite number from `low` to `high`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise ArgumentError(f"{name} must be from {low:g} to {high:g}, got {value!r}", hint=hint)


def above_zero(name: str, value: object, *, hint: str = "") -> None:
    """Raise ArgumentError unless `value` is a finite number above 0."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not value > 0
    ):
        raise ArgumentError(f"{name} must be a number above 0, got {value!r}", hint=hint)


def one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ArgumentError unless `value` is one of `choices`."""
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def available_threads() -> int:
    """How many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
