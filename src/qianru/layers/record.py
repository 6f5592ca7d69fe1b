"""growth.json: what was done to a folder's vocabulary, and hashes that prove what was not done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Int64Array
from qianru.errors import FormatError

NAME = "growth.json"
FORMAT_VERSION = 1


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record, or None if the folder has none. Raises FormatError."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format_version"] != FORMAT_VERSION:
            raise FormatError(f"format_version {value['format_version']!r} is not known", path=str(path))
        for name in ("tensors", "runs", "n_tokens", "tokenizer_sha256", "others_sha256", "special_ids"):
            value[name]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"not a record of growth: {error!r}", path=str(path)) from None
    return dict(value)


def write_record(folder: Path, value: dict[str, Any]) -> None:
    """Write growth.json."""
    text = json.dumps({"format": "qianru growth", "format_version": FORMAT_VERSION, **value}, indent=2)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def runs_of(kept: Sequence[int]) -> list[list[int]]:
    """Kept rows as runs [first old id, first new id, how many]; -1 stands for new rows, which are left out."""
    runs: list[list[int]] = []
    for new, old in enumerate(kept):
        if old < 0:
            continue
        if runs and runs[-1][0] + runs[-1][2] == old and runs[-1][1] + runs[-1][2] == new:
            runs[-1][2] += 1
        else:
            runs.append([old, new, 1])
    return runs


def rows_of(runs: Iterable[Sequence[int]], side: int) -> Int64Array:
    """Row numbers of runs, int64: side 0 the old ones, 1 the new ones."""
    parts = [np.arange(run[side], run[side] + run[2], dtype=np.int64) for run in runs]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def special_ids(folder: Path) -> dict[str, Any]:
    """Ids of tokens that config.json and generation_config.json name, by file and key, as they stand there."""
    found: dict[str, Any] = {}
    for file in ("config.json", "generation_config.json"):
        if (folder / file).is_file():
            value = json.loads((folder / file).read_text(encoding="utf-8"))
            found.update({f"{file}:{key}": ids for key, ids, _ in id_entries(value)})
    return found


def id_entries(value: Any, path: str = "") -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every entry of a configuration whose name says that it is an id or ids, also in lists of lists: its path, value, and
    the object it is in.
    """
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        is_id = key.endswith(("token_id", "_ids", "token_index")) or key in (
            "suppress_tokens",
            "begin_suppress_tokens",
            "sequence_bias",
        )
        if is_id and (type(inner) is int or isinstance(inner, list)):
            yield f"{path}{key}", inner, value
        elif isinstance(inner, dict):
            yield from id_entries(inner, f"{path}{key}.")


def map_ids(key: str, value: Any, change: Callable[[int], int]) -> Any:
    """The value of such an entry with every id changed, in lists of any depth; what else stands in them stays."""
    if isinstance(value, list):
        if key.endswith("forced_decoder_ids") and value and type(value[0]) is int:
            # A place in the text, and the id there.
            return [value[0], *(map_ids(key, one, change) for one in value[1:])]
        return [map_ids(key, one, change) for one in value]
    return change(value) if type(value) is int else value


def ids_in(key: str, value: Any) -> list[int]:
    """The ids in the value of such an entry."""
    found: list[int] = []

    def note(number: int) -> int:
        found.append(number)
        return number

    map_ids(key, value, note)
    return found
