"""`StaticEncoder`: texts by vectors of single words. A text's vector is the mean of its words' vectors.

The tokens are those of the folder's tokenizer.json, so the same folder gives the same vectors in model2vec, and in
sentence-transformers.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, cast

import numpy as np

from qianru import _core
from qianru.arrays import BoolArray, Float32Array, Float64Array, Int64Array, UInt32Array
from qianru.errors import ArgumentError, FormatError
from qianru.progress import ProgressCallback
from qianru.tokens import TokenBatch, Tokenizer
from qianru.tokens.word_model import write_word_tokenizer
from qianru.vectors.encoder import Encoded, Span, checked_spans, describe_flags
from qianru.vectors.formats.safetensors import refuse_shared_rows
from qianru.vectors.keys import Keys
from qianru.vectors.safetensors_file import MAX_FOREIGN_HEADER, map_header, parse_json_object, view_tensor
from qianru.vectors.stored import of_corpus
from qianru.vectors.subwords import SubwordVectors, has_subwords
from qianru.vectors.vectors import Vectors

StaticPooling = Literal["mean", "max", "weighted"]
# Arora, Liang & Ma 2017: a word of frequency p counts a / (a + p).
_SIF_A = 1e-3
_TENSOR_NAMES = ("embeddings", "embedding.weight")


class StaticEncoder:
    """Texts and words in them by a table of vectors, one row a token; a word has the same vector wherever it stands.

    Args:
        tokenizer: cuts texts into tokens; their ids are rows, ids without a row are words that are not known.
        matrix: float32 [n, dim].
        pooling: "mean"; "max", number by number; or "weighted", where frequent words count less (SIF, Arora, Liang &
            Ma 2017, without taking out the common direction).
        normalize: vectors of texts have length 1. Vectors of words are as they stand in the matrix.
        counts: how often each row occurred [n], for "weighted".
        subwords: gives a word without a row its vector, or None.

    An empty text, or one without a known word, has zeros, and `is_empty` says so. Raises ArgumentError.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        matrix: Float32Array,
        *,
        pooling: StaticPooling = "mean",
        normalize: bool = True,
        counts: Sequence[int] | None = None,
        subwords: Callable[[str], Float32Array | None] | None = None,
        fingerprint: str | Callable[[], str] = "",
    ) -> None:
        if pooling not in ("mean", "max", "weighted"):
            raise ArgumentError(f'pooling must be "mean", "max" or "weighted", got {pooling!r}')
        if pooling == "weighted" and counts is None:
            raise ArgumentError(
                'pooling="weighted" needs counts of the words, and this model has none',
                hint='use pooling="mean"',
            )
        self._tokenizer, self._matrix = tokenizer, matrix
        self._pooling, self._normalize = pooling, normalize
        self._subwords = subwords
        self._mark = fingerprint
        self._weights: Float64Array | None = None
        if pooling == "weighted":
            made = np.asarray(counts, dtype=np.float64)
            if not made.sum() > 0:
                raise ArgumentError(
                    'pooling="weighted" needs counts above 0, and all of this model\'s are 0',
                    hint='use pooling="mean"',
                )
            self._weights = _SIF_A / (_SIF_A + made / made.sum())

    @classmethod
    def from_vectors(
        cls,
        vectors: Vectors | SubwordVectors,
        *,
        pooling: StaticPooling = "mean",
        normalize: bool = True,
        folder: Path | None = None,
    ) -> StaticEncoder:
        """From words and their vectors; with n-grams, unknown words get vectors too. folder: where its tokenizer is."""
        words = vectors.vectors if isinstance(vectors, SubwordVectors) else vectors
        tokenizer = _word_tokenizer(words) if folder is None else Tokenizer.load(folder)
        counts = None if words.counts is None else cast("Sequence[int]", words.counts)
        return cls(
            tokenizer,
            words.to_numpy(),
            pooling=pooling,
            normalize=normalize,
            counts=counts,
            subwords=_lookup_of(vectors) if isinstance(vectors, SubwordVectors) else None,
            # Asked for when there is something to compare: n-grams may be gigabytes.
            fingerprint=lambda: vectors.fingerprint,
        )

    @classmethod
    def load(
        cls, path: str | Path, *, pooling: StaticPooling = "mean", normalize: bool = True
    ) -> StaticEncoder:
        """Our model folders, any file of word vectors, and static folders of model2vec and sentence-transformers.

        Raises FormatError.
        """
        path = Path(path)
        if path.is_dir() and not (path / "keys.safetensors").is_file():
            return _open_foreign(cls, path, pooling, normalize)
        opened = SubwordVectors.load(path) if has_subwords(path) else Vectors.load(path)
        folder = path if path.is_dir() else None
        return cls.from_vectors(opened, pooling=pooling, normalize=normalize, folder=folder)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(self._matrix.shape[1])

    @property
    def settings(self) -> dict[str, object]:
        """Pooling, and whether texts get length 1."""
        return {"pooling": self._pooling, "normalize": self._normalize}

    @property
    def fingerprint(self) -> str:
        """A hash over vectors, n-grams, tokenizer, pooling and its weights."""
        if callable(self._mark):
            self._mark = self._mark()
        if not self._mark:
            self._mark = hashlib.sha256(np.ascontiguousarray(self._matrix).data).hexdigest()
        told = f"{self._mark} {self._tokenizer.fingerprint} {self._pooling} {self._normalize}"
        if self._weights is not None:
            told += f" {hashlib.sha256(self._weights.data).hexdigest()}"
        return hashlib.sha256(f"qianru static encoder 1\n{told}".encode()).hexdigest()

    def __repr__(self) -> str:
        return f"StaticEncoder(n={len(self._matrix)}, dim={self.dim}, pooling={self._pooling!r})"

    def encode(self, texts: Sequence[str], *, progress: ProgressCallback | None = None) -> Encoded:
        """One vector for each text. Raises ArgumentError, naming the text that cannot be encoded."""
        if self._subwords is not None:
            return self._encode_places(texts, None)
        batch = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        return self._pooled(batch.ids, np.diff(batch.splits), self._matrix, self._weights)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Span], *, progress: ProgressCallback | None = None
    ) -> Encoded:
        """The mean vector of the tokens that lie in, or reach into, each place. Raises ArgumentError."""
        return self._encode_places(texts, checked_spans(texts, spans))

    def _encode_places(self, texts: Sequence[str], spans: list[Span] | None) -> Encoded:
        batch, offsets = self._tokenizer.encode_offsets(texts)
        owners = np.repeat(np.arange(len(batch)), np.diff(batch.splits))
        if spans is not None:
            places = np.array(spans, dtype=np.int64).reshape(-1, 2)[owners]
            inside = (offsets[:, 0] < places[:, 1]) & (offsets[:, 1] > places[:, 0])
            batch = TokenBatch(batch.ids[inside], batch.splits)
            offsets, owners = offsets[inside], owners[inside]
        lengths = np.bincount(owners, minlength=len(texts)).astype(np.int64)
        ids, matrix, weights = self._with_subwords(texts, batch.ids, offsets, owners)
        return self._pooled(ids, lengths, matrix, weights, normalize=self._normalize and spans is None)

    def _with_subwords(
        self, texts: Sequence[str], ids: UInt32Array, offsets: Int64Array, owners: Int64Array
    ) -> tuple[UInt32Array, Float32Array, Float64Array | None]:
        """Rows for the words that have none, behind those of the matrix; they are made of their n-grams."""
        known = ids < len(self._matrix)
        if self._subwords is None or known.all():
            return ids, self._matrix, self._weights
        used, inverse = np.unique(ids[known], return_inverse=True)
        rows: dict[str, int] = {}
        more: list[Float32Array] = []
        found = np.empty(len(ids), dtype=np.uint32)
        found[known] = inverse
        for i in np.flatnonzero(~known).tolist():
            start, end = offsets[i].tolist()
            word = texts[owners[i]][start:end]
            if word not in rows:
                made = self._subwords(word)
                rows[word] = _core.NO_ROW if made is None else len(used) + len(more)
                if made is not None:
                    more.append(made)
            found[i] = rows[word]
        table = np.concatenate([self._matrix[used], np.array(more, np.float32).reshape(-1, self.dim)])
        weights = self._weights
        if weights is not None:
            weights = np.concatenate([weights[used], np.ones(len(more))])
        return found, table, weights

    def _pooled(
        self,
        ids: UInt32Array,
        lengths: Int64Array,
        matrix: Float32Array,
        weights: Float64Array | None,
        *,
        normalize: bool | None = None,
    ) -> Encoded:
        known: BoolArray = ids < len(matrix)
        owners = np.repeat(np.arange(len(lengths)), lengths)[known]
        ids = ids[known]
        n_known = np.bincount(owners, minlength=len(lengths)).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(n_known)]).astype(np.uint64)
        out = np.zeros((len(lengths), matrix.shape[1]), dtype=np.float32)
        if self._pooling == "mean" or not len(ids):
            if len(ids):
                _core.mean_rows(None, matrix, offsets, ids, out)
        else:
            full = np.flatnonzero(n_known)
            starts = offsets[:-1][full].astype(np.int64)
            if self._pooling == "max":
                out[full] = np.maximum.reduceat(matrix[ids], starts, axis=0)
            else:
                assert weights is not None
                each = weights[ids]
                sums = np.add.reduceat(matrix[ids] * each[:, None], starts, axis=0)
                out[full] = sums / np.add.reduceat(each, starts)[:, None]
        if self._normalize if normalize is None else normalize:
            norms = np.linalg.norm(out, axis=1, keepdims=True)
            out /= np.where(norms > 0, norms, 1)
        truncated = np.zeros(len(lengths), dtype=np.int64)
        return Encoded(out, n_known, truncated, describe_flags(n_known, truncated))


