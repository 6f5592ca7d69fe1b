"""The sample world as a stream of lines, of any length, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from qianru.arrays import Int64Array
from qianru.errors import ArgumentError
from qianru.sample.draw import Draws, stream_key
from qianru.sample.grammar import EN, ZH, Frame, Printer, build_frames

LANGUAGES = ("en", "zh", "mixed", "en-zh")
MIN_BYTES = 1_000
_BLOCK = 8192
_FRAME_SLOT = 0
_BASE_SLOT = (1 << 20) - 1


@dataclass(frozen=True)
class Sentence:
    """One meaning in both languages, the label of its frame and the sense of its word (both may be empty)."""

    english: str
    chinese: str
    label: str
    word: tuple[str, str]
    sense: str


@cache
def printer() -> Printer:
    return Printer()


def sample_lines(language: str, *, n_bytes: int, seed: int = 1) -> SampleLines:
    """The lines of the sample world in `language`, as an iterable that starts afresh each time.

    `language` is "en", "zh", "mixed" (sentences with words of the other language in them) or "en-zh" (the
    same meaning in both, with a tab between). `n_bytes` counts UTF-8 bytes with one line end a line; the
    lines stop before they exceed it. The same arguments give the same bytes on every platform.
    Raises ArgumentError for an unknown language, fewer than 1,000 bytes, or a negative seed.
    """
    return SampleLines(language, n_bytes=n_bytes, seed=seed)


class SampleLines(Iterable[str]):
    """What `sample_lines` returns: it can be iterated as often as needed, so a corpus can read it twice."""

    def __init__(self, language: str, *, n_bytes: int, seed: int = 1) -> None:
        check_arguments((language,), n_bytes, seed, known=LANGUAGES)
        self.language = language
        self.n_bytes = n_bytes
        self.seed = seed

    def __repr__(self) -> str:
        return f"SampleLines({self.language!r}, n_bytes={self.n_bytes}, seed={self.seed})"

    def __iter__(self) -> Iterator[str]:
        return world_lines(self.language, self.n_bytes, self.seed)


def world_lines(language: str, n_bytes: int, seed: int) -> Iterator[str]:
    """The lines once, without a check of the arguments; memory holds one block of them."""
    for lines in _blocks(language, seed):
        sizes = np.array([len(line.encode()) + 1 for line in lines], dtype=np.int64)
        n_fit = int(np.searchsorted(np.cumsum(sizes), n_bytes, side="right"))
        yield from lines[:n_fit]
        if n_fit < len(lines):
            return
        n_bytes -= int(sizes.sum())


def check_arguments(languages: Iterable[str], n_bytes: int, seed: int, *, known: tuple[str, ...]) -> None:
    """Raise ArgumentError for a language that is not known, a size that is too small or a bad seed."""
    for language in languages:
        if language not in known:
            raise ArgumentError(
                f"languages: unknown language {language!r}", hint=f"choose among {', '.join(known)}"
            )
    for name, value in (("n_bytes", n_bytes), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ArgumentError(
                f"{name} must be a whole number, got {value!r}", hint=f"give {name} as an int"
            )
    if n_bytes < MIN_BYTES:
        raise ArgumentError(
            f"n_bytes must be at least {MIN_BYTES:,}, got {n_bytes:,}",
            hint="6,000,000 bytes are enough for analogies to come out",
        )
    if not 0 <= seed < 1 << 63:
        raise ArgumentError(f"seed must be from 0 to 2**63 - 1, got {seed}", hint="use seed=1")


def _blocks(language: str, seed: int) -> Iterator[list[str]]:
    """The lines, a block at a time, without end."""
    key = stream_key(seed, language)
    frames = build_frames()
    first = 0
    while True:
        draws = Draws(key, np.arange(first, first + _BLOCK, dtype=np.uint64))
        lines = np.empty(_BLOCK, dtype=object)
        for frame, chosen in _frames_of(draws, frames):
            _say(language, frame, draws, chosen, lines)
        yield lines.tolist()
        first += _BLOCK


def _frames_of(draws: Draws, frames: tuple[Frame, ...]) -> Iterator[tuple[Frame, Int64Array]]:
    """Each frame with the positions of its sentences in the block."""
    cumulative = np.cumsum(np.array([frame.weight for frame in frames], dtype=np.int64))
    which = draws.weighted(_FRAME_SLOT, cumulative)
    for number, frame in enumerate(frames):
        chosen = np.flatnonzero(which == number)
        if chosen.size:
            yield frame, chosen


def _say(language: str, frame: Frame, draws: Draws, chosen: Int64Array, lines: np.ndarray) -> None:
    own = draws.at(chosen)
    drawn = printer().draw(frame, own)
    if language == "en":
        lines[chosen] = printer().say(frame, drawn, EN)
    elif language == "zh":
        lines[chosen] = printer().say(frame, drawn, ZH)
    elif language == "en-zh":
        pairs = zip(printer().say(frame, drawn, EN), printer().say(frame, drawn, ZH), strict=True)
        lines[chosen] = [f"{english}\t{chinese}" for english, chinese in pairs]
    else:
        # Two mixed lines in three are Chinese with English words in them, one is the other way round.
        base = own.below(_BASE_SLOT, 3) > 0
        for language_id, part in ((ZH, np.flatnonzero(base)), (EN, np.flatnonzero(~base))):
            if part.size:
                rows = [row[part] for row in drawn]
                lines[chosen[part]] = printer().mix(frame, rows, language_id, own.at(part))


def labelled(stream: str, *, labels: tuple[str, ...], n_each: int, seed: int) -> list[Sentence]:
    """Sentences of the frames that carry one of `labels`, `n_each` a frame, from a stream of their own."""
    found: list[Sentence] = []
    for number, frame in enumerate(build_frames()):
        if frame.label not in labels:
            continue
        draws = Draws(stream_key(seed, f"{stream}-{number}"), np.arange(n_each, dtype=np.uint64))
        drawn = printer().draw(frame, draws)
        english, chinese = printer().say(frame, drawn, EN), printer().say(frame, drawn, ZH)
        words, senses = printer().subject(frame, drawn)
        found += [
            Sentence(en, zh, frame.label, word, sense)
            for en, zh, word, sense in zip(english, chinese, words, senses, strict=True)
        ]
    return found
