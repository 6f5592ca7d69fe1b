"""One transaction over a transformers folder: tokenizer, input matrix, output head, bias, tie and configuration.

The new folder is written beside its place, proved (`verify`) and only then renamed. Rows of old tokens are copied as
bytes, all other tensors too. New tokens take rows that the matrix has to spare first; it never shrinks unless tokens go.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError, FormatError
from qianru.layers.backend import load_transformers
from qianru.layers.checkpoint import Checkpoint, NewTensor, encode, joined, model_fingerprint
from qianru.layers.record import (
    NAME,
    id_entries,
    ids_in,
    map_ids,
    rows_of,
    runs_of,
    special_ids,
    write_record,
)
from qianru.layers.start import Start, mixed_rows, start_mixtures
from qianru.layers.verify import Check, verify
from qianru.layers.vocabulary import VocabTensor, VocabTensors, find_vocab_tensors, load_config, quiet
from qianru.output import new_folder
from qianru.tokens import Surgery, Tokenizer, TokenizerData, read_tokenizer
from qianru.tokens.surgery_report import dump
from qianru.vectors import Vectors
from qianru.vectors.mixing import Mixture

# Other spellings of the tokenizer, or of the weights, that would contradict the new ones.
_STALE_NAMES = frozenset({"vocab.json", "merges.txt", "vocab.txt", "added_tokens.json", "spiece.model", NAME})
_STALE_ENDS = (
    ".bin",
    ".ckpt",
    ".gguf",
    ".h5",
    ".index.json",
    ".mlmodel",
    ".model",
    ".msgpack",
    ".onnx",
    ".onnx_data",
    ".ot",
    ".pt",
    ".pth",
    ".safetensors",
    ".tflite",
    ".tiktoken",
)
_STALE_FOLDERS = frozenset({"coreml", "onnx", "openvino", "original"})
# Written anew, or no part of the model.
_PASSED_OVER = frozenset({"tokenizer.json", "tokenizer_config.json", ".git", ".cache", "__pycache__"})
_OF_OTHER_CLASSES = (
    "added_tokens_decoder",
    "auto_map",
    "backend",
    "is_local",
    "tokenizer_file",
    "vocab_file",
)


@dataclass(frozen=True)
class Changed:
    """What `change_vocabulary` did: rows before and after, spare rows that new tokens took, tensors that changed, and files and
    folders ("onnx/") left out.

    Where tokens go, spare rows go with them, and no new token takes one.
    """

    path: Path
    n_rows_before: int
    n_rows_after: int
    n_spare_used: int
    tied: bool
    tensors: tuple[str, ...]
    left_out: tuple[str, ...]
    proof: tuple[Check, ...]


def change_vocabulary(
    folder: str | Path,
    surgery: Surgery,
    output: str | Path,
    *,
    start: Start = "subwords",
    source: Vectors | str | Path | None = None,
    bias_shift: float = 0.0,
    force: bool = False,
) -> Changed:
    """Write a folder in which the model has the surgery's vocabulary.

    Args:
        folder: of a causal, masked or encoder model of transformers, with safetensors and tokenizer.json.
        surgery: what `tokens.extend`, `prune` or `merge` gave for this folder's tokenizer.
        output: the new folder.
        start: of new rows: the mean of the "subwords" that stood for a token; or a mixture of old rows by nearness
            in `source`: static "vectors", or the input matrix of another "model".
        source: vectors or their path; the folder of the other model.
        bias_shift: added to new tokens' output bias, where the head has one. At -30 a masked model does not predict
            them before it is trained, so that its loss on old text stays the same.
        force: let `output` replace a folder that this function has written.

    Raises:
        ArgumentError: an argument breaks its rule, the surgery belongs to another tokenizer, or the configuration names an
            id that is no token's.
        FormatError: the folder's parts do not fit together.
        OutputError: the new folder cannot be written; nothing has changed then.
        QianruError: torch or transformers is missing.
    """
    here, target = Path(folder), Path(output)
    config = load_config(here)
    data = load_tokenizer(here)
    if data.tokens != surgery.before.tokens:
        raise ArgumentError(
            f"surgery was done on another tokenizer than that of {here}",
            hint="Use the folder's tokenizer.json.",
        )
    checkpoint = Checkpoint(here)
    found = find_vocab_tensors(checkpoint, config)
    check_sizes(here, data, found, config)
    _check_axes(here, found)
    if bias_shift and not any(one.role == "bias" for one in found.tensors):
        raise ArgumentError("bias_shift: the model's head has no bias", hint="Leave it out.")
    kept = _rows_kept(surgery, found.n_rows)
    mixed = start_mixtures(surgery, start, source)
    changed = {
        one.tensor.name: _new_tensor(checkpoint, one, kept, mixed, len(data), bias_shift)
        for one in found.tensors
    }
    with new_folder(target, force=force, may_replace=_why_not_replace) as new:
        stale = _copy_others(here, new)
        checkpoint.write(new, changed)
        _write_tokenizer(here, new, surgery)
        _write_configs(here, new, surgery, len(kept))
        _write_description(new, len(kept))
        _write_proof(new, checkpoint, found, kept, surgery, start)
        proof = verify(new, parent=here)
        if bad := [check for check in proof if not check.ok]:
            raise FormatError(
                f"the new folder fails its proof: {bad[0].name}: {bad[0].detail}",
                path=str(target),
                hint="Nothing was written. Please report this with the model's name.",
            )
    return Changed(
        path=target,
        n_rows_before=found.n_rows,
        n_rows_after=len(kept),
        n_spare_used=0 if surgery.n_gone else min(surgery.n_new, found.n_rows - len(data)),
        tied=found.tied,
        tensors=tuple(changed),
        left_out=tuple(name for name in stale if not (target / name).exists()),
        proof=proof,
    )


def load_tokenizer(folder: Path) -> TokenizerData:
    """The folder's tokenizer.json, or what transformers makes of its other files. Raises FormatError."""
    if (folder / "tokenizer.json").is_file():
        return read_tokenizer(folder)
    try:
        with quiet():
            made = load_transformers().AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return read_tokenizer(json.loads(made.backend_tokenizer.to_str()))
    except Exception as error:  # whatever the package raises
        raise FormatError(
            f"no tokenizer.json, and transformers makes none: {str(error).splitlines()[0]}", path=str(folder)
        ) from None


