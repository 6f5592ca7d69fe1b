"""A tokenizer for words that are there already: those of vectors, or of a list."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from qianru.arrays import UInt64Array
from qianru.errors import ArgumentError
from qianru.tokens.description import Description
from qianru.tokens.pipelines import special_token
from qianru.tokens.settings import checked_special
from qianru.tokens.tokenizer import Tokenizer
from qianru.tokens.word_model import unigram_scores, write_word_tokenizer


def tokenizer_of_words(
    words: Sequence[str],
    *,
    counts: Sequence[int] | UInt64Array | None = None,
    lowercase: bool = False,
    special_tokens: Sequence[str] = (),
) -> Tokenizer:
    """A word tokenizer in which the id of a word is its place; after the words come [UNK] and the special tokens.

    Args:
        words: n distinct ones. counts: how often each occurs [n]; by them runs of Chinese characters are cut into
            words. Without them Zipf's law is taken over the places.
        lowercase: text is put in lower case first.

    Raises:
        ArgumentError: there is no word, one stands twice, or is none that text can hold.
    """
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise ArgumentError(
            f"words must be a list of words, got {type(words).__name__}", hint='write ["cat", "the"]'
        )
    found = list(words)
    if not found:
        raise ArgumentError("words must hold at least one word")
    special = checked_special(special_tokens)
    seen = set(special)
    for place, word in enumerate(found):
        if not isinstance(word, str) or not word or word in seen:
            why = "is empty or no str" if not isinstance(word, str) or not word else "stands twice"
            raise ArgumentError(
                f"words must be distinct words: words[{place}] {word!r} {why}",
                hint="list(dict.fromkeys(words)) keeps the first of equal ones",
            )
        seen.add(word)
    try:
        "".join(found).encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            "words holds bytes that are no UTF-8, which no tokenizer can find",
            hint='open the vectors with errors="replace"',
        ) from None
    numbers = None if counts is None else _checked_counts(counts, len(found))
    out = io.StringIO()
    write_word_tokenizer(
        out,
        dict.fromkeys(found),
        lambda: unigram_scores(found, numbers),
        lowercase=lowercase,
    )
    description = cast(Description, json.loads(out.getvalue()))
    added = cast(list[dict[str, object]], description["added_tokens"])
    for token in special:
        if token == "[UNK]":  # is there
            continue
        added.append(special_token(token, len(found) + len(added)))
    return Tokenizer(description)


def _checked_counts(counts: Sequence[int] | UInt64Array, n_words: int) -> UInt64Array:
    try:
        numbers = np.asarray(counts)
    except ValueError:  # lists of several lengths
        numbers = np.empty(0, dtype=np.object_)
    if numbers.ndim != 1 or (numbers.size and (numbers.dtype.kind not in "iu" or numbers.min() < 0)):
        raise ArgumentError(
            f"counts must be whole numbers from 0 up, one for each word, got {counts!r:.60}",
            hint="leave counts out to have them guessed",
        )
    if len(numbers) != n_words:
        raise ArgumentError(f"counts must be one for each word: {len(numbers)} counts, {n_words} words")
    return numbers.astype(np.uint64)
