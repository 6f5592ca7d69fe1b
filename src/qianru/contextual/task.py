"""What the training loop knows of a model: what a step shows it and asks it for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qianru.arrays import Int64Array


@dataclass(frozen=True)
class Batch:
    """Sequences and what is asked about them.

    Attributes:
        inputs: int64 [n, length], what is shown.
        places: int64 [m], rising, which places of the flattened inputs are asked for; None: all.
        targets: int64 [m], what is right there.
        n_targets: how many predictions are scored.
    """

    inputs: Int64Array
    places: Int64Array | None
    targets: Int64Array
    n_targets: int

    def rows(self, begin: int, end: int) -> Batch:
        """The sequences begin … end - 1 alone, as they were drawn."""
        n, length = self.inputs.shape
        inputs = self.inputs[begin:end]
        if self.places is None:
            per_row = len(self.targets) // n
            targets = self.targets[begin * per_row : end * per_row]
            return Batch(inputs, None, targets, self.n_targets // n * (end - begin))
        first, last = np.searchsorted(self.places, (begin * length, end * length))
        places = self.places[first:last] - begin * length
        return Batch(inputs, places, self.targets[first:last], int(last - first))


class Task(Protocol):
    """A model in training.

    Attributes:
        module: called with (inputs, places, targets) it gives the loss summed over what is asked for; its method
            `score`, called alike, gives that and how many it got right.
        n_sequences: into how many the text is cut.
    """

    module: Any
    n_sequences: int

    def batch(self, sequences: Int64Array, random: np.random.Generator) -> Batch:
        """The sequences of these numbers; equal draws give an equal batch."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model's own files into the folder."""
        ...
