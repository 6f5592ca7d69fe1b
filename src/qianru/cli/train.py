"""`qianru train word2vec`: text files to a model folder."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qianru.cli.options import AsJson, Force, check_model_output
from qianru.cli.output import n_bytes, n_of, print_json
from qianru.errors import ArgumentError

if TYPE_CHECKING:
    from qianru.text import EncodedCorpus
    from qianru.vectors import Vectors

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def train() -> None:
    """Train vectors from text.

    \b
    Examples:
      qianru train word2vec corpus.txt -o model
      qianru train word2vec --help
    """


@app.command("word2vec")
def word2vec(
    corpus: Annotated[
        list[str],
        typer.Argument(metavar="CORPUS", help="Files, folders, globs, .gz .bz2 .xz .zst; - is stdin."),
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="MODEL", help="Model folder to write.")],
    model: Annotated[
        Literal["skipgram", "cbow"], typer.Option(help="Predict contexts from the word, or the reverse.")
    ] = "skipgram",
    loss: Annotated[
        Literal["ns", "hs"], typer.Option(help="Negative sampling, hierarchical softmax.")
    ] = "ns",
    cbow_gradient: Annotated[
        Literal["classic", "corrected"], typer.Option(help="With --model cbow.")
    ] = "classic",
    dim: Annotated[int, typer.Option(help="Numbers in a vector.")] = 100,
    window: Annotated[int, typer.Option(help="At most so many words on each side.")] = 5,
    negative: Annotated[int, typer.Option(help="Noise words for each word, with --loss ns.")] = 5,
    sample: Annotated[float, typer.Option(help="Thin out words above this share; 0: none.")] = 1e-4,
    min_count: Annotated[int, typer.Option(help="Leave out rarer words.")] = 5,
    max_vocab: Annotated[int | None, typer.Option(help="Keep only the most frequent words.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the text.")] = 5,
    learning_rate: Annotated[float, typer.Option(help="At the first word.")] = 0.025,
    min_learning_rate: Annotated[float, typer.Option(help="At the last word.")] = 1e-4,
    seed: Annotated[int, typer.Option(help="With --threads 1: same seed, same bits.")] = 1,
    threads: Annotated[int | None, typer.Option(help="Default: one for each processor.")] = None,
    initial: Annotated[str | None, typer.Option(metavar="MODEL", help="Start from these vectors.")] = None,
    save_every: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Save after every N epochs.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of the text; gb18030 and others.")] = "utf-8",
    errors: Annotated[
        Literal["replace", "strict"], typer.Option(help="Invalid bytes: count them, or stop.")
    ] = "replace",
    field: Annotated[str | None, typer.Option(help="Field with the text, for JSON lines.")] = None,
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Lower-case all words.")] = False,
    user_dict: Annotated[
        str | None, typer.Option(metavar="FILE", help="Words, one a line, never to be cut.")
    ] = None,
    memory: Annotated[int, typer.Option(metavar="BYTES", help="Above this, ids go to a temporary file.")] = 1
    << 31,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train word2vec vectors from text: Chinese, English or both.

    \b
    Examples:
      qianru train word2vec corpus.txt -o model
      qianru train word2vec 'news/*.gz' -o model --dim 300 --epochs 10 --threads 8
      qianru train word2vec wiki.jsonl -o model --field text --lowercase
      zcat big.gz | qianru train word2vec - -o model --model cbow
    """
    from qianru.progress import TerminalProgress
    from qianru.static import Word2vecSettings, train_word2vec
    from qianru.static.settings import available_threads
    from qianru.text import Corpus
    from qianru.vectors import Vectors

    check_model_output(output, force=force)
    # Made here, and the corpus encoded here, so that a wrong number is an error before any text is read.
    settings = Word2vecSettings(
        model=model,
        loss=loss,
        cbow_gradient=cbow_gradient,
        dim=dim,
        window=window,
        negative=negative,
        sample=sample,
        epochs=epochs,
        learning_rate=learning_rate,
        min_learning_rate=min_learning_rate,
        seed=seed,
        threads=available_threads() if threads is None else threads,
    )
    start = None if initial is None else Vectors.load(initial)
    if start is not None and start.dim != dim:
        raise ArgumentError(
            f"--initial {initial} has dim {start.dim}, --dim is {dim}", hint=f"pass --dim {start.dim}"
        )
    text = Corpus(
        *corpus, encoding=encoding, errors=errors, field=field, lowercase=lowercase, user_dict=user_dict
    )
    bar = TerminalProgress()
    started = time.time()
    try:
        encoded = text.encode(
            min_count=min_count, max_vocab=max_vocab, threads=settings.threads, memory=memory, progress=bar
        )
        bar.close()
        _say_what_was_read(encoded)
        vectors = train_word2vec(
            encoded,
            **asdict(settings),
            initial=start,
            save_every=save_every,
            output=output,
            force=force,
            progress=bar,
        )
        if save_every is None:
            vectors.save(output, force=force)
    except KeyboardInterrupt:
        bar.close()
        typer.echo(f"interrupted: {_what_is_saved(output, started)}", err=True)
        raise typer.Exit(130) from None
    finally:
        bar.close()
    _say_what_was_written(output, vectors, time.time() - started, as_json=as_json)


def _say_what_was_read(encoded: EncodedCorpus) -> None:
    typer.echo(
        f"read {n_bytes(encoded.n_bytes)}, {n_of(encoded.n_lines, 'line')}: "
        f"{n_of(encoded.n_raw_tokens, 'word')}, {len(encoded.keys):,} different ones kept",
        err=True,
    )
    if encoded.n_invalid_bytes:
        typer.echo(
            f"warning: {n_of(encoded.n_invalid_bytes, 'byte')} not valid in the encoding, taken for spaces "
            "(--encoding names another one, --errors strict stops at the first)",
            err=True,
        )
    if encoded.n_long_words:
        typer.echo(f"warning: {n_of(encoded.n_long_words, 'word')} above 1,000 bytes left out", err=True)


def _say_what_was_written(output: str, vectors: Vectors, seconds: float, *, as_json: bool) -> None:
    losses = vectors.provenance["loss_per_epoch"]
    last = losses[-1] if isinstance(losses, (list, tuple)) else None
    if as_json:
        print_json(
            {
                "path": output,
                "n_keys": len(vectors),
                "dim": vectors.dim,
                "loss": last,
                "seconds": round(seconds, 3),
                "fingerprint": vectors.fingerprint,
            }
        )
    typer.echo(
        f"wrote {output}: {n_of(len(vectors), 'word')}, dim {vectors.dim}, loss {last:.4f}, {seconds:.1f} s",
        err=True,
    )
    typer.echo(f"try: qianru similar {output} {vectors.keys[min(50, len(vectors) - 1)]}", err=True)


def _what_is_saved(output: str, started: float) -> str:
    """After Ctrl-C: which epoch, if any, this run left in the output folder."""
    from qianru.vectors import Vectors

    description = Path(output) / "qianru.json"
    if not description.is_file() or description.stat().st_mtime < started:
        return "nothing was saved (--save-every 1 saves after each epoch)"
    done = Vectors.load(output).provenance.get("epochs_done")
    return f"epoch {done} is saved in {output}"
