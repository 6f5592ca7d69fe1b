"""Labelled texts from CSV, TSV and JSON lines, and what has to hold before anything is trained on them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from qianru.arrays import Int64Array, UInt64Array
from qianru.errors import ArgumentError, CorpusError, FormatError
from qianru.text.reading import read_chunks
from qianru.text.sources import FileSource, find_sources

TEXT_NAMES = ("text", "sentence", "content", "review", "title", "text_a")
LABEL_NAMES = ("label", "class", "category")
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_MOST_DIGITS = 18  # a longer label is a name: Python refuses to read very long numbers


@dataclass(frozen=True)
class LabelledTexts:
    """n texts and the label of each. name: where they come from, for messages."""

    texts: list[str]
    labels: list[str]
    name: str = "the examples"

    def __len__(self) -> int:
        return len(self.texts)

    def chosen(self, places: Int64Array) -> LabelledTexts:
        """Those at some places, in that order."""
        return LabelledTexts(
            [self.texts[i] for i in places.tolist()], [self.labels[i] for i in places.tolist()], self.name
        )


Examples: TypeAlias = str | os.PathLike[str] | LabelledTexts | Iterable[tuple[str, str]]


def read_examples(
    path: str | os.PathLike[str],
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    format: str | None = None,
) -> LabelledTexts:
    """The texts and labels of a CSV, TSV or JSON lines file, packed or not, or of all files of a folder or glob; "-" is standard
    input.

    Args:
        text_column: a name in the first line (a field of JSON lines), or the number of a column from 1, where the file has no
            line of names. Several with commas between them are joined by a space. By default the first of the names text,
            sentence, content, review, title, text_a that the file has.
        label_column: likewise; by default label, class or category.
        format: "csv", "tsv" (nothing is quoted in it) or "jsonl"; by default by the file's name.

    Raises:
        ArgumentError: the file has no such column. CorpusError: there is no such file, or nothing in it.
        FormatError: a line has too few fields, no label, or is no JSON object; the lines of names of two files differ; bytes that
            are no UTF-8.
    """
    name = os.fspath(path)
    kind = format or kind_of(name)
    if kind is None:
        raise ArgumentError(
            f"{name}: the name does not say the format",
            hint='Pass format (--format): "csv", "tsv" or "jsonl".',
        )
    if kind not in ("csv", "tsv", "jsonl"):
        raise ArgumentError(f'format must be "csv", "tsv" or "jsonl", got {kind!r}')
    found = LabelledTexts([], [], name)
    header: list[str] | None = None
    for file, text in read_texts(name):
        if kind == "jsonl":
            part = _from_json(text, file, text_column, label_column)
        else:
            part, header = _from_table(text, file, kind, text_column, label_column, header)
        found.texts.extend(part.texts)
        found.labels.extend(part.labels)
    if not found.texts:
        raise CorpusError(f"{name} holds no example", hint="A text and its label stand on each line.")
    return found


def as_examples(examples: Examples, name: str = "examples") -> LabelledTexts:
    """Labelled texts from a path, or from pairs (text, label). Raises as `read_examples`."""
    if isinstance(examples, LabelledTexts):
        return examples
    if isinstance(examples, (str, os.PathLike)):
        return read_examples(examples)
    texts, labels = [], []
    for i, pair in enumerate(examples):
        if (
            not isinstance(pair, tuple | list)
            or len(pair) != 2
            or not all(isinstance(one, str) for one in pair)
        ):
            raise ArgumentError(
                f"{name} must be pairs of text and label, both str; {name}[{i}] is {pair!r}"[:300]
            )
        if not pair[1]:
            raise ArgumentError(f"{name}[{i}] has an empty label")
        texts.append(pair[0])
        labels.append(pair[1])
    if not texts:
        raise CorpusError(f"{name} is empty", hint="Give pairs of a text and its label.")
    return LabelledTexts(texts, labels, name)


def kind_of(name: str) -> str | None:
    """The format of a file by its name, packed or not: "csv", "tsv" or "jsonl"; None where that does not say it."""
    path = Path(name)
    ending = Path(path.stem).suffix if path.suffix.lower() in _PACKED else path.suffix
    return _ENDINGS.get(ending.lower())


def read_texts(name: str) -> Iterator[tuple[str, str]]:
    """The name and the unpacked text of a file, or of each of a folder or glob; "-" is standard input.

    Raises CorpusError, FormatError.
    """
    for source in cast("list[FileSource]", find_sources([name])):
        data = b"".join(chunk for chunk, _ in read_chunks(source, 1 << 20))
        try:
            yield source.title, data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FormatError(
                "not valid UTF-8",
                path=source.title,
                offset=error.start,
                hint="Convert it: iconv -f GB18030 -t UTF-8.",
            ) from None


def _from_table(
    text: str,
    name: str,
    kind: str,
    text_column: str | None,
    label_column: str | None,
    header: list[str] | None,
) -> tuple[LabelledTexts, list[str] | None]:
    """The examples of one file, and its line of names; header: that of the files before."""
    # Stands before the first row is read: the default of 128 KiB is less than a long document.
    csv.field_size_limit(1 << 30)
    lines = io.StringIO(text, newline="")
    if kind == "csv":
        reader = csv.reader(lines, strict=True)
    else:
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    texts, labels = [], []
    places: tuple[list[int], list[int]] | None = None
    try:
        for row in reader:
            if not row:
                continue
            if places is None:
                if header is not None and row != header:
                    raise FormatError(
                        f"its first line is {row!r}, and that of the files before {header!r}"[:300],
                        path=name,
                        hint="Each file must have the same line of names.",
                    )
                places, is_header = _columns(row, name, text_column, label_column)
                if is_header:
                    header = row
                    continue
            if len(row) <= max(*places[0], *places[1]):
                raise FormatError(f"line {reader.line_num} has {len(row)} fields: {row!r}"[:200], path=name)
            texts.append(" ".join(row[i] for i in places[0]))
            labels.append(_label(" ".join(row[i] for i in places[1]), reader.line_num, name))
    except csv.Error as error:
        raise FormatError(
            f"line {reader.line_num}: {error}", path=name, hint="A quote inside a field is written twice."
        ) from None
    return LabelledTexts(texts, labels, name), header


def _columns(
    row: Sequence[str], name: str, text_column: str | None, label_column: str | None
) -> tuple[tuple[list[int], list[int]], bool]:
    """The places of the text's and the label's columns, and whether this first row is a line of names."""
    asked = [one for one in (text_column, label_column) if one is not None]
    by_number = [all(part.isdecimal() for part in one.split(",")) for one in asked]
    if any(by_number) and not (all(by_number) and len(asked) == 2):
        raise ArgumentError(
            f"text and label column must both be names or both be numbers, got {text_column!r} and {label_column!r}",
            hint="--text-column 1 --label-column 2 for a file without a line of names",
        )
    if any(by_number):
        places = [[int(part) - 1 for part in one.split(",")] for one in asked]
        for one, found in zip(asked, places, strict=True):
            if min(found) < 0 or max(found) >= len(row):
                raise ArgumentError(f"{name} has {len(row)} columns, not a column {one}")
        return (places[0], places[1]), False
    names = [cell.strip().lower() for cell in row]

    def find(column: str | None, usual: tuple[str, ...], what: str) -> list[int]:
        if column is None:
            found = [names.index(one) for one in usual if one in names][:1]
        else:
            parts = [part.strip().lower() for part in column.split(",")]
            found = [names.index(part) for part in parts if part in names]
            found = found if len(found) == len(parts) else []
        if not found:
            sought = column if column is not None else ", ".join(usual)
            raise ArgumentError(
                f"{name} has no {what} column ({sought}); its first line is {', '.join(map(repr, row))}"[
                    :300
                ],
                hint=f"name it (--{what}-column); by number from 1 if there is no line of names",
            )
        return found

    return (find(text_column, TEXT_NAMES, "text"), find(label_column, LABEL_NAMES, "label")), True


def _from_json(text: str, name: str, text_column: str | None, label_column: str | None) -> LabelledTexts:
    texts, labels = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"line {number} is not valid JSON: {error}", path=name) from None
        if not isinstance(value, dict):
            raise FormatError(f"line {number} is no JSON object", path=name)
        found = []
        for column, usual, what in ((text_column, TEXT_NAMES, "text"), (label_column, LABEL_NAMES, "label")):
            sought = [one for one in usual if one in value][:1]
            if column is not None:
                sought = [part.strip() for part in column.split(",")]
            if not sought or any(one not in value for one in sought):
                raise FormatError(
                    f"line {number} has no field for the {what}; it has {', '.join(map(repr, value))}"[:300],
                    path=name,
                    hint=f"name it (--{what}-column)",
                )
            held = [value[one] for one in sought]
            if not all(
                isinstance(one, str) or (what == "label" and isinstance(one, int | bool)) for one in held
            ):
                raise FormatError(f"line {number}: the {what} is no text: {held[0]!r}"[:200], path=name)
            found.append(" ".join(map(str, held)))
        texts.append(found[0])
        labels.append(_label(found[1], number, name))
    return LabelledTexts(texts, labels, name)


def _label(label: str, number: int, name: str) -> str:
    if not label.strip():
        raise FormatError(f"line {number} has no label", path=name)
    return label.strip()


def label_names(examples: LabelledTexts) -> list[str]:
    """The labels in order; numbers of at most 18 digits in the order of numbers.

    Raises CorpusError for fewer than two, and for one that UTF-8 cannot hold: no folder could keep it.
    """

    def place(label: str) -> tuple[int, int, str]:
        is_number = label.isdecimal() and len(label) <= _MOST_DIGITS
        return (0, int(label), label) if is_number else (1, 0, label)

    names = sorted(set(examples.labels), key=place)
    for name in names:
        if any("\ud800" <= char <= "\udfff" for char in name):
            raise CorpusError(
                f"{examples.name} has the label {name!r}, which holds a lone surrogate and has no UTF-8 form",
                hint='Decode the labels with errors="replace".',
            )
    if len(names) < 2:
        raise CorpusError(
            f"{examples.name} has one label, {names[0]!r}, and a classifier needs two or more",
            hint="Is the label column the right one?",
        )
    return names


def check_labels(examples: LabelledTexts, known: Sequence[str]) -> Int64Array:
    """The place of each example's label among the known ones [n]. Raises CorpusError, naming those that are not."""
    places = {label: place for place, label in enumerate(known)}
    strange = sorted(set(examples.labels) - set(known))
    if strange:
        raise CorpusError(
            f"{examples.name} has labels that the training examples do not have: {', '.join(map(repr, strange[:5]))}",
            hint=f"The labels are {', '.join(map(repr, known[:10]))}.",
        )
    return np.array([places[label] for label in examples.labels], dtype=np.int64)


