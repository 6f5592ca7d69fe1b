"""The keys of `Vectors`: words over plain arrays, which may be mapped from a file and are read on demand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np

from qianru import _core
from qianru.arrays import Int64Array, UInt8Array, UInt64Array
from qianru.errors import ArgumentError, UnknownWordError

_N_CLOSE = 5
_ITERATE_ROWS = 8192


class Keys(Sequence[str]):
    """Distinct words in row order; `find` looks one up by hash without reading the others.

    Bytes of a word that are not UTF-8 are lone surrogates in its str (PEP 383), so that they come back as they
    were. `bytes` [n_bytes] uint8: the words' UTF-8, one after the other; `offsets` [n_keys + 1] uint64: where each
    begins; `table` [n_slots] uint64: the hash table (docs/reference/model-folder.md).
    """

    def __init__(self, data: UInt8Array, offsets: UInt64Array, table: UInt64Array) -> None:
        self.bytes = data
        self.offsets = offsets
        self.table = table
        self.lookup = _core.KeyIndex(data, offsets, table)

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Keys:
        """Pack words. Raises ArgumentError for an empty, repeated or unencodable one, and for none at all."""
        if isinstance(words, str):
            raise ArgumentError("keys must be a sequence of words, got one str", hint='write ["word", …]')
        encoded: list[bytes] = []
        for row, word in enumerate(words):
            if not isinstance(word, str) or not word:
                raise ArgumentError(f"keys must be non-empty str, got {word!r} at row {row}")
            try:
                encoded.append(word.encode())
            except UnicodeEncodeError:
                encoded.append(_escaped(word, row))
        if not encoded:
            raise ArgumentError("keys must hold at least one word, got none")
        offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
        np.cumsum(np.fromiter(map(len, encoded), dtype=np.uint64, count=len(encoded)), out=offsets[1:])
        data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        keys, duplicates = cls.from_bytes(data, offsets)
        if len(duplicates):
            word = encoded[duplicates[0]].decode("utf-8", "surrogateescape")
            raise ArgumentError(
                f"keys must be unique, got {word!r} at rows {keys.find(word)} and {duplicates[0]}",
                hint="drop the repeated words and their rows",
            )
        return keys

    @classmethod
    def from_bytes(cls, data: UInt8Array, offsets: UInt64Array) -> tuple[Keys, list[int]]:
        """Build the table; also returns the rows whose key stands in a lower row already."""
        table = np.empty(_core.slots_for(len(offsets) - 1), dtype=np.uint64)
        duplicates = _core.fill_table(data, offsets, table)
        return cls(data, offsets, table), list(duplicates)

    def find(self, word: str) -> int:
        """The row of the word, or -1."""
        try:
            return self.lookup.find(word.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            return -1

    def row(self, word: str) -> int:
        """The row of the word. Raises UnknownWordError, naming close spellings."""
        if not isinstance(word, str):
            raise ArgumentError(f"a word must be a str, got {type(word).__name__} {word!r}")
        row = self.find(word)
        if row < 0:
            raise UnknownWordError(word, close=close_spellings(self, word))
        return row

    def rows(self, words: Iterable[str]) -> Int64Array:
        """The rows [n] of the words. Raises UnknownWordError for the first one that is not a key."""
        return np.fromiter((self.row(word) for word in words), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, item: int) -> str: ...
    @overload
    def __getitem__(self, item: slice) -> list[str]: ...
    def __getitem__(self, item: int | slice) -> str | list[str]:
        if isinstance(item, slice):
            return [self._decode(row) for row in range(*item.indices(len(self)))]
        row = range(len(self))[item]
        return self._decode(row)

    def __iter__(self) -> Iterator[str]:
        for begin in range(0, len(self), _ITERATE_ROWS):
            ends = self.offsets[begin : begin + _ITERATE_ROWS + 1].tolist()
            data = self.bytes[ends[0] : ends[-1]].tobytes()
            for i in range(len(ends) - 1):
                yield data[ends[i] - ends[0] : ends[i + 1] - ends[0]].decode("utf-8", "surrogateescape")

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) >= 0

    def index(self, word: str, start: int = 0, stop: int | None = None) -> int:
        """The row of the word, as `list.index`. Raises ValueError if it is not there; `row` says more."""
        row = self.find(word) if isinstance(word, str) else -1
        if row not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{word!r} is not among the keys")
        return row

    def count(self, word: str) -> int:
        """1 if the word is a key, else 0."""
        return int(word in self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Keys):
            return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.bytes, other.bytes)
        if isinstance(other, (list, tuple)):
            return len(self) == len(other) and all(
                mine == theirs for mine, theirs in zip(self, other, strict=True)
            )
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:5]))
        return f"Keys([{shown}{', …' if len(self) > 5 else ''}], n_keys={len(self)})"

    def _decode(self, row: int) -> str:
        begin, end = self.offsets[row : row + 2].tolist()
        return self.bytes[begin:end].tobytes().decode("utf-8", "surrogateescape")


def _escaped(word: str, row: int) -> bytes:
    """The bytes of a word some of which are not UTF-8."""
    with contextlib.suppress(UnicodeEncodeError):
        data = word.encode("utf-8", "surrogateescape")
        # Surrogates that together make up UTF-8 would come back as another word.
        if data.decode("utf-8", "surrogateescape") == word:
            return data
    raise ArgumentError(
        f"key {word!r} at row {row} holds a lone surrogate and has no UTF-8 form",
        hint='decode the text with errors="replace"',
    )


def close_spellings(keys: Keys, word: str, n: int = _N_CLOSE) -> tuple[str, ...]:
    """Keys spelled nearly like the word: in other letter case, then by edits; Han ones share a character."""
    if not word:
        return ()
    found: list[str] = []
    for variant in (word.lower(), word.upper(), word.title(), word.casefold(), word.strip()):
        if variant != word and variant in keys and variant not in found:
            found.append(variant)
    rows = keys.lookup.close_spellings(word.encode("utf-8", "replace"), _edit_limit(word), n + len(found))
    found.extend(key for key in (keys[row] for row in rows) if key not in found)
    return tuple(found[:n])


def _edit_limit(word: str) -> int:
    """How many edits still are close: more in longer words; of a Han word one character must stay."""
    if any("\u3400" <= c <= "\u9fff" or c >= "\U00020000" for c in word):
        return min(max(len(word) - 1, 1), 3)
    return 1 if len(word) < 5 else 2 if len(word) < 10 else 3
