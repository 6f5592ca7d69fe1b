"""`qianru convert`: from one form of vectors to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from qianru.cli.options import Force
from qianru.cli.output import n_of
from qianru.errors import ArgumentError


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Vectors in any known form.")],
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="Its ending names the form; no known ending: a folder.")
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="FORM", help="The form of IN, where its content does not tell."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORM", help="The form of OUT, whatever its name.")
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Mend what can be mended safely; `qianru inspect` tells what that is."),
    ] = False,
    errors: Annotated[
        str,
        typer.Option(
            "--errors", help="Words that are not UTF-8: surrogateescape keeps their bytes; replace; strict."
        ),
    ] = "surrogateescape",
    force: Force = False,
) -> None:
    """Read vectors in any known form and write them in another.

    IN is recognised by its content. Forms and endings of OUT: binary .bin, text .txt .vec .text (these with .gz
    too), glove .glove, safetensors, npy, tsv, gguf, spacy (a folder), folder. Counts and provenance live only in
    a model folder.

    \b
    Examples:
      qianru convert vectors.bin model
      qianru convert model vectors.txt.gz
      qianru convert broken.vec repaired.vec --repair
      qianru convert glove.840B.300d.txt spacy_vectors --to spacy
    """
    from qianru.vectors import Vectors
    from qianru.vectors.formats import format_of_name

    vectors = Vectors.load(source, errors=errors, repair=repair, format=from_)
    form = format_of_name(target)[0] if to is None else to
    if form is None and target.lower().endswith(".gz"):
        raise ArgumentError(f"OUT {target}: what form is compressed there?", hint="name it: --to text")
    if form in (None, "folder"):
        vectors.save(target, force=force)
    else:
        vectors.export(target, format=form, force=force)
    for done in _repairs(vectors.provenance):
        typer.echo(f"repaired: {done}", err=True)
    typer.echo(f"wrote {target}: {n_of(len(vectors), 'word')}, dim {vectors.dim}", err=True)


def _repairs(provenance: Mapping[str, object]) -> list[str]:
    listed = provenance.get("repairs")
    repairs = [str(one) for one in listed] if isinstance(listed, list) else []
    if type(n := provenance.get("n_repeated_words_dropped")) is int:
        repairs.append(f"{n_of(n, 'repeated word')} dropped")
    if type(n := provenance.get("n_words_with_replaced_bytes")) is int:
        repairs.append(f"broken bytes replaced in {n_of(n, 'word')}")
    return repairs
