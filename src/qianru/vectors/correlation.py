"""Correlations of two lists of numbers: by value (Pearson), and by rank (Spearman 1904)."""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array


def ranks(values: Float64Array) -> Float64Array:
    """Ranks [n] from 1 up, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: Float64Array = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return found


def pearson(a: Float64Array, b: Float64Array) -> float:
    """Pearson's correlation of a and b [n]; NaN where one of them is constant."""
    return float(weighted_pearson(np.ones((1, len(a))), a, b)[0])


def spearman(a: Float64Array, b: Float64Array) -> float:
    """Spearman's rank correlation of a and b [n], ties at their mean rank; NaN where one of them is constant."""
    return pearson(ranks(a), ranks(b))


def weighted_pearson(weights: Float64Array, a: Float64Array, b: Float64Array) -> Float64Array:
    """Pearson's correlation for each row of weights [b, n]; a and b [n] or [b, n]; NaN where one is constant."""
    total = weights.sum(axis=1, keepdims=True)
    x = a - (weights * a).sum(axis=1, keepdims=True) / total
    y = b - (weights * b).sum(axis=1, keepdims=True) / total
    products, xx, yy = ((weights * one).sum(axis=1) for one in (x * y, x * x, y * y))
    # Rounding leaves a constant with a tiny spread.
    flat = (xx <= 1e-18 * np.abs(a).max(initial=1.0) ** 2 * total[:, 0]) | (
        yy <= 1e-18 * np.abs(b).max(initial=1.0) ** 2 * total[:, 0]
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(flat, np.nan, products / np.sqrt(xx * yy))
    return np.clip(found, -1, 1)
