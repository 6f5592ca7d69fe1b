"""`SubwordVectors`: vectors of words and of their n-grams, so that a word nobody has seen gets one too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, cast

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, Int64Array, UInt32Array, UInt64Array
from qianru.errors import ArgumentError, FormatError, UnknownWordError
from qianru.vectors.algebra import Neighbour
from qianru.vectors.checks import check_matrix
from qianru.vectors.folder import read_folder, write_folder
from qianru.vectors.formats.fasttext import file_keys, looks_like_fasttext, read_fasttext
from qianru.vectors.formats.fasttext_model import FastTextArguments, FastTextModel
from qianru.vectors.formats.fasttext_write import write_fasttext
from qianru.vectors.formats.sniff import sniff
from qianru.vectors.keys import Keys, close_spellings
from qianru.vectors.stored import Stored, with_step
from qianru.vectors.subword_folder import FILE, read_subwords, write_subwords
from qianru.vectors.subword_rule import BucketRows, SubwordRule, mean_vectors
from qianru.vectors.vectors import Vectors

Source: TypeAlias = Literal["known", "subwords", "none"]
_BLOCK = 1 << 16  # rows compared together


def has_subwords(path: str | Path) -> bool:
    """Whether `SubwordVectors.load` opens what stands there: a folder with n-grams, or a file of fastText."""
    path = Path(path)
    return (path / FILE).is_file() if path.is_dir() else path.is_file() and sniff(path) == "fasttext"


class SubwordAnswer(NamedTuple):
    """A vector float32 [dim] and where it comes from; zeros where the source is "none"."""

    vector: Float32Array
    source: Source


class SubwordVectors:
    """Words, a row for each, and rows that their n-grams share (Bojanowski et al. 2017, arXiv:1607.04606).

    The vector of a known word is the mean of its row and those of its n-grams, that of any other word the
    mean of those of its n-grams. word_rows: float32 [n, dim]. ngram_rows: float32 [m, dim]; row i is that of
    bucket `buckets[i]`, or of bucket i where `buckets` is None; other buckets count as zeros, or not at all
    if `pruned`. output: float32 [n, dim], the rows that predicted the context words in training, or None.
    Raises ArgumentError.
    """

    def __init__(
        self,
        keys: Sequence[str],
        word_rows: Float32Array,
        ngram_rows: Float32Array,
        *,
        rule: SubwordRule,
        buckets: UInt32Array | None = None,
        pruned: bool = False,
        counts: Sequence[int] | UInt64Array | None = None,
        output: Float32Array | None = None,
        provenance: Mapping[str, object] | None = None,
    ) -> None:
        packed = keys if isinstance(keys, Keys) else Keys.from_words(keys)
        check_matrix(word_rows)
        self._set(rule, word_rows, ngram_rows, buckets, pruned, output)
        if len(packed) != len(word_rows):
            raise ArgumentError(f"keys and word_rows must agree: {len(packed)} keys, {len(word_rows)} rows")
        matrix = mean_vectors(packed.bytes, packed.offsets, word_rows, ngram_rows, rule, self._rows)
        told = {**(provenance or {}), "subwords": {**rule.settings(), "pruned": pruned}}
        self._vectors = Vectors(packed, matrix, counts=counts, provenance=told)

    def _set(
        self,
        rule: SubwordRule,
        word_rows: Float32Array,
        ngram_rows: Float32Array,
        buckets: UInt32Array | None,
        pruned: bool,
        output: Float32Array | None,
    ) -> None:
        n_expected = rule.n_buckets if buckets is None else len(buckets)
        if ngram_rows.shape != (n_expected, word_rows.shape[1]) or ngram_rows.dtype != np.float32:
            raise ArgumentError(
                f"ngram_rows must be float32 [{n_expected}, {word_rows.shape[1]}], "
                f"got {ngram_rows.dtype} {list(ngram_rows.shape)}"
            )
        if buckets is not None and len(buckets) and int(buckets.max()) >= rule.n_buckets:
            raise ArgumentError(f"buckets must be below n_buckets = {rule.n_buckets}, got {buckets.max()}")
        if output is not None and output.shape != word_rows.shape:
            raise ArgumentError(
                f"output must be {list(word_rows.shape)} as word_rows, got {list(output.shape)}"
            )
        self._rule, self._word_rows, self._ngram_rows = rule, word_rows, ngram_rows
        self._buckets, self._pruned, self._output = buckets, pruned, output
        self._rows = BucketRows(buckets, pruned=pruned)

    @classmethod
    def load(cls, path: str | Path, *, verify: bool = False, errors: str = "strict") -> SubwordVectors:
        """Open a model folder that `save` wrote (mapped), or a .bin or .ftz of fastText.

        verify, errors: as for `Vectors.load`. Raises FormatError, ArgumentError.
        """
        path = Path(path)
        if errors not in ("strict", "replace"):
            raise ArgumentError(f'errors must be "strict" or "replace", got {errors!r}')
        if path.is_file():
            return cls._from_file(path, replace=errors == "replace")
        if not path.is_dir():
            raise ArgumentError(f"no such file or folder: {path}")
        stored = read_folder(path, verify=verify)
        parts = read_subwords(path, stored)
        made = cls.__new__(cls)
        made._set(parts.rule, parts.word_rows, parts.ngram_rows, parts.buckets, parts.pruned, parts.output)
        made._vectors = Vectors._from_stored(stored)
        return made

    @classmethod
    def _from_file(cls, path: Path, *, replace: bool) -> SubwordVectors:
        with path.open("rb") as file:
            if not looks_like_fasttext(file.read(64)):
                raise FormatError(
                    "not a file of fastText",
                    path=str(path),
                    offset=0,
                    hint="files of other formats hold no n-grams: open it with Vectors.load",
                )
        model = read_fasttext(path)
        if model.n_words == 0:
            raise FormatError("the file has no words", path=str(path))
        keys, kept, done = file_keys(model, path, replace=replace)
        word_rows = model.word_rows if kept is None else model.word_rows[kept]
        counts = model.counts[: model.n_words].astype(np.uint64)
        output = None if model.arguments.model == "supervised" else model.output
        made = cls.__new__(cls)
        pruned = model.quantised is not None
        made._set(
            model.rule(),
            word_rows,
            model.ngram_rows,
            model.buckets,
            pruned,
            output if kept is None or output is None else output[kept],
        )
        # Means are taken over the bytes of the file, which may not be UTF-8.
        matrix = model.word_vectors()
        told = {**model.provenance, **done, "subwords": {**made._rule.settings(), "pruned": pruned}}
        made._vectors = Vectors._from_stored(
            Stored(
                keys,
                matrix if kept is None else matrix[kept],
                counts if kept is None else counts[kept],
                MappingProxyType(cast(dict[str, object], json.loads(json.dumps(told)))),
            )
        )
        return made

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write a model folder; `Vectors.load` opens it as well, without the n-grams. Raises OutputError."""

        def more(folder: Path) -> None:
            write_subwords(folder, self._rule, self._word_rows, self._ngram_rows, self._buckets, self._output)

        stored = self._vectors._with_fingerprint()
        write_folder(Path(path), stored, force=force, more=more)

    def export(self, path: str | Path, *, force: bool = False) -> None:
        """Write fastText's .bin, version 12, with a row for every bucket; .vec and .txt hold the words alone.

        Raises ArgumentError where the format cannot hold the model (a decomposition table, a pruned model);
        OutputError.
        """
        path = Path(path)
        if path.suffix.lower() != ".bin":
            self._vectors.export(path, force=force)
            return
        if self._rule.decomposition or self._pruned:
            what = "n-grams of decompositions" if self._rule.decomposition else "a pruned model"
            raise ArgumentError(
                f"fastText's .bin cannot hold {what}", hint="export .vec, or keep the model folder (save)"
            )
        write_fasttext(path, self._as_file(), force=force)

    def _as_file(self) -> FastTextModel:
        keys = cast(Keys, self._vectors.keys)
        n_words, dim = self._word_rows.shape
        counts = self._vectors.counts
        settings = self.provenance.get("settings")
        told = settings if isinstance(settings, dict) else {}
        known = {
            name: told[name]
            for name in ("window", "epochs", "min_count", "negative", "sample")
            if name in told
        }
        made = np.ones(n_words, np.int64) if counts is None else counts.astype(np.int64)
        return FastTextModel(
            arguments=FastTextArguments(
                dim=dim,
                loss="hs" if told.get("loss") == "hs" else "ns",
                model="cbow" if told.get("model") == "cbow" else "skipgram",
                n_buckets=self._rule.n_buckets,
                min_n=self._rule.min_n,
                max_n=self._rule.max_n,
                **known,
            ),
            text=keys.bytes,
            offsets=keys.offsets,
            counts=made,
            n_words=n_words,
            n_tokens=int(made.sum()),
            word_rows=self._word_rows,
            ngram_rows=self._ngram_rows,
            buckets=self._buckets,
            output=np.zeros_like(self._word_rows) if self._output is None else self._output,
        )

    def with_words(self, vectors: Vectors, output: Float32Array | None = None) -> SubwordVectors:
        """These words with their vectors, and the n-grams of this model.

        A word that is here with that very vector keeps its own row; that of any other is set so that the mean over
        it and the n-grams' rows is its vector. output: float32 [n, dim], by default the rows that are here, and
        zeros for new words. Raises ArgumentError where dims differ.
        """
        if vectors.dim != self.dim:
            raise ArgumentError(f"vectors must have dim {self.dim}, got {vectors.dim}")
        matrix, rows_here = vectors.to_numpy(), self._vectors.rows(vectors.keys, unknown="skip")
        known = np.flatnonzero(rows_here >= 0)
        here, same = self._vectors.to_numpy(), np.zeros(len(vectors), np.bool_)
        for begin in range(0, len(known), _BLOCK):
            part = known[begin : begin + _BLOCK]
            bits, bits_here = matrix[part].view(np.uint32), here[rows_here[part]].view(np.uint32)
            same[part] = (bits == bits_here).all(axis=1)
        if output is None and self._output is not None:
            output = np.zeros_like(matrix)
            output[known] = self._output[rows_here[known]]
        word_rows = np.empty_like(matrix)
        word_rows[same] = self._word_rows[rows_here[same]]
        for row in np.flatnonzero(~same).tolist():
            rows = self._rows(self._rule.of(vectors.keys[row]))
            n_counted = int((rows != _core.NO_ROW).sum())
            total = self._ngram_rows[rows[rows < _core.NO_ROW]].sum(axis=0, dtype=np.float64)
            word_rows[row] = matrix[row] * (n_counted + 1.0) - total
        made = SubwordVectors.__new__(SubwordVectors)
        made._set(self._rule, word_rows, self._ngram_rows, self._buckets, self._pruned, output)
        told = {**vectors.provenance, "subwords": {**self._rule.settings(), "pruned": self._pruned}}
        made._vectors = Vectors(vectors.keys, matrix, counts=vectors.counts, provenance=told)
        return made

    def with_rows(
        self, word_rows: Float32Array, ngram_rows: Float32Array, step: Mapping[str, object]
    ) -> SubwordVectors:
        """The same words and n-grams with other rows, float32 [n, any dim] and [m, that dim], and a step more in the provenance.

        There is no `output` then. Raises ArgumentError where the rows break their rules.
        """
        here = self._vectors
        return SubwordVectors(
            here.keys, word_rows, ngram_rows, rule=self._rule, buckets=self._buckets, pruned=self._pruned,
            counts=here.counts, provenance=with_step(here.provenance, step),
        )  # fmt: skip

    @property
    def vectors(self) -> Vectors:
        """The known words and their vectors, with everything that can be asked of such."""
        return self._vectors

    @property
    def fingerprint(self) -> str:
        """SHA-256 over words, vectors and n-grams, in hexadecimal: two models that give any word another vector differ in it."""
        told = {**self._rule.settings(), "pruned": self._pruned, "vectors": self._vectors.fingerprint}
        digest = hashlib.sha256(f"qianru n-grams 1\n{json.dumps(told, sort_keys=True)}".encode())
        for part in (self._ngram_rows, self._buckets):
            if part is not None:
                digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    @property
    def rule(self) -> SubwordRule:
        """Which n-grams a word has."""
        return self._rule

    @property
    def word_rows(self) -> Float32Array:
        """Each known word's own row, float32 [n, dim]."""
        return self._word_rows

    @property
    def ngram_rows(self) -> Float32Array:
        """The rows that n-grams share, float32 [m, dim]."""
        return self._ngram_rows

    @property
    def buckets(self) -> UInt32Array | None:
        """The bucket of each row of n-grams [m]; None: row i is that of bucket i."""
        return self._buckets

    @property
    def pruned(self) -> bool:
        """Whether n-grams without a row do not count, instead of counting as zeros."""
        return self._pruned

    @property
    def output(self) -> Float32Array | None:
        """The rows that predicted the context words in training, float32 [n, dim], if they were kept."""
        return self._output

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._vectors.dim

    @property
    def provenance(self) -> Mapping[str, object]:
        """What made these vectors; read-only."""
        return self._vectors.provenance

    def __contains__(self, word: object) -> bool:
        return word in self._vectors

    def __len__(self) -> int:
        return len(self._vectors)

    def __repr__(self) -> str:
        return f"SubwordVectors(n={len(self)}, dim={self.dim}, n_ngram_rows={len(self._ngram_rows)})"

    def lookup(self, word: str) -> SubwordAnswer:
        """The vector of any word, and whether it was "known", is made of its "subwords", or there is "none"."""
        if not isinstance(word, str):
            raise ArgumentError(f"a word must be a str, got {type(word).__name__} {word!r}")
        if word in self._vectors:
            return SubwordAnswer(self._vectors[word], "known")
        rows = self._rows(self._rule.of(word)) if word else np.empty(0, dtype=np.uint32)
        out = np.zeros((1, self.dim), dtype=np.float32)
        if not len(self._ngram_rows) or not (rows < _core.NO_ROW).any():
            return SubwordAnswer(out[0], "none")
        _core.mean_rows(None, self._ngram_rows, np.array([0, len(rows)], dtype=np.uint64), rows, out)
        return SubwordAnswer(out[0], "subwords")

    def __getitem__(self, word: str) -> Float32Array:
        """The vector [dim] of a word, known or made of its n-grams. Raises UnknownWordError if it has none."""
        answer = self.lookup(word)
        if answer.source == "none":
            raise UnknownWordError(word, close=close_spellings(cast(Keys, self._vectors.keys), word))
        return answer.vector

    def matrix_of(self, words: Iterable[str]) -> tuple[Float32Array, list[Source]]:
        """The vectors float32 [n, dim] of words and the source of each; zeros where it is "none"."""
        answers = [self.lookup(word) for word in words]
        if not answers:
            return np.empty((0, self.dim), dtype=np.float32), []
        return np.stack([answer.vector for answer in answers]), [answer.source for answer in answers]

    def similar(self, word: str, k: int = 10) -> list[Neighbour]:
        """The k known words nearest to any word by cosine, best first. Raises UnknownWordError."""
        if word in self._vectors:
            return self._vectors.similar(word, k)
        return cast(list[Neighbour], self._vectors.similar(self[word], k))

    def similarity(self, a: str, b: str) -> float:
        """The cosine of any two words, -1 … 1. Raises UnknownWordError."""
        return self._vectors.similarity(self[a], self[b])

    def rows_of(self, word: str) -> Int64Array:
        """The rows of ngram_rows that the word's n-grams have."""
        rows = self._rows(self._rule.of(word))
        return rows[rows < _core.NO_ROW].astype(np.int64)
