"""Reads the files of fastText: .bin of versions 11 and 12, quantised .ftz, and old ones without a magic number.

All numbers are little-endian. Head: magic, version, 12 int32 and a float64 of settings; dictionary: sizes,
then for each entry its bytes, NUL, count and type; the input matrix, one row for each word and each bucket;
the output matrix. Nothing is allocated on the word of a number that the file is too small for.
"""

from __future__ import annotations

import dataclasses
import mmap
import struct
from pathlib import Path

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, Int64Array, UInt8Array, UInt32Array, UInt64Array
from qianru.errors import FormatError
from qianru.vectors.formats.fasttext_model import (
    LOSSES,
    MAGIC,
    MODELS,
    VERSION,
    FastTextArguments,
    FastTextModel,
    QuantisedMatrix,
)
from qianru.vectors.keys import Keys
from qianru.vectors.stored import Stored

_HEAD = struct.Struct("<12id")
_MAX_DIM = 1 << 20
_MAX_N = 255
_MAX_WORD = 16384
# Sums of these stay finite.
_MAX_NUMBER = 1e30
# Longer parts would let a small file ask for a large matrix; fastText's default is 2.
_MAX_SUB_DIM = 64
# Floats added up in taking means, beyond a thousand for each byte of the file: more is no honest file.
_FREE_WORK = 1 << 30
_COPY_AGAIN = "the file is truncated or damaged: copy it again"


def looks_like_fasttext(head: bytes) -> bool:
    """Whether a file that begins with these bytes (at least 64, if it has so many) is one of fastText."""
    if len(head) >= 8 and int.from_bytes(head[:4], "little") == MAGIC:
        return True
    if len(head) < _HEAD.size:
        return False
    dim, window, _, _, _, _, loss, model, n_buckets, min_n, max_n, _, sample = _HEAD.unpack_from(head)
    return (
        1 <= dim <= _MAX_DIM
        and 0 <= window < 1 << 16
        and loss in LOSSES
        and model in MODELS
        and n_buckets >= 0
        and 0 <= min_n <= _MAX_N
        and 0 <= max_n <= _MAX_N
        and 0 <= sample <= 1
    )


def read_fasttext(path: Path) -> FastTextModel:
    """Read the whole file. Raises FormatError with the byte offset."""
    with path.open("rb") as file:
        if path.stat().st_size < 8:
            raise FormatError("too short for a fastText file", path=str(path), offset=0, hint=_COPY_AGAIN)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            reader = _Reader(path, mapped)
            try:
                return reader.read()
            finally:
                reader.close()


def read_fasttext_vectors(path: Path, *, errors: str = "strict", repair: bool = False) -> Stored:
    """The words of the file with their vectors, as every other format gives them. Raises FormatError."""
    model = read_fasttext(path)
    if model.n_words == 0:
        raise FormatError("the file has no words", path=str(path))
    keys, rows, provenance = file_keys(model, path, replace=errors != "strict" or repair)
    matrix, counts = model.word_vectors(), model.counts[: model.n_words].astype(np.uint64)
    if rows is not None:
        matrix, counts = matrix[rows], counts[rows]
    return Stored(keys, matrix, counts, {**model.provenance, **provenance})


def file_keys(
    model: FastTextModel, path: Path, *, replace: bool
) -> tuple[Keys, Int64Array | None, dict[str, object]]:
    """The words as keys; the rows kept, or None for all; what was done to broken or repeated ones.

    Raises FormatError where words are not UTF-8 or come twice and `replace` is false.
    """
    offsets = model.offsets[: model.n_words + 1]
    data = model.text[: int(offsets[-1])]
    words: list[str] | None = None
    n_replaced = 0
    if not _is_utf8(data, offsets):
        words = []
        for row in range(model.n_words):
            raw = model.entry(row)
            try:
                words.append(raw.decode())
            except UnicodeDecodeError:
                if not replace:
                    raise FormatError(
                        f"word {row + 1} is not UTF-8: {raw[:40]!r}",
                        path=str(path),
                        hint='pass errors="replace" to put U+FFFD for its broken bytes',
                    ) from None
                words.append(raw.decode("utf-8", "replace"))
                n_replaced += 1
        encoded = [word.encode() for word in words]
        offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    keys, duplicates = Keys.from_bytes(data, offsets)
    provenance: dict[str, object] = {"n_words_with_replaced_bytes": n_replaced} if n_replaced else {}
    if not duplicates:
        return keys, None, provenance
    if not replace:
        raise FormatError(
            f"{keys[duplicates[0]]!r} comes twice in the dictionary",
            path=str(path),
            hint='pass errors="replace" to keep the first of equal words',
        )
    provenance["n_repeated_words_dropped"] = len(duplicates)
    kept = np.delete(np.arange(len(keys)), duplicates)
    return Keys.from_words(keys[row] for row in kept.tolist()), kept, provenance


def _is_utf8(data: UInt8Array, offsets: UInt64Array) -> bool:
    """Whether each word is: all of them together are, and none begins within a character."""
    try:
        data.tobytes().decode()
    except UnicodeDecodeError:
        return False
    return not bool(np.any(data[offsets[:-1].astype(np.int64)] & 0xC0 == 0x80))


