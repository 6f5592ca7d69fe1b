"""Texts become windows that the model takes, and windows batches of nearly equal lengths.

Sorted by length, longest first, and packed: the tokens of a batch follow one another without padding, windows of equal
length form a group. So no time goes into padding, and what does not fit into memory shows at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qianru.arrays import BoolArray, Int64Array
from qianru.errors import ArgumentError
from qianru.tokens import TokenBatch

LONG = ("truncate", "window")


@dataclass(frozen=True)
class Group:
    """Windows of equal length: n of them from number `first` of the batch, tokens [begin, end)."""

    first: int
    n: int
    length: int
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows, as the model takes them, longest first.

    Attributes:
        ids: int64 [n_tokens], all windows' tokens with those put around them.
        lengths: int64 [n]; texts: int64 [n], which text each is of.
        keep_begin, keep_end: int64 [n], the tokens of the window whose vectors count.
        position: int64 [n], the place in the whole text, tokens around it included, of the first one that counts.
        is_last: bool [n], whether the text ends with this window.
        groups: of equal lengths.
    """

    ids: Int64Array
    lengths: Int64Array
    texts: Int64Array
    keep_begin: Int64Array
    keep_end: Int64Array
    position: Int64Array
    is_last: BoolArray
    groups: tuple[Group, ...]

    def halves(self) -> tuple[Batch, Batch]:
        """The same windows in two batches."""
        middle = len(self.lengths) // 2
        return self._part(0, middle), self._part(middle, len(self.lengths))

    def _part(self, first: int, last: int) -> Batch:
        ends = np.concatenate([[0], np.cumsum(self.lengths)])
        chosen = slice(first, last)
        return Batch(
            self.ids[ends[first] : ends[last]],
            self.lengths[chosen],
            self.texts[chosen],
            self.keep_begin[chosen],
            self.keep_end[chosen],
            self.position[chosen],
            self.is_last[chosen],
            _groups(self.lengths[chosen]),
        )


@dataclass(frozen=True)
class Rule:
    """How texts become windows. before, behind: ids put around each; limit: tokens a window may have, those included;
    long: of LONG; overlap: tokens that two windows share."""

    before: tuple[int, ...]
    behind: tuple[int, ...]
    limit: int
    long: str
    overlap: int

    def __post_init__(self) -> None:
        if self.long not in LONG:
            raise ArgumentError(f'long must be "truncate" or "window", got {self.long!r}')
        if self.room < 1:
            raise ArgumentError(
                f"max_tokens must be above {self.n_around}, the tokens around a text, got {self.limit}"
            )
        if not 0 <= self.overlap < self.room:
            raise ArgumentError(f"overlap must be from 0 to {self.room - 1} tokens, got {self.overlap}")

    @property
    def n_around(self) -> int:
        """Tokens put around a window."""
        return len(self.before) + len(self.behind)

    @property
    def room(self) -> int:
        """Tokens of the text that a window holds."""
        return self.limit - self.n_around


class Plan:
    """The windows of texts.

    Attributes:
        n_tokens, n_truncated: int64 [n_texts], tokens of each text that are read, and that are not.
    """

    def __init__(self, tokens: TokenBatch, rule: Rule) -> None:
        self._ids, self._rule = tokens.ids, rule
        lengths = np.diff(tokens.splits)
        room = rule.room
        over = np.flatnonzero(lengths > room)
        self.n_truncated = np.zeros(len(lengths), dtype=np.int64)
        texts = np.arange(len(lengths))
        begins, ends = tokens.splits[:-1].copy(), tokens.splits[1:].copy()
        n_before, n_behind = len(rule.before), len(rule.behind)
        keep_begin = np.zeros(len(lengths), dtype=np.int64)
        position = np.zeros(len(lengths), dtype=np.int64)
        is_last = np.ones(len(lengths), dtype=np.bool_)
        keep_end = np.minimum(lengths, room) + n_before + n_behind
        if rule.long == "truncate":
            self.n_truncated[over] = lengths[over] - room
            ends = np.minimum(ends, begins + room)
        elif len(over):
            made = [row for text in over.tolist() for row in self._windows(text, tokens.splits)]
            more = np.array(made, dtype=np.int64).T
            kept = np.setdiff1d(texts, over)
            texts = np.concatenate([kept, more[0]])
            begins, ends = np.concatenate([begins[kept], more[1]]), np.concatenate([ends[kept], more[2]])
            keep_begin = np.concatenate([keep_begin[kept], more[3]])
            keep_end = np.concatenate([keep_end[kept], more[4]])
            position = np.concatenate([position[kept], more[5]])
            is_last = np.concatenate([is_last[kept], more[6] > 0])
        self.n_tokens = lengths - self.n_truncated
        order = np.argsort(begins - ends, kind="stable")
        self._rows = [array[order] for array in (texts, begins, ends, keep_begin, keep_end, position)]
        self._is_last = is_last[order]

    def __len__(self) -> int:
        """Windows."""
        return len(self._is_last)

    def _windows(self, text: int, splits: Int64Array) -> Iterator[tuple[int, ...]]:
        """(text, begin, end, keep_begin, keep_end, position, is_last) of each; two share `overlap` tokens, and each
        of those is taken from the window in which it has more on both sides."""
        start, n = int(splits[text]), int(splits[text + 1] - splits[text])
        rule, n_before = self._rule, len(self._rule.before)
        firsts = [*range(0, n - rule.room, rule.room - rule.overlap), n - rule.room]
        cuts = [0] + [(a + rule.room + b + 1) // 2 for a, b in itertools.pairwise(firsts)] + [n]
        for i, first in enumerate(firsts):
            is_first, is_last = i == 0, i == len(firsts) - 1
            begin = 0 if is_first else cuts[i] - first + n_before
            end = cuts[i + 1] - first + n_before + (len(rule.behind) if is_last else 0)
            position = 0 if is_first else cuts[i] + n_before
            yield text, start + first, start + first + rule.room, begin, end, position, int(is_last)

    def batches(self, n_tokens: int) -> Iterator[Batch]:
        """Batches of at most so many tokens, or of one window that has more."""
        texts, begins, ends, keep_begin, keep_end, position = self._rows
        lengths = ends - begins + self._rule.n_around
        total = np.cumsum(lengths)
        first = 0
        while first < len(lengths):
            before = int(total[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(total, before + n_tokens, side="right")))
            yield Batch(
                self._packed(begins[first:last], ends[first:last]),
                lengths[first:last],
                texts[first:last],
                keep_begin[first:last],
                keep_end[first:last],
                position[first:last],
                self._is_last[first:last],
                _groups(lengths[first:last]),
            )
            first = last

    def _packed(self, begins: Int64Array, ends: Int64Array) -> Int64Array:
        pieces = []
        before = np.array(self._rule.before, dtype=np.int64)
        behind = np.array(self._rule.behind, dtype=np.int64)
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            pieces += [before, self._ids[begin:end].astype(np.int64), behind]
        return np.concatenate(pieces)


def _groups(lengths: Int64Array) -> tuple[Group, ...]:
    """lengths fall, so equal ones stand together."""
    found, first, begin = [], 0, 0
    while first < len(lengths):
        length = int(lengths[first])
        n = int(np.searchsorted(-lengths[first:], -length, side="right"))
        found.append(Group(first, n, length, begin, begin + n * length))
        first, begin = first + n, begin + n * length
    return tuple(found)
