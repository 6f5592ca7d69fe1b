"""The checkpoint of a pretraining run: `MODEL.checkpoint/`, with the tokenizer, the text as ids, and state.safetensors.

The state is weights, both moments of AdamW, and a description in JSON; all that is drawn in training hangs on seed and
step, so that a run that goes on from it ends with the same bytes as one that never stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Float32Array
from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.output import new_file
from qianru.vectors.safetensors_file import map_header, parse_json_object, view_tensor, write_header

STATE = "state.safetensors"
_FORMAT, _VERSION = "qianru pretraining state", 1
# What the names of a run's files begin with, temporary ones too.
_RUN = {"tokenizer", "ids", "begins", "text", "state", "words"}
_MAX_HEADER = 1 << 24
_MAX_ABOUT = 1 << 28


def checkpoint_folder(model: Path) -> Path:
    """Where the checkpoint of a run that writes this model folder stands."""
    return model.parent / f"{model.name}.checkpoint"


def check_output(output: Path, *, resume: bool, force: bool) -> None:
    """Raise ArgumentError or OutputError before any work, where the run cannot begin or go on."""
    folder = checkpoint_folder(output)
    if not output.parent.is_dir():
        raise OutputError(
            f"output {output}: there is no folder {output.parent}", hint="make that folder first"
        )
    if resume:
        if not (folder / STATE).is_file():
            raise ArgumentError(
                f"there is no checkpoint {folder / STATE} to resume from", hint="Start without resume."
            )
        return
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file", hint="choose another name")
    if folder.exists() and (others := _not_of_runs(folder)):
        raise OutputError(
            f"{folder} holds files of yours: {', '.join(others[:3])}", hint="choose another name"
        )
    if (folder / STATE).exists() and not force:
        raise OutputError(
            f"a run for {output} was not finished: {folder} stands there",
            hint="go on with resume=True (--resume), or begin anew with force=True (--force)",
        )
    if output.exists() and (not output.is_dir() or any(output.iterdir())) and not force:
        raise OutputError(
            f"output {output} exists already", hint="pass force=True (--force) or choose another name"
        )
    taken = force and output.is_dir() and any(output.iterdir())
    if taken and (reason := why_not_replace(output)):
        raise OutputError(f"output {output} is not replaced: {reason}", hint="choose another name")


def _not_of_runs(folder: Path) -> list[str]:
    return sorted(
        entry.name for entry in folder.iterdir() if entry.name.lstrip(".").split(".")[0] not in _RUN
    )


def fresh_folder(output: Path) -> Path:
    """An empty checkpoint folder; an older one, which `check_output` has let through, is removed."""
    folder = checkpoint_folder(output)
    remove_checkpoint(output)
    folder.mkdir()
    return folder


def remove_checkpoint(output: Path) -> None:
    """Remove the checkpoint folder, with nothing in it but what runs write."""
    folder = checkpoint_folder(output)
    if folder.is_dir():
        shutil.rmtree(folder)


def write_run_state(path: Path, arrays: Mapping[str, Float32Array], about: Mapping[str, object]) -> None:
    """Write float32 arrays of any shape and a description; the file is whole or not there. Raises OutputError."""
    digest = _hash(arrays)
    head = {"format": _FORMAT, "format_version": _VERSION, "sha256": digest, **about}
    text = json.dumps(head, ensure_ascii=False).encode()
    shapes = {name: (np.dtype("<f4"), array.shape) for name, array in arrays.items()}
    with new_file(path, force=True) as beside, beside.open("wb") as out:
        write_header(out, {**shapes, "about": (np.dtype("u1"), (len(text),))}, {"format": _FORMAT})
        for array in arrays.values():
            out.write(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data)
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def read_run_state(path: Path) -> tuple[dict[str, Float32Array], dict[str, Any]]:
    """The arrays, mapped, and the description. Raises FormatError, naming the file, if anything is not whole."""
    hint = "the checkpoint is damaged: begin anew with force=True (--force)"
    try:
        mapped, header, begin = map_header(path, max_header=_MAX_HEADER)
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path), hint=hint) from None
    header.pop("__metadata__", None)
    if "about" not in header:
        raise FormatError(f"no tensor 'about': this is no {_FORMAT}", path=str(path), hint=hint)
    entry = header.pop("about")
    text = view_tensor(mapped, entry, begin, np.dtype("u1"), "U8", 1, path, "about").tobytes()
    if len(text) > _MAX_ABOUT:
        raise FormatError(f"a description of {len(text)} bytes", path=str(path), hint=hint)
    about = parse_json_object(text, path)
    if about.get("format") != _FORMAT or about.get("format_version") != _VERSION:
        raise FormatError(
            f"format {about.get('format')!r} version {about.get('format_version')!r}, "
            f"this program knows {_FORMAT!r} version {_VERSION}",
            path=str(path),
            hint="finish the run with the program that began it",
        )
    arrays: dict[str, Float32Array] = {}
    for name, entry in header.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        n_dimensions = len(shape) if isinstance(shape, list) else 0
        arrays[name] = view_tensor(  # type: ignore[assignment]
            mapped, entry, begin, np.dtype("<f4"), "F32", n_dimensions, path, name
        )
    if _hash(arrays) != about.get("sha256"):
        raise FormatError("the arrays are not the ones that were written", path=str(path), hint=hint)
    return arrays, about


def _hash(arrays: Mapping[str, Float32Array]) -> str:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name}\0{array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


_FILES = frozenset(
    {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "options.json",
        "qianru.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    }
)


def why_not_replace(folder: Path) -> str:
    """Only a folder that pretraining wrote, with nothing else in it, is ever deleted."""
    if not (folder / "qianru.json").is_file():
        return "it is not a qianru model folder"
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _FILES)
    return f"it holds files of yours: {', '.join(others[:3])}" if others else ""
