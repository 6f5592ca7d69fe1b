"""word2vec: skip-gram and CBOW, each with negative sampling or hierarchical softmax.

Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" (arXiv:1301.3781) and
"Distributed Representations of Words and Phrases and their Compositionality" (arXiv:1310.4546). The kernels
are core/static/word2vec_kernel.cpp; docs/math/word2vec.md has the objective and its gradient.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np

from qianru._core import Word2vecTrainer
from qianru.arrays import Float32Array
from qianru.errors import ArgumentError, CorpusError, OutputError, TrainingError
from qianru.progress import Progress, ProgressCallback
from qianru.static.settings import at_least, available_threads, one_of, within
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import Vectors

_WAIT = 0.1  # seconds between two looks at a running epoch


@dataclass(frozen=True, kw_only=True)
class Word2vecSettings:
    """What `train_word2vec` was asked for; the same words as its arguments, checked on construction."""

    model: Literal["skipgram", "cbow"] = "skipgram"
    loss: Literal["ns", "hs"] = "ns"
    cbow_gradient: Literal["classic", "corrected"] = "classic"
    dim: int = 100
    window: int = 5
    negative: int = 5
    sample: float = 1e-4
    epochs: int = 5
    learning_rate: float = 0.025
    min_learning_rate: float = 1e-4
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        one_of("model", self.model, ("skipgram", "cbow"))
        one_of("loss", self.loss, ("ns", "hs"))
        one_of("cbow_gradient", self.cbow_gradient, ("classic", "corrected"))
        at_least("dim", self.dim, 1, hint="100 to 300 is usual.")
        at_least("window", self.window, 1, hint="5 is usual; a larger window favours topics over syntax.")
        if self.loss == "ns":
            at_least("negative", self.negative, 1, hint='5 is usual; for no negatives use loss="hs".')
        at_least("epochs", self.epochs, 1, hint="5 is usual; more for a small corpus.")
        at_least("threads", self.threads, 1, hint="Leave it out to use every processor.")
        within("sample", self.sample, 0.0, 1.0, hint="1e-4 is usual; 0 keeps every token.")
        within("learning_rate", self.learning_rate, 0.0, 1e6, hint="0.025 is usual.")
        within(
            "min_learning_rate",
            self.min_learning_rate,
            0.0,
            self.learning_rate,
            hint="It is the floor of learning_rate.",
        )
        within("seed", self.seed, 0, 2**64 - 1, hint="Any whole number from 0 on.")


def train_word2vec(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    model: Literal["skipgram", "cbow"] = "skipgram",
    loss: Literal["ns", "hs"] = "ns",
    cbow_gradient: Literal["classic", "corrected"] = "classic",
    dim: int = 100,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-4,
    min_count: int = 5,
    max_vocab: int | None = None,
    epochs: int = 5,
    learning_rate: float = 0.025,
    min_learning_rate: float = 1e-4,
    seed: int = 1,
    threads: int | None = None,
    initial: Vectors | None = None,
    save_every: int | None = None,
    output: str | Path | None = None,
    force: bool = False,
    progress: ProgressCallback | None = None,
) -> Vectors:
    """Train one vector per word and return them as `Vectors` (float32 [n_words, dim]).

    Args:
        corpus: text as `Corpus` takes it, or a corpus already encoded.
        model: "skipgram" predicts each context word from the centre word, "cbow" the centre word from the
            mean of its context.
        loss: "ns" negative sampling, "hs" hierarchical softmax over a Huffman tree of the counts.
        cbow_gradient: "classic" moves each context row by the mean's gradient, as word2vec.c does;
            "corrected" by its true share of it (Irsoy et al. 2021, arXiv:2012.15332); raise learning_rate
            to about 0.075 with it.
        dim: length of a vector.
        window: most words to each side; each centre word draws its own reach from 1 to this.
        negative: words drawn against each centre word, from count^0.75.
        sample: words with a larger share of the corpus than this are thinned out; 0 keeps every token.
        min_count: words seen less often are dropped before windows are laid.
        max_vocab: keep only this many of the most frequent words.
        epochs: passes over the corpus.
        learning_rate: at the first token; it falls linearly to `min_learning_rate` at the last.
        seed: with threads=1 the same seed gives the same bits. More threads share the matrices without
            locks and give slightly different vectors each time.
        threads: default every processor this process may use.
        initial: vectors to start from; words it does not have start at random.
        save_every: save to `output` after each so many epochs, so that an interrupted run leaves a model.
        output: folder for `save_every`, and for the last good epoch should training diverge.
        force: let `output` replace a model that stands there.
        progress: called about ten times a second.

    Raises:
        ArgumentError: an argument breaks its rule; nothing has been read yet.
        CorpusError: there is no text, or fewer than two words are left.
        TrainingError: the loss left the finite range; `vectors` holds the last good epoch, or None.
    """
    settings = Word2vecSettings(
        model=model,
        loss=loss,
        cbow_gradient=cbow_gradient,
        dim=dim,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    if initial is not None and initial.dim != dim:
        raise ArgumentError(
            f"initial must have dim {dim}, got vectors of dim {initial.dim}",
            hint=f"Train with dim={initial.dim}.",
        )
    if save_every is not None:
        at_least("save_every", save_every, 1, hint="It counts epochs.")
        if output is None:
            raise ArgumentError("save_every needs output, the folder to save to", hint="Give output=….")
    if isinstance(corpus, EncodedCorpus):
        encoded = corpus
    else:
        source = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
        encoded = source.encode(
            min_count=min_count, max_vocab=max_vocab, threads=settings.threads, progress=progress
        )
    if len(encoded.keys) < 2:
        raise CorpusError(
            f"training needs at least two different words, the corpus leaves {len(encoded.keys)}",
            hint="Add text, or lower min_count.",
        )
    run = _Run(encoded, settings, initial, Path(output) if output is not None else None, force)
    return run.train(save_every, progress)


class _Run:
    """One training run: the core's trainer, the epoch kept on disk, and what is told about it."""

    def __init__(
        self,
        encoded: EncodedCorpus,
        settings: Word2vecSettings,
        initial: Vectors | None,
        output: Path | None,
        force: bool,
    ) -> None:
        self._encoded, self._settings, self._output, self._force = encoded, settings, output, force
        self._trainer = Word2vecTrainer(
            encoded.ids,
            encoded.counts,
            dim=settings.dim,
            window=settings.window,
            negative=settings.negative if settings.loss == "ns" else 0,
            cbow=settings.model == "cbow",
            mean_gradient=settings.cbow_gradient == "corrected",
            sample=settings.sample,
            learning_rate=settings.learning_rate,
            min_learning_rate=settings.min_learning_rate,
            epochs=settings.epochs,
            threads=settings.threads,
            seed=settings.seed,
        )
        self._n_initial = 0 if initial is None else self._start_from(initial)
        self._losses: list[float] = []
        self._pairs: list[int] = []
        self._kept: Float32Array | None = None  # the last good epoch, in a file without a name
        self._seconds = 0.0

    def train(self, save_every: int | None, progress: ProgressCallback | None) -> Vectors:
        try:
            for epoch in range(self._settings.epochs):
                self._train_epoch(epoch, progress)
                if epoch + 1 < self._settings.epochs:
                    self._keep()
                    if save_every is not None and (epoch + 1) % save_every == 0:
                        self._save(self._kept_vectors())
        finally:
            self._trainer.stop()
        self._trainer.release_outputs()
        matrix = np.empty(self._shape, np.float32)
        self._trainer.read_vectors(matrix)
        vectors = self._vectors(matrix)
        if save_every is not None:
            self._save(vectors)
        return vectors

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self._encoded.keys), self._settings.dim

    def _train_epoch(self, epoch: int, progress: ProgressCallback | None) -> None:
        trainer, n_positions = self._trainer, len(self._encoded.ids)
        started = time.perf_counter()
        trainer.start_epoch()
        ended = False
        while not ended:
            ended = trainer.wait(_WAIT)
            seconds = self._seconds + time.perf_counter() - started
            if progress is not None and trainer.n_pairs and not trainer.diverged:
                done = (epoch + trainer.n_positions_done / n_positions) / self._settings.epochs
                progress(
                    Progress(
                        stage="train",
                        done=done,
                        rate=done * self._settings.epochs * self._encoded.n_tokens / seconds,
                        unit="words",
                        loss=trainer.loss / trainer.n_pairs,
                        seconds_left=seconds * (1 - done) / done,
                    )
                )
        self._seconds += time.perf_counter() - started
        if trainer.diverged:
            self._fail(epoch)
        self._pairs.append(trainer.n_pairs)
        self._losses.append(trainer.loss / trainer.n_pairs if trainer.n_pairs else 0.0)

    def _fail(self, epoch: int) -> None:
        kept = self._kept_vectors() if self._kept is not None else None
        message = f"the loss left the finite range in epoch {epoch + 1} of {self._settings.epochs}"
        if kept is not None and self._output is not None:
            self._save(kept)
            message += f"; epoch {epoch} is saved in {self._output}"
        raise TrainingError(
            message, vectors=kept, hint=f"Lower learning_rate, it was {self._settings.learning_rate:g}."
        )

    def _start_from(self, initial: Vectors) -> int:
        matrix = np.empty(self._shape, np.float32)
        self._trainer.read_vectors(matrix)
        rows = [row for row, key in enumerate(self._encoded.keys) if key in initial]
        if rows:
            matrix[rows] = initial[[self._encoded.keys[row] for row in rows]]
        self._trainer.write_vectors(matrix)
        return len(rows)

    def _keep(self) -> None:
        if self._kept is None:
            folder = None if self._output is None else _existing_parent(self._output)
            with tempfile.TemporaryFile(dir=folder) as file:  # the map outlives the name and the handle
                _take_room(file, 4 * self._shape[0] * self._shape[1])
                self._kept = np.memmap(file, np.float32, "w+", shape=self._shape)
        self._trainer.read_vectors(self._kept)

    def _kept_vectors(self) -> Vectors:
        assert self._kept is not None  # _keep ran after the first epoch
        return self._vectors(self._kept)

    def _save(self, vectors: Vectors) -> None:
        assert self._output is not None  # checked before the run
        vectors.save(self._output, force=self._force)
        self._force = True  # from here on the folder is this run's own

    def _vectors(self, matrix: Float32Array) -> Vectors:
        encoded = self._encoded
        return Vectors(
            encoded.keys,
            matrix,
            counts=encoded.counts,
            provenance={
                "kind": "word2vec",
                "settings": asdict(self._settings),
                "initial_words": self._n_initial,
                "epochs_done": len(self._losses),
                "loss_per_epoch": list(self._losses),
                "pairs_per_epoch": list(self._pairs),
                "corpus": {
                    **encoded.settings,
                    "fingerprint": encoded.fingerprint,
                    "n_lines": encoded.n_lines,
                    "n_bytes": encoded.n_bytes,
                    "n_raw_tokens": encoded.n_raw_tokens,
                    "n_tokens": encoded.n_tokens,
                },
            },
        )


def _take_room(file: IO[bytes], n_bytes: int) -> None:
    """On disk, now: writing to a mapped page that a full disk cannot hold would kill the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        else:
            file.write(bytes(n_bytes))
            file.flush()
    except OSError as error:
        raise OutputError(
            f"cannot keep the last good epoch, {n_bytes} bytes, in a temporary file: {error.strerror}",
            hint="Free some space where the output goes, or set TMPDIR.",
        ) from None


def _existing_parent(path: Path) -> str | None:
    parent = path.absolute().parent
    return os.fspath(parent) if parent.is_dir() else None
