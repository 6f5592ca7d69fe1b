"""Labelled text for classifiers: fastText's `__label__x text` files, or pairs of text and label."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus

Pair: TypeAlias = tuple[str, str | Sequence[str]]
Examples: TypeAlias = str | os.PathLike[str] | Iterable[Pair]

LABEL_PREFIX = "__label__"
# Stands before labels in lines made of pairs, where no token of the text can begin with it.
_PAIR_PREFIX = b"\x01"
_PIECE = 1 << 24
_N_PAIRS = 10_000


def joined_texts(texts: Iterable[str], split: str) -> bytes:
    """Texts as lines of tokens between spaces; "words" cuts them as `Corpus` does, "space" at ASCII white space."""
    flat = (text.replace("\x01", " ").replace("\0", " ") for text in texts)
    if split == "space":
        return b"".join(b" ".join(text.encode("utf-8", "replace").split()) + b"\n" for text in flat)
    # A word at the front keeps lines without words in their place.
    lines = Corpus(["0 " + " ".join(text.split()) for text in flat]).words()
    return "".join(" ".join(line[1:]) + "\n" for line in lines).encode("utf-8", "replace")


def labelled_blocks(examples: Examples, split: str, prefix: str) -> Iterator[tuple[bytes, bytes]]:
    """Blocks of lines, labels among their tokens, and what the labels begin with. Raises CorpusError."""
    if isinstance(examples, (str, os.PathLike)):
        path = Path(examples)
        if not path.is_file():
            raise CorpusError(f"no such file: {path}", hint="Name a file of `__label__x text` lines.")
        if split == "space":
            yield from ((block, prefix.encode()) for block in _file_blocks(path))
            return
        examples = read_pairs(path, prefix)
    iterator = iter(examples)
    while batch := list(islice(iterator, _N_PAIRS)):
        for pair in batch:
            if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
                raise ArgumentError(f"examples must be (text, label) pairs, got {pair!r}"[:200])
        texts = joined_texts((text for text, _ in batch), split).split(b"\n")
        lines = [
            _labels(labels) + text + b"\n"
            for (_, labels), text in zip(batch, texts[: len(batch)], strict=True)
        ]
        yield b"".join(lines), _PAIR_PREFIX


def read_pairs(path: str | os.PathLike[str], prefix: str = LABEL_PREFIX) -> Iterator[tuple[str, list[str]]]:
    """The lines of a `__label__x text` file as pairs of the text and its labels, without their prefix.

    Tokens stand between ASCII white space, as where the core reads such a file.
    """
    with Path(path).open("rb") as file:
        for number, line in enumerate(file):
            line = line.removeprefix(BOM_UTF8) if number == 0 else line
            tokens = [token.decode("utf-8", "replace") for token in line.replace(b"\0", b" ").split()]
            labels = [t[len(prefix) :] for t in tokens if t.startswith(prefix) and len(t) > len(prefix)]
            yield " ".join(t for t in tokens if not t.startswith(prefix)), labels


def labels_of(pair: Pair) -> list[str]:
    """The labels of an example as a list."""
    return [pair[1]] if isinstance(pair[1], str) else list(pair[1])


def as_pairs(examples: Examples, prefix: str) -> list[Pair]:
    """All examples in memory, wherever they come from."""
    if isinstance(examples, (str, os.PathLike)):
        return list(read_pairs(examples, prefix))
    return list(examples)


def _labels(labels: str | Sequence[str]) -> bytes:
    found = []
    for label in [labels] if isinstance(labels, str) else labels:
        if (
            not isinstance(label, str)
            or not label
            or len(label.split()) != 1
            or "\0" in label
            or label.split()[0] != label
        ):
            raise ArgumentError(
                f"a label must be a word without white space, got {label!r}", hint="Put _ for the space."
            )
        found.append(_PAIR_PREFIX + label.encode("utf-8", "replace") + b" ")
    return b"".join(found)


def _file_blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces of whole lines."""
    rest = b""
    with path.open("rb") as file:
        if file.read(len(BOM_UTF8)) != BOM_UTF8:
            file.seek(0)
        while piece := file.read(_PIECE):
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
                rest = piece[cut:]
            else:
                rest += piece
    if rest:
        yield rest
