"""What a model folder holds beside the words of `Vectors`: subwords.safetensors and decomposition.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Float32Array, UInt32Array
from qianru.errors import ArgumentError, FormatError
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header
from qianru.vectors.stored import Stored
from qianru.vectors.subword_rule import SubwordRule

FILE = "subwords.safetensors"
TABLE = "decomposition.json"
_TENSORS = {"words": ("F32", 2), "output": ("F32", 2), "ngrams": ("F32", 2), "buckets": ("U32", 1)}
_MAX_TABLE = 1 << 26


@dataclass(frozen=True)
class SubwordParts:
    """The rule, the rows [n_words, dim] and [n, dim], their buckets [n] or None, the output rows or None."""

    rule: SubwordRule
    word_rows: Float32Array
    ngram_rows: Float32Array
    buckets: UInt32Array | None
    pruned: bool
    output: Float32Array | None


def write_subwords(
    folder: Path,
    rule: SubwordRule,
    word_rows: Float32Array,
    ngram_rows: Float32Array,
    buckets: UInt32Array | None,
    output: Float32Array | None,
) -> None:
    """Write the two files; the rule's numbers stand in the provenance."""
    tensors: dict[str, NDArray[np.generic]] = {"words": word_rows}
    if output is not None:
        tensors["output"] = output
    # A tensor of no bytes has no place in the layout.
    if len(ngram_rows):
        tensors["ngrams"] = ngram_rows
        if buckets is not None:
            tensors["buckets"] = buckets
    with (folder / FILE).open("wb") as out:
        shapes = {name: (array.dtype, array.shape) for name, array in tensors.items()}
        write_header(out, shapes, {"format": "qianru subwords", "hash": "fnv1a-32 signed"})
        for array in tensors.values():
            out.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    if rule.decomposition:
        text = json.dumps(dict(rule.decomposition), ensure_ascii=False)
        (folder / TABLE).write_text(text + "\n", encoding="utf-8")


def read_subwords(folder: Path, stored: Stored) -> SubwordParts:
    """Map the files of a folder whose words are read already. Raises FormatError."""
    path = folder / FILE
    if not path.is_file():
        raise FormatError(
            f"no {FILE} in it", path=str(folder), hint="a model without n-grams: open it with Vectors.load"
        )
    tensors = map_tensors(path, _TENSORS)
    n_words, dim = stored.matrix.shape
    for name in ("words", "output", "ngrams"):
        if name not in tensors:
            if name == "words":
                raise FormatError("no tensor 'words'", path=str(path), offset=8)
        elif tensors[name].shape[1] != dim or (name != "ngrams" and len(tensors[name]) != n_words):
            raise FormatError(f"tensor {name!r} does not fit the {n_words} words of {dim}", path=str(path))
    told = stored.provenance.get("subwords")
    if not isinstance(told, dict):
        raise FormatError("qianru.json tells no subword settings", path=str(folder))
    names = ("min_n", "max_n", "n_buckets", "decomposition_min_n", "decomposition_max_n")
    try:
        rule = SubwordRule(
            **{name: told[name] for name in names if name in told},
            decomposition=_table(folder / TABLE),
        )
    except ArgumentError as error:
        raise FormatError(f"subword settings: {error.message}", path=str(folder)) from None
    ngrams = cast(Float32Array, tensors.get("ngrams", np.empty((0, dim), dtype=np.float32)))
    buckets = cast("UInt32Array | None", tensors.get("buckets"))
    if buckets is None and len(ngrams) == 0:
        buckets = np.empty(0, dtype=np.uint32)
    n_expected = rule.n_buckets if buckets is None else len(buckets)
    if len(ngrams) != n_expected or (
        buckets is not None and len(buckets) and int(buckets.max()) >= rule.n_buckets
    ):
        raise FormatError(
            f"{len(ngrams)} rows of n-grams do not fit {n_expected} buckets of {rule.n_buckets}",
            path=str(path),
            hint="files of two models are mixed: copy the whole folder again",
        )
    return SubwordParts(
        rule,
        cast(Float32Array, tensors["words"]),
        ngrams,
        buckets,
        told.get("pruned") is True,
        cast("Float32Array | None", tensors.get("output")),
    )


def _table(path: Path) -> dict[str, str] | None:
    if not path.is_file():
        return None
    if path.stat().st_size > _MAX_TABLE:
        raise FormatError(f"more than {_MAX_TABLE} bytes", path=str(path))
    table = parse_json_object(path.read_bytes(), path)
    if not all(isinstance(parts, str) for parts in table.values()):
        raise FormatError("every value must be a string", path=str(path))
    return cast(dict[str, str], table)
