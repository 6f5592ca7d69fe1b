"""`qianru predict`: the labels of texts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from qianru.cli.options import AsJson, texts_from
from qianru.cli.output import print_json, print_table
from qianru.cli.train_classifier import print_labels, say_how_good
from qianru.errors import ArgumentError


def predict(
    classifier: Annotated[
        str, typer.Argument(metavar="CLASSIFIER", help="A supervised .bin or .ftz of fastText.")
    ],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts; - reads lines from stdin.")
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Instead of texts: lines with their labels, to measure on."),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many labels to print.")] = 1,
    threshold: Annotated[float, typer.Option(help="Leave out labels less probable than this.")] = 0.0,
    split: Annotated[
        Literal["space", "words"], typer.Option(help="As in training: at white space, or into words.")
    ] = "space",
    label_prefix: Annotated[str, typer.Option(help="What labels begin with in the file.")] = "__label__",
    as_json: AsJson = False,
) -> None:
    """The most probable labels of each TEXT, best first.

    Not on a terminal, the rows are: number of the text from 1, label, probability, separated by tabs; with --test:
    label, its lines, precision, recall, F1.

    \b
    Examples:
      qianru predict topics.bin "a new battery for electric cars"
      qianru predict lid.176.ftz - -k 3 < lines.txt
      qianru predict mood.bin 服务很好 --split words --json
      qianru predict topics.bin --test test.txt
    """
    from qianru.static import Classifier

    if (test is None) == (not texts):
        raise ArgumentError(
            "give texts, or --test with a file of labelled lines", hint="- reads texts from stdin"
        )
    if test is not None:
        if not Path(test).is_file():
            raise ArgumentError(f"no such file: {test}")
        opened = Classifier.load(classifier, split=split, label_prefix=label_prefix)
        report = opened.evaluate(test, k=k, threshold=threshold)
        say_how_good(report)
        if as_json:
            print_json(asdict(report))
        else:
            print_labels(report)
        return
    asked = texts_from(texts or [])
    answers = Classifier.load(classifier, split=split, label_prefix=label_prefix).predict(
        asked, k, threshold=threshold
    )
    if as_json:
        print_json(
            [
                {
                    "text": text,
                    "labels": [{"label": one.label, "probability": one.probability} for one in found],
                }
                for text, found in zip(asked, answers, strict=True)
            ]
        )
        return
    rows = [(number, one.label, one.probability) for number, found in enumerate(answers, 1) for one in found]
    print_table(("text", "label", "probability"), rows)
