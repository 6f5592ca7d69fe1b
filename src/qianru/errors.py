"""One exception tree: catch `QianruError` to catch everything this package raises on purpose.

Each message names the argument, the rule, the value it got and the next step; the command line prints the
message after `error:` and the next step after `hint:`.
"""

from __future__ import annotations


class QianruError(Exception):
    """Base of every error raised on purpose. `hint` is the next step, one sentence, or empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ArgumentError(QianruError, ValueError):
    """An argument breaks its rule; raised before any work starts."""


class CorpusError(QianruError, ValueError):
    """The text cannot be used: nothing to read, undecodable bytes under errors="strict", no word left."""


class FormatError(QianruError, ValueError):
    """A file does not follow its format. `path` and `offset` (bytes from the start, or None) say where."""

    def __init__(self, message: str, *, path: str = "", offset: int | None = None, hint: str = "") -> None:
        where = path if offset is None else f"{path}, byte {offset}"
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.path = path
        self.offset = offset


class UnknownWordError(QianruError, KeyError):
    """A word is not among the keys. `word` is the word, `close` the spellings that come nearest."""

    def __init__(self, word: str, *, close: tuple[str, ...] = ()) -> None:
        hint = f"close spellings: {', '.join(close)}" if close else ""
        super().__init__(f"unknown word: {word!r}", hint=hint)
        self.word = word
        self.close = close

    __str__ = QianruError.__str__


class OutputError(QianruError, OSError):
    """A result cannot be written where it was asked for; what stood there before is untouched."""

    __str__ = QianruError.__str__


class TrainingError(QianruError, RuntimeError):
    """Training stopped because a number left the finite range.

    `vectors` is the last good epoch as `Vectors`, or None when there was none.
    """

    def __init__(self, message: str, *, vectors: object | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.vectors = vectors
