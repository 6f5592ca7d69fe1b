"""Bilingual dictionary induction: is the nearest word of the other language a translation?

Precision at 1 and 5 by cosine and by CSLS (Conneau et al. 2018), each source word counted once, any of its translations right.
Both models must lie in one space: `qianru align` turns one onto the other.
"""

from __future__ import annotations

import numpy as np

from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Translations
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling
from qianru.evaluate.result import Outcome, Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors
from qianru.vectors.align import METHODS, check_one_space, translation_ranks


def translation(
    model: Vectors | Space,
    target: Vectors | Space,
    data: Translations,
    *,
    methods: tuple[str, ...] = ("csls", "cosine"),
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Scores "csls at 1", "csls at 5", "cosine at 1", "cosine at 5" from the words of `model` to those of `target`.

    An item is a source word; it is known if it and one of its translations are. Of words that are one by the policy on case
    the first spelling alone is a candidate; details["n_target_words"] counts those. Raises ArgumentError where none is, or
    where the two models differ in dim, or the first was aligned to another model than the second.
    """
    checked_resampling(seed, n_bootstrap)
    if not methods or set(methods) - set(METHODS):
        raise ArgumentError(f"methods must be some of {', '.join(METHODS)}, got {methods!r}")
    source, other = space_of(model), space_of(target)
    if source.vectors.dim != other.vectors.dim:
        raise ArgumentError(
            f"both models must have one dim, got {source.vectors.dim} and {other.vectors.dim}",
            hint="bring them into one space first: qianru align",
        )
    check_one_space(source.vectors, other.vectors)
    rows = np.stack(
        [space.rows(pair[at] for pair in data.pairs) for at, space in enumerate((source, other))], axis=1
    )
    pairs = [
        (source.vectors.keys[left], other.vectors.keys[right])
        for left, right in rows.tolist()
        if left >= 0 and right >= 0
    ]
    if not pairs:
        raise ArgumentError(
            f"{data.name}: none of {len(rows)} pairs has both its words in the models",
            hint="the model comes first, then that of the language translated to",
        )
    words = list(dict.fromkeys(word for word, _ in data.pairs))
    own = source.rows(words).tolist()
    asked, candidates = _first_spellings(source), _first_spellings(other)
    scores, outcome, n_known = [], None, 0
    for method in methods:
        ranks = translation_ranks(asked, candidates, pairs, method=method)
        of_word = [ranks.get(source.vectors.keys[row]) if row >= 0 else None for row in own]
        known = np.array([rank is not None for rank in of_word])
        counted = np.flatnonzero(known) if source.unknown == "skip" else np.arange(len(words))
        n_known = int(known.sum())
        filled = np.array([5 if rank is None else rank for rank in of_word])[counted]
        for k in (1, 5):
            right = (filled < k).astype(np.float64)
            shares = Shares(right)
            interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
            # Unknown words that count are wrong by chance too.
            chance = min(1.0, k / len(candidates)) * n_known / len(counted)
            scores.append(score(f"{method} at {k}", shares.value, len(counted), interval, zero_line=chance))
            outcome = outcome or Outcome(counted, right)
    return result(
        "translation",
        data,
        source,
        scores,
        n_items=len(words),
        n_known=n_known,
        seed=seed,
        n_bootstrap=n_bootstrap,
        details={"target_fingerprint": other.vectors.fingerprint, "n_target_words": len(candidates)},
        outcome=outcome,
    )


def _first_spellings(space: Space) -> Vectors:
    """The words that the policies leave, each in its first spelling."""
    rows = np.arange(space.n_words)
    kept = rows[space.same(rows) == rows].tolist()
    if len(kept) == len(space.vectors):
        return space.vectors
    return space.vectors.subset([space.vectors.keys[row] for row in kept])
