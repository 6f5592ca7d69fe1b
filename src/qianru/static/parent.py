"""A model that training goes on from: which rows the words of a corpus have in it, and how the two join.

The ids of the old words stay, new words come after them. The trainer itself sees only the words of the corpus,
most frequent first: an old word that the corpus does not hold is neither trained nor drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np

from qianru.arrays import Float32Array, Int64Array, UInt64Array
from qianru.errors import ArgumentError, FormatError
from qianru.static.state import read_state, write_state
from qianru.vectors import SubwordVectors, Vectors
from qianru.vectors.stored import of_corpus
from qianru.vectors.subwords import has_subwords

Start: TypeAlias = Literal["context", "subword", "random"]
STATE_FILE = "training.safetensors"


class Parent:
    """A model, its output vectors float32 [n, dim] if they were kept, and its n-grams if it has any."""

    def __init__(
        self, vectors: Vectors, outputs: Float32Array | None = None, subwords: SubwordVectors | None = None
    ) -> None:
        self.vectors, self.outputs, self.subwords = vectors, outputs, subwords

    @classmethod
    def load(cls, model: Vectors | SubwordVectors | str | Path) -> Parent:
        """From vectors, or from a path with the training state that stands there.

        Raises FormatError if that state belongs to another model.
        """
        if isinstance(model, Vectors):
            return cls(model)
        if isinstance(model, SubwordVectors) or has_subwords(model):
            return cls._with_subwords(
                model if isinstance(model, SubwordVectors) else SubwordVectors.load(model)
            )
        vectors, path = Vectors.load(model), Path(model) / STATE_FILE
        if not path.is_file():
            return cls(vectors)
        matrices, about = read_state(path, ["outputs"])
        outputs = matrices["outputs"]
        if about.get("model") != vectors.fingerprint or outputs.shape != (len(vectors), vectors.dim):
            raise FormatError(
                "this training state belongs to another model",
                path=str(path),
                hint="remove that file to go on without it, or copy the whole folder again",
            )
        return cls(vectors, outputs)

    @classmethod
    def _with_subwords(cls, model: SubwordVectors) -> Parent:
        parent = cls(model.vectors, model.output, model)
        # The inner nodes of hierarchical softmax belong to a tree that the next text changes.
        return cls(model.vectors, None, model) if parent.setting("loss") == "hs" else parent

    def setting(self, name: str) -> object:
        """A setting the model was trained with, or None."""
        settings = self.vectors.provenance.get("settings")
        return settings.get(name) if isinstance(settings, dict) else None

    def check(self, *, dim: int, model: str) -> None:
        """Raise ArgumentError if the model cannot be trained on in this way."""
        if self.vectors.dim != dim:
            raise ArgumentError(
                f"dim must be that of the model, {self.vectors.dim}, got {dim}",
                hint=f"Leave dim out, or give {self.vectors.dim}.",
            )
        was = self.setting("model")
        if self.outputs is not None and isinstance(was, str) and was != model:
            raise ArgumentError(
                f'model must be "{was}" as in the training state that goes on, got {model!r}',
                hint=f'Give model="{was}" (--model {was}), or remove {STATE_FILE}.',
            )

    def refuse_subwords(self) -> None:
        """Raise ArgumentError if the model has n-grams: they would be left behind."""
        if self.subwords is not None:
            raise ArgumentError(
                "continue_from has n-grams, which word2vec cannot train",
                hint="Use train_fasttext (train fasttext --continue), or save its words alone: SubwordVectors.vectors.",
            )


class Joined:
    """A parent and the words of a corpus (keys by falling count).

    rows int64 [n_words]: each word's row in the parent, or -1; place [n_words]: its row in the new model.
    """

    def __init__(self, parent: Parent, keys: list[str], *, frozen: bool) -> None:
        self.parent, self._frozen = parent, frozen
        self.rows: Int64Array = parent.vectors.rows(keys, unknown="skip")
        self.new: Int64Array = np.flatnonzero(self.rows < 0)
        self.old: Int64Array = np.flatnonzero(self.rows >= 0)
        self._n_old = len(parent.vectors)
        self.place = self.rows.copy()
        self.place[self.new] = self._n_old + np.arange(len(self.new))
        self.keys = [*parent.vectors, *(keys[row] for row in self.new)]

    def matrix(self, trained: Float32Array) -> Float32Array:
        """All vectors, from those of the corpus's words [n_words, dim]; frozen rows are the parent's own."""
        moved = self.new if self._frozen else slice(None)
        return self.over(self.parent.vectors.to_numpy(), trained[moved], moved)

    def outputs(self, trained: Float32Array) -> Float32Array:
        """All output vectors; those of old words without any are zero."""
        return self.over(self.parent.outputs, trained)

    def counts(self, counted: UInt64Array) -> UInt64Array | None:
        """Occurrences in all texts so far; None where the parent does not know its own."""
        if self.parent.vectors.counts is None:
            return None
        joined = np.zeros(len(self.keys), np.uint64)
        joined[: self._n_old] = self.parent.vectors.counts
        joined[self.place] += counted
        return joined

    def provenance(self) -> dict[str, object]:
        """The parent's identity and its own provenance, so that the chain goes back to the first text."""
        vectors = self.parent.vectors
        return {
            "fingerprint": vectors.fingerprint,
            "n_keys": len(vectors),
            "provenance": dict(vectors.provenance),
        }

    def over(
        self, old: Float32Array | None, trained: Float32Array, words: Int64Array | slice = slice(None)
    ) -> Float32Array:
        """Rows of all words [n, dim]: the parent's, or zeros, and over them the trained ones of these words."""
        joined = np.zeros((len(self.keys), self.parent.vectors.dim), np.float32)
        if old is not None:
            joined[: self._n_old] = old
        joined[self.place[words]] = trained
        return joined


class HasVectors(Protocol):
    """A model to go on from, of any kind."""

    vectors: Vectors


def was_lowercased(model: HasVectors | str | Path | None) -> bool:
    """Whether the model's text was read in lower case, as far as that is known; None: there is no model."""
    if model is None:
        return False
    vectors = Vectors.load(model) if isinstance(model, (str, Path)) else model.vectors
    return of_corpus(vectors.provenance, "lowercase") is True


def write_outputs(folder: Path, outputs: Float32Array, vectors: Vectors) -> None:
    """Put the training state into the model folder of these vectors."""
    write_state(folder / STATE_FILE, {"outputs": outputs}, {"model": vectors.fingerprint})
