"""One run of the fastText trainer: that of word2vec, with the rows of n-grams behind those of the words."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from qianru._core import NO_ROW, Word2vecTrainer
from qianru.arrays import Float32Array, UInt32Array
from qianru.progress import ProgressCallback
from qianru.static.parent import Joined
from qianru.static.settings import Word2vecSettings
from qianru.static.state import Saving
from qianru.static.word2vec_run import Growth, Run
from qianru.text import EncodedCorpus
from qianru.vectors import SubwordRule, SubwordVectors, Vectors
from qianru.vectors.keys import Keys
from qianru.vectors.subword_rule import BucketRows


class SubwordRun(Run):
    """A run whose trainer holds rows for the words of the corpus and the buckets their n-grams use, and no others."""

    _kind = "fasttext"

    def __init__(
        self,
        encoded: EncodedCorpus,
        settings: Word2vecSettings,
        rule: SubwordRule,
        *,
        growth: Growth | None = None,
        saving: Saving | None = None,
    ) -> None:
        self._rule, self._keys = rule, Keys.from_words(encoded.keys)
        self._offsets, lists = rule.lists(self._keys.bytes, self._keys.offsets)
        self._buckets, rows = np.unique(lists, return_inverse=True)
        self._rows = rows.astype(np.uint32)
        super().__init__(encoded, settings, growth=growth, saving=saving)
        self._keeps_outputs = True

    def train_subwords(self, progress: ProgressCallback | None, *, resume: bool = False) -> SubwordVectors:
        """As `train`."""
        self.train(progress, resume=resume)
        return self._made

    def _make_trainer(self) -> Word2vecTrainer:  # type: ignore[override]  # it names the options itself
        return super()._make_trainer(
            negative_power=0.5,
            start_range=1.0,
            shared_offsets=self._offsets,
            shared_rows=self._rows,
            n_shared=len(self._buckets),
        )

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self._keys) + len(self._buckets), self._settings.dim

    def _identity(self) -> dict[str, object]:
        """N-grams too make a run what it is."""
        table = json.dumps(sorted((self._rule.decomposition or {}).items()), ensure_ascii=False)
        digest = hashlib.sha256(table.encode("utf-8", "surrogatepass")).hexdigest()
        return {**super()._identity(), "subwords": {**self._rule.settings(), "decomposition": digest}}

    def _join(self, growth: Growth) -> Joined:
        """Old words and the n-grams they share start from the parent's rows, new ones as in any training."""
        parent = growth.parent
        assert parent.subwords is not None  # checked before the run
        joined = Joined(parent, self._encoded.keys, frozen=False)
        matrix, n_keys = np.empty(self._shape, np.float32), len(self._keys)
        self._trainer.read_vectors(matrix)
        matrix[joined.old] = parent.subwords.word_rows[joined.rows[joined.old]]
        rows = BucketRows(parent.subwords.buckets)(self._buckets)
        known = np.flatnonzero(rows < NO_ROW)
        matrix[n_keys + known] = parent.subwords.ngram_rows[rows[known]]
        self._trainer.write_vectors(matrix)
        self._take_outputs(joined)
        return joined

    def _save(self, vectors: Vectors) -> None:
        assert self._saving.output is not None  # checked before the run
        self._made.save(self._saving.output, force=self._force)
        self._force = True  # from here on the folder is this run's own

    def _vectors(self, matrix: Float32Array) -> Vectors:
        n_keys, joined, counts = len(self._keys), self._joined, self._encoded.counts
        words, ngrams, buckets = matrix[:n_keys], matrix[n_keys:], self._buckets
        outputs = self._last_outputs
        if joined is None:
            self._made = SubwordVectors(
                self._keys,
                words,
                ngrams,
                rule=self._rule,
                buckets=buckets,
                counts=counts,
                output=None if outputs is None else _padded(outputs, n_keys),
                provenance=self._provenance(),
            )
        else:
            parent = joined.parent.subwords
            assert parent is not None  # checked before the run
            ngrams, known = _ngrams_over(parent, ngrams, buckets)
            self._made = SubwordVectors(
                joined.keys,
                joined.over(parent.word_rows, words),
                ngrams,
                rule=self._rule,
                buckets=known,
                counts=joined.counts(counts),
                output=None if outputs is None or self._settings.loss == "hs" else joined.outputs(outputs),
                provenance=self._provenance(),
            )
        return self._made.vectors


def _padded(outputs: Float32Array, n_keys: int) -> Float32Array:
    """The inner nodes of hierarchical softmax are one fewer than the words: fastText's file has a row left over."""
    left = np.zeros((n_keys - len(outputs), outputs.shape[1]), np.float32)
    return np.vstack([outputs, left]) if len(left) else outputs


def _ngrams_over(
    parent: SubwordVectors, trained: Float32Array, buckets: UInt32Array
) -> tuple[Float32Array, UInt32Array | None]:
    """The parent's rows of n-grams and over them the trained ones [n, dim] of these buckets [n], and all buckets."""
    if parent.buckets is None:
        rows = np.array(parent.ngram_rows)
        rows[buckets] = trained
        return rows, None
    known = np.union1d(parent.buckets, buckets)
    rows = np.empty((len(known), trained.shape[1]), np.float32)
    rows[np.searchsorted(known, parent.buckets)] = parent.ngram_rows
    rows[np.searchsorted(known, buckets)] = trained
    return rows, known
