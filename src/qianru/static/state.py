"""The state of a training run in one file: named float32 matrices and a description, in the safetensors layout.

A checkpoint (`MODEL.checkpoint`, beside the model folder) holds all that the run needs to go on as if nothing
had happened; `training.safetensors`, in a model folder, holds the half of a model that its vectors leave out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from qianru.arrays import Float32Array, UInt8Array
from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.output import new_file
from qianru.static.settings import at_least
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header

_FORMAT, _VERSION = "qianru training state", 1
_MAX_ABOUT = 1 << 26


def _same(one: str | Path, other: str | Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def checkpoint_path(model: Path) -> Path:
    """Where the checkpoint of a run that writes this model folder stands."""
    return model.parent / f"{model.name}.checkpoint"


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What a run writes: nothing without `output`."""

    output: Path | None = None
    force: bool = False
    every: int | None = None  # epochs from one checkpoint to the next
    training_state: bool = False  # keep the output vectors in the model folder

    def check(self, *, resume: bool, loss: str, begins_from: Iterable[object] = ()) -> None:
        """Raise ArgumentError or OutputError before any work; begins_from: models, of which paths are looked at."""
        if self.every is not None:
            at_least("save_every", self.every, 1, hint="It counts epochs.")
            for model in begins_from:
                # The first save would replace it, and no checkpoint could ever be resumed.
                if isinstance(model, (str, Path)) and self.output is not None and _same(self.output, model):
                    raise ArgumentError(
                        f"output {self.output} is the model that training begins from, and save_every writes it while that is needed",
                        hint="Choose another output, or leave save_every out (--save-every).",
                    )
        if self.training_state and loss == "hs":
            raise ArgumentError(
                'keep_training_state is for loss="ns": the tree of "hs" is another one after every new text',
                hint='Leave it out, or train with loss="ns".',
            )
        if self.output is None:
            asked = {
                "keep_training_state": self.training_state,
                "resume": resume,
                "save_every": self.every is not None,
            }
            for name in (name for name, wanted in asked.items() if wanted):
                raise ArgumentError(f"{name} needs output, the model's folder", hint="Give output=….")
            return
        checkpoint = checkpoint_path(self.output)
        if resume and not checkpoint.is_file():
            raise ArgumentError(
                f"there is no checkpoint {checkpoint} to resume from",
                hint="Start without resume; a run leaves checkpoints with save_every (--save-every).",
            )
        if checkpoint.exists() and not resume and not self.force:
            raise OutputError(
                f"a run for {self.output} was not finished: {checkpoint} stands there",
                hint="go on with resume=True (--resume), or begin anew with force=True (--force)",
            )
        if resume or self.force or not self.output.exists():
            return
        if not self.output.is_dir() or any(self.output.iterdir()):
            raise OutputError(
                f"output {self.output} exists already",
                hint="pass force=True (--force) or choose another name",
            )


def write_state(path: Path, matrices: Mapping[str, Float32Array], about: Mapping[str, object]) -> None:
    """Write matrices [n, dim] and description; the file is whole or not there, an older one stays until then.

    Raises OutputError.
    """
    digest = hashlib.sha256()
    for matrix in matrices.values():
        digest.update(np.ascontiguousarray(matrix).data)
    head = {"format": _FORMAT, "format_version": _VERSION, "sha256": digest.hexdigest(), **about}
    text = json.dumps(head, ensure_ascii=False).encode()
    shapes = {name: (np.dtype("<f4"), matrix.shape) for name, matrix in matrices.items()}
    with new_file(path, force=True) as beside, beside.open("wb") as out:
        # The matrices first: they need the alignment.
        write_header(out, {**shapes, "about": (np.dtype("u1"), (len(text),))}, {"format": _FORMAT})
        for matrix in matrices.values():
            out.write(np.ascontiguousarray(matrix, "<f4").reshape(-1).view(np.uint8).data)
        out.write(text)
        out.flush()
        os.fsync(out.fileno())  # a checkpoint is for the day the machine goes down, too


def read_state(path: Path, names: Sequence[str]) -> tuple[dict[str, Float32Array], dict[str, object]]:
    """The matrices of these names, mapped, and the description. Raises FormatError if anything is not whole."""
    try:
        found = map_tensors(path, {"about": ("U8", 1), **dict.fromkeys(names, ("F32", 2))})
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    for name in (*names, "about"):
        if name not in found:
            raise FormatError(f"no tensor {name!r}: this is no {_FORMAT}", path=str(path), offset=8)
    text = cast(UInt8Array, found.pop("about"))
    if len(text) > _MAX_ABOUT:
        raise FormatError(f"a description of {len(text)} bytes", path=str(path))
    about = parse_json_object(text.tobytes(), path)
    if about.get("format") != _FORMAT:
        raise FormatError(f"format must be {_FORMAT!r}, got {about.get('format')!r}", path=str(path))
    version = about.get("format_version")
    if type(version) is not int or not 1 <= version <= _VERSION:
        raise FormatError(
            f"format version {version!r}, this program knows 1 to {_VERSION}",
            path=str(path),
            hint="pip install --upgrade qianru",
        )
    matrices = {name: cast(Float32Array, found[name]) for name in names}
    digest = hashlib.sha256()
    for matrix in matrices.values():
        digest.update(matrix.data)
    if digest.hexdigest() != about.get("sha256"):
        raise FormatError(
            "the matrices are not the ones that were written",
            path=str(path),
            hint="the file is damaged: remove it and train from the start",
        )
    return matrices, about


def take_room(file: IO[bytes], n_bytes: int) -> None:
    """On disk, now: writing to a mapped page that a full disk cannot hold would kill the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        else:
            file.write(bytes(n_bytes))
            file.flush()
    except OSError as error:
        raise OutputError(
            f"cannot keep the last good epoch, {n_bytes} bytes, in a temporary file: {error.strerror}",
            hint="Free some space where the output goes, or set TMPDIR.",
        ) from None
