"""Which tokens a masked language model is asked for, drawn anew each time a sequence is seen (Devlin et al. 2019;
whole words and dynamic masking as in RoBERTa, Liu et al. 2019, arXiv:1907.11692)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qianru.arrays import BoolArray, Int64Array

# Of the tokens that are asked for, so many are hidden, so many replaced by any other, and the rest shown as they are.
_HIDDEN, _REPLACED = 0.8, 0.1


@dataclass(frozen=True)
class Masked:
    """A batch with hidden tokens: inputs int64 [n, length]; places int64 [m] in the flattened batch, in order; targets
    int64 [m], the tokens that stood there."""

    inputs: Int64Array
    places: Int64Array
    targets: Int64Array


def mask_tokens(
    ids: Int64Array,
    fixed: BoolArray,
    begins: BoolArray | None,
    random: np.random.Generator,
    *,
    share: float,
    mask_id: int,
    ordinary: Int64Array,
) -> Masked:
    """Draw the tokens that are asked for.

    Args:
        ids: int64 [n, length].
        fixed: bool, as ids: never asked for (ends of lines, [CLS]).
        begins: bool, as ids: begins a word, and a word is asked for whole; None: each token is one. A word that reaches
            into the sequence from outside counts as a word.
        random: where the draws come from; equal ones give equal results.
        share: the chance of each word.
        ordinary: int64, the ids that a token may be replaced by.
    """
    n, length = ids.shape
    starts = np.ones(ids.shape, dtype=np.bool_) if begins is None else begins.copy()
    starts[:, 0] = True
    words = np.cumsum(starts.reshape(-1)) - 1
    chosen = random.random(n * length, dtype=np.float32)[words] < share
    chosen &= ~fixed.reshape(-1)
    places = np.flatnonzero(chosen)
    flat = ids.reshape(-1).copy()
    targets = flat[places]
    how = random.random(len(places), dtype=np.float32)
    others = ordinary[random.integers(0, len(ordinary), len(places))]
    flat[places] = np.where(how < _HIDDEN, mask_id, np.where(how < _HIDDEN + _REPLACED, others, targets))
    return Masked(flat.reshape(n, length), places, targets)
