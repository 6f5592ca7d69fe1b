"""`qianru train glove` and `qianru train ppmi`: text files to a model folder by way of counts."""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from qianru.cli.options import (
    AsJson,
    ContinueFrom,
    Corpora,
    DimOfParent,
    Encoding,
    Field,
    Force,
    KeepTrainingState,
    Lowercase,
    LowercaseOfModel,
    MaxVocab,
    MinCount,
    OnErrors,
    SegmenterFile,
    Threads,
    UserDict,
    Window,
    check_model_output,
)
from qianru.cli.train import say_what_was_read, say_what_was_written

if TYPE_CHECKING:
    from qianru.progress import TerminalProgress
    from qianru.text import Corpus, EncodedCorpus

Output: TypeAlias = Annotated[
    str, typer.Option("--output", "-o", metavar="MODEL", help="Model folder to write.")
]
Dim: TypeAlias = Annotated[int, typer.Option(help="Numbers in a vector.")]
Symmetric: TypeAlias = Annotated[
    bool, typer.Option("--symmetric/--left", help="Count both sides, or only the words to the left.")
]
WeightingOption: TypeAlias = Annotated[
    Literal["inverse", "flat"], typer.Option(help="A pair at distance d counts 1/d, or 1.")
]
Memory: TypeAlias = Annotated[
    int, typer.Option(metavar="BYTES", help="Above this, ids and counts go to temporary files.")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command("glove")(glove)
    app.command("ppmi")(ppmi)


def glove(
    corpus: Corpora,
    output: Output,
    dim: DimOfParent = None,
    window: Window = 10,
    symmetric: Symmetric = True,
    weighting: WeightingOption = "inverse",
    x_max: Annotated[float, typer.Option(help="Counts from here on have full weight.")] = 10.0,
    alpha: Annotated[float, typer.Option(help="Below, the weight is (x / x-max) ** alpha.")] = 0.75,
    min_count: MinCount = 5,
    max_vocab: MaxVocab = None,
    epochs: Annotated[int, typer.Option(help="Passes over the counts.")] = 15,
    learning_rate: Annotated[float, typer.Option(help="Of AdaGrad.")] = 0.05,
    vectors: Annotated[
        Literal["sum", "w"], typer.Option(help="Word plus context vectors, or word vectors alone.")
    ] = "sum",
    seed: Annotated[int, typer.Option(help="Same seed, same bits, at any number of threads.")] = 1,
    threads: Threads = None,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="FILE", help="The state of training, for --resume.")
    ] = None,
    save_every: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Write --checkpoint after every N epochs.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from --checkpoint.")] = False,
    continue_from: ContinueFrom = None,
    keep_training_state: KeepTrainingState = False,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: LowercaseOfModel = None,
    user_dict: UserDict = None,
    segmenter: SegmenterFile = None,
    memory: Memory = 1 << 31,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train GloVe vectors (Pennington et al. 2014) from text: Chinese, English or both.

    \b
    Examples:
      qianru train glove corpus.txt -o model
      qianru train glove wiki.jsonl -o model --field text --x-max 100 --epochs 25
      qianru train glove big.gz -o model --checkpoint state --save-every 1
      qianru train glove big.gz -o model --checkpoint state --resume
      qianru train glove more.txt -o newer --continue model
    """
    from qianru.progress import TerminalProgress
    from qianru.static import GloveSettings, train_glove
    from qianru.static.glove import settled_dim
    from qianru.static.glove_parent import GloveParent
    from qianru.static.glove_state import check_checkpoint
    from qianru.static.parent import was_lowercased
    from qianru.static.settings import available_threads
    from qianru.text import Corpus

    check_model_output(output, force=force)
    check_checkpoint(checkpoint, save_every=save_every, resume=resume, force=force)
    parent = None if continue_from is None else GloveParent.load(continue_from)
    # Made here, and the corpus encoded here, so that a wrong number is an error before any text is read.
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
    text = Corpus(
        *corpus,
        encoding=encoding,
        errors=errors,
        field=field,
        lowercase=was_lowercased(parent) if lowercase is None else lowercase,
        user_dict=user_dict,
        segmenter=segmenter,
    )
    bar, started = TerminalProgress(), time.time()
    try:
        encoded = _read(
            text,
            min_count,
            max_vocab,
            settings.threads,
            memory,
            bar,
            keep=None if parent is None else parent.vectors,
        )
        trained = train_glove(
            encoded,
            **asdict(settings),
            memory=memory,
            checkpoint=checkpoint,
            save_every=save_every,
            resume=resume,
            continue_from=continue_from,
            keep_training_state=keep_training_state,
            output=output,
            force=force,
            progress=bar,
        )
        if not keep_training_state:
            trained.save(output, force=force)
    except KeyboardInterrupt:
        bar.close()
        saved = checkpoint is not None and Path(checkpoint).is_file()
        what = f"go on with --checkpoint {checkpoint} --resume" if saved else "nothing was saved"
        typer.echo(f"interrupted: {what}", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    say_what_was_written(output, trained, time.time() - started, as_json=as_json)


def ppmi(
    corpus: Corpora,
    output: Output,
    dim: Dim = 100,
    window: Window = 5,
    symmetric: Symmetric = True,
    weighting: WeightingOption = "inverse",
    smoothing: Annotated[float, typer.Option(help="Contexts count as count ** smoothing.")] = 0.75,
    shift: Annotated[float, typer.Option(help="Subtract log(shift) from all scores.")] = 1.0,
    eigenvalue_weighting: Annotated[float, typer.Option(help="Power of the singular values.")] = 0.5,
    min_count: MinCount = 5,
    max_vocab: MaxVocab = None,
    seed: Annotated[int, typer.Option(help="Same seed, same bits, at any number of threads.")] = 1,
    threads: Threads = None,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: Lowercase = False,
    user_dict: UserDict = None,
    segmenter: SegmenterFile = None,
    memory: Memory = 1 << 31,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Factorise positive pointwise mutual information (Levy et al. 2015): vectors without training steps.

    \b
    Examples:
      qianru train ppmi corpus.txt -o model
      qianru train ppmi corpus.txt -o model --dim 300 --shift 5 --eigenvalue-weighting 0
    """
    from qianru.progress import TerminalProgress
    from qianru.static import PpmiSettings, train_ppmi
    from qianru.static.settings import available_threads
    from qianru.text import Corpus

    check_model_output(output, force=force)
    settings = PpmiSettings(
        dim=dim,
        window=window,
        symmetric=symmetric,
        weighting=weighting,
        smoothing=smoothing,
        shift=shift,
        eigenvalue_weighting=eigenvalue_weighting,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    text = Corpus(
        *corpus,
        encoding=encoding,
        errors=errors,
        field=field,
        lowercase=lowercase,
        user_dict=user_dict,
        segmenter=segmenter,
    )
    bar, started = TerminalProgress(), time.time()
    try:
        encoded = _read(text, min_count, max_vocab, settings.threads, memory, bar)
        trained = train_ppmi(encoded, **asdict(settings), memory=memory, progress=bar)
        trained.save(output, force=force)
    finally:
        bar.close()
    say_what_was_written(output, trained, time.time() - started, as_json=as_json)


def _read(
    text: Corpus,
    min_count: int,
    max_vocab: int | None,
    threads: int,
    memory: int,
    bar: TerminalProgress,
    keep: Container[str] | None = None,
) -> EncodedCorpus:
    encoded = text.encode(
        min_count=min_count, max_vocab=max_vocab, keep=keep, threads=threads, memory=memory, progress=bar
    )
    bar.close()
    say_what_was_read(encoded)
    return encoded
