"""Test sets as values: what each kind holds, its rules, and a fingerprint over its items."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError


@dataclass(frozen=True)
class Dataset:
    """A named test set. kind: the word that files, folders and results use for it."""

    name: str
    kind: ClassVar[str] = ""

    def items(self) -> Iterable[Sequence[object]]:
        """The items in order, as JSON can hold them."""
        raise NotImplementedError

    def __len__(self) -> int:
        return sum(1 for _ in self.items())

    def sentences(self) -> list[tuple[str, ...]]:
        """The sentences of each item; empty for tests of single words."""
        return []

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over kind and items, whatever file and spacing they came in; the name is no part of it."""
        digest = hashlib.sha256(f"qianru dataset 1 {self.kind}\n".encode())
        for item in self.items():
            digest.update(json.dumps(item, ensure_ascii=True).encode() + b"\n")
        return digest.hexdigest()


def check_scored_pairs(name: str, n_pairs: int, scores: Sequence[float]) -> None:
    """Raises ArgumentError where no correlation with the scores could be taken."""
    if n_pairs != len(scores) or n_pairs < 2:
        raise ArgumentError(
            f"{name}: at least two pairs with a score each are needed, got {n_pairs} pairs, {len(scores)} scores"
        )
    if not all(map(math.isfinite, scores)):
        raise ArgumentError(f"{name}: scores must be finite")
    if len(set(scores)) == 1:
        raise ArgumentError(f"{name}: all scores are {scores[0]}: a correlation with them is undefined")


@dataclass(frozen=True)
class WordPairs(Dataset):
    """Word pairs with how alike people find them: pairs [n], scores [n], any scale, higher is more alike."""

    pairs: tuple[tuple[str, str], ...]
    scores: tuple[float, ...]
    kind: ClassVar[str] = "similarity"

    def __post_init__(self) -> None:
        check_scored_pairs(self.name, len(self.pairs), self.scores)

    def items(self) -> Iterable[Sequence[object]]:
        """(word, word, score)."""
        return ((a, b, one) for (a, b), one in zip(self.pairs, self.scores, strict=True))

    @property
    def gold(self) -> Float64Array:
        """The scores [n]."""
        return np.array(self.scores, dtype=np.float64)


@dataclass(frozen=True)
class Questions(Dataset):
    """Analogies by section, a is to b as c is to d. Sections named gram… are syntactic, the others semantic."""

    sections: Mapping[str, tuple[tuple[str, str, str, str], ...]]
    kind: ClassVar[str] = "analogy"

    def __post_init__(self) -> None:
        if not any(self.sections.values()):
            raise ArgumentError(f"{self.name}: no question in it")

    def items(self) -> Iterable[Sequence[object]]:
        """(section, a, b, c, d)."""
        return ((section, *one) for section, asked in self.sections.items() for one in asked)


@dataclass(frozen=True)
class Triples(Dataset):
    """(anchor, nearer, farther): the anchor is more alike to the second word, and the third is the odd one out."""

    triples: tuple[tuple[str, str, str], ...]
    kind: ClassVar[str] = "triples"

    def __post_init__(self) -> None:
        if not self.triples:
            raise ArgumentError(f"{self.name}: no triple in it")

    def items(self) -> Iterable[Sequence[object]]:
        """(anchor, nearer, farther)."""
        return self.triples


@dataclass(frozen=True)
class Categories(Dataset):
    """Words with the category that each belongs to."""

    words: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "categories"

    def __post_init__(self) -> None:
        n_labels = len({label for _, label in self.words})
        if n_labels < 2:
            raise ArgumentError(
                f"{self.name}: at least two categories are needed, got {n_labels}",
                hint="one class of words can be told from nothing",
            )

    def items(self) -> Iterable[Sequence[object]]:
        """(word, label)."""
        return self.words


@dataclass(frozen=True)
class Translations(Dataset):
    """(source word, target word); a word with several lines has several right answers."""

    pairs: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "dictionary"

    def __post_init__(self) -> None:
        if not self.pairs:
            raise ArgumentError(f"{self.name}: no pair in it")

    def items(self) -> Iterable[Sequence[object]]:
        """(source word, target word)."""
        return self.pairs


