"""What a model's old words lost when it changed: their neighbours, and the answers to given probes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError
from qianru.vectors import Vectors
from qianru.vectors.correlation import spearman

Probes: TypeAlias = dict[str, list[tuple[str, ...]]]
_N_SHOWN = 20


@dataclass(frozen=True)
class WordDrift:
    """One old word: the share of its k nearest old words that it kept, and those that it lost."""

    word: str
    kept: float
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Drift:
    """Overlap of the k nearest words before and after, over `n_words` old words spread over all frequencies.

    kept: mean share of neighbours kept when only old words are looked at. It is 1 where no old row moved.
    kept_among_all: the same when new words may take the places of old ones.
    most: the words that kept least, first the worst.
    """

    k: int
    n_words: int
    kept: float
    kept_among_all: float
    most: tuple[WordDrift, ...]


@dataclass(frozen=True)
class Probe:
    """A test before and after. `n_before` of its `n` items were answerable before, `n_after` are now.

    kind: "analogies" and "nearer" (the first word is nearer to the second than to the third) in shares that
    are right, "similarity" in rank correlation (Spearman), "pairs" in the mean cosine.
    before, after: over the items answerable before; after_all: over all that are answerable now. None where
    there is no item.
    """

    kind: str
    n: int
    n_before: int
    n_after: int
    before: float | None
    after: float | None
    after_all: float | None


def measure_drift(before: Vectors, after: Vectors, *, n_words: int = 1000, k: int = 10) -> Drift:
    """Compare two models, the first rows of `after` being the words of `before` in the same order."""
    rows = np.unique(np.linspace(0, len(before) - 1, min(n_words, len(before))).astype(np.int64))
    words = [before.keys[row] for row in rows.tolist()]
    old = before.similar(words, k)
    among_old = after.similar(words, k, among=np.arange(len(before)))
    among_all = after.similar(words, k)
    changes, kept_all = [], []
    for word, was, now, now_all in zip(words, old, among_old, among_all, strict=True):
        names = [neighbour.word for neighbour in was]
        if names:
            still = {neighbour.word for neighbour in now}
            lost = tuple(name for name in names if name not in still)
            changes.append(WordDrift(word, 1 - len(lost) / len(names), lost))
            kept_all.append(len({neighbour.word for neighbour in now_all} & set(names)) / len(names))
    most = sorted((change for change in changes if change.lost), key=lambda change: change.kept)[:_N_SHOWN]
    return Drift(
        k,
        len(changes),
        float(np.mean([change.kept for change in changes])) if changes else 1.0,
        float(np.mean(kept_all)) if changes else 1.0,
        tuple(most),
    )


def read_probes(path: str | Path) -> Probes:
    """Probes from a file of lines, with tabs or spaces between the words, by kind.

    Four words are an analogy; a line that begins with `:` is a section's title. Two words and a number are a
    pair with its similarity, three words "the first is nearer to the second", two words a pair.
    Raises ArgumentError, naming the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ArgumentError(f"probes: cannot read {path}: {error.strerror}", hint="Check the path.") from None
    except UnicodeDecodeError as error:
        raise ArgumentError(f"probes: {path}, byte {error.start}: not valid UTF-8") from None
    probes: Probes = {}
    for number, line in enumerate(lines, 1):
        words = tuple(line.split("\t") if "\t" in line else line.split())
        if not line.strip() or line.startswith((":", "#")):
            continue
        kind = {2: "pairs", 3: "nearer", 4: "analogies"}.get(len(words))
        if kind == "nearer" and _is_number(words[2]):
            kind = "similarity"
        if kind is None or "" in words:
            raise ArgumentError(
                f"probes: {path}, line {number}: two to four words were expected, got {line[:60]!r}",
                hint="word word | word word score | word nearer farther | a b c d",
            )
        probes.setdefault(kind, []).append(words)
    if not probes:
        raise ArgumentError(f"probes: {path} holds no line with words")
    return probes


def measure_probes(before: Vectors, after: Vectors, probes: Probes) -> tuple[Probe, ...]:
    """Every kind of probe before and after."""
    results = []
    for kind, items in probes.items():
        score = _SCORES[kind]
        n_words = 2 if kind in ("pairs", "similarity") else len(items[0])
        known = [item for item in items if all(word in before for word in item[:n_words])]
        known_now = [item for item in items if all(word in after for word in item[:n_words])]
        results.append(
            Probe(
                kind,
                len(items),
                len(known),
                len(known_now),
                score(before, known) if known else None,
                score(after, known) if known else None,
                score(after, known_now) if known_now else None,
            )
        )
    return tuple(results)


def _cosines(vectors: Vectors, items: list[tuple[str, ...]], first: int, second: int) -> Float64Array:
    return np.array([vectors.similarity(item[first], item[second]) for item in items])


def _pairs(vectors: Vectors, items: list[tuple[str, ...]]) -> float:
    return float(_cosines(vectors, items, 0, 1).mean())


def _nearer(vectors: Vectors, items: list[tuple[str, ...]]) -> float:
    return float((_cosines(vectors, items, 0, 1) > _cosines(vectors, items, 0, 2)).mean())


def _similarity(vectors: Vectors, items: list[tuple[str, ...]]) -> float:
    found = spearman(_cosines(vectors, items, 0, 1), np.array([float(item[2]) for item in items]))
    return 0.0 if math.isnan(found) else found


def _analogies(vectors: Vectors, items: list[tuple[str, ...]]) -> float:
    rows, _ = vectors.analogies([(a, b, c) for a, b, c, _ in items])
    return float(np.mean(rows[:, 0] == vectors.rows([item[3] for item in items])))


_SCORES: dict[str, Callable[[Vectors, list[tuple[str, ...]]], float]] = {
    "pairs": _pairs,
    "nearer": _nearer,
    "similarity": _similarity,
    "analogies": _analogies,
}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
