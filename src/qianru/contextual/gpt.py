"""`train_gpt`: from a corpus to a GPT-2 that transformers opens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qianru.contextual.packing import TokenStream
from qianru.contextual.settings import PretrainSettings
from qianru.contextual.task import Task
from qianru.contextual.train import Pretrained
from qianru.contextual.train_transformers import train_transformer
from qianru.contextual.transformers_tasks import GptTask, shape_of
from qianru.layers.backend import default_precision
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.vectors import Vectors


def train_gpt(
    corpus: Corpus,
    *,
    output: str | os.PathLike[str],
    tokenizer: Tokenizer | None = None,
    vocab_size: int = 32_000,
    vectors: Vectors | None = None,
    size: str = "tiny",
    length: int | None = None,
    batch_size: int | None = None,
    accumulate: int = 1,
    steps: int | None = None,
    epochs: float = 1.0,
    learning_rate: float | None = None,
    warmup: float = 0.05,
    min_learning_rate: float = 0.0,
    weight_decay: float = 0.01,
    clip_norm: float = 1.0,
    dropout: float = 0.0,
    seed: int = 1,
    precision: str | None = None,
    device: str | None = None,
    evaluate_every: int | None = None,
    checkpoint_seconds: float = 300.0,
    resume: bool = False,
    force: bool = False,
    progress: ProgressCallback | None = None,
    notice: Callable[[str], None] | None = None,
) -> Pretrained:
    """Train GPT-2 by the next token (Radford et al. 2019). Arguments and errors as for `train_bert`.

    tokenizer: with an end-of-text token; None: byte-level BPE of vocab_size tokens is trained on the corpus.
    """
    shape = shape_of(size)
    settings = PretrainSettings(
        size=size,
        length=shape.length if length is None else length,
        batch_size=shape.batch_size if batch_size is None else batch_size,
        accumulate=accumulate,
        steps=steps,
        epochs=epochs,
        learning_rate=shape.learning_rate if learning_rate is None else learning_rate,
        warmup=warmup,
        min_learning_rate=min_learning_rate,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        dropout=dropout,
        seed=seed,
        precision=default_precision(device) if precision is None else precision,
        evaluate_every=evaluate_every,
        checkpoint_seconds=checkpoint_seconds,
    )

    def make(stream: TokenStream, tokenizer: Tokenizer) -> Task:
        return GptTask(stream, tokenizer, settings, shape=shape)

    return train_transformer(
        "gpt",
        corpus,
        Path(output),
        tokenizer,
        settings,
        make,
        vocab_size=vocab_size,
        vectors=vectors,
        own={"whole_words": False},
        device=device,
        resume=resume,
        force=force,
        progress=progress,
        notice=notice,
    )
