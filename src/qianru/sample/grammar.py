"""Frames compiled to column-wise templates: rows are drawn with numpy, sentences printed with `%`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from qianru.arrays import Int64Array
from qianru.sample.draw import Draws
from qianru.sample.frames import ALL_FRAMES
from qianru.sample.lexicon import build_world
from qianru.sample.table import GRAMMATICAL, Names, World, rows

EN, ZH = 0, 1
_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
# How far numbers reach, in octaves: line numbers and amounts.
_NUMBERS = {"#small": 6, "#big": 20}
_SWITCH_SLOT = 1 << 20


@dataclass(frozen=True)
class Variable:
    """One draw: from a table, along a link of an earlier variable, or from an endless source."""

    name: str
    source: str
    parent: int
    differs_from: int  # the variable whose row this one must not repeat, or -1


@dataclass(frozen=True)
class Slot:
    """Where a variable is printed; `may_switch` says whether a mixed line may switch it."""

    variable: int
    form: str
    initial: bool
    may_switch: bool


@dataclass(frozen=True)
class Frame:
    """One meaning with its draws; `templates` and `slots` are indexed by language (0 English, 1 Chinese)."""

    weight: int
    variables: tuple[Variable, ...]
    templates: tuple[str, str]
    slots: tuple[tuple[Slot, ...], tuple[Slot, ...]]
    label: str


@cache
def build_frames() -> tuple[Frame, ...]:
    """Every frame, in the order of the frame texts."""
    return tuple(_compile(columns) for columns in rows(re.sub(r"\n\n+", "\n", ALL_FRAMES)))


def _compile(columns: Sequence[str]) -> Frame:
    weight, drawn, english, chinese = columns[:4]
    variables: list[Variable] = []
    names: list[str] = []
    for part in drawn.split():
        name, _, source = part.partition(":")
        owner, dot, _ = source.partition(".")
        parent = names.index(owner) if dot else -1
        same = [i for i, other in enumerate(variables) if other.source == source]
        if source.endswith(".kin"):
            same = [parent]
        variables.append(Variable(name, source, parent, same[-1] if same else -1))
        names.append(name)
    compiled = [_template(text, names, language) for language, text in enumerate((english, chinese))]
    label = columns[4] if len(columns) > 4 else ""
    return Frame(
        int(weight),
        tuple(variables),
        (compiled[0][0], compiled[1][0]),
        (compiled[0][1], compiled[1][1]),
        label,
    )


def _template(text: str, names: Sequence[str], language: int) -> tuple[str, tuple[Slot, ...]]:
    """The `%` template and its slots. `{D}` prints variable d with a capital, for the start of a sentence."""
    slots: list[Slot] = []
    end_of_last = -1
    for match in _SLOT.finditer(text):
        name, form = match.group(1), match.group(2) or ""
        initial = language == EN and match.start() == 0
        # Chinese has no spaces: of two slots that touch, only the first may turn Latin, or they would fuse.
        touching = match.start() == end_of_last
        may_switch = form not in GRAMMATICAL and not (language == ZH and touching)
        variable = names.index(name if name in names else name.lower())
        slots.append(Slot(variable, form, initial, may_switch))
        end_of_last = match.end()
    return _SLOT.sub("%s", text.replace("%", "%%")), tuple(slots)


class Printer:
    """Draws the rows of a frame and prints its sentences."""

    def __init__(self) -> None:
        self._world: World = build_world()
        self._names = {"@name": Names(endings=False), "@place": Names(endings=True)}
        self._spelt: dict[tuple[str, int], tuple[str, str]] = {}

    def draw(self, frame: Frame, draws: Draws) -> list[Int64Array]:
        """For each variable the rows drawn, int64 [n sentences]."""
        drawn: list[Int64Array] = []
        for slot, variable in enumerate(frame.variables, start=1):
            drawn.append(self._draw_one(frame, variable, drawn, draws, slot))
        return drawn

    def _draw_one(
        self, frame: Frame, variable: Variable, drawn: list[Int64Array], draws: Draws, slot: int
    ) -> Int64Array:
        if variable.parent >= 0:
            return self._follow(frame, variable, drawn, draws, slot)
        source, last = variable.source, None
        if variable.differs_from >= 0:
            last = drawn[variable.differs_from]
        if source in self._world.tables:
            table = self._world.tables[source]
            row = draws.weighted(slot, table.cumulative)
            return row if last is None else (row + (row == last)) % table.n_rows
        n_octaves = _NUMBERS[source] if source in _NUMBERS else self._names[source].n_octaves
        rank = draws.zipf(slot, n_octaves)
        return rank if last is None else rank + (rank == last)

    def _follow(
        self, frame: Frame, variable: Variable, drawn: list[Int64Array], draws: Draws, slot: int
    ) -> Int64Array:
        link = self._world.tables[self._table_of(frame, variable.parent)].links[variable.source.split(".")[1]]
        owner = drawn[variable.parent]
        lengths, starts = link.lengths[owner], link.starts[owner]
        position = draws.below(slot, lengths)
        if link.skewed:
            position = np.minimum(position, draws.below(slot + (1 << 16), lengths))
        row: Int64Array = link.targets[starts + position]
        if variable.differs_from >= 0:
            following = link.targets[starts + (position + 1) % lengths]
            repeats = row == drawn[variable.differs_from]
            row[repeats] = following[repeats]
        return row

    def _table_of(self, frame: Frame, index: int) -> str:
        variable = frame.variables[index]
        if variable.parent < 0:
            return variable.source
        owner = self._world.tables[self._table_of(frame, variable.parent)]
        return owner.links[variable.source.split(".")[1]].table

    def column(self, frame: Frame, slot: Slot, rows_drawn: Int64Array, language: int) -> list[str]:
        """What one slot prints in each sentence."""
        source = frame.variables[slot.variable].source
        if source in _NUMBERS:
            return [str(rank + 2) for rank in rows_drawn.tolist()]
        if source in self._names:
            return [self._spell(source, rank)[language] for rank in rows_drawn.tolist()]
        forms = self._world.tables[self._table_of(frame, slot.variable)].forms
        words: list[str] = forms[slot.form][language][rows_drawn].tolist()
        if slot.initial and language == EN:
            words = [word[0].upper() + word[1:] for word in words]
        return words

    def _spell(self, source: str, rank: int) -> tuple[str, str]:
        if rank >= 4096:
            return self._names[source].spell(rank)
        key = (source, rank)
        if key not in self._spelt:
            self._spelt[key] = self._names[source].spell(rank)
        return self._spelt[key]

    def say(self, frame: Frame, drawn: list[Int64Array], language: int) -> list[str]:
        """The sentences in one language."""
        columns = [self.column(frame, slot, drawn[slot.variable], language) for slot in frame.slots[language]]
        template = frame.templates[language]
        return [template % words for words in zip(*columns, strict=True)]

    def mix(self, frame: Frame, drawn: list[Int64Array], language: int, draws: Draws) -> list[str]:
        """The sentences in one language with some words (at least one, where one may) in the other."""
        slots = frame.slots[language]
        open_slots = [i for i, slot in enumerate(slots) if slot.may_switch]
        forced = draws.below(_SWITCH_SLOT, max(len(open_slots), 1))
        columns: list[list[str]] = []
        for i, slot in enumerate(slots):
            words = self.column(frame, slot, drawn[slot.variable], language)
            if slot.may_switch:
                others = self.column(frame, slot, drawn[slot.variable], 1 - language)
                switch = (draws.below(_SWITCH_SLOT + 1 + i, 4) == 0) | (forced == open_slots.index(i))
                words = [
                    other if switched and other else word
                    for word, other, switched in zip(words, others, switch.tolist(), strict=True)
                ]
            columns.append(words)
        template = frame.templates[language]
        return [template % words for words in zip(*columns, strict=True)]

    def subject(self, frame: Frame, drawn: list[Int64Array]) -> tuple[list[tuple[str, str]], list[str]]:
        """For each sentence the word drawn first, in both languages, and its sense (empty if it has none)."""
        rows_drawn = drawn[0]
        first = Slot(0, "", initial=False, may_switch=False)
        english, chinese = (self.column(frame, first, rows_drawn, language) for language in (EN, ZH))
        words = list(zip(english, chinese, strict=True))
        table = self._world.tables.get(frame.variables[0].source)
        if table is None or "sense" not in table.forms:
            return words, [""] * len(words)
        return words, table.forms["sense"][EN][rows_drawn].tolist()
