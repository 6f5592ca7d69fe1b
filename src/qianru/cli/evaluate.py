"""`qianru evaluate`: how good one model is, or which of two is better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qianru.cli.options import (
    AsJson,
    Case,
    EncoderDevice,
    ModelPath,
    RestrictVocab,
    TargetModel,
    TestSets,
    UnknownItems,
)
from qianru.cli.output import Cell, n_of, print_json, print_table

if TYPE_CHECKING:
    from qianru.evaluate import Comparison, Contamination, Dataset, Report, Result
    from qianru.vectors import StaticEncoder

# Files that are no test set, by name.
_N_NAMED = 5


def evaluate(
    model: ModelPath,
    other: Annotated[
        str | None, typer.Argument(metavar="OTHER", help="A second model, compared item by item.")
    ] = None,
    data: TestSets = None,
    target: TargetModel = None,
    contamination: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CORPUS", help="Look for the tests' sentences in the training text; can be repeated."
        ),
    ] = None,
    restrict_vocab: RestrictVocab = 300_000,
    case: Case = "ignore",
    unknown: UnknownItems = "skip",
    bootstrap: Annotated[int, typer.Option(metavar="N", help="Resamples for intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of resamples, shuffles and k-means.")] = 1,
    device: EncoderDevice = "cpu",
    as_json: AsJson = False,
) -> None:
    """Word similarity, analogies, odd one out, categories, directions, associations, translation, hubs and isotropy.

    With --data also sentence similarity, words in context and word senses; of contextual models these alone.

    Scores come with their 95 % intervals, the items known of all, and what one-hot vectors would get. Without --data
    the tests that gensim's package carries are used, if it is installed. File formats: docs/concepts/evaluation.md.

    \b
    Examples:
      qianru evaluate model
      qianru evaluate model --data tests --json
      qianru evaluate new old --data tests
      qianru evaluate model --data tests --contamination corpus.txt.zst
    """
    from qianru.errors import ArgumentError, FormatError
    from qianru.evaluate import Space, find_datasets, packaged_datasets
    from qianru.evaluate import evaluate as evaluate_model
    from qianru.evaluate.suite import compare_models
    from qianru.vectors import Vectors
    from qianru.vectors.static_encoder import is_static_folder

    datasets: list[Dataset] = []
    for folder in data or ():
        found, passed = find_datasets(folder)
        datasets += found
        if passed:
            more = f" and {len(passed) - _N_NAMED} more" if len(passed) > _N_NAMED else ""
            typer.echo(f"no test set: {', '.join(passed[:_N_NAMED])}{more}", err=True)
    if data is None:
        datasets = packaged_datasets()
        if not datasets:
            raise ArgumentError(
                "there is no test set: --data is not given and gensim is not installed",
                hint="--data FOLDER (docs/concepts/evaluation.md has the formats), or pip install gensim",
            )

    leaks = _leaks(datasets, contamination)
    options = {"seed": seed, "n_bootstrap": bootstrap}
    paths = [model] if other is None else [model, other]
    if gone := [path for path in paths if not Path(path).exists()]:
        raise FormatError(
            "no such file or folder", path=gone[0], hint="check the path; models are never fetched"
        )
    if not all(is_static_folder(Path(path)) for path in paths):
        if target is not None or (restrict_vocab, case, unknown) != (300_000, "ignore", "skip"):
            told = "--target, --restrict-vocab, --case and --unknown are for tests of words, and of contextual models there are none"
            typer.echo(f"note: {told}", err=True)
        _texts(paths, datasets, leaks, options, device=device, as_json=as_json)
        return

    def space(path: str) -> Space:
        limit = restrict_vocab or None
        # Every result carries the model's fingerprint, so it has to be that of what was read.
        return Space(Vectors.load(path, verify=True), case=case, unknown=unknown, restrict_vocab=limit)

    judged = space(target) if target is not None else None
    encoders = _encoders(paths, datasets)
    if other is None:
        report = evaluate_model(
            space(model), datasets, target=judged, encoder=encoders[0] if encoders else None, **options
        )
        if as_json:
            print_json({"model": model, **report.as_dict(), **_leaks_json(leaks)})
            return
        _print_report(report, model)
    else:
        one, two, comparisons, shared = compare_models(
            space(model),
            space(other),
            datasets,
            target=judged,
            encoders=(encoders[0], encoders[1]) if encoders else None,
            **options,
        )
        if as_json:
            made = [comparison.as_dict() for comparison in comparisons]
            both = {"a": {"model": model, **one.as_dict()}, "b": {"model": other, **two.as_dict()}}
            stable = shared.as_dict() if shared is not None else None
            print_json({**both, "comparisons": made, "stability": stable, **_leaks_json(leaks)})
            return
        _print_report(one, model)
        _print_report(two, other)
        _print_comparisons(comparisons, shared)
    _print_leaks(leaks)


def _encoders(paths: list[str], datasets: list[Dataset]) -> list[StaticEncoder]:
    """The models as they are for tests on sentences, with their n-grams and tokenizers; none if there is no such test."""
    from qianru.evaluate import SenseExamples, SentencePairs
    from qianru.vectors import StaticEncoder

    if not any(isinstance(data, (SentencePairs, SenseExamples)) for data in datasets):
        return []
    return [StaticEncoder.load(path) for path in paths]


def _texts(
    paths: list[str],
    datasets: list[Dataset],
    leaks: list[Contamination] | None,
    options: dict[str, int],
    *,
    device: str,
    as_json: bool,
) -> None:
    """One or two models of which at least one is contextual: the tests on texts."""
    from qianru.contextual import load_encoder
    from qianru.evaluate import compare, corrected, evaluate_encoder

    reports = [evaluate_encoder(load_encoder(path, device=device), datasets, **options) for path in paths]
    comparisons = []
    for mine in reports[0].results if len(reports) == 2 else ():
        for yours in reports[1].results:
            if (mine.test, mine.dataset_fingerprint) == (yours.test, yours.dataset_fingerprint):
                made = compare(mine, yours, **options)
                comparisons += [] if made is None else [made]
    comparisons = list(corrected(comparisons))
    if as_json:
        told = [{"model": path, **one.as_dict()} for path, one in zip(paths, reports, strict=True)]
        if len(told) == 1:
            print_json({**told[0], **_leaks_json(leaks)})
        else:
            compared = [one.as_dict() for one in comparisons]
            print_json({"a": told[0], "b": told[1], "comparisons": compared, **_leaks_json(leaks)})
        return
    for path, report in zip(paths, reports, strict=True):
        _print_report(report, path)
    _print_comparisons(tuple(comparisons), None)
    _print_leaks(leaks)


def _leaks(datasets: list[Dataset], corpora: list[str] | None) -> list[Contamination] | None:
    if not corpora:
        return None
    from qianru.evaluate import contamination as find_leaks
    from qianru.progress import TerminalProgress
    from qianru.text import Corpus

    text, bar = Corpus(*corpora), TerminalProgress()
    try:
        return find_leaks(datasets, text, progress=bar)
    finally:
        bar.close()


def _leaks_json(leaks: list[Contamination] | None) -> dict[str, object]:
    return {} if leaks is None else {"contamination": [one.as_dict() for one in leaks]}


def _cell(value: float | None) -> Cell:
    return "-" if value is None else value


def _rows(result: Result) -> list[tuple[Cell, ...]]:
    return [
        (
            result.test,
            result.dataset,
            one.metric,
            _cell(one.value),
            _cell(one.low),
            _cell(one.high),
            _cell(one.zero_line),
            one.n,
            f"{result.coverage:.1%}",
        )
        for one in result.scores
    ]


_COLUMNS = ("test", "dataset", "score", "value", "low", "high", "one-hot", "items", "coverage")


def _print_report(report: Report, model: str) -> None:
    print_table(_COLUMNS, [row for result in report.results for row in _rows(result)], title=model)
    for result in report.results:
        for note in result.notes:
            typer.echo(f"{result.test}, {result.dataset}: {note}", err=True)
    for one in report.skipped:
        typer.echo(f"skipped {one.test}, {one.dataset}: {one.reason}", err=True)
    if report.results:
        # Tests on texts have policies of their own.
        of_words = [one for one in report.results if one.policies["n_words"] is not None]
        told = (of_words or report.results)[0].policies
        n_words = "texts as they are" if told["n_words"] is None else n_of(int(str(told["n_words"])), "word")
        typer.echo(
            f"case {told['case']}, unknown {told['unknown']}, {n_words}, "
            f"seed {report.results[0].seed}, fingerprint {str(told['model_fingerprint'])[:16]}",
            err=True,
        )


def _print_comparisons(comparisons: tuple[Comparison, ...], shared: Result | None) -> None:
    columns = ("test", "dataset", "score", "a", "b", "a - b", "low", "high", "p", "p (Holm)", "verdict")
    rows = [
        (
            one.test,
            one.dataset,
            one.metric,
            _cell(one.a),
            _cell(one.b),
            _cell(one.difference),
            _cell(one.low),
            _cell(one.high),
            _cell(one.p),
            _cell(one.p_holm),
            one.verdict,
        )
        for one in comparisons
    ]
    if rows:
        print_table(columns, rows, title="a against b, over the items that both know")
    if shared is not None:
        print_table(_COLUMNS, _rows(shared), title="a and b")


def _print_leaks(leaks: list[Contamination] | None) -> None:
    if leaks is None:
        return
    rows: list[tuple[Cell, ...]] = [
        (one.dataset, one.n_items, one.n_found, one.n_partly, one.n_short, one.note or "checked")
        for one in leaks
    ]
    print_table(("dataset", "items", "in corpus", "partly", "too short", "note"), rows, title="contamination")
