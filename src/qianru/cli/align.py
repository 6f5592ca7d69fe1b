"""`qianru align`: two spaces made one by a seed dictionary."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from qianru.cli.options import AsJson, Force, check_model_output
from qianru.cli.output import print_json, say_what_is_left_behind


def align(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The vectors to turn.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The vectors that stay where they are.")],
    dictionary: Annotated[
        str,
        typer.Option(
            "--dictionary", metavar="FILE", help="Pairs to learn from, a line each: source word, target word."
        ),
    ],
    test: Annotated[
        str | None,
        typer.Option(
            "--test", metavar="FILE", help="Pairs to measure on; take others than those learned from."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="OUT", help="Folder for the models OUT/source and OUT/target."
        ),
    ] = None,
    centre: Annotated[bool, typer.Option(help="Subtract each space's mean first.")] = True,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Turn one space onto another, so that words of the two can be compared, and tell how well it went.

    Told, on the pairs of --test, is how often the right word is the nearest one, or among five: by cosine and by
    CSLS, which makes up for words that are near to everything.

    \b
    Examples:
      qianru align en zh --dictionary en-zh.0-5000.txt --test en-zh.5000-6500.txt
      qianru align run1 run2 --dictionary same_words.txt -o both
    """
    from pathlib import Path

    from qianru.vectors import Vectors
    from qianru.vectors.align import METHODS, read_dictionary, retrieval
    from qianru.vectors.align import align as align_spaces

    pairs, measured = read_dictionary(dictionary), read_dictionary(test) if test is not None else []
    if output is not None:
        sides = [Path(output) / side for side in ("source", "target")]
        for path in sides if Path(output).is_dir() else [output]:
            check_model_output(str(path), force=force)
    both = align_spaces(Vectors.load(source), Vectors.load(target), pairs, centre=centre)
    found = [retrieval(both.source, both.target, measured, method=method) for method in METHODS if measured]
    if output is not None:
        Path(output).mkdir(exist_ok=True)
        for model in (source, target):
            say_what_is_left_behind(model)
        both.source.save(Path(output) / "source", force=force)
        both.target.save(Path(output) / "target", force=force)
    if as_json:
        shown = [asdict(one) for one in found]
        print_json({"n_pairs": both.n_pairs, "n_given": both.n_given, "output": output, "retrieval": shown})
        return
    typer.echo(f"learned from {both.n_pairs:,} pairs of {both.n_given:,} (the others have an unknown word)")
    for one in found:
        typer.echo(
            f"{one.method:<7} right at 1: {one.at_1:.2%}, among 5: {one.at_5:.2%} "
            f"({one.n_words:,} words of {one.n_asked:,} known)"
        )
    if output is not None:
        typer.echo(f"wrote {output}/source and {output}/target", err=True)
