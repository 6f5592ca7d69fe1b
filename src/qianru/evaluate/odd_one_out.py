"""Odd one out: of a few words, the one that is on average the least similar to the others.

Where several words are equally so, each has its share of the credit, as if one of them were drawn: one-hot vectors, for which
all words are, get what chance gives.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Categories, Triples
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling
from qianru.evaluate.result import Outcome, Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors

N_ALIKE = 4
N_SETS = 1000


def odd_one_out(
    model: Vectors | Space,
    data: Triples | Categories,
    *,
    n_alike: int = N_ALIKE,
    n_sets: int = N_SETS,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Share of sets whose odd word is found ("odd one out"); for triples also how often the nearer word is nearer ("nearer").

    Triples are sets of three. From categories n_sets sets are drawn, n_alike words of one category and one of
    another; which ones depends on data and seed alone, so that models are asked the same; details["sets_fingerprint"] is a
    hash of them. m words that tie for odd have 1/m of the credit each, two that tie for nearer half. Raises ArgumentError
    where no set is known whole.

    Sets with the same odd word (of drawn ones) or the same anchor (of triples) share words and are not independent: intervals and
    comparisons take them together.
    """
    checked_resampling(seed, n_bootstrap)
    if n_alike < 2 or n_sets < 1:
        raise ArgumentError(f"n_alike must be at least 2 and n_sets at least 1, got {n_alike} and {n_sets}")
    space = space_of(model)
    sets = list(data.triples) if isinstance(data, Triples) else drawn_sets(data, n_alike, n_sets, seed)
    rows = space.table(sets, len(sets[0]))
    known = (rows >= 0).all(axis=1)
    if not known.any():
        raise ArgumentError(
            f"{data.name}: none of {len(rows)} sets has all its words in the model",
            hint="check that model and test are of one language, spelled alike",
        )
    counted = np.flatnonzero(known) if space.unknown == "skip" else np.arange(len(rows))
    right = np.zeros(len(rows))
    right[known] = _odd_is_last(space, rows[known])
    clusters = _clusters([one[0] if isinstance(data, Triples) else one[-1] for one in sets])
    scores = []
    # Sets with unknown words that count are wrong by chance too.
    known_share = known.sum() / len(counted)
    measured = [("odd one out", right, known_share / rows.shape[1])]
    details: dict[str, object] = {"words in a set": rows.shape[1]}
    if isinstance(data, Triples):
        near, far = space.cosines(rows[:, 0], rows[:, 1]), space.cosines(rows[:, 0], rows[:, 2])
        measured.append(("nearer", known * ((near > far) + 0.5 * (near == far)), known_share / 2))
    else:
        details["sets_fingerprint"] = hashlib.sha256(json.dumps(sets).encode()).hexdigest()
    for metric, values, chance in measured:
        shares = Shares(values[counted], None if clusters is None else clusters[counted])
        interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
        scores.append(score(metric, shares.value, len(counted), interval, zero_line=chance))
    return result(
        "odd one out",
        data,
        space,
        scores,
        n_items=len(rows),
        n_known=int(known.sum()),
        seed=seed,
        n_bootstrap=n_bootstrap,
        details=details,
        outcome=Outcome(counted, right[counted], clusters=clusters),
    )


def _clusters(words: list[str]) -> Int64Array | None:
    """A number for each word, equal ones alike; None where all differ."""
    numbers: Int64Array = np.unique(words, return_inverse=True)[1].astype(np.int64)
    return None if numbers.max() + 1 == len(words) else numbers


def drawn_sets(data: Categories, n_alike: int, n_sets: int, seed: int) -> list[tuple[str, ...]]:
    """n_sets sets of words, the odd one last, in no spelling a word of the others' category.

    Raises ArgumentError if no category has n_alike words and others beside them.
    """
    groups: dict[str, list[str]] = {}
    for word, label in dict.fromkeys(data.words):
        groups.setdefault(label, []).append(word)
    others: dict[str, list[str]] = {}
    for label, words in groups.items():
        # A word can be in several categories.
        own = {word.upper() for word in words}
        others[label] = [word for one in groups.values() for word in one if word.upper() not in own]
    large = [label for label, words in groups.items() if len(words) >= n_alike and others[label]]
    if not large:
        raise ArgumentError(
            f"{data.name}: no category has {n_alike} words, and others that are not in it too",
            hint="ask for a smaller n_alike",
        )
    rng = np.random.default_rng(seed)
    sets = []
    for _ in range(n_sets):
        label = large[rng.integers(len(large))]
        odd = others[label]
        alike = rng.choice(len(groups[label]), n_alike, replace=False)
        sets.append((*(groups[label][i] for i in alike.tolist()), odd[rng.integers(len(odd))]))
    return sets


def _odd_is_last(space: Space, rows: Int64Array) -> Float64Array:
    """For each set [n, m] 1 where its last word alone is the least similar to the others, 1/k where k words tie with it."""
    units = space.unit(rows)
    cosines = np.einsum("nid,njd->nij", units, units)
    sums = np.round(cosines.sum(axis=2) - np.einsum("nii->ni", cosines), 12)
    least = sums == sums.min(axis=1, keepdims=True)
    found: Float64Array = least[:, -1] / least.sum(axis=1)
    return found