class _Reader:
    """One pass over one mapped file; the next byte to read is at `_at`."""

    def __init__(self, path: Path, mapped: mmap.mmap) -> None:
        self._path = str(path)
        self._data = np.frombuffer(mapped, dtype=np.uint8)
        self._at = 0

    def close(self) -> None:
        """Let go of the map, so that it can be closed."""
        del self._data

    def read(self) -> FastTextModel:
        version = 0
        if self._peek() == MAGIC:
            version = self._numbers("<2i", "the head")[1]
            if not 11 <= version <= VERSION:
                raise self._error(f"version {version} of the format is unknown, 11 and 12 are known", 4)
        arguments = self._arguments(version)
        at = self._at
        n, n_words, n_labels, n_tokens = self._numbers("<3iq", "the dictionary")
        n_pruned = self._numbers("<q", "the dictionary")[0] if version else -1
        if n_words < 0 or n_labels < 0 or n != n_words + n_labels or n_tokens < 0 or n_pruned < -1:
            raise self._error(f"{n} entries, {n_words} words, {n_labels} labels: a broken dictionary", at)
        data, offsets, counts = self._entries(n, n_words)
        buckets = self._pruned(n_pruned, arguments.n_buckets) if n_pruned >= 0 else None
        quantised = bool(version and self._flag("quantised"))
        n_ngrams = arguments.n_buckets if buckets is None else len(buckets)
        if buckets is not None and not quantised:
            raise self._error("pruned, but not quantised: fastText itself gave such files up", self._at)
        matrix, codes = self._matrix(n_words + n_ngrams, arguments.dim, quantised, "input")
        quantised_output = bool(version and self._flag("output quantised")) and quantised
        n_outputs = n_labels if arguments.model == "supervised" else n_words
        output, output_codes = self._matrix(n_outputs, arguments.dim, quantised_output, "output")
        if self._at != len(self._data):
            raise self._error("bytes after the end of the output matrix", self._at)
        work = (len(data) + 2 * n_words) * arguments.max_n * arguments.dim
        if arguments.n_buckets and work > 1000 * len(self._data) + _FREE_WORK:
            raise self._error(f"n-grams of up to {arguments.max_n} over such long words", None)
        provenance: dict[str, object] = {
            "source": Path(self._path).name,
            "format": f"fastText {'quantised ' if quantised else ''}version {version or 'before 11'}",
            "settings": dataclasses.asdict(arguments),
        }
        return FastTextModel(
            arguments=arguments,
            text=data,
            offsets=offsets,
            counts=counts,
            n_words=n_words,
            n_tokens=n_tokens,
            word_rows=matrix[:n_words],
            ngram_rows=matrix[n_words:],
            output=output,
            buckets=buckets,
            quantised=codes,
            quantised_output=output_codes,
            version=version,
            provenance=provenance,
        )

    def _arguments(self, version: int) -> FastTextArguments:
        at = self._at
        head = self._numbers(_HEAD.format, "the settings")
        dim, window, epochs, min_count, negative, word_ngrams, loss, model, n_buckets, min_n, max_n, rate = (
            int(value) for value in head[:12]
        )
        for name, value, low, high in (
            ("dim", dim, 1, _MAX_DIM),
            ("wordNgrams", word_ngrams, 0, 1 << 16),
            ("loss", loss, 1, 4),
            ("model", model, 1, 3),
            ("bucket", n_buckets, 0, 1 << 31),
            ("minn", min_n, 0, 1 << 31),
            ("maxn", max_n, 0, _MAX_N),
        ):
            if not low <= value <= high:
                raise self._error(f"{name} must be from {low} to {high}, got {value}", at)
        if model == 3 and version == 11:
            max_n = 0  # version 11 wrote a number there, but used no character n-grams
        return FastTextArguments(
            dim=dim,
            window=window,
            epochs=epochs,
            min_count=min_count,
            negative=negative,
            word_ngrams=word_ngrams,
            loss=LOSSES[loss],
            model=MODELS[model],
            n_buckets=n_buckets,
            min_n=min_n,
            max_n=max_n,
            update_rate=rate,
            sample=float(head[12]) if np.isfinite(head[12]) else 0.0,
        )

    def _entries(self, n: int, n_words: int) -> tuple[UInt8Array, UInt64Array, Int64Array]:
        at = self._at
        if n * 10 > len(self._data) - at:
            raise self._error(f"{n} entries, for which the file is too small", at, _COPY_AGAIN)
        data, offsets, counts, types, used = _core.fasttext_entries(self._data[at:], n)
        self._at += used
        if len(types) < n:
            raise self._error(f"the file ends in entry {len(types) + 1} of {n}", self._at, _COPY_AGAIN)
        lengths = np.diff(offsets)
        begins = at + offsets[:-1] + 10 * np.arange(n, dtype=np.uint64)
        expected = np.arange(n) >= n_words
        for bad, what in (
            (lengths == 0, "an empty word"),
            (lengths > _MAX_WORD, f"a word of more than {_MAX_WORD} bytes"),
            (types != expected, "not of its type: words come first, labels after them"),
            (counts < 0, "a negative count"),
        ):
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise self._error(f"entry {row + 1}: {what}", int(begins[row]), "the file is damaged")
        return data, offsets, counts

    def _pruned(self, n: int, n_buckets: int) -> UInt32Array:
        at = self._at
        pairs = self._array(2 * n, np.dtype("<i4"), "the pruned buckets").reshape(n, 2)
        buckets, rows = pairs[:, 0], pairs[:, 1]
        if n and (buckets.min() < 0 or buckets.max() >= n_buckets or len(np.unique(buckets)) < n):
            raise self._error("buckets out of range or twice", at, "the file is damaged")
        if not np.array_equal(np.sort(rows), np.arange(n)):
            raise self._error(f"rows of buckets are not 0 to {n - 1}", at, "the file is damaged")
        out = np.empty(n, dtype=np.uint32)
        out[rows] = buckets
        return out

    def _matrix(
        self, n: int, dim: int, quantised: bool, name: str
    ) -> tuple[Float32Array, QuantisedMatrix | None]:
        at = self._at
        has_norms = quantised and self._flag("norms")
        found = self._numbers("<2q", f"the {name} matrix")
        if found != (n, dim):
            raise self._error(f"the {name} matrix is {found[0]} x {found[1]}, not {n} x {dim}", at)
        if quantised:
            codes = self._quantised(n, dim, name, has_norms)
            matrix = codes.dense()
        else:
            codes = None
            matrix = self._array(n * dim, np.dtype("<f4"), f"the {name} matrix").reshape(n, dim)
        bad = _core.first_row_not_finite(matrix) if n else -1
        if bad >= 0:
            raise self._error(f"row {bad} of the {name} matrix holds NaN or infinity", at)
        if n and max(matrix.max(), -matrix.min()) > _MAX_NUMBER:
            raise self._error(f"the {name} matrix holds numbers beyond {_MAX_NUMBER:g}", at)
        return matrix, codes

    def _quantised(self, n: int, dim: int, name: str, has_norms: bool) -> QuantisedMatrix:
        at = self._at
        (n_codes,) = self._numbers("<i", f"the codes of the {name} matrix")
        n_sub, rest = divmod(n_codes, n) if n else (0, n_codes)
        if rest or not 0 <= n_sub <= dim:
            raise self._error(f"{n_codes} codes for {n} rows of {dim}", at)
        codes = self._array(n_codes, np.dtype("u1"), "the codes").reshape(n, n_sub)
        sub_dim, n_found, centroids = self._quantiser(dim)
        if n and n_found != n_sub:
            raise self._error(f"{n_sub} codes a row, but {n_found} parts", at)
        codes = codes if n else codes.reshape(0, n_found)
        if not has_norms:
            return QuantisedMatrix(codes, centroids, sub_dim)
        norm_codes = self._array(n, np.dtype("u1"), "the codes of lengths")
        _, _, norm_centroids = self._quantiser(1)
        return QuantisedMatrix(codes, centroids, sub_dim, norm_codes, norm_centroids)

    def _quantiser(self, dim: int) -> tuple[int, int, Float32Array]:
        at = self._at
        found_dim, n_sub, sub_dim, last = self._numbers("<4i", "a quantiser")
        if (
            found_dim != dim
            or not 1 <= sub_dim <= _MAX_SUB_DIM
            or n_sub != -(-dim // sub_dim)
            or last != dim - (n_sub - 1) * sub_dim
        ):
            raise self._error(f"a quantiser of {found_dim} numbers in {n_sub} parts of {sub_dim}", at)
        return sub_dim, n_sub, self._array(256 * dim, np.dtype("<f4"), "the centroids")

    def _peek(self) -> int:
        return int.from_bytes(self._data[:4].tobytes(), "little")

    def _flag(self, name: str) -> bool:
        at = self._at
        (value,) = self._numbers("<B", f'the flag "{name}"')
        if value > 1:
            raise self._error(f'the flag "{name}" must be 0 or 1, got {value}', at)
        return bool(value)

    def _numbers(self, layout: str, what: str) -> tuple[int, ...]:
        raw = self._array(struct.calcsize(layout), np.dtype("u1"), what)
        return struct.unpack(layout, raw.tobytes())

    def _array(self, n: int, dtype: np.dtype[np.generic], what: str) -> np.ndarray[tuple[int, ...], np.dtype]:
        """A copy of the next n numbers, aligned as the core wants them."""
        n_bytes = n * dtype.itemsize
        if n_bytes > len(self._data) - self._at:
            raise self._error(f"the file ends in {what}", len(self._data), _COPY_AGAIN)
        raw = self._data[self._at : self._at + n_bytes].copy()
        self._at += n_bytes
        return raw.view(dtype)

    def _error(self, message: str, offset: int | None, hint: str = "") -> FormatError:
        return FormatError(message, path=self._path, offset=offset, hint=hint or _COPY_AGAIN)
