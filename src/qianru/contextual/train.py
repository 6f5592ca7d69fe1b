"""What training BERT, GPT and ELMo has in common: the run, its folder, and what qianru.json says of both."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from qianru.contextual.packing import TokenStream
from qianru.contextual.pretrain import Curve, PretrainRun
from qianru.contextual.processes import Processes
from qianru.contextual.run_state import (
    checkpoint_folder,
    remove_checkpoint,
    why_not_replace,
)
from qianru.contextual.settings import PretrainSettings
from qianru.contextual.task import Task
from qianru.errors import ArgumentError, TrainingError
from qianru.layers.backend import load_torch
from qianru.layers.checkpoint import model_fingerprint
from qianru.output import new_folder
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer

torch = load_torch()

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Pretrained:
    """What training left.

    Attributes:
        path: the model's folder.
        kind: "bert", "gpt" or "elmo".
        n_tokens, dim: of the embedding matrix.
        fingerprint: SHA-256 over tokenizer and weights, in hexadecimal.
        curve: losses of all steps, and what was found on held-out sequences.
        n_from_vectors: rows of the matrix that began as static vectors.
    """

    path: Path
    kind: str
    n_tokens: int
    dim: int
    fingerprint: str
    curve: Curve
    n_from_vectors: int = 0

    @property
    def held_out(self) -> dict[str, float]:
        """Loss, perplexity and accuracy at the end."""
        return dict(self.curve.held_out[-1])


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run and where it goes: what all kinds of model have in common.

    own: settings that only this kind has. dim: of the model's vectors. extras: by name, what qianru.json says beside.
    """

    kind: str
    settings: PretrainSettings
    own: Mapping[str, object]
    stream: TokenStream
    corpus: Corpus
    output: Path
    resume: bool
    force: bool
    processes: Processes
    tokenizer: Tokenizer | None = None
    n_tokens: int
    dim: int
    n_from_vectors: int = 0
    extras: Mapping[str, object]

    def identity(self) -> dict[str, object]:
        """What must be the same when the run is resumed, as JSON knows it."""
        found = {
            "kind": self.kind,
            **self.settings.identity(),
            **self.own,
            **self.extras,
            "text": self.stream.fingerprint,
            # The text is not read anew, but how it was is told in the model's folder, and encoding goes by that.
            "corpus": self.corpus.settings,
            "processes": self.processes.n,
        }
        return dict(json.loads(json.dumps(found)))

    def provenance(self, run: PretrainRun) -> dict[str, object]:
        """Every setting, the text, and how far the run has come. No times, so that equal runs give equal files."""
        stream = self.stream
        return {
            "model": self.kind,
            **self.settings.as_dict(),
            **self.own,
            **self.extras,
            "accumulate": run.accumulate,
            "steps": run.n_steps,
            "steps_done": run.step,
            "processes": self.processes.n,
            "corpus": {
                "fingerprint": stream.fingerprint,
                "n_tokens": stream.n_tokens,
                "n_lines": stream.n_lines,
                "n_held_out_sequences": len(run.order.held_out),
                **self.corpus.settings,
            },
            "held_out": run.curve.held_out,
        }


def check_corpus(corpus: object) -> None:
    """Raise ArgumentError for what is no Corpus."""
    if not isinstance(corpus, Corpus):
        raise ArgumentError(
            f"corpus must be a Corpus, got {type(corpus).__name__}",
            hint="write Corpus(path) or Corpus(lines)",
        )


def run_job(
    job: Job, task: Task, progress: ProgressCallback | None, notice: Callable[[str], None] | None
) -> Pretrained:
    """Train the task's model, from the checkpoint if asked for, and write its folder.

    Raises TrainingError behind which the model of the last good checkpoint has been written, if there was one.
    """
    run = PretrainRun(
        task,
        job.settings,
        folder=checkpoint_folder(job.output),
        identity=job.identity(),
        processes=job.processes,
        progress=progress,
        notice=notice,
    )
    if job.resume:
        run.resume()
    mark, is_first = "", job.processes.is_first
    try:
        curve = run.train()
    except TrainingError:
        if run.step and is_first:
            write_model(job, task, run, force=True)
        raise
    if is_first:
        mark = write_model(job, task, run, force=job.force or job.resume)
        remove_checkpoint(job.output)
    job.processes.wait()
    return Pretrained(job.output, job.kind, job.n_tokens, job.dim, mark, curve, job.n_from_vectors)


def write_model(job: Job, task: Task, run: PretrainRun, *, force: bool) -> str:
    """Write the model folder; returns its fingerprint. Raises OutputError."""
    with new_folder(job.output, force=force, may_replace=why_not_replace) as folder:
        task.save(folder)
        tokenizer = ""
        if job.tokenizer is not None:
            tokenizer = job.tokenizer.fingerprint
            made = checkpoint_folder(job.output) / "tokenizer"
            shutil.copyfile(made / "tokenizer.json", folder / "tokenizer.json")
            config = json.loads((made / "tokenizer_config.json").read_text("utf-8"))
            config["model_max_length"] = job.settings.length
            _write_json(folder / "tokenizer_config.json", config)
        mark = model_fingerprint(folder, tokenizer)
        _write_json(
            folder / "qianru.json",
            {
                "format": "qianru model folder",
                "format_version": FORMAT_VERSION,
                "kind": job.kind,
                "n_tokens": job.n_tokens,
                "dim": job.dim,
                "fingerprint": mark,
                "corpus_fingerprint": job.stream.fingerprint,
                "provenance": job.provenance(run),
                "software": {
                    "qianru": version("qianru"),
                    "torch": str(torch.__version__),
                    "transformers": version("transformers"),
                    "numpy": np.__version__,
                    "python": platform.python_version(),
                },
            },
        )
    return mark


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
