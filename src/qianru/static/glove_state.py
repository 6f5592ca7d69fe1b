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
from qianru.errors import ArgumentError, FormatError, OutputError
from qianru.vectors.safetensors_file import map_tensors, parse_json_object, write_header


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
    wanted = json.loads(json.dumps(identity))
    if found != wanted:
        raise ArgumentError(
            f"checkpoint {path} is of another run: {_difference(found, wanted)}",
            hint="Resume with the same corpus and settings, or leave resume out.",
        )
    if state.shape != shape or f"{zlib.crc32(state.data):08x}" != description.get("crc32"):
        raise FormatError(
            f"the state is damaged, shape {list(state.shape)}", path=str(path), hint="Copy the file again."
        )
    return state, losses


def _difference(found: object, wanted: Mapping[str, Mapping[str, object]]) -> str:
    """The first setting that differs, in words."""
    parts = found if isinstance(found, dict) else {}
    for part, values in wanted.items():
        old = parts.get(part)
        for name, value in values.items():
            before = old.get(name) if isinstance(old, dict) else None
            if before != value:
                return f"{name} was {before!r}, is {value!r}"
    return "it describes something else"
