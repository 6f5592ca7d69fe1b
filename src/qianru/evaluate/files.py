"""Test sets in files: the formats that are read, how a file's kind is found, and where files are looked for.

The formats are in docs/concepts/evaluation.md. A file in whose name a kind's word occurs (`animals.categories.tsv`) is of that kind;
otherwise its folder's name tells (`wordsim/`); otherwise, where it can be one thing only, its content.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path

from qianru.errors import ArgumentError, FormatError
from qianru.evaluate.datasets import (
    Association,
    Associations,
    Categories,
    Dataset,
    Questions,
    Translations,
    Triples,
    WordInContext,
    WordPairs,
)
from qianru.evaluate.lines import Lines, read_bytes
from qianru.evaluate.text_files import (
    SENSE_FILES,
    finite,
    is_float,
    is_senses,
    read_senses,
    read_sentence_pairs,
)

# What is longer than this or holds such marks is a sentence, no word.
_MAX_WORD = 40
_SENTENCE = re.compile(r"[。！？，!?,]|\S\s+\S+\s")
_ABOUT = ("readme", "license", "licence")  # of the sets beside it, whatever its folder is called
_SUFFIXES = (".txt", ".tsv", ".csv", ".data")
_KIND_WORDS = {
    "similarity": ("wordsim", "simlex", "word-pairs"),
    "analogy": ("analog", "questions-words"),
    "triples": ("triple", "odd-one-out"),
    "categories": ("categor",),
    "dictionary": ("dictionar", "translation"),
    "associations": ("weat", "association"),
    "context": ("wic", "context"),
    "sentences": ("sts", "sentence-pairs"),
}
# What gensim's wheel carries.
_PACKAGED = {
    "WordSim-353": ("similarity", "wordsim353.tsv"),
    "SimLex-999": ("similarity", "simlex999.txt"),
    "questions-words": ("analogy", "questions-words.txt"),
}


def _fields(line: str) -> list[str]:
    """Split by tabs where there are any, by white space otherwise."""
    return [part.strip() for part in line.split("\t")] if "\t" in line else line.split()


def _pairs(name: str, lines: Lines) -> WordPairs:
    pairs, scores, n_rows = [], [], 0
    for line in lines:
        parts = _fields(line)
        n_rows += 1
        value = finite(parts[2]) if len(parts) >= 3 else None
        if value is None and n_rows == 1 and len(parts) >= 3 and not is_float(parts[2]):
            continue  # a header
        if value is None or not parts[0] or not parts[1]:
            raise lines.error(f"word, word and number were expected, got {line[:60]!r}")
        pairs.append((parts[0], parts[1]))
        scores.append(value)
    return WordPairs(name, tuple(pairs), tuple(scores))


def _questions(name: str, lines: Lines) -> Questions:
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    section = ""
    for line in lines:
        if line.startswith(":"):
            section = line.lstrip(": ").strip()
            sections.setdefault(section, [])
            continue
        words = _fields(line)
        if len(words) != 4 or not all(words):
            raise lines.error(f"four words or `: section` were expected, got {line[:60]!r}")
        sections.setdefault(section or name, []).append((words[0], words[1], words[2], words[3]))
    return Questions(name, {key: tuple(asked) for key, asked in sections.items() if asked})


def _of_words(lines: Lines, n: int, what: str) -> list[tuple[str, ...]]:
    rows = []
    for line in lines:
        words = _fields(line)
        if len(words) != n or not all(words):
            raise lines.error(f"{what} were expected, got {line[:60]!r}")
        rows.append(tuple(words))
    return rows


def _triples(name: str, lines: Lines) -> Triples:
    return Triples(
        name, tuple((a, b, c) for a, b, c in _of_words(lines, 3, "anchor, nearer and farther word"))
    )


def _categories(name: str, lines: Lines) -> Categories:
    return Categories(name, tuple((a, b) for a, b in _of_words(lines, 2, "a word and its category")))


def _dictionary(name: str, lines: Lines) -> Translations:
    return Translations(name, tuple((a, b) for a, b in _of_words(lines, 2, "a word and its translation")))


def _associations(name: str, lines: Lines) -> Associations:
    tests: list[Association] = []
    title, found = name, dict[str, tuple[str, ...]]()

    def close() -> None:
        if found:
            if set(found) != set("XYAB"):
                raise lines.error(
                    f"{title}: the lines X, Y, A and B are needed, got {' '.join(sorted(found))}"
                )
            tests.append(Association(title, found["X"], found["Y"], found["A"], found["B"]))

    for line in lines:
        if line.startswith(":"):
            close()
            title, found = line.lstrip(": ").strip() or name, {}
            continue
        key, *words = line.replace(",", " ").split() or [""]
        key = key.rstrip(":")
        if key not in ("X", "Y", "A", "B") or key in found or not words:
            raise lines.error(f"X, Y, A or B and words were expected, each once, got {line[:60]!r}")
        found[key] = tuple(words)
    close()
    return Associations(name, tuple(tests))


_TABLE_COLUMNS = ("word", "sentence1", "sentence2", "start1", "end1", "start2", "end2", "label")
_SAME = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


def _context(name: str, lines: Lines) -> WordInContext:
    """A table with a header, or MCL-WiC's JSON with its .gold beside it."""
    if lines.path.suffix == ".data":
        return _context_json(name, lines.path)
    columns: dict[str, int] = {}
    uses = []
    for line in lines:
        parts = line.split("\t")
        if not columns:
            columns = {title: at for at, title in enumerate(parts)}
            missing = [title for title in _TABLE_COLUMNS if title not in columns]
            if missing:
                raise lines.error(f"a header with the columns {', '.join(missing)} was expected")
            continue
        if len(parts) != len(columns):
            raise lines.error(f"{len(columns)} columns were expected, got {len(parts)}")
        try:
            uses.append(_use(*(parts[columns[title]] for title in _TABLE_COLUMNS)))
        except ValueError as error:
            raise lines.error(str(error)) from None
    return WordInContext(name, tuple(uses))


