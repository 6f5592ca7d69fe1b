"""`qianru classify train|predict|evaluate`: networks over embeddings that give texts labels."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Device,
    EncoderDevice,
    Force,
    TorchThreads,
    check_output_folder,
    texts_from,
)
from qianru.cli.output import Cell, n_of, print_json, print_table

if TYPE_CHECKING:
    from qianru.evaluate import Score
    from qianru.transfer import TextClassifier, TextReport

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def classify() -> None:
    """Texts to labels: an encoder on an embedding layer, from random or pretrained vectors.

    \b
    Examples:
      qianru classify train reviews.csv -o mood --start vectors
      qianru classify predict mood "a charming film"
      qianru classify evaluate mood test.csv
    """


TextColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column or field with the text; a number if there is no header."),
]
LabelColumn = Annotated[str | None, typer.Option(metavar="NAME", help="Column or field with the label.")]
Format = Annotated[
    Literal["csv", "tsv", "jsonl"] | None, typer.Option(help="Of the files; by default by their names.")
]
Overlap = Annotated[
    Literal["refuse", "drop", "allow"],
    typer.Option(help="Test texts that are among the training texts: stop, leave out, or keep."),
]
Features = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Where the model of its features is now, if it was moved.")
]
Model = Annotated[str, typer.Argument(metavar="CLASSIFIER", help="A folder of `qianru classify train`.")]


@app.command()
def train(
    examples: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV, TSV or JSON lines; .gz too; - is stdin.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FOLDER", help="To write.")],
    validation: Annotated[
        str, typer.Option(metavar="FILE", help="Examples to stop by; or the share held out for that.")
    ] = "0.1",
    test: Annotated[str | None, typer.Option(metavar="FILE", help="Evaluate each seed on these.")] = None,
    start: Annotated[
        str, typer.Option(metavar="MODEL", help="Word vectors that rows start from; or random.")
    ] = "random",
    rows: Annotated[
        Literal["frozen", "slow", "free"], typer.Option(help="What training may do to rows from --start.")
    ] = "slow",
    features: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Instead of rows: frozen vectors of texts by any model of `qianru encode`."
        ),
    ] = None,
    fine_tune: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Instead of rows: a folder of transformers, trained as a whole."),
    ] = None,
    features_settings: Annotated[
        str,
        typer.Option(metavar="JSON", help="Of either: '{\"layers\": [-1, -2]}'; docs/concepts/encoding.md."),
    ] = "{}",
    encoder: Annotated[
        Literal["mean", "cnn", "lstm", "gru", "transformer"], typer.Option(help="What lies on the rows.")
    ] = "mean",
    encoder_settings: Annotated[
        str, typer.Option(metavar="JSON", help="As '{\"widths\": [2, 3]}'; docs/concepts/embedding-layer.md.")
    ] = "{}",
    tokenizer: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Gives the tokens, instead of words.")
    ] = None,
    dim: Annotated[int, typer.Option(help="Numbers in a row, with --start random.")] = 100,
    min_count: Annotated[int, typer.Option(help="Rarer words of the examples are unknown.")] = 2,
    max_tokens: Annotated[int, typer.Option(help="Longer texts are cut.")] = 256,
    dropout: Annotated[float, typer.Option(help="Share of numbers left out in training.")] = 0.3,
    epochs: Annotated[
        int | None,
        typer.Option(help="At most so many checks, one after each pass. Default 30; --fine-tune 10."),
    ] = None,
    patience: Annotated[int, typer.Option(help="Stop after so many checks without progress.")] = 3,
    batch_size: Annotated[int, typer.Option(help="Texts in a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW.")] = 2e-3,
    slow: Annotated[float, typer.Option(help="Rate of slow rows, as a share of the other.")] = 0.2,
    body_learning_rate: Annotated[float, typer.Option(help="Of the weights of --fine-tune.")] = 5e-5,
    warmup: Annotated[
        float, typer.Option(help="Share of the steps in which the rates of --fine-tune rise.")
    ] = 0.1,
    class_weights: Annotated[
        Literal["none", "balanced"], typer.Option(help="balanced: rare labels count more.")
    ] = "none",
    seeds: Annotated[int, typer.Option(help="Train so many times; the best by held-out loss is kept.")] = 1,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    format: Format = None,
    overlap: Overlap = "refuse",
    threads: TorchThreads = None,
    device: Device = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train a classifier of texts, with early stopping and calibrated probabilities.

    Not on a terminal, the rows on stdout are one a seed: seed, checks to the best, held-out loss, held-out accuracy,
    test accuracy with its interval, test macro F1; - where there is none.

    \b
    Examples:
      qianru classify train reviews.csv -o mood
      qianru classify train train.tsv -o mood --start vectors --encoder cnn --test test.tsv --seeds 5
      qianru classify train train.tsv -o mood --features sentence-model
      qianru classify train train.tsv -o mood --fine-tune bert-folder --batch-size 16
      qianru classify train train.tsv -o mood --text-column 1 --label-column 2
    """
    from qianru.progress import TerminalProgress
    from qianru.tokens import Tokenizer
    from qianru.transfer import read_examples, train_text_classifier

    check_output_folder(output, force=force, mark="qianru.json", what="model")

    def read(path: str) -> Any:
        return read_examples(path, text_column=text_column, label_column=label_column, format=format)

    bar, started, share = TerminalProgress(), time.time(), _share(validation)
    try:
        made = train_text_classifier(
            read(examples),
            validation=read(validation) if share is None else share,
            test=None if test is None else read(test),
            start=None if start == "random" else _vectors(start),
            rows=rows,
            encoder=encoder,
            features=features,
            fine_tune=fine_tune,
            features_settings=_settings(features_settings, "--features-settings"),
            encoder_settings=_settings(encoder_settings, "--encoder-settings"),
            tokenizer=None if tokenizer is None else Tokenizer.load(tokenizer),
            dim=dim,
            min_count=min_count,
            max_tokens=max_tokens,
            dropout=dropout,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            slow=slow,
            body_learning_rate=body_learning_rate,
            warmup=warmup,
            class_weights=class_weights,
            seeds=seeds,
            overlap=overlap,
            threads=threads,
            device=device,
            progress=bar,
        )
    finally:
        bar.close()
    made.save(output, force=force)
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    _say_what_was_found(made)
    typer.echo(
        f"wrote {output}: {n_of(len(made.labels), 'label')}, {n_of(made.n_parameters, 'number')}, "
        f"seed {made.seed}, temperature {made.temperature:.2f}, {time.time() - started:.1f} s",
        err=True,
    )
    if as_json:
        print_json({"path": output, "seed": made.seed, **made.provenance})
        return
    rows_of = [
        (
            str(run.seed),
            run.best_check,
            _cell(run.held_out_loss),
            _cell(run.held_out_accuracy),
            *(_scored(run.report.accuracy) if run.report else ("-", "-", "-")),
            _cell(run.report.macro_f1.value) if run.report else "-",
        )
        for run in made.runs
    ]
    print_table(
        (
            "seed",
            "best check",
            "held-out loss",
            "held-out accuracy",
            "test accuracy",
            "low",
            "high",
            "macro F1",
        ),
        rows_of,
    )