def check_sizes(folder: Path, data: TokenizerData, found: VocabTensors, config: Any) -> None:
    """Raises FormatError where tokens, rows and configuration contradict each other, ArgumentError for an id of no token."""
    if len(data) > found.n_rows:
        raise FormatError(
            f"{len(data)} tokens but {found.n_rows} rows: {data.tokens[found.n_rows]!r} has none",
            path=str(folder),
            hint="Take the tokenizer that belongs to the model.",
        )
    inner = config.get_text_config()
    if inner.vocab_size != found.n_rows:
        raise FormatError(
            f"vocab_size is {inner.vocab_size}, the input matrix has {found.n_rows} rows",
            path=str(folder / "config.json"),
            hint="Files of two models are mixed: copy the whole folder again.",
        )
    for key, value in special_ids(folder).items():
        for number in ids_in(key, value):
            if number >= len(data):
                raise ArgumentError(
                    f"folder: {key} must be the id of a token, up to {len(data) - 1}, got {number}, which a new one would take",
                    hint=f"Set it right in {folder}, or take it out there.",
                )


def protected_ids(folder: str | Path, n_tokens: int) -> set[int]:
    """Ids that the model's configuration names; they must outlive pruning."""
    found: set[int] = set()
    for key, value in special_ids(Path(folder)).items():
        found |= {number for number in ids_in(key, value) if 0 <= number < n_tokens}
    return found


def _check_axes(folder: Path, found: VocabTensors) -> None:
    for one in found.tensors:
        if int(np.prod(one.tensor.shape[: one.axis], dtype=np.int64)) != 1:
            raise FormatError(
                f"tensor {one.tensor.name!r} has the tokens on axis {one.axis}, which is not supported",
                path=str(folder),
            )


def _rows_kept(surgery: Surgery, n_rows: int) -> list[int]:
    """For each row of the new matrices the old row, or -1. Spare rows stay behind the tokens unless tokens go."""
    kept = list(surgery.kept)
    first_new = kept.index(-1) if -1 in kept else len(kept)
    if any(old >= 0 for old in kept[first_new:]):
        raise ArgumentError("surgery: new tokens must have the last ids")
    return kept if surgery.n_gone else [*kept, *range(len(kept), n_rows)]


def _new_tensor(
    checkpoint: Checkpoint,
    one: VocabTensor,
    kept: Sequence[int],
    mixed: list[Mixture],
    n_tokens: int,
    bias_shift: float,
) -> NewTensor:
    rows = checkpoint.rows(one.tensor, one.axis)
    order = np.array(kept, np.int64)
    fresh = np.flatnonzero(order < 0)
    before, after = (order[: fresh[0]], order[fresh[-1] + 1 :]) if len(fresh) else (order, order[:0])
    made: Float64Array = mixed_rows(checkpoint, one, mixed, n_tokens)
    if one.role == "bias":
        made = made + bias_shift
    pieces = (*joined(rows, before), encode(made, one.tensor.dtype), *joined(rows, after))
    shape = list(one.tensor.shape)
    shape[one.axis] = len(kept)
    return NewTensor(tuple(shape), pieces)


