"""`qianru convert`: from one form of vectors to another."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import Force
from qianru.cli.output import n_of

_FILE_ENDINGS = (".bin", ".txt", ".vec", ".text")


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Model folder, word2vec .bin or text file.")],
    target: Annotated[
        str,
        typer.Argument(metavar="OUT", help="*.bin, *.txt, *.vec, *.text (+ .gz); any other name: a folder."),
    ],
    force: Force = False,
) -> None:
    """Read vectors in any known form and write them in another, chosen by the name of OUT.

    IN is recognised by its content. Counts and provenance live only in a model folder.

    \b
    Examples:
      qianru convert vectors.bin model
      qianru convert model vectors.txt.gz
    """
    from qianru.vectors import Vectors

    vectors = Vectors.load(source)
    if target.removesuffix(".gz").endswith(_FILE_ENDINGS):
        vectors.export(target, force=force)
    else:
        vectors.save(target, force=force)
    typer.echo(f"wrote {target}: {n_of(len(vectors), 'word')}, dim {vectors.dim}", err=True)
