"""Which sense of a word a sentence has (CoarseWSD-20; Loureiro et al. 2021): by the nearest training sentence.

A static model has one vector a word: all training sentences are equally near, so it cannot beat answering with the most
frequent sense, which is the zero line here.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import SenseExamples
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling, interval_of
from qianru.evaluate.result import Outcome, Result, encoder_policies, result, score
from qianru.vectors import Encoder

_BLOCK = 1024


def word_senses(
    encoder: Encoder, data: SenseExamples, *, seed: int = 1, n_bootstrap: int = DEFAULT_BOOTSTRAP
) -> Result:
    """Scores "accuracy" of the nearest neighbour by cosine (1-NN), and "macro F1", the mean F1 over the senses that the test
    sentences have or were answered with (scikit-learn's default).

    Where several training sentences are equally near, the most frequent sense among them is the answer. details has the
    accuracy of each sense, and a note counts the sentences whose sense no training sentence has. Raises
    ArgumentError where no sentence has a token in the word's place.
    """
    checked_resampling(seed, n_bootstrap)
    train = encoder.encode_spans([one[0] for one in data.train], [one[1:3] for one in data.train])
    test = encoder.encode_spans([one[0] for one in data.test], [one[1:3] for one in data.test])
    if train.is_empty.all() or test.is_empty.all():
        raise ArgumentError(
            f"{data.name}: the model has no token where the word stands",
            hint="check that model and test are of one language, spelled alike",
        )
    names, labels = np.unique([one[3] for one in (*data.train, *data.test)], return_inverse=True)
    of_train, gold = labels[: len(data.train)], labels[len(data.train) :]
    answers = nearest_labels(_unit(test.vectors), _unit(train.vectors), of_train, len(names))
    right = (answers == gold).astype(np.float64)
    shares, f1, once = Shares(right), _MacroF1(answers, gold), np.ones((1, len(right)))
    frequent = int(np.bincount(of_train, minlength=len(names)).argmax())
    zero = float((gold == frequent).mean())
    present = np.unique(gold)
    by_sense = {
        str(names[label]): {"n": int((gold == label).sum()), "accuracy": float(right[gold == label].mean())}
        for label in present
    }
    n_unlearned = int((~np.isin(gold, of_train)).sum())
    notes = (
        [f"{n_unlearned} of the sentences have a sense that no training sentence has"] if n_unlearned else []
    )
    return result(
        "word senses",
        data,
        encoder_policies(encoder),
        [
            score(
                "accuracy",
                shares.value,
                len(right),
                shares.interval(n_bootstrap=n_bootstrap, seed=seed),
                zero_line=zero,
            ),
            score(
                "macro F1",
                float(f1(once)[0]),
                len(right),
                interval_of(f1, len(right), n_bootstrap=n_bootstrap, seed=seed),
                zero_line=float(_MacroF1(np.full(len(gold), frequent), gold)(once)[0]),
            ),
        ],
        n_items=len(right),
        n_known=int((~test.is_empty).sum()),
        seed=seed,
        n_bootstrap=n_bootstrap,
        details={"n_train": len(of_train), "senses": by_sense, "zero_line": "most frequent sense"},
        notes=notes,
        outcome=Outcome(np.arange(len(right)), right),
    )


def nearest_labels(
    queries: Float64Array, points: Float64Array, labels: Int64Array, n_labels: int
) -> Int64Array:
    """The label of the point nearest to each query, by their products; of points equally near (to 1e-9), the label that
    most of them have."""
    answers = np.empty(len(queries), dtype=np.int64)
    for begin in range(0, len(queries), _BLOCK):
        products = queries[begin : begin + _BLOCK] @ points.T
        nearest = products >= products.max(axis=1, keepdims=True) - 1e-9
        votes = np.stack([nearest[:, labels == label].sum(axis=1) for label in range(n_labels)], axis=1)
        answers[begin : begin + _BLOCK] = votes.argmax(axis=1)
    return answers


def _unit(vectors: np.ndarray) -> Float64Array:
    made = vectors.astype(np.float64)
    norms = np.linalg.norm(made, axis=1, keepdims=True)
    found: Float64Array = made / np.where(norms > 0, norms, 1)
    return found


class _MacroF1:
    """The mean F1 over the senses asked for or answered, for weights [b, n] of the sentences."""

    def __init__(self, answers: Int64Array, gold: Int64Array) -> None:
        labels = np.union1d(answers, gold)
        self._answered = (answers[:, None] == labels).astype(np.float64)
        self._gold = (gold[:, None] == labels).astype(np.float64)

    def __call__(self, weights: Float64Array) -> Float64Array:
        hits = weights @ (self._answered * self._gold)
        either = weights @ (self._answered + self._gold)
        # A sense that a resample lacks does not count in it.
        f1 = np.divide(2 * hits, either, out=np.zeros_like(hits), where=either > 0)
        found: Float64Array = f1.sum(axis=1) / (either > 0).sum(axis=1)
        return found
