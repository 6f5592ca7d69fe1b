"""`qianru train bert|gpt`: text files to a folder that transformers opens."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

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
    Precision,
    Resume,
    SegmenterFile,
    TorchThreads,
    UserDict,
)
from qianru.cli.output import n_of, print_json, print_table

if TYPE_CHECKING:
    from qianru.contextual import Pretrained
    from qianru.text import Corpus

Output: TypeAlias = Annotated[
    str, typer.Option("--output", "-o", metavar="MODEL", help="Model folder to write.")
]
Size: TypeAlias = Annotated[
    Literal["tiny", "small", "base"], typer.Option(help="2 x 128, 4 x 512 or 12 x 768: layers x width.")
]
TokenizerPath: TypeAlias = Annotated[
    str | None, typer.Option(metavar="DIR", help="Use this one; default: train one on the text.")
]
VocabSize: TypeAlias = Annotated[int, typer.Option(help="Tokens of the one that is trained.")]
StartVectors: TypeAlias = Annotated[
    str | None, typer.Option("--vectors", metavar="MODEL", help="Start the embedding matrix from these.")
]
Length: TypeAlias = Annotated[
    int | None, typer.Option(help="Tokens in a sequence; default by size: 128, 256, 512.")
]
BatchSize: TypeAlias = Annotated[int | None, typer.Option(help="Sequences in a step; default by size.")]
Accumulate: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Take each batch in N parts, for less memory.")
]
Steps: TypeAlias = Annotated[int | None, typer.Option(help="Steps in all; default: what --epochs takes.")]
Passes: TypeAlias = Annotated[float, typer.Option(help="Passes over the text.")]
Rate: TypeAlias = Annotated[float | None, typer.Option(help="The highest; default by size.")]
Warmup: TypeAlias = Annotated[float, typer.Option(help="Share of the steps in which the rate rises.")]
MinRate: TypeAlias = Annotated[float, typer.Option(help="Share of the highest that is left at the end.")]
Decay: TypeAlias = Annotated[float, typer.Option(help="Of weights, by AdamW.")]
Dropout: TypeAlias = Annotated[float, typer.Option(help="Share of values set to 0.")]
ModelSeed: TypeAlias = Annotated[int, typer.Option(help="Of all that is drawn.")]
EvaluateEvery: TypeAlias = Annotated[
    int | None, typer.Option(metavar="STEPS", help="Look at held-out text; default: 20 times.")
]
CheckpointSeconds: TypeAlias = Annotated[
    float, typer.Option(help="From one checkpoint to the next; each look at held-out text makes one too.")
]


def bert(
    corpus: Corpora,
    output: Output,
    size: Size = "tiny",
    tokenizer: TokenizerPath = None,
    vocab_size: VocabSize = 32_000,
    vectors: StartVectors = None,
    whole_words: Annotated[
        bool, typer.Option("--whole-words/--single-tokens", help="Mask words whole, Chinese ones too.")
    ] = True,
    mask_share: Annotated[float, typer.Option(help="Share of the words that are asked for.")] = 0.15,
    length: Length = None,
    batch_size: BatchSize = None,
    accumulate: Accumulate = 1,
    steps: Steps = None,
    epochs: Passes = 1.0,
    learning_rate: Rate = None,
    warmup: Warmup = 0.05,
    min_learning_rate: MinRate = 0.0,
    weight_decay: Decay = 0.01,
    dropout: Dropout = 0.0,
    seed: ModelSeed = 1,
    precision: Precision = None,
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
    """Train BERT by masked words, from text to a folder that transformers opens.

    Rows on stdout: step, tokens, mean loss in training, and loss, perplexity and accuracy on held-out text. Several
    processes: torchrun --nproc-per-node 2 --no-python qianru train bert …

    \b
    Examples:
      qianru train bert en.txt zh.txt -o model
      qianru train bert 'news/*.gz' -o model --size small --epochs 3 --batch-size 256 --accumulate 8
      qianru train bert corpus.txt -o model --tokenizer tokenizer --vectors word2vec-model
      qianru train bert corpus.txt -o model --resume        after Ctrl-C or a crash
    """
    from qianru.contextual import train_bert

    _run(
        train_bert,
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
        tokenizer=tokenizer,
        vectors=vectors,
        threads=threads,
        as_json=as_json,
        options={
            "size": size,
            "vocab_size": vocab_size,
            "whole_words": whole_words,
            "mask_share": mask_share,
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


def gpt(
    corpus: Corpora,
    output: Output,
    size: Size = "tiny",
    tokenizer: TokenizerPath = None,
    vocab_size: VocabSize = 32_000,
    vectors: StartVectors = None,
    length: Length = None,
    batch_size: BatchSize = None,
    accumulate: Accumulate = 1,
    steps: Steps = None,
    epochs: Passes = 1.0,
    learning_rate: Rate = None,
    warmup: Warmup = 0.05,
    min_learning_rate: MinRate = 0.0,
    weight_decay: Decay = 0.01,
    dropout: Dropout = 0.0,
    seed: ModelSeed = 1,
    precision: Precision = None,
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
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train GPT-2 by the next token, from text to a folder that transformers opens.

    Rows on stdout: step, tokens, mean loss in training, and loss, perplexity and accuracy on held-out text. Several
    processes: torchrun --nproc-per-node 2 --no-python qianru train gpt …

    \b
    Examples:
      qianru train gpt en.txt zh.txt -o model
      qianru train gpt corpus.txt -o model --size small --vocab-size 16000 --steps 10000
      qianru train gpt corpus.txt -o model --resume        after Ctrl-C or a crash
    """
    from qianru.contextual import train_gpt

    _run(
        train_gpt,
        corpus_of(
            corpus,
            encoding=encoding,
            errors=errors,
            field=field,
            lowercase=lowercase,
            user_dict=user_dict,
        ),
        output,
        tokenizer=tokenizer,
        vectors=vectors,
        threads=threads,
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


def corpus_of(
    inputs: list[str],
    *,
    encoding: str,
    errors: str,
    field: str | None,
    lowercase: bool,
    user_dict: str | None,
    segmenter: str | None = None,
) -> Corpus:
    """The text that the options tell of."""
    from qianru.text import Corpus

    return Corpus(
        *inputs,
        encoding=encoding,
        errors=errors,
        field=field,
        lowercase=lowercase,
        user_dict=user_dict,
        segmenter=segmenter,
    )


def _run(
    train: Callable[..., Pretrained],
    text: Corpus,
    output: str,
    *,
    tokenizer: str | None,
    vectors: str | None,
    threads: int | None,
    as_json: bool,
    options: dict[str, Any],
) -> None:
    from qianru.layers.backend import set_threads
    from qianru.tokens import Tokenizer
    from qianru.vectors import Vectors

    set_threads(threads)
    options["tokenizer"] = None if tokenizer is None else Tokenizer.load(tokenizer)
    options["vectors"] = None if vectors is None else Vectors.load(vectors)
    run_and_tell(train, text, output, as_json=as_json, options=options)


def run_and_tell(
    train: Callable[..., Pretrained], text: Corpus, output: str, *, as_json: bool, options: dict[str, Any]
) -> None:
    """Train, and print the held-out curve; every trainer of language models does it so."""
    from qianru.contextual.run_state import STATE, checkpoint_folder
    from qianru.progress import TerminalProgress

    bar, started = TerminalProgress(), time.time()

    def say(sentence: str) -> None:
        bar.close()
        typer.echo(f"note: {sentence}", err=True)

    try:
        made = train(text, output=output, progress=bar, notice=say, **options)
    except KeyboardInterrupt:
        bar.close()
        saved = (checkpoint_folder(Path(output)) / STATE).is_file()
        what = "the same command with --resume goes on from here" if saved else "nothing was saved"
        typer.echo(f"interrupted: {what}", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    if not made.fingerprint:  # another process than the one that writes
        return
    seconds = time.time() - started
    if as_json:
        print_json(
            {
                "path": str(made.path),
                "kind": made.kind,
                "n_tokens": made.n_tokens,
                "dim": made.dim,
                "n_from_vectors": made.n_from_vectors,
                "held_out": made.curve.held_out,
                "seconds": round(seconds, 3),
                "fingerprint": made.fingerprint,
            }
        )
    else:
        print_table(
            ("step", "tokens", "train loss", "loss", "perplexity", "accuracy"),
            [
                (
                    int(look["step"]),
                    int(look["tokens"]),
                    look["train_loss"],
                    look["loss"],
                    look["perplexity"],
                    look["accuracy"],
                )
                for look in made.curve.held_out
            ],
        )
    last = made.held_out
    typer.echo(
        f"wrote {output}: {n_of(made.n_tokens, 'token')}, dim {made.dim}, held-out loss {last['loss']:.4f}, "
        f"perplexity {last['perplexity']:.1f}, accuracy {last['accuracy']:.1%}, {seconds:.1f} s",
        err=True,
    )
