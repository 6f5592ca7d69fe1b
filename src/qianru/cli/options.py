"""Arguments and options that several verbs share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from qianru.errors import ArgumentError, OutputError

ModelPath: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model folder, or a word2vec .bin or text file (.gz too).")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace what stands at the output path.")]
Corpora: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="CORPUS", help="Files, folders, globs, .gz .bz2 .xz .zst; - is stdin."),
]
Encoding: TypeAlias = Annotated[str, typer.Option(help="Of the text; gb18030 and others.")]
OnErrors: TypeAlias = Annotated[
    Literal["replace", "strict"], typer.Option("--errors", help="Invalid bytes: count them, or stop.")
]
Field: TypeAlias = Annotated[str | None, typer.Option(help="Field with the text, for JSON lines.")]
Lowercase: TypeAlias = Annotated[bool, typer.Option("--lowercase", help="Lower-case all words.")]
LowercaseOfModel: TypeAlias = Annotated[
    bool | None,
    typer.Option("--lowercase/--no-lowercase", help="Default: as the model's text was read, else no."),
]
UserDict: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Words, one a line, never to be cut.")
]
SegmenterFile: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="Cut Chinese as `train segmenter` learned to.")
]
Architecture: TypeAlias = Annotated[
    Literal["skipgram", "cbow"], typer.Option(help="Predict contexts from the word, or the reverse.")
]
Loss: TypeAlias = Annotated[
    Literal["ns", "hs"], typer.Option(help="Negative sampling, hierarchical softmax.")
]
DimOfParent: TypeAlias = Annotated[
    int | None, typer.Option(help="Numbers in a vector; default 100, or as in --continue.")
]
Window: TypeAlias = Annotated[int, typer.Option(help="At most so many words on each side.")]
Negative: TypeAlias = Annotated[int, typer.Option(help="Noise words for each word, with --loss ns.")]
Sample: TypeAlias = Annotated[float, typer.Option(help="Thin out words above this share; 0: none.")]
MinCount: TypeAlias = Annotated[int, typer.Option(help="Leave out rarer words.")]
MaxVocab: TypeAlias = Annotated[int | None, typer.Option(help="Keep only the most frequent words.")]
Epochs: TypeAlias = Annotated[int, typer.Option(help="Passes over the text.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="With --threads 1: same seed, same bits.")]
ContinueFrom: TypeAlias = Annotated[
    str | None,
    typer.Option("--continue", metavar="MODEL", help="Train on from this model; its words and ids stay."),
]
KeepTrainingState: TypeAlias = Annotated[
    bool, typer.Option("--keep-training-state", help="Keep what --continue and grow need to do better.")
]
SaveEvery: TypeAlias = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Save model and checkpoint after every N epochs.")
]
Resume: TypeAlias = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoint of an unfinished run.")
]
Threads: TypeAlias = Annotated[int | None, typer.Option(help="Default: one for each processor.")]
TorchThreads: TypeAlias = Annotated[int | None, typer.Option(help="Default: as torch sets it.")]
Precision: TypeAlias = Annotated[
    Literal["float32", "bfloat16"] | None,
    typer.Option(help="Of products; default bfloat16 where the device has it."),
]
Device: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of torch: cpu, cuda, cuda:1; default: a GPU if there is one."),
]
# One text after the other is often no faster on a GPU, so encoding takes one only if told to.
EncoderDevice: TypeAlias = Annotated[
    str,
    typer.Option("--device", metavar="NAME", help="Of torch, for models that need it: cpu, cuda, cuda:1."),
]
Memory: TypeAlias = Annotated[
    int, typer.Option(metavar="BYTES", help="Above this, ids go to a temporary file.")
]
TopK: TypeAlias = Annotated[int, typer.Option("--k", "-k", metavar="K", help="How many words to print.")]


def words_from(arguments: list[str]) -> list[str]:
    """The words given; a `-` stands for the words on stdin, separated by white space."""
    words: list[str] = []
    for argument in arguments:
        if argument != "-":
            words.append(argument)
            continue
        given = sys.stdin.read().split()
        if not given:
            raise ArgumentError("no word on stdin", hint="pipe words in, or name them after the model")
        words += given
    return words


def check_model_output(path: str, *, force: bool) -> None:
    """Say before minutes of work, not after them, that a model folder cannot be written to `path`."""
    check_output_folder(path, force=force, mark="qianru.json", what="model")


def check_output_file(path: str, *, force: bool) -> None:
    """As `check_model_output`, for a file."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"output {path} is a folder", hint="name a file")
    if target.exists() and not target.is_file():
        raise OutputError(f"output {path} is no plain file", hint="name a file")
    if target.exists() and not force:
        raise OutputError(f"output {path} exists already", hint="pass --force or choose another name")
    if not target.parent.is_dir():
        raise OutputError(f"output {path}: there is no folder {target.parent}", hint="make that folder first")


def check_output_folder(path: str, *, force: bool, mark: str, what: str) -> None:
    """As `check_model_output`; mark: the file by which a folder that may be replaced is known.

    Saving looks again and has the last word. Raises OutputError.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir() and any(target.iterdir()):
        if not force:
            raise OutputError(f"output {path} exists already", hint="pass --force or choose another name")
        if not (target / mark).is_file():
            raise OutputError(
                f"output {path} is not replaced: it is a folder, but no {what}", hint="choose another name"
            )
    elif target.exists() and not target.is_dir():
        raise OutputError(f"output {path} is a file", hint="name a folder that does not exist yet")
    elif not target.parent.is_dir():
        raise OutputError(f"output {path}: there is no folder {target.parent}", hint="make that folder first")
    elif not os.access(target.parent, os.W_OK | os.X_OK):
        raise OutputError(f"output {path}: {target.parent} cannot be written to", hint="choose another place")


TestSets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="FOLDER", help="Folder or file with test sets; can be repeated."),
]
TargetModel: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="For dictionaries: the model translated to, in the same space."),
]
RestrictVocab: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Only the first N words exist; 0 for all.")
]
Case: TypeAlias = Annotated[
    Literal["ignore", "lower", "exact"],
    typer.Option(help="Of the tests' words: compare in upper case, put in lower case, or take as they are."),
]
UnknownItems: TypeAlias = Annotated[
    Literal["skip", "zero"], typer.Option(help="Items with unknown words: leave out, or count as wrong.")
]


def texts_from(arguments: list[str]) -> list[str]:
    """The texts given; a `-` stands for the lines on stdin, which end at a line feed and at nothing else."""
    texts: list[str] = []
    for argument in arguments:
        if argument != "-":
            texts.append(argument)
            continue
        # Not sys.stdin.read(): there a carriage return inside a line would end it.
        lines = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\n")
        texts += [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
    return texts
