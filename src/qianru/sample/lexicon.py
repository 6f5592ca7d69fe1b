"""The lexicon assembled: every table of the world, built once."""

from __future__ import annotations

from functools import cache

from qianru.sample import lexicon_actions as actions
from qianru.sample import lexicon_people as people
from qianru.sample import lexicon_places as places
from qianru.sample import lexicon_things as things
from qianru.sample import lexicon_topics as topics
from qianru.sample.table import Table, World, by_class, cell, cells, kin, rows


@cache
def build_world() -> World:
    """Every table; the order of rows fixes their frequencies and so the bytes of every sample."""
    world = World()
    _people(world)
    _countries(world)
    _things(world)
    _actions(world)
    _background(world)
    world.close()
    return world


def _people(world: World) -> None:
    pairs = rows(people.PAIRS)
    words = [cell(row[column]) for row in pairs for column in (0, 1)]
    genders = ["he", "she"] * len(pairs)
    table = world.add("person", words, head=24)
    shared = {gender: rows(text)[0] for gender, text in people.GENDER.items()}
    table.add_form("he", [cell(shared[gender][0]) for gender in genders])
    table.add_form("his", [cell(shared[gender][1]) for gender in genders])
    for form in ("he", "his"):
        capital = [(english.capitalize(), chinese) for english, chinese in table.pairs(form)]
        table.add_form(form.capitalize(), capital)
    world.link(table, "role", [cells(row[2]) for row in pairs for _ in (0, 1)])
    world.link(table, "own", [cells(shared[gender][2]) for gender in genders])
    jobs = rows(people.JOBS)
    table = world.add("job", [cell(row[0]) for row in jobs], head=12)
    table.add_form("place", [cell(row[1]) for row in jobs])
    world.link(table, "near", [cells(row[2]) for row in jobs])


def _countries(world: World) -> None:
    countries = rows(places.COUNTRIES)
    table = world.add("country", [cell(row[0]) for row in countries], head=16)
    for column, form in enumerate(("capital", "language", "known", "sight"), start=1):
        table.add_form(form, [cell(row[column]) for row in countries])


def _things(world: World) -> None:
    animals = rows(things.ANIMALS)
    table = world.add("animal", [cell(row[0]) for row in animals], head=10)
    table.add_form("young", [cell(row[2]) for row in animals])
    _countable(world, table, [row[1] for row in animals], [row[3] for row in animals])
    _kinds(world, table, [row[4] for row in animals], [row[5] for row in animals])
    vehicles = rows(things.VEHICLES)
    table = world.add("vehicle", [cell(row[0]) for row in vehicles], head=10)
    _countable(world, table, [row[1] for row in vehicles], [row[2] for row in vehicles])
    _kinds(world, table, [row[3] for row in vehicles], [row[4] for row in vehicles])
    fruit = rows(things.FRUIT)
    table = world.add("fruit", [cell(row[0]) for row in fruit])
    _countable(world, table, [row[1] for row in fruit], ["个"] * len(fruit))
    world.link(table, "near", [cells(row[2]) for row in fruit])
    companies = rows(things.COMPANIES)
    table = world.add("company", [cell(row[0]) for row in companies])
    world.link(table, "near", [cells(row[1]) for row in companies])
    senses = rows(things.SENSES)
    table = world.add("sense", [cell(row[0]) for row in senses], head=20)
    table.add_form("sense", [(row[1], row[1]) for row in senses])
    world.link(table, "near", [cells(row[2]) for row in senses])


def _countable(world: World, table: Table, plurals: list[str], measures: list[str]) -> None:
    chinese = [word for _, word in table.pairs()]
    table.add_form("plural", list(zip(plurals, chinese, strict=True)))
    table.add_form("measure", [("", measure) for measure in measures])


def _kinds(world: World, table: Table, kinds: list[str], near: list[str]) -> None:
    table.add_link("kin", table.name, kin(kinds))
    world.link(table, "kind", by_class(kinds, things.KINDS))
    world.link(table, "near", [cells(words) for words in near])


def _actions(world: World) -> None:
    verbs = rows(actions.VERBS)
    table = world.add("verb", [cell(row[0]) for row in verbs], head=32)
    chinese = [word for _, word in table.pairs()]
    for column, form in enumerate(("s", "past", "ing"), start=1):
        table.add_form(form, [(row[column], word) for row, word in zip(verbs, chinese, strict=True)])
    world.link(table, "object", [cells(row[4]) for row in verbs])
    adjectives = rows(actions.ADJECTIVES)
    table = world.add("adjective", [cell(row[0]) for row in adjectives], head=32)
    chinese = [word for _, word in table.pairs()]
    for column, form in enumerate(("er", "est"), start=1):
        table.add_form(form, [(row[column], word) for row, word in zip(adjectives, chinese, strict=True)])
    world.link(table, "of", [cells(row[3]) for row in adjectives])
    reviewed = rows(actions.REVIEWED)
    table = world.add("reviewed", [cell(row[0]) for row in reviewed])
    world.link(table, "part", [cells(row[1]) for row in reviewed])
    world.add("praise", cells(actions.PRAISE), head=4)
    world.add("blame", cells(actions.BLAME), head=4)


def _background(world: World) -> None:
    subjects = rows(topics.TOPICS)
    table = world.add("topic", [cell(row[0]) for row in subjects], head=3)
    world.link(table, "word", [cells(row[1]) for row in subjects], skewed=True)
    for name in ("PAST", "FUTURE", "HABIT", "NOW", "MANY", "TOOLS"):
        world.add(name.lower(), cells(getattr(topics, name)), head=3)
