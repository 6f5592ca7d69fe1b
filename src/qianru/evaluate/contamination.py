"""Leaks: which items of a test have their sentences in the text that a model was trained on.

Sentences are compared after normalisation: NFKC, lower case, letters and digits alone. Text is cut at sentence ends and line ends, and
a sentence of the test at the same places; it counts as found when every piece of it that is long enough occurs as a whole
sentence. Pieces of fewer than 20 letters (8 where they are Han) may occur anywhere by chance and are passed over. Memory goes
with the test, not with the text: hashes of the test's pieces are kept, and the text streams by.
"""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Dataset
from qianru.progress import Progress, ProgressCallback

MIN_LETTERS = 20
MIN_HAN = 8
_ENDS = re.compile(r"[.!?。！？…\n\r]+")
_OTHERS = re.compile(r"[\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_N_SHOWN = 10


class Text(Protocol):
    """What `Corpus` has: lines in blocks of UTF-8, and with each the share of the text that has been read."""

    def blocks(self) -> Iterator[tuple[bytes, float]]:
        """Whole lines, each with a line feed behind it; and the share read, from 0 to 1."""


@dataclass(frozen=True)
class Contamination:
    """What of one dataset occurs in the text.

    n_found: of the n_items, those with every sentence in the text. n_partly: those with some, the others not there or too
    short to tell. n_short: those with no sentence long enough to tell. first: the numbers of the first items found, from 0.
    note: why there is nothing to check, for tests of words.
    """

    dataset: str
    dataset_fingerprint: str
    n_items: int
    n_found: int
    n_partly: int
    n_short: int
    first: tuple[int, ...] = ()
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "first": list(self.first)}


def pieces(sentence: str) -> list[str]:
    """The normalised sentences in it that are long enough to be no chance."""
    found = []
    for part in _ENDS.split(sentence):
        folded = part if part.isascii() else unicodedata.normalize("NFKC", part)
        bare = _OTHERS.sub("", folded.lower())
        if len(bare) >= MIN_LETTERS or (len(bare) >= MIN_HAN and len(_HAN.findall(bare)) >= MIN_HAN):
            found.append(bare)
    return found


def contamination(
    datasets: Sequence[Dataset], lines: Iterable[str] | Text, *, progress: ProgressCallback | None = None
) -> list[Contamination]:
    """Look for the sentences of the datasets in a text, lines or a `Corpus`, which is read once.

    progress: called after each block of a `Corpus` with stage "leaks". Raises ArgumentError for no dataset.
    """
    if not datasets:
        raise ArgumentError("datasets must hold at least one dataset, got none")
    asked = [[[pieces(sentence) for sentence in item] for item in data.sentences()] for data in datasets]
    wanted = {_hash(piece) for items in asked for item in items for sentence in item for piece in sentence}
    seen = _seen(wanted, _lines(lines, progress)) if wanted else set()
    return [_counted(data, items, seen) for data, items in zip(datasets, asked, strict=True)]


def _lines(text: Iterable[str] | Text, progress: ProgressCallback | None) -> Iterator[str]:
    if not hasattr(text, "blocks"):
        yield from text
        return
    begin, n_bytes = time.perf_counter(), 0
    for data, done in text.blocks():
        yield from data.decode().split("\n")[:-1]
        n_bytes += len(data)
        if progress is not None:
            took = max(time.perf_counter() - begin, 1e-9)
            left = took * (1 - done) / done if done else None
            progress(Progress("leaks", done, n_bytes / took, "B", seconds_left=left))


def _hash(piece: str) -> bytes:
    return hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _seen(wanted: set[bytes], lines: Iterable[str]) -> set[bytes]:
    seen: set[bytes] = set()
    for piece in _all_pieces(lines):
        key = _hash(piece)
        if key in wanted:
            seen.add(key)
    return seen


def _all_pieces(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from pieces(line)


def _counted(data: Dataset, items: list[list[list[str]]], seen: set[bytes]) -> Contamination:
    if not items:
        note = "a test of single words: there is no sentence to look for"
        return Contamination(data.name, data.fingerprint, len(data), 0, 0, 0, note=note)
    found, n_partly, n_short = [], 0, 0
    for number, item in enumerate(items):
        long = [sentence for sentence in item if sentence]
        there = [all(_hash(piece) in seen for piece in sentence) for sentence in long]
        if not long:
            n_short += 1
        elif all(there) and len(long) == len(item):
            found.append(number)
        elif any(there):
            n_partly += 1
    return Contamination(
        data.name, data.fingerprint, len(items), len(found), n_partly, n_short, tuple(found[:_N_SHOWN])
    )