def _use(
    word: str, one: str, two: str, start1: str, end1: str, start2: str, end2: str, label: str
) -> tuple[str, str, str, int, int, int, int, bool]:
    a, b, c, d = (int(text) for text in (start1, end1, start2, end2))
    for sentence, start, end in ((one, a, b), (two, c, d)):
        if not 0 <= start < end <= len(sentence):
            raise ValueError(
                f"{word!r} at {start} to {end} is outside its sentence of {len(sentence)} characters"
            )
    if label.lower() not in _SAME:
        raise ValueError(f"label must be 0, 1, F or T, got {label[:20]!r}")
    return word, one, two, a, b, c, d, _SAME[label.lower()]


def _context_json(name: str, path: Path) -> WordInContext:
    try:
        labels = {one["id"]: one["tag"] for one in json.loads(read_bytes(path.with_suffix(".gold")))}
        rows = json.loads(read_bytes(path))
        titles = ("lemma", *_TABLE_COLUMNS[1:7])
        uses = []
        for row in rows:
            word, one, two, start1, end1, start2, end2 = (str(row[title]) for title in titles)
            uses.append(_use(word, one, two, start1, end1, start2, end2, str(labels[row["id"]])))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"not MCL-WiC's JSON: {type(error).__name__} {error}", path=str(path)) from None
    return WordInContext(name, tuple(uses))


_READERS: dict[str, Callable[[str, Lines], Dataset]] = {
    "similarity": _pairs,
    "analogy": _questions,
    "triples": _triples,
    "categories": _categories,
    "dictionary": _dictionary,
    "associations": _associations,
    "context": _context,
    "sentences": read_sentence_pairs,
    "senses": lambda name, lines: read_senses(name, lines.path),
}
KINDS = tuple(_READERS)


