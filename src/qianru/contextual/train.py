"""What training BERT and GPT have in common: from a corpus to a folder that transformers opens."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from qianru.contextual.packing import TokenStream, open_stream, write_stream
from qianru.contextual.pretrain import Curve, PretrainRun
from qianru.contextual.processes import Processes
from qianru.contextual.run_state import (
    check_output,
    checkpoint_folder,
    fresh_folder,
    remove_checkpoint,
    why_not_replace,
)
from qianru.contextual.settings import PretrainSettings, whole
from qianru.contextual.start_from import start_from_vectors
from qianru.contextual.task import Task
from qianru.contextual.transformers_tasks import BERT_TOKENS, GPT_TOKENS
from qianru.errors import ArgumentError, TrainingError
from qianru.layers.backend import load_torch
from qianru.layers.checkpoint import Checkpoint
from qianru.output import new_folder
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer, read_tokenizer
from qianru.tokens.surgery_pipeline import token_texts
from qianru.vectors import Vectors

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


def default_precision() -> str:
    """ "bfloat16" where the processor multiplies it faster than float32, else "float32"."""
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    fast = any(
        getattr(torch.cpu, name, lambda: False)()
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return "bfloat16" if fast else "float32"


def train_transformer(
    kind: str,
    corpus: Corpus,
    output: Path,
    tokenizer: Tokenizer | None,
    settings: PretrainSettings,
    make: Callable[[TokenStream, Tokenizer], Task],
    *,
    vocab_size: int,
    vectors: Vectors | None,
    own: Mapping[str, object],
    resume: bool,
    force: bool,
    progress: ProgressCallback | None,
    notice: Callable[[str], None] | None,
) -> Pretrained:
    """Train and write; `make` builds the model over the text. Arguments and errors as for `train_bert`."""
    if not isinstance(corpus, Corpus):
        raise ArgumentError(
            f"corpus must be a Corpus, got {type(corpus).__name__}",
            hint="write Corpus(path) or Corpus(lines)",
        )
    whole("vocab_size", vocab_size, 8, 1 << 24)
    check_output(output, resume=resume, force=force)
    processes = Processes()
    folder = checkpoint_folder(output)
    if processes.is_first and not resume:
        _prepare(kind, corpus, fresh_folder(output), tokenizer, vocab_size, own, progress)
    processes.wait()
    used, stream = Tokenizer.load(folder / "tokenizer"), open_stream(folder)
    identity = {
        "kind": kind,
        **settings.identity(),
        **own,
        "tokenizer": used.fingerprint,
        "vectors": None if vectors is None else vectors.fingerprint,
        "text": stream.fingerprint,
        "processes": processes.n,
    }
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        task = make(stream, used)
    n_from_vectors = 0 if vectors is None else _start(task, folder, vectors)
    run = PretrainRun(
        task,
        settings,
        folder=folder,
        identity=json.loads(json.dumps(identity)),
        processes=processes,
        progress=progress,
        notice=notice,
    )
    if resume:
        run.resume()
    provenance = {
        "model": kind,
        **settings.as_dict(),
        **own,
        "steps": run.n_steps,
        "processes": processes.n,
        "tokenizer": {"kind": used.kind, "n_tokens": used.n_tokens, "fingerprint": used.fingerprint},
        "initial": None
        if vectors is None
        else {"fingerprint": vectors.fingerprint, "n_found": n_from_vectors},
        "corpus": {
            "fingerprint": stream.fingerprint,
            "n_tokens": stream.n_tokens,
            "n_lines": stream.n_lines,
            "n_held_out_sequences": len(run.order.held_out),
            **corpus.settings,
        },
    }
    try:
        curve = run.train()
    except TrainingError:
        if run.step and processes.is_first:  # the weights are those of a good checkpoint
            write_model(output, kind, task, folder / "tokenizer", used, provenance, run, force=True)
        raise
    mark = ""
    n_tokens, dim = task.module.model.get_input_embeddings().weight.shape
    if processes.is_first:
        mark = write_model(
            output, kind, task, folder / "tokenizer", used, provenance, run, force=force or resume
        )
        remove_checkpoint(output)
    processes.wait()
    return Pretrained(output, kind, n_tokens, dim, mark, curve, n_from_vectors)


def _prepare(
    kind: str,
    corpus: Corpus,
    folder: Path,
    tokenizer: Tokenizer | None,
    vocab_size: int,
    own: Mapping[str, object],
    progress: ProgressCallback | None,
) -> None:
    """Tokenizer and text into the checkpoint folder."""
    if tokenizer is None:
        tokenizer = Tokenizer.train(
            corpus,
            kind="wordpiece" if kind == "bert" else "bpe",
            vocab_size=vocab_size,
            special_tokens=BERT_TOKENS if kind == "bert" else GPT_TOKENS,
            progress=progress,
        )
    tokenizer.save(folder / "tokenizer", force=True)
    write_stream(corpus, tokenizer, folder, whole_words=own["whole_words"] is True, progress=progress)


def _start(task: Task, folder: Path, vectors: Vectors) -> int:
    """Static vectors into the embedding matrix."""
    texts = token_texts(read_tokenizer(folder / "tokenizer"))
    weight = task.module.model.get_input_embeddings().weight
    matrix = weight.detach().numpy().copy()
    n_found = start_from_vectors(matrix, texts, vectors)
    with torch.no_grad():
        weight.copy_(torch.from_numpy(matrix))
    return n_found


def write_model(
    output: Path,
    kind: str,
    task: Task,
    tokenizer_folder: Path | None,
    tokenizer: Tokenizer | None,
    provenance: Mapping[str, object],
    run: PretrainRun,
    *,
    force: bool,
) -> str:
    """Write the model folder; returns its fingerprint. Raises OutputError."""
    with new_folder(output, force=force, may_replace=why_not_replace) as folder:
        task.save(folder)
        n_tokens = dim = 0
        mark = Checkpoint(folder).hash_of_others(frozenset())
        if tokenizer is not None and tokenizer_folder is not None:
            n_tokens, dim = task.module.model.get_input_embeddings().weight.shape
            shutil.copyfile(tokenizer_folder / "tokenizer.json", folder / "tokenizer.json")
            config = json.loads((tokenizer_folder / "tokenizer_config.json").read_text("utf-8"))
            config["model_max_length"] = provenance["length"]
            _write_json(folder / "tokenizer_config.json", config)
            mark = fingerprint_of(tokenizer.fingerprint, mark)
        write_description(folder, kind, n_tokens=n_tokens, dim=dim, mark=mark, provenance=provenance, run=run)
    return mark


def fingerprint_of(tokenizer: str, weights: str) -> str:
    """Hash of the hashes of tokenizer and weights, by Checkpoint.hash_of_others."""
    return hashlib.sha256(f"qianru contextual 1\n{tokenizer}\n{weights}\n".encode()).hexdigest()


def write_description(
    folder: Path,
    kind: str,
    *,
    n_tokens: int,
    dim: int,
    mark: str,
    provenance: Mapping[str, object],
    run: PretrainRun,
) -> None:
    """Write qianru.json; it holds no times, so that equal runs give equal files."""
    corpus = provenance["corpus"]
    _write_json(
        folder / "qianru.json",
        {
            "format": "qianru model folder",
            "format_version": FORMAT_VERSION,
            "kind": kind,
            "n_tokens": n_tokens,
            "dim": dim,
            "fingerprint": mark,
            "corpus_fingerprint": corpus.get("fingerprint") if isinstance(corpus, Mapping) else None,
            "provenance": {**provenance, "steps_done": run.step, "held_out": run.curve.held_out},
            "software": {
                "qianru": version("qianru"),
                "torch": str(torch.__version__),
                "transformers": version("transformers"),
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        },
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