def is_static_folder(path: Path) -> bool:
    """Whether the folder, or file, holds one vector a token: ours, model2vec's, or a StaticEmbedding."""
    if not path.is_dir():
        return path.is_file()
    if (path / "keys.safetensors").is_file():
        return True
    return _static_part(path) is not None


def _static_part(path: Path) -> tuple[Path, bool] | None:
    """Where the matrix of a foreign static folder is, and whether texts get length 1; None if it is another kind."""
    modules, config = path / "modules.json", path / "config.json"
    if modules.is_file():
        listed = parse_json_object(b'{"modules":' + modules.read_bytes() + b"}", modules)["modules"]
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        types = [str(entry.get("type")).rpartition(".")[2] for entry in entries]
        if types and types[0] == "StaticEmbedding":
            unknown = [name for name in types[1:] if name != "Normalize"]
            if unknown:
                raise FormatError(
                    f"module {unknown[0]} behind a static embedding is not known here", path=str(modules)
                )
            return path / str(entries[0].get("path", "")), "Normalize" in types
    if config.is_file():
        told = parse_json_object(config.read_bytes(), config)
        if told.get("model_type") == "model2vec":
            return path, told.get("normalize") is True
    return None


def _open_foreign(
    cls: type[StaticEncoder], path: Path, pooling: StaticPooling, normalize: bool
) -> StaticEncoder:
    part = _static_part(path)
    if part is None:
        raise FormatError("no static model in this folder", path=str(path), hint="name the folder of a model")
    folder, normalized = part
    file = folder / "model.safetensors"
    if not file.is_file():
        raise FormatError(
            "no model.safetensors in it", path=str(folder), hint="pickled weights are never opened"
        )
    mapped, header, begin = map_header(file, max_header=MAX_FOREIGN_HEADER)
    name = next((name for name in _TENSOR_NAMES if name in header), None)
    refuse_shared_rows(header, file)
    if name is None:
        raise FormatError(
            f"a tensor {' or '.join(_TENSOR_NAMES)} was expected, got {', '.join(sorted(header))}",
            path=str(file),
        )
    entry = header[name]
    kind = str(entry.get("dtype")) if isinstance(entry, dict) else ""
    if kind not in ("F32", "F16"):
        raise FormatError(f"tensor {name!r} must be F32 or F16, got {kind!r}", path=str(file))
    dtype = np.dtype({"F32": "<f4", "F16": "<f2"}[kind])
    matrix = np.ascontiguousarray(view_tensor(mapped, entry, begin, dtype, kind, 2, file, name), np.float32)
    tokenizer = Tokenizer.load(folder if (folder / "tokenizer.json").is_file() else path)
    if tokenizer.n_tokens > len(matrix):
        raise FormatError(
            f"{tokenizer.n_tokens} tokens, but {len(matrix)} rows",
            path=str(folder),
            hint="files of two models are mixed: copy the whole folder again",
        )
    return cls(tokenizer, matrix, pooling=pooling, normalize=normalize and normalized)


def _word_tokenizer(words: Vectors) -> Tokenizer:
    keys = cast(Keys, words.keys)

    def scores() -> Float64Array:
        made = np.empty(len(keys), dtype=np.float64)
        keys.lookup.unigram_scores(words.counts, made)
        return made

    out = io.StringIO()
    write_word_tokenizer(out, keys, scores, lowercase=of_corpus(words.provenance, "lowercase") is True)
    return Tokenizer(parse_json_object(out.getvalue().encode(), Path("the words' tokenizer")))


def _lookup_of(vectors: SubwordVectors) -> Callable[[str], Float32Array | None]:
    def lookup(word: str) -> Float32Array | None:
        answer = vectors.lookup(word)
        return None if answer.source == "none" else answer.vector

    return lookup
