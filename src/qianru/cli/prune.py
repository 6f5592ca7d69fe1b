"""`qianru prune`: a smaller model with the same vectors."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from qianru.cli.options import (
    AsJson,
    Encoding,
    Field,
    Force,
    LowercaseOfModel,
    ModelPath,
    OnErrors,
    SegmenterFile,
    Threads,
    UserDict,
    check_model_output,
)
from qianru.cli.output import n_bytes, n_of, print_json, print_table


def prune(
    model: ModelPath,
    output: Annotated[str, typer.Option("--output", "-o", metavar="NEW", help="Model folder to write.")],
    min_count: Annotated[int | None, typer.Option(help="Keep words counted so often in training.")] = None,
    words: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep these words only, one a line.")
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(metavar="CORPUS", help="Keep words of this text only; may be given again."),
    ] = None,
    max_vocab: Annotated[int | None, typer.Option(help="Keep so many, the most frequent.")] = None,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: LowercaseOfModel = None,
    user_dict: UserDict = None,
    segmenter: SegmenterFile = None,
    threads: Threads = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Leave words out of a model. The vectors that stay are the same, bit for bit, in the same order.

    A word stays if all rules that are given let it through. A fastText model keeps its n-grams.

    \b
    Examples:
      qianru prune model -o small --max-vocab 50000
      qianru prune model -o mine --corpus my-texts/ --min-count 20
    """
    from qianru.progress import TerminalProgress
    from qianru.static import prune as prune_vectors
    from qianru.static.parent import was_lowercased
    from qianru.text import Corpus
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.subwords import has_subwords

    check_model_output(output, force=force)
    text = None
    if corpus:
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
        vectors, report = prune_vectors(
            Vectors.load(model),
            min_count=min_count,
            words=words,
            corpus=text,
            max_vocab=max_vocab,
            threads=threads,
            progress=bar,
        )
    finally:
        bar.close()
    if has_subwords(model):
        SubwordVectors.load(model).with_words(vectors).save(output, force=force)
    else:
        vectors.save(output, force=force)
    if as_json:
        print_json({"path": output, "fingerprint": vectors.fingerprint, **asdict(report)})
    else:
        rows = [("before", report.n_before), ("after", report.n_after)]
        rows += [(f"ruled out by {name}", number) for name, number in report.gone.items()]
        print_table(("words", "number"), rows)
    share = "" if report.count_gone is None else f", {report.count_gone:.2%} of all words counted"
    typer.echo(f"gone: {n_bytes(report.n_bytes_gone)}{share}: {' '.join(report.words_gone)}", err=True)
    typer.echo(f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}", err=True)
