"""Which n-grams a word has, and which bucket and row each of them falls in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, UInt8Array, UInt32Array, UInt64Array
from qianru.errors import ArgumentError

# N-grams of decompositions are hashed behind this byte, so that they never fall together with those of characters.
_DECOMPOSITION_SEED = _core.subword_hash(b"\x01")
MAX_N = 255
# Numbers in the lists held at once while means are taken.
_BATCH = 1 << 21


@dataclass(frozen=True, kw_only=True)
class SubwordRule:
    """The n-grams of a word, hashed as fastText hashes them (Bojanowski et al. 2017, arXiv:1607.04606).

    min_n, max_n: code points in an n-gram of `<word>`; max_n 0: none. n_buckets: n-grams share so many rows.
    decomposition: for characters, the string of strokes or components they consist of; the n-grams of a
    word's decomposition, decomposition_min_n to decomposition_max_n long, are then added to its own.
    Raises ArgumentError.
    """

    min_n: int = 3
    max_n: int = 6
    n_buckets: int = 2_000_000
    decomposition: Mapping[str, str] | None = None
    decomposition_min_n: int = 3
    decomposition_max_n: int = 6

    def __post_init__(self) -> None:
        for low, high in (("min_n", "max_n"), ("decomposition_min_n", "decomposition_max_n")):
            least, most = getattr(self, low), getattr(self, high)
            if type(least) is not int or type(most) is not int or not 0 <= most <= MAX_N or least < 0:
                raise ArgumentError(
                    f"{low} and {high} must be whole numbers from 0 to {MAX_N}, got {least!r} and {most!r}"
                )
            if most and least > most:
                raise ArgumentError(f"{low} must not be above {high}, got {least} and {most}")
        if type(self.n_buckets) is not int or not 0 <= self.n_buckets < 1 << 31:
            raise ArgumentError(
                f"n_buckets must be a whole number from 0 to 2**31 - 1, got {self.n_buckets!r}"
            )
        if self.max_n and not self.n_buckets:
            raise ArgumentError("n_buckets must be at least 1 where max_n is not 0")
        for character, parts in (self.decomposition or {}).items():
            if len(character) != 1 or not isinstance(parts, str):
                raise ArgumentError(
                    f"decomposition must map single characters to strings, got {character!r}: {parts!r}"
                )

    def of(self, word: str) -> UInt32Array:
        """The buckets of the word's n-grams, in order; one that comes twice stands there twice."""
        data = np.frombuffer(word.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        return self.lists(data, np.array([0, len(data)], dtype=np.uint64))[1]

    def lists(self, data: UInt8Array, offsets: UInt64Array) -> tuple[UInt64Array, UInt32Array]:
        """For words (UTF-8 bytes, offsets [n + 1]): offsets [n + 1] of the lists, and the lists' buckets."""
        own = _core.subword_lists(data, offsets, min_n=self.min_n, max_n=self.max_n, n_buckets=self.n_buckets)
        if not self.decomposition:
            return own
        ends = offsets.tolist()
        parts = [self._parts(data[begin:end].tobytes()) for begin, end in pairwise(ends)]
        part_offsets = np.zeros(len(parts) + 1, dtype=np.uint64)
        np.cumsum([len(part) for part in parts], out=part_offsets[1:])
        found = _core.subword_lists(
            np.frombuffer(b"".join(parts), dtype=np.uint8),
            part_offsets,
            min_n=self.decomposition_min_n,
            max_n=self.decomposition_max_n,
            n_buckets=self.n_buckets,
            seed=_DECOMPOSITION_SEED,
        )
        # Of a word without a decomposition `<>` would be left.
        empty = np.diff(part_offsets) == 0
        return _joined(own, _without(found, empty))

    def _parts(self, word: bytes) -> bytes:
        table = self.decomposition or {}
        return "".join(table.get(character, "") for character in word.decode("utf-8", "replace")).encode()

    def settings(self) -> dict[str, object]:
        """The numbers, without the table."""
        found = asdict(self)
        del found["decomposition"]
        return found


class BucketRows:
    """From buckets to rows: row i is that of bucket `buckets[i]`, or of bucket i where that is None.

    pruned: the n-grams of other buckets do not count at all, where otherwise they count as zeros.
    """

    def __init__(self, buckets: UInt32Array | None, *, pruned: bool = False) -> None:
        self._missing = np.uint32(_core.NO_ROW if pruned else _core.ZERO_ROW)
        self._order = self._sorted = None
        if buckets is not None:
            self._order = np.argsort(buckets, kind="stable").astype(np.uint32)
            self._sorted = buckets[self._order]

    def __call__(self, buckets: UInt32Array) -> UInt32Array:
        """The row of each bucket, ZERO_ROW or NO_ROW where it has none."""
        if self._sorted is None or self._order is None:
            return buckets
        if not len(self._sorted):
            return np.full(len(buckets), self._missing, dtype=np.uint32)
        at = np.minimum(np.searchsorted(self._sorted, buckets), len(self._sorted) - 1)
        rows: UInt32Array = np.where(self._sorted[at] == buckets, self._order[at], self._missing)
        return rows


def mean_vectors(
    data: UInt8Array,
    offsets: UInt64Array,
    word_rows: Float32Array,
    ngram_rows: Float32Array,
    rule: SubwordRule,
    rows: BucketRows,
) -> Float32Array:
    """float32 [n, dim]: words (UTF-8 bytes, offsets [n + 1]) as means of their own row and their n-grams'."""
    out = np.empty_like(word_rows)
    n_words, step = len(word_rows), max(1, _BATCH // max(rule.max_n, rule.decomposition_max_n, 1))
    begin = 0
    while begin < n_words:
        # As many words as keep the lists below the limit; at least one.
        end = int(np.searchsorted(offsets, int(offsets[begin]) + step)) - 1
        end = min(max(end, begin + 1), n_words, begin + step)
        part = offsets[begin : end + 1]
        lists, buckets = rule.lists(data[int(part[0]) : int(part[-1])], part - part[0])
        _core.mean_rows(word_rows[begin:end], ngram_rows, lists, rows(buckets), out[begin:end])
        begin = end
    return out


def _without(
    lists: tuple[UInt64Array, UInt32Array], empty: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[UInt64Array, UInt32Array]:
    offsets, values = lists
    lengths = np.diff(offsets)
    kept = np.repeat(~empty, lengths.astype(np.int64))
    lengths[empty] = 0
    return _offsets(lengths), values[kept]


def _joined(
    a: tuple[UInt64Array, UInt32Array], b: tuple[UInt64Array, UInt32Array]
) -> tuple[UInt64Array, UInt32Array]:
    """List i of the result is that of a and then that of b."""
    n_a, n_b = np.diff(a[0]).astype(np.int64), np.diff(b[0]).astype(np.int64)
    offsets = _offsets(n_a + n_b)
    values = np.empty(len(a[1]) + len(b[1]), dtype=np.uint32)
    begins = offsets[:-1].astype(np.int64)
    for at, n, (own_offsets, own) in ((begins, n_a, a), (begins + n_a, n_b, b)):
        values[np.repeat(at - own_offsets[:-1].astype(np.int64), n) + np.arange(len(own))] = own
    return offsets, values


def _offsets(lengths: np.ndarray[tuple[int, ...], np.dtype[np.integer]]) -> UInt64Array:
    offsets = np.zeros(len(lengths) + 1, dtype=np.uint64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
