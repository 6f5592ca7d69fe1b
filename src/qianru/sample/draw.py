"""Random choices that are the same bytes everywhere: a counter-based generator in 64-bit integers.

A draw is a function of (seed, stream, slot, sentence number) alone, so sentence 1,000,000 needs none before
it and blocks may have any length. No floating point is used: logarithms and powers may differ in the
last bit from one platform to another, integers do not. The mixing function is splitmix64 (Steele, Lea &
Flood, 2014, "Fast splittable pseudorandom number generators", OOPSLA).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qianru.arrays import Int64Array, UInt64Array

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(number: int) -> int:
    """splitmix64's output function on one Python integer."""
    number = (number + _GOLDEN) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def stream_key(seed: int, stream: str) -> int:
    """One 64-bit key for a seed and the name of a stream."""
    key = _mix(seed)
    for byte in stream.encode("ascii"):
        key = _mix(key ^ byte)
    return key


class Draws:
    """Draws for the sentences numbered `first` … `first + n - 1` of one stream; every slot is independent."""

    def __init__(self, key: int, numbers: UInt64Array) -> None:
        self._key = key
        self._numbers = numbers

    def at(self, chosen: Int64Array) -> Draws:
        """The same draws for some of the sentences, given by position."""
        return Draws(self._key, self._numbers[chosen])

    def bits(self, slot: int) -> UInt64Array:
        """uint64 [n], uniform over all 64-bit values."""
        x = self._numbers * np.uint64(_GOLDEN) + np.uint64(_mix(self._key ^ _mix(slot)))
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))

    def below(self, slot: int, limits: Int64Array | int) -> Int64Array:
        """int64 [n], uniform in 0 … limit - 1; `limits` (one number, or int64 [n]) must be below 2**31."""
        top = (self.bits(slot) >> np.uint64(33)).astype(np.int64)
        return (top * limits) >> 31

    def weighted(self, slot: int, cumulative: Int64Array) -> Int64Array:
        """int64 [n]: i with probability (cumulative[i] - cumulative[i - 1]) / cumulative[-1] < 2**31."""
        return np.searchsorted(cumulative, self.below(slot, int(cumulative[-1])), side="right").astype(
            np.int64
        )

    def zipf(self, slot: int, n_octaves: int) -> Int64Array:
        """int64 [n], ranks 0, 1, 2 … below 2**n_octaves - 1, falling as 1 / rank in steps of one octave.

        Each octave of ranks [2**k, 2**(k + 1)) is equally likely, which is Zipf's law with exponent 1
        drawn as a staircase: exact in integers and without a table, so the vocabulary may be huge.
        """
        octave = self.below(slot, n_octaves)
        size = np.left_shift(np.int64(1), octave)
        return size - 1 + self.below(slot + (1 << 32), size)


def zipf_weights(n: int, head: int) -> Int64Array:
    """int64 [n] running sums of the weights 10**6 / (rank + head): a large `head` flattens the fall."""
    weights: Sequence[int] = [1_000_000 // (rank + head) for rank in range(n)]
    return np.cumsum(np.array(weights, dtype=np.int64))
