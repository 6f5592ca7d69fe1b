"""Two spaces made one by a rotation that a seed dictionary gives: two languages, two times, two runs.

The rotation W is the orthogonal matrix with the least |XW - Y| over the pairs of the dictionary, W = UV' where
USV' is the singular value decomposition of X'Y (orthogonal Procrustes; Schönemann 1966, Xing et al. 2015). It
changes no length and no angle within the space it turns. Rows are scaled to length 1 first and, by default,
centred and scaled once more (Artetxe, Labaka & Agirre 2016).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from qianru.arrays import Float32Array, Int64Array
from qianru.errors import ArgumentError, FormatError
from qianru.vectors.algebra import Searcher, unit_rows
from qianru.vectors.vectors import Vectors

METHODS = ("cosine", "csls")
# CSLS's neighbourhood (Conneau et al. 2018).
_K_LOCAL = 10
_QUERY_BLOCK = 256

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Aligned:
    """Both spaces after the rotation, rows of length 1; n_pairs: dictionary pairs with both words known, of n_given."""

    source: Vectors
    target: Vectors
    rotation: Float32Array
    n_pairs: int
    n_given: int


@dataclass(frozen=True)
class Retrieval:
    """Share of source words with a right translation among the first 1 and 5; n_words of n_asked are known.

    A word with several translations counts once, and any of them is right.
    """

    method: str
    at_1: float
    at_5: float
    n_words: int
    n_asked: int


_BLANKS = " \t\r\f\v"


def read_dictionary(path: str | Path) -> list[tuple[str, str]]:
    """Pairs of words, one a line, between a tab or ASCII blanks (MUSE's form). Raises FormatError."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot be read: {error}", path=str(path)) from None
    pairs = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        line = line.strip(_BLANKS)
        words = [word.strip(_BLANKS) for word in re.split("\t" if "\t" in line else f"[{_BLANKS}]+", line)]
        if len(words) != 2 or not all(words):
            raise FormatError(f"line {number}: two words were expected, got {line[:80]!r}", path=str(path))
        pairs.append((words[0], words[1]))
    if not pairs:
        raise FormatError("no pair of words in it", path=str(path))
    return pairs


def align(source: Vectors, target: Vectors, pairs: Pairs, *, centre: bool = True) -> Aligned:
    """Turn the source space so that the first word of each pair comes near the second one in the target space.

    centre: subtract each space's mean. Pairs with an unknown word are passed over. Raises ArgumentError where dims
    differ or no pair is known.
    """
    if source.dim != target.dim:
        raise ArgumentError(
            f"source and target must have one dim, got {source.dim} and {target.dim}",
            hint="bring the larger one down with reduce_dim (qianru transform --dim)",
        )
    known = _known(source, target, pairs)
    if not len(known):
        raise ArgumentError(
            f"no pair of the {len(pairs)} has both its words in the vectors",
            hint="are source and target in the order of the dictionary?",
        )
    x, y = _prepared(source.to_numpy(), centre=centre), _prepared(target.to_numpy(), centre=centre)
    product = x[known[:, 0]].T.astype(np.float64) @ y[known[:, 1]].astype(np.float64)
    u, _, vt = np.linalg.svd(product)
    rotation = cast(Float32Array, (u @ vt).astype(np.float32))
    step = {"step": "align", "centre": centre, "n_pairs": len(known)}
    return Aligned(
        source.with_matrix(
            np.ascontiguousarray(x @ rotation),
            {**step, "side": "source", "target_fingerprint": target.fingerprint},
        ),
        target.with_matrix(y, {**step, "side": "target", "target_fingerprint": target.fingerprint}),
        rotation,
        len(known),
        len(pairs),
    )


def check_one_space(source: Vectors, target: Vectors) -> None:
    """Raises ArgumentError where the provenance of the source says that it was turned onto another model than the target."""
    aim, own = _aim(source), _aim(target)
    if aim is not None and aim not in (own, target.fingerprint):
        theirs = target.fingerprint if own is None else own
        raise ArgumentError(
            f"source was aligned to the model with fingerprint {aim[:16]}, target is {theirs[:16]}",
            hint="give the target that `qianru align` wrote beside it, or align anew",
        )


def _aim(vectors: Vectors) -> str | None:
    """The fingerprint of the model that the last alignment turned these vectors onto, None where there was none."""
    steps = vectors.provenance.get("steps")
    for step in reversed(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and step.get("step") == "align":
            aim = step.get("target_fingerprint")
            return aim if isinstance(aim, str) else None
    return None


def _prepared(matrix: Float32Array, *, centre: bool) -> Float32Array:
    units = unit_rows(matrix)
    if centre:
        units = unit_rows(units - units.mean(axis=0, dtype=np.float64).astype(np.float32))
    return units


def _known(source: Vectors, target: Vectors, pairs: Pairs) -> Int64Array:
    """Rows [n, 2] of the pairs whose words are both known."""
    left = source.rows([a for a, _ in pairs], unknown="skip")
    right = target.rows([b for _, b in pairs], unknown="skip")
    rows = np.stack([left, right], axis=1)
    return rows[(rows >= 0).all(axis=1)]


def retrieval(source: Vectors, target: Vectors, pairs: Pairs, *, method: str = "csls") -> Retrieval:
    """How often a source word's translation is among its nearest target words, all of which are candidates.

    method: "cosine", or "csls", which takes from each cosine the mean of the target word's own ten nearest in the
    source space, so that words near to everything answer less often (Conneau et al., "Word translation without
    parallel data", ICLR 2018, section 2.3; the source word's own mean changes no ranking and is left out). Raises
    ArgumentError.
    """
    ranks = translation_ranks(source, target, pairs, method=method)
    at_1, at_5 = (float(np.mean([rank < k for rank in ranks.values()])) for k in (1, 5))
    return Retrieval(method, at_1, at_5, len(ranks), len({a for a, _ in pairs}))


def translation_ranks(source: Vectors, target: Vectors, pairs: Pairs, *, method: str) -> dict[str, int]:
    """For each source word with a known pair, how many target words come before its first right one; at most 5.

    Arguments and errors are those of `retrieval`.
    """
    if method not in METHODS:
        raise ArgumentError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    known = _known(source, target, pairs)
    if not len(known):
        raise ArgumentError(f"no pair of the {len(pairs)} has both its words in the vectors")
    asked = np.unique(known[:, 0])
    answers: dict[int, set[int]] = {row: set() for row in asked.tolist()}
    for left, right in known.tolist():
        answers[left].add(right)
    queries = unit_rows(source.to_numpy()[asked])
    if method == "cosine":
        found, _ = Searcher(target.to_numpy()).nearest(
            queries, 5, exclude=np.empty((len(asked), 0), dtype=np.int64)
        )
    else:
        found = _csls(queries, source.to_numpy(), target.to_numpy())
    return {
        source.keys[left]: next((rank for rank, row in enumerate(one) if row in answers[left]), 5)
        for left, one in zip(asked.tolist(), found.tolist(), strict=True)
    }


def _csls(queries: Float32Array, source: Float32Array, target: Float32Array) -> Int64Array:
    """The five best target rows [m, 5] for unit queries [m, dim]."""
    units = unit_rows(target)
    none = np.empty((len(units), 0), dtype=np.int64)
    _, near = Searcher(source).nearest(units, min(_K_LOCAL, len(source)), exclude=none)
    local = near.mean(axis=1)
    k = min(5, len(units))
    found = np.empty((len(queries), k), dtype=np.int64)
    for begin in range(0, len(queries), _QUERY_BLOCK):
        scores = 2 * (queries[begin : begin + _QUERY_BLOCK] @ units.T) - local
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        found[begin : begin + _QUERY_BLOCK] = np.take_along_axis(best, order, 1)
    return found
