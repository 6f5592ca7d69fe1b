"""Tables and JSON on stdout: aligned columns for a terminal, tab-separated rows for everything else."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import typer

if TYPE_CHECKING:
    from qianru.vectors import SubwordVectors

Cell: TypeAlias = str | int | float


def print_json(value: object) -> None:
    """One JSON document; Chinese stays readable, and floats and bytes that are not UTF-8 read back the same."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    typer.echo(re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, title: str = "") -> None:
    """For a terminal: title, header and aligned columns. Else: the rows alone, cells separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(_bare(cell) for cell in row))
        return
    if title:
        typer.echo(title)
    for line in aligned([list(columns), *rows]):
        typer.echo(line)


def aligned(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The rows as lines with columns as wide as a terminal shows them; numbers stand to the right."""
    texts = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(width(cell) for cell in column) for column in zip(*texts, strict=True)]
    right = [not isinstance(cell, str) for cell in rows[-1]]
    lines = []
    for row in texts:
        cells = []
        for cell, wide, to_right in zip(row, widths, right, strict=True):
            space = " " * (wide - width(cell))
            cells.append(space + cell if to_right else cell + space)
        lines.append("  ".join(cells).rstrip())
    return lines


def width(text: str) -> int:
    """Columns a terminal gives to `text`: two for Chinese characters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def say_what_is_unknown(model: SubwordVectors, words: Iterable[str]) -> None:
    """Which words have their vectors from n-grams, on stderr."""
    for word in dict.fromkeys(words):
        if word not in model:
            typer.echo(
                f"note: {_shown(word)} is not in the vocabulary: its vector is made of its n-grams", err=True
            )


def say_what_is_left_behind(model: str) -> None:
    """That a verb which makes other vectors cannot take n-grams along, on stderr."""
    from qianru.vectors.subwords import has_subwords

    if has_subwords(model):
        typer.echo(f"note: {model} has n-grams, which do not come along: words alone are written", err=True)


def n_of(number: int, noun: str) -> str:
    """`1 word`, `2,000 words`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def n_bytes(number: float) -> str:
    """A size for reading: `1.2 MB` (decimal)."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= limit:
            return f"{number / limit:.1f} {unit}"
    return f"{number:.0f} bytes"


def _shown(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.4f}"
    # Control characters in a word must not move the cursor or break the row; other spaces, and joiners, are parts of words.
    return (
        "".join(
            char
            if char.isprintable() or char in "\u200c\u200d" or unicodedata.category(char) == "Zs"
            else "�"
            for char in cell
        )
        if isinstance(cell, str)
        else f"{cell:,}"
    )


def _bare(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.4f}"
    # For programs: only what would break the row goes, and what UTF-8 cannot hold.
    return (
        "".join("�" if unicodedata.category(char) in ("Cc", "Cs") else char for char in cell)
        if isinstance(cell, str)
        else str(cell)
    )
