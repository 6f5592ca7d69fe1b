"""Puts the verbs together, and turns whatever goes wrong into `error:` and `hint:` on stderr."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from qianru import __version__
from qianru.cli import (
    align,
    analogy,
    classify,
    convert,
    demo,
    encode,
    evaluate,
    grow,
    info,
    inspect,
    predict,
    prune,
    quantise,
    report,
    sample,
    senses,
    similar,
    similarity,
    tokenize,
    tokenizer,
    tokenizer_surgery,
    train,
    train_classifier,
    train_counts,
    train_elmo,
    train_fasttext,
    train_language_models,
    train_segmenter,
    transform,
    translate,
)
from qianru.errors import QianruError

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

# Plain help: rich's boxes cost 0.1 s at every start and break on narrow and non-UTF-8 terminals.
app = typer.Typer(
    name="qianru",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
train_counts.add_to(train.app)
train.app.command("fasttext")(train_fasttext.fasttext)
train.app.command("classifier")(train_classifier.classifier)
train.app.command("bert")(train_language_models.bert)
train.app.command("gpt")(train_language_models.gpt)
train.app.command("elmo")(train_elmo.elmo)
train.app.command("segmenter")(train_segmenter.segmenter)
app.add_typer(train.app, name="train")
app.command("tokenize")(tokenize.tokenize)
tokenizer_surgery.add_to(tokenizer.app)
app.add_typer(tokenizer.app, name="tokenizer")
app.command("encode")(encode.encode)
app.command("senses")(senses.senses)
app.add_typer(classify.app, name="classify")
app.add_typer(translate.app, name="translate")
app.command("predict")(predict.predict)
app.command("grow")(grow.grow)
app.command("prune")(prune.prune)
app.command("similar")(similar.similar)
app.command("similarity")(similarity.similarity)
app.command("analogy")(analogy.analogy)
app.command("evaluate")(evaluate.evaluate)
app.command("report")(report.report)
app.command("info")(info.info)
app.command("inspect")(inspect.inspect)
app.command("convert")(convert.convert)
app.command("quantise")(quantise.quantise)
app.command("transform")(transform.transform)
app.command("align")(align.align)
app.command("sample")(sample.sample)
app.command("demo")(demo.demo)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Raw Chinese and English text to word vectors.

    \b
    Examples:
      qianru demo                                  see every stage on generated text
      qianru train word2vec corpus.txt -o model    train on your own text
      qianru similar model 猫                      the nearest words
    """
    if version:
        typer.echo(f"qianru {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run_and_exit(arguments: Sequence[str]) -> None:
    """Run one command line in a process of its own, and end that with its exit status."""
    _speak_utf8()
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    try:
        command = typer.main.get_command(app)
        with command.make_context("qianru", list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as stopped:
        return stopped.exit_code
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("interrupted: nothing was saved", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _quiet_pipe()
    except (QianruError, typer.TyperException, MemoryError, OSError) as error:
        for line in explain(error):
            typer.echo(line, err=True)
        return EXIT_ERROR
    return 0


def explain(error: Exception) -> list[str]:
    """The lines for stderr: `error: …`, and `hint: …` where there is a next step."""
    hint = ""
    if isinstance(error, QianruError):
        message, hint = error.message, error.hint
    elif isinstance(error, typer.TyperException):
        message = error.format_message()
        where = getattr(error, "ctx", None)
        hint = f"see `{where.command_path if where else 'qianru'} --help`"
    elif isinstance(error, MemoryError):
        message = "out of memory" + (f": {error}" if str(error) else "")
        hint = "give less text, a smaller --dim or --max-vocab, or a larger --min-count"
    elif isinstance(error, OSError):
        # str(OSError) with its number means nothing to most readers.
        name = f"{error.filename}: " if error.filename is not None else ""
        message = f"{name}{error.strerror or error}"
        hint = _os_hint(error.errno)
    else:
        message = str(error)
    lines = [f"error: {_one_line(message)}"]
    return [*lines, f"hint: {_one_line(hint)}"] if hint else lines


def _os_hint(number: int | None) -> str:
    if number == errno.ENOSPC:
        return "the disk is full: free some space, or write to another disk; nothing half-written is left"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "check the permissions, or give another path"
    if number == errno.ENOENT:
        return "check the path"
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quiet_pipe() -> int:
    """The reader of stdout is gone (`| head`): no complaint, not even from the last flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _speak_utf8() -> None:
    """Chinese must come out under LANG=C and on pipes too; a stream that was closed is an empty one."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115  for as long as the program
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace" if stream is not sys.stdin else "surrogateescape")
