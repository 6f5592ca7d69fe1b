"""`qianru encode`: vectors of texts, or of the tokens and words in them."""

from __future__ import annotations

import glob
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import AsJson, EncoderDevice, Encoding, Field, Force, OnErrors
from qianru.cli.output import Cell, n_of, print_json, print_table
from qianru.errors import ArgumentError

if TYPE_CHECKING:
    from qianru.contextual import ContextualEncoder, Written
    from qianru.text import Corpus
    from qianru.vectors import StaticEncoder

Pooling = Annotated[
    list[str] | None,
    typer.Option(help="mean, cls, max, last, weighted or mean_sqrt; repeated, they are joined."),
]
Layers = Annotated[
    str | None, typer.Option(metavar="N,N", help="Layers to average: 0 the embeddings, -1 the last.")
]
# So many numbers of a vector are shown on a terminal.
_N_SHOWN = 4


def encode(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A folder of transformers, sentence-transformers or ours, or word vectors."
        ),
    ],
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT|FILE", help="Texts, or files of texts by line; - is stdin.")
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="A .npy or .parquet file, a row a text."),
    ] = None,
    level: Annotated[
        Literal["text", "token", "word"], typer.Option(help="A vector for each text, token or word.")
    ] = "text",
    pooling: Pooling = None,
    layers: Layers = None,
    normalize: Annotated[
        bool | None, typer.Option("--normalize/--no-normalize", help="Length 1; default: as the model says.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Of a window; default: what the model takes.")
    ] = None,
    long: Annotated[
        Literal["truncate", "window"], typer.Option(help="Longer texts: cut, and told; or read in windows.")
    ] = "truncate",
    overlap: Annotated[int | None, typer.Option(help="Tokens that two windows share.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Put in front of each text.")] = None,
    backend: Annotated[
        Literal["auto", "packed", "transformers", "onnx"], typer.Option(help="Who runs the model.")
    ] = "auto",
    batch_tokens: Annotated[int, typer.Option(help="Tokens of a batch; halved if memory is short.")] = 2048,
    threads: Annotated[
        int | None, typer.Option(help="Of the model; default: one for each processor.")
    ] = None,
    device: EncoderDevice = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished --output.")] = False,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Vectors of texts by any model: a Transformer's, or the mean of word vectors.

    With -o the text streams through bounded memory, a killed run goes on with --resume, and NAME.npy.json tells
    model, settings, empty and cut texts. Without it: not on a terminal, rows are a text's vector, its numbers separated by
    tabs; with --level token or word: number of the text from 1, token, start, end, vector.

    \b
    Examples:
      qianru encode model "a cat sleeps" 猫在睡觉
      qianru encode model lines.txt -o vectors.npy
      qianru encode model lines.txt.zst -o vectors.parquet --long window --resume
      qianru encode model "she sat by the river bank" --level word --layers=-1,-2 --json
    """
    from qianru.contextual import encode_to_file
    from qianru.progress import TerminalProgress

    if output is None and resume:
        raise ArgumentError("--resume needs --output", hint="-o FILE.npy")
    if output is not None and level != "text":
        raise ArgumentError(f"--level {level} prints, and writes no --output", hint="leave out -o")
    corpus = _corpus(texts, encoding=encoding, errors=errors, field=field)
    encoder = open_encoder(
        model,
        pooling=pooling,
        layers=layers,
        normalize=normalize,
        max_tokens=max_tokens,
        long=long,
        overlap=overlap,
        prompt=prompt,
        backend=backend,
        batch_tokens=batch_tokens,
        device=device,
        threads=threads,
    )
    progress = TerminalProgress()
    try:
        if output is not None:
            source = texts if corpus is None else corpus
            written = encode_to_file(encoder, source, output, resume=resume, force=force, progress=progress)
            progress.close()
            _tell(written)
            if as_json:
                print_json(_written_json(written))
            return
        lines = texts if corpus is None else list(corpus.lines())
        if level != "text":
            _print_tokens(encoder, lines, level, as_json=as_json)
            return
        encoded = encoder.encode(lines, progress=progress)
    except KeyboardInterrupt:
        if output is not None:
            resumable = os.path.isfile(f"{os.path.realpath(output)}.part.json")
            what = "--resume goes on from here" if resumable else "nothing was saved"
            typer.echo(f"\ninterrupted: {what}", err=True)
            raise typer.Exit(130) from None
        raise
    finally:
        progress.close()
    for note in encoded.notes:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        rows = zip(lines, encoded.vectors, encoded.n_tokens, encoded.n_truncated, strict=True)
        print_json(
            [
                {
                    "text": text,
                    "n_tokens": int(n),
                    "n_truncated": int(cut),
                    "is_empty": bool(n == 0),
                    "vector": vector.tolist(),
                }
                for text, vector, n, cut in rows
            ]
        )
    elif sys.stdout.isatty():
        shown: list[tuple[Cell, ...]] = [
            (text, int(n), *(float(x) for x in vector[:_N_SHOWN]))
            for text, vector, n in zip(lines, encoded.vectors, encoded.n_tokens, strict=True)
        ]
        titles = [str(i) for i in range(1, min(_N_SHOWN, encoder.dim) + 1)]
        print_table(("text", "tokens", *titles), shown, title=f"the first of {encoder.dim} numbers")
    else:
        for vector in encoded.vectors:
            typer.echo("\t".join(f"{x:.9g}" for x in vector))


def open_encoder(
    model: str,
    *,
    pooling: list[str] | None = None,
    layers: str | None = None,
    normalize: bool | None = None,
    max_tokens: int | None = None,
    long: str = "truncate",
    overlap: int | None = None,
    prompt: str | None = None,
    backend: str = "auto",
    batch_tokens: int = 2048,
    device: str = "cpu",
    threads: int | None = None,
) -> ContextualEncoder | StaticEncoder:
    """The encoder that the options ask for. Raises ArgumentError, FormatError."""
    from qianru.contextual import load_encoder
    from qianru.layers.backend import set_threads

    set_threads(threads)
    chosen: list[int] | None = None
    if layers is not None:
        try:
            chosen = [int(number) for number in layers.split(",")]
        except ValueError:
            raise ArgumentError(
                f"--layers must be whole numbers with commas between, got {layers!r}", hint="--layers=-1,-2"
            ) from None
    return load_encoder(
        model,
        pooling=None if not pooling else pooling[0] if len(pooling) == 1 else pooling,
        layers=chosen,
        normalize=normalize,
        max_tokens=max_tokens,
        long=long,
        overlap=overlap,
        prompt=prompt,
        backend=backend,
        batch_tokens=batch_tokens,
        device=device,
    )


def _corpus(texts: list[str], *, encoding: str, errors: str, field: str | None) -> Corpus | None:
    """The corpus if the arguments are files, None if they are texts themselves."""
    from qianru.text import Corpus

    are_files = [_is_input(text) for text in texts]
    for text in (text for text, is_file in zip(texts, are_files, strict=True) if not is_file):
        if os.path.isdir(text):
            typer.echo(f"note: {text!r} is encoded as a text; the folder of that name is {text}/", err=True)
        elif re.fullmatch(r"\S+\.(txt|jsonl|gz|bz2|xz|zst)", text):
            typer.echo(f"note: there is no file {text}: its name is encoded as a text", err=True)
    if not any(are_files):
        return None
    if not all(are_files):
        raise ArgumentError(
            f"{texts[are_files.index(False)]!r} is no file, but {texts[are_files.index(True)]!r} is one",
            hint="give files or texts, not both",
        )
    return Corpus(*texts, encoding=encoding, errors=errors, field=field)


def _is_input(text: str) -> bool:
    """Whether `Corpus` is meant: stdin, a file, a folder with a slash, a pattern that fits something."""
    if text == "-" or os.path.isfile(text) or ("/" in text and text.strip("/") and os.path.isdir(text)):
        return True
    return any(sign in text for sign in "*?[") and bool(glob.glob(text))


def _print_tokens(
    encoder: ContextualEncoder | StaticEncoder, lines: list[str], level: str, *, as_json: bool
) -> None:
    from qianru.contextual import ContextualEncoder

    if not isinstance(encoder, ContextualEncoder):
        raise ArgumentError("a static model has one vector a word, wherever it stands", hint="qianru similar")
    found = encoder.encode_tokens(lines, level=level)
    cut = sum(one.n_truncated > 0 for one in found)
    if cut:
        typer.echo(f"note: {n_of(cut, 'text')} cut at {encoder.max_tokens} tokens: --long window", err=True)
    if as_json:
        print_json(
            [
                {
                    "text": text,
                    "n_truncated": one.n_truncated,
                    f"{level}s": [
                        {level: token, "start": start, "end": end, "vector": vector.tolist()}
                        for token, (start, end), vector in zip(
                            one.tokens, one.offsets.tolist(), one.vectors, strict=True
                        )
                    ],
                }
                for text, one in zip(lines, found, strict=True)
            ]
        )
        return
    n_shown = _N_SHOWN if sys.stdout.isatty() else encoder.token_dim
    rows: list[tuple[Cell, ...]] = [
        (
            number,
            token,
            start,
            end,
            *(float(x) if sys.stdout.isatty() else f"{x:.9g}" for x in vector[:n_shown]),
        )
        for number, one in enumerate(found, 1)
        for token, (start, end), vector in zip(one.tokens, one.offsets.tolist(), one.vectors, strict=True)
    ]
    if rows:
        titles = [str(i) for i in range(1, n_shown + 1)]
        print_table(("text", level, "start", "end", *titles), rows)


def _tell(written: Written) -> None:
    if written.n_resumed:
        typer.echo(f"went on behind {n_of(written.n_resumed, 'text')} of an earlier run", err=True)
    for note in written.notes:
        typer.echo(f"note: {note}", err=True)
    for rows, what in ((written.empty, "without a token"), (written.truncated[:, 0], "cut")):
        if len(rows):
            shown = ", ".join(str(row + 1) for row in rows[:3].tolist())
            more = ", …" if len(rows) > 3 else ""
            typer.echo(f"note: {n_of(len(rows), 'text')} {what} (number {shown}{more})", err=True)
    if written.batch_bound is not None:
        typer.echo(
            f"alone or in a batch, a number of a vector differs by {written.batch_bound:.1e} at most",
            err=True,
        )
    typer.echo(f"wrote {written.path}: {n_of(written.n_texts, 'text')} x {written.dim}", err=True)


def _written_json(written: Written) -> dict[str, object]:
    return {
        "path": str(written.path),
        "n_texts": written.n_texts,
        "dim": written.dim,
        "fingerprint": written.fingerprint,
        "empty": written.empty.tolist(),
        "truncated": written.truncated.tolist(),
        "n_resumed": written.n_resumed,
        "batch_bound": written.batch_bound,
    }
