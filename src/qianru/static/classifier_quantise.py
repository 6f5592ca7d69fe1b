"""Product quantisation of a classifier: the rows worth keeping, a byte for every few of their numbers."""

from __future__ import annotations

import dataclasses

import numpy as np

from qianru import _core
from qianru.arrays import Float32Array, Int64Array, UInt8Array
from qianru.vectors.formats.fasttext_model import FastTextModel, QuantisedMatrix


def quantised_model(
    model: FastTextModel, *, cutoff: int | None, sub_dim: int, norms: bool, outputs: bool, seed: int
) -> FastTextModel:
    """The model with codes for its input rows, and for its output rows if `outputs`.

    cutoff: keep only so many input rows, the longest. What it cost goes to provenance["quantisation"].
    """
    kept_words, kept_ngrams = _longest(model, cutoff)
    rows = np.concatenate([model.word_rows[kept_words], model.ngram_rows[kept_ngrams]])
    codes = quantised(rows, sub_dim=min(sub_dim, rows.shape[1]), norms=norms, seed=seed)
    dense = codes.dense()
    # Labels are few: two numbers a byte.
    output_codes = quantised(model.output, sub_dim=2, norms=norms, seed=seed) if outputs else None
    buckets = np.arange(len(model.ngram_rows), dtype=np.uint32) if model.buckets is None else model.buckets
    entries = [model.entry(i) for i in kept_words.tolist()]
    entries += [model.entry(i) for i in range(model.n_words, len(model.counts))]
    told: dict[str, object] = {
        "cutoff": cutoff,
        "sub_dim": sub_dim,
        "norms": norms,
        "outputs": outputs,
        "n_bytes_before": n_bytes(model),
        "relative_error": float(np.linalg.norm(rows - dense) / max(float(np.linalg.norm(rows)), 1e-30)),
    }
    made = dataclasses.replace(
        model,
        text=np.frombuffer(b"".join(entries), dtype=np.uint8),
        offsets=np.cumsum([0, *map(len, entries)]).astype(np.uint64),
        counts=np.concatenate([model.counts[kept_words], model.counts[model.n_words :]]),
        n_words=len(kept_words),
        word_rows=dense[: len(kept_words)],
        ngram_rows=dense[len(kept_words) :],
        buckets=buckets[kept_ngrams] if model.arguments.n_buckets else None,
        output=model.output if output_codes is None else output_codes.dense(),
        quantised=codes,
        quantised_output=output_codes,
        provenance={**model.provenance, "quantisation": told},
    )
    told["n_bytes"] = n_bytes(made)
    return made


def n_bytes(model: FastTextModel) -> int:
    """What the matrices take in a file, without buckets that are not in use."""
    plain = (model.word_rows.nbytes + model.ngram_rows.nbytes, model.output.nbytes)
    codes = (model.quantised, model.quantised_output)
    return sum(n if q is None else _code_bytes(q) for q, n in zip(codes, plain, strict=True))


def quantised(rows: Float32Array, *, sub_dim: int, norms: bool, seed: int) -> QuantisedMatrix:
    """rows float32 [n, dim] in product quantisation, their lengths apart if `norms`."""
    if not norms:
        return QuantisedMatrix(*_codes(rows, sub_dim, seed), sub_dim)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    unit = np.ascontiguousarray(rows / np.maximum(lengths, 1e-12))
    norm_codes, norm_centroids = _codes(np.ascontiguousarray(lengths), 1, seed)
    return QuantisedMatrix(*_codes(unit, sub_dim, seed), sub_dim, norm_codes[:, 0].copy(), norm_centroids)


def _codes(rows: Float32Array, sub_dim: int, seed: int) -> tuple[UInt8Array, Float32Array]:
    n, dim = rows.shape
    codes = np.empty((n, -(-dim // sub_dim)), dtype=np.uint8)
    centroids = np.empty(256 * dim, dtype=np.float32)
    _core.quantise(np.ascontiguousarray(rows), sub_dim, seed, codes, centroids)
    return codes, centroids


def _longest(model: FastTextModel, cutoff: int | None) -> tuple[Int64Array, Int64Array]:
    """The words and n-gram rows to keep; the end of line always is."""
    n_words, n_ngrams = model.n_words, len(model.ngram_rows)
    lengths = np.concatenate(
        [np.linalg.norm(model.word_rows, axis=1), np.linalg.norm(model.ngram_rows, axis=1)]
    )
    for i in range(min(n_words, 1000)):
        if model.entry(i) == b"</s>":
            lengths[i] = np.inf
    order = np.argsort(-lengths, kind="stable")[: n_words + n_ngrams if cutoff is None else cutoff]
    words = np.sort(order[order < n_words])
    if not len(words):
        words = np.array([int(np.argmax(lengths[:n_words]))])
    return words, np.sort(order[order >= n_words]) - n_words


def _code_bytes(matrix: QuantisedMatrix) -> int:
    n = matrix.codes.nbytes + matrix.centroids.nbytes
    if matrix.norm_codes is not None and matrix.norm_centroids is not None:
        n += matrix.norm_codes.nbytes + matrix.norm_centroids.nbytes
    return n
