"""Tables of the lexicon: rows with forms in two languages, and links from a row to the words around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Int64Array
from qianru.sample.draw import zipf_weights
from qianru.sample.lexicon_topics import PLACE_ENDINGS, SYLLABLES

# Forms that belong to the grammar of one language and are never said in the other.
GRAMMATICAL = frozenset({"a", "he", "He", "his", "His", "measure"})
_HARD_U = ("uni", "eu", "one", "usa", "use")


@dataclass(frozen=True)
class Link:
    """Row r of the owner leads to rows `targets[starts[r]] … ` (`lengths[r]` of them) of table `table`."""

    table: str
    starts: Int64Array
    lengths: Int64Array
    targets: Int64Array
    skewed: bool


class Table:
    """Rows of one kind. `forms[name]` is (English strings [n], Chinese strings [n]); "" is the plain form."""

    def __init__(self, name: str, words: Sequence[tuple[str, str]], *, head: int = 8) -> None:
        self.name = name
        self.n_rows = len(words)
        self.forms: dict[str, tuple[NDArray[np.object_], NDArray[np.object_]]] = {}
        self.links: dict[str, Link] = {}
        self.cumulative = zipf_weights(self.n_rows, head)
        self.add_form("", words)
        self.add_form("a", [(f"{article(english)} {english}", chinese) for english, chinese in words])

    def add_form(self, name: str, words: Sequence[tuple[str, str]]) -> None:
        english = np.array([word[0] for word in words], dtype=object)
        chinese = np.array([word[1] for word in words], dtype=object)
        self.forms[name] = (english, chinese)

    def add_link(
        self, name: str, table: str, targets: Sequence[Sequence[int]], *, skewed: bool = False
    ) -> None:
        """`targets[r]` are the rows of `table` that row r leads to; `skewed` draws the first more often."""
        lengths = np.array([len(rows) for rows in targets], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        flat = np.array([row for rows in targets for row in rows], dtype=np.int64)
        self.links[name] = Link(table, starts, lengths, flat, skewed)

    def pairs(self, form: str = "") -> list[tuple[str, str]]:
        english, chinese = self.forms[form]
        return list(zip(english.tolist(), chinese.tolist(), strict=True))


def article(english: str) -> str:
    """a or an, by the sound of the first letter."""
    return "an" if english[0] in "aeiouAEIO" and not english.startswith(_HARD_U) else "a"


def cell(text: str) -> tuple[str, str]:
    """`english/中文` as a pair; `_` stands for a space, and a cell of one word is the same in both."""
    english, _, chinese = text.strip().replace("_", " ").partition("/")
    return english, chinese or english


def cells(text: str) -> list[tuple[str, str]]:
    return [cell(word) for word in text.split()]


def rows(text: str) -> list[list[str]]:
    """The rows of a lexicon text: one a line, columns between bars."""
    return [[column.strip() for column in line.split("|")] for line in text.strip().splitlines()]


class World:
    """All tables by name. Words that rows link to live in one table of their own, `word`."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self._words: dict[tuple[str, str], int] = {}

    def add(self, name: str, words: Sequence[tuple[str, str]], *, head: int = 8) -> Table:
        table = self.tables[name] = Table(name, words, head=head)
        return table

    def link(
        self, table: Table, name: str, lists: Iterable[Sequence[tuple[str, str]]], *, skewed: bool = False
    ) -> None:
        """Row i of `table` gets the words of list i as its link `name`."""
        targets = [[self._words.setdefault(word, len(self._words)) for word in words] for words in lists]
        table.add_link(name, "word", targets, skewed=skewed)

    def close(self) -> None:
        """Build the table of linked words, once all links are known."""
        self.add("word", list(self._words))


def kin(kinds: Sequence[str]) -> list[list[int]]:
    """For each row the rows of its own kind, itself included."""
    members: dict[str, list[int]] = {}
    for row, kind in enumerate(kinds):
        members.setdefault(kind, []).append(row)
    return [members[kind] for kind in kinds]


class Names:
    """Names without end, spelt from syllables: the digits of its rank in base 48, in both scripts."""

    n_octaves = 22

    def __init__(self, *, endings: bool) -> None:
        self._syllables = [cell(word) for word in SYLLABLES.split()]
        self._endings = [cell(word) for word in PLACE_ENDINGS.split()] if endings else []

    def spell(self, rank: int) -> tuple[str, str]:
        """(English, Chinese); ranks below 48² have two syllables, and frequent names are the short ones."""
        ending = ("", "")
        if self._endings:
            rank, which = divmod(rank, len(self._endings))
            ending = self._endings[which]
        base = len(self._syllables)
        # Walking the first syllables by a stride coprime to 48 keeps neighbours in rank unlike in spelling.
        digits = [rank % base * 29 % base]
        rank //= base
        digits.append((rank + digits[0] * 31) % base)
        rank //= base
        while rank:
            rank -= 1
            digits.append(rank % base)
            rank //= base
        spelt = [self._syllables[digit] for digit in digits]
        english = "".join(part[0] for part in spelt).capitalize() + ending[0]
        return english, "".join(part[1] for part in spelt) + ending[1]


def by_class(kinds: Sequence[str], shared: Mapping[str, str]) -> list[list[tuple[str, str]]]:
    """For each row the words that its class shares."""
    return [cells(shared[kind]) for kind in kinds]
