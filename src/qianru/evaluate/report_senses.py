"""The senses of a word as `qianru senses --json` writes them: read for the report, every part checked.

A file holds one object or a list of them: `word`; `n_uses`; `silhouette`, a number or null; `senses`, each with its `share` of the
uses, `typical`, objects with a `word`, and `examples`, objects with `text` and the places `start` and `end` of the word in it; and,
if it likes, `model_fingerprint`, `weights_fingerprint`, `by_chance` and `notes`. Other names are passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qianru.errors import FormatError
from qianru.evaluate.lines import read_bytes

_HINT = "give a file that `qianru senses --json` wrote"
_N_TYPICAL, _N_EXAMPLES, _N_NOTES = 12, 3, 8


@dataclass(frozen=True)
class RecordedUse:
    """A sentence, and where the word begins and ends in it, in characters."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class RecordedSense:
    """Uses that are alike: their share of all, the words typical of them, and some of them."""

    share: float
    typical: tuple[str, ...]
    examples: tuple[RecordedUse, ...]


@dataclass(frozen=True)
class RecordedSenses:
    """A word's uses in clusters.

    model_fingerprint, weights_fingerprint: of the model that told them apart, as it was opened and whatever its layers; None where
    that is not told. by_chance: the silhouette of a cloud without groups, None where not told.
    """

    word: str
    n_uses: int
    silhouette: float | None
    senses: tuple[RecordedSense, ...]
    model_fingerprint: str | None = None
    weights_fingerprint: str | None = None
    by_chance: float | None = None
    notes: tuple[str, ...] = ()


def read_senses(path: str | Path) -> list[RecordedSenses]:
    """The senses in a file. Raises FormatError, naming the part that is not as it has to be."""
    try:
        found = json.loads(read_bytes(Path(path)).decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FormatError(f"is no JSON: {error}", path=str(path), hint=_HINT) from None
    entries = found if isinstance(found, list) else [found]
    if not entries:
        raise FormatError("no word in it", path=str(path), hint=_HINT)
    return [_Reader(str(path), f"word {place}").word(entry) for place, entry in enumerate(entries, 1)]


def recorded_senses(value: object) -> RecordedSenses:
    """The senses of one word from what `qianru.contextual.Senses.as_dict` gives. Raises FormatError."""
    return _Reader("senses", "the word").word(value)


class _Reader:
    """Takes checked values out of parsed JSON; `where` is what an error names."""

    def __init__(self, path: str, where: str) -> None:
        self.path, self.where = path, where

    def error(self, rule: str) -> FormatError:
        return FormatError(f"{self.where}: {rule}", path=self.path, hint=_HINT)

    def word(self, value: object) -> RecordedSenses:
        entry = self._object(value, "a word")
        senses = self._list(entry, "senses")
        if not senses:
            raise self.error("senses must be a list of at least one")
        by_chance = self._number(entry, "by_chance") if entry.get("by_chance") is not None else None
        notes = self._list(entry, "notes") if "notes" in entry else []
        if not all(isinstance(one, str) for one in notes):
            raise self.error("notes must be a list of texts")
        return RecordedSenses(
            self._text(entry, "word"),
            self._count(entry, "n_uses"),
            None if entry.get("silhouette") is None else self._number(entry, "silhouette"),
            tuple(self._sense(one) for one in senses),
            self._mark(entry, "model_fingerprint"),
            self._mark(entry, "weights_fingerprint"),
            # A number of senses that was asked for has none.
            by_chance or None,
            tuple(str(one) for one in notes[:_N_NOTES]),
        )

    def _mark(self, entry: Mapping[str, object], name: str) -> str | None:
        return self._text(entry, name) if entry.get(name) else None

    def _sense(self, value: object) -> RecordedSense:
        entry = self._object(value, "a sense")
        share = self._number(entry, "share")
        if not 0 <= share <= 1:
            raise self.error(f"share must be from 0 to 1, got {share}")
        typical = [
            self._text(self._object(one, "a typical word"), "word") for one in self._list(entry, "typical")
        ]
        examples = [self._use(one) for one in self._list(entry, "examples")]
        return RecordedSense(share, tuple(typical[:_N_TYPICAL]), tuple(examples[:_N_EXAMPLES]))

    def _use(self, value: object) -> RecordedUse:
        entry = self._object(value, "an example")
        use = RecordedUse(self._text(entry, "text"), self._count(entry, "start"), self._count(entry, "end"))
        if not use.start <= use.end <= len(use.text):
            raise self.error(f"start and end must lie in the text, got {use.start} and {use.end}")
        return use

    def _object(self, value: object, what: str) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            raise self.error(f"{what} must be an object")
        return value

    def _list(self, entry: Mapping[str, object], name: str) -> list[object]:
        found = entry.get(name)
        if not isinstance(found, list):
            raise self.error(f"{name} must be a list")
        return found

    def _text(self, entry: Mapping[str, object], name: str) -> str:
        found = entry.get(name)
        if not isinstance(found, str) or not found:
            raise self.error(f"{name} must be text")
        return found

    def _count(self, entry: Mapping[str, object], name: str) -> int:
        found = entry.get(name)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise self.error(f"{name} must be a whole number from 0 up")
        return found

    def _number(self, entry: Mapping[str, object], name: str) -> float:
        found = entry.get(name)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise self.error(f"{name} must be a number")
        # An integer of hundreds of digits is no float.
        if abs(found) > 1e300 or not math.isfinite(found):
            raise self.error(f"{name} must be finite")
        return float(found)
