"""`qianru report`: one page that tells everything about a model, or about several side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import AsJson, Case, Force, RestrictVocab, TargetModel, TestSets, UnknownItems
from qianru.cli.output import n_bytes, n_of, print_json

if TYPE_CHECKING:
    from qianru.contextual import ContextualEncoder
    from qianru.evaluate import Dataset, RecordedSenses, Space
    from qianru.progress import ProgressCallback
    from qianru.text import Corpus
    from qianru.tokens.report import TokenReport
    from qianru.vectors import StaticEncoder

    Opened = Space | ContextualEncoder | StaticEncoder

# So many lines of the text speed is measured on.
_N_TEXTS = 256


def report(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL", help="Folders of any models, files of vectors; up to eight."),
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")],
    data: TestSets = None,
    target: TargetModel = None,
    words: Annotated[
        list[str] | None,
        typer.Option(
            "--words",
            metavar="WORDS",
            help="Whose nearest words, or senses in --text, are shown, between commas.",
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many nearest words.")] = 10,
    map: Annotated[
        Literal["pca", "tsne"], typer.Option(help="The map: principal components, or t-SNE.")
    ] = "pca",
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CORPUS", help="Text to count tokens, find senses and measure speed on; can be repeated."
        ),
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

    Contextual models (ours, of transformers, of sentence-transformers) stand alone or beside static ones: their loss on what was
    held out, the tests on texts in --data, and with --text the senses of --words. What a page lacks, it says.

    The page needs no other file and no network, is in English and Chinese, light and dark, and prints. Without --data the
    tests that gensim's package carries are used, if it is installed. docs/concepts/report.md tells what is on it.

    \b
    Examples:
      qianru report model -o report.html
      qianru report model --data tests --words 猫,tiger,king -o report.html
      qianru report new old --data tests --text corpus.txt --language zh -o report.html
      qianru report bert vectors --data tests --text corpus.txt --words bank,苹果 -o report.html
    """
    from qianru.evaluate import Space, find_datasets, read_senses, write_report
    from qianru.progress import TerminalProgress
    from qianru.vectors import Vectors
    from qianru.vectors.other_folders import is_contextual_folder

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

    opened: dict[str, Opened] = {}
    for name, path in names.items():
        if is_contextual_folder(Path(path)):
            from qianru.contextual import load_encoder

            opened[name] = load_encoder(path)
        else:
            opened[name] = space(path)
    bar = TerminalProgress()
    try:
        texts = _texts(text)
        tokens = _tokens(names, opened, texts, bar)
        told += _senses(opened, chosen, texts, seed, bar)
        results = write_report(
            opened,
            output,
            datasets=datasets,
            target=None if target is None else space(target),
            words=chosen,
            k=k,
            map=map,
            tokens=tokens,
            senses=told,
            texts=_lines(texts),
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


def _tokens(
    names: dict[str, str], opened: dict[str, Opened], texts: dict[str, Corpus], bar: ProgressCallback
) -> dict[str, TokenReport]:
    """What the tokenizer of each model that has one makes of the text."""
    if not texts:
        return {}
    from qianru.errors import FormatError
    from qianru.evaluate import Space
    from qianru.tokens import Tokenizer
    from qianru.tokens.report import report_tokens

    found = {}
    for name, path in names.items():
        model = opened[name]
        tokenizer: object = None
        if not isinstance(model, Space):
            tokenizer = getattr(model, "tokenizer", None)
            reason = "it takes words as they are, whatever their letters"
        elif Path(path).is_dir():
            try:
                tokenizer = Tokenizer.load(path)
            except FormatError as error:
                reason = error.message
        else:
            reason = "it is a file of vectors"
        if not isinstance(tokenizer, Tokenizer):
            typer.echo(f"note: no tokenizer of {path}: {reason}", err=True)
            continue
        found[name] = report_tokens(tokenizer, texts, progress=bar)
    return found


def _senses(
    opened: dict[str, Opened], words: list[str], texts: dict[str, Corpus], seed: int, bar: ProgressCallback
) -> list[RecordedSenses]:
    """The senses in the text of each word by each contextual model; a note where there are none to find."""
    from qianru.evaluate import Space

    models = {name: model for name, model in opened.items() if not isinstance(model, Space)}
    if not models or not words or not texts:
        return []
    from qianru.contextual import find_senses, for_senses
    from qianru.errors import ArgumentError, CorpusError
    from qianru.evaluate import recorded_senses

    found = []
    for word in words:
        for name, model in models.items():
            try:
                made = find_senses(for_senses(model), word, _all_lines(texts), seed=seed, progress=bar)
            except (ArgumentError, CorpusError) as error:
                typer.echo(f"note: no senses of {word} by {name}: {error.message}", err=True)
                continue
            found.append(recorded_senses(made.as_dict()))
    return found


def _texts(text: list[str] | None) -> dict[str, Corpus]:
    """What --text names; stdin, which can be read once, is kept, since several parts of the page ask for it."""
    from qianru.text import Corpus

    return {one: Corpus(list(Corpus(one).lines())) if one == "-" else Corpus(one) for one in text or ()}


def _lines(texts: dict[str, Corpus]) -> list[str]:
    """The first lines of the text."""
    from itertools import islice

    return list(islice((line for line in _all_lines(texts) if line.strip()), _N_TEXTS))


def _all_lines(texts: dict[str, Corpus]) -> Iterator[str]:
    for corpus in texts.values():
        yield from corpus.lines()
