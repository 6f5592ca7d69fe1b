"""Arguments and options that several verbs share."""

from __future__ import annotations

import sys
from typing import Annotated, TypeAlias

import typer

from qianru.errors import ArgumentError

ModelPath: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model folder, or a word2vec .bin or text file (.gz too).")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace what stands at the output path.")]
TopK: TypeAlias = Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many words to print.")]


def words_from(arguments: list[str]) -> list[str]:
    """The words given; a `-` stands for the words on stdin, separated by white space."""
    words: list[str] = []
    for argument in arguments:
        if argument != "-":
            words.append(argument)
            continue
        given = sys.stdin.read().split()
        if not given:
            raise ArgumentError("no word on stdin", hint="pipe words in, or name them after the model")
        words += given
    return words
