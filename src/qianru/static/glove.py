"""GloVe: vectors whose dot products are the logarithms of how often words stand near each other.

Pennington, Socher & Manning 2014, "GloVe: Global Vectors for Word Representation". The counts come from
static/cooccurrence.py, the kernels are core/static/glove_kernel.cpp; docs/math/glove.md has the objective and
its gradient.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from qianru._core import GloveTrainer
from qianru.arrays import Float32Array
from qianru.errors import ArgumentError, TrainingError
from qianru.progress import Progress, ProgressCallback
from qianru.static.cooccurrence import (
    Cooccurrence,
    Weighting,
    check_counting,
    corpus_facts,
    count_cooccurrences,
    refuse_empty,
)
from qianru.static.encode_corpus import encode_corpus
from qianru.static.glove_parent import GloveParent, write_training_state
from qianru.static.glove_state import check_checkpoint, read_state, write_state
from qianru.static.parent import Joined
from qianru.static.settings import above_zero, at_least, available_threads, one_of, within
from qianru.text import DEFAULT_MEMORY, Corpus, EncodedCorpus
from qianru.vectors import Vectors

_WAIT = 0.1  # seconds between two looks at a running epoch
_ROWS = 8192  # words whose state is read at a time


@dataclass(frozen=True, kw_only=True)
class GloveSettings:
    """What `train_glove` was asked for; the same words as its arguments, checked on construction."""

    dim: int = 100
    window: int = 10
    symmetric: bool = True
    weighting: Weighting = "inverse"
    x_max: float = 10.0
    alpha: float = 0.75
    epochs: int = 15
    learning_rate: float = 0.05
    vectors: Literal["sum", "w"] = "sum"
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        at_least("dim", self.dim, 1, hint="100 to 300 is usual.")
        check_counting(self.window, self.weighting, 1)
        above_zero("x_max", self.x_max, hint="10 for a small corpus, 100 for billions of words.")
        within("alpha", self.alpha, 0.0, 10.0, hint="0.75 is usual.")
        at_least("epochs", self.epochs, 1, hint="15 is usual; 50 to 100 for dim 300.")
        above_zero("learning_rate", self.learning_rate, hint="0.05 is usual.")
        one_of("vectors", self.vectors, ("sum", "w"))
        within("seed", self.seed, 0, 2**64 - 1, hint="Any whole number from 0 on.")
        at_least("threads", self.threads, 1, hint="Leave it out to use every processor.")


def train_glove(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    dim: int | None = None,
    window: int = 10,
    symmetric: bool = True,
    weighting: Weighting = "inverse",
    x_max: float = 10.0,
    alpha: float = 0.75,
    min_count: int = 5,
    max_vocab: int | None = None,
    epochs: int = 15,
    learning_rate: float = 0.05,
    vectors: Literal["sum", "w"] = "sum",
    seed: int = 1,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    checkpoint: str | Path | None = None,
    save_every: int | None = None,
    resume: bool = False,
    continue_from: Vectors | str | Path | None = None,
    keep_training_state: bool = False,
    output: str | Path | None = None,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> Vectors:
    """Train one vector per word and return them as `Vectors` (float32 [n_words, dim]).

    The same seed gives the same bits at any number of threads. `Vectors.biases` holds b and b~, float32
    [n_words, 2].

    Args:
        corpus: text as `Corpus` takes it, or a corpus already encoded.
        dim: length of a vector, by default 100, or that of the model in `continue_from`.
        window: most words to each side.
        symmetric: False counts only the words to the left.
        weighting: "inverse" lets a pair at distance d count 1/d, "flat" 1.
        x_max: counts from here on have full weight; below, (x / x_max) ** alpha.
        alpha: see x_max.
        min_count: words seen less often are dropped before windows are laid.
        max_vocab: keep only this many of the most frequent words.
        epochs: passes over the counts.
        learning_rate: of AdaGrad.
        vectors: "sum" gives w + w~, "w" the word vectors alone.
        threads: default every processor this process may use.
        memory: bytes that counting may take before it goes to temporary files; training needs 12 for each
            entry of a triangle and 16 * dim for each word, whatever is said here.
        checkpoint: file for the whole state of training, see save_every and resume.
        save_every: write `checkpoint` after each so many epochs and at the end.
        resume: go on from `checkpoint`; the result is that of a run that never stopped. `epochs` and
            `threads` may differ from the run that wrote it, nothing else.
        continue_from: a GloVe model to train on. All its words stay, with their ids; new words come after
            them; words that this text lacks keep their vectors. With the training state in its folder w, w~
            and AdaGrad go on as they were, else they begin from the vectors (static/glove_parent.py).
        keep_training_state: save the model to `output` with that state.
        output: the folder for it; `force` lets it replace a model that stands there, and
            `checkpoint` the file that stands there.
        progress: called about ten times a second.

    Raises:
        ArgumentError: an argument breaks its rule, or the checkpoint is of another run.
        CorpusError: there is no text, or fewer than two words or no pair of them are left.
        FormatError: the checkpoint is damaged.
        TrainingError: the loss left the finite range; `vectors` holds the last good epoch, or None.
    """
    parent = None if continue_from is None else GloveParent.load(continue_from)
    settings = GloveSettings(
        dim=settled_dim(dim, parent),
        window=window,
        symmetric=symmetric,
        weighting=weighting,
        x_max=x_max,
        alpha=alpha,
        epochs=epochs,
        learning_rate=learning_rate,
        vectors=vectors,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    check_counting(window, weighting, memory)
    if keep_training_state and output is None:
        raise ArgumentError("keep_training_state needs output, the model's folder", hint="Give output=….")
    check_checkpoint(checkpoint, save_every=save_every, resume=resume, force=force)
    encoded = encode_corpus(
        corpus,
        min_count=min_count,
        max_vocab=max_vocab,
        keep=None if parent is None else parent.vectors,
        threads=settings.threads,
        progress=progress,
    )
    counts = count_cooccurrences(
        encoded,
        window=window,
        symmetric=symmetric,
        weighting=weighting,
        threads=settings.threads,
        memory=memory,
        progress=progress,
    )
    refuse_empty(counts)
    run = _Run(encoded, counts, settings, parent)
    del counts  # the trainer has its own copy
    if resume and checkpoint is not None:
        run.resume(Path(checkpoint))
    trained = run.train(None if checkpoint is None else Path(checkpoint), save_every, progress)
    if keep_training_state and output is not None:
        trained.save(output, force=force)
        write_training_state(Path(output), run.all_state(), trained)
    return trained


def settled_dim(dim: int | None, parent: GloveParent | None) -> int:
    """What `dim` means beside the model to go on from. Raises ArgumentError if the two differ."""
    if parent is not None and dim not in (None, parent.vectors.dim):
        raise ArgumentError(
            f"dim must be that of the model, {parent.vectors.dim}, got {dim}",
            hint=f"Leave dim out, or give {parent.vectors.dim}.",
        )
    if dim is not None:
        return dim
    return 100 if parent is None else parent.vectors.dim


class _Run:
    """One training run: the core's trainer, the last good epoch, and what is told about it."""

    def __init__(
        self,
        encoded: EncodedCorpus,
        counts: Cooccurrence,
        settings: GloveSettings,
        parent: GloveParent | None,
    ) -> None:
        self._encoded, self._settings, self._parent = encoded, settings, parent
        self._trainer = GloveTrainer(
            counts.offsets,
            counts.columns,
            counts.values,
            symmetric=counts.symmetric,
            dim=settings.dim,
            x_max=settings.x_max,
            alpha=settings.alpha,
            learning_rate=settings.learning_rate,
            threads=settings.threads,
            seed=settings.seed,
        )
        self._losses: list[float] = []
        self._first = 0  # epoch of this run
        self._kept: Vectors | None = None  # the last good epoch
        self._seconds = 0.0
        self._joined: Joined | None = None
        if parent is not None:
            self._joined = parent.join(encoded.keys)
            fresh = self._whole_state()
            self._untrained = fresh[0].copy()
            self._trainer.write_state(parent.start(fresh, self._joined))

    def resume(self, checkpoint: Path) -> None:
        state, losses = read_state(checkpoint, self._identity(), self._shape)
        if len(losses) > self._settings.epochs:
            raise ArgumentError(
                f"the checkpoint has {len(losses)} epochs, epochs is {self._settings.epochs}",
                hint=f"Pass epochs={len(losses)} or more.",
            )
        self._trainer.write_state(state)
        self._trainer.epoch = len(losses)
        self._losses, self._first = losses, len(losses)

    def train(
        self, checkpoint: Path | None, save_every: int | None, progress: ProgressCallback | None
    ) -> Vectors:
        n_epochs = self._settings.epochs
        try:
            for epoch in range(len(self._losses), n_epochs):
                self._train_epoch(epoch, progress)
                self._kept = self._vectors()
                due = save_every is not None and ((epoch + 1) % save_every == 0 or epoch + 1 == n_epochs)
                if due and checkpoint is not None:
                    write_state(checkpoint, self._identity(), self._shape, self._losses, self._state)
        finally:
            self._trainer.stop()
        return self._kept or self._vectors()

    @property
    def _shape(self) -> tuple[int, int, int]:
        return len(self._encoded.keys), 4, self._settings.dim + 2

    def _state(self, first: int) -> Float32Array:
        """The state of some words from `first` on; empty at the end."""
        n_keys, n_parts, n_floats = self._shape
        state = np.empty((min(_ROWS, n_keys - first), n_parts, n_floats), np.float32)
        self._trainer.read_state(state, first)
        return state

    def _whole_state(self) -> Float32Array:
        return np.concatenate([self._state(first) for first in range(0, self._shape[0], _ROWS)])

    def all_state(self) -> Float32Array:
        """The state of all words, also of those of the parent that the text lacks."""
        state = self._whole_state()
        if self._parent is None or self._joined is None:
            return state
        return self._parent.all_state(state, self._joined, self._untrained)

    def _identity(self) -> dict[str, object]:
        """What a checkpoint must agree in."""
        settings = asdict(self._settings)
        for free in ("epochs", "threads", "vectors"):
            del settings[free]
        identity: dict[str, object] = {"settings": settings, "corpus": corpus_facts(self._encoded)}
        if self._parent is not None:
            identity["parent"] = self._parent.vectors.fingerprint
        return identity

    def _train_epoch(self, epoch: int, progress: ProgressCallback | None) -> None:
        trainer, n_epochs = self._trainer, self._settings.epochs
        started = time.perf_counter()
        trainer.start_epoch()
        ended = False
        while not ended:
            ended = trainer.wait(_WAIT)
            seconds = self._seconds + time.perf_counter() - started
            if progress is not None and not trainer.diverged:
                part = min(trainer.n_done / max(trainer.n_entries, 1), 1.0)
                done = (epoch + part) / n_epochs
                rate = (epoch - self._first + part) * trainer.n_entries / seconds
                left = seconds * (n_epochs - epoch - part) / max(epoch - self._first + part, 1e-9)
                loss = self._losses[-1] if self._losses else None
                progress(Progress("train", done, rate, "pairs", loss, left))
        self._seconds += time.perf_counter() - started
        loss = trainer.loss / max(trainer.n_entries, 1)
        if trainer.diverged or not np.isfinite(loss):
            saved = f"; epoch {epoch} is the last good one" if self._kept is not None else ""
            raise TrainingError(
                f"the loss left the finite range in epoch {epoch + 1} of {n_epochs}{saved}",
                vectors=self._kept,
                hint=f"Lower learning_rate, it was {self._settings.learning_rate:g}.",
            )
        self._losses.append(loss)

    def _vectors(self) -> Vectors:
        encoded, settings = self._encoded, self._settings
        n_keys, dim = len(encoded.keys), settings.dim
        matrix, biases = np.empty((n_keys, dim), np.float32), np.empty((n_keys, 2), np.float32)
        for first in range(0, n_keys, _ROWS):
            state, rows = self._state(first), slice(first, first + _ROWS)
            matrix[rows] = state[:, 0, :dim]
            if settings.vectors == "sum":
                matrix[rows] += state[:, 2, :dim]
            biases[rows, 0], biases[rows, 1] = state[:, 0, dim], state[:, 2, dim + 1]
        provenance: dict[str, object] = {
            "kind": "glove",
            "settings": asdict(settings),
            "epochs_done": len(self._losses),
            "loss_per_epoch": list(self._losses),
            "n_entries": self._trainer.n_entries,
            "corpus": corpus_facts(encoded),
        }
        if self._joined is None:
            return Vectors(encoded.keys, matrix, counts=encoded.counts, provenance=provenance, biases=biases)
        joined, old = self._joined, self._joined.parent.vectors.biases
        all_biases = np.zeros((len(joined.keys), 2), np.float32)
        if old is not None:
            all_biases[: len(old)] = old
        all_biases[joined.place] = biases
        return Vectors(
            joined.keys,
            joined.matrix(matrix),
            counts=joined.counts(encoded.counts),
            provenance=provenance | {"parent": joined.provenance()},
            biases=all_biases,
        )
