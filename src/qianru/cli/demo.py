"""`qianru demo`: every stage from text to vectors, shown and explained."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import Force

_MODEL = "demo-model"


def demo(
    text: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your own text instead of the generated one.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="MODEL", help="Where to save the model.")
    ] = _MODEL,
    force: Force = False,
) -> None:
    """Walk through all stages and print each: text, words, ids, one-hot, training, vectors.

    Everything shown is measured while it runs. Takes less than a minute without --text. Replaces the demo-model
    of an earlier demo; another model only with --force.

    \b
    Examples:
      qianru demo
      qianru demo --text novel.txt
    """
    from qianru.cli.demo_stages import Demo

    Demo(text, output, force=force or output == _MODEL).run()
