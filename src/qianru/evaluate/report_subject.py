"""What the parts of the report hand to each other: a model of the page with what was found of it, and a section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qianru.evaluate.report_markup import Html
from qianru.evaluate.report_senses import RecordedSenses
from qianru.evaluate.space import Space
from qianru.evaluate.suite import Report
from qianru.vectors import Encoder, SubwordVectors
from qianru.vectors.other_folders import ModelFolder


@dataclass(frozen=True)
class Measured:
    """Sizes in bytes and times in milliseconds; None for what was not measured, or is not there.

    rate: words a second in batches; text_rate: texts a second, all n_texts in one call; text_ms: one text.
    """

    on_disk: int | None = None
    in_memory: int | None = None
    open_ms: float | None = None
    query_ms: float | None = None
    rate: float | None = None
    text_ms: float | None = None
    text_rate: float | None = None
    n_texts: int = 0


@dataclass(frozen=True)
class Subject:
    """One model of the page: its name there, its results, its size and speed.

    space: the words and vectors of a static model, None of a contextual one. encoder: what gives texts vectors; None
    of a static model where no text is asked about. subwords: its n-grams, None where it has none. folder: what a contextual
    model's folder tells, None where it is not known.
    """

    name: str
    report: Report
    measured: Measured
    space: Space | None = None
    encoder: Encoder | None = None
    subwords: SubwordVectors | None = None
    folder: ModelFolder | None = None

    @property
    def provenance(self) -> Mapping[str, object]:
        """How the model was made; empty where nothing is recorded."""
        if self.space is not None:
            return self.space.vectors.provenance
        found = None if self.folder is None else self.folder.facts.get("provenance")
        return found if isinstance(found, Mapping) else {}

    @property
    def config(self) -> Mapping[str, object]:
        """What a contextual model's config.json, or ELMo's options, hold."""
        facts: Mapping[str, object] = {} if self.folder is None else self.folder.facts
        for found in (facts.get("config"), self.provenance.get("options"), facts.get("options")):
            if isinstance(found, Mapping):
                return found
        return {}

    @property
    def fingerprint(self) -> str:
        """Of the words and vectors, or of the encoder."""
        if self.space is not None:
            return self.space.vectors.fingerprint
        assert self.encoder is not None
        return self.encoder.fingerprint

    def is_of(self, senses: RecordedSenses) -> bool:
        """Whether this model told the senses, by these layers or others."""
        weights = getattr(self.encoder, "weights_fingerprint", None)
        return senses.model_fingerprint == self.fingerprint or (
            weights is not None and senses.weights_fingerprint == weights
        )


@dataclass(frozen=True)
class Section:
    """A part of the page. key: of its title among the phrases, and its id."""

    key: str
    body: Html


def static(subjects: Sequence[Subject]) -> list[tuple[int, str, Space]]:
    """Place, name and space of those that have one vector a word."""
    return [(at, one.name, one.space) for at, one in enumerate(subjects) if one.space is not None]


def contextual(subjects: Sequence[Subject]) -> list[Subject]:
    """Those that have none."""
    return [one for one in subjects if one.space is None]
