"""`qianru report`: one page that tells everything about a model, or about several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import AsJson, Case, Force, RestrictVocab, TargetModel, TestSets, UnknownItems
from qianru.cli.output import n_bytes, n_of, print_json

if TYPE_CHECKING:
    from qianru.evaluate import Dataset
    from qianru.progress import ProgressCallback
    from qianru.tokens.report import TokenReport


def report(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL", help="Model folders or files of vectors, up to eight.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")],
    data: TestSets = None,
    target: TargetModel = None,
    words: Annotated[
        list[str] | None,
        typer.Option("--words", metavar="WORDS", help="Whose nearest words are shown, between commas."),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many nearest words.")] = 10,
    map: Annotated[
        Literal["pca", "tsne"], typer.Option(help="The map: principal components, or t-SNE.")
    ] = "pca",
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="CORPUS", help="Text to count the tokenizers' tokens on; can be repeated."),
    ] = None,
    senses: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="From `qianru senses --json`; can be repeated."),
    ] = None,
    language: Annotated[
        Literal["en", "zh"], typer.Option(help="Which of its languages the page shows first.")
    ] = "en",
    restrict_vocab: RestrictVocab = 300_000,
    case: Case = "ignore",
    unknown: UnknownItems = "skip",
    bootstrap: Annotated[int, typer.Option(metavar="N", help="Resamples for intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of resamples, shuffles, k-means and t-SNE.")] = 1,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """One page of HTML: how models were made, loss, tests with intervals, coverage, nearest words, maps, analogies, speed.

    The page needs no other file and no network, is in English and Chinese, light and dark, and prints. Without --data the
    tests that gensim's package carries are used, if it is installed. docs/concepts/report.md tells what is on it.

    \b
    Examples:
      qianru report model -o report.html
      qianru report model --data tests --words 猫,tiger,king -o report.html
      qianru report new old --data tests --text corpus.txt --language zh -o report.html
    """
    from qianru.evaluate import Space, find_datasets, read_senses, write_report
    from qianru.progress import TerminalProgress
    from qianru.vectors import Vectors

    datasets: list[Dataset] | None = None if data is None else []
    for folder in data or ():
        datasets = [*(datasets or ()), *find_datasets(folder)[0]]
    told = [one for path in senses or () for one in read_senses(path)]
    chosen = [
        word.strip() for one in words or () for word in one.replace("，", ",").split(",") if word.strip()
    ]
    limit = restrict_vocab or None
    names = names_of(models)

    def space(path: str) -> Space:
        return Space(Vectors.load(path, verify=True), case=case, unknown=unknown, restrict_vocab=limit)

    spaces = {name: space(path) for name, path in names.items()}
    bar = TerminalProgress()
    try:
        results = write_report(
            spaces,
            output,
            datasets=datasets,
            target=None if target is None else space(target),
            words=chosen,
            k=k,
            map=map,
            tokens=_tokens(names, text, bar),
            senses=told,
            places=names,
            language=language,
            seed=seed,
            n_bootstrap=bootstrap,
            force=force,
            progress=bar,
        )
    finally:
        bar.close()
    size = Path(output).stat().st_size
    if as_json:
        print_json({"path": output, "n_bytes": size, **results})
    else:
        typer.echo(output)
    typer.echo(f"wrote {output}: {n_of(len(names), 'model')}, {n_bytes(size)}", err=True)


def names_of(models: list[str]) -> dict[str, str]:
    """Name on the page → path: the last part of the path where that tells models apart, otherwise the whole. Raises ArgumentError."""
    from qianru.errors import ArgumentError

    if len(set(models)) < len(models):
        twice = next(model for model in models if models.count(model) > 1)
        raise ArgumentError(f"MODEL {twice} is given twice", hint="name each model once")
    short = [Path(model).resolve().name for model in models]
    return dict(zip(short if len(set(short)) == len(short) else models, models, strict=True))


def _tokens(names: dict[str, str], text: list[str] | None, bar: ProgressCallback) -> dict[str, TokenReport]:
    """What the tokenizer of each model that has one makes of the text."""
    if not text:
        return {}
    from qianru.errors import FormatError
    from qianru.text import Corpus
    from qianru.tokens import Tokenizer
    from qianru.tokens.report import report_tokens

    found = {}
    for name, path in names.items():
        if not Path(path).is_dir():
            typer.echo(f"note: {path} is a file of vectors, without a tokenizer", err=True)
            continue
        try:
            tokenizer = Tokenizer.load(path)
        except FormatError as error:
            typer.echo(f"note: no tokenizer of {path}: {error.message}", err=True)
            continue
        found[name] = report_tokens(tokenizer, {one: Corpus(one) for one in text}, progress=bar)
    return found
