"""`train_elmo`: from a corpus to an ELMo model of one's own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from qianru.arrays import UInt32Array
from qianru.contextual.elmo_files import ElmoOptions, settings_of
from qianru.contextual.elmo_task import BEGIN, N_MARKS, ElmoTask
from qianru.contextual.packing import LINE_END, finish_stream, open_stream, write_ids
from qianru.contextual.processes import Processes
from qianru.contextual.run_state import check_output, checkpoint_folder, fresh_folder
from qianru.contextual.settings import PretrainSettings, one_of, whole
from qianru.contextual.train import Job, Pretrained, check_corpus, run_job
from qianru.errors import FormatError
from qianru.layers.backend import load_torch
from qianru.output import new_file
from qianru.progress import ProgressCallback
from qianru.text import Corpus

torch = load_torch()

# Options, and the batch size and learning rate that suit them; "small" and "base" are the sizes of the published models.
_SIZES: dict[str, tuple[ElmoOptions, int, float]] = {
    "tiny": (
        ElmoOptions(
            character_dim=16,
            filters=((1, 16), (2, 32), (3, 64), (4, 64)),
            n_highway=1,
            dim=256,
            projection_dim=64,
            n_layers=2,
        ),
        32,
        2e-3,
    ),
    "small": (
        ElmoOptions(
            character_dim=16,
            filters=((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024)),
            n_highway=1,
            dim=1024,
            projection_dim=128,
            n_layers=2,
        ),
        64,
        1e-3,
    ),
    "base": (
        ElmoOptions(
            character_dim=16,
            filters=((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024)),
            n_highway=2,
            dim=4096,
            projection_dim=512,
            n_layers=2,
        ),
        128,
        5e-4,
    ),
}
_WORDS = "words.json"


def train_elmo(
    corpus: Corpus,
    *,
    output: str | os.PathLike[str],
    vocab_size: int = 30_000,
    size: str = "tiny",
    length: int = 64,
    batch_size: int | None = None,
    accumulate: int = 1,
    steps: int | None = None,
    epochs: float = 1.0,
    learning_rate: float | None = None,
    warmup: float = 0.05,
    min_learning_rate: float = 0.0,
    weight_decay: float = 0.01,
    clip_norm: float = 1.0,
    dropout: float = 0.1,
    seed: int = 1,
    precision: str = "float32",
    device: str | None = None,
    evaluate_every: int | None = None,
    checkpoint_seconds: float = 300.0,
    resume: bool = False,
    force: bool = False,
    progress: ProgressCallback | None = None,
    notice: Callable[[str], None] | None = None,
) -> Pretrained:
    """Train ELMo's two-way language model (Peters et al. 2018) on the words of a corpus, with the whole softmax.

    The state of the LSTM begins anew in each sequence of `length` words, which cuts through lines; in the original it is
    carried on, from stretches of 20 words. Words are those of `Corpus`, so there is no punctuation.

    Args:
        vocab_size: words of the output layer, the most frequent ones; the characters know all.
        size: "tiny" (256 cells, width 64), "small" (1,024, 128) or "base" (4,096, 512, the original).
        Others, and errors: as for `train_bert`.
    """
    one_of("size", size, tuple(_SIZES))
    options, usual_batch, usual_rate = _SIZES[size]
    settings = PretrainSettings(
        size=size,
        length=length,
        batch_size=usual_batch if batch_size is None else batch_size,
        accumulate=accumulate,
        steps=steps,
        epochs=epochs,
        learning_rate=usual_rate if learning_rate is None else learning_rate,
        warmup=warmup,
        min_learning_rate=min_learning_rate,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        dropout=dropout,
        seed=seed,
        precision=precision,
        evaluate_every=evaluate_every,
        checkpoint_seconds=checkpoint_seconds,
    )
    check_corpus(corpus)
    whole("vocab_size", vocab_size, 8, 1 << 24)
    target = Path(output)
    check_output(target, resume=resume, force=force)
    processes = Processes(device)
    folder = checkpoint_folder(target)
    if processes.is_first and not resume:
        _prepare(corpus, fresh_folder(target), progress)
    processes.wait()
    stream, keys = open_stream(folder), _read_words(folder / _WORDS)
    n_targets = min(vocab_size, N_MARKS + len(keys))
    with processes.own_draws():
        torch.manual_seed(settings.seed)
        task = ElmoTask(stream, keys, options, settings, n_targets=n_targets)
    job = Job(
        kind="elmo",
        settings=settings,
        own={"options": settings_of(options), "n_targets": n_targets},
        stream=stream,
        corpus=corpus,
        output=target,
        resume=resume,
        force=force,
        processes=processes,
        n_tokens=n_targets,
        dim=2 * options.projection_dim,
        extras={"n_words": len(keys)},
    )
    return run_job(job, task, progress, notice)


def _prepare(corpus: Corpus, folder: Path, progress: ProgressCallback | None) -> None:
    """Words and stream into the checkpoint folder; behind each line's end stands the begin of the next line."""
    encoded = corpus.encode(min_count=1, progress=progress)
    with new_file(folder / _WORDS, force=True) as beside:
        beside.write_text(json.dumps(encoded.keys, ensure_ascii=False) + "\n", encoding="utf-8")

    def blocks() -> Iterator[UInt32Array]:
        yield np.array([BEGIN], dtype=np.uint32)
        for begin in range(0, len(encoded.ids), 1 << 20):
            part = np.asarray(encoded.ids[begin : begin + (1 << 20)])
            shifted = np.where(part == LINE_END, part, part + np.uint32(N_MARKS))
            yield np.insert(shifted, np.flatnonzero(part == LINE_END) + 1, np.uint32(BEGIN))

    ids = write_ids(folder, blocks())
    finish_stream(ids, None, folder)


def _read_words(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise ValueError("not a list of words")
    except (OSError, ValueError) as error:
        raise FormatError(
            f"the words of the run cannot be read: {error}",
            path=str(path),
            hint="remove the checkpoint folder and train from the start",
        ) from None
    return found
