"""Pairs of sentences that mean the same: TSV, JSON lines, or two files whose lines belong together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from qianru.arrays import Int64Array, UInt64Array
from qianru.errors import ArgumentError, CorpusError, FormatError
from qianru.transfer.examples import OVERLAPS, kind_of, read_texts, text_marks


@dataclass(frozen=True)
class SentencePairs:
    """n sentences and their translations. n_empty: pairs that were left out since one side is empty."""

    sources: list[str]
    targets: list[str]
    name: str = "the pairs"
    n_empty: int = 0

    def __len__(self) -> int:
        return len(self.sources)

    def chosen(self, places: Sequence[int]) -> SentencePairs:
        """Those at some places, in that order."""
        return SentencePairs([self.sources[i] for i in places], [self.targets[i] for i in places], self.name)


Pairs: TypeAlias = str | os.PathLike[str] | SentencePairs | Iterable[tuple[str, str]]


def read_sentence_pairs(
    path: str | os.PathLike[str], target: str | os.PathLike[str] | None = None
) -> SentencePairs:
    """Sentences and translations.

    path: without target, a file of `sentence TAB translation` lines (what stands behind a second tab is passed over), or JSON lines
    with "source" and "target" (.jsonl, .ndjson, .json), packed or not. With target: the sentences, one a line, whose translations are
    the lines of `target`.

    Raises CorpusError for a missing file, files of unequal length, or no pair; FormatError, naming the line.
    """
    name = os.fspath(path)
    if target is not None:
        sources, targets = (_lines(os.fspath(one)) for one in (path, target))
        if len(sources) != len(targets):
            raise CorpusError(
                f"{name} has {len(sources)} lines, and {os.fspath(target)} has {len(targets)}",
                hint="Line by line they must belong together.",
            )
        return _paired(sources, targets, name)
    lines = _lines(name)
    is_json = kind_of(name) == "jsonl"
    found = [
        _from_json(line, i, name) if is_json else _from_tsv(line, i, name)
        for i, line in enumerate(lines, 1)
        if line.strip()
    ]
    return _paired([one for one, _ in found], [one for _, one in found], name)


def as_sentence_pairs(pairs: Pairs, name: str = "pairs") -> SentencePairs:
    """Pairs from a path or from (sentence, translation). Raises as `read_sentence_pairs`."""
    if isinstance(pairs, SentencePairs):
        return pairs
    if isinstance(pairs, (str, os.PathLike)):
        return read_sentence_pairs(pairs)
    found = list(pairs)
    for i, pair in enumerate(found):
        if (
            not isinstance(pair, tuple | list)
            or len(pair) != 2
            or not all(isinstance(one, str) for one in pair)
        ):
            raise ArgumentError(f"{name} must be pairs of str; {name}[{i}] is {pair!r}"[:300])
    return _paired([pair[0] for pair in found], [pair[1] for pair in found], name)


def without_known(
    pairs: SentencePairs, seen: UInt64Array, overlap: str, *, what: str = "test"
) -> SentencePairs:
    """The pairs whose sentence was not trained on; overlap as for classifiers. Raises CorpusError, ArgumentError."""
    if overlap not in OVERLAPS:
        raise ArgumentError(f"overlap must be one of {', '.join(OVERLAPS)}, got {overlap!r}")
    shared = np.isin(text_marks(pairs.sources), seen)
    n = int(shared.sum())
    if overlap == "allow" or not n:
        return pairs
    if overlap == "refuse" or n == len(pairs):
        first = pairs.sources[int(np.flatnonzero(shared)[0])]
        raise CorpusError(
            f"{n} of {len(pairs)} {what} sentences of {pairs.name} are among the training sentences, as {first[:60]!r}",
            hint='overlap="drop" (--overlap drop) leaves them out.' if n < len(pairs) else "Give others.",
        )
    return pairs.chosen(np.flatnonzero(~shared).tolist())


def shared_groups(pairs: SentencePairs) -> Int64Array:
    """A number for each pair [n]; pairs that share a sentence on either side, or are linked by others that do, have the same one."""
    above = list(range(len(pairs)))

    def top(i: int) -> int:
        while above[i] != i:
            above[i] = i = above[above[i]]
        return i

    for texts in (pairs.sources, pairs.targets):
        first: dict[int, int] = {}
        for i, mark in enumerate(text_marks(texts).tolist()):
            above[top(i)] = top(first.setdefault(mark, i))
    return np.array([top(i) for i in range(len(pairs))], dtype=np.int64)


def _lines(name: str) -> list[str]:
    found: list[str] = []
    for _, text in read_texts(name):
        lines = text.replace("\r\n", "\n").split("\n")
        found += lines if lines[-1] else lines[:-1]
    return found


def _from_tsv(line: str, number: int, name: str) -> tuple[str, str]:
    parts = line.split("\t")
    if len(parts) < 2:
        raise FormatError(
            f"line {number} has no tab between sentence and translation: {line[:60]!r}",
            path=name,
            hint="two files, one for each language, are named with --target",
        )
    return parts[0], parts[1]


def _from_json(line: str, number: int, name: str) -> tuple[str, str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"line {number} is not valid JSON: {error}", path=name) from None
    found = [value.get(key) if isinstance(value, dict) else None for key in ("source", "target")]
    if not all(isinstance(one, str) for one in found):
        raise FormatError(f'line {number} has no texts "source" and "target"', path=name)
    return str(found[0]), str(found[1])


def _paired(sources: list[str], targets: list[str], name: str) -> SentencePairs:
    kept = [
        (one.strip(), other.strip())
        for one, other in zip(sources, targets, strict=True)
        if one.strip() and other.strip()
    ]
    if not kept:
        raise CorpusError(f"{name} holds no pair of sentences")
    return SentencePairs(
        [one for one, _ in kept], [other for _, other in kept], name, len(sources) - len(kept)
    )
