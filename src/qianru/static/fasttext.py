"""fastText: word2vec whose input vectors are means of a word's own row and of those of its n-grams.

Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information" (arXiv:1607.04606). The trainer is that of
word2vec (core/static/word2vec.h, SharedRows); docs/math/fasttext.md says what is different.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from qianru._core import Word2vecTrainer
from qianru.arrays import Float32Array
from qianru.progress import ProgressCallback
from qianru.static.settings import Word2vecSettings, available_threads
from qianru.static.word2vec import encode_corpus
from qianru.static.word2vec_run import Run
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import SubwordRule, SubwordVectors, Vectors
from qianru.vectors.keys import Keys


def train_fasttext(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    model: Literal["skipgram", "cbow"] = "skipgram",
    loss: Literal["ns", "hs"] = "ns",
    dim: int = 100,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-4,
    min_n: int = 3,
    max_n: int = 6,
    n_buckets: int = 2_000_000,
    decomposition: Mapping[str, str] | None = None,
    min_count: int = 5,
    max_vocab: int | None = None,
    epochs: int = 5,
    learning_rate: float = 0.05,
    min_learning_rate: float = 0.0,
    seed: int = 1,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> SubwordVectors:
    """Train vectors of words and of their n-grams, so that words outside the vocabulary get vectors too.

    Args:
        min_n, max_n: code points in an n-gram of `<word>`; max_n 0: none, and this is word2vec with fastText's
            draws. For Chinese 1 and 3 or so suit better than 3 and 6.
        n_buckets: n-grams share so many rows by their hash; only those in use take memory.
        decomposition: for characters, the strokes or components they consist of, as a string; their n-grams are
            added to those of the word.
        learning_rate: at the first token; it falls linearly to `min_learning_rate`.
        corpus and the others: as for `train_word2vec`. With "cbow" the mean is taken over the vectors of the
            context words, not over all of their rows as in the original program.

    Raises:
        ArgumentError: an argument breaks its rule; nothing has been read yet.
        CorpusError: there is no text, or fewer than two words are left.
        TrainingError: the loss left the finite range; `vectors` holds the words' vectors of the last good epoch.
    """
    rule = SubwordRule(
        min_n=min_n,
        max_n=max_n,
        n_buckets=n_buckets if max_n or decomposition else 0,
        decomposition=decomposition,
    )
    settings = Word2vecSettings(
        model=model,
        loss=loss,
        dim=dim,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    encoded = encode_corpus(
        corpus, min_count=min_count, max_vocab=max_vocab, threads=settings.threads, progress=progress
    )
    return _SubwordRun(encoded, settings, rule).train_subwords(progress)


class _SubwordRun(Run):
    """A run whose trainer has the n-grams' rows behind the words'; the rows of buckets not in use are left out."""

    _kind = "fasttext"
    _keeps_outputs = True

    def __init__(self, encoded: EncodedCorpus, settings: Word2vecSettings, rule: SubwordRule) -> None:
        self._rule, self._keys = rule, Keys.from_words(encoded.keys)
        self._offsets, lists = rule.lists(self._keys.bytes, self._keys.offsets)
        self._buckets, rows = np.unique(lists, return_inverse=True)
        self._rows = rows.astype(np.uint32)
        super().__init__(encoded, settings)

    def train_subwords(self, progress: ProgressCallback | None) -> SubwordVectors:
        """All epochs."""
        self.train(progress)
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

    def _vectors(self, matrix: Float32Array) -> Vectors:
        n_keys, outputs = len(self._keys), self._last_outputs
        self._made = SubwordVectors(
            self._keys,
            matrix[:n_keys],
            matrix[n_keys:],
            rule=self._rule,
            buckets=self._buckets,
            counts=self._encoded.counts,
            # The inner nodes of hierarchical softmax are one fewer than the words: fastText's file has a row left over.
            output=None
            if outputs is None
            else np.vstack([outputs, np.zeros((n_keys - len(outputs), self._settings.dim), np.float32)]),
            provenance=self._provenance(),
        )
        return self._made.vectors
