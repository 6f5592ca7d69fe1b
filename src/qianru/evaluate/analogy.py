"""Analogies: a is to b as c is to ?, the answer searched exactly among all words.

3CosAdd: the word nearest to b - a + c (Mikolov, Yih & Zweig 2013); 3CosMul: the product of its cosines to b and c over that to a
(Levy & Goldberg 2014). The question words are left out of the candidates, as is usual; "with question words" leaves them
in, and tells how often the answer is b or c itself (Rogers, Drozd & Li 2017).
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import BoolArray, Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Questions
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling
from qianru.evaluate.result import Outcome, Result, Score, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors

METHODS = ("add", "mul")
_NAMES = {"add": "3CosAdd", "mul": "3CosMul"}
# The answer is looked for among the five best that are not rows of the question: other spellings of its words may come first.
N_CANDIDATES = 5


def analogy(
    model: Vectors | Space,
    data: Questions,
    *,
    methods: tuple[str, ...] = METHODS,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Shares of right answers: scores "3CosAdd" and "3CosMul", each also " semantic", " syntactic" and " with question words".

    methods: "add", "mul" or both. details["sections"] has every section. Intervals resample the questions' first pairs within
    a section, because questions that share one are not independent. Raises ArgumentError where no question has all its
    words in the model.
    """
    checked_resampling(seed, n_bootstrap)
    if not methods or set(methods) - set(METHODS):
        raise ArgumentError(f"methods must be some of {', '.join(METHODS)}, got {methods!r}")
    space = space_of(model)
    names = list(data.sections)
    questions = [question for name in names for question in data.sections[name]]
    section = np.repeat(np.arange(len(names)), [len(data.sections[name]) for name in names])
    rows = space.table(questions, 4)
    known: BoolArray = np.logical_and.reduce(rows >= 0, axis=1)
    if not known.any():
        raise ArgumentError(
            f"{data.name}: none of {len(rows)} questions has all its words in the model",
            hint="check that model and test are of one language, spelled alike",
        )
    counted = np.flatnonzero(known) if space.unknown == "skip" else np.arange(len(rows))
    clusters = _clusters(questions, section)
    syntactic = np.array([name.startswith("gram") for name in names])[section][counted]
    scores: list[Score] = []
    right_of: dict[str, Float64Array] = {}
    details: dict[str, object] = {}
    for method in methods:
        without, inside, copies = (one[counted] for one in _answers(space, rows, known, method))
        right_of[method] = without
        title = _NAMES[method]
        measured: list[tuple[str, Float64Array, BoolArray | None]] = [(title, without, None)]
        if syntactic.any() and not syntactic.all():
            measured += [
                (f"{title} semantic", without, ~syntactic),
                (f"{title} syntactic", without, syntactic),
            ]
        for metric, right, chosen in [*measured, (f"{title} with question words", inside, None)]:
            at = slice(None) if chosen is None else chosen
            shares = Shares(right[at], clusters[counted][at])
            interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
            scores.append(score(metric, shares.value, len(right[at]), interval, zero_line=0.0))
        details[f"{title}: share of answers that are b or c"] = float(copies.mean())
    details["sections"] = _by_section(names, section, known, counted, right_of)
    return result(
        "analogy",
        data,
        space,
        scores,
        n_items=len(rows),
        n_known=int(known.sum()),
        seed=seed,
        n_bootstrap=n_bootstrap,
        details=details,
        outcome=Outcome(counted, right_of[methods[0]], clusters=clusters),
    )


def _clusters(questions: list[tuple[str, str, str, str]], section: Int64Array) -> Int64Array:
    """A number [n] for each question: those of one section that begin with the same pair have the same."""
    numbers: dict[tuple[int, str, str], int] = {}
    keys = ((at, a, b) for at, (a, b, _, _) in zip(section.tolist(), questions, strict=True))
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(questions))


def _answers(
    space: Space, rows: Int64Array, known: BoolArray, method: str
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """For each question [n]: right without the question words, right with them, and whether b or c came first then."""
    found = np.full((len(rows), 3), 0.0)
    asked = rows[known]
    k = 3 + (1 if space.group is None else N_CANDIDATES)
    best, _ = space.searcher.questions(asked[:, :3], k, method=method)
    best, asked = space.same(best), space.same(asked)
    answer = asked[:, 3:]
    is_question = (best[:, :, None] == asked[:, None, :3]).any(axis=2)
    free = ~is_question & (best >= 0)
    first = np.where(free.any(axis=1), best[np.arange(len(best)), free.argmax(axis=1)], -1)
    found[known] = np.stack(
        [first == answer[:, 0], best[:, 0] == answer[:, 0], (best[:, :1] == asked[:, 1:3]).any(axis=1)],
        axis=1,
    )
    return found[:, 0], found[:, 1], found[:, 2]


def _by_section(
    names: list[str],
    section: Int64Array,
    known: BoolArray,
    counted: Int64Array,
    right_of: dict[str, Float64Array],
) -> dict[str, object]:
    table: dict[str, object] = {}
    for at, name in enumerate(names):
        here = section[counted] == at
        table[name] = {
            "n_items": int((section == at).sum()),
            "n_known": int(known[section == at].sum()),
            **{
                _NAMES[method]: float(right[here].mean()) if here.any() else None
                for method, right in right_of.items()
            },
        }
    return table
