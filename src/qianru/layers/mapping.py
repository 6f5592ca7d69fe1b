"""Which vector each token of a vocabulary starts from: found as a word, made of its n-grams, or missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qianru.arrays import Float32Array, Int64Array, UInt8Array
from qianru.errors import ArgumentError
from qianru.tokens import Tokenizer, read_tokenizer
from qianru.tokens.surgery_pipeline import token_texts
from qianru.vectors import SubwordVectors, Vectors

SOURCES = ("found", "subwords", "missing")
# What a row of any layer may have started from.
ORIGINS = (*SOURCES, "random", "unknown")
FOUND, SUBWORDS, MISSING = range(3)
_N_NAMED = 20


@dataclass(frozen=True)
class MappingReport:
    """Where the rows of n_tokens come from, by number and, where the tokens' counts are known, by occurrences.

    Attributes:
        n_found, n_subwords, n_missing: tokens whose text is a word of the vectors; that have a vector from its
            n-grams; that have none. n_special: of the missing ones, those that are no text, as [PAD].
        count_found, count_subwords, count_missing: how often such tokens occur, or None.
        missing: the most frequent missing tokens, or the first ones; special tokens are left out.
        sources: uint8 [n_tokens], places in SOURCES.
    """

    n_tokens: int
    n_found: int
    n_subwords: int
    n_missing: int
    n_special: int
    count_found: int | None
    count_subwords: int | None
    count_missing: int | None
    missing: tuple[str, ...]
    sources: UInt8Array = field(repr=False, compare=False)

    @property
    def coverage(self) -> float:
        """Share of occurrences, or else of tokens, that start from a vector."""
        if self.count_found is None or self.count_subwords is None or self.count_missing is None:
            return (self.n_found + self.n_subwords) / self.n_tokens
        known = self.count_found + self.count_subwords
        return known / max(known + self.count_missing, 1)

    def as_dict(self) -> dict[str, object]:
        """Everything but the source of each token, for JSON."""
        told = {name: value for name, value in vars(self).items() if name != "sources"}
        return {**told, "missing": list(self.missing), "coverage": self.coverage}


def texts_of(tokenizer: Tokenizer) -> list[str | None]:
    """The text of each token [n_tokens]; None for special tokens and for pieces that only go on with a word."""
    data = read_tokenizer(tokenizer.description)
    texts = token_texts(data)
    # Words that a user dictionary put in are added tokens that are text.
    for token, token_id in data.added.items():
        if token not in tokenizer.special_tokens:
            texts[token_id] = token
    return texts


def map_vectors(
    tokenizer: Tokenizer,
    vectors: Vectors | SubwordVectors,
    *,
    counts: Sequence[int] | Int64Array | None = None,
    ignore_case: bool = False,
) -> tuple[Float32Array, MappingReport]:
    """The vectors of a tokenizer's tokens, float32 [n_tokens, dim], zeros for missing ones, and how many those are.

    Args:
        counts: how often each token occurs [n_tokens], for the report.
        ignore_case: a token that is not found is looked for in lower case too.

    Raises:
        ArgumentError: counts do not fit, or no token at all is known.
    """
    n_tokens = tokenizer.n_tokens
    if counts is not None and len(counts) != n_tokens:
        raise ArgumentError(f"counts must be one for each token: {len(counts)} counts, {n_tokens} tokens")
    texts = texts_of(tokenizer)
    words = vectors.vectors if isinstance(vectors, SubwordVectors) else vectors
    asked = np.array([place for place, text in enumerate(texts) if text is not None], dtype=np.int64)
    rows = np.full(n_tokens, -1, dtype=np.int64)
    rows[asked] = words.rows([texts[place] or "" for place in asked], unknown="skip")
    if ignore_case:
        left = asked[rows[asked] < 0]
        rows[left] = words.rows([(texts[place] or "").lower() for place in left], unknown="skip")
    found = np.flatnonzero(rows >= 0)
    matrix = np.zeros((n_tokens, words.dim), dtype=np.float32)
    matrix[found] = words.to_numpy()[rows[found]]
    sources = np.full(n_tokens, MISSING, dtype=np.uint8)
    sources[found] = FOUND
    if isinstance(vectors, SubwordVectors):
        for place in asked[rows[asked] < 0]:
            answer = vectors.lookup(texts[place] or "")
            if answer.source != "none":
                matrix[place], sources[place] = answer.vector, SUBWORDS
    if not (sources != MISSING).any():
        raise ArgumentError(
            f"vectors know none of the {n_tokens} tokens, such as {_first(tokenizer)}",
            hint="were they trained on text of this language, cut and cased in this way?",
        )
    return matrix, _report(tokenizer, texts, sources, counts)


def _first(tokenizer: Tokenizer) -> str:
    special = tokenizer.special_tokens
    return ", ".join(repr(token) for token in tokenizer.vocab if token not in special)[:60]


def _report(
    tokenizer: Tokenizer,
    texts: list[str | None],
    sources: UInt8Array,
    counts: Sequence[int] | Int64Array | None,
) -> MappingReport:
    n = [int((sources == source).sum()) for source in range(3)]
    occurs: list[int | None] = [None, None, None]
    special = set(tokenizer.special_tokens.values())
    missing = [place for place in np.flatnonzero(sources == MISSING).tolist() if place not in special]
    if counts is not None:
        told = np.asarray(counts, dtype=np.int64)
        occurs = [int(told[sources == source].sum()) for source in range(3)]
        missing.sort(key=lambda place: -int(told[place]))
    return MappingReport(
        n_tokens=len(sources),
        n_found=n[FOUND],
        n_subwords=n[SUBWORDS],
        n_missing=n[MISSING],
        n_special=sum(1 for place in special if sources[place] == MISSING),
        count_found=occurs[FOUND],
        count_subwords=occurs[SUBWORDS],
        count_missing=occurs[MISSING],
        missing=tuple(texts[place] or tokenizer.token_of(place) for place in missing[:_N_NAMED]),
        sources=sources,
    )
