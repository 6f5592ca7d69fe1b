"""What a trainer was asked for, and the checks of arguments: each names the argument, the rule and the value."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, kw_only=True)
class Word2vecSettings:
    """What `train_word2vec` was asked for; the same words as its arguments, checked on construction."""

    model: Literal["skipgram", "cbow"] = "skipgram"
    loss: Literal["ns", "hs"] = "ns"
    cbow_gradient: Literal["classic", "corrected"] = "classic"
    dim: int = 100
    window: int = 5
    negative: int = 5
    sample: float = 1e-4
    epochs: int = 5
    learning_rate: float = 0.025
    min_learning_rate: float = 1e-4
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        one_of("model", self.model, ("skipgram", "cbow"))
        one_of("loss", self.loss, ("ns", "hs"))
        one_of("cbow_gradient", self.cbow_gradient, ("classic", "corrected"))
        at_least("dim", self.dim, 1, hint="100 to 300 is usual.")
        at_least("window", self.window, 1, hint="5 is usual; a larger window favours topics over syntax.")
        if self.loss == "ns":
            at_least("negative", self.negative, 1, hint='5 is usual; for no negatives use loss="hs".')
        at_least("epochs", self.epochs, 1, hint="5 is usual; more for a small corpus.")
        at_least("threads", self.threads, 1, hint="Leave it out to use every processor.")
        within("sample", self.sample, 0.0, 1.0, hint="1e-4 is usual; 0 keeps every token.")
        within("learning_rate", self.learning_rate, 0.0, 1e6, hint="0.025 is usual.")
        within(
            "min_learning_rate",
            self.min_learning_rate,
            0.0,
            self.learning_rate,
            hint="It is the floor of learning_rate.",
        )
        within("seed", self.seed, 0, 2**64 - 1, hint="Any whole number from 0 on.")
