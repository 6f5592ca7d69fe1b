"""`qianru translate train|run|evaluate`: sentences in one language to sentences in another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from qianru.cli.options import (
    AsJson,
    Device,
    EncoderDevice,
    Force,
    Precision,
    Seed,
    TorchThreads,
    check_output_folder,
    texts_from,
)
from qianru.cli.output import n_of, print_json, print_table
from qianru.errors import ArgumentError

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def translate() -> None:
    """Sentences to translations: an encoder-decoder Transformer over one vocabulary of both languages.

    \b
    Examples:
      qianru translate train pairs.tsv -o translator
      qianru translate run translator "the cat sees the dog"
      qianru translate evaluate translator test.tsv
    """


Translator = Annotated[
    str, typer.Argument(metavar="TRANSLATOR", help="A folder of `qianru translate train`.")
]
Target = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Translations line by line, if they are not in the same file."),
]
Beam = Annotated[
    int, typer.Option(help="Hypotheses that are followed; 1: the most probable token each time.")
]
Penalty = Annotated[float, typer.Option(help="Above 0 longer translations are favoured.")]


@app.command()
def train(
    pairs: Annotated[
        str, typer.Argument(metavar="FILE", help="`sentence TAB translation` lines, or JSON lines; .gz too.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FOLDER", help="To write.")],
    target: Target = None,
    validation: Annotated[
        str | None, typer.Option(metavar="FILE", help="Pairs to stop by; by default 2 % of the others.")
    ] = None,
    validation_target: Annotated[
        str | None, typer.Option(metavar="FILE", help="Their translations, as --target.")
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Vectors that rows start from; once for each language, aligned."),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(metavar="MODEL", help="With <s>, </s> and <pad>; by default one is trained.")
    ] = None,
    vocab_size: Annotated[
        int | None,
        typer.Option(help="Tokens of both languages together; by default as many as pairs, 1,000 to 8,000."),
    ] = None,
    dim: Annotated[int, typer.Option(help="Numbers in a row, without --start.")] = 128,
    n_layers: Annotated[int, typer.Option(help="Of encoder and decoder each.")] = 2,
    n_heads: Annotated[int, typer.Option(help="Of attention; divides dim.")] = 4,
    dropout: Annotated[float, typer.Option(help="Share of numbers left out in training.")] = 0.1,
    epochs: Annotated[int, typer.Option(help="At most so many passes.")] = 20,
    patience: Annotated[int, typer.Option(help="Stop after so many passes without progress.")] = 3,
    batch_tokens: Annotated[
        int | None,
        typer.Option(help="Target tokens in a step, about; by default 1,500, fewer with few pairs."),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="At its height, after --warmup steps.")] = 2e-3,
    warmup: Annotated[
        int | None, typer.Option(help="Steps until then; by default two passes, at most 400.")
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Longer sentences are cut.")] = 120,
    precision: Precision = None,
    overlap: Annotated[
        Literal["refuse", "drop", "allow"],
        typer.Option(help="Sentences of --validation that are among the others: stop, leave out, or keep."),
    ] = "refuse",
    seed: Seed = 1,
    threads: TorchThreads = None,
    device: Device = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train a translator; it is kept as it was at the least held-out loss.

    Not on a terminal, the rows on stdout are one a pass: pass, training loss, held-out loss.

    \b
    Examples:
      qianru translate train pairs.tsv -o translator
      qianru translate train train.en --target train.de -o translator --validation val.en --validation-target val.de
      qianru translate train pairs.tsv -o translator --start aligned-en --start aligned-zh
    """
    from qianru.progress import TerminalProgress
    from qianru.tokens import Tokenizer
    from qianru.transfer import read_sentence_pairs, train_translator
    from qianru.vectors import Vectors

    if validation_target is not None and validation is None:
        raise ArgumentError(
            f"--validation-target {validation_target} must come with --validation",
            hint="--validation names the sentences that these are the translations of",
        )
    check_output_folder(output, force=force, mark="qianru.json", what="model")
    bar, started = TerminalProgress(), time.time()
    try:
        made = train_translator(
            read_sentence_pairs(pairs, target),
            validation=0.02 if validation is None else read_sentence_pairs(validation, validation_target),
            start=[Vectors.load(path) for path in start or ()],
            tokenizer=None if tokenizer is None else Tokenizer.load(tokenizer),
            vocab_size=vocab_size,
            dim=dim,
            n_layers=n_layers,
            n_heads=n_heads,
            dropout=dropout,
            epochs=epochs,
            patience=patience,
            batch_tokens=batch_tokens,
            learning_rate=learning_rate,
            warmup=warmup,
            max_tokens=max_tokens,
            precision=precision,
            overlap=overlap,
            seed=seed,
            threads=threads,
            device=device,
            progress=bar,
        )
    finally:
        bar.close()
    made.save(output, force=force)
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    told: Any = made.provenance["start"]
    if told is not None:
        typer.echo(f"rows: {told['n_found']:,} found, {told['n_missing']:,} missing", err=True)
    typer.echo(
        f"wrote {output}: {n_of(made.n_parameters, 'number')}, {time.time() - started:.1f} s", err=True
    )
    if as_json:
        print_json({"path": output, **made.provenance})
        return
    history: Any = made.provenance["history"]
    rows = [(str(one["epoch"]), one["loss"], one["held_out_loss"]) for one in history]
    print_table(("pass", "loss", "held-out loss"), rows)


