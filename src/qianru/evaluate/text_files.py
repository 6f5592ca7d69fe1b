"""Test sets of sentences in files: pairs with scores, and words with their senses (docs/concepts/evaluation.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from qianru.errors import FormatError
from qianru.evaluate.datasets import SenseExamples, SentencePairs
from qianru.evaluate.lines import Lines, read_bytes

_NEEDED = ("train.data.txt", "train.gold.txt", "test.data.txt", "test.gold.txt")
SENSE_FILES = (*_NEEDED, "classes_map.txt")


def is_senses(path: Path) -> bool:
    """Whether the file stands for a folder of CoarseWSD's form: it is its test.data.txt."""
    return path.name == "test.data.txt" and all((path.parent / name).is_file() for name in _NEEDED)


def read_sentence_pairs(name: str, lines: Lines) -> SentencePairs:
    """`sentence TAB sentence TAB score`; or the STS benchmark's rows, whose score is the fifth cell, sentences follow."""
    pairs: list[tuple[str, str]] = []
    scores: list[float] = []
    for line in lines:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) >= 7 and (value := finite(cells[4])) is not None:
            one, other = cells[5], cells[6]
        elif len(cells) >= 3 and (value := finite(cells[2])) is not None:
            one, other = cells[0], cells[1]
        elif not pairs and len(cells) >= 3 and lines.number == 1 and not is_float(cells[2]):
            continue  # a header
        else:
            raise lines.error(f"sentence, sentence and score between tabs were expected, got {line[:60]!r}")
        if not one or not other:
            raise lines.error("an empty sentence")
        pairs.append((one, other))
        scores.append(value)
    return SentencePairs(name, tuple(pairs), tuple(scores))


def read_senses(name: str, path: Path) -> SenseExamples:
    """A folder of CoarseWSD's form, by its test.data.txt: `number TAB sentence of tokens`, labels a line in the .gold
    file; classes_map.txt beside them may name the labels."""
    folder = path.parent
    names = _class_names(folder / "classes_map.txt")
    word = folder.name
    parts = {part: _examples(folder, part, names) for part in ("train", "test")}
    return SenseExamples(
        word if name == "test.data" else name, word, tuple(parts["train"]), tuple(parts["test"])
    )


def _examples(folder: Path, part: str, names: dict[str, str]) -> Iterator[tuple[str, int, int, str]]:
    labels = [line.strip() for line in Lines(folder / f"{part}.gold.txt")]
    lines = Lines(folder / f"{part}.data.txt")
    n = 0
    for line in lines:
        number, tab, text = line.partition("\t")
        tokens = text.split(" ")
        # Longer ones, and digits like ², are numbers that Python does not take.
        good = tab and len(number) < 10 and number.isascii() and number.strip().isdigit()
        if not good or int(number) >= len(tokens):
            raise lines.error("the number of a token, a tab and the sentence were expected")
        if n >= len(labels):
            raise lines.error(f"{len(labels)} labels only in {part}.gold.txt")
        start = sum(len(token) + 1 for token in tokens[: int(number)])
        end = start + len(tokens[int(number)])
        if start == end:
            raise lines.error("the token is empty")
        yield text, start, end, names.get(labels[n], labels[n])
        n += 1
    if n != len(labels):
        raise FormatError(f"{len(labels)} labels for {n} sentences", path=str(folder / f"{part}.gold.txt"))


def _class_names(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        told = json.loads(read_bytes(path))
        return {str(key): str(value) for key, value in told.items()}
    except (ValueError, AttributeError, RecursionError):
        raise FormatError("a JSON object of labels and names was expected", path=str(path)) from None


def finite(text: str) -> float | None:
    """The number, None where it is none or not finite."""
    return float(text) if is_float(text) and math.isfinite(float(text)) else None


def is_float(text: str) -> bool:
    """Whether Python reads it as a number, "nan" and "inf" too."""
    try:
        float(text)
    except ValueError:
        return False
    return True
