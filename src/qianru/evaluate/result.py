"""What a test returns: scores with intervals, and everything that is needed to repeat them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from qianru.arrays import Float64Array, Int64Array
from qianru.evaluate.datasets import Dataset
from qianru.evaluate.intervals import Interval
from qianru.evaluate.space import Space
from qianru.vectors import Encoder


@dataclass(frozen=True)
class Score:
    """One number. value is None where it is not defined; low and high are its 95 % interval; n: items behind it.

    zero_line: what one-hot vectors, which know nothing, would get; None where that is not defined.
    """

    metric: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    zero_line: float | None = None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return dict(vars(self))


def score(
    metric: str, value: float, n: int, interval: Interval | None = None, *, zero_line: float | None = None
) -> Score:
    """A Score, with None for what is not a number."""
    low, high = interval if interval is not None else (None, None)
    return Score(metric, value if math.isfinite(value) else None, n, low, high, zero_line)


@dataclass(frozen=True)
class Outcome:
    """Item by item, for comparing two models: of the n items of the dataset, which count, and what came out.

    values [n]: the model's similarity, or the share that is right (0 or 1, between where words tie); gold [n]: the people's
    similarity where it is to be correlated. clusters [n]: items that stand or fall together have one number; None
    where all are independent.
    """

    counted: Int64Array
    values: Float64Array
    gold: Float64Array | None = None
    clusters: Int64Array | None = None


@dataclass(frozen=True)
class Result:
    """A test of one model on one dataset. The first score is the one to quote; notes say what a reader must know.

    n_items: of the dataset; n_known: those whose words are all known, coverage being their share. policies: case, unknown,
    restrict_vocab, n_words, model_fingerprint. dataset_fingerprint: a hash over the items, None where no dataset was used.
    """

    test: str
    dataset: str
    dataset_fingerprint: str | None
    scores: tuple[Score, ...]
    n_items: int
    n_known: int
    policies: Mapping[str, object]
    seed: int
    n_bootstrap: int
    details: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    outcome: Outcome | None = field(default=None, repr=False, compare=False)

    @property
    def coverage(self) -> float:
        """Share of the items whose words are all known."""
        return self.n_known / self.n_items if self.n_items else 0.0

    @property
    def value(self) -> float | None:
        """The first score."""
        return self.scores[0].value

    def __getitem__(self, metric: str) -> Score:
        """The score of that name. Raises KeyError."""
        for one in self.scores:
            if one.metric == metric:
                return one
        raise KeyError(f"no score {metric!r}; there are {', '.join(one.metric for one in self.scores)}")

    def as_dict(self) -> dict[str, object]:
        """Everything but the single items, for JSON."""
        return {
            "test": self.test,
            "dataset": self.dataset,
            "dataset_fingerprint": self.dataset_fingerprint,
            "scores": [one.as_dict() for one in self.scores],
            "n_items": self.n_items,
            "n_known": self.n_known,
            "coverage": self.coverage,
            **self.policies,
            "seed": self.seed,
            "n_bootstrap": self.n_bootstrap,
            "interval": "95 % percentile bootstrap" if self.n_bootstrap else None,
            "details": dict(self.details),
            "notes": list(self.notes),
        }


def encoder_policies(encoder: Encoder) -> dict[str, object]:
    """The policies of tests on texts: an encoder takes them as they are, and knows any word or says that it does not."""
    return {
        "case": "exact",
        "unknown": "zero",
        "restrict_vocab": None,
        "n_words": None,
        "model_fingerprint": encoder.fingerprint,
    }


def result(
    test: str,
    data: Dataset | None,
    space: Space | Mapping[str, object],
    scores: list[Score],
    *,
    n_items: int,
    n_known: int,
    seed: int,
    n_bootstrap: int,
    details: Mapping[str, object] | None = None,
    notes: list[str] | None = None,
    outcome: Outcome | None = None,
) -> Result:
    """A Result with the policies of the space and the name and fingerprint of the dataset filled in."""
    return Result(
        test,
        data.name if data is not None else "the model itself",
        data.fingerprint if data is not None else None,
        tuple(scores),
        n_items,
        n_known,
        space.policies if isinstance(space, Space) else space,
        seed,
        n_bootstrap,
        details or {},
        tuple(notes or ()),
        outcome,
    )
