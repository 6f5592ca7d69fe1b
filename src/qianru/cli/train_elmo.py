"""`qianru train elmo`: text files to an ELMo model."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Corpora,
    Device,
    Encoding,
    Field,
    Force,
    Lowercase,
    OnErrors,
    Resume,
    SegmenterFile,
    TorchThreads,
    UserDict,
)
from qianru.cli.train_language_models import (
    Accumulate,
    BatchSize,
    CheckpointSeconds,
    Decay,
    Dropout,
    EvaluateEvery,
    MinRate,
    ModelSeed,
    Output,
    Passes,
    Rate,
    Steps,
    Warmup,
    corpus_of,
    run_and_tell,
)


def elmo(
    corpus: Corpora,
    output: Output,
    size: Annotated[
        Literal["tiny", "small", "base"], typer.Option(help="256, 1,024 or 4,096 cells a layer.")
    ] = "tiny",
    vocab_size: Annotated[int, typer.Option(help="Words that are guessed; characters know all.")] = 30_000,
    length: Annotated[int, typer.Option(help="Words in a sequence.")] = 64,
    batch_size: BatchSize = None,
    accumulate: Accumulate = 1,
    steps: Steps = None,
    epochs: Passes = 1.0,
    learning_rate: Rate = None,
    warmup: Warmup = 0.05,
    min_learning_rate: MinRate = 0.0,
    weight_decay: Decay = 0.01,
    dropout: Dropout = 0.1,
    seed: ModelSeed = 1,
    precision: Annotated[Literal["float32", "bfloat16"], typer.Option(help="Of products.")] = "float32",
    device: Device = None,
    evaluate_every: EvaluateEvery = None,
    checkpoint_seconds: CheckpointSeconds = 300.0,
    resume: Resume = False,
    threads: TorchThreads = None,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: Lowercase = False,
    user_dict: UserDict = None,
    segmenter: SegmenterFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train ELMo: each word guessed from those before it and from those behind it.

    Rows on stdout: step, tokens, mean loss in training, and loss, perplexity and accuracy on held-out text.

    \b
    Examples:
      qianru train elmo en.txt zh.txt -o model
      qianru train elmo corpus.txt -o model --size small --vocab-size 50000 --epochs 3
      qianru train elmo corpus.txt -o model --resume        after Ctrl-C or a crash
    """
    from qianru.contextual import train_elmo
    from qianru.layers.backend import set_threads

    set_threads(threads)
    run_and_tell(
        train_elmo,
        corpus_of(
            corpus,
            encoding=encoding,
            errors=errors,
            field=field,
            lowercase=lowercase,
            user_dict=user_dict,
            segmenter=segmenter,
        ),
        output,
        as_json=as_json,
        options={
            "size": size,
            "vocab_size": vocab_size,
            "length": length,
            "batch_size": batch_size,
            "accumulate": accumulate,
            "steps": steps,
            "epochs": epochs,
            "learning_rate": learning_rate,
            "warmup": warmup,
            "min_learning_rate": min_learning_rate,
            "weight_decay": weight_decay,
            "dropout": dropout,
            "seed": seed,
            "precision": precision,
            "device": device,
            "evaluate_every": evaluate_every,
            "checkpoint_seconds": checkpoint_seconds,
            "resume": resume,
            "force": force,
        },
    )
