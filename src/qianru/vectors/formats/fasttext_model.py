"""What a fastText file holds, in memory: settings, dictionary, matrices, plain or quantised."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qianru.arrays import Float32Array, Int64Array, UInt8Array, UInt32Array, UInt64Array
from qianru.vectors.subword_rule import BucketRows, SubwordRule, mean_vectors

MAGIC = 793712314
VERSION = 12
LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}


@dataclass(frozen=True, kw_only=True)
class FastTextArguments:
    """The thirteen settings of the file's head, in their order there."""

    dim: int
    window: int = 5
    epochs: int = 5
    min_count: int = 1
    negative: int = 5
    word_ngrams: int = 1
    loss: str = "ns"
    model: str = "skipgram"
    n_buckets: int = 0
    min_n: int = 0
    max_n: int = 0
    update_rate: int = 100
    sample: float = 1e-4


@dataclass(frozen=True)
class QuantisedMatrix:
    """A matrix in product quantisation (Jégou et al. 2011): n rows of `dim` numbers, `n_sub` codes each.

    codes: uint8 [n, n_sub]; code m of a row names one of the 256 centroids of its m-th part, `sub_dim`
    numbers long, the last part maybe shorter. centroids: float32 [256 * dim], part after part. norm_codes,
    norm_centroids: uint8 [n] and float32 [256], lengths of the rows, or None where they are not split off.
    """

    codes: UInt8Array
    centroids: Float32Array
    sub_dim: int
    norm_codes: UInt8Array | None = None
    norm_centroids: Float32Array | None = None

    @property
    def dim(self) -> int:
        return len(self.centroids) // 256

    def parts(self) -> list[tuple[slice, Float32Array]]:
        """For each code: the columns it stands for and its centroids [256, columns]."""
        found = []
        for begin in range(0, self.dim, self.sub_dim):
            columns = slice(begin, min(begin + self.sub_dim, self.dim))
            width = columns.stop - begin
            found.append((columns, self.centroids[256 * begin : 256 * columns.stop].reshape(256, width)))
        return found

    def dense(self) -> Float32Array:
        """float32 [n, dim], what the codes stand for."""
        out = np.empty((len(self.codes), self.dim), dtype=np.float32)
        for code, (columns, centroids) in zip(self.codes.T, self.parts(), strict=True):
            out[:, columns] = centroids[code]
        if self.norm_codes is not None and self.norm_centroids is not None:
            out *= self.norm_centroids[self.norm_codes][:, None]
        return out


@dataclass(frozen=True, kw_only=True)
class FastTextModel:
    """A whole file.

    Words and labels are UTF-8 (or any other bytes), entry i is `text[offsets[i]:offsets[i + 1]]`, words
    first. A quantised model may be pruned: other buckets than `buckets` do not count. word_rows: float32 [n_words, dim], each word's own row, not yet averaged with its n-grams.
    ngram_rows: float32 [n, dim]; row i belongs to bucket `buckets[i]`, or to bucket i where that is None.
    output: float32 [n_labels or n_words, dim]. quantised, quantised_output: the codes, where the file has
    such; the rows are then what they stand for.
    """

    arguments: FastTextArguments
    text: UInt8Array
    offsets: UInt64Array
    counts: Int64Array
    n_words: int
    n_tokens: int
    word_rows: Float32Array
    ngram_rows: Float32Array
    output: Float32Array
    buckets: UInt32Array | None = None
    quantised: QuantisedMatrix | None = None
    quantised_output: QuantisedMatrix | None = None
    version: int = VERSION
    provenance: dict[str, object] = field(default_factory=dict)

    @property
    def n_labels(self) -> int:
        return len(self.counts) - self.n_words

    def entry(self, i: int) -> bytes:
        """Word or label i as it stands in the file."""
        begin, end = self.offsets[i : i + 2].tolist()
        return self.text[begin:end].tobytes()

    def word_vectors(self) -> Float32Array:
        """float32 [n_words, dim]: for each word the mean of its row and of those of its n-grams."""
        return mean_vectors(
            self.text,
            self.offsets[: self.n_words + 1],
            self.word_rows,
            self.ngram_rows,
            self.rule(),
            BucketRows(self.buckets, pruned=self.quantised is not None),
        )

    def rule(self) -> SubwordRule:
        """Which n-grams its words have."""
        given = self.arguments
        max_n = given.max_n if given.n_buckets and given.min_n <= given.max_n else 0
        return SubwordRule(min_n=min(given.min_n, max_n), max_n=max_n, n_buckets=given.n_buckets)
