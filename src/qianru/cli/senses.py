"""`qianru senses`: the senses of a word as a corpus has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.encode import Layers, open_encoder
from qianru.cli.options import AsJson, Corpora, EncoderDevice, Encoding, Field, OnErrors, Seed
from qianru.cli.output import n_of, print_json, print_table

if TYPE_CHECKING:
    from qianru.contextual import Use
    from qianru.vectors import Encoder


def senses(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A contextual model's folder.")],
    word: Annotated[str, typer.Argument(metavar="WORD", help="The word to look at.")],
    corpus: Corpora,
    n_senses: Annotated[
        int | None, typer.Option("--senses", help="So many; default: what the uses themselves suggest.")
    ] = None,
    max_senses: Annotated[int, typer.Option(help="Try no more than so many.")] = 6,
    uses: Annotated[int, typer.Option(help="Look at so many uses, drawn evenly.")] = 1000,
    whole_words: Annotated[
        bool, typer.Option("--whole-words", help="Of Chinese words: only where the text is cut there.")
    ] = False,
    examples: Annotated[int, typer.Option(help="Sentences to show for each sense.")] = 3,
    layers: Layers = None,
    backend: Annotated[
        Literal["auto", "packed", "transformers", "onnx"], typer.Option(help="Who runs the model.")
    ] = "auto",
    device: EncoderDevice = "cpu",
    threads: Annotated[int | None, typer.Option(help="Of the model.")] = None,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """The senses of WORD in CORPUS: its uses grouped by their vectors, the words typical of each group, and examples.

    Not on a terminal, the rows are: sense, share of the uses, silhouette, typical words, separated by tabs; then rows
    sense, "example", sentence with the word in brackets.

    \b
    Examples:
      qianru senses model apple corpus.txt
      qianru senses model 苹果 news.txt.zst --uses 500
      qianru senses model 行 'books/*.txt' --senses 3 --layers=-1,-2 --json
    """
    from qianru.contextual import find_senses, for_senses
    from qianru.progress import TerminalProgress
    from qianru.text import Corpus

    text = Corpus(*corpus, encoding=encoding, errors=errors, field=field)
    encoder: Encoder = open_encoder(
        model, layers=layers, prompt="", backend=backend, device=device, threads=threads
    )
    if layers is None:
        encoder = for_senses(encoder)
    progress = TerminalProgress()
    try:
        found = find_senses(
            encoder,
            word,
            text.lines(),
            n_senses=n_senses,
            max_senses=max_senses,
            n_uses=uses,
            whole_words=whole_words,
            n_examples=examples,
            seed=seed,
            progress=progress,
        )
    finally:
        progress.close()
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(
        f"{n_of(found.n_found, 'use')} found, {len(found.uses):,} looked at, silhouette {found.silhouette:.3f}"
        + (f" ({found.by_chance:.3f} by chance)" if n_senses is None else ""),
        err=True,
    )
    if as_json:
        print_json(found.as_dict())
        return
    rows = [
        (number, f"{sense.share:.1%}", sense.silhouette, ", ".join(one for one, _ in sense.typical))
        for number, sense in enumerate(found.senses, 1)
    ]
    print_table(("sense", "share", "silhouette", "typical words"), rows, title=word)
    shown = [
        (number, "example", _bracketed(use))
        for number, sense in enumerate(found.senses, 1)
        for use in sense.examples
    ]
    if shown:
        print_table(("sense", "", "sentence"), shown)


def _bracketed(use: Use) -> str:
    return f"{use.text[: use.start]}[{use.text[use.start : use.end]}]{use.text[use.end :]}"
