"""`qianru train fasttext`: text files to a model of words and n-grams."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

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
    check_output_file,
)
from qianru.cli.train import say_what_was_read, say_what_was_written, what_is_saved
from qianru.errors import ArgumentError


def fasttext(
    corpus: Corpora,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="MODEL", help="Model folder to write, or a .bin of fastText."),
    ],
    model: Architecture = "skipgram",
    loss: Loss = "ns",
    dim: DimOfParent = None,
    window: Window = 5,
    negative: Negative = 5,
    sample: Sample = 1e-4,
    min_n: Annotated[
        int | None, typer.Option(help="Fewest characters of an n-gram; default 3; 1 for Chinese.")
    ] = None,
    max_n: Annotated[
        int | None, typer.Option(help="Most characters of an n-gram; default 6; 0: no n-grams.")
    ] = None,
    n_buckets: Annotated[int | None, typer.Option(help="Rows that n-grams share; default 2,000,000.")] = None,
    decomposition: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Lines of a character, a tab, its strokes or components."),
    ] = None,
    min_count: MinCount = 5,
    max_vocab: MaxVocab = None,
    epochs: Epochs = 5,
    learning_rate: Annotated[float, typer.Option(help="At the first word.")] = 0.05,
    seed: Seed = 1,
    threads: Threads = None,
    continue_from: ContinueFrom = None,
    save_every: SaveEvery = None,
    resume: Resume = False,
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
    """Train fastText vectors (Bojanowski et al. 2017): words outside the vocabulary get vectors from n-grams.

    \b
    Examples:
      qianru train fasttext corpus.txt -o model
      qianru train fasttext zh.txt -o model --min-n 1 --max-n 3
      qianru train fasttext zh.txt -o model --decomposition strokes.tsv
      qianru train fasttext corpus.txt -o model.bin
      qianru train fasttext more.txt -o newer --continue model.bin
      qianru train fasttext corpus.txt -o model --save-every 1     and after a crash the same with --resume
    """
    from qianru.progress import TerminalProgress
    from qianru.static import train_fasttext
    from qianru.static.fasttext import subword_rule
    from qianru.static.parent import Parent, was_lowercased
    from qianru.static.settings import Word2vecSettings, available_threads
    from qianru.static.state import Saving
    from qianru.text import Corpus

    _check_output(output, force=force, resume=resume, save_every=save_every)
    table = None if decomposition is None else _table(Path(decomposition))
    parent = None if continue_from is None else Parent.load(continue_from)
    # Checked here, and the corpus encoded here, so that a wrong number is an error before any text is read.
    subword_rule(parent, min_n=min_n, max_n=max_n, n_buckets=n_buckets, decomposition=table)
    if dim is None:
        dim = 100 if parent is None else parent.vectors.dim
    settings = Word2vecSettings(
        model=model,
        loss=loss,
        dim=dim,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=0.0,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    if parent is not None:
        parent.check(dim=dim, model=model)
    # A single file is written at the end, from memory.
    folder = None if output.endswith(".bin") else output
    if folder is not None:
        saving = Saving(output=Path(folder), force=force, every=save_every)
        saving.check(resume=resume, loss=loss, begins_from=[continue_from])
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
        made = train_fasttext(
            encoded,
            model=model,
            loss=loss,
            dim=dim,
            window=window,
            negative=negative,
            sample=sample,
            min_n=min_n,
            max_n=max_n,
            n_buckets=n_buckets,
            decomposition=table,
            epochs=epochs,
            learning_rate=learning_rate,
            seed=seed,
            threads=settings.threads,
            continue_from=None if parent is None else parent.subwords,
            save_every=save_every,
            resume=resume,
            output=folder,
            force=force,
            progress=bar,
        )
        if folder is None:
            made.export(output, force=force)
        elif save_every is None and not resume:
            made.save(output, force=force)
    except KeyboardInterrupt:
        bar.close()
        typer.echo(f"interrupted: {what_is_saved(output, started)}", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    say_what_was_written(output, made.vectors, time.time() - started, as_json=as_json)


def _check_output(output: str, *, force: bool, resume: bool, save_every: int | None) -> None:
    if not output.endswith(".bin"):
        check_model_output(output, force=force or resume)
    elif resume or save_every is not None:
        raise ArgumentError(
            f"--save-every and --resume need a model folder, got {output}",
            hint=f"leave the .bin off, and afterwards: qianru convert MODEL {output} --to fasttext",
        )
    else:
        check_output_file(output, force=force)


def _table(path: Path) -> dict[str, str]:
    """Lines of a character, a tab and its parts. Raises ArgumentError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(
            f"--decomposition: cannot read {path}: {error}", hint="it must be UTF-8 text"
        ) from None
    table = {}
    for number, line in enumerate(lines, 1):
        character, tab, parts = line.partition("\t")
        if not line:
            continue
        if len(character) != 1 or not tab or not parts:
            raise ArgumentError(
                f"--decomposition: {path}, line {number}: not a character, a tab and its parts: {line[:40]!r}",
                hint="write one character a line, e.g. 好<tab>女子",
            )
        table[character] = parts
    return table
