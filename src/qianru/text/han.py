"""Runs of Han characters into words: rjieba's dictionary, preferred words, traditional text by way of simplified, a
segmenter's corrections."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from qianru.errors import ArgumentError
from qianru.text.segmenter import Segmenter
from qianru.text.user_words import checked_word, file_entries

if TYPE_CHECKING:
    import rjieba

# jieba's dictionary counts 60 million words: no more than all of them can be one.
_MAX_FREQUENCY = 60_000_000


class HanCutter:
    """Cuts runs that are joined by line feeds, which come back as words of their own.

    prefer: words with their frequencies in the dictionary; 0 for the least one by which the word comes out whole
    when it stands alone. traditional: runs are cut as their simplified form is. Raises ArgumentError without OpenCC.
    segmenter: corrects what the dictionary cut.
    """

    def __init__(
        self, prefer: Mapping[str, int], *, traditional: bool, segmenter: Segmenter | None = None
    ) -> None:
        self._prefer = dict(prefer)
        self._simplify = _simplifier() if traditional else None
        self._segmenter = segmenter
        self._cut: Callable[[str, bool], list[str]] | None = None

    def __call__(self, runs: str) -> list[str]:
        plain, words = self.by_dictionary(runs)
        return words if self._segmenter is None else self._segmenter.cut(plain, words)

    def by_dictionary(self, runs: str) -> tuple[str, list[str]]:
        """The text that the dictionary sees, which is as long, and its words without the segmenter."""
        if self._cut is None:
            import rjieba  # here, because its dictionary takes 0.2 s to load, which English need not wait for

            self._cut = self._with_preferred(rjieba.Jieba()).cut if self._prefer else rjieba.cut
        # Words have the lengths that count; their characters are taken from the text.
        plain = runs if self._simplify is None else self._simplified(runs)
        return plain, self._cut(plain, False)

    def _with_preferred(self, dictionary: rjieba.Jieba) -> rjieba.Jieba:
        simplify = self._simplify or str
        # Shorter words first: the least frequency of a word is reckoned from those of its parts.
        for word, frequency in sorted(self._prefer.items(), key=lambda item: (len(item[0]), item[0])):
            plain = _same_length(word, simplify(word))
            dictionary.add_word(plain, frequency or dictionary.suggest_freq(plain), None)
        return dictionary

    def _simplified(self, runs: str) -> str:
        simplify = self._simplify or str
        plain = simplify(runs)
        if len(plain) == len(runs):
            return plain
        return "\n".join(_same_length(run, simplify(run)) for run in runs.split("\n"))


def _same_length(run: str, simplified: str) -> str:
    """The simplified run, or the run itself where its form has another length: places must stay."""
    return simplified if len(simplified) == len(run) else run


@cache
def _simplifier() -> Callable[[str], str]:
    try:
        opencc = importlib.import_module("opencc")
    except ImportError:
        raise ArgumentError(
            "traditional needs OpenCC, which is not installed", hint='pip install "qianru[opencc]"'
        ) from None
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


def read_preferred(
    prefer: str | os.PathLike[str] | Mapping[str, int] | Iterable[str] | None,
) -> dict[str, int]:
    """Words in NFC with their frequencies, 0 where none is given. A file has a word and perhaps a frequency a line.

    Raises:
        ArgumentError: a word is not of Han characters alone, or a frequency is not a whole number from 1 up.
        CorpusError: the file cannot be read or is not UTF-8.
    """
    if prefer is None:
        return {}
    entries: Iterable[tuple[object, object, str]]
    if isinstance(prefer, (str, os.PathLike)):
        entries = [
            (words[0], _number(words[1]) if len(words) > 1 else 0, place)
            for words, place in file_entries(prefer, "prefer")
        ]
    elif isinstance(prefer, Mapping):
        entries = [(word, frequency, f"the entry {word!r}") for word, frequency in prefer.items()]
    elif isinstance(prefer, Iterable):
        entries = [(word, 0, f"item {i}") for i, word in enumerate(prefer)]
    else:
        raise ArgumentError(
            f"prefer must be the path of a file, a list of words or a dict, not {type(prefer).__name__}",
            hint="A file has a word and perhaps a frequency a line.",
        )
    made: dict[str, int] = {}
    for word, frequency, place in entries:
        plain = checked_word(word, place, "prefer")
        if not all(map(is_han, plain)):
            raise ArgumentError(
                f"prefer, {place}: {plain!r} holds other than Han characters, and the dictionary cuts those alone",
                hint="Put it into user_dict, whose words come out whole wherever they stand.",
            )
        if type(frequency) is not int or not 0 <= frequency <= _MAX_FREQUENCY:
            raise ArgumentError(
                f"prefer, {place}: the frequency must be a whole number from 1 to {_MAX_FREQUENCY}, got {frequency!r}",
                hint="Leave it out to have it reckoned.",
            )
        made[plain] = frequency
    return dict(sorted(made.items()))


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def is_han(char: str) -> bool:
    """Whether the dictionary is given runs of this character: whether it is Han for the core (core/text/make_tables.py)."""
    return (
        "\u4e00" <= char <= "\u9fff"
        or "\u3400" <= char <= "\u4dbf"
        or char in "々〇〡〢〣〤〥〦〧〨〩〸〹〺〻"
        or "\uf900" <= char <= "\ufa6d"
        or "\ufa70" <= char <= "\ufad9"
        or "\U00020000" <= char <= "\U0002fffd"
        or "\U00030000" <= char <= "\U0003fffd"
    )
