"""From the words of a file to keys, each one once; and word lists, one word a line, beside a file of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qianru.arrays import Float32Array, UInt8Array, UInt64Array
from qianru.errors import ArgumentError, FormatError
from qianru.vectors.keys import Keys
from qianru.vectors.stored import Stored

# A file of this name has a plain companion (vectors.tsv, metadata.tsv); others have their own, so that no two share one.
_COMMON_STEM = "vectors"


def companion_path(path: Path, name: str) -> Path:
    """Where the word list of a file of numbers is written: beside it."""
    return path.with_name(name if path.stem == _COMMON_STEM else f"{path.stem}.{name}")


def find_companion(path: Path, *names: str) -> Path | None:
    """The word list beside a file of numbers, or None; its own before one that other files may share."""
    own = [path.with_name(f"{path.stem}.{name}") for name in names]
    shared = [path.with_name(name) for name in names]
    return next((candidate for candidate in (*own, *shared) if candidate.is_file()), None)


def require_companion(path: Path, *names: str) -> Path:
    """As `find_companion`. Raises FormatError where there is none."""
    found = find_companion(path, *names)
    if found is None:
        raise FormatError(
            "numbers without their words",
            path=str(path),
            hint=f"put the words, one a line, into {companion_path(path, names[0]).name} beside it",
        )
    return found


def read_lines(path: Path, n: int | None, *, errors: str) -> list[bytes]:
    """The lines of a word list. Raises FormatError where they are not n, empty, or against `errors` not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    lines = data.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")
    if n is not None and len(lines) != n:
        raise FormatError(f"{len(lines)} lines for {n} rows", path=str(path))
    for row, line in enumerate(lines):
        lines[row] = checked_word(line.removesuffix(b"\r"), row, str(path), errors=errors)
    return lines


def checked_word(word: bytes, row: int, path: str, *, errors: str) -> bytes:
    """The word, its broken bytes replaced where `errors` says so. Raises FormatError."""
    if not word:
        raise FormatError(f"word {row + 1} is empty", path=path)
    try:
        word.decode()
    except UnicodeDecodeError:
        if errors == "strict":
            raise FormatError(
                f"word {row + 1} is not UTF-8: {word[:40]!r}",
                path=path,
                hint='pass errors="surrogateescape" to keep its bytes, or errors="replace"',
            ) from None
        if errors == "replace":
            return word.decode("utf-8", "replace").encode()
    return word


def check_first_word(word: str, what: str) -> None:
    """Raise ArgumentError for a word that would be read back without its first character."""
    if word.startswith("\ufeff"):
        raise ArgumentError(
            f"the first key {word!r} begins with U+FEFF, which at the front of {what} is a byte order mark",
            hint="keep the vectors in a model folder (save), or rename the word",
        )


def check_lines(keys: Keys, breaks: str, what: str) -> None:
    """Raise ArgumentError for a word that holds one of the characters, or a first one that looks like a mark."""
    check_first_word(keys[0], what)
    for row, word in enumerate(keys):
        if any(mark in word for mark in breaks):
            raise ArgumentError(
                f"key {word!r} at row {row} holds a character that ends the word in {what}",
                hint="keep the vectors in a model folder (save), or rename the word",
            )


def utf8_words(keys: Keys, what: str) -> list[str]:
    """The words as text. Raises ArgumentError for one that is not UTF-8, which the format has no place for."""
    words = list(keys)
    for row, word in enumerate(words):
        if not word.isascii() and any("\udc80" <= mark <= "\udcff" for mark in word):
            raise ArgumentError(
                f"key {word!r} at row {row} is not UTF-8, and {what} holds nothing else",
                hint='load it with errors="replace" (--errors replace), or choose a word2vec, GloVe or qianru form',
            )
    return words


def word_lines(keys: Keys) -> bytes:
    """One word a line, as bytes."""
    return b"".join(word.encode("utf-8", "surrogateescape") + b"\n" for word in keys)


def pack(words: list[bytes]) -> tuple[UInt8Array, UInt64Array]:
    """The words one after the other, and where each begins [n + 1]."""
    offsets = np.zeros(len(words) + 1, dtype=np.uint64)
    np.cumsum(np.fromiter(map(len, words), dtype=np.uint64, count=len(words)), out=offsets[1:])
    return np.frombuffer(b"".join(words), dtype=np.uint8), offsets


def with_distinct_keys(
    data: UInt8Array,
    offsets: UInt64Array,
    matrix: Float32Array,
    provenance: dict[str, object],
    path: str,
    *,
    keep_first: bool,
    counts: UInt64Array | None = None,
) -> Stored:
    """Keys of the words, of which none is empty. Raises FormatError for a word that comes twice.

    keep_first: drop the later ones of equal words instead, and say so in the provenance.
    """
    keys, duplicates = Keys.from_bytes(data, offsets)
    if not duplicates:
        return Stored(keys, matrix, counts, provenance)
    if not keep_first:
        word = keys[duplicates[0]]
        raise FormatError(
            f"{word!r} comes twice, in rows {keys.find(word) + 1} and {duplicates[0] + 1}",
            path=path,
            hint="pass repair=True (--repair) to keep the first of equal words",
        )
    kept = np.delete(np.arange(len(keys)), duplicates)
    raw = data.tobytes()
    ends = offsets.tolist()
    keys, _ = Keys.from_bytes(*pack([raw[ends[row] : ends[row + 1]] for row in kept.tolist()]))
    provenance = {**provenance, "n_repeated_words_dropped": len(duplicates)}
    return Stored(keys, matrix[kept], None if counts is None else counts[kept], provenance)
