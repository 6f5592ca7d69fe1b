"""`qianru sample`: write the sample world."""

from __future__ import annotations

from typing import Annotated

import typer

from qianru.cli.options import AsJson, Force
from qianru.cli.output import n_bytes, print_json

LANGUAGES = ("en", "zh", "mixed")


def sample(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder to write.")],
    size: Annotated[int, typer.Option("--bytes", metavar="N", help="Bytes of text, about.")] = 6_000_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    languages: Annotated[
        list[str] | None, typer.Option("--language", help="en, zh or mixed; again for another; else all.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write a small generated world to try things on: English, Chinese and mixed text, and truth files.

    The text is made by a program: use it to learn and to test, not to judge quality.

    \b
    Examples:
      qianru sample world
      qianru sample world --bytes 50000000 --seed 7
      qianru sample world --language zh
    """
    from dataclasses import asdict

    from qianru.progress import TerminalProgress
    from qianru.sample import write_sample

    bar = TerminalProgress()
    chosen = tuple(languages or LANGUAGES)
    try:
        manifest = write_sample(folder, n_bytes=size, seed=seed, languages=chosen, force=force, progress=bar)
    finally:
        bar.close()
    if as_json:
        print_json(asdict(manifest))
        return
    for file in manifest.files:
        typer.echo(f"{folder}/{file.path}")
    total = sum(file.n_bytes for file in manifest.files)
    typer.echo(
        f"wrote {folder}: {len(manifest.files)} files, {n_bytes(total)}, all of it generated", err=True
    )
