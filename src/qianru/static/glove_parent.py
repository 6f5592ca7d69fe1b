"""A GloVe model that training goes on from, and the state that lets it go on exactly.

With `training.safetensors` in its folder the parent has w, w~, the biases and AdaGrad's sums of squares as they were. Without it,
vectors of "sum" are halved into w and w~ (their expectations are equal where the counts are symmetric), those of "w" stand
for both, the biases are the model's, and AdaGrad begins anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qianru.arrays import Float32Array, Int64Array
from qianru.errors import ArgumentError, FormatError
from qianru.static.parent import STATE_FILE, Joined, Parent
from qianru.static.state import read_state, write_state
from qianru.vectors import Vectors

# Steps after which the vectors are the ones that were trained.
_KEEP_VECTORS = ("subset", "prune")
# The parts of a word's state in the core's order: w, b, 1; their sums of squares; w~, 1, b~; theirs.
_PARTS = ("words", "words_squares", "contexts", "contexts_squares")


class GloveParent:
    """A model, and its state float32 [n, 4, dim + 2] or None."""

    def __init__(self, vectors: Vectors, state: Float32Array | None) -> None:
        self.vectors, self.state = vectors, state

    @classmethod
    def load(cls, model: Vectors | str | Path) -> GloveParent:
        """Raises ArgumentError if it is no GloVe model, FormatError if the state beside it is of another one."""
        vectors = model if isinstance(model, Vectors) else Vectors.load(model)
        kind = vectors.provenance.get("kind")
        if kind != "glove":
            raise ArgumentError(
                f"continue_from must be a model that GloVe trained, got one of kind {kind!r}",
                hint="The dot products of other vectors are not logarithms of counts; train from the start.",
            )
        steps = vectors.provenance.get("steps")
        for step in steps if isinstance(steps, list) else []:
            done = step.get("step") if isinstance(step, dict) else step
            if done not in _KEEP_VECTORS:
                raise ArgumentError(
                    f"continue_from must be vectors as GloVe left them, these have gone through {done!r}",
                    hint="Go on from the model they were made from.",
                )
        path = None if isinstance(model, Vectors) else Path(model) / STATE_FILE
        if path is None or not path.is_file():
            return cls(vectors, None)
        matrices, about = read_state(path, _PARTS)
        state = np.stack([matrices[name] for name in _PARTS], axis=1)
        if about.get("model") != vectors.fingerprint or state.shape != (len(vectors), 4, vectors.dim + 2):
            raise FormatError(
                "this training state belongs to another model",
                path=str(path),
                hint="remove that file to go on without it, or copy the whole folder again",
            )
        return cls(vectors, state)

    def join(self, keys: list[str]) -> Joined:
        """How the words of a corpus lie in the model."""
        return Joined(Parent(self.vectors), keys, frozen=False)

    def start(self, fresh: Float32Array, joined: Joined) -> Float32Array:
        """The trainer's state [n_words, 4, dim + 2] to begin with: `fresh`, and the old words as the parent left them."""
        state = fresh.copy()
        state[joined.old] = self._state_of(joined.rows[joined.old], fresh[0])
        return state

    def all_state(self, trained: Float32Array, joined: Joined, like: Float32Array) -> Float32Array:
        """The state of all words [n, 4, dim + 2], those that the text lacks as they were; like: of a word untrained."""
        old = self._state_of(np.arange(len(self.vectors)), like)
        state = np.concatenate([old, np.empty((len(joined.new), *like.shape), np.float32)])
        state[joined.place] = trained
        return state

    def _state_of(self, rows: Int64Array, like: Float32Array) -> Float32Array:
        if self.state is not None:
            return self.state[rows]
        dim, vectors = self.vectors.dim, self.vectors.to_numpy()[rows]
        settings = self.vectors.provenance.get("settings")
        is_sum = not (isinstance(settings, dict) and settings.get("vectors") == "w")
        state = np.tile(like, (len(rows), 1, 1))
        state[:, 0, :dim] = state[:, 2, :dim] = vectors / 2 if is_sum else vectors
        biases = self.vectors.biases
        state[:, 0, dim] = 0.0 if biases is None else biases[rows, 0]
        state[:, 2, dim + 1] = 0.0 if biases is None else biases[rows, 1]
        return state


def write_training_state(folder: Path, state: Float32Array, vectors: Vectors) -> None:
    """Put the training state [n, 4, dim + 2] into the model folder of these vectors. Raises OutputError."""
    matrices = {name: np.ascontiguousarray(state[:, part]) for part, name in enumerate(_PARTS)}
    write_state(folder / STATE_FILE, matrices, {"model": vectors.fingerprint})
