"""Words as ELMo reads them: the bytes of the UTF-8 as character ids, with marks around them (Peters et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_CHARACTERS = 262
# The 256 bytes come first, then these; all are shifted by one when they are looked up, since row 0 is for no word at all.
_SENTENCE_BEGIN, _SENTENCE_END, _WORD_BEGIN, _WORD_END, _PADDING = 256, 257, 258, 259, 260
SENTENCE_BEGIN, SENTENCE_END = "<S>", "</S>"


def character_ids(
    words: Sequence[str], *, max_characters: int = 50, dtype: type[np.signedinteger[Any]] = np.int64
) -> NDArray[Any]:
    """The ids of the bytes of words, [n_words, max_characters], 1 to 261, int64 unless another dtype is asked for.

    A word of more than max_characters - 2 bytes is cut off, as in the original. "<S>" and "</S>" are the ends of a sentence, which
    have characters of their own.
    """
    ids = np.full((len(words), max_characters), _PADDING, dtype=dtype)
    for row, word in zip(ids, words, strict=True):
        if word in (SENTENCE_BEGIN, SENTENCE_END):
            row[:3] = _WORD_BEGIN, _SENTENCE_BEGIN if word == SENTENCE_BEGIN else _SENTENCE_END, _WORD_END
            continue
        data = word.encode("utf-8", "replace")[: max_characters - 2]
        row[0] = _WORD_BEGIN
        row[1 : 1 + len(data)] = np.frombuffer(data, dtype=np.uint8)
        row[1 + len(data)] = _WORD_END
    return ids + 1
