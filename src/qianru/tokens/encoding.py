"""What encoding gives: one text's tokens with their places, or a batch's ids in one array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast, overload

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Int64Array, UInt32Array
from qianru.errors import ArgumentError
from qianru.text.encoding import default_threads


@dataclass(frozen=True, eq=False)
class Encoding:
    """The n tokens of one text.

    Attributes:
        tokens: as they stand in the vocabulary.
        ids: uint32 [n].
        offsets: int64 [n, 2], where each token begins and ends in the text as it was given, in characters or, if
            asked for, in bytes of its UTF-8. Special tokens that were put around the text have (0, 0). Tokens
            that share one character have its offsets all.
        word_ids: int64 [n], the number of the piece of text, as the pre-tokenizer cut it, that the token is
            from; -1 for tokens that were put around the text.
        special_tokens_mask: bool [n], true for tokens that were put around the text.
        n_truncated: tokens left out at the end because of max_tokens.
    """

    tokens: list[str]
    ids: UInt32Array
    offsets: Int64Array
    word_ids: Int64Array
    special_tokens_mask: NDArray[np.bool_]
    n_truncated: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        return f"Encoding({self.tokens!r})"


@dataclass(frozen=True, eq=False)
class TokenBatch(Sequence[UInt32Array]):
    """The ids of several texts, one after the other.

    `ids` uint32 [total]; those of text i are `ids[splits[i]:splits[i + 1]]`, which is what `batch[i]` gives, as a
    view; `splits` int64 [n_texts + 1].
    """

    ids: UInt32Array
    splits: Int64Array

    def __len__(self) -> int:
        return len(self.splits) - 1

    @overload
    def __getitem__(self, item: int) -> UInt32Array: ...
    @overload
    def __getitem__(self, item: slice) -> TokenBatch: ...
    def __getitem__(self, item: int | slice) -> UInt32Array | TokenBatch:
        if isinstance(item, slice):
            start, stop, step = item.indices(len(self))
            if step != 1:
                raise ArgumentError("a slice of a batch has no step", hint="take the texts one by one")
            stop = max(start, stop)
            first, last = int(self.splits[start]), int(self.splits[stop])
            return TokenBatch(self.ids[first:last], self.splits[start : stop + 1] - first)
        i = range(len(self))[item]
        return self.ids[self.splits[i] : self.splits[i + 1]]


def checked_threads(threads: int | None) -> int:
    """The number of threads, by default one for each processor. Raises ArgumentError."""
    if threads is None:
        return default_threads()
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ArgumentError(f"threads must be a whole number of at least 1, got {threads!r}")
    return threads


def checked_whole(value: object, name: str) -> int:
    """The value as int. Raises ArgumentError if it is no whole number."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentError(
            f"{name} must be a whole number, got {value!r}", hint=f"write {name}=8 or the like"
        )
    return int(value.__index__())


def checked_text(text: object, name: str = "text") -> str:
    """The text itself. Raises ArgumentError if it is no str or holds half of a surrogate pair."""
    if not isinstance(text, str):
        raise ArgumentError(f"{name} must be a str, got {type(text).__name__}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ArgumentError(
                f"{name} holds a lone surrogate (U+{ord(text[error.start]):04X}) at character {error.start}, "
                "which is no character",
                hint='decode the text again from its bytes, or: text.encode("utf-8", "replace").decode()',
            ) from None
    return text


def checked_ids(ids: object, n_tokens: int) -> NDArray[np.integer]:
    """The ids as an array [n]. Raises ArgumentError if they are none of tokens."""
    try:
        array = ids if isinstance(ids, np.ndarray) else np.array(list(cast(Iterable[int], ids)))
    except (TypeError, ValueError):  # nothing to go through, or lists of several lengths
        array = np.empty((0, 0))
    is_list = array.ndim == 1 and (array.dtype.kind in "iu" or not array.size)
    if not is_list or (array.size and (array.min() < 0 or array.max() >= n_tokens)):
        raise ArgumentError(
            f"ids must be whole numbers from 0 to {n_tokens - 1}, got {ids!r:.60}",
            hint="give one list of them, as encode(text).ids",
        )
    return array


def checked_texts(texts: object) -> list[str]:
    """The texts. Raises ArgumentError for anything else, and as `checked_text`, naming the text by its place."""
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        kind = "one str" if isinstance(texts, str) else type(texts).__name__
        raise ArgumentError(f"texts must be a sequence of texts, got {kind}", hint="write [text]")
    return [checked_text(text, f"texts[{i}]") for i, text in enumerate(texts)]


def utf8_of(texts: Sequence[str]) -> list[bytes]:
    """The UTF-8 of each text. Raises ArgumentError as `checked_texts`."""
    try:
        if not isinstance(texts, str):
            return list(map(str.encode, texts))
    except (TypeError, UnicodeEncodeError):
        pass
    return [text.encode() for text in checked_texts(texts)]


def byte_starts(text: str) -> Int64Array:
    """Where each character begins in the UTF-8 of the text, and its length: int64 [n_chars + 1]."""
    starts = np.arange(len(text) + 1, dtype=np.int64)
    if not text.isascii():
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
        np.cumsum(widths, out=starts[1:])
    return starts


def truncated(made: Encoding, max_tokens: int, n_before: int, n_behind: int) -> Encoding:
    """At most max_tokens tokens, the ones behind the text among them. Raises ArgumentError."""
    n_around, max_tokens = n_before + n_behind, checked_whole(max_tokens, "max_tokens")
    if not max_tokens > n_around:
        raise ArgumentError(
            f"max_tokens must be above {n_around}, the tokens around a text, got {max_tokens}"
        )
    n_over = len(made) - max_tokens
    if n_over <= 0:
        return made
    keep = np.r_[: max_tokens - n_behind, len(made) - n_behind : len(made)]
    return Encoding(
        [made.tokens[i] for i in keep],
        made.ids[keep],
        made.offsets[keep],
        made.word_ids[keep],
        made.special_tokens_mask[keep],
        n_over,
    )
