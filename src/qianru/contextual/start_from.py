"""The embedding matrix of a new model, started from static vectors where they know a token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qianru.arrays import Float32Array
from qianru.vectors import Vectors


def start_from_vectors(matrix: Float32Array, texts: Sequence[str | None], vectors: Vectors) -> int:
    """Put the vectors of tokens into the rows of a matrix, float32 [n_tokens, dim]; returns how many were found.

    texts: of each token, None for one that is no text by itself; where the vectors lack it as it is, its lower case is
    looked up. Vectors that are longer than dim are turned to their first principal directions and cut; where they are
    shorter, the rest of a row stays as it is. They are scaled to the mean size of the numbers that stood there, because
    the model's other layers are made for that.
    """
    places, words = [], []
    for place, text in enumerate(texts):
        found = next((form for form in (text, text and text.lower()) if form and form in vectors), None)
        if found is not None:
            places.append(place)
            words.append(found)
    if not places:
        return 0
    rows = np.asarray(vectors[words], dtype=np.float64)
    dim = matrix.shape[1]
    if rows.shape[1] > dim:
        _, _, directions = np.linalg.svd(rows, full_matrices=False)
        rows = rows @ directions[:dim].T
    width = min(rows.shape[1], dim)
    before = np.sqrt(np.mean(np.square(matrix[places, :width], dtype=np.float64)))
    size = np.sqrt(np.mean(np.square(rows)))
    matrix[places, :width] = rows[:, :width] * (before / size if size else 1.0)
    return len(places)
