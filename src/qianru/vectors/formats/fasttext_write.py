"""Writes fastText's .bin (version 12), and .ftz for a quantised model; fastText itself and gensim open both."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from qianru.arrays import Float32Array, UInt32Array
from qianru.errors import ArgumentError
from qianru.output import new_file
from qianru.vectors.formats.fasttext_model import (
    LOSSES,
    MAGIC,
    MODELS,
    VERSION,
    FastTextModel,
    QuantisedMatrix,
)

_PIECE = 1 << 20  # numbers written at once
_LOSS_CODES = {name: code for code, name in LOSSES.items()}
_MODEL_CODES = {name: code for code, name in MODELS.items()}


def write_fasttext(path: Path, model: FastTextModel, *, force: bool) -> None:
    """Write the file, whole or not at all. Buckets without a row are written as zeros.

    Raises ArgumentError for a word that the format cannot hold; OutputError.
    """
    _check_entries(model)
    with new_file(path, force=force) as temporary, temporary.open("wb") as out:
        given = model.arguments
        out.write(struct.pack("<2i", MAGIC, VERSION))
        out.write(
            struct.pack(
                "<12id",
                given.dim,
                given.window,
                given.epochs,
                given.min_count,
                given.negative,
                given.word_ngrams,
                _LOSS_CODES[given.loss],
                _MODEL_CODES[given.model],
                given.n_buckets,
                given.min_n,
                given.max_n,
                given.update_rate,
                given.sample,
            )
        )
        _write_dictionary(out, model)
        out.write(struct.pack("<B", model.quantised is not None))
        if model.quantised is not None:
            _write_quantised(out, model.quantised)
        else:
            n_rows = model.n_words + given.n_buckets
            out.write(struct.pack("<2q", n_rows, given.dim))
            _write_rows(out, model.word_rows)
            _write_buckets(out, model.ngram_rows, model.buckets, given.n_buckets)
        out.write(struct.pack("<B", model.quantised_output is not None))
        if model.quantised_output is not None:
            _write_quantised(out, model.quantised_output)
        else:
            out.write(struct.pack("<2q", *model.output.shape))
            _write_rows(out, model.output)


def _check_entries(model: FastTextModel) -> None:
    data = model.text.tobytes()
    if b"\0" in data or (np.diff(model.offsets) == 0).any():
        raise ArgumentError("fastText's format cannot hold empty words or the character NUL")


def _write_dictionary(out: BinaryIO, model: FastTextModel) -> None:
    pruned = model.buckets if model.quantised is not None else None
    out.write(struct.pack("<3iq", len(model.counts), model.n_words, model.n_labels, model.n_tokens))
    out.write(struct.pack("<q", -1 if pruned is None else len(pruned)))
    data, ends = model.text.tobytes(), model.offsets.tolist()
    parts = []
    for i, count in enumerate(model.counts.tolist()):
        parts.append(data[ends[i] : ends[i + 1]] + struct.pack("<bqb", 0, count, i >= model.n_words))
    out.write(b"".join(parts))
    if pruned is not None:
        pairs = np.stack([pruned, np.arange(len(pruned), dtype=np.uint32)], axis=1)
        out.write(pairs.astype("<i4").tobytes())


def _write_rows(out: BinaryIO, rows: Float32Array) -> None:
    step = max(1, _PIECE // rows.shape[1])
    for begin in range(0, len(rows), step):
        out.write(np.ascontiguousarray(rows[begin : begin + step], dtype="<f4").tobytes())


def _write_buckets(out: BinaryIO, rows: Float32Array, buckets: UInt32Array | None, n_buckets: int) -> None:
    """One row for each bucket, in pieces: those in use are few."""
    if buckets is None:
        _write_rows(out, rows)
        return
    order = np.argsort(buckets, kind="stable")
    held = buckets[order]
    dim = rows.shape[1]
    step = max(1, _PIECE // dim)
    for begin in range(0, n_buckets, step):
        end = min(begin + step, n_buckets)
        first, last = np.searchsorted(held, (begin, end))
        piece = np.zeros((end - begin, dim), dtype="<f4")
        piece[held[first:last].astype(np.int64) - begin] = rows[order[first:last]]
        out.write(piece.tobytes())


def _write_quantised(out: BinaryIO, matrix: QuantisedMatrix) -> None:
    n, n_sub = matrix.codes.shape
    out.write(struct.pack("<B2qi", matrix.norm_codes is not None, n, matrix.dim, n * n_sub))
    out.write(matrix.codes.tobytes())
    _write_quantiser(out, matrix.centroids, matrix.dim, matrix.sub_dim)
    if matrix.norm_codes is not None and matrix.norm_centroids is not None:
        out.write(matrix.norm_codes.tobytes())
        _write_quantiser(out, matrix.norm_centroids, 1, 1)


def _write_quantiser(out: BinaryIO, centroids: Float32Array, dim: int, sub_dim: int) -> None:
    n_sub = -(-dim // sub_dim)
    out.write(struct.pack("<4i", dim, n_sub, sub_dim, dim - (n_sub - 1) * sub_dim))
    out.write(centroids.astype("<f4").tobytes())
