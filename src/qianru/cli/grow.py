"""`qianru grow`: a model and the new words of a text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Corpora,
    Encoding,
    Epochs,
    Field,
    Force,
    LowercaseOfModel,
    OnErrors,
    Seed,
    SegmenterFile,
    Threads,
    UserDict,
    check_model_output,
)
from qianru.cli.output import Cell, n_of, print_json, print_table

if TYPE_CHECKING:
    from qianru.static import GrowthReport


def grow(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model folder or a word2vec file.")],
    corpus: Corpora,
    output: Annotated[str, typer.Option("--output", "-o", metavar="NEW", help="Model folder to write.")],
    old_rate: Annotated[
        float, typer.Option(help="Share of their updates that old words take; 0: not one bit changes.")
    ] = 0.0,
    start: Annotated[
        Literal["context", "subword", "random"],
        typer.Option(help="New words start from the words around them, or from words spelled alike."),
    ] = "context",
    min_count: Annotated[int, typer.Option(help="Leave out rarer new words.")] = 5,
    max_new: Annotated[int | None, typer.Option(help="Add only the most frequent new words.")] = None,
    window: Annotated[int | None, typer.Option(help="Default: as the model was trained.")] = None,
    negative: Annotated[int | None, typer.Option(help="Default: as the model was trained.")] = None,
    sample: Annotated[float | None, typer.Option(help="Default: as the model was trained.")] = None,
    epochs: Epochs = 5,
    learning_rate: Annotated[float, typer.Option(help="At the first word.")] = 0.05,
    min_learning_rate: Annotated[float, typer.Option(help="At the last word.")] = 1e-4,
    seed: Seed = 1,
    threads: Threads = None,
    probes: Annotated[
        str | None, typer.Option(metavar="FILE", help="Analogies or word pairs, measured before and after.")
    ] = None,
    drift_words: Annotated[int, typer.Option(help="Old words whose neighbours are compared.")] = 1000,
    keep_training_state: Annotated[
        bool, typer.Option("--keep-training-state", help="Keep what the next --continue or grow can use.")
    ] = False,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: LowercaseOfModel = None,
    user_dict: UserDict = None,
    segmenter: SegmenterFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Add the new words of a text to a model; the ids of the old words stay, and so do their vectors.

    A fastText model keeps its n-grams, as they are.

    Reports what old words lost: of their 10 nearest, and of the probes. A line of the probes is
    `a b c d` (an analogy), `word word score`, `word nearer farther` or `word word`.

    \b
    Examples:
      qianru grow model news.txt -o model2
      qianru grow model news.txt -o model2 --old-rate 0.1 --probes questions-words.txt
    """
    from qianru.progress import TerminalProgress
    from qianru.static import grow as grow_model
    from qianru.static.parent import was_lowercased
    from qianru.text import Corpus
    from qianru.vectors import Vectors

    check_model_output(output, force=force)
    text = Corpus(
        *corpus,
        encoding=encoding,
        errors=errors,
        field=field,
        lowercase=was_lowercased(model) if lowercase is None else lowercase,
        user_dict=user_dict,
        segmenter=segmenter,
    )
    bar = TerminalProgress()
    try:
        made, report = grow_model(
            model,
            text,
            old_rate=old_rate,
            start=start,
            min_count=min_count,
            max_new=max_new,
            window=window,
            negative=negative,
            sample=sample,
            epochs=epochs,
            learning_rate=learning_rate,
            min_learning_rate=min_learning_rate,
            seed=seed,
            threads=threads,
            probes=probes,
            drift_words=drift_words,
            output=output,
            keep_training_state=keep_training_state,
            force=force,
            progress=bar,
        )
    finally:
        bar.close()
    vectors = made if isinstance(made, Vectors) else made.vectors
    if as_json:
        print_json({"path": output, "fingerprint": vectors.fingerprint, **asdict(report)})
    else:
        _print_report(report)
    typer.echo(f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}", err=True)


def _print_report(report: GrowthReport) -> None:
    drift = report.drift
    rows: list[tuple[Cell, ...]] = [
        ("old words", report.n_old),
        ("new words", report.n_new),
        ("of the text known before", report.known_before),
        ("of the text known now", report.known_after),
        (f"of {drift.k} nearest old words kept", drift.kept),
        (f"of {drift.k} nearest words kept", drift.kept_among_all),
    ]
    for probe in report.probes:
        names = ("before", "after", "after, new words too")
        for name, value in zip(names, (probe.before, probe.after, probe.after_all), strict=True):
            rows.append((f"{probe.kind}, {name}", "none known" if value is None else value))
    print_table(("what", "value"), rows)
    typer.echo(
        f"new: {' '.join(report.new_words)}{' …' if report.n_new > len(report.new_words) else ''}", err=True
    )
    for change in drift.most[:5]:
        typer.echo(f"{change.word} lost {' '.join(change.lost)}", err=True)
