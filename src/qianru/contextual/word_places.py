"""Where words stand in a text, in characters of the text as it was given."""

from __future__ import annotations

import unicodedata

from qianru.text import split_words
from qianru.vectors.encoder import Span


def word_spans(text: str) -> list[Span]:
    """Where the words of a text, as `Corpus` cuts them, begin and end in it, in characters.

    Words are those of the text in NFC, places those of the text as it is.
    """
    if unicodedata.is_normalized("NFC", text):
        return _found(text)
    composed, places = "", []
    for begin, end in _clusters(text):
        part = unicodedata.normalize("NFC", text[begin:end])
        kept = part == text[begin:end]
        places += [(begin + i, begin + i + 1) if kept else (begin, end) for i in range(len(part))]
        composed += part
    return [(places[begin][0], places[end - 1][1]) for begin, end in _found(composed)]


def marks_between(text: str, words: list[Span]) -> list[Span]:
    """The words, and each character beside them that is no white space, as a place of its own, in their order."""
    made, at = [], 0
    for begin, end in [*words, (len(text), len(text))]:
        made += [(place, place + 1) for place in range(at, begin) if not text[place].isspace()]
        if begin < end:
            made.append((begin, end))
        at = max(at, end)
    return made


def _found(text: str) -> list[Span]:
    spans, at = [], 0
    for word in split_words(text):
        found = text.find(word, at)
        if found >= 0:
            at = found + len(word)
            spans.append((found, at))
    return spans


def _clusters(text: str) -> list[Span]:
    """The text in pieces that composition does not look across: a character with what it composes with and all marks."""
    starts = [0]
    for place, char in enumerate(text[1:], 1):
        before = text[starts[-1] : place]
        parts = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", char)
        if not unicodedata.combining(char) and unicodedata.normalize("NFC", before + char) == parts:
            starts.append(place)
    return list(zip(starts, [*starts[1:], len(text)], strict=True))
