"""`Vectors`: words, one float32 row for each, and how they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, Int64Array, UInt32Array, UInt64Array
from qianru.errors import ArgumentError
from qianru.vectors.algebra import Neighbour, Searcher, cosine, odd_row
from qianru.vectors.checks import check_matrix, checked_counts, checked_k, checked_provenance
from qianru.vectors.folder import write_folder
from qianru.vectors.formats import read_any, write_format
from qianru.vectors.gensim_names import GensimNames, parts_of_gensim
from qianru.vectors.keys import Keys
from qianru.vectors.stored import Stored, fingerprint, with_step

Among: TypeAlias = Iterable[str] | Int64Array | Callable[[str], bool]


class Vectors(GensimNames):
    """Words and their vectors, from memory or mapped from a model folder; never changed once made.

    keys: distinct non-empty words, n of them. matrix: float32 [n, dim], C-contiguous, finite; it is not
    copied, so do not write to it afterwards. counts: how often each word occurred [n], or None. provenance:
    what made the vectors, anything that JSON can hold. biases: numbers of each word that belong to the model
    but not to its vector, float32 [n, m], or None. Raises ArgumentError, naming the argument, where one breaks
    its rule.
    """

    def __init__(
        self,
        keys: Sequence[str],
        matrix: Float32Array,
        *,
        counts: Sequence[int] | UInt64Array | None = None,
        provenance: Mapping[str, object] | None = None,
        biases: Float32Array | None = None,
    ) -> None:
        check_matrix(matrix)
        packed = keys if isinstance(keys, Keys) else Keys.from_words(keys)
        if len(packed) != len(matrix):
            raise ArgumentError(f"keys and matrix must agree: {len(packed)} keys, {len(matrix)} rows")
        bad = _core.first_row_not_finite(matrix)
        if bad >= 0:
            raise ArgumentError(f"matrix must be finite, got NaN or infinity in row {bad} ({packed[bad]!r})")
        if biases is not None and (
            biases.dtype != np.float32 or biases.ndim != 2 or len(biases) != len(packed)
        ):
            raise ArgumentError(
                f"biases must be float32 [{len(packed)}, m], got {biases.dtype} {biases.shape}"
            )
        made = checked_provenance(provenance)
        self._set(Stored(packed, matrix, checked_counts(counts, len(packed)), made, biases=biases))

    def _set(self, stored: Stored) -> None:
        self._stored = stored
        self._matrix = stored.matrix.view()
        self._matrix.flags.writeable = False
        self._searcher = Searcher(self._matrix)
        self._fingerprint = stored.fingerprint

    @classmethod
    def _from_stored(cls, stored: Stored) -> Vectors:
        made = cls.__new__(cls)
        made._set(stored)
        return made

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        verify: bool = False,
        errors: str = "strict",
        repair: bool = False,
        format: str | None = None,
    ) -> Vectors:
        """Open a model folder (mapped, in milliseconds) or a file of any known form, plain or gzip.

        What it is, is seen from the content, not from the name: word2vec, GloVe, .safetensors, .npy or .tsv
        with its words beside it (docs/reference/formats.md); format names it where that fails. verify: for a
        folder, read all of it and compare its fingerprint. errors: "strict" refuses words that are not UTF-8,
        "surrogateescape" keeps their bytes, "replace" puts U+FFFD for them and keeps the first of equal
        words. repair: mend what can be mended safely (byte order mark, wrong number of rows, torn last row,
        repeated words) and list it in the provenance. Raises FormatError with the byte offset.
        """
        return cls._from_stored(
            read_any(Path(path), verify=verify, errors=errors, repair=repair, format=format)
        )

    @classmethod
    def from_gensim(cls, model: object) -> Vectors:
        """The words and vectors of gensim's KeyedVectors, or of a model with one as `wv`; a copy.

        Raises ArgumentError.
        """
        words, matrix, counts = parts_of_gensim(model)
        kind = type(getattr(model, "wv", model)).__name__
        return cls(words, matrix, counts=counts, provenance={"format": f"gensim {kind}"})

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the model folder `path` (docs/reference/model-folder.md), whole or not at all.

        force: replace a model folder that stands there. Raises OutputError; what stood there is then
        untouched.
        """
        self._fingerprint = write_folder(Path(path), self._with_fingerprint(), force=force)

    def export(self, path: str | Path, *, format: str | None = None, force: bool = False) -> None:
        """Write a file of a foreign form, which has no place for counts and provenance.

        format: "binary" or "text" (word2vec), "glove", "safetensors", "npy" or "tsv" (with the words beside
        it), "gguf" or "spacy" (a folder), by default from the name; with .gz at the end it is compressed. Raises ArgumentError for words
        that the format cannot hold, OutputError if `path` exists without force or cannot be written.
        """
        write_format(Path(path), self._stored, format=format, force=force)

    @property
    def keys(self) -> Sequence[str]:
        """The words in row order; read on demand when mapped."""
        return self._stored.keys

    @property
    def counts(self) -> UInt64Array | None:
        """How often each word occurred [n], read-only, or None if that is not known."""
        return self._stored.counts

    @property
    def biases(self) -> Float32Array | None:
        """What the model keeps of each word beside its vector [n, m], read-only, or None.

        GloVe's are the biases b and b~ of its words and contexts.
        """
        if self._stored.biases is None:
            return None
        view = self._stored.biases.view()
        view.flags.writeable = False
        return view

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(self._matrix.shape[1])

    @property
    def provenance(self) -> Mapping[str, object]:
        """What made these vectors: settings, corpus, steps since; read-only."""
        return self._stored.provenance

    @property
    def fingerprint(self) -> str:
        """SHA-256 over shape, keys and matrix; taken when first asked for, or as saved in the folder."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self._stored.keys, self._matrix)
        return self._fingerprint

    def to_numpy(self) -> Float32Array:
        """The matrix [n, dim] itself, read-only, not a copy."""
        return self._matrix

    def index(self, word: str) -> int:
        """The row of the word. Raises UnknownWordError, naming close spellings."""
        return self._stored.keys.row(word)

    def rows(self, words: Iterable[str], *, unknown: str = "error") -> Int64Array:
        """The rows [n] of words; an unknown one raises UnknownWordError, or is -1 with unknown="skip"."""
        if isinstance(words, str):
            raise ArgumentError(f"words must be a sequence of words, got one str {words!r}")
        if unknown not in ("error", "skip"):
            raise ArgumentError(f'unknown must be "error" or "skip", got {unknown!r}')
        if unknown == "error":
            return self._stored.keys.rows(words)
        return np.fromiter((self._stored.keys.find(word) for word in words), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._matrix)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored.keys)

    def __contains__(self, word: object) -> bool:
        return word in self._stored.keys

    def __getitem__(self, words: str | Sequence[str]) -> Float32Array:
        """The vector [dim] of a word, a read-only view; the vectors [m, dim] of m words, a copy."""
        if isinstance(words, str):
            row: Float32Array = self._matrix[self.index(words)]
            return row
        picked: Float32Array = self._matrix[self.rows(words)]
        return picked

    def __repr__(self) -> str:
        return f"Vectors(n={len(self)}, dim={self.dim})"

    def similarity(self, a: str | Float32Array, b: str | Float32Array) -> float:
        """The cosine of two words or vectors [dim], -1 … 1; 0 where one is zero."""
        return cosine(self._vector(a), self._vector(b))

    @overload
    def similar(  # type: ignore[overload-overlap]  # a str is a sequence of str
        self,
        query: str,
        k: int = ...,
        *,
        among: Among | None = ...,
        exclude: Iterable[str] = ...,
        keep_query: bool = ...,
    ) -> list[Neighbour]: ...
    @overload
    def similar(
        self,
        query: Float32Array,
        k: int = ...,
        *,
        among: Among | None = ...,
        exclude: Iterable[str] = ...,
        keep_query: bool = ...,
    ) -> list[Neighbour] | list[list[Neighbour]]: ...
    @overload
    def similar(
        self,
        query: Sequence[str],
        k: int = ...,
        *,
        among: Among | None = ...,
        exclude: Iterable[str] = ...,
        keep_query: bool = ...,
    ) -> list[list[Neighbour]]: ...
    def similar(
        self,
        query: str | Float32Array | Sequence[str],
        k: int = 10,
        *,
        among: Among | None = None,
        exclude: Iterable[str] = (),
        keep_query: bool = False,
    ) -> list[Neighbour] | list[list[Neighbour]]:
        """The k words nearest by cosine, exactly, best first; equal scores in row order.

        query: a word, a vector [dim], or a batch: words, or vectors [m, dim]. A batch gives one list for each
        query, much faster than a loop and with the same result. among: only these words, or only these rows,
        or only words for which a function says so. exclude: never these words (unknown ones are passed over).
        A word asked for is not among its own neighbours unless keep_query. Fewer than k where no more are
        left. Raises UnknownWordError, ArgumentError.
        """
        k = checked_k(k)
        single = isinstance(query, str) or (isinstance(query, np.ndarray) and query.ndim == 1)
        if isinstance(query, np.ndarray):
            own: Int64Array = np.empty((1 if single else len(query), 0), dtype=np.int64)
            vectors = self._checked_vectors(query.reshape(1, -1) if single else query)
        else:
            own = self.rows([query] if isinstance(query, str) else query).reshape(-1, 1)
            vectors = self._matrix[own[:, 0]]
        if keep_query:
            own = own[:, :0]
        rows, scores = self._searcher.nearest(vectors, k, exclude=own, among=self._candidates(among, exclude))
        answers = self._neighbours(rows, scores.clip(-1, 1))
        return answers[0] if single else answers

    def analogy(
        self,
        a: str,
        b: str,
        c: str,
        k: int = 10,
        *,
        method: str = "add",
        among: Among | None = None,
        exclude: Iterable[str] = (),
    ) -> list[Neighbour]:
        """a is to b as c is to ? — the k best answers, best first; a, b and c themselves are left out.

        method: "add" scores by the cosine to b - a + c (3CosAdd; Mikolov, Yih & Zweig 2013), "mul" by the
        product of cosines (3CosMul; Levy & Goldberg 2014), whose scores are no cosines. among, exclude: as in
        `similar`.
        """
        triple = self.rows([a, b, c]).reshape(1, 3)
        candidates = self._candidates(among, exclude)
        return self._neighbours(
            *self._searcher.analogies(triple, checked_k(k), method=method, among=candidates)
        )[0]

    def analogies(
        self,
        triples: Sequence[tuple[str, str, str]] | Int64Array,
        k: int = 1,
        *,
        method: str = "add",
        among: Among | None = None,
    ) -> tuple[Int64Array, Float32Array]:
        """Many analogies at once, thousands a second: for m triples (a, b, c) of words, or of rows [m, 3].

        Returns rows int64 and scores float32, both [m, k]; row -1 where no word is left.
        """
        if isinstance(triples, np.ndarray):
            rows = self._checked_rows(triples)
        else:
            rows = self.rows([word for triple in triples for word in triple])
        if rows.size % 3 or (isinstance(triples, np.ndarray) and rows.shape[1:] != (3,)):
            raise ArgumentError(f"triples must be [m, 3], got shape {rows.shape}")
        candidates = self._candidates(among, ())
        return self._searcher.analogies(rows.reshape(-1, 3), checked_k(k), method=method, among=candidates)

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word that is on average the least similar to the others; at least three words."""
        rows = self.rows(words)
        if len(rows) < 3:
            raise ArgumentError(f"words must be at least three, got {len(rows)}")
        return words[odd_row(self._searcher.unit(rows))]

    def subset(self, words: Iterable[str]) -> Vectors:
        """New vectors of these words in this order, a copy. Raises UnknownWordError, ArgumentError."""
        rows = self.rows(words if isinstance(words, str) else list(words))
        return self.take_rows(rows, {"step": "subset", "n_keys": len(rows)})

    def take_rows(self, rows: Int64Array, step: Mapping[str, object]) -> Vectors:
        """New vectors of these rows in this order, a copy, with a step more in the provenance. Raises ArgumentError."""
        stored = self._stored
        return Vectors(
            [stored.keys[row] for row in self._checked_rows(rows).tolist()],
            self._matrix[rows],
            counts=None if stored.counts is None else stored.counts[rows],
            provenance=with_step(self.provenance, step),
            biases=None if stored.biases is None else stored.biases[rows],
        )

    def normalise(self) -> Vectors:
        """New vectors of length 1 with the same directions; zero rows stay zero."""
        return self.with_matrix(self._matrix * self._searcher.inverse_norms[:, None], {"step": "normalise"})

    def with_matrix(self, matrix: Float32Array, step: Mapping[str, object]) -> Vectors:
        """New vectors of the same words, float32 [n, any dim], with a step more in the provenance.

        Raises ArgumentError where the matrix breaks its rules.
        """
        return Vectors(
            self._stored.keys, matrix, counts=self.counts, provenance=with_step(self.provenance, step)
        )

    def _with_fingerprint(self) -> Stored:
        return replace(self._stored, fingerprint=self._fingerprint)

    def _neighbours(self, rows: Int64Array, scores: Float32Array) -> list[list[Neighbour]]:
        keys = self._stored.keys
        return [
            [Neighbour(keys[row], score) for row, score in zip(one, two, strict=True) if row >= 0]
            for one, two in zip(rows.tolist(), scores.tolist(), strict=True)
        ]

    def _vector(self, value: str | Float32Array) -> Float32Array:
        if isinstance(value, str):
            return self[value]
        row: Float32Array = self._checked_vectors(np.asarray(value).reshape(1, -1))[0]
        return row

    def _checked_vectors(self, vectors: Float32Array) -> Float32Array:
        if vectors.ndim != 2 or vectors.shape[1] != self.dim or vectors.dtype.kind not in "fiu":
            raise ArgumentError(
                f"a vector must be {self.dim} numbers long, got shape {vectors.shape}, {vectors.dtype}"
            )
        made = np.ascontiguousarray(vectors, dtype=np.float32)
        if not np.isfinite(made).all():
            raise ArgumentError("a vector must be finite, got NaN or infinity")
        return made

    def _checked_rows(self, rows: Int64Array) -> Int64Array:
        if rows.dtype.kind not in "iu" or (rows.size and not (rows.min() >= 0 and rows.max() < len(self))):
            raise ArgumentError(
                f"rows must be whole numbers from 0 to {len(self) - 1}, got {rows.dtype} {rows!r}"
            )
        return rows.astype(np.int64)

    def _candidates(self, among: Among | None, exclude: Iterable[str]) -> UInt32Array | None:
        """The rows that may answer, rising; None for all of them."""
        if isinstance(among, str) or isinstance(exclude, str):
            raise ArgumentError(
                "among and exclude must be collections of words, got one str", hint='write ["word"]'
            )
        if among is None:
            rows = None
        elif isinstance(among, np.ndarray):
            rows = np.unique(self._checked_rows(among))
        elif callable(among):
            rows = np.flatnonzero(
                np.fromiter((bool(among(key)) for key in self), dtype=np.bool_, count=len(self))
            )
        else:
            rows = np.unique(self.rows(among))
        banned = self.rows(exclude, unknown="skip")
        banned = banned[banned >= 0]
        if banned.size:
            rows = np.setdiff1d(np.arange(len(self)) if rows is None else rows, banned)
        return None if rows is None else rows.astype(np.uint32)
