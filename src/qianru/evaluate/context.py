"""Words in context (WiC; Pilehvar & Camacho-Collados 2019): does a word mean the same in two sentences?

A contextual model answers "same" where the cosine of the word's two vectors is above a threshold, which is learned on
training items, never on those that are scored. With one vector a word every answer is "same": the share of items for which
that is right is the line that a contextual model has to be above.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import BoolArray, Float64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import WordInContext
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling
from qianru.evaluate.result import Outcome, Result, encoder_policies, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Encoder, Vectors

N_FOLDS = 10
# Vectors are float32: numbers are off by 6e-8 of themselves, by several times that after the layers of a model, and so are
# cosines. 1e-6 is above all of this, and far below what tells texts apart: 1,000 pairs whose cosines spread over 0.1 lie
# 1e-4 from each other.
_PLACES = 6


def words_in_context(
    model: Vectors | Space | Encoder,
    data: WordInContext,
    *,
    train: WordInContext | None = None,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Score "accuracy".

    train: items to learn an encoder's threshold from; without them, each tenth of the items gets its threshold from the
    other nine. For Vectors nothing is learned. Raises ArgumentError where the training items are those that are scored,
    or where the model knows the word in none of the items.
    """
    checked_resampling(seed, n_bootstrap)
    gold = np.array([use[7] for use in data.uses], dtype=np.bool_)
    always = Shares(gold.astype(np.float64)).value
    if isinstance(model, (Vectors, Space)):
        space = space_of(model)
        known = space.rows(use[0] for use in data.uses) >= 0
        _check_known(data, known)
        right = gold.astype(np.float64)
        policies, n_known = space.policies, int(known.sum())
        notes = [
            "one vector a word is the same in both sentences: every answer is “same”, whatever the model"
        ]
        details: dict[str, object] = {}
    else:
        if train is not None and train.fingerprint == data.fingerprint:
            raise ArgumentError(
                f"{data.name}: the training items are those that are scored",
                hint="name another file, or leave train out: then folds are used",
            )
        cosines, known = _cosines(model, data)
        if train is None:
            fold_of = np.random.default_rng([seed, len(gold)]).permutation(len(gold)) % min(
                N_FOLDS, len(gold)
            )
            answers = np.zeros(len(gold), dtype=np.bool_)
            for fold in range(int(fold_of.max()) + 1):
                inside = fold_of == fold
                answers[inside] = cosines[inside] > threshold(cosines[~inside], gold[~inside])
            details = {"threshold": None, "learned_from": f"{min(N_FOLDS, len(gold))} folds of the items"}
        else:
            theirs, _ = _cosines(model, train)
            line = threshold(theirs, np.array([use[7] for use in train.uses], dtype=np.bool_))
            answers = cosines > line
            details = {"threshold": line, "learned_from": train.name, "train_fingerprint": train.fingerprint}
        right = (answers == gold).astype(np.float64)
        policies, n_known = encoder_policies(model), int(known.sum())
        notes = []
    shares = Shares(right)
    interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
    return result(
        "words in context",
        data,
        policies,
        [score("accuracy", shares.value, len(right), interval, zero_line=always)],
        n_items=len(right),
        n_known=n_known,
        seed=seed,
        n_bootstrap=n_bootstrap,
        details=details,
        notes=notes,
        outcome=Outcome(np.arange(len(right)), right),
    )


def threshold(cosines: Float64Array, same: BoolArray) -> float:
    """The line between two cosines above which answering "same" is right most often; the lowest such line."""
    order = np.argsort(cosines, kind="stable")
    values, gold = cosines[order], same[order]
    # With the first i items below the line: those of them that differ, and the others that are the same, are right.
    right = np.concatenate([[0], np.cumsum(~gold)]) + np.concatenate([[0], np.cumsum(gold[::-1])])[::-1]
    possible = np.concatenate([[True], values[1:] > values[:-1], [True]])
    best = int(np.argmax(np.where(possible, right, -1)))
    if best == 0:
        return float(values[0]) - 1.0 if len(values) else 0.0
    if best == len(values):
        return float(values[-1])
    return float((values[best - 1] + values[best]) / 2)


def _cosines(encoder: Encoder, data: WordInContext) -> tuple[Float64Array, BoolArray]:
    """The cosine of each item's two vectors [n], and whether both sentences have a token there.

    Raises ArgumentError where no item has.
    """
    first = encoder.encode_spans([use[1] for use in data.uses], [(use[3], use[4]) for use in data.uses])
    second = encoder.encode_spans([use[2] for use in data.uses], [(use[5], use[6]) for use in data.uses])
    known: BoolArray = ~(first.is_empty | second.is_empty)
    _check_known(data, known)
    return row_cosines(first.vectors, second.vectors), known


def _check_known(data: WordInContext, known: BoolArray) -> None:
    if not known.any():
        raise ArgumentError(
            f"{data.name}: the model knows the word in none of {len(known)} items",
            hint="check that model and test are of one language, spelled alike",
        )


def row_cosines(a: np.ndarray, b: np.ndarray) -> Float64Array:
    """The cosine of each row of a with that of b [n], float32; 0 where one is zero.

    Rounded to 6 places, so that what is equal but for the rounding of float32 has equal ranks.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    found: Float64Array = (a * b).sum(axis=1) / np.where(norms > 0, norms, 1)
    return np.round(found.clip(-1, 1), _PLACES)
