"""Words in context (WiC; Pilehvar & Camacho-Collados 2019): what a model with one vector a word can say there.

The word's vector is the same in both sentences, so every answer is "same". The share of items for which that is right is
the line that a contextual model has to be above.
"""

from __future__ import annotations

import numpy as np

from qianru.evaluate.datasets import WordInContext
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling
from qianru.evaluate.result import Outcome, Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors


def words_in_context(
    model: Vectors | Space, data: WordInContext, *, seed: int = 1, n_bootstrap: int = DEFAULT_BOOTSTRAP
) -> Result:
    """Score "accuracy" of always answering "same", which is all that one vector a word can do."""
    checked_resampling(seed, n_bootstrap)
    space = space_of(model)
    known = space.rows(use[0] for use in data.uses) >= 0
    right = np.array([float(use[7]) for use in data.uses])
    shares = Shares(right)
    interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
    return result(
        "words in context",
        data,
        space,
        [score("accuracy", shares.value, len(right), interval, zero_line=shares.value)],
        n_items=len(right),
        n_known=int(known.sum()),
        seed=seed,
        n_bootstrap=n_bootstrap,
        notes=["one vector a word is the same in both sentences: every answer is “same”, whatever the model"],
        outcome=Outcome(np.arange(len(right)), right),
    )
