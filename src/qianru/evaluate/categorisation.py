"""Categorisation: words are clustered by their vectors alone, and the clusters compared with people's categories.

Purity (Manning, Raghavan & Schütze 2008, section 16.3): the share of words whose category is the most frequent one of their
cluster. Clusters by k-means on vectors of length 1, the best of several starts, as many clusters as categories.
"""

from __future__ import annotations

import numpy as np

from qianru.arrays import Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.evaluate.datasets import Categories
from qianru.evaluate.intervals import DEFAULT_BOOTSTRAP, Shares, checked_resampling
from qianru.evaluate.result import Outcome, Result, result, score
from qianru.evaluate.space import Space, space_of
from qianru.vectors import Vectors
from qianru.vectors.clusters import k_means

N_STARTS = 10
# One-hot vectors of more words take a matrix too large for what they tell.
_MAX_ONE_HOT = 2000


def categorisation(
    model: Vectors | Space,
    data: Categories,
    *,
    n_starts: int = N_STARTS,
    seed: int = 1,
    n_bootstrap: int = DEFAULT_BOOTSTRAP,
) -> Result:
    """Score "purity" of k-means clusters; the interval resamples words, clusters and their categories standing.

    A word that the model does not know is left out, or with unknown="zero" counts as wrong. Raises ArgumentError where
    fewer than two categories have a known word.
    """
    checked_resampling(seed, n_bootstrap)
    if n_starts < 1:
        raise ArgumentError(f"n_starts must be at least 1, got {n_starts}")
    space = space_of(model)
    rows = space.rows(word for word, _ in data.words)
    known = rows >= 0
    names, labels = np.unique([label for _, label in data.words], return_inverse=True)
    present = np.unique(labels[known])
    if len(present) < 2:
        raise ArgumentError(
            f"{data.name}: {len(present)} of {len(names)} categories have a word in the model, two are needed",
            hint="check that model and test are of one language, spelled alike",
        )
    k = len(present)
    clusters = np.full(len(rows), -1)
    clusters[known] = k_means(space.unit(rows[known]), k, n_starts=n_starts, seed=seed)
    counted = np.flatnonzero(known) if space.unknown == "skip" else np.arange(len(rows))
    # A category chosen anew in each resample would fit it, and lie above the purity.
    right = _majority(clusters[counted], labels[counted])
    shares = Shares(right)
    interval = shares.interval(n_bootstrap=n_bootstrap, seed=seed)
    zero = None
    if known.sum() <= _MAX_ONE_HOT:
        blind = k_means(np.eye(int(known.sum())), k, n_starts=n_starts, seed=seed)
        # Unknown words that count are wrong for one-hot vectors too.
        zero = float(_majority(blind, labels[known]).sum() / len(counted))
    return result(
        "categorisation",
        data,
        space,
        [score("purity", shares.value, len(counted), interval, zero_line=zero)],
        n_items=len(rows),
        n_known=int(known.sum()),
        seed=seed,
        n_bootstrap=n_bootstrap,
        details={"n_clusters": k, "n_starts": n_starts},
        outcome=Outcome(counted, right),
    )


def _majority(clusters: Int64Array, labels: Int64Array) -> Float64Array:
    """1 for each word whose label is the most frequent one of its cluster; words in no cluster (-1) are wrong."""
    right = np.zeros(len(clusters))
    for cluster in np.unique(clusters[clusters >= 0]):
        here = clusters == cluster
        right[here] = labels[here] == np.bincount(labels[here]).argmax()
    return right
