"""What the parts of the report hand to each other."""

from __future__ import annotations

from dataclasses import dataclass

from qianru.evaluate.report_facts import Measured
from qianru.evaluate.report_markup import Html
from qianru.evaluate.space import Space
from qianru.evaluate.suite import Report


@dataclass(frozen=True)
class Subject:
    """One model of the page: its name there, its words and vectors, its results, its size and speed."""

    name: str
    space: Space
    report: Report
    measured: Measured


@dataclass(frozen=True)
class Section:
    """A part of the page. key: of its title among the phrases, and its id."""

    key: str
    body: Html
