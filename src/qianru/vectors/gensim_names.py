"""gensim's names on `Vectors`, for code written for its KeyedVectors, and the way there and back.

gensim is imported only where it is asked for, by `to_gensim`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias, cast

import numpy as np

from qianru.arrays import Float32Array, UInt64Array
from qianru.errors import ArgumentError
from qianru.vectors.algebra import unit_rows
from qianru.vectors.keys import Keys

Weighted: TypeAlias = str | Float32Array | tuple[str | Float32Array, float]


class GensimNames:
    """Mixed into `Vectors`: what KeyedVectors is most often asked for, with the same answers.

    `self` is a `Vectors`, which this module cannot name: that one imports it.
    """

    @property
    def key_to_index(self: Any) -> Mapping[str, int]:
        """From word to row, a read-only mapping that takes no memory."""
        return _Rows(self.keys)

    @property
    def index_to_key(self: Any) -> Sequence[str]:
        """The words in row order: `keys`."""
        keys: Sequence[str] = self.keys
        return keys

    @property
    def vector_size(self: Any) -> int:
        """`dim`."""
        dim: int = self.dim
        return dim

    @property
    def vectors(self: Any) -> Float32Array:
        """The matrix [n, dim]: `to_numpy()`."""
        matrix: Float32Array = self.to_numpy()
        return matrix

    def most_similar(
        self: Any,
        positive: Weighted | Sequence[Weighted] | None = (),
        negative: Weighted | Sequence[Weighted] | None = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """The words nearest to the mean of the positive and minus the negative ones, all of length 1.

        A word, a vector (taken as long as it is), or either with a weight, which stands as it is given: ("cat", 2.0) among
        the positive ones, ("car", -0.5) among the negative ones. Words given are not among the answers. `similar` and
        `analogy` say the same shorter. Raises UnknownWordError, ArgumentError.
        """
        terms = [*_weighted(positive, 1.0, self.dim), *_weighted(negative, -1.0, self.dim)]
        if not terms:
            raise ArgumentError("positive and negative must hold at least one word or vector, got none")
        words = [term for term, _ in terms if isinstance(term, str)]
        rows = np.stack(
            [
                unit_rows(self[[term]])[0] if isinstance(term, str) else np.asarray(term, np.float32)
                for term, _ in terms
            ]
        )
        mean = np.array([weight for _, weight in terms], np.float32) @ rows / len(terms)
        found = self.similar(np.asarray(mean, dtype=np.float32), topn, exclude=words)
        return [(word, score) for word, score in found]

    def to_gensim(self: Any) -> Any:
        """gensim's KeyedVectors of the same words, a copy, with counts where they are known.

        Raises ArgumentError if gensim is not installed.
        """
        if importlib.util.find_spec("gensim") is None:
            raise ArgumentError("gensim is not installed", hint="pip install gensim")
        made = importlib.import_module("gensim.models.keyedvectors").KeyedVectors(self.dim, count=0)
        made.add_vectors(list(self.keys), self.to_numpy())
        if self.counts is not None:
            for word, count in zip(self.keys, self.counts.tolist(), strict=True):
                made.set_vecattr(word, "count", count)
        return made


class _Rows(Mapping[str, int]):
    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys if isinstance(keys, Keys) else Keys.from_words(keys)

    def __getitem__(self, word: str) -> int:
        row = self._keys.find(word) if isinstance(word, str) else -1
        if row < 0:
            raise KeyError(word)
        return row

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _weighted(
    given: Weighted | Sequence[Weighted] | None, sign: float, dim: int
) -> list[tuple[str | Float32Array, float]]:
    def has_weight(term: object) -> bool:
        return isinstance(term, tuple) and len(term) == 2 and isinstance(term[1], Real)

    if given is None:  # gensim's default
        return []
    is_one = isinstance(given, str) or (isinstance(given, np.ndarray) and given.ndim < 2) or has_weight(given)
    if is_one or not isinstance(given, Iterable):
        given = cast("Sequence[Weighted]", [given])
    found = []
    for each in given:
        term, weight = cast("tuple[str | Float32Array, float]", each if has_weight(each) else (each, sign))
        if not isinstance(term, (str, np.ndarray)):
            raise ArgumentError(
                f"positive and negative hold words and vectors, got {term!r}",
                hint='write ["cat", ("dog", 0.5)]',
            )
        if isinstance(term, np.ndarray) and (term.shape != (dim,) or term.dtype.kind not in "fiu"):
            raise ArgumentError(f"a vector must be {dim} numbers long, got shape {term.shape}, {term.dtype}")
        found.append((term, float(weight)))
    return found


def parts_of_gensim(model: Any) -> tuple[list[str], Float32Array, UInt64Array | None]:
    """Words, a copy of the matrix and counts or None, of a KeyedVectors or a model that has them as `wv`.

    Raises ArgumentError.
    """
    found = getattr(model, "wv", model)
    words, matrix = getattr(found, "index_to_key", None), getattr(found, "vectors", None)
    if not isinstance(words, list) or not isinstance(matrix, np.ndarray) or matrix.ndim != 2:
        raise ArgumentError(
            f"gensim vectors must have index_to_key and vectors, got {type(model).__name__}",
            hint="give a KeyedVectors of gensim 4, or a model with one as `wv`",
        )
    if len(words) != len(matrix):
        raise ArgumentError(f"gensim vectors hold {len(words)} words and {len(matrix)} rows")
    # Room that was made for words and not filled has none.
    filled = np.array([word is not None for word in words], np.bool_)
    if not filled.all():
        matrix = matrix[filled]
    counts = getattr(found, "expandos", {}).get("count")
    if counts is not None:
        if len(counts) != len(words):
            raise ArgumentError(f"gensim vectors hold {len(words)} words and {len(counts)} counts")
        counts = np.asarray(counts)[filled]
        if np.array_equal(counts, np.arange(len(counts), 0, -1)):
            counts = None  # the ranks that gensim puts down where a file tells no counts
    words = [str(word) for word in words if word is not None]
    return words, np.array(matrix, dtype=np.float32, order="C"), counts
