"""`qianru train word2vec`: text files to a model folder."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qianru.cli.options import AsJson, Force
from qianru.cli.output import n_of, print_json
from qianru.errors import OutputError

app = typer.Typer(rich_markup_mode=None)


class Model(StrEnum):
    """What is predicted from what."""

    skipgram = "skipgram"
    cbow = "cbow"


class Loss(StrEnum):
    """What stands in for the full softmax."""

    ns = "ns"
    hs = "hs"


class Errors(StrEnum):
    """What to do with bytes that the encoding does not know."""

    replace = "replace"
    strict = "strict"


@app.callback()
def train() -> None:
    """Train vectors from text.

    \b
    Examples:
      qianru train word2vec corpus.txt -o model
      qianru train word2vec --help
    """


@app.command("word2vec")
def word2vec(
    corpus: Annotated[
        list[str],
        typer.Argument(metavar="CORPUS", help="Files, folders, globs, .gz .bz2 .xz .zst; - reads stdin."),
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="MODEL", help="The model folder to write.")],
    model: Annotated[Model, typer.Option(help="Predict the context from the word, or the word from it.")] = (
        Model.skipgram
    ),
    loss: Annotated[Loss, typer.Option(help="Negative sampling or hierarchical softmax.")] = Loss.ns,
    dim: Annotated[int, typer.Option(help="Numbers in a vector.")] = 100,
    window: Annotated[int, typer.Option(help="Words looked at on each side, at most.")] = 5,
    negative: Annotated[int, typer.Option(help="Noise words per word, with --loss ns.")] = 5,
    sample: Annotated[float, typer.Option(help="Drop words more frequent than this; 0: keep all.")] = 1e-4,
    min_count: Annotated[int, typer.Option(help="Leave out rarer words.")] = 5,
    max_vocab: Annotated[int | None, typer.Option(help="Keep only the most frequent words.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="At the start.")] = 0.025,
    min_learning_rate: Annotated[float, typer.Option(help="At the end.")] = 0.0001,
    seed: Annotated[int, typer.Option(help="With --threads 1, the same seed gives the same bits.")] = 1,
    threads: Annotated[int | None, typer.Option(help="Default: one per processor.")] = None,
    initial: Annotated[str | None, typer.Option(metavar="MODEL", help="Start from these vectors.")] = None,
    save_every: Annotated[int | None, typer.Option(metavar="EPOCHS", help="Save after so many.")] = None,
    encoding: Annotated[str, typer.Option(help="Of the text; gb18030 and others.")] = "utf-8",
    errors: Annotated[Errors, typer.Option(help="Bytes that are not text: count them, or stop.")] = (
        Errors.replace
    ),
    field: Annotated[str | None, typer.Option(help="The text is this field of JSON lines.")] = None,
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Lower-case all words.")] = False,
    user_dict: Annotated[str | None, typer.Option(metavar="FILE", help="Words never to be cut.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train word2vec vectors (Mikolov et al. 2013) from text, Chinese, English or both.

    \b
    Examples:
      qianru train word2vec corpus.txt -o model
      qianru train word2vec news/*.gz -o model --dim 300 --epochs 10 --threads 8
      qianru train word2vec wiki.jsonl -o model --field text --lowercase
      zcat big.gz | qianru train word2vec - -o model --model cbow
    """
    from qianru.progress import TerminalProgress
    from qianru.static import train_word2vec
    from qianru.text import Corpus
    from qianru.vectors import Vectors

    check_output(output, force=force)
    text = Corpus(
        *corpus, encoding=encoding, errors=errors.value, field=field, lowercase=lowercase, user_dict=user_dict
    )
    bar = TerminalProgress()
    started = time.monotonic()
    try:
        vectors = train_word2vec(
            text,
            model=model.value,
            loss=loss.value,
            dim=dim,
            window=window,
            negative=negative,
            sample=sample,
            min_count=min_count,
            max_vocab=max_vocab,
            epochs=epochs,
            learning_rate=learning_rate,
            min_learning_rate=min_learning_rate,
            seed=seed,
            threads=threads,
            initial=None if initial is None else Vectors.load(initial),
            save_every=save_every,
            output=output,
            progress=bar,
        )
    except KeyboardInterrupt:
        bar.close()
        typer.echo(f"interrupted: {_what_is_saved(output, started)}", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    vectors.save(output, force=True)
    seconds = time.monotonic() - started
    if as_json:
        print_json(
            {"path": output, "n_keys": len(vectors), "dim": vectors.dim, "seconds": seconds,
             "fingerprint": vectors.fingerprint}
        )
    typer.echo(f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}, {seconds:.1f} s", err=True)
    typer.echo(f"try: qianru similar {output} {vectors.keys[min(20, len(vectors) - 1)]}", err=True)
