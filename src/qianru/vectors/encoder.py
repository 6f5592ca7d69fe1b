"""What turns texts into vectors, whatever kind of model it is: the `Encoder` protocol, and what encoding gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qianru.arrays import BoolArray, Float32Array, Int64Array
from qianru.errors import ArgumentError
from qianru.progress import ProgressCallback

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Encoded:
    """The vectors of n texts, or of one place in each of them.

    Attributes:
        vectors: float32 [n, dim]. `numpy.asarray` of this object gives them too.
        n_tokens: int64 [n], the tokens of the text, or of the place, that the vector is made of; tokens that are put
            around every text do not count.
        n_truncated: int64 [n], tokens that were left out because the model takes no more.
        notes: what a reader must know, one sentence each: empty texts, cut ones.
    """

    vectors: Float32Array
    n_tokens: Int64Array
    n_truncated: Int64Array
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> BoolArray:
        """bool [n], true where there was no token: the vector is that of an empty text, and says nothing."""
        found: BoolArray = self.n_tokens == 0
        return found

    def __len__(self) -> int:
        return len(self.vectors)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[np.generic]:
        return np.array(self.vectors, dtype=dtype, copy=copy)


class Encoder(Protocol):
    """Gives texts vectors, and words the vectors that they have where they stand."""

    @property
    def dim(self) -> int:
        """Numbers in a vector."""

    @property
    def settings(self) -> Mapping[str, object]:
        """Everything beside weights and tokenizer that vectors depend on, as JSON knows it."""

    @property
    def fingerprint(self) -> str:
        """A hash over all that the vectors depend on; vectors of two fingerprints are never to be compared."""

    def encode(self, texts: Sequence[str], *, progress: ProgressCallback | None = None) -> Encoded:
        """One vector for each text. Raises ArgumentError, naming the text that cannot be encoded."""

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Span], *, progress: ProgressCallback | None = None
    ) -> Encoded:
        """One vector for the place [start, end), in characters, in each text.

        Raises ArgumentError for a place outside its text.
        """


def describe_flags(
    n_tokens: Int64Array, n_truncated: Int64Array, limit: int | None = None
) -> tuple[str, ...]:
    """The notes on empty texts and cut ones. limit: tokens that the model takes."""
    notes = []
    empty = np.flatnonzero(n_tokens == 0)
    if len(empty):
        notes.append(f"{_texts(len(empty))} without a token ({_named(empty)}): the vector says nothing")
    cut = np.flatnonzero(n_truncated)
    if len(cut):
        told = "" if limit is None else f" at {limit} tokens"
        notes.append(
            f"{_texts(len(cut))} cut{told} ({_named(cut)}), {int(n_truncated.sum()):,} tokens left out: "
            'long="window" reads them whole'
        )
    return tuple(notes)


def checked_spans(texts: Sequence[str], spans: Sequence[Span]) -> list[Span]:
    """The places, each with a start and an end inside its text. Raises ArgumentError."""
    if len(texts) != len(spans):
        raise ArgumentError(f"spans must be one for each text: {len(texts)} texts, {len(spans)} spans")
    made = [(int(start), int(end)) for start, end in spans]
    for i, (start, end) in enumerate(made):
        if not 0 <= start < end <= len(texts[i]):
            raise ArgumentError(
                f"spans[{i}] must lie in its text of {len(texts[i])} characters, got {start} to {end}",
                hint="a span is (start, end) in characters, the end is not part of it",
            )
    return made


def _texts(n: int) -> str:
    return f"{n:,} text" if n == 1 else f"{n:,} texts"


def _named(numbers: Int64Array) -> str:
    shown = ", ".join(str(number + 1) for number in numbers[:3].tolist())
    more = f" and {len(numbers) - 3:,} more" if len(numbers) > 3 else ""
    return f"number {shown}{more}"
