"""`train_bert`: from a corpus to a BERT that transformers opens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qianru.contextual.packing import TokenStream
from qianru.contextual.settings import PretrainSettings, number
from qianru.contextual.task import Task
from qianru.contextual.train import Pretrained
from qianru.contextual.train_transformers import train_transformer
from qianru.contextual.transformers_tasks import BertTask, shape_of
from qianru.layers.backend import default_precision
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer
from qianru.vectors import Vectors


def train_bert(
    corpus: Corpus,
    *,
    output: str | os.PathLike[str],
    tokenizer: Tokenizer | None = None,
    vocab_size: int = 32_000,
    vectors: Vectors | None = None,
    size: str = "tiny",
    whole_words: bool = True,
    mask_share: float = 0.15,
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
    """Train BERT by masked words (Devlin et al. 2019; without sentence pairs, as RoBERTa, Liu et al. 2019).

    Args:
        corpus: its lines follow one another in the sequences; none is cut off or padded.
        output: the folder to write; checkpoints stand beside it in `OUTPUT.checkpoint` until it is done.
        tokenizer: with [CLS], [SEP] and [MASK]; None: WordPiece of vocab_size tokens is trained on the corpus.
        vectors: static ones, from which the embedding matrix starts where they know a token.
        size: "tiny" (2 layers, dim 128), "small" (4, 512) or "base" (12, 768).
        whole_words: mask words whole, Chinese ones as the corpus cuts them, not tokens one by one.
        mask_share: the chance of a word to be asked for.
        device: of torch, "cpu", "cuda" or "cuda:1"; None: a GPU where there is one.
        resume: go on from the checkpoint; all settings must be those it began with, the device may be another.
        notice: gets a sentence where something is done otherwise than asked for.
        Others: as `PretrainSettings` says; None stands for what suits the size.

    Raises:
        ArgumentError: an argument breaks its rule, or the checkpoint is of another run.
        CorpusError: the text is too short.
        OutputError: something stands at output.
        TrainingError: a loss is not finite; the model of the last good checkpoint has been written, if there was one.
    """
    number("mask_share", mask_share, 0, 0.9, above=True)
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
        return BertTask(stream, tokenizer, settings, mask_share=mask_share, shape=shape)

    return train_transformer(
        "bert",
        corpus,
        Path(output),
        tokenizer,
        settings,
        make,
        vocab_size=vocab_size,
        vectors=vectors,
        own={"whole_words": whole_words, "mask_share": mask_share},
        device=device,
        resume=resume,
        force=force,
        progress=progress,
        notice=notice,
    )
