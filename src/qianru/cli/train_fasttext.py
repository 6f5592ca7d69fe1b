"""`qianru train fasttext`: text files to a model of words and n-grams."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Corpora,
    Encoding,
    Field,
    Force,
    Lowercase,
    OnErrors,
    Threads,
    UserDict,
    check_model_output,
)
from qianru.cli.train import say_what_was_read, say_what_was_written
from qianru.errors import ArgumentError


def fasttext(
    corpus: Corpora,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="MODEL", help="Model folder to write, or a .bin of fastText."),
    ],
    model: Annotated[
        Literal["skipgram", "cbow"], typer.Option(help="Predict contexts from the word, or the reverse.")
    ] = "skipgram",
    loss: Annotated[
        Literal["ns", "hs"], typer.Option(help="Negative sampling, hierarchical softmax.")
    ] = "ns",
    dim: Annotated[int, typer.Option(help="Numbers in a vector.")] = 100,
    window: Annotated[int, typer.Option(help="At most so many words on each side.")] = 5,
    negative: Annotated[int, typer.Option(help="Noise words for each word, with --loss ns.")] = 5,
    sample: Annotated[float, typer.Option(help="Thin out words above this share; 0: none.")] = 1e-4,
    min_n: Annotated[int, typer.Option(help="Fewest characters of an n-gram; 1 for Chinese.")] = 3,
    max_n: Annotated[int, typer.Option(help="Most characters of an n-gram; 0: no n-grams.")] = 6,
    n_buckets: Annotated[int, typer.Option(help="Rows that n-grams share.")] = 2_000_000,
    decomposition: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Lines of a character, a tab, its strokes or components."),
    ] = None,
    min_count: Annotated[int, typer.Option(help="Leave out rarer words.")] = 5,
    max_vocab: Annotated[int | None, typer.Option(help="Keep only the most frequent words.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="At the first word.")] = 0.05,
    seed: Annotated[int, typer.Option(help="With --threads 1: same seed, same bits.")] = 1,
    threads: Threads = None,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: Lowercase = False,
    user_dict: UserDict = None,
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
    """
    from qianru.progress import TerminalProgress
    from qianru.static import train_fasttext
    from qianru.static.settings import available_threads
    from qianru.text import Corpus

    is_file = output.endswith(".bin")
    if not is_file:
        check_model_output(output, force=force)
    elif Path(output).exists() and not force:
        raise ArgumentError(f"output {output} exists already", hint="pass --force or choose another name")
    table = None if decomposition is None else _table(Path(decomposition))
    text = Corpus(
        *corpus, encoding=encoding, errors=errors, field=field, lowercase=lowercase, user_dict=user_dict
    )
    bar, started = TerminalProgress(), time.time()
    n_threads = available_threads() if threads is None else threads
    try:
        encoded = text.encode(min_count=min_count, max_vocab=max_vocab, threads=n_threads, progress=bar)
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
            threads=n_threads,
            progress=bar,
        )
    finally:
        bar.close()
    if is_file:
        made.export(output, force=force)
    else:
        made.save(output, force=force)
    say_what_was_written(output, made.vectors, time.time() - started, as_json=as_json)


def _table(path: Path) -> dict[str, str]:
    """Lines of a character, a tab and its parts. Raises ArgumentError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
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
