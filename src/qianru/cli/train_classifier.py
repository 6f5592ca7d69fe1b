"""`qianru train classifier`: labelled lines of text to a file that predicts labels."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Force,
    MinCount,
    Seed,
    Threads,
    check_output_file,
)
from qianru.cli.output import n_bytes, n_of, print_json, print_table
from qianru.errors import ArgumentError, OutputError

if TYPE_CHECKING:
    from qianru.static import ClassifierReport


def classifier(
    examples: Annotated[str, typer.Argument(metavar="FILE", help="Lines of `__label__x text`.")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="To write: .bin, or .ftz for a quantised one."),
    ],
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="Evaluate on these lines at the end.")
    ] = None,
    calibrate: Annotated[
        str | None, typer.Option(metavar="FILE", help="Fit the probabilities to these lines.")
    ] = None,
    loss: Annotated[
        Literal["softmax", "ova", "hs"],
        typer.Option(help="One label, any number of labels, very many labels."),
    ] = "softmax",
    dim: Annotated[int, typer.Option(help="Numbers in a vector.")] = 100,
    epochs: Annotated[int, typer.Option(help="Passes over the lines.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="At the first line; it falls to 0.")] = 0.1,
    word_ngrams: Annotated[int, typer.Option(help="2: pairs of neighbouring words too, and so on.")] = 1,
    min_n: Annotated[int, typer.Option(help="Fewest characters of an n-gram.")] = 0,
    max_n: Annotated[int, typer.Option(help="Most characters of an n-gram; 0: none.")] = 0,
    n_buckets: Annotated[int, typer.Option(help="Rows that n-grams share.")] = 2_000_000,
    min_count: MinCount = 1,
    min_count_label: Annotated[int, typer.Option(help="Leave out rarer labels.")] = 1,
    split: Annotated[
        Literal["space", "words"], typer.Option(help="At white space, or into words (Chinese too).")
    ] = "space",
    label_prefix: Annotated[str, typer.Option(help="What labels begin with.")] = "__label__",
    pretrained: Annotated[str | None, typer.Option(metavar="MODEL", help="Start from these vectors.")] = None,
    cutoff: Annotated[int | None, typer.Option(min=1, metavar="N", help="For .ftz: keep N rows.")] = None,
    seed: Seed = 1,
    threads: Threads = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train a classifier of texts (Joulin et al. 2017); fastText opens the file too.

    With --test the rows on stdout are: label, its lines, precision, recall, F1.

    \b
    Examples:
      qianru train classifier train.txt -o topics.bin --test test.txt
      qianru train classifier reviews.txt -o mood.bin --split words --word-ngrams 2
      qianru train classifier train.txt -o small.ftz --cutoff 50000 --calibrate held-out.txt
    """
    from qianru.progress import TerminalProgress
    from qianru.static import train_classifier
    from qianru.vectors import Vectors

    _check_output(output, force=force)
    if cutoff is not None and not output.endswith(".ftz"):
        raise ArgumentError(f"--cutoff is for quantised files, got {output}", hint="end the name in .ftz")
    for name in (test, calibrate):
        if name is not None and not Path(name).is_file():
            raise ArgumentError(f"no such file: {name}")
    start = None if pretrained is None else Vectors.load(pretrained)
    bar, started = TerminalProgress(), time.time()
    try:
        made = train_classifier(
            examples,
            loss=loss,
            dim=dim,
            epochs=epochs,
            learning_rate=learning_rate,
            word_ngrams=word_ngrams,
            min_n=min_n,
            max_n=max_n,
            n_buckets=n_buckets,
            min_count=min_count,
            min_count_label=min_count_label,
            split=split,
            label_prefix=label_prefix,
            pretrained=start,
            seed=seed,
            threads=threads,
            progress=bar,
        )
    finally:
        bar.close()
    if calibrate is not None:
        made = made.calibrate(calibrate)
    if output.endswith(".ftz"):
        made = made.quantise(cutoff=cutoff, held_out=test)
    made.export(output, force=force)
    report = made.evaluate(test) if test is not None else None
    typer.echo(
        f"wrote {output}: {n_of(len(made.labels), 'label')}, {n_bytes(made.n_bytes)}, {time.time() - started:.1f} s",
        err=True,
    )
    quantised = made.provenance.get("quantisation")
    if isinstance(quantised, dict):
        lost = f", accuracy before {quantised['accuracy_before']:.4f}" if test is not None else ""
        typer.echo(
            f"quantised: from {n_bytes(quantised['n_bytes_before'])}, relative error "
            f"{quantised['relative_error']:.4f}{lost}",
            err=True,
        )
    if report is not None:
        say_how_good(report)
    if as_json:
        print_json(
            {
                "path": output,
                "n_labels": len(made.labels),
                "n_bytes": made.n_bytes,
                "accuracy": None if report is None else report.accuracy,
                "macro_f1": None if report is None else report.macro_f1,
                "log_loss": None if report is None else report.log_loss,
                "quantisation": quantised,
                "report": None if report is None else asdict(report),
            }
        )
    elif report is not None:
        print_labels(report)


def say_how_good(report: ClassifierReport) -> None:
    """The figures over all labels, on stderr."""
    typer.echo(
        f"accuracy {report.accuracy:.4f}, macro F1 {report.macro_f1:.4f}, "
        f"log loss {report.log_loss:.4f}, calibration error {report.calibration_error:.4f} "
        f"on {n_of(report.n_examples, 'line')}",
        err=True,
    )


def print_labels(report: ClassifierReport) -> None:
    """A row for each label that stands in the lines or was predicted."""
    rows = [
        (name, score.n_examples, score.precision, score.recall, score.f1)
        for name, score in report.labels.items()
        if score.n_examples or score.precision
    ]
    print_table(("label", "lines", "precision", "recall", "F1"), rows)


def _check_output(output: str, *, force: bool) -> None:
    if not output.endswith((".bin", ".ftz")):
        raise OutputError(
            f"output {output} must end in .bin or .ftz", hint="fastText's names tell which is quantised"
        )
    check_output_file(output, force=force)
