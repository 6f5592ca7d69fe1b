"""`qianru analogy`: A is to B as C is to ?"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from qianru.cli.options import AsJson, ModelPath, TopK
from qianru.cli.output import print_json, print_table


class Method(StrEnum):
    """How answers are scored."""

    add = "add"
    mul = "mul"


def analogy(
    model: ModelPath,
    a: Annotated[str, typer.Argument(metavar="A", help="man")],
    b: Annotated[str, typer.Argument(metavar="B", help="king")],
    c: Annotated[str, typer.Argument(metavar="C", help="woman")],
    k: TopK = 10,
    method: Annotated[
        Method, typer.Option(help="add: nearest to B - A + C (3CosAdd); mul: product of cosines (3CosMul).")
    ] = Method.add,
    as_json: AsJson = False,
) -> None:
    """A is to B as C is to ?

    A, B and C themselves are not among the answers.

    \b
    Examples:
      qianru analogy model man king woman
      qianru analogy model 男人 国王 女人 -k 1 --method mul
    """
    from qianru.vectors import Vectors

    answers = Vectors.load(model).analogy(a, b, c, k, method=method.value)
    if as_json:
        found = [{"word": answer.word, "score": answer.score} for answer in answers]
        print_json({"a": a, "b": b, "c": c, "method": method.value, "answers": found})
    else:
        print_table(("word", "score"), [(answer.word, answer.score) for answer in answers])
