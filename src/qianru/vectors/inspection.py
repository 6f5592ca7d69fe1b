"""What a file of unknown kind is, what is wrong with it, and how to repair it; nothing is changed."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from qianru.errors import ArgumentError, FormatError
from qianru.vectors.formats import READ_FORMATS, read_any
from qianru.vectors.formats.sniff import DESCRIPTIONS, NEXT_STEPS, head_of, sniff
from qianru.vectors.formats.text_scan import Problem, scan_text
from qianru.vectors.formats.word2vec import text_header
from qianru.vectors.other_folders import read_model_folder

_READABLE = (*READ_FORMATS, "hugging-face")


@dataclass(frozen=True)
class Inspection:
    """kind: a key of the table in `formats/sniff.py`, or that of a `ModelFolder`; n_keys, dim: None where they are not known.

    problems: in the order of the file. next_step: what to do, one sentence.
    """

    path: str
    kind: str
    description: str
    compressed: bool
    n_keys: int | None
    dim: int | None
    facts: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    next_step: str = ""

    def as_dict(self) -> dict[str, object]:
        """The same for JSON."""
        return {**asdict(self), "facts": dict(self.facts), "problems": [asdict(one) for one in self.problems]}


def inspect_file(path: str | Path) -> Inspection:
    """Look at a file or folder: all of it, where that tells more. Raises ArgumentError if there is none, OSError."""
    place = Path(path)
    if not place.exists():
        raise ArgumentError(f"no such file or folder: {path}")
    made = _inspect_model(place)
    if made is not None:
        return made
    kind = sniff(place)
    compressed = place.is_file() and head_of(place)[1]
    if kind not in _READABLE:
        return _made(place, kind, compressed, next_step=NEXT_STEPS.get(kind, ""))
    try:
        is_text = kind == "glove" or (kind == "word2vec" and text_header(place) is not None)
    except FormatError:
        is_text = False  # reading tells the same error as a problem
    if is_text:
        return _inspect_text(place, kind, compressed)
    return _inspect_by_reading(place, kind, compressed)


def _inspect_model(path: Path) -> Inspection | None:
    """Of a folder that holds another model than word vectors."""
    try:
        found = read_model_folder(path)
    except FormatError as error:
        problem = Problem(error.message, 1, "", error.hint or "copy the whole folder again", False)
        return _made(path, "folder", False, problems=(problem,), next_step=_advice(path, [problem]))
    if found is None:
        return None
    dim = found.facts.get("dim")
    facts = {name: value for name, value in found.facts.items() if isinstance(value, (str, int))}
    return Inspection(
        str(path),
        found.kind,
        found.description,
        False,
        None,
        dim if isinstance(dim, int) else None,
        {**facts, "n_parameters": found.n_parameters} if found.n_parameters is not None else facts,
        next_step=found.opens.replace("FOLDER", str(path)),
    )


def _made(
    path: Path,
    kind: str,
    compressed: bool,
    *,
    n_keys: int | None = None,
    dim: int | None = None,
    facts: Mapping[str, object] | None = None,
    problems: tuple[Problem, ...] = (),
    next_step: str = "",
) -> Inspection:
    return Inspection(
        str(path), kind, DESCRIPTIONS[kind], compressed, n_keys, dim, facts or {}, problems, next_step
    )


def _inspect_text(path: Path, kind: str, compressed: bool) -> Inspection:
    header = text_header(path) if kind == "word2vec" else None
    with gzip.open(path) if compressed else path.open("rb") as file:
        scan = scan_text(cast(BinaryIO, file), header)
    return _made(
        path,
        kind,
        compressed,
        n_keys=scan.n_rows,
        dim=scan.dim,
        facts={"format": "word2vec text" if header else "GloVe text", **scan.facts},
        problems=tuple(scan.problems),
        next_step=_advice(path, scan.problems),
    )


def _inspect_by_reading(path: Path, kind: str, compressed: bool) -> Inspection:
    problems: list[Problem] = []
    try:
        stored = read_any(path, verify=True)
    except FormatError as error:
        try:
            stored = read_any(path, verify=True, errors="surrogateescape", repair=True)
        except FormatError as left:
            problems.append(
                Problem(left.message, 1, "", left.hint or "take the file from its source again", False)
            )
            return _made(path, kind, compressed, problems=tuple(problems), next_step=_advice(path, problems))
        problems.append(Problem(error.message, 1, "", "--repair", True))
    n_keys, dim = stored.matrix.shape
    facts = {name: stored.provenance[name] for name in ("format", "tensor") if name in stored.provenance}
    return _made(
        path,
        kind,
        compressed,
        n_keys=n_keys,
        dim=dim,
        facts=facts,
        problems=tuple(problems),
        next_step=_advice(path, problems),
    )


def _advice(path: Path, problems: list[Problem]) -> str:
    if not problems:
        return "nothing to repair: load it, or `qianru convert` it"
    if all(problem.safe for problem in problems):
        return f"qianru convert {path} OUT --repair"
    return "what is marked below cannot be mended without guessing: take the file from its source again"
