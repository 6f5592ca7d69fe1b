"""Probabilities that can be believed: one temperature, by which all scores are divided (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array, Int64Array

LOWEST, HIGHEST = 0.05, 20.0
_N_STEPS = 80
# Fewer examples say too little about it.
MIN_EXAMPLES = 20


def softmax(scores: Float64Array, temperature: float = 1.0) -> Float64Array:
    """Probabilities [n, n_labels] of scores divided by the temperature."""
    shifted = (scores - scores.max(axis=1, keepdims=True)) / temperature
    e = np.exp(shifted)
    found: Float64Array = e / e.sum(axis=1, keepdims=True)
    return found


def log_loss(scores: Float64Array, labels: Int64Array, temperature: float = 1.0) -> float:
    """The mean of -ln p of the true label."""
    scaled = scores / temperature
    top = scaled.max(axis=1)
    total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float((total - scaled[np.arange(len(labels)), labels]).mean())


def fit_temperature(scores: Float64Array, labels: Int64Array) -> float | None:
    """The temperature from 0.05 to 20 with the least log loss of scores float64 [n, n_labels] for labels int64 [n].

    None where it falls to 0.05: where every example has its label, surer probabilities are always better, but only on these
    examples. Where it falls to 20 that is what scores deserve which tell less than nothing.

    The loss is convex in 1 / T, so the place where its slope changes sign is found by halving.
    """
    above = scores - scores[np.arange(len(labels)), labels][:, None]

    def slope(inverse: float) -> float:
        # Not the difference of two means: that of scores which are always right must not round to above 0.
        return float((softmax(scores, 1 / inverse) * above).sum(axis=1).mean())

    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(high) <= 0:
        return None
    if slope(low) >= 0:
        return HIGHEST
    for _ in range(_N_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)
