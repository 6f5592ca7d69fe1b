"""How good a classifier is: accuracy, macro F1, and of each label precision, recall and F1, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Interval, resampled
from qianru.evaluate.result import Score, score
from qianru.static.classifier_report import make_report


@dataclass(frozen=True)
class LabelReport:
    """Of one label, with 95 % intervals: precision and recall are None where nothing was predicted, nothing is true."""

    precision: Score
    recall: Score
    f1: Score
    n_examples: int
    n_predicted: int


@dataclass(frozen=True)
class TextReport:
    """What a classifier gets right of n_examples; intervals are percentiles of resampled examples.

    macro_f1: mean of the F1 of the labels that stand in the examples. log_loss: mean of -ln p of the true label.
    calibration_error: as in `qianru.static.ClassifierReport`. confusion: int64 [n_labels, n_labels], true by predicted.
    majority: the accuracy of always saying the most frequent label.
    """

    n_examples: int
    accuracy: Score
    macro_f1: Score
    log_loss: float
    calibration_error: float
    majority: float
    labels: dict[str, LabelReport]
    confusion: Int64Array
    n_truncated: int = 0

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "n_examples": self.n_examples,
            "accuracy": self.accuracy.as_dict(),
            "macro_f1": self.macro_f1.as_dict(),
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
            "majority": self.majority,
            "labels": {
                name: {
                    "precision": one.precision.as_dict(),
                    "recall": one.recall.as_dict(),
                    "f1": one.f1.as_dict(),
                    "n_examples": one.n_examples,
                    "n_predicted": one.n_predicted,
                }
                for name, one in self.labels.items()
            },
            "confusion": self.confusion.tolist(),
            "n_truncated": self.n_truncated,
        }


def text_report(
    names: list[str],
    probabilities: Float64Array,
    truth: Int64Array,
    *,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
    seed: int = 1,
    n_truncated: int = 0,
) -> TextReport:
    """The report on probabilities float64 [n, n_labels] for true labels int64 [n]."""
    n, n_labels = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    is_true, is_predicted = np.eye(n_labels)[truth], np.eye(n_labels)[predicted]
    counted = np.hstack([is_true * is_predicted, is_predicted, is_true])
    present = is_true.any(axis=0)
    # Row 0 is the examples themselves, the others are resamples: of each label hits, predictions, examples.
    rows = np.vstack(
        [counted.sum(axis=0), *(weights @ counted for weights in resampled(n, n_bootstrap, seed))]
    )
    hit, said, there = np.split(rows, 3, axis=1)
    precision, recall, f1 = _share(hit, said), _share(hit, there), _share(2 * hit, said + there)
    held = f1[:, present]
    n_held = np.isfinite(held).sum(axis=1)
    macro = np.nansum(held, axis=1) / np.maximum(n_held, 1)
    labels = {
        name: LabelReport(
            _scored("precision", precision[:, i], n),
            _scored("recall", recall[:, i], n),
            _scored("f1", f1[:, i], n),
            int(there[0, i]),
            int(said[0, i]),
        )
        for i, name in enumerate(names)
    }
    plain = make_report(
        names, probabilities, [[int(label)] for label in truth], k=1, threshold=0.0, n_left_out=0
    )
    return TextReport(
        n,
        _scored("accuracy", hit.sum(axis=1) / n, n),
        _scored("macro F1", macro, n),
        plain.log_loss,
        plain.calibration_error,
        float(there[0].max() / n),
        labels,
        (is_true.T @ is_predicted).astype(np.int64),
        n_truncated,
    )


def _share(part: Float64Array, whole: Float64Array) -> Float64Array:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _scored(metric: str, values: Float64Array, n: int) -> Score:
    """The first value, with the middle 95 % of the others; no interval where one in twenty is not defined."""
    defined = values[1:][np.isfinite(values[1:])]
    interval = None
    if n > 1 and len(defined) and len(defined) * 20 >= (len(values) - 1) * 19:
        interval = Interval(*map(float, np.percentile(defined, [2.5, 97.5])))
    return score(metric, float(values[0]), n, interval)