def _copy_others(here: Path, new: Path) -> list[str]:
    """Everything that stays true; returns the names of files and folders that do not."""
    stale = []
    for entry in sorted(here.iterdir()):
        name = entry.name
        if name in _PASSED_OVER:
            continue
        if entry.is_dir():
            if name in _STALE_FOLDERS:
                stale.append(f"{name}/")
            else:
                shutil.copytree(entry, new / name)
        elif name in _STALE_NAMES or name.endswith(_STALE_ENDS):
            stale.append(name)
        else:
            shutil.copyfile(entry, new / name)
    return stale


def _write_description(new: Path, n_rows: int) -> None:
    """What a model that was trained here tells of itself, made true again."""
    path = new / "qianru.json"
    if not path.is_file():
        return
    told = json.loads(path.read_text(encoding="utf-8"))
    told["provenance"] = {**told.get("provenance", {}), "changed_from": told.get("fingerprint")}
    told |= {"n_tokens": n_rows, "fingerprint": model_fingerprint(new, Tokenizer.load(new).fingerprint)}
    _write_json(path, told)


def _write_tokenizer(here: Path, new: Path, surgery: Surgery) -> None:
    (new / "tokenizer.json").write_text(dump(surgery.after), encoding="utf-8")
    path = here / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    config = {key: value for key, value in config.items() if key not in _OF_OTHER_CLASSES}
    # Other classes build their own pipeline and pass over parts of tokenizer.json.
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    if "model_input_names" not in config:
        # That class would hand token types to models whose own class does not.
        config["model_input_names"] = _input_names(here)
    _write_json(new / "tokenizer_config.json", config)


def _input_names(here: Path) -> list[str]:
    try:
        with quiet():
            names = load_transformers().AutoTokenizer.from_pretrained(str(here), local_files_only=True)
        return list(names.model_input_names)
    except Exception:  # no class of its own: what every model takes
        return ["input_ids", "attention_mask"]


def _write_configs(here: Path, new: Path, surgery: Surgery, n_rows: int) -> None:
    new_id = {old: number for number, old in enumerate(surgery.kept) if old >= 0}
    for name in ("config.json", "generation_config.json"):
        if not (here / name).is_file():
            continue
        value = json.loads((here / name).read_text(encoding="utf-8"))
        if name == "config.json":
            _set_vocab_size(value, n_rows)
        if surgery.n_gone:
            for key, ids, owner in list(id_entries(value)):
                owner[key.rpartition(".")[2]] = _moved(key, ids, new_id, len(surgery.before))
        _write_json(new / name, value)


def _set_vocab_size(value: dict[str, Any], n_rows: int) -> None:
    """Where transformers reads it: in the text model's part if there is one, and at the top if it stands there."""
    inner = [
        value[name] for name in ("text_config", "decoder", "llm_config") if isinstance(value.get(name), dict)
    ]
    for part in (value, *inner):
        if "vocab_size" in part or (part is value and not inner):
            part["vocab_size"] = n_rows


def _moved(key: str, ids: Any, new_id: dict[int, int], n_before: int) -> Any:
    def one(number: int) -> int:
        if number in new_id or not 0 <= number < n_before:
            return new_id.get(number, number)
        raise ArgumentError(
            f"surgery: the token {number}, which {key} names, is gone",
            hint="Prune with keep_ids=protected_ids(folder, n_tokens).",
        )

    return map_ids(key, ids, one)


def _write_proof(
    new: Path,
    checkpoint: Checkpoint,
    found: VocabTensors,
    kept: Sequence[int],
    surgery: Surgery,
    start: Start,
) -> None:
    runs = runs_of(kept)
    old_rows = rows_of(runs, 0)
    write_record(
        new,
        {
            "n_tokens": len(surgery.after),
            "n_rows": len(kept),
            "n_new": surgery.n_new,
            "n_gone": surgery.n_gone,
            "start": start,
            "tied": found.tied,
            "runs": runs,
            "tensors": {
                one.tensor.name: {
                    "role": one.role,
                    "axis": one.axis,
                    "kept_sha256": checkpoint.hash_of_rows(one.tensor, one.axis, old_rows),
                }
                for one in found.tensors
            },
            "others_sha256": checkpoint.hash_of_others(frozenset(one.tensor.name for one in found.tensors)),
            "tokenizer_sha256": hashlib.sha256((new / "tokenizer.json").read_bytes()).hexdigest(),
            "special_ids": special_ids(new),
            "software": {"qianru": version("qianru"), "transformers": version("transformers")},
        },
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _why_not_replace(folder: Path) -> str:
    return "" if (folder / NAME).is_file() else f"it has no {NAME}, so it was not written by this function"
