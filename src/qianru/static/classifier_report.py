"""How good a classifier's predictions are: per label and over all, and whether its probabilities can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qianru.arrays import Float64Array, Int64Array

_N_BINS = 15


@dataclass(frozen=True)
class LabelScore:
    """Of one label: precision, recall and F1 (0 where undefined), and in how many examples it stands."""

    precision: float
    recall: float
    f1: float
    n_examples: int


@dataclass(frozen=True)
class ClassifierReport:
    """What `Classifier.evaluate` measured on n_examples.

    accuracy: the share whose best label is one of theirs. precision, recall, f1: over all predicted and all
    true labels together. macro_f1: the mean of the labels' F1. log_loss: mean of -ln p of a true label.
    calibration_error: mean distance between the best label's probability and how often it is right, in 15
    bins of equal width (Guo et al. 2017, arXiv:1706.04599). n_left_out: examples without a known label.
    """

    n_examples: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    macro_f1: float
    log_loss: float
    calibration_error: float
    labels: dict[str, LabelScore]
    n_left_out: int = 0


def make_report(
    names: list[str],
    probabilities: Float64Array,
    truth: list[list[int]],
    *,
    k: int,
    threshold: float,
    n_left_out: int,
) -> ClassifierReport:
    """probabilities: float64 [n, n_labels]; truth: the labels of each example, at least one."""
    n, n_labels = probabilities.shape
    true = np.zeros((n, n_labels), dtype=bool)
    for row, labels in enumerate(truth):
        true[row, labels] = True
    order: Int64Array = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    predicted = np.zeros_like(true)
    np.put_along_axis(predicted, order, True, axis=1)
    predicted &= probabilities >= threshold
    right = (true & predicted).sum(axis=0)
    n_predicted, n_true = predicted.sum(axis=0), true.sum(axis=0)
    scores = {
        name: _score(int(right[i]), int(n_predicted[i]), int(n_true[i])) for i, name in enumerate(names)
    }
    overall = _score(int(right.sum()), int(n_predicted.sum()), int(n_true.sum()))
    best = order[:, 0]
    hit = true[np.arange(n), best]
    first = np.array([labels[0] for labels in truth])
    return ClassifierReport(
        n_examples=n,
        accuracy=float(hit.mean()),
        precision=overall.precision,
        recall=overall.recall,
        f1=overall.f1,
        macro_f1=float(np.mean([score.f1 for score in scores.values() if score.n_examples])),
        log_loss=float(-np.log(np.maximum(probabilities[np.arange(n), first], 1e-30)).mean()),
        calibration_error=calibration_error(probabilities[np.arange(n), best], hit),
        labels=scores,
        n_left_out=n_left_out,
    )


def calibration_error(
    confidence: Float64Array, right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> float:
    """Expected calibration error of predictions with these probabilities [n], of which some are right [n]."""
    bins = np.minimum((confidence * _N_BINS).astype(np.int64), _N_BINS - 1)
    total = 0.0
    for i in range(_N_BINS):
        inside = bins == i
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(total)


def _score(n_right: int, n_predicted: int, n_true: int) -> LabelScore:
    precision = n_right / n_predicted if n_predicted else 0.0
    recall = n_right / n_true if n_true else 0.0
    f1 = 2 * precision * recall / (precision + recall) if n_right else 0.0
    return LabelScore(precision, recall, f1, n_true)