@app.command()
def run(
    translator: Translator,
    sentences: Annotated[
        list[str], typer.Argument(metavar="SENTENCE", help="Sentences; - reads lines from stdin.")
    ],
    beam: Beam = 4,
    penalty: Penalty = 0.6,
    device: EncoderDevice = "cpu",
    as_json: AsJson = False,
) -> None:
    """The translation of each SENTENCE, one a line.

    \b
    Examples:
      qianru translate run translator "the cat sees the dog"
      qianru translate run translator - --beam 8 < lines.txt
    """
    from qianru.transfer import Translator as Model

    asked = texts_from(sentences)
    found = Model.load(translator, device=device).translate(asked, beam=beam, penalty=penalty)
    n_cut = sum(one.truncated for one in found)
    if n_cut:
        typer.echo(f"note: {n_of(n_cut, 'sentence')} longer than the translator takes, cut", err=True)
    if as_json:
        print_json(
            [
                {"source": source, "translation": one.text, "score": one.score, "truncated": one.truncated}
                for source, one in zip(asked, found, strict=True)
            ]
        )
        return
    for one in found:
        typer.echo(" ".join(one.text.split()))


@app.command()
def evaluate(
    translator: Translator,
    pairs: Annotated[
        str, typer.Argument(metavar="FILE", help="`sentence TAB translation` lines, or JSON lines.")
    ],
    target: Target = None,
    beam: Beam = 4,
    penalty: Penalty = 0.6,
    overlap: Annotated[
        str, typer.Option(help="Sentences that were trained on: refuse, drop or allow.")
    ] = "refuse",
    bootstrap: Annotated[int, typer.Option(metavar="N", help="Resamples for intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 1,
    save: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the translations there, one a line.")
    ] = None,
    device: EncoderDevice = "cpu",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """BLEU and chrF by sacrebleu, with 95 % intervals.

    Not on a terminal, the rows are: score, value, low, high, sentences, sacrebleu's signature.

    \b
    Examples:
      qianru translate evaluate translator test.tsv
      qianru translate evaluate translator test.en --target test.de --json
    """
    from qianru.output import new_file
    from qianru.progress import TerminalProgress
    from qianru.transfer import Translator as Model
    from qianru.transfer import read_sentence_pairs

    bar = TerminalProgress()
    try:
        report = Model.load(translator, device=device).evaluate(
            read_sentence_pairs(pairs, target),
            beam=beam,
            penalty=penalty,
            overlap=overlap,
            n_bootstrap=bootstrap,
            seed=seed,
            progress=bar,
        )
    finally:
        bar.close()
    if save is not None:
        lines = "".join(" ".join(text.split()) + "\n" for text in report.translations)
        with new_file(Path(save), force=force) as path:
            path.write_text(lines, encoding="utf-8")
    if as_json:
        print_json(report.as_dict())
        return
    rows = [
        (
            one.metric,
            "-" if one.value is None else one.value,
            "-" if one.low is None else one.low,
            "-" if one.high is None else one.high,
            report.n_pairs,
            signature,
        )
        for one, signature in ((report.bleu, report.bleu_signature), (report.chrf, report.chrf_signature))
    ]
    print_table(("score", "value", "low", "high", "sentences", "signature"), rows)
