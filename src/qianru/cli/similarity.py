"""`qianru similarity`: the cosine of two words."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import AsJson, ModelPath
from qianru.cli.output import print_json


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
    from qianru.vectors import Vectors

    cosine = Vectors.load(model).similarity(a, b)
    if as_json:
        print_json({"a": a, "b": b, "cosine": cosine})
    else:
        typer.echo(f"{cosine:.4f}")
