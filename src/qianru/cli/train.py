"""`qianru train word2vec`: text files to a model folder."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import (
    Architecture,
    AsJson,
    ContinueFrom,
    Corpora,
    DimOfParent,
    Encoding,
    Epochs,
    Field,
    Force,
    KeepTrainingState,
    Loss,
    LowercaseOfModel,
    MaxVocab,
    Memory,
    MinCount,
    Negative,
    OnErrors,
    Resume,
    Sample,
    SaveEvery,
    Seed,
    SegmenterFile,
    Threads,
    UserDict,
    Window,
    check_model_output,
)
from qianru.cli.output import n_bytes, n_of, print_json
from qianru.errors import ArgumentError

if TYPE_CHECKING:
    from qianru.text import EncodedCorpus
    from qianru.vectors import Vectors

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def train() -> None:
    """Train vectors from text.

    \b
    Examples:
      qianru train word2vec corpus.txt -o model
      qianru train glove corpus.txt -o model
      qianru train word2vec --help
    """


@app.command("word2vec")
def word2vec(
    corpus: Corpora,
    output: Annotated[str, typer.Option("--output", "-o", metavar="MODEL", help="Model folder to write.")],
    model: Architecture = "skipgram",
    loss: Loss = "ns",
    cbow_gradient: Annotated[
        Literal["classic", "corrected"], typer.Option(help="With --model cbow.")
    ] = "classic",
    dim: DimOfParent = None,
    window: Window = 5,
    negative: Negative = 5,
    sample: Sample = 1e-4,
    min_count: MinCount = 5,
    max_vocab: MaxVocab = None,
    epochs: Epochs = 5,
    learning_rate: Annotated[float, typer.Option(help="At the first word.")] = 0.025,
    min_learning_rate: Annotated[float, typer.Option(help="At the last word.")] = 1e-4,
    seed: Seed = 1,
    threads: Threads = None,
    initial: Annotated[str | None, typer.Option(metavar="MODEL", help="Start from these vectors.")] = None,
    continue_from: ContinueFrom = None,
    save_every: SaveEvery = None,
    resume: Resume = False,
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
    """Train word2vec vectors from text: Chinese, English or both.

    \b
    Examples:
      qianru train word2vec corpus.txt -o model
      qianru train word2vec 'news/*.gz' -o model --dim 300 --epochs 10 --threads 8
      qianru train word2vec wiki.jsonl -o model --field text --lowercase
      zcat big.gz | qianru train word2vec - -o model --model cbow
      qianru train word2vec corpus.txt -o model --save-every 1     and after a crash the same with --resume
      qianru train word2vec more.txt -o newer --continue model
    """
    from qianru.progress import TerminalProgress
    from qianru.static import Word2vecSettings, train_word2vec
    from qianru.static.parent import Parent, was_lowercased
    from qianru.static.settings import available_threads
    from qianru.static.state import Saving
    from qianru.text import Corpus
    from qianru.vectors import Vectors

    check_model_output(output, force=force or resume)
    saving = Saving(output=Path(output), force=force, every=save_every, training_state=keep_training_state)
    saving.check(resume=resume, loss=loss, begins_from=[continue_from, initial])
    parent = None if continue_from is None else Parent.load(continue_from)
    if dim is None:
        dim = 100 if parent is None else parent.vectors.dim
    # Made here, and the corpus encoded here, so that a wrong number is an error before any text is read.
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
    start = None if initial is None else Vectors.load(initial)
    if start is not None and start.dim != dim:
        raise ArgumentError(
            f"--initial {initial} has dim {start.dim}, --dim is {dim}", hint=f"pass --dim {start.dim}"
        )
    if parent is not None:
        parent.check(dim=dim, model=model)
        parent.refuse_subwords()
    text = Corpus(
        *corpus,
        encoding=encoding,
        errors=errors,
        field=field,
        lowercase=was_lowercased(parent) if lowercase is None else lowercase,
        user_dict=user_dict,
        segmenter=segmenter,
    )
    bar = TerminalProgress()
    started = time.time()
    try:
        encoded = text.encode(
            min_count=min_count,
            max_vocab=max_vocab,
            keep=None if parent is None else parent.vectors,
            threads=settings.threads,
            memory=memory,
            progress=bar,
        )
        bar.close()
        say_what_was_read(encoded)
        vectors = train_word2vec(
            encoded,
            **asdict(settings),
            initial=start,
            continue_from=continue_from,
            save_every=save_every,
            resume=resume,
            keep_training_state=keep_training_state,
            output=output,
            force=force,
            progress=bar,
        )
        if save_every is None and not keep_training_state and not resume:
            vectors.save(output, force=force)
    except KeyboardInterrupt:
        bar.close()
        typer.echo(f"interrupted: {what_is_saved(output, started)}", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    say_what_was_written(output, vectors, time.time() - started, as_json=as_json)


def say_what_was_read(encoded: EncodedCorpus) -> None:
    """What the text held, and warnings about it, on stderr; every training verb says it."""
    typer.echo(
        f"read {n_bytes(encoded.n_bytes)}, {n_of(encoded.n_lines, 'line')}: "
        f"{n_of(encoded.n_raw_tokens, 'word')}, {len(encoded.keys):,} different ones kept",
        err=True,
    )
    if encoded.n_invalid_bytes:
        typer.echo(
            f"warning: {n_of(encoded.n_invalid_bytes, 'byte')} not valid in the encoding, taken for spaces "
            "(--encoding names another one, --errors strict stops at the first)",
            err=True,
        )
    if encoded.n_long_words:
        typer.echo(f"warning: {n_of(encoded.n_long_words, 'word')} above 1,000 bytes left out", err=True)


def say_what_was_written(output: str, vectors: Vectors, seconds: float, *, as_json: bool) -> None:
    """Where the model is and what to try next; the loss of the last epoch if training had any."""
    losses = vectors.provenance.get("loss_per_epoch")
    last = losses[-1] if isinstance(losses, (list, tuple)) else None
    if as_json:
        print_json(
            {
                "path": output,
                "n_keys": len(vectors),
                "dim": vectors.dim,
                "loss": last,
                "seconds": round(seconds, 3),
                "fingerprint": vectors.fingerprint,
            }
        )
    typer.echo(
        f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}, "
        f"{'' if last is None else f'loss {last:.4f}, '}{seconds:.1f} s",
        err=True,
    )
    typer.echo(f"try: qianru similar {output} {vectors.keys[min(50, len(vectors) - 1)]}", err=True)


def what_is_saved(output: str, started: float) -> str:
    """After Ctrl-C: which epoch, if any, this run left in the output folder."""
    from qianru.static.state import checkpoint_path
    from qianru.vectors import Vectors

    description = Path(output) / "qianru.json"
    saved = "nothing was saved (--save-every 1 saves after each epoch)"
    if description.is_file() and description.stat().st_mtime >= started:
        done = Vectors.load(output).provenance.get("epochs_done")
        saved = f"epoch {done} is saved in {output}"
    if checkpoint_path(Path(output)).is_file():
        return f"{saved}; the same command with --resume goes on from the last checkpoint"
    return saved
