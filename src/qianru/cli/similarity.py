"""`qianru similarity`: the cosine of two words."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import AsJson, ModelPath
from qianru.cli.output import print_json, say_what_is_unknown


def similarity(
    model: ModelPath,
    a: Annotated[str, typer.Argument(metavar="A", help="A word.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another word.")],
    as_json: AsJson = False,
) -> None:
    """The cosine of two words, from -1 to 1.

    \b
    Examples:
      qianru similarity model cat tiger
      qianru similarity model 猫 汽车 --json
    """
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.subwords import has_subwords

    if has_subwords(model):
        opened = SubwordVectors.load(model)
        cosine = opened.similarity(a, b)
        say_what_is_unknown(opened, [a, b])
    else:
        cosine = Vectors.load(model).similarity(a, b)
    if as_json:
        print_json({"a": a, "b": b, "cosine": cosine})
    else:
        typer.echo(f"{cosine:.4f}")
