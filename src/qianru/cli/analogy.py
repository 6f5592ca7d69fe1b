"""`qianru analogy`: A is to B as C is to ?"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from qianru.cli.options import AsJson, ModelPath, TopK
from qianru.cli.output import print_json, print_table


def analogy(
    model: ModelPath,
    a: Annotated[str, typer.Argument(metavar="A", help="As man is")],
    b: Annotated[str, typer.Argument(metavar="B", help="to king,")],
    c: Annotated[str, typer.Argument(metavar="C", help="so is woman to the answer.")],
    k: TopK = 10,
    method: Annotated[
        Literal["add", "mul"],
        typer.Option(help="add: nearest to B - A + C (3CosAdd); mul: product of cosines (3CosMul)."),
    ] = "add",
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

    answers = Vectors.load(model).analogy(a, b, c, k, method=method)
    if as_json:
        found = [{"word": answer.word, "score": answer.score} for answer in answers]
        print_json({"a": a, "b": b, "c": c, "method": method, "answers": found})
    else:
        print_table(("word", "score"), [(answer.word, answer.score) for answer in answers])
