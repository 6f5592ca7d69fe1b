"""`qianru train segmenter`: text that is cut into words to a file that cuts other text so."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from qianru.cli.options import (
    AsJson,
    Corpora,
    Encoding,
    Epochs,
    Field,
    Force,
    OnErrors,
    Seed,
    check_output_file,
)
from qianru.cli.output import n_of, print_json
from qianru.errors import ArgumentError


def segmenter(
    corpus: Corpora,
    output: Annotated[str, typer.Option("--output", "-o", metavar="MODEL", help="File to write.")],
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="Measure F1 on this text, not on held-out lines.")
    ] = None,
    held_out: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the lines, to measure F1 on; 0: none.")
    ] = 0.1,
    epochs: Epochs = 8,
    seed: Seed = 1,
    encoding: Encoding = "utf-8",
    errors: OnErrors = "replace",
    field: Field = None,
    prefer: Annotated[
        str | None, typer.Option(metavar="FILE", help="Chinese words for the dictionary to prefer.")
    ] = None,
    traditional: Annotated[
        bool, typer.Option("--traditional", help="Cut traditional Chinese as simplified.")
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train a segmenter of Chinese on text whose words are cut by spaces, a sentence a line.

    F1 is over the words of Han characters, beside that of the dictionary alone. It is measured on held-out lines after training
    on the others; then MODEL is trained on all of them.

    \b
    Examples:
      qianru train segmenter cut.txt -o segmenter
      qianru train segmenter training.utf8 -o segmenter --test gold.utf8
      qianru train word2vec corpus.txt -o model --segmenter segmenter
    """
    from qianru.progress import TerminalProgress
    from qianru.text import Corpus, score_segmenter, train_segmenter
    from qianru.text.segmenter_training import cut_lines

    check_output_file(output, force=force)
    if test == "-" and "-" in corpus:
        raise ArgumentError(
            "CORPUS and --test both name standard input",
            hint="It can be read once: name a file for one of them.",
        )

    def cut_text(*inputs: str) -> Corpus:
        return Corpus(
            *inputs, encoding=encoding, errors=errors, field=field, prefer=prefer, traditional=traditional
        )

    tests = None if test is None else cut_text(test)
    if tests is not None:
        cut_lines(tests)  # what is wrong with it is told before minutes of training
    bar, started = TerminalProgress(), time.time()
    try:
        made = train_segmenter(
            cut_text(*corpus),
            epochs=epochs,
            seed=seed,
            held_out=held_out if tests is None else 0,
            progress=bar,
        )
    finally:
        bar.close()
    made.save(output, force=force)
    score = made.provenance["held_out"] if tests is None else asdict(score_segmenter(made, tests))
    seconds = time.time() - started
    if as_json:
        print_json(
            {
                "path": output,
                "n_features": made.n_features,
                "n_words": made.provenance["n_words"],
                "score": score,
                "seconds": round(seconds, 3),
                "fingerprint": made.fingerprint,
            }
        )
    elif isinstance(score, dict):
        typer.echo(
            f"F1 {score['f1']:.4f} (precision {score['precision']:.4f}, recall {score['recall']:.4f}), "
            f"dictionary {score['dictionary_f1']:.4f}, on {n_of(score['n_words'], 'word')} of "
            f"{'held-out lines' if test is None else test}"
        )
    typer.echo(f"wrote {output}: {n_of(made.n_features, 'feature')}, {seconds:.1f} s", err=True)
    typer.echo(f"try: qianru train word2vec corpus.txt -o model --segmenter {output}", err=True)
