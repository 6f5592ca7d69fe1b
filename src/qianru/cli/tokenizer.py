"""`qianru tokenizer`: training tokenizers, and what they make of a corpus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Corpora,
    Encoding,
    Field,
    Force,
    Lowercase,
    OnErrors,
    SegmenterFile,
    Threads,
    UserDict,
    check_output_folder,
)
from qianru.cli.output import Cell, n_of, print_json, print_table

if TYPE_CHECKING:
    from qianru.tokens.report import Share, TokenReport

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def tokenizer() -> None:
    """Train tokenizers, see what they make of text, and change their vocabulary.

    \b
    Examples:
      qianru tokenizer train corpus.txt -o tokenizer --vocab-size 32000
      qianru tokenizer report tokenizer corpus.txt
      qianru tokenizer extend tokenizer -o new --words words.txt
    """


@app.command("train")
def train(
    corpus: Corpora,
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Folder to write.")],
    kind: Annotated[
        Literal["bpe", "wordpiece", "unigram", "character", "word"], typer.Option(help="bpe is byte-level.")
    ] = "bpe",
    vocab_size: Annotated[int, typer.Option(help="Tokens altogether.")] = 32_000,
    min_count: Annotated[int, typer.Option(help="Of what is rarer no token is made.")] = 2,
    special_token: Annotated[
        list[str] | None, typer.Option(metavar="TOKEN", help="A special token; may be given again.")
    ] = None,
    coverage: Annotated[
        float, typer.Option(help="Share of the characters that get tokens; not with bpe and word.")
    ] = 0.9995,
    byte_fallback: Annotated[
        bool | None,
        typer.Option(
            "--byte-fallback/--no-byte-fallback", help="Bytes for what has no token; unigram and character."
        ),
    ] = None,
    pattern: Annotated[
        Literal["gpt2", "cl100k", "o200k", "qwen2"], typer.Option(help="How text is cut before bpe.")
    ] = "cl100k",
    threads: Threads = None,
    memory: Annotated[
        int,
        typer.Option(
            metavar="BYTES", help="Training takes no more; rare pieces go, or ids to a file; not unigram."
        ),
    ] = 1 << 31,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    lowercase: Lowercase = False,
    user_dict: UserDict = None,
    segmenter: SegmenterFile = None,
    prefer: Annotated[
        str | None, typer.Option(metavar="FILE", help="Chinese words for the dictionary to prefer; word.")
    ] = None,
    traditional: Annotated[
        bool, typer.Option("--traditional", help="Cut traditional Chinese as simplified; word.")
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train a tokenizer from text: Chinese, English or both.

    DIR gets a tokenizer.json, which transformers and others open. The same text gives the same bytes.

    \b
    Examples:
      qianru tokenizer train corpus.txt -o tokenizer --vocab-size 32000
      qianru tokenizer train 'news/*.gz' -o words --kind word --vocab-size 100000 --user-dict names.txt
      qianru tokenizer train zh.txt -o characters --kind character --vocab-size 6000 --byte-fallback
    """
    from qianru.progress import TerminalProgress
    from qianru.text import Corpus
    from qianru.tokens import Tokenizer

    check_output_folder(output, force=force, mark="tokenizer.json", what="tokenizer")
    text = Corpus(
        *corpus,
        encoding=encoding,
        errors=errors,
        field=field,
        lowercase=lowercase,
        user_dict=user_dict,
        segmenter=segmenter,
        prefer=prefer,
        traditional=traditional,
    )
    bar, started = TerminalProgress(), time.time()
    try:
        made = Tokenizer.train(
            text,
            kind=kind,
            vocab_size=vocab_size,
            min_count=min_count,
            special_tokens=special_token or (),
            coverage=coverage,
            byte_fallback=byte_fallback,
            pattern=pattern,
            threads=threads,
            memory=memory,
            progress=bar,
        )
    finally:
        bar.close()
    made.save(output, force=force)
    seconds = time.time() - started
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        print_json(
            {
                "path": output,
                "kind": kind,
                "n_tokens": made.n_tokens,
                "seconds": round(seconds, 3),
                "fingerprint": made.fingerprint,
            }
        )
    typer.echo(f"wrote {output}: {n_of(made.n_tokens, 'token')}, {seconds:.1f} s", err=True)
    typer.echo(f'try: qianru tokenize {output} "老虎 tigers"', err=True)


@app.command("report")
def report(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A tokenizer: folder or file.")],
    corpus: Corpora,
    beside: Annotated[
        str | None, typer.Option(metavar="OTHER", help="A second tokenizer, to be compared.")
    ] = None,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    as_json: AsJson = False,
) -> None:
    """What a tokenizer makes of a corpus, for each input and each script.

    Fertility is tokens a word, words as training cuts them. Byte fallback is the share of tokens that are bytes of a
    character. Not on a terminal, the rows are: tokenizer, part, words, tokens, fertility, characters a token,
    unknown, byte fallback, separated by tabs.

    \b
    Examples:
      qianru tokenizer report tokenizer corpus.txt
      qianru tokenizer report gpt2 en.txt zh.txt --beside cl100k_base.tiktoken
      qianru tokenizer report tokenizer corpus.txt --json
    """
    from qianru.progress import TerminalProgress
    from qianru.text import Corpus
    from qianru.tokens import Tokenizer
    from qianru.tokens.report import report_tokens

    corpora = {name: Corpus(name, encoding=encoding, errors=errors, field=field) for name in corpus}
    tokenizers = {
        name: Tokenizer.load(name) for name in dict.fromkeys([model, *([beside] if beside else [])])
    }
    bar = TerminalProgress()
    reports = {}
    try:
        for name, tokenizer in tokenizers.items():
            reports[name] = report_tokens(tokenizer, corpora, progress=bar)
    finally:
        bar.close()
    if as_json:
        print_json({name: found.as_dict() for name, found in reports.items()})
        return
    columns = ("tokenizer", "part", "words", "tokens", "fertility", "chars/token", "unknown", "byte fallback")
    print_table(columns, _rows(reports))
    for name, found in reports.items():
        typer.echo(
            f"{name}: {found.n_never_used:,} of {n_of(found.n_ordinary, 'token')} never used"
            f"{_listed(found.never_used[:8])}",
            err=True,
        )
        typer.echo(f"{name}: longest{_listed([token for token, _ in found.longest[:8]])}", err=True)
        for note in found.notes:
            typer.echo(f"note: {name}: {note}", err=True)


def _rows(reports: dict[str, TokenReport]) -> list[list[Cell]]:
    """Part after part, in each the tokenizers side by side."""
    first = next(iter(reports.values()))
    rows: list[list[Cell]] = []
    parts: list[tuple[str, str, str]] = [
        *(("files", name, name) for name in first.files),
        *(("scripts", name, name) for name in first.scripts),
    ]
    for group, key, title in parts:
        rows += [[name, title, *_cells(getattr(found, group)[key])] for name, found in reports.items()]
    return [*rows, *([name, "all", *_cells(found.total)] for name, found in reports.items())]


def _cells(share: Share) -> list[Cell]:
    return [
        share.n_words,
        share.n_tokens,
        share.fertility,
        share.characters_per_token,
        share.unknown_rate,
        share.fallback_rate,
    ]


def _listed(tokens: list[str]) -> str:
    shown = [token if token.isprintable() and token.strip() == token else repr(token) for token in tokens]
    return f": {'  '.join(shown)}" if shown else ""
