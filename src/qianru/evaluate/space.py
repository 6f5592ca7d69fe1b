"""The model under test: which of its words may answer, how a test's spelling finds them, and what an unknown word costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import numpy as np

from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.vectors import Vectors
from qianru.vectors.algebra import Searcher, unit_rows

Case: TypeAlias = Literal["ignore", "lower", "exact"]
Unknown: TypeAlias = Literal["skip", "zero"]
DEFAULT_RESTRICT_VOCAB = 300_000


class Space:
    """`Vectors` with the policies of an evaluation; every result repeats them.

    case: "ignore" compares words in upper case, the first of several spellings standing for all of them; "lower" puts
    the test's words in lower case and looks for exactly that; "exact" takes them as they are. unknown: an item
    with a word that is not found is left out ("skip"), or counts as a cosine of 0 or a wrong answer ("zero").
    restrict_vocab: only the first so many words exist, None for all; models keep their words by falling
    frequency. Raises ArgumentError.
    """

    def __init__(
        self,
        vectors: Vectors,
        *,
        case: Case = "ignore",
        unknown: Unknown = "skip",
        restrict_vocab: int | None = DEFAULT_RESTRICT_VOCAB,
    ) -> None:
        if case not in get_args(Case):
            raise ArgumentError(f"case must be one of {', '.join(get_args(Case))}, got {case!r}")
        if unknown not in get_args(Unknown):
            raise ArgumentError(f'unknown must be "skip" or "zero", got {unknown!r}')
        if restrict_vocab is not None and (isinstance(restrict_vocab, bool) or restrict_vocab < 1):
            raise ArgumentError(
                f"restrict_vocab must be at least 1, or None for all words, got {restrict_vocab!r}"
            )
        self.vectors = vectors
        self.case = case
        self.unknown = unknown
        self.restrict_vocab = restrict_vocab
        self.n_words = len(vectors) if restrict_vocab is None else min(len(vectors), int(restrict_vocab))
        self.matrix: Float32Array = vectors.to_numpy()[: self.n_words]
        self.searcher = Searcher(self.matrix)
        self._first_row, self.group = self._fold() if case == "ignore" else ({}, None)

    def _fold(self) -> tuple[dict[str, int], Int64Array | None]:
        """Upper-case spelling → first row; and for each row that first row, or None where no two rows share one."""
        first: dict[str, int] = {}
        folded = (word.upper() for word in self.vectors.keys[: self.n_words])
        group = np.fromiter(
            (first.setdefault(word, row) for row, word in enumerate(folded)), np.int64, self.n_words
        )
        return first, group if len(first) < self.n_words else None

    def rows(self, words: Iterable[str]) -> Int64Array:
        """The row of each word, -1 where it is not found."""
        if self.case == "ignore":
            return np.fromiter((self._first_row.get(word.upper(), -1) for word in words), dtype=np.int64)
        if self.case == "lower":
            words = (word.lower() for word in words)
        found = self.vectors.rows(list(words), unknown="skip")
        found[found >= self.n_words] = -1
        return found

    def table(self, items: Iterable[Iterable[str]], width: int) -> Int64Array:
        """Rows [n, width] of n items of `width` words."""
        return self.rows(word for item in items for word in item).reshape(-1, width)

    def same(self, rows: Int64Array) -> Int64Array:
        """The rows with every spelling of a word replaced by its first; -1 stays."""
        if self.group is None:
            return rows
        return np.where(rows >= 0, self.group[rows], -1)

    def unit(self, rows: Int64Array) -> Float64Array:
        """The vectors [..., dim] of rows that are known, of length 1 (a zero row stays zero), in float64."""
        wide = self.matrix[rows].astype(np.float64)
        lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
        units: Float64Array = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
        return units

    def cosines(self, a: Int64Array, b: Int64Array) -> Float64Array:
        """The cosine [n] of each row of `a` [n] with that of `b` [n]; 0 where either is unknown or zero.

        Rounded to 12 places, so that what is equal but for rounding has equal ranks.
        """
        known = (a >= 0) & (b >= 0)
        found = np.zeros(len(a))
        found[known] = np.einsum("ij,ij->i", self.unit(a[known]), self.unit(b[known]))
        return np.round(found.clip(-1, 1), 12)

    def unit_matrix(self, n: int) -> Float32Array:
        """The first n rows, of length 1."""
        return unit_rows(self.matrix[:n])

    @property
    def policies(self) -> Mapping[str, object]:
        """What every result repeats of this space."""
        return {
            "case": self.case,
            "unknown": self.unknown,
            "restrict_vocab": self.restrict_vocab,
            "n_words": self.n_words,
            "model_fingerprint": self.vectors.fingerprint,
        }


def space_of(model: Vectors | Space) -> Space:
    """A Space as it is; Vectors with the default policies."""
    if isinstance(model, Space):
        return model
    if not isinstance(model, Vectors):
        raise ArgumentError(f"model must be Vectors or a Space, got {type(model).__name__}")
    return Space(model)
