"""`qianru convert`: from one form of vectors to another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qianru.cli.options import Force
from qianru.cli.output import n_of
from qianru.errors import ArgumentError

if TYPE_CHECKING:
    from qianru.vectors import SubwordVectors, Vectors


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Vectors in any known form.")],
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="Its ending names the form; no known ending: a folder.")
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="FORM", help="The form of IN, where its content does not tell."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORM", help="The form of OUT, whatever its name.")
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Mend what can be mended safely; `qianru inspect` tells what that is."),
    ] = False,
    errors: Annotated[
        str,
        typer.Option(
            "--errors", help="Words that are not UTF-8: surrogateescape keeps their bytes; replace; strict."
        ),
    ] = "surrogateescape",
    words_only: Annotated[
        bool, typer.Option("--words-only", help="Leave the n-grams of a fastText model behind.")
    ] = False,
    force: Force = False,
) -> None:
    """Read vectors in any known form and write them in another.

    IN is recognised by its content. Forms and endings of OUT: binary .bin, text .txt .vec .text (these with .gz
    too), glove .glove, safetensors, npy, tsv, gguf, spacy (a folder), folder, and fasttext by --to alone. Counts and
    provenance live only in a model folder, n-grams only there and in fasttext.

    \b
    Examples:
      qianru convert vectors.bin model
      qianru convert model vectors.txt.gz
      qianru convert broken.vec repaired.vec --repair
      qianru convert glove.840B.300d.txt spacy_vectors --to spacy
      qianru convert cc.zh.300.bin model
      qianru convert model model.bin --to fasttext
    """
    from qianru.vectors import SubwordVectors, Vectors
    from qianru.vectors.formats import ERRORS, format_of_name

    form = format_of_name(target)[0] if to is None else to
    if form is None and target.lower().endswith(".gz"):
        raise ArgumentError(f"OUT {target}: what form is compressed there?", hint="name it: --to text")
    if form == "fasttext" and not target.lower().endswith(".bin"):
        raise ArgumentError(f"OUT {target} must end in .bin for fasttext", hint=f"name it {target}.bin")
    if errors not in ERRORS:
        raise ArgumentError(
            f"--errors must be one of {', '.join(ERRORS)}, got {errors!r}", hint="leave it out"
        )
    to_folder = form in (None, "folder")
    if to_folder and force and os.path.realpath(source) == os.path.realpath(target) and os.path.isdir(target):
        raise ArgumentError(
            f"IN and OUT are the same folder, {target}", hint="it is in that form already; name another OUT"
        )
    subwords = None
    if (to_folder or form == "fasttext") and not words_only and from_ in (None, "fasttext", "folder"):
        subwords = _with_subwords(source, errors)
    if subwords is None and form == "fasttext":
        raise ArgumentError(
            f"IN {source} has no n-grams", hint="without them a word2vec .bin is enough: leave --to out"
        )
    if form == "fasttext" and subwords is not None and _is_classifier(subwords):
        raise ArgumentError(
            f"IN {source} is a classifier, whose labels --to fasttext would leave behind",
            hint="copy the file",
        )
    if subwords is not None:
        made: SubwordVectors | Vectors = subwords
        if form == "fasttext":
            subwords.export(target, force=force)
    else:
        made = vectors = Vectors.load(source, errors=errors, repair=repair, format=from_)
        if not to_folder:
            vectors.export(target, format=form, force=force)
    if to_folder:
        made.save(target, force=force)
    for note in _left_behind(source, made):
        typer.echo(f"note: {note}", err=True)
    for done in _repairs(made.provenance):
        typer.echo(f"repaired: {done}", err=True)
    ngrams = f", {n_of(len(made.ngram_rows), 'row')} of n-grams" if isinstance(made, SubwordVectors) else ""
    typer.echo(f"wrote {target}: {n_of(len(made), 'word')}, dim {made.dim}{ngrams}", err=True)


def _with_subwords(source: str, errors: str) -> SubwordVectors | None:
    """The model with its n-grams, or None if it has none."""
    from qianru.vectors import SubwordVectors
    from qianru.vectors.subwords import has_subwords

    # A word whose bytes are not UTF-8 would lose its n-grams in a folder, so "surrogateescape" is not for these.
    return (
        SubwordVectors.load(source, errors="strict" if errors == "strict" else "replace")
        if has_subwords(source)
        else None
    )


def _is_classifier(model: SubwordVectors) -> bool:
    settings = model.provenance.get("settings")
    return isinstance(settings, Mapping) and settings.get("model") == "supervised"


def _left_behind(source: str, made: SubwordVectors | Vectors) -> list[str]:
    """What of IN is not in OUT."""
    from qianru.vectors import Vectors
    from qianru.vectors.folder import read_coded_folder

    notes = []
    if not isinstance(made, Vectors) and _is_classifier(made):
        notes.append(f"{source} is a classifier; its labels do not come along")
    if os.path.isfile(os.path.join(source, "training.safetensors")):
        notes.append(f"{source} has a training state, which does not come along")
    if os.path.isfile(os.path.join(source, "qianru.json")) and read_coded_folder(Path(source))[1] is not None:
        notes.append(f"{source} is quantised; its vectors are written as float32")
    return notes


def _repairs(provenance: Mapping[str, object]) -> list[str]:
    listed = provenance.get("repairs")
    repairs = [str(one) for one in listed] if isinstance(listed, list) else []
    if type(n := provenance.get("n_repeated_words_dropped")) is int:
        repairs.append(f"{n_of(n, 'repeated word')} dropped")
    if type(n := provenance.get("n_words_with_replaced_bytes")) is int:
        repairs.append(f"broken bytes replaced in {n_of(n, 'word')}")
    return repairs