def text_marks(texts: Iterable[str]) -> UInt64Array:
    """A 64-bit hash of each text [n]; case and white space do not count."""
    return np.array([_mark(text) for text in texts], dtype=np.uint64)


def _mark(text: str) -> int:
    flat = " ".join(text.casefold().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(flat, digest_size=8).digest(), "little")


OVERLAPS = ("refuse", "drop", "allow")


def without_overlap(
    examples: LabelledTexts, seen: UInt64Array, overlap: str, *, what: str = "test"
) -> LabelledTexts:
    """The examples whose texts are not among those a model has seen, by `text_marks`.

    overlap: "refuse" raises where there is one, "drop" leaves such out, "allow" leaves all in. Raises CorpusError also where
    all of them have been seen.
    """
    if overlap not in OVERLAPS:
        raise ArgumentError(f"overlap must be one of {', '.join(OVERLAPS)}, got {overlap!r}")
    shared = np.isin(text_marks(examples.texts), seen)
    n = int(shared.sum())
    if overlap == "allow" or not n:
        return examples
    if n == len(examples):
        raise CorpusError(
            f"all {n} {what} examples of {examples.name} are among the training examples: such a score means nothing",
            hint=f"Give {what} examples that were not trained on.",
        )
    if overlap == "refuse":
        first = examples.texts[int(np.flatnonzero(shared)[0])]
        raise CorpusError(
            f"{n} of {len(examples)} {what} examples of {examples.name} are among the training examples, "
            f"as {first[:60]!r}",
            hint='overlap="drop" (--overlap drop) leaves them out.',
        )
    return examples.chosen(np.flatnonzero(~shared))


def hold_out(
    labels: Int64Array, marks: UInt64Array, share: float, seed: int
) -> tuple[Int64Array, Int64Array]:
    """Places to train on and places held out, in order; of each label the same share of its texts, at least one of two or more.

    labels int64 [n]. marks [n]: those of `text_marks`; texts with the same one go together, under the first of their labels.
    """
    rng = np.random.default_rng([seed, 7])
    text_of = np.unique(marks, return_inverse=True)[1]
    held: list[int] = []
    done: set[int] = set()
    for label in range(int(labels.max()) + 1):
        places = rng.permutation(np.flatnonzero(labels == label))
        texts = [text for text in dict.fromkeys(text_of[places].tolist()) if text not in done]
        done.update(texts)
        held += texts[: min(max(round(share * len(texts)), 1), len(texts) - 1) if len(texts) > 1 else 0]
    is_out = np.isin(text_of, held)
    # A label all of whose texts occur under others before may have gone with them: one text comes back.
    for label in np.setdiff1d(labels, labels[~is_out]).tolist():
        is_out[text_of == text_of[np.flatnonzero(labels == label)[0]]] = False
    return np.flatnonzero(~is_out), np.flatnonzero(is_out)
