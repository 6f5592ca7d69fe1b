"""What the report tells of a static model's words: their neighbours, maps of them, relations between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import UnknownWordError
from qianru.evaluate.analogy import N_CANDIDATES
from qianru.evaluate.datasets import Categories, Dataset, Questions
from qianru.evaluate.report_map import Plane, Projection, project
from qianru.evaluate.space import Space
from qianru.vectors import Neighbour, SubwordVectors

_N_DEFAULT_WORDS = 8
_MIN_MAPPED = 8
_MAX_IN_CATEGORY = 30
_MIN_PAIRS, _MAX_PAIRS = 3, 8


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


def neighbours(
    space: Space, subwords: SubwordVectors | None, text: str, k: int
) -> list[Neighbour] | tuple[str, ...]:
    """The k nearest of the space's words, of an unknown word by its n-grams if there are any; otherwise close spellings."""
    row = space.rows([text])
    if row[0] >= 0:
        found, cosines = space.searcher.nearest(space.matrix[row], k, exclude=row[:, None])
        pairs = zip(found[0].tolist(), cosines[0].tolist(), strict=True)
        return [Neighbour(space.vectors.keys[one], cosine) for one, cosine in pairs if one >= 0]
    if text in space.vectors:
        return ()  # beyond the words that exist here
    try:
        return (subwords or space.vectors).similar(text, k=k)
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
    # As `analogy` counts: other spellings of the question's words are no answers.
    k = 1 if space.group is None else N_CANDIDATES
    best = space.searcher.analogies(row[None, :3], k, method="add")[0][0]
    best = best[(best >= 0) & ~np.isin(space.same(best), space.same(row[:3]))][:1]
    is_right = bool(len(best)) and bool(space.same(best)[0] == space.same(row)[3])
    answer = space.vectors.keys[int(best[0])] if len(best) else "–"
    return Asked(section, questions[int(known[0])], answer, is_right)
