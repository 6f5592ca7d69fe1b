"""What the report tells of a model beside its tests: how it was made, how large and how quick it is, and what its words are like."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import UnknownWordError
from qianru.evaluate.datasets import Categories, Dataset, Questions
from qianru.evaluate.report_map import Plane, Projection, project
from qianru.evaluate.space import Space
from qianru.vectors import Neighbour, Vectors
from qianru.vectors.stored import of_corpus

BATCH = 256
_MAX_VALUE = 160
_MAX_DEPTH = 6
# Numbers for each epoch have a chart.
_CHARTED = ("loss_per_epoch", "pairs_per_epoch")
_N_DEFAULT_WORDS = 8
_MIN_MAPPED = 8
_MAX_IN_CATEGORY = 30
_MIN_PAIRS, _MAX_PAIRS = 3, 8


@dataclass(frozen=True)
class Measured:
    """Sizes in bytes and times in milliseconds; None for what has no file. rate: words a second in batches of BATCH."""

    on_disk: int | None
    in_memory: int
    open_ms: float | None
    query_ms: float
    rate: float


@dataclass(frozen=True)
class MapOf:
    """Words with a group each, on a plane. names: of the groups. dataset: whose categories the groups are, None for chosen words."""

    words: tuple[str, ...]
    groups: tuple[int, ...]
    names: tuple[str, ...]
    dataset: str | None
    plane: Plane


@dataclass(frozen=True)
class Relation:
    """Pairs of a section of questions as points [2 n, 2], both words of a pair one after the other; pairs the model knows."""

    section: str
    pairs: tuple[tuple[str, str], ...]
    points: Float64Array


@dataclass(frozen=True)
class Asked:
    """A question (a, b, c, expected) and the model's answer."""

    section: str
    question: tuple[str, str, str, str]
    answer: str
    is_right: bool


def losses(vectors: Vectors) -> tuple[float, ...]:
    """The recorded loss of each epoch; empty where none is, or what is recorded are no finite numbers."""
    found = vectors.provenance.get("loss_per_epoch")
    values = found if isinstance(found, list) else []
    if not all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and math.isfinite(one) for one in values
    ):
        return ()
    return tuple(float(one) for one in values)


def objective(vectors: Vectors) -> tuple[str, ...]:
    """What the loss measures: losses of models with the same are comparable."""
    settings = vectors.provenance.get("settings")
    known = settings if isinstance(settings, Mapping) else {}
    names = ("model", "loss", "negative", "window", "x_max", "alpha", "weighting")
    return (
        str(vectors.provenance.get("kind")),
        str(of_corpus(vectors.provenance, "fingerprint")),
        *(str(known.get(name)) for name in names),
    )


def settings_of(provenance: Mapping[str, object]) -> dict[str, str]:
    """Everything that is recorded, nested names joined by dots; long values are cut."""
    found: dict[str, str] = {}

    def add(name: str, value: object, depth: int) -> None:
        if isinstance(value, Mapping) and depth < _MAX_DEPTH:
            for key, item in value.items():
                if depth or key not in _CHARTED:
                    add(f"{name}.{key}" if name else str(key), item, depth + 1)
        elif (
            isinstance(value, list)
            and any(isinstance(item, Mapping) for item in value)
            and depth < _MAX_DEPTH
        ):
            for place, item in enumerate(value, 1):
                add(f"{name}.{place}", item, depth + 1)
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            found[name] = text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"

    add("", provenance, 0)
    return found


def measure(space: Space, path: Path | None) -> Measured:
    """Size and speed of a model; the time to open it where its path is known. Takes about a second for a large model."""
    vectors, rows = space.vectors, np.arange(space.n_words)
    drawn = np.random.default_rng(1).choice(rows, size=min(BATCH, len(rows)), replace=False)
    words = [vectors.keys[row] for row in drawn.tolist()]
    # The first search takes the lengths of all rows.
    vectors.similar(words[0], k=10)
    single = _median_seconds(lambda at: vectors.similar(words[at % len(words)], k=10), least=5, budget=0.2)
    batch = _median_seconds(lambda _: vectors.similar(words, k=10), least=2, budget=0.4)
    on_disk = opened = None
    if path is not None:
        files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
        on_disk = sum(one.stat().st_size for one in files)
        opened = 1e3 * _median_seconds(lambda _: Vectors.load(path), least=1, budget=0.2)
    return Measured(on_disk, len(vectors) * vectors.dim * 4, opened, 1e3 * single, len(words) / batch)


def _median_seconds(run: Callable[[int], object], *, least: int, budget: float) -> float:
    taken: list[float] = []
    while len(taken) < least or (sum(taken) < budget and len(taken) < 100):
        begin = time.perf_counter()
        run(len(taken))
        taken.append(time.perf_counter() - begin)
    return max(float(np.median(taken)), 1e-9)


