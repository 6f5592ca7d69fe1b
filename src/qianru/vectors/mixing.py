"""Words of one space as mixtures of words of another, by how near they are in a third space that knows both.

A row for a new word is the weighted mean of the rows of old words; the weights are the sparsemax (Martins & Astudillo
2016) of the cosines to the nearest old words, as FOCUS does for the tokens of a new tokenizer (Dobler & de Melo 2023).
No rotation is needed: only weights cross from one space to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.vectors.algebra import unit_rows
from qianru.vectors.vectors import Vectors

_BLOCK = 512

# Places among the old words, int64 [m], and weights that add up to 1, float64 [m]; m may be 0.
Mixture: TypeAlias = tuple[Int64Array, Float64Array]
NOTHING: Mixture = (np.empty(0, np.int64), np.empty(0, np.float64))


def mixtures(
    new: Sequence[str], old: Sequence[str | None], vectors: Vectors, *, k: int = 10
) -> list[Mixture]:
    """For each new word a mixture of at most k old ones, empty where the vectors lack it.

    Places count in `old`; old words that are None or not in the vectors take no part.
    """
    places = [place for place, word in enumerate(old) if word is not None and word in vectors]
    wanted = [place for place, word in enumerate(new) if word in vectors]
    found = [NOTHING] * len(new)
    if not places or not wanted:
        return found
    matrix = vectors.to_numpy()
    known = unit_rows(np.ascontiguousarray(matrix[vectors.rows([cast(str, old[place]) for place in places])]))
    here = np.array(places, np.int64)
    k = min(k, len(places))
    for begin in range(0, len(wanted), _BLOCK):
        block = wanted[begin : begin + _BLOCK]
        rows = unit_rows(np.ascontiguousarray(matrix[vectors.rows([new[place] for place in block])]))
        cosines = (rows @ known.T).astype(np.float64)
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        for place, order, row in zip(block, nearest, cosines, strict=True):
            weights = sparsemax(row[order])
            found[place] = (here[order[weights > 0]], weights[weights > 0])
    return found


def sparsemax(scores: Float64Array) -> Float64Array:
    """The point of the simplex that is nearest to the scores [m]; many of its weights are 0."""
    falling = np.sort(scores)[::-1]
    sums = np.cumsum(falling)
    n = np.arange(1, len(scores) + 1)
    support = int(n[1 + n * falling > sums][-1])
    return cast(Float64Array, np.maximum(scores - (sums[support - 1] - 1) / support, 0.0))
