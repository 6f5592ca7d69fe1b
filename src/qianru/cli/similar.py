"""`qianru similar`: the nearest words."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from qianru.cli.options import AsJson, ModelPath, TopK, words_from
from qianru.cli.output import print_json, print_table, say_what_is_unknown


def similar(
    model: ModelPath,
    words: Annotated[list[str], typer.Argument(metavar="WORD", help="Words; - reads words from stdin.")],
    k: TopK = 10,
    as_json: AsJson = False,
) -> None:
    """The words nearest to each WORD, by cosine, best first.

    One table a word. Not on a terminal, the rows are: word, neighbour, cosine, separated by tabs. A fastText model
    answers for words it has never seen, too, by their n-grams, and says so.

    \b
    Examples:
      qianru similar model 猫
      qianru similar model cat tiger -k 5 --json
      cut -f1 words.tsv | qianru similar model -
    """
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.subwords import has_subwords

    asked = words_from(words)
    if has_subwords(model):
        opened = SubwordVectors.load(model)
        answers = [opened.similar(word, k) for word in asked]
        say_what_is_unknown(opened, asked)
    else:
        answers = Vectors.load(model).similar(asked, k)
    if as_json:
        found = [
            {
                "word": word,
                "neighbours": [{"word": found.word, "cosine": found.score} for found in neighbours],
            }
            for word, neighbours in zip(asked, answers, strict=True)
        ]
        print_json(found)
        return
    for number, (word, neighbours) in enumerate(zip(asked, answers, strict=True)):
        if number and sys.stdout.isatty():
            typer.echo("")
        rows = [(word, found.word, found.score) for found in neighbours]
        print_table(("word", "neighbour", "cosine"), rows)
