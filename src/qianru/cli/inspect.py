"""`qianru inspect`: what a file is, and what is wrong with it."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import AsJson
from qianru.cli.output import n_of, print_json


def inspect(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Any file or folder that may hold vectors.")],
    as_json: AsJson = False,
) -> None:
    """Say what a file of unknown kind is, what is wrong with it and how to repair it.

    Everything is told, not only the first problem; nothing is changed, and no pickle is ever opened.

    \b
    Examples:
      qianru inspect vectors.unknown
      qianru inspect glove.840B.300d.txt --json
    """
    from qianru.vectors.inspection import inspect_file

    found = inspect_file(path)
    if as_json:
        print_json(found.as_dict())
        return
    packed = ", gzip" if found.compressed else ""
    typer.echo(f"{path}: {found.facts.get('format') or found.description}{packed}")
    if found.n_keys is not None and found.dim is not None:
        typer.echo(f"  {n_of(found.n_keys, 'word')}, dim {found.dim}")
    for name, value in found.facts.items():
        if name != "format":
            typer.echo(f"  {name}: {value}")
    for problem in found.problems:
        where = (
            f" (first: {problem.where})" if problem.n > 1 else f" ({problem.where})" if problem.where else ""
        )
        typer.echo(
            f"problem: {problem.what}: {problem.n}{where}" if problem.where else f"problem: {problem.what}"
        )
        typer.echo(f"  {'repair' if problem.safe else 'not safe to repair'}: {problem.repair}")
    if found.next_step:
        typer.echo(f"next: {found.next_step}")
