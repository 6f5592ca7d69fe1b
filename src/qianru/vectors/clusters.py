"""Clusters of points: k-means, and how well separated what it finds is.

k-means (Lloyd 1982), started by k-means++ (Arthur & Vassilvitskii 2007), the best of several starts. Silhouette (Rousseeuw
1987): (b - a) / max(a, b) of each point, a its mean distance to the others of its cluster, b that to the nearest other cluster.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array, Int64Array

_MAX_STEPS = 100


def k_means(points: Float64Array, k: int, *, n_starts: int, seed: int) -> Int64Array:
    """The cluster [n] of each point [n, dim], from the start with the least sum of squared distances."""
    rng = np.random.default_rng([seed, len(points)])
    best, least = np.zeros(len(points), dtype=np.int64), np.inf
    for _ in range(n_starts):
        clusters, spread = _lloyd(points, _spread_centres(points, k, rng))
        if spread < least - 1e-12:
            best, least = clusters, spread
    return best


def _spread_centres(points: Float64Array, k: int, rng: np.random.Generator) -> Float64Array:
    """k-means++: each further centre is a point drawn by its squared distance to the nearest so far."""
    chosen = [int(rng.integers(len(points)))]
    nearest = _squared(points, points[chosen])[:, 0]
    while len(chosen) < k:
        total = nearest.sum()
        drawn = rng.choice(len(points), p=nearest / total) if total > 0 else rng.integers(len(points))
        chosen.append(int(drawn))
        nearest = np.minimum(nearest, _squared(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _lloyd(points: Float64Array, centres: Float64Array) -> tuple[Int64Array, float]:
    clusters = np.full(len(points), -1)
    for _ in range(_MAX_STEPS):
        distances = _squared(points, centres)
        now = distances.argmin(axis=1)
        if (now == clusters).all():
            break
        clusters = now
        members = np.zeros((len(centres), len(points)))
        members[clusters, np.arange(len(points))] = 1
        sizes = members.sum(axis=1, keepdims=True)
        # A cluster that lost all its points keeps its centre.
        centres = np.where(sizes > 0, members @ points / np.maximum(sizes, 1), centres)
    return clusters, float(_squared(points, centres)[np.arange(len(points)), clusters].sum())


def _squared(points: Float64Array, centres: Float64Array) -> Float64Array:
    """Squared distances [n, k]."""
    found: Float64Array = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * points @ centres.T
    return np.maximum(found, 0)


def silhouettes(points: Float64Array, clusters: Int64Array) -> Float64Array:
    """The silhouette [n] of each point, -1 to 1, by squared distances; 0 for a point that is alone in its cluster.

    For points of length 1, squared distances are cosines from 1 down, doubled. Takes a matrix [n, n].
    """
    names, labels = np.unique(clusters, return_inverse=True)
    found = np.zeros(len(points))
    if len(names) < 2:
        return found
    members = np.zeros((len(points), len(names)))
    members[np.arange(len(points)), labels] = 1
    sizes = members.sum(axis=0)
    sums = _squared(points, points) @ members
    own = sizes[labels]
    inside = sums[np.arange(len(points)), labels] / np.maximum(own - 1, 1)
    means = sums / sizes
    means[np.arange(len(points)), labels] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    several = (own > 1) & (larger > 0)
    found[several] = ((outside - inside)[several]) / larger[several]
    return found
