"""One-hot vectors: a dimension for each word, and nothing in common between any two.

The baseline that every embedding is measured against: all pairs are orthogonal, so no word is nearer to one
than to another, and the matrix grows with the square of the vocabulary unless only its ones are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from qianru.errors import ArgumentError, UnknownWordError
from qianru.static.sparse import SparseMatrix


class OneHot:
    """One-hot vectors of distinct words, kept as their rows. Raises ArgumentError for no word or equal ones."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._rows = {key: row for row, key in enumerate(self._keys)}
        if isinstance(keys, str) or not self._keys or len(self._rows) != len(self._keys):
            raise ArgumentError("keys must be distinct words, at least one", hint="Pass corpus.keys.")

    @property
    def keys(self) -> Sequence[str]:
        """The words in row order."""
        return self._keys

    @property
    def dim(self) -> int:
        """Numbers in a vector: one for each word."""
        return len(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    def index(self, word: str) -> int:
        """The row of the word, and its dimension. Raises UnknownWordError."""
        if word not in self._rows:
            raise UnknownWordError(word)
        return self._rows[word]

    def encode(self, words: Iterable[str]) -> SparseMatrix:
        """The vectors of m words, a single 1 in each of the rows: [m, dim]. Raises UnknownWordError."""
        columns = np.array([self.index(word) for word in words], np.uint32)
        n = len(columns)
        return SparseMatrix(np.arange(n + 1, dtype=np.uint64), columns, np.ones(n, np.float32), self.dim)

    def similarity(self, a: str, b: str) -> float:
        """The cosine: 1 for a word and itself, 0 for any other two. Raises UnknownWordError."""
        return float(self.index(a) == self.index(b))

    @property
    def n_bytes(self) -> int:
        """Memory of all vectors as the places of their ones, 4 bytes a word."""
        return one_hot_bytes(len(self))[0]

    @property
    def n_bytes_dense(self) -> int:
        """Memory of all vectors as a float32 matrix."""
        return one_hot_bytes(len(self))[1]


def one_hot_bytes(n_keys: int) -> tuple[int, int]:
    """Memory of the one-hot vectors of so many words: the places of the ones, and the float32 matrix."""
    return 4 * n_keys, 4 * n_keys * n_keys