@app.command()
def predict(
    classifier: Model,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="Texts; - reads lines from stdin.")],
    features: Features = None,
    k: Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many labels to print.")] = 1,
    device: EncoderDevice = "cpu",
    as_json: AsJson = False,
) -> None:
    """The most probable labels of each TEXT, best first.

    Not on a terminal, the rows are: number of the text from 1, label, probability, separated by tabs.

    \b
    Examples:
      qianru classify predict mood "a charming film"
      qianru classify predict mood - -k 2 < lines.txt
    """
    from qianru.transfer import TextClassifier

    asked = texts_from(texts)
    answers = TextClassifier.load(classifier, features=features, device=device).predict(asked, k)
    if as_json:
        print_json(
            [
                {"text": text, "labels": [one._asdict() for one in found]}
                for text, found in zip(asked, answers, strict=True)
            ]
        )
        return
    rows = [(number, one.label, one.probability) for number, found in enumerate(answers, 1) for one in found]
    print_table(("text", "label", "probability"), rows)


@app.command()
def evaluate(
    classifier: Model,
    examples: Annotated[str, typer.Argument(metavar="FILE", help="CSV, TSV or JSON lines; - is stdin.")],
    features: Features = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    format: Format = None,
    overlap: Overlap = "refuse",
    bootstrap: Annotated[int, typer.Option(metavar="N", help="Resamples for intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 1,
    device: EncoderDevice = "cpu",
    as_json: AsJson = False,
) -> None:
    """Accuracy, macro F1, and of each label precision, recall and F1, with 95 % intervals.

    Not on a terminal, the rows are: label, its examples, then precision, recall and F1 each with low and high end;
    the first two rows are accuracy and macro F1.

    \b
    Examples:
      qianru classify evaluate mood test.csv
      qianru classify evaluate mood test.tsv --text-column 1 --label-column 2 --json
    """
    from qianru.transfer import TextClassifier, read_examples

    opened = TextClassifier.load(classifier, features=features, device=device)
    data = read_examples(examples, text_column=text_column, label_column=label_column, format=format)
    report = opened.evaluate(data, overlap=overlap, n_bootstrap=bootstrap, seed=seed)
    left_out = len(data) - report.n_examples
    if left_out:
        typer.echo(f"note: {n_of(left_out, 'example')} left out: their texts were trained on", err=True)
    if report.n_truncated:
        typer.echo(
            f"note: {n_of(report.n_truncated, 'text')} longer than the classifier takes, cut", err=True
        )
    typer.echo(
        f"log loss {report.log_loss:.4f}, calibration error {report.calibration_error:.4f}, "
        f"always the most frequent label: {report.majority:.4f}",
        err=True,
    )
    if as_json:
        print_json(report.as_dict())
        return
    _print_report(report)


def _print_report(report: TextReport) -> None:
    whole: list[tuple[Cell, ...]] = [
        (name, report.n_examples, *_scored(one), *["-"] * 6)
        for name, one in (("accuracy", report.accuracy), ("macro F1", report.macro_f1))
    ]
    each: list[tuple[Cell, ...]] = [
        (name, one.n_examples, *_scored(one.precision), *_scored(one.recall), *_scored(one.f1))
        for name, one in report.labels.items()
    ]
    columns = ("label", "examples", "precision", "low", "high", "recall", "low", "high", "F1", "low", "high")
    print_table(columns, [*whole, *each])


def _scored(score: Score) -> tuple[Cell, Cell, Cell]:
    return _cell(score.value), _cell(score.low), _cell(score.high)


def _cell(value: float | None) -> Cell:
    return "-" if value is None else value


def _share(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _settings(text: str, option: str) -> dict[str, Any]:
    from qianru.errors import ArgumentError

    try:
        found = json.loads(text)
    except ValueError as error:
        found = error
    if not isinstance(found, dict):
        raise ArgumentError(
            f"{option} must be a JSON object, got {text!r}",
            hint="'{\"hidden\": 64}'" if option == "--encoder-settings" else "'{\"layers\": [-1, -2]}'",
        )
    return found


def _vectors(path: str) -> Any:
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.subwords import has_subwords

    return SubwordVectors.load(path) if has_subwords(path) else Vectors.load(path)


def _say_what_was_found(made: TextClassifier) -> None:
    told = made.provenance["start"]
    if isinstance(told, dict) and told.get("kind") in ("features", "fine-tuned"):
        typer.echo(
            f"{told['kind']}: {told['model']}, dim {told['dim']}, {str(told['fingerprint'])[:16]}", err=True
        )
    mapping = told.get("mapping") if isinstance(told, dict) else None
    if isinstance(mapping, dict):
        typer.echo(
            f"rows: {mapping['n_found']:,} found, {mapping['n_subwords']:,} from n-grams, {mapping['n_missing']:,} "
            f"missing; {mapping['coverage']:.1%} of the training tokens start from a vector",
            err=True,
        )
