"""What pretraining is asked for, checked before any work."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from qianru.errors import ArgumentError

SIZES = ("tiny", "small", "base")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class PretrainSettings:
    """The settings that BERT, GPT and ELMo share; each says of itself what the sizes are.

    Attributes:
        size: "tiny", "small" or "base".
        length: tokens in a sequence, marks included; for ELMo words.
        batch_size: sequences in one step, over all processes.
        accumulate: parts into which a process cuts its share of a batch, to need less memory.
        steps: steps altogether; None: as many as `epochs` take.
        epochs: passes over the text.
        learning_rate: the highest, after the warm-up.
        warmup: share of the steps in which the learning rate rises from 0.
        min_learning_rate: share of the highest that is left behind the last step; in between it falls as a cosine.
        weight_decay: of matrices, not of biases and norms.
        clip_norm: gradients longer than this are cut to it.
        dropout: share of values set to 0 in training.
        seed: of everything that is drawn.
        precision: of the multiplications, "float32" or "bfloat16"; weights and sums are float32.
        evaluate_every: steps from one look at the held-out sequences to the next; None: twenty times in all.
        checkpoint_seconds: from one checkpoint to the next.
    """

    size: str
    length: int
    batch_size: int
    accumulate: int
    steps: int | None
    epochs: float
    learning_rate: float
    warmup: float
    min_learning_rate: float
    weight_decay: float
    clip_norm: float
    dropout: float
    seed: int
    precision: str
    evaluate_every: int | None
    checkpoint_seconds: float

    def __post_init__(self) -> None:
        one_of("size", self.size, SIZES)
        one_of("precision", self.precision, PRECISIONS)
        whole("length", self.length, 8, 1 << 16)
        whole("batch_size", self.batch_size, 1, 1 << 24)
        whole("accumulate", self.accumulate, 1, self.batch_size)
        if self.steps is not None:
            whole("steps", self.steps, 1, 1 << 40)
        if self.evaluate_every is not None:
            whole("evaluate_every", self.evaluate_every, 1, 1 << 40)
        whole("seed", self.seed, 0, (1 << 63) - 1)
        number("epochs", self.epochs, 0, 1e6, above=True)
        number("learning_rate", self.learning_rate, 0, 10, above=True)
        number("warmup", self.warmup, 0, 1)
        number("min_learning_rate", self.min_learning_rate, 0, 1)
        number("weight_decay", self.weight_decay, 0, 10)
        number("clip_norm", self.clip_norm, 0, 1e9, above=True)
        number("dropout", self.dropout, 0, 0.99)
        number("checkpoint_seconds", self.checkpoint_seconds, 0, 1e9)

    def as_dict(self) -> dict[str, object]:
        """All of them by name."""
        return asdict(self)

    def identity(self) -> dict[str, object]:
        """Those on which the result depends; `accumulate` does by rounding alone, and memory may ask for another."""
        left_out = ("accumulate", "checkpoint_seconds")
        return {name: value for name, value in self.as_dict().items() if name not in left_out}


def learning_rate_at(step: int, n_steps: int, settings: PretrainSettings) -> float:
    """Linear warm-up, then half a cosine down to min_learning_rate x learning_rate (Loshchilov & Hutter 2017)."""
    n_warmup = math.ceil(settings.warmup * n_steps)
    if step < n_warmup:
        return settings.learning_rate * (step + 1) / n_warmup
    done = (step - n_warmup) / max(n_steps - n_warmup, 1)
    least = settings.min_learning_rate
    return settings.learning_rate * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * done)))


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ArgumentError unless the value is one of those."""
    if value not in allowed:
        raise ArgumentError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def whole(name: str, value: object, least: int, most: int) -> None:
    """Raise ArgumentError unless the value is a whole number between."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ArgumentError(f"{name} must be a whole number from {least} to {most}, got {value!r}")


def number(name: str, value: object, least: float, most: float, *, above: bool = False) -> None:
    """Raise ArgumentError unless the value is a number between; above: not the least itself."""
    good = not isinstance(value, bool) and isinstance(value, (int, float)) and least <= value <= most
    if not good or (above and value == least):
        raise ArgumentError(
            f"{name} must be a number {'above' if above else 'from'} {least:g} {'and at most' if above else 'to'} "
            f"{most:g}, got {value!r}"
        )