@dataclass(frozen=True)
class Association:
    """One WEAT: target words x and y, attribute words a and b. Is x to a as y is to b?"""

    name: str
    x: tuple[str, ...]
    y: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True)
class Associations(Dataset):
    """Word embedding association tests."""

    tests: tuple[Association, ...]
    kind: ClassVar[str] = "associations"

    def __post_init__(self) -> None:
        if not self.tests:
            raise ArgumentError(f"{self.name}: no test in it")
        names = [test.name for test in self.tests]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            # Scores and details are found by name.
            raise ArgumentError(
                f"{self.name}: each test must have a name of its own, got {names.count(twice)} named {twice!r}",
                hint="name each test in its own `: name` line",
            )

    def items(self) -> Iterable[Sequence[object]]:
        """(name, x, y, a, b)."""
        return ((t.name, t.x, t.y, t.a, t.b) for t in self.tests)


@dataclass(frozen=True)
class SentencePairs(Dataset):
    """Pairs of sentences with how alike people find them: pairs [n], scores [n], any scale, higher is more alike."""

    pairs: tuple[tuple[str, str], ...]
    scores: tuple[float, ...]
    kind: ClassVar[str] = "sentences"

    def __post_init__(self) -> None:
        check_scored_pairs(self.name, len(self.pairs), self.scores)

    def items(self) -> Iterable[Sequence[object]]:
        """(sentence, sentence, score)."""
        return ((a, b, one) for (a, b), one in zip(self.pairs, self.scores, strict=True))

    def sentences(self) -> list[tuple[str, ...]]:
        """The two sentences of each item."""
        return list(self.pairs)

    @property
    def gold(self) -> Float64Array:
        """The scores [n]."""
        return np.array(self.scores, dtype=np.float64)


def _named(labels: set[str], most: int = 5) -> str:
    shown = ", ".join(sorted(labels)[:most])
    return shown + (f" and {len(labels) - most} more" if len(labels) > most else "")


@dataclass(frozen=True)
class SenseExamples(Dataset):
    """Sentences with a word and the sense that it has there, to learn from and to be asked.

    Each is (sentence, start, end, sense), start and end being places in characters of the word.
    """

    word: str
    train: tuple[tuple[str, int, int, str], ...]
    test: tuple[tuple[str, int, int, str], ...]
    kind: ClassVar[str] = "senses"

    def __post_init__(self) -> None:
        n_senses = len({one[3] for one in self.train})
        if n_senses < 2 or not self.test:
            raise ArgumentError(
                f"{self.name}: two senses to learn and a sentence to ask are needed, got {n_senses} senses, "
                f"{len(self.test)} sentences"
            )
        if set(self.test) <= set(self.train):
            raise ArgumentError(
                f"{self.name}: every test sentence is also a training sentence",
                hint="test on sentences that were not learned from",
            )
        asked, learned = ({one[3] for one in part} for part in (self.test, self.train))
        if not asked & learned:
            raise ArgumentError(
                f"{self.name}: senses of the test must be among those to learn, got {_named(asked)} and {_named(learned)}",
                hint="check that both parts name the senses alike (classes_map.txt)",
            )

    def items(self) -> Iterable[Sequence[object]]:
        """(part, sentence, start, end, sense)."""
        return (
            (part, *one)
            for part, examples in (("train", self.train), ("test", self.test))
            for one in examples
        )

    def sentences(self) -> list[tuple[str, ...]]:
        """The sentence of each item."""
        return [one[:1] for one in (*self.train, *self.test)]


@dataclass(frozen=True)
class WordInContext(Dataset):
    """(word, sentence, sentence, start, end, start, end, same): does the word mean the same in both sentences?

    Starts and ends are places in characters of the word in its sentence.
    """

    uses: tuple[tuple[str, str, str, int, int, int, int, bool], ...]
    kind: ClassVar[str] = "context"

    def __post_init__(self) -> None:
        if not self.uses:
            raise ArgumentError(f"{self.name}: no item in it")

    def items(self) -> Iterable[Sequence[object]]:
        """As `uses`."""
        return self.uses

    def sentences(self) -> list[tuple[str, ...]]:
        """The two sentences of each item."""
        return [use[1:3] for use in self.uses]
