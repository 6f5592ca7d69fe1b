"""Stability: how many of a word's nearest words two models share, two runs of one training for example.

Overlap of the k nearest among the words that both models have (Wendlandt, Kummerfeld & Mihalcea 2018; Hellrich & Hahn 2016). Spaces
need not be aligned and may differ in dim.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling, interval_of
from qianru.evaluate.result import Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors
from qianru.vectors.algebra import Searcher

N_WORDS = 1000
N_COMMON = 20_000


def stability(
    model: Vectors | Space,
    other: Vectors | Space,
    *,
    k: int = 10,
    n_words: int = N_WORDS,
    n_common: int = N_COMMON,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Score "neighbours shared": the mean share over n_words words, spread evenly over the first n_common common words.

    Those common words alone are candidates. Words whose vector is zero in one of the models have no neighbours and are left
    out, with a note. Raises ArgumentError where fewer than k + 2 words are left.
    """
    checked_resampling(seed, n_bootstrap)
    one, two = space_of(model), space_of(other)
    rows = _common(one, two)[:n_common]
    is_zero = ~(one.matrix[rows[:, 0]].any(axis=1) & two.matrix[rows[:, 1]].any(axis=1))
    rows, n_zero = rows[~is_zero], int(is_zero.sum())
    if k < 1 or len(rows) < k + 2:
        raise ArgumentError(
            "k must be at least 1, and at least k + 2 words in common with a vector that is not zero are needed, "
            f"got k = {k} and {len(rows)} words",
            hint="check that the models are of one language, spelled alike",
        )
    asked = np.unique(np.linspace(0, len(rows) - 1, min(n_words, len(rows))).astype(np.int64))
    near = []
    for space, column in ((one, rows[:, 0]), (two, rows[:, 1])):
        common = np.ascontiguousarray(space.matrix[column])
        near.append(Searcher(common).nearest(common[asked], k, exclude=asked.reshape(-1, 1))[0])
    shared = (near[0][:, :, None] == near[1][:, None, :]).any(axis=2).mean(axis=1)
    interval = interval_of(
        lambda weights: (weights @ shared) / weights.sum(axis=1),
        len(asked),
        n_bootstrap=n_bootstrap,
        seed=seed,
    )
    least = np.argsort(shared, kind="stable")[:10].tolist()
    return result(
        "stability",
        None,
        one,
        [
            score(
                "neighbours shared", float(shared.mean()), len(asked), interval, zero_line=k / (len(rows) - 1)
            )
        ],
        n_items=len(asked),
        n_known=len(asked),
        seed=seed,
        n_bootstrap=n_bootstrap,
        details={
            "k": k,
            "n_common": len(rows),
            "other_fingerprint": two.vectors.fingerprint,
            "least stable": {one.vectors.keys[int(rows[asked[i], 0])]: float(shared[i]) for i in least},
        },
        notes=[
            "the zero line is what two unrelated models share by chance",
            *([f"{n_zero} words whose vector is zero in one of the models are left out"] if n_zero else []),
        ],
    )


def _common(one: Space, two: Space) -> Int64Array:
    """Rows [n, 2] of the words that both have, in the order of the first."""
    words = one.vectors.keys[: one.n_words]
    rows = np.stack([np.arange(one.n_words), two.rows(words)], axis=1)
    rows = rows[rows[:, 1] >= 0]
    # Spellings that the second model takes for one word count once.
    return rows[np.sort(np.unique(two.same(rows[:, 1]), return_index=True)[1])]
