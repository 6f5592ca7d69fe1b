"""What the rows of new tokens start from: mixtures of old rows, used alike for input matrix, head and bias."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, cast

import numpy as np

from qianru.arrays import Float32Array, Float64Array, Int64Array
from qianru.errors import ArgumentError
from qianru.layers.checkpoint import Checkpoint
from qianru.layers.vocabulary import VocabTensor, find_vocab_tensors, load_config
from qianru.tokens import Surgery, read_tokenizer
from qianru.tokens.surgery_pipeline import Pipeline, token_texts
from qianru.vectors import Vectors
from qianru.vectors.mixing import NOTHING, Mixture, mixtures

Start: TypeAlias = Literal["subwords", "vectors", "model"]
STARTS = ("subwords", "vectors", "model")


def start_mixtures(surgery: Surgery, start: Start, source: Vectors | str | Path | None) -> list[Mixture]:
    """For each new token, in the order of ids, places of old tokens and weights.

    subwords: the mean of the tokens that stood for it. vectors, model: by nearness in static vectors, or in the input
    matrix of another model; where that lacks the token, subwords. An empty mixture stands for the mean of all tokens.

    Raises ArgumentError where start and source do not go together.
    """
    if start not in STARTS:
        raise ArgumentError(f"start must be one of {', '.join(STARTS)}, got {start!r}")
    if (source is None) != (start == "subwords"):
        raise ArgumentError(
            f"start={start!r} {'takes no' if start == 'subwords' else 'needs a'} source",
            hint='Give vectors for "vectors", the folder of a model for "model", nothing for "subwords".',
        )
    new = [number for number, old in enumerate(surgery.kept) if old < 0]
    found = [_mean(surgery.parts.get(number, ())) for number in new]
    if start == "subwords" or not new:
        return found
    texts = token_texts(surgery.after)
    words = [texts[number] or "" for number in new]
    if start == "vectors":
        vectors = source if isinstance(source, Vectors) else Vectors.load(cast("str | Path", source))
    else:
        vectors = _rows_as_vectors(Path(cast("str | Path", source)), [word for word in words if word])
    near = mixtures(words, token_texts(surgery.before), vectors)
    return [mixture if len(mixture[0]) else spelled for mixture, spelled in zip(near, found, strict=True)]


def _mean(parts: tuple[int, ...]) -> Mixture:
    if not parts:
        return NOTHING
    return np.array(parts, np.int64), np.full(len(parts), 1 / len(parts))


def _rows_as_vectors(folder: Path, words: list[str]) -> Vectors:
    """The input matrix of a model as vectors: whole words by their text, and the given words by the mean of theirs."""
    data = read_tokenizer(folder)
    checkpoint = Checkpoint(folder)
    found = find_vocab_tensors(checkpoint, load_config(folder)).input
    if found.n_rows < len(data):
        raise ArgumentError(f"source: {folder} has {len(data)} tokens and {found.n_rows} rows")
    matrix = checkpoint.floats(found.tensor, found.axis)
    rows: dict[str, Float32Array] = {}
    for number, text in enumerate(token_texts(data)):
        if text is not None:
            rows.setdefault(text, matrix[number])
    missing = [word for word in dict.fromkeys(words) if word not in rows]
    for word, ids in zip(missing, Pipeline(data).encode(missing), strict=True):
        known = [number for number in ids if number != data.unknown_id]
        if known:
            rows[word] = matrix[known].mean(axis=0)
    return Vectors(list(rows), np.stack(list(rows.values())).astype(np.float32))


def mixed_rows(
    checkpoint: Checkpoint, found: VocabTensor, mixtures_of_new: list[Mixture], n_tokens: int
) -> Float64Array:
    """The new rows of one tensor, float64 [n_new, width]."""
    width = int(np.prod(found.tensor.shape, dtype=np.int64)) // max(found.n_rows, 1)
    made = np.zeros((len(mixtures_of_new), width))
    everything: Float64Array | None = None
    for place, (parts, weights) in enumerate(mixtures_of_new):
        if len(parts):
            made[place] = weights @ checkpoint.floats(found.tensor, found.axis, parts).astype(np.float64)
            continue
        if everything is None:
            all_ids = cast(Int64Array, np.arange(n_tokens))
            everything = checkpoint.floats(found.tensor, found.axis, all_ids).mean(axis=0, dtype=np.float64)
        made[place] = everything
    return made
