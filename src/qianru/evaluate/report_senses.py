"""Clusters of a word's contexts as `qianru senses --json` writes them: read for the report, every part checked.

A file holds one object or a list of them: `word`; `n_contexts`; `silhouette`, a number or null; `clusters`, each with `n_contexts`,
`words` (the typical ones, each a word or a word and its score) and `examples` (sentences); and `model_fingerprint`, which
may be left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qianru.errors import FormatError
from qianru.evaluate.files import read_bytes

_HINT = "give a file that `qianru senses --json` wrote"
_N_WORDS, _N_EXAMPLES = 12, 3


@dataclass(frozen=True)
class Cluster:
    """Contexts that are alike: how many, the words typical of them, and some of them."""

    n_contexts: int
    words: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Senses:
    """A word's contexts in clusters, and the fingerprint of the model that told them apart, None where that is not told."""

    word: str
    n_contexts: int
    silhouette: float | None
    clusters: tuple[Cluster, ...]
    model_fingerprint: str | None


def read_senses(path: str | Path) -> list[Senses]:
    """The senses in a file. Raises FormatError, naming the part that is not as it has to be."""
    file = Path(path)
    try:
        found = json.loads(read_bytes(file).decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FormatError(f"is no JSON: {error}", path=str(path), hint=_HINT) from None
    entries = found if isinstance(found, list) else [found]
    if not entries:
        raise FormatError("no word in it", path=str(path), hint=_HINT)
    return [_Reader(str(path), f"word {place}").senses(entry) for place, entry in enumerate(entries, 1)]


class _Reader:
    """Takes checked values out of parsed JSON; `where` is what an error names."""

    def __init__(self, path: str, where: str) -> None:
        self.path, self.where = path, where

    def error(self, rule: str) -> FormatError:
        return FormatError(f"{self.where}: {rule}", path=self.path, hint=_HINT)

    def senses(self, entry: object) -> Senses:
        if not isinstance(entry, Mapping):
            raise self.error("must be an object")
        clusters = entry.get("clusters")
        if not isinstance(clusters, list) or not clusters:
            raise self.error("clusters must be a list of at least one")
        value, mark = entry.get("silhouette"), entry.get("model_fingerprint")
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value)
        ):
            raise self.error("silhouette must be a number or null")
        if mark is not None and not isinstance(mark, str):
            raise self.error("model_fingerprint must be text")
        made = tuple(self._cluster(one) for one in clusters)
        return Senses(
            self._text(entry, "word"),
            self._count(entry, "n_contexts"),
            None if value is None else float(value),
            made,
            mark,
        )

    def _cluster(self, entry: object) -> Cluster:
        if not isinstance(entry, Mapping):
            raise self.error("a cluster must be an object")
        words = [one[0] if isinstance(one, list) and one else one for one in self._list(entry, "words")]
        return Cluster(
            self._count(entry, "n_contexts"),
            self._texts("words", words, _N_WORDS),
            self._texts("examples", self._list(entry, "examples"), _N_EXAMPLES),
        )

    def _texts(self, name: str, found: list[object], n: int) -> tuple[str, ...]:
        """The first n, all of them checked."""
        texts = [one for one in found if isinstance(one, str)]
        if len(texts) < len(found):
            raise self.error(f"{name} must be text")
        return tuple(texts[:n])

    def _list(self, entry: Mapping[str, object], name: str) -> list[object]:
        found = entry.get(name, [])
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
