"""Sources become blocks of a megabyte or so, cut at line ends, for the workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from qianru._core import safe_cut
from qianru.errors import ArgumentError, CorpusError
from qianru.text.reading import Decoding, Tally, utf8_chunks
from qianru.text.sources import FileSource, IterableSource, Source

BLOCK_BYTES = 1 << 20
# A stretch of this many bytes without any place to cut it is cut somewhere.
LONGEST_STRETCH = 1 << 26

Kind: TypeAlias = Literal["text", "json", "words"]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a source: UTF-8 text, JSON lines, or lines of words (each with NUL after it).

    A block of text may begin or end inside a line. `offset` counts bytes of UTF-8 from the start of the
    source, `first_line` lines from 1 (kept for JSON only).
    """

    kind: Kind
    data: bytes
    source: Source
    offset: int = 0
    first_line: int = 1
    starts_in_line: bool = False
    ends_in_line: bool = False


@dataclass(frozen=True)
class BlockReader:
    """Reads all sources, in order, into blocks."""

    sources: Sequence[Source]
    decoding: Decoding
    field: str | None
    has_user_dict: bool
    lowercase: bool

    def blocks(self, tally: Tally) -> Iterator[tuple[Block, int]]:
        """Each block with the number of stored bytes of all sources used so far."""
        n_before = 0
        for source in self.sources:
            position = 0
            if isinstance(source, IterableSource):
                for block in self._items(source, tally):
                    yield block, 0
                continue
            for block, position in self._file(source, tally):
                yield block, n_before + position
            n_before += position

    def _file(self, source: FileSource, tally: Tally) -> Iterator[tuple[Block, int]]:
        kind: Kind = "text" if self.field is None else "json"
        parts: list[bytes] = []
        n_held, enough = 0, BLOCK_BYTES
        offset, line, in_line, position = 0, 1, False, 0
        for chunk, position in utf8_chunks(source, self.decoding, BLOCK_BYTES, tally):
            n_held += len(chunk)
            cut, ends_in_line = chunk.rfind(b"\n") + 1, False
            if n_held < enough or not cut:
                parts.append(chunk)
                if n_held < enough:
                    continue
                chunk = b"".join(parts)
                cut, ends_in_line = self._cut(chunk, kind)
                if cut == 0:
                    # Twice as much next time, so that a line of any length is joined a few times only.
                    parts, enough = [chunk], 2 * n_held
                    continue
                parts = []
            data = b"".join((*parts, memoryview(chunk)[:cut]))
            yield Block(kind, data, source, offset, line, in_line, ends_in_line), position
            line += data.count(b"\n") if kind == "json" else 0
            offset, in_line, enough = offset + len(data), ends_in_line, BLOCK_BYTES
            parts = [chunk[cut:]]
            n_held = len(parts[0])
        if n_held:
            yield Block(kind, b"".join(parts), source, offset, line, in_line), position

    def _cut(self, data: bytes, kind: Kind) -> tuple[int, bool]:
        """Where to end a block, 0 if nowhere yet, and whether that is inside a line."""
        cut = data.rfind(b"\n") + 1
        if cut or kind == "json":
            return cut, False
        cut = safe_cut(data, not self.has_user_dict)
        if cut == 0 and len(data) >= LONGEST_STRETCH:
            cut = len(data) - 1
            while cut > len(data) - 4 and data[cut] & 0xC0 == 0x80:
                cut -= 1
        return cut, True

    def _items(self, source: IterableSource, tally: Tally) -> Iterator[Block]:
        held: list[bytes] = []
        n_held, of_words = 0, False
        for number, item in enumerate(source.items):
            if number == 0:
                of_words = not isinstance(item, str)
                self._check_options(of_words)
            line = _line_of_words(item, number) if of_words else _line_of_text(item, number)
            held.append(line)
            n_held += len(line)
            tally.n_bytes += len(line)
            if n_held >= BLOCK_BYTES:
                yield Block("words" if of_words else "text", b"".join(held), source)
                held, n_held = [], 0
        if held:
            yield Block("words" if of_words else "text", b"".join(held), source)

    def _check_options(self, of_words: bool) -> None:
        if self.field is not None:
            raise ArgumentError("field is for files of JSON lines", hint="Let the iterable give texts.")
        if of_words and (self.lowercase or self.has_user_dict):
            raise ArgumentError(
                "lowercase and user_dict do nothing to lines that are split into words already",
                hint="Give lines as str, or leave these options out.",
            )


def _line_of_text(item: object, number: int) -> bytes:
    if not isinstance(item, str):
        raise _item_error(number, item, "a str like the first item")
    try:
        return item.encode() + b"\n"
    except UnicodeEncodeError as error:
        raise _surrogate_error(number, error) from None


def _line_of_words(item: object, number: int) -> bytes:
    if isinstance(item, (str, bytes)) or not isinstance(item, Sequence):
        raise _item_error(number, item, "a list of str" + (" like the first item" if number else " or a str"))
    parts: list[str] = []
    for word in item:
        if not isinstance(word, str):
            raise _item_error(number, word, "only words of type str")
        if "\n" in word or "\0" in word:
            raise CorpusError(
                f"item {number} of the iterable holds the word {word!r}: a word holds no line feed or NUL",
                hint="Split or clean the word.",
            )
        parts.append(word + "\0")
    try:
        return "".join(parts).encode() + b"\n"
    except UnicodeEncodeError as error:
        raise _surrogate_error(number, error) from None


def _item_error(number: int, item: object, rule: str) -> ArgumentError:
    return ArgumentError(
        f"item {number} of the iterable must be {rule}, not {type(item).__name__}",
        hint="Give all lines as str, or all lines as lists of words.",
    )


def _surrogate_error(number: int, error: UnicodeEncodeError) -> CorpusError:
    return CorpusError(
        f"item {number} of the iterable holds a lone surrogate (U+{ord(error.object[error.start]):04X}), "
        "which is no character",
        hint='Decode the text again from its bytes, or replace it: text.encode("utf-8", "replace").decode().',
    )