def read_dataset(path: str | Path, *, kind: str | None = None, name: str | None = None) -> Dataset:
    """The test set in a file. kind: one of KINDS, by default found (see above). name: by default that of the file.

    Raises FormatError with line and byte offset, ArgumentError for a kind that does not exist.
    """
    path = Path(path)
    kind = kind_of(path) if kind is None else kind
    if kind is None:
        raise FormatError(
            "what kind of test this is cannot be told", path=str(path), hint=f"name it: {', '.join(KINDS)}"
        )
    if kind not in _READERS:
        raise ArgumentError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    try:
        return _READERS[kind](path.stem if name is None else name, Lines(path))
    except ArgumentError as error:
        raise FormatError(error.message, path=str(path), hint=error.hint) from None


def kind_of(path: Path) -> str | None:
    """The kind of a file by its name, by the folder it is in, or by its content; None if none of them tells."""
    if is_senses(path):
        return "senses"
    for text in (path.stem.lower(), path.parent.name.lower()):
        for kind, words in _KIND_WORDS.items():
            if any(re.search(rf"(?<![a-z]){word}", text) for word in words):
                return kind
    return _sniffed(path)


def _sniffed(path: Path) -> str | None:
    """Kinds that can be told from their first lines."""
    rows: list[list[str]] = []
    has_titles = False
    for line in Lines(path):
        if line.startswith(":"):
            has_titles = True
        else:
            rows.append(_fields(line))
        if len(rows) == 20:
            break
    if not rows:
        return None
    if all(row[0].rstrip(":") in ("X", "Y", "A", "B") and len(row) > 1 for row in rows):
        return "associations"
    widths = {len(row) for row in rows}
    if any(len(cell) > _MAX_WORD or _SENTENCE.search(cell) for row in rows for cell in row[:3]):
        return None
    if widths == {4} and has_titles:
        return "analogy"
    numbers = [len(row) >= 3 and finite(row[2]) is not None for row in rows]
    if all(numbers[1:]) and len(numbers) > 1:
        return "similarity"
    return "triples" if widths == {3} and not any(numbers) else None


def find_datasets(folder: str | Path) -> tuple[list[Dataset], list[str]]:
    """Every test set in a folder and the folders below, in the order of their paths; and the files that are none.

    Raises ArgumentError if there is no such folder or no test set in it, FormatError for a damaged one.
    """
    root = Path(folder)
    if root.is_file():
        return [read_dataset(root)], []
    if not root.is_dir():
        raise ArgumentError(f"data: no such folder: {folder}", hint="name a folder or file with test sets")
    found: list[Dataset] = []
    passed: list[str] = []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in _SUFFIXES or not path.is_file() or path.name.startswith("."):
            continue
        if (
            path.name in SENSE_FILES
            and path.name != "test.data.txt"
            and is_senses(path.with_name("test.data.txt"))
        ):
            continue  # part of the set that stands for its folder
        try:
            kind = None if path.stem.lower() in _ABOUT else kind_of(path)
        except FormatError:
            kind = None
        if kind is None:
            passed.append(str(path.relative_to(root)))
        else:
            found.append(read_dataset(path, kind=kind))
    if not found:
        raise ArgumentError(
            f"data: no test set in {folder}",
            hint="docs/concepts/evaluation.md has the formats; a folder's name can tell the kind of its files",
        )
    return found, passed


def packaged_datasets() -> list[Dataset]:
    """WordSim-353, SimLex-999 and questions-words out of gensim's package, if it is installed; gensim is not imported."""
    spec = importlib.util.find_spec("gensim")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    found = []
    for name, (kind, file) in _PACKAGED.items():
        for folder in folders:
            path = Path(folder) / "test" / "test_data" / file
            if path.is_file():
                found.append(read_dataset(path, kind=kind, name=name))
    return found
