"""The slow, plain twins: ranks, correlations, analogies and k-occurrence as their definitions say, one item at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def ranks(values: Sequence[float]) -> list[float]:
    """1 for the least; equal values share the mean of the places they take."""
    return [
        sum(1 for other in values if other < value) + (sum(1 for other in values if other == value) + 1) / 2
        for value in values
    ]


def pearson(a: Sequence[float], b: Sequence[float]) -> float:
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    products = math.fsum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    squares = [math.fsum((x - mean) ** 2 for x in side) for side, mean in ((a, mean_a), (b, mean_b))]
    return products / math.sqrt(squares[0] * squares[1]) if all(squares) else math.nan


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    return pearson(ranks(a), ranks(b))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = math.sqrt(a @ a) * math.sqrt(b @ b)
    return float(a @ b) / lengths if lengths else 0.0


def answer(matrix: np.ndarray, a: int, b: int, c: int, *, method: str, exclude: Sequence[int]) -> int:
    """The row that answers "a is to b as c is to ?"."""
    best, row = -math.inf, -1
    for candidate in range(len(matrix)):
        if candidate in exclude:
            continue
        to_a, to_b, to_c = (cosine(matrix[candidate], matrix[word]) for word in (a, b, c))
        if method == "add":
            value = to_b - to_a + to_c
        else:
            value = (1 + to_b) / 2 * (1 + to_c) / 2 / ((1 + to_a) / 2 + 1e-3)
        if value > best:
            best, row = value, candidate
    return row


def purity(clusters: Sequence[int], labels: Sequence[str]) -> float:
    right = 0
    for cluster in set(clusters):
        inside = [label for one, label in zip(clusters, labels, strict=True) if one == cluster]
        right += max(inside.count(label) for label in inside)
    return right / len(labels)


def mean_cosine_of_offsets(first: np.ndarray, second: np.ndarray) -> float:
    offsets = [
        b / math.sqrt(b @ b) - a / math.sqrt(a @ a)
        for a, b in zip(first.astype(np.float64), second.astype(np.float64), strict=True)
    ]
    return float(
        np.mean([cosine(x, y) for i, x in enumerate(offsets) for j, y in enumerate(offsets) if i != j])
    )
