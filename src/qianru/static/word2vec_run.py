"""One run of the word2vec trainer: its epochs, what is kept of each, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict, Unpack, cast

import numpy as np

from qianru._core import Word2vecTrainer
from qianru.arrays import Float32Array, UInt32Array, UInt64Array
from qianru.differences import differences
from qianru.errors import ArgumentError, FormatError, OutputError, QianruError, TrainingError
from qianru.progress import Progress, ProgressCallback
from qianru.static.new_rows import start_rows
from qianru.static.parent import Joined, Parent, Start, write_outputs
from qianru.static.settings import Word2vecSettings
from qianru.static.state import Saving, checkpoint_path, read_state, take_room, write_state
from qianru.text import EncodedCorpus
from qianru.vectors import Vectors

_WAIT = 0.1  # seconds between two looks at a running epoch
# Input rows start uniform in ± this / dim. CBOW averages them, and from word2vec.c's 0.5 it learns too little in a few epochs
# (analogies 23.0 %, from 2 24.7, the rest no worse: docs/LOG.md, 2026-11-26); skip-gram does not care.
_START_RANGE = {"skipgram": 0.5, "cbow": 2.0}


class TrainerOptions(TypedDict, total=False):
    """What only fastText asks of the core's trainer."""

    negative_power: float
    start_range: float
    shared_offsets: UInt64Array
    shared_rows: UInt32Array
    n_shared: int


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How a run goes on from a model: see `grow` for the options."""

    parent: Parent
    old_rate: float = 1.0
    start: Start = "random"


class Run:
    """The core's trainer, the epoch kept, and what is told about it."""

    _kind = "word2vec"

    def __init__(
        self,
        encoded: EncodedCorpus,
        settings: Word2vecSettings,
        *,
        initial: Vectors | None = None,
        growth: Growth | None = None,
        saving: Saving | None = None,
    ) -> None:
        self._encoded, self._settings = encoded, settings
        self._saving = Saving() if saving is None else saving
        self._force = self._saving.force
        self._trainer = self._make_trainer()
        self._initial, self._growth = initial, growth
        self._n_initial = 0 if initial is None else self._start_from(initial)
        self._joined = None if growth is None else self._join(growth)
        self._losses: list[float] = []
        self._pairs: list[int] = []
        self._kept: Float32Array | None = None  # the last good epoch, in a file without a name
        self._seconds = 0.0
        # Models with n-grams hold their output vectors; of others they are kept only if asked for.
        self._keeps_outputs = growth is not None and growth.parent.subwords is not None
        self._last_outputs: Float32Array | None = None

    def _make_trainer(self, **more: Unpack[TrainerOptions]) -> Word2vecTrainer:
        settings = self._settings
        return Word2vecTrainer(
            self._encoded.ids,
            self._encoded.counts,
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
            **(TrainerOptions(start_range=_START_RANGE[settings.model]) | more),
        )

    @property
    def joined(self) -> Joined | None:
        """How the corpus's words lie in the model that this run goes on from, if there is one."""
        return self._joined

    @property
    def outputs(self) -> Float32Array | None:
        """The output vectors of all words after the last epoch, float32 [n, dim], if they were kept."""
        if self._last_outputs is None or self._joined is None:
            return self._last_outputs
        return self._joined.outputs(self._last_outputs)

    def train(self, progress: ProgressCallback | None, *, resume: bool = False) -> Vectors:
        """All epochs, or those after the checkpoint. Raises TrainingError; ArgumentError if it does not fit."""
        epochs, saving = self._settings.epochs, self._saving
        first = self._resume() if resume else 0
        try:
            for epoch in range(first, epochs):
                self._train_epoch(epoch, progress)
                if epoch + 1 < epochs:
                    self._keep()
                    if saving.every is not None and (epoch + 1) % saving.every == 0:
                        self._save_checkpoint()
        finally:
            self._trainer.stop()
        if saving.training_state or self._keeps_outputs:
            self._last_outputs = self._outputs()
        self._trainer.release_outputs()
        matrix = np.empty(self._shape, np.float32)
        self._trainer.read_vectors(matrix)
        vectors = self._vectors(matrix)
        if saving.output is not None and (resume or saving.every is not None or saving.training_state):
            self._save(vectors)
            if saving.training_state and (outputs := self.outputs) is not None:
                write_outputs(saving.output, outputs, vectors)
        if saving.output is not None:
            checkpoint_path(saving.output).unlink(missing_ok=True)
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
        if kept is not None and self._saving.output is not None:
            self._save(kept)
            message += f"; epoch {epoch} is saved in {self._saving.output}"
        raise TrainingError(
            message, vectors=kept, hint=f"Lower learning_rate, it was {self._settings.learning_rate:g}."
        )

    def _start_from(self, initial: Vectors) -> int:
        matrix = np.empty(self._shape, np.float32)
        self._trainer.read_vectors(matrix)
        found = initial.rows(self._encoded.keys, unknown="skip")
        matrix[found >= 0] = initial.to_numpy()[found[found >= 0]]
        self._trainer.write_vectors(matrix)
        return int((found >= 0).sum())

    def _join(self, growth: Growth) -> Joined:
        encoded, parent = self._encoded, growth.parent
        joined = Joined(parent, encoded.keys, frozen=growth.old_rate == 0)
        self._start_from(parent.vectors)
        matrix = np.empty(self._shape, np.float32)
        self._trainer.read_vectors(matrix)
        start_rows(
            matrix, encoded, joined, growth.start, window=self._settings.window, sample=self._settings.sample
        )
        self._trainer.write_vectors(matrix)
        self._take_outputs(joined)
        if growth.old_rate != 1:
            shares = np.ones(len(encoded.keys), np.float32)
            shares[joined.old] = growth.old_rate
            self._trainer.set_input_shares(shares)
        return joined

    def _take_outputs(self, joined: Joined) -> None:
        if joined.parent.outputs is not None and self._settings.loss == "ns":
            outputs = np.zeros((len(joined.rows), self._settings.dim), np.float32)
            outputs[joined.old] = joined.parent.outputs[joined.rows[joined.old]]
            self._trainer.write_outputs(outputs)

    def _keep(self) -> None:
        if self._kept is None:
            output = self._saving.output
            folder = None if output is None else _existing_parent(output)
            with tempfile.TemporaryFile(dir=folder) as file:  # the map outlives the name and the handle
                take_room(file, 4 * self._shape[0] * self._shape[1])
                self._kept = np.memmap(file, np.float32, "w+", shape=self._shape)
        self._trainer.read_vectors(self._kept)

    def _kept_vectors(self) -> Vectors:
        assert self._kept is not None  # _keep ran after the first epoch
        return self._vectors(self._kept)

    def _save(self, vectors: Vectors) -> None:
        assert self._saving.output is not None  # checked before the run
        vectors.save(self._saving.output, force=self._force)
        self._force = True  # from here on the folder is this run's own

    def _outputs(self) -> Float32Array:
        outputs = np.empty((self._trainer.n_outputs, self._settings.dim), np.float32)
        self._trainer.read_outputs(outputs)
        return outputs

    def _identity(self) -> dict[str, object]:
        """What makes two runs the same, but for their threads."""
        settings = asdict(self._settings)
        del settings["threads"]
        digest = hashlib.sha256("\n".join(self._encoded.keys).encode("utf-8", "surrogatepass"))
        digest.update(self._encoded.counts.astype("<u8").data)
        growth, corpus = self._growth, self._encoded.settings
        identity: dict[str, object] = {
            "settings": settings,
            "corpus": {
                "fingerprint": self._encoded.fingerprint,
                "min_count": corpus.get("min_count"),
                "max_vocab": corpus.get("max_vocab"),
            },
            "vocabulary": digest.hexdigest(),
            "initial": None if self._initial is None else self._initial.fingerprint,
            "parent": None if growth is None else growth.parent.vectors.fingerprint,
        }
        return cast(dict[str, object], json.loads(json.dumps(identity)))

    def _save_checkpoint(self) -> None:
        assert self._saving.output is not None  # checked before the run
        assert self._kept is not None  # kept just before
        done = {
            "epochs_done": len(self._losses),
            "loss_per_epoch": self._losses,
            "pairs_per_epoch": self._pairs,
            "seconds": self._seconds,
        }
        outputs = self._outputs()
        self._last_outputs = outputs if self._keeps_outputs else None
        write_state(
            checkpoint_path(self._saving.output),
            {"inputs": self._kept, "outputs": outputs},
            {"run": self._identity(), "done": done},
        )
        # The checkpoint first: whatever happens from here on, the run can go on.
        self._save(self._kept_vectors())
        self._last_outputs = None

    def _resume(self) -> int:
        """Put the trainer where the checkpoint left it; returns the number of epochs done."""
        assert self._saving.output is not None  # checked before the run
        path = checkpoint_path(self._saving.output)
        matrices, about = read_state(path, ["inputs", "outputs"])
        if differ := differences(about.get("run"), self._identity()):
            raise ArgumentError(
                f"{path} is of another run: {'; '.join(differ)}",
                hint="Resume with the settings and the text of that run, or begin anew with force=True (--force).",
            )
        done = about.get("done")
        losses, pairs = (
            done.get(n) if isinstance(done, dict) else None for n in ("loss_per_epoch", "pairs_per_epoch")
        )
        shapes = (matrices["inputs"].shape, matrices["outputs"].shape)
        if (
            not isinstance(losses, list)
            or not isinstance(pairs, list)
            or not 0 < len(losses) == len(pairs) < self._settings.epochs
            or shapes != (self._shape, (self._trainer.n_outputs, self._settings.dim))
        ):
            raise FormatError("the parts of the checkpoint do not fit together", path=str(path))
        self._losses, self._pairs = losses, pairs
        self._trainer.write_vectors(matrices["inputs"])
        self._trainer.write_outputs(matrices["outputs"])
        self._trainer.skip_epochs(len(losses))
        self._keep()
        self._force = self._force or _is_of_run(self._saving.output, self._kind, about["run"])
        if not self._force and self._saving.output.exists():
            raise OutputError(
                f"output {self._saving.output} exists already, and another run made it",
                hint="pass force=True (--force), or move it away",
            )
        return len(losses)

    def _provenance(self) -> dict[str, object]:
        encoded, growth, joined = self._encoded, self._growth, self._joined
        provenance: dict[str, object] = {
            "kind": self._kind,
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
        }
        if joined is not None and growth is not None:
            provenance["growth"] = {
                "old_rate": growth.old_rate,
                "start": growth.start,
                "n_new": len(joined.new),
                "outputs_from_parent": growth.parent.outputs is not None and self._settings.loss == "ns",
            }
            provenance["parent"] = joined.provenance()
        return provenance

    def _vectors(self, matrix: Float32Array) -> Vectors:
        keys, counts, joined = self._encoded.keys, self._encoded.counts, self._joined
        if joined is None:
            return Vectors(keys, matrix, counts=counts, provenance=self._provenance())
        return Vectors(
            joined.keys,
            joined.matrix(matrix),
            counts=joined.counts(counts),
            provenance=self._provenance(),
        )


def _is_of_run(folder: Path, kind: str, run: object) -> bool:
    """Whether the model in the folder was saved by this very run, which may then replace it."""
    if not folder.is_dir() or not isinstance(run, dict):
        return False
    try:
        made = Vectors.load(folder).provenance
    except QianruError:
        return False
    settings, corpus = made.get("settings"), made.get("corpus")
    if made.get("kind") != kind or not isinstance(settings, dict) or not isinstance(corpus, dict):
        return False
    return {**settings, "threads": None} == {**run["settings"], "threads": None} and corpus.get(
        "fingerprint"
    ) == run["corpus"]["fingerprint"]


def _existing_parent(path: Path) -> str | None:
    parent = path.absolute().parent
    return os.fspath(parent) if parent.is_dir() else None
