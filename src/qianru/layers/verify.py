"""Whether a model folder keeps what growing, pruning and merging promise; every check on its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qianru.errors import QianruError
from qianru.layers.backend import load_torch, load_transformers
from qianru.layers.checkpoint import Checkpoint
from qianru.layers.record import ids_in, read_record, rows_of, special_ids
from qianru.layers.vocabulary import VocabTensors, find_vocab_tensors, load_config, quiet
from qianru.tokens import TokenizerData, read_tokenizer
from qianru.tokens.surgery_pipeline import Pipeline

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_PROBES = (
    "The quick brown fox, 12 times: don't stop!",
    "今天天气很好，我们去北京大学。",
    "mixed 中文 and English 卡拉OK 😀",
)


@dataclass(frozen=True)
class Check:
    """One promise: its name, whether it is kept, and what was found."""

    name: str
    ok: bool
    detail: str


class _Failed(Exception):
    """What a check found."""


def verify(folder: str | Path, *, parent: str | Path | None = None, load: bool = True) -> tuple[Check, ...]:
    """Check a folder of transformers whose vocabulary may have been changed.

    Sizes of all vocabulary tensors, the tie, vocab_size, ids of tokens and special tokens, finite rows; with growth.json
    also that the rows of old tokens and all other tensors are the parent's by hash, that the tokenizer is the one
    written then. After training, those three fail where weights have moved: that is what they are for.

    parent: the folder it came from, to compare the bytes themselves. load: also load it with transformers, and compare
    what the model has with the file, and the ids of both tokenizers.

    Raises FormatError where there is nothing to check.
    """
    here = Path(folder)
    config, checkpoint, record = load_config(here), Checkpoint(here), read_record(here)
    checks: list[Check] = []

    def run(name: str, test: Callable[[], str]) -> None:
        try:
            checks.append(Check(name, True, test()))
        except (QianruError, _Failed) as error:
            checks.append(Check(name, False, getattr(error, "message", str(error))))

    held: dict[str, Any] = {}

    def tokenizer() -> str:
        held["data"] = read_tokenizer(here)
        return f"{len(held['data'])} tokens, ids without holes or repeats"

    def tensors() -> str:
        held["found"] = found = find_vocab_tensors(checkpoint, config)
        return f"{found.n_rows} rows in {', '.join(one.tensor.name for one in found.tensors)}"

    run("tokenizer", tokenizer)
    run("sizes", tensors)
    if len(held) < 2:
        return tuple(checks)
    data, found = held["data"], held["found"]
    run("rows for all tokens", lambda: _rows(data, found))
    run("vocab_size", lambda: _vocab_size(config, found))
    run("tie", lambda: _tie(config, checkpoint, found, record))
    run("special ids", lambda: _special(here, data, record))
    run("finite rows", lambda: _finite(checkpoint, data, found))
    if record is not None:
        run("old rows", lambda: _old_rows(checkpoint, found, record))
        run("other tensors", lambda: _others(checkpoint, found, record))
        run("tokenizer file", lambda: _tokenizer_file(here, record))
        if parent is not None:
            run("parent", lambda: _parent(checkpoint, found, record, Path(parent)))
    if load:
        run("loads", lambda: _loads(here, config, checkpoint, found))
        run("same ids", lambda: _same_ids(here, data))
    return tuple(checks)


def _rows(data: TokenizerData, found: VocabTensors) -> str:
    if len(data) > found.n_rows:
        raise _Failed(f"{len(data)} tokens but {found.n_rows} rows: {data.tokens[found.n_rows]!r} has none")
    return f"{found.n_rows - len(data)} to spare"


def _vocab_size(config: Any, found: VocabTensors) -> str:
    size = config.get_text_config().vocab_size
    if size != found.n_rows:
        raise _Failed(f"config.json says {size}, the matrix has {found.n_rows} rows")
    return str(size)


def _tie(config: Any, checkpoint: Checkpoint, found: VocabTensors, record: dict[str, Any] | None) -> str:
    wants = bool(getattr(config.get_text_config(), "tie_word_embeddings", False))
    matrix = checkpoint.data(found.input.tensor)
    heads = [one.tensor for one in found.tensors if one.role == "head"]
    differ = [tensor.name for tensor in heads if checkpoint.data(tensor) != matrix]
    if wants and differ:
        raise _Failed(f"the configuration ties head and matrix, but {differ[0]} differs from the matrix")
    if record is not None and record.get("tied") != found.tied:
        raise _Failed(f"tied is {found.tied}, and was {record.get('tied')} before")
    return "head and matrix are one" if found.tied else "no tied head"


def _special(here: Path, data: TokenizerData, record: dict[str, Any] | None) -> str:
    ids = special_ids(here)
    for key, value in ids.items():
        for number in ids_in(key, value):
            if not -1 <= number < len(data):
                raise _Failed(f"{key} is {number}, the last token is {len(data) - 1}")
    if record is not None and ids != record["special_ids"]:
        key = next(
            key for key in {**ids, **record["special_ids"]} if ids.get(key) != record["special_ids"].get(key)
        )
        raise _Failed(f"{key} is {ids.get(key)}, and was {record['special_ids'].get(key)} when written")
    path = here / "tokenizer_config.json"
    named = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for key in ("pad_token", "unk_token", "bos_token", "eos_token", "cls_token", "sep_token", "mask_token"):
        token = named.get(key)
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str) and token not in data.tokens:
            raise _Failed(f"tokenizer_config.json's {key} {token!r} is no token")
    return f"{len(ids)} ids in range"


def _finite(checkpoint: Checkpoint, data: TokenizerData, found: VocabTensors) -> str:
    for one in found.tensors:
        for begin in range(0, len(data), 8192):
            numbers = np.arange(begin, min(begin + 8192, len(data)), dtype=np.int64)
            rows = checkpoint.floats(one.tensor, one.axis, numbers)
            if not np.isfinite(rows).all():
                bad = begin + int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
                raise _Failed(f"{one.tensor.name}: the row of {data.tokens[bad]!r} is not finite")
    return "all"


def _same_hash(
    checkpoint: Checkpoint, found: VocabTensors, record: dict[str, Any]
) -> Iterator[tuple[str, bool]]:
    rows = rows_of(record["runs"], 1)
    if len(rows) and rows.max() >= found.n_rows:
        raise _Failed(f"growth.json tells of row {rows.max()}, there are {found.n_rows}")
    for one in found.tensors:
        entry = record["tensors"].get(one.tensor.name)
        if entry is None:
            raise _Failed(f"growth.json knows no tensor {one.tensor.name!r}")
        yield one.tensor.name, checkpoint.hash_of_rows(one.tensor, one.axis, rows) == entry["kept_sha256"]


def _old_rows(checkpoint: Checkpoint, found: VocabTensors, record: dict[str, Any]) -> str:
    for name, same in _same_hash(checkpoint, found, record):
        if not same:
            raise _Failed(f"{name}: rows of old tokens are not the parent's")
    return f"{len(rows_of(record['runs'], 1))} rows, the same bits as the parent's"


def _others(checkpoint: Checkpoint, found: VocabTensors, record: dict[str, Any]) -> str:
    names = frozenset(one.tensor.name for one in found.tensors)
    if checkpoint.hash_of_others(names) != record["others_sha256"]:
        raise _Failed("a tensor besides the vocabulary's is not the parent's")
    return f"{len(checkpoint.tensors) - len(names)} tensors, the same bits as the parent's"


def _tokenizer_file(here: Path, record: dict[str, Any]) -> str:
    if hashlib.sha256((here / "tokenizer.json").read_bytes()).hexdigest() != record["tokenizer_sha256"]:
        raise _Failed("tokenizer.json has changed since it was written")
    return "unchanged"


def _parent(checkpoint: Checkpoint, found: VocabTensors, record: dict[str, Any], parent: Path) -> str:
    before = Checkpoint(parent)
    old, new = rows_of(record["runs"], 0), rows_of(record["runs"], 1)
    for one in found.tensors:
        there = before.tensors.get(one.tensor.name)
        if there is None or (len(old) and old.max() >= there.shape[one.axis]):
            raise _Failed(f"{parent} has no such tensor {one.tensor.name!r}")
        if before.hash_of_rows(there, one.axis, old) != checkpoint.hash_of_rows(one.tensor, one.axis, new):
            raise _Failed(f"{one.tensor.name}: old rows differ from those in {parent}")
    return f"{len(old)} rows compared"


def _loads(here: Path, config: Any, checkpoint: Checkpoint, found: VocabTensors) -> str:
    transformers, torch = load_transformers(), load_torch()
    name = (config.architectures or ["AutoModel"])[0]
    model_class = getattr(transformers, name, transformers.AutoModel)
    try:
        with quiet():
            # In the file's dtype: the configuration's may be another, in which the rows would be rounded.
            model, told = model_class.from_pretrained(
                str(here),
                dtype=getattr(torch, _DTYPES[found.input.tensor.dtype]),
                local_files_only=True,
                output_loading_info=True,
            )
    except Exception as error:  # whatever the package raises
        raise _Failed(f"{name} does not load it: {str(error).splitlines()[0]}") from None
    if told["mismatched_keys"]:
        raise _Failed(f"{name} finds other sizes: {sorted(map(str, told['mismatched_keys']))[0]}")
    inside = model.get_input_embeddings().weight.detach().to(torch.float32).numpy()
    if not np.array_equal(inside, checkpoint.floats(found.input.tensor, found.input.axis)):
        raise _Failed(f"{name}'s input matrix is not the file's")
    head = model.get_output_embeddings()
    if head is not None and found.tied and head.weight is not model.get_input_embeddings().weight:
        raise _Failed(f"{name}'s head is not its input matrix")
    return f"{name}, {len(inside)} rows"


def _same_ids(here: Path, data: TokenizerData) -> str:
    try:
        with quiet():
            other = load_transformers().AutoTokenizer.from_pretrained(str(here), local_files_only=True)
    except Exception as error:  # whatever the package raises
        raise _Failed(f"AutoTokenizer does not load it: {str(error).splitlines()[0]}") from None
    for text, ids in zip(_PROBES, Pipeline(data).encode(_PROBES), strict=True):
        if (found := other(text, add_special_tokens=False)["input_ids"]) != ids:
            raise _Failed(f"{text!r}: AutoTokenizer gives {found[:6]}, tokenizer.json {ids[:6]}")
    return f"AutoTokenizer agrees on {len(_PROBES)} texts"
