"""Sentence similarity (STS; Cer et al. 2017): the cosines of sentence vectors beside people's scores."""

from __future__ import annotations

import numpy as np

from qianru.errors import ArgumentError
from qianru.evaluate.context import row_cosines
from qianru.evaluate.datasets import SentencePairs
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, checked_resampling, interval_of
from qianru.evaluate.result import Outcome, Result, encoder_policies, result, score
from qianru.evaluate.similarity import Correlation
from qianru.vectors import Encoder
from qianru.vectors.correlation import pearson, spearman


def sentence_similarity(
    encoder: Encoder, data: SentencePairs, *, seed: int = 1, n_bootstrap: int = DEFAULT_BOOTSTRAP
) -> Result:
    """Scores "spearman" and "pearson". A sentence without a token has cosine 0 with any other, and lowers the coverage.

    Both are None, and a note says so, where the cosines are all equal but for the rounding of float32. The zero line is the
    correlation of the share of words that both sentences have (Jaccard), split at spaces, or of characters where there is
    none.

    Raises ArgumentError where no pair has a token in both sentences.
    """
    checked_resampling(seed, n_bootstrap)
    first = encoder.encode([one for one, _ in data.pairs])
    second = encoder.encode([other for _, other in data.pairs])
    known = ~(first.is_empty | second.is_empty)
    if not known.any():
        raise ArgumentError(
            f"{data.name}: no pair has a token that the model knows in both sentences",
            hint="check that model and test are of one language",
        )
    cosines, gold = row_cosines(first.vectors, second.vectors), data.gold
    shared = np.array([_shared(one, other) for one, other in data.pairs])
    scores = []
    for metric, of, ranked in (("spearman", spearman, True), ("pearson", pearson, False)):
        interval = interval_of(
            Correlation(cosines, gold, ranked=ranked), len(gold), n_bootstrap=n_bootstrap, seed=seed
        )
        zero = of(shared, gold)
        scores.append(
            score(metric, of(cosines, gold), len(gold), interval, zero_line=None if np.isnan(zero) else zero)
        )
    notes = []
    if scores[0].value is None:
        notes.append("correlation undefined: the cosines are all equal")
    cut = int((first.n_truncated + second.n_truncated > 0).sum())
    if cut:
        notes.append(f"{cut} pairs hold a sentence that was cut")
    return result(
        "sentence similarity",
        data,
        encoder_policies(encoder),
        scores,
        n_items=len(gold),
        n_known=int(known.sum()),
        seed=seed,
        n_bootstrap=n_bootstrap,
        notes=notes,
        outcome=Outcome(np.arange(len(gold)), cosines, gold),
    )


def _shared(one: str, other: str) -> float:
    a, b = (set(text.lower().split() if " " in text.strip() else text) for text in (one, other))
    return len(a & b) / max(len(a | b), 1)
