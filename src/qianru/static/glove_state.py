"""GloVe's state in a file, so that a run that was stopped goes on as if it had not been.

One safetensors file: "state" float32 [n_keys, 4, dim + 2] (w, b, 1; their sums of squares; w~, 1, b~; theirs)
and "description", JSON as bytes, with a checksum of the state.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from qianru.arrays import Float32Array, UInt8Array
from qianru.differences import differences
from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.static.settings import at_least
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header


def check_checkpoint(
    checkpoint: str | Path | None, *, save_every: int | None, resume: bool, force: bool
) -> None:
    """Raise ArgumentError or OutputError where a run cannot write or read this file, before any work."""
    if save_every is not None:
        at_least("save_every", save_every, 1, hint="It counts epochs.")
    if checkpoint is None:
        if resume or save_every is not None:
            raise ArgumentError(
                "resume and save_every need checkpoint, a file", hint="Give checkpoint=… (--checkpoint FILE)."
            )
        return
    path = Path(checkpoint)
    if resume and not path.is_file():
        raise ArgumentError(
            f"there is no checkpoint {checkpoint} to resume from", hint="Leave resume out (--resume)."
        )
    if save_every is None:
        return
    if path.exists() and not resume and not force:
        raise OutputError(
            f"checkpoint {checkpoint} exists already",
            hint="go on with resume=True (--resume), choose another name, or let force=True (--force) replace it",
        )
    if path.is_dir() or not Path(os.path.realpath(path)).parent.is_dir():
        raise OutputError(
            f"checkpoint {checkpoint} must be a file in a folder that exists", hint="choose another place"
        )


def write_state(
    path: Path,
    identity: Mapping[str, object],
    shape: tuple[int, int, int],
    losses: list[float],
    state_from: Callable[[int], Float32Array],
) -> None:
    """Write the checkpoint beside `path` and rename it, so that a killed process leaves the old one.

    state_from: the state of some words from a row on. Raises OutputError.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")

    def describe(crc: int) -> bytes:
        # The checksum has as many digits as any, because the header, written first, holds the length.
        return json.dumps({"crc32": f"{crc:08x}", "identity": identity, "losses": losses}).encode()

    try:
        with beside.open("wb") as out:
            write_header(
                out,
                {"state": (np.dtype("<f4"), shape), "description": (np.dtype("u1"), (len(describe(0)),))},
                {"format": "qianru glove state"},
            )
            row = crc = 0
            while row < shape[0]:
                state = state_from(row)
                out.write(state.data)
                crc = zlib.crc32(state.data, crc)
                row += len(state)
            out.write(describe(crc))
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(
            f"checkpoint {path} cannot be written: {error.strerror or error}", hint="Choose another place."
        ) from None


def read_state(
    path: Path, identity: Mapping[str, object], shape: tuple[int, int, int]
) -> tuple[Float32Array, list[float]]:
    """The state, mapped, and the losses of the epochs done.

    Raises FormatError if the file is damaged, ArgumentError, naming what differs, if it is of another run.
    """
    tensors = map_tensors(path, {"state": ("F32", 3), "description": ("U8", 1)})
    if len(tensors) != 2:
        raise FormatError("not a GloVe checkpoint", path=str(path), hint="Name a file that save_every wrote.")
    state = cast(Float32Array, tensors["state"])
    description = parse_json_object(cast(UInt8Array, tensors["description"]).tobytes(), path)
    losses, found = description.get("losses"), description.get("identity")
    if not isinstance(losses, list) or not all(type(loss) is float for loss in losses):
        raise FormatError("the losses are damaged", path=str(path), hint="Copy the file again.")
    if changed := differences(found, json.loads(json.dumps(identity))):
        raise ArgumentError(
            f"checkpoint {path} is of another run: {'; '.join(changed)}",
            hint="Resume with the same corpus and settings, or leave resume out.",
        )
    if state.shape != shape or f"{zlib.crc32(state.data):08x}" != description.get("crc32"):
        raise FormatError(
            f"the state is damaged, shape {list(state.shape)}", path=str(path), hint="Copy the file again."
        )
    return state, losses
