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

    For points of length 1, squared distances are cosines from 1 down, doubled.
    """
    names, labels = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        return np.zeros(len(points))
    members = np.zeros((len(points), len(names)))
    members[np.arange(len(points)), labels] = 1
    sizes, squares = members.sum(axis=0), (points**2).sum(axis=1)
    # sum over y of |x - y|^2 = n |x|^2 + sum |y|^2 - 2 x (sum y): no matrix [n, n].
    sums = squares[:, None] * sizes + squares @ members - 2 * points @ (points.T @ members)
    sums = np.maximum(sums, 0)
    each, own = np.arange(len(points)), sizes[labels]
    inside = sums[each, labels] / np.maximum(own - 1, 1)
    means = sums / sizes
    means[each, labels] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    several = (own > 1) & (larger > 0)
    found: Float64Array = np.where(several, (outside - inside) / np.where(several, larger, 1), 0.0)
    return found


def mean_silhouette(values: Float64Array, clusters: Int64Array) -> float:
    """The mean over clusters of the mean silhouette of their points: a small cluster counts as much as a large one."""
    _, labels = np.unique(clusters, return_inverse=True)
    return float(np.mean(np.bincount(labels, weights=values) / np.bincount(labels)))


def merged(points: Float64Array, clusters: Int64Array, *, least: int) -> dict[int, Int64Array]:
    """Clusters [n] for each number of them, from that of `clusters` down to 1: the two with the nearest centres become one.

    Centroid linkage (Sokal & Michener 1958), begun with the clusters given instead of points. While a cluster has fewer than
    `least` points, one of the two is such a one.
    """
    _, labels = np.unique(clusters, return_inverse=True)
    found: dict[int, Int64Array] = {}
    while True:
        sizes = np.bincount(labels)
        found[len(sizes)] = labels.astype(np.int64)
        if len(sizes) == 1:
            return found
        members = np.zeros((len(sizes), len(points)))
        members[labels, np.arange(len(points))] = 1
        centres = members @ points / sizes[:, None]
        distances = _squared(centres, centres)
        np.fill_diagonal(distances, np.inf)
        if (small := sizes < least).any():
            distances[~small] = np.inf
        i, j = sorted(np.unravel_index(distances.argmin(), distances.shape))
        labels = np.where(labels == j, i, labels)
        labels = labels - (labels > j)