def default_words(spaces: Sequence[Space]) -> list[str]:
    """Eight words that all models know, from frequent to rare: ranks evenly spaced by their logarithm."""
    first, others = spaces[0], spaces[1:]
    n = first.n_words
    chosen: list[str] = []
    for rank in np.geomspace(max(1, min(100, n // 20)), max(1, min(10_000, n - 1)), _N_DEFAULT_WORDS):
        for row in range(int(rank), n):
            text = first.vectors.keys[row]
            # One Latin letter is no word that tells much; one Han character is.
            fits = text.isalpha() and (len(text) > 2 or not text.isascii()) and text not in chosen
            if fits and all(text in other.vectors for other in others):
                chosen.append(text)
                break
    return chosen


def neighbours(space: Space, text: str, k: int) -> list[Neighbour] | tuple[str, ...]:
    """The k nearest words; close spellings where the word is unknown."""
    try:
        return space.vectors.similar(text, k=k)
    except UnknownWordError as error:
        return error.close


def map_of(
    space: Space,
    datasets: Sequence[Dataset],
    words: Sequence[str],
    *,
    projection: Projection,
    n_groups: int,
    seed: int,
) -> MapOf | None:
    """The words of the first categories of which the model knows enough, otherwise the chosen words, each with its nearest.

    None where there are not even so few. At most n_groups groups.
    """
    for data in datasets:
        if isinstance(data, Categories):
            known = _known_categories(space, data, n_groups)
            if len(known) > 1 and sum(map(len, known.values())) >= _MIN_MAPPED:
                return _mapped(space, known, data.name, projection, seed)
    near: dict[str, list[int]] = {}
    taken: set[int] = set()
    for text in words:
        row = int(space.rows([text])[0])
        if row < 0 or row in taken or len(near) == n_groups:
            continue
        found = space.searcher.nearest(space.matrix[[row]], 9, exclude=np.array([[row]]))[0][0].tolist()
        rows = [one for one in (row, *found) if one >= 0 and one not in taken]
        taken.update(rows)
        near[space.vectors.keys[row]] = rows
    return _mapped(space, near, None, projection, seed) if len(taken) >= _MIN_MAPPED else None


def _known_categories(space: Space, data: Categories, n_groups: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    taken: set[int] = set()
    for (_, label), row in zip(data.words, space.rows(one for one, _ in data.words).tolist(), strict=True):
        rows = found.setdefault(label, [])
        if row >= 0 and row not in taken and len(rows) < _MAX_IN_CATEGORY:
            taken.add(row)
            rows.append(row)
    largest = sorted((label for label in found if found[label]), key=lambda label: -len(found[label]))[
        :n_groups
    ]
    return {label: found[label] for label in found if label in largest}


def _mapped(
    space: Space, groups: Mapping[str, list[int]], dataset: str | None, projection: Projection, seed: int
) -> MapOf:
    rows = np.array([row for one in groups.values() for row in one], dtype=np.int64)
    numbers = tuple(number for number, one in enumerate(groups.values()) for _ in one)
    texts = tuple(space.vectors.keys[row] for row in rows.tolist())
    plane = project(space.unit(rows), projection, seed=seed)
    return MapOf(texts, numbers, tuple(groups), dataset, plane)


def turned(shown: MapOf, onto: MapOf) -> MapOf:
    """The map turned and mirrored, which changes no distance, so that words which both have lie alike (orthogonal Procrustes)."""
    there = {text: place for place, text in enumerate(onto.words)}
    both = [(place, there[text]) for place, text in enumerate(shown.words) if text in there]
    if len(both) < 3:
        return shown
    mine = shown.plane.points[[a for a, _ in both]]
    theirs = onto.plane.points[[b for _, b in both]]
    u, _, vt = np.linalg.svd((mine - mine.mean(axis=0)).T @ (theirs - theirs.mean(axis=0)))
    plane = Plane(shown.plane.points @ (u @ vt), shown.plane.share)
    return MapOf(shown.words, shown.groups, shown.names, shown.dataset, plane)


def sections_of(datasets: Sequence[Dataset]) -> dict[str, tuple[tuple[str, str, str, str], ...]]:
    """The sections of all sets of questions, under the set's name where there are several sets."""
    sets = [data for data in datasets if isinstance(data, Questions)]
    return {
        f"{data.name}: {name}" if len(sets) > 1 else name: questions
        for data in sets
        for name, questions in data.sections.items()
    }


def relation(space: Space, section: str, questions: Sequence[tuple[str, str, str, str]]) -> Relation | None:
    """The first known pairs of a section on their own plane; None where fewer than three are known."""
    pairs = dict.fromkeys(pair for a, b, c, d in questions for pair in ((a, b), (c, d)))
    rows = space.table(pairs, 2)
    rows = rows[(rows >= 0).all(axis=1) & (rows[:, 0] != rows[:, 1])][:_MAX_PAIRS]
    if len(rows) < _MIN_PAIRS:
        return None
    texts = tuple((space.vectors.keys[a], space.vectors.keys[b]) for a, b in rows.tolist())
    return Relation(section, texts, project(space.unit(rows.reshape(-1)), "pca", seed=1).points)


def asked(space: Space, section: str, questions: Sequence[tuple[str, str, str, str]]) -> Asked | None:
    """The first question of which the model knows all words, and its answer by 3CosAdd; None where there is none."""
    rows = space.table(questions, 4)
    known = np.flatnonzero((rows >= 0).all(axis=1))
    if not len(known):
        return None
    row: Int64Array = rows[known[0]]
    best = space.searcher.analogies(row[None, :3], 1, method="add")[0][0]
    is_right = bool(space.same(best)[0] == space.same(row)[3]) and int(best[0]) >= 0
    answer = space.vectors.keys[int(best[0])] if int(best[0]) >= 0 else "–"
    return Asked(section, questions[int(known[0])], answer, is_right)
