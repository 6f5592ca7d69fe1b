"""The words of a user dictionary, checked."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from qianru._core import MAX_WORD_BYTES
from qianru.errors import ArgumentError, CorpusError


def read_user_words(user_dict: str | os.PathLike[str] | Iterable[str] | None) -> tuple[str, ...]:
    """Words in NFC, sorted, without repeats. A file has one word a line; what follows after white space (a
    frequency, a part of speech) is not used, and empty lines and lines that start with "# " are skipped.

    Raises:
        ArgumentError: the argument or one of its words cannot be a dictionary (word).
        CorpusError: the file cannot be read or is not UTF-8.
    """
    if user_dict is None:
        return ()
    if isinstance(user_dict, (str, os.PathLike)):
        entries = [(words[0], place) for words, place in file_entries(user_dict, "user_dict")]
    elif isinstance(user_dict, Iterable):
        entries = [(word, f"item {i}") for i, word in enumerate(user_dict)]
    else:
        raise ArgumentError(
            f"user_dict must be the path of a file or a list of words, not {type(user_dict).__name__}",
            hint="A file has one word a line.",
        )
    return tuple(sorted({checked_word(word, place, "user_dict") for word, place in entries}))


def describe_user_words(user_dict: object, words: tuple[str, ...]) -> dict[str, object] | None:
    """What a model remembers of its user dictionary: n_words, sha256 of the words a line each, and the file's name.

    None without a word.
    """
    if not words:
        return None
    digest = hashlib.sha256("".join(f"{word}\n" for word in words).encode()).hexdigest()
    return {"file": file_name(user_dict), "n_words": len(words), "sha256": digest}


def file_name(given: object) -> str | None:
    """The name of a file given by its path, bytes that are not UTF-8 as \\xff: no JSON could hold them. None for others."""
    if not isinstance(given, (str, os.PathLike)):
        return None
    return os.fsencode(Path(given).name).decode("utf-8", "backslashreplace")


def file_entries(name: str | os.PathLike[str], argument: str) -> list[tuple[list[str], str]]:
    """The columns of each line, and the line's place for messages. Raises CorpusError."""
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{argument}: {path}, byte {error.start}: not valid UTF-8", hint="Save the dictionary as UTF-8."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: no file can have that name
        why = error.strerror if isinstance(error, OSError) else error
        raise CorpusError(f"{argument}: cannot read {str(path)!r}: {why}", hint="Check the path.") from None
    lines = enumerate(text.split("\n"), 1)
    return [
        (line.split(), f"{path}, line {number}")
        for number, line in lines
        if line.strip() and not line.startswith("# ")
    ]


def checked_word(word: object, place: str, argument: str) -> str:
    """The word in NFC. Raises ArgumentError if it cannot be a dictionary word."""
    if not isinstance(word, str):
        raise ArgumentError(
            f"{argument}, {place}: a word must be a str, not {type(word).__name__}",
            hint="Give a list of str.",
        )
    normal = unicodedata.normalize("NFC", word)
    if not normal or any(c.isspace() or unicodedata.category(c) in ("Cc", "Cs") for c in normal):
        raise ArgumentError(
            f"{argument}, {place}: {word!r} is empty or holds white space or a control character",
            hint="A word is at least one character, without spaces.",
        )
    if unicodedata.category(normal[0])[0] == "M":
        raise ArgumentError(
            f"{argument}, {place}: {word!r} begins with a combining mark",
            hint="Begin it with the mark's base.",
        )
    if len(normal.encode()) > MAX_WORD_BYTES:
        raise ArgumentError(
            f"{argument}, {place}: the word has {len(normal.encode())} bytes, more than {MAX_WORD_BYTES}",
            hint="Leave it out.",
        )
    return normal
