"""A corpus of any length becomes a file of vectors, one row a line, in bounded memory; a killed run goes on.

Rows are written to `NAME.part` chunk by chunk, and after each the number of rows that stand in it to `NAME.part.json`. In
the end the file is renamed. Beside NAME.npy stands NAME.npy.json with what it was made of; Parquet holds that itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qianru.arrays import Int64Array
from qianru.contextual.encode import ContextualEncoder
from qianru.errors import ArgumentError, FormatError, OutputError, QianruError
from qianru.output import new_file
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.vectors import Encoder

_CHUNK_TEXTS = 4096
_CHUNK_CHARACTERS = 1 << 22
# A .npy header of fixed size, so that the number of rows can be filled in when it is known.
_HEADER = 128
_SUFFIXES = (".npy", ".parquet")
_ROW_GROUP = 8192


@dataclass(frozen=True)
class Written:
    """A file of vectors. n_texts rows of dim numbers; empty: rows of texts without a token; truncated: rows of texts
    that were cut, with the tokens left out, int64 [m, 2]; n_resumed: rows that an earlier run had made; batch_bound: by how
    much a number differs when a text is encoded alone, None if that was not measured."""

    path: Path
    n_texts: int
    dim: int
    fingerprint: str
    empty: Int64Array
    truncated: Int64Array
    n_resumed: int = 0
    batch_bound: float | None = None
    notes: tuple[str, ...] = ()


def encode_to_file(
    encoder: Encoder,
    texts: Corpus | Iterable[str],
    path: str | os.PathLike[str],
    *,
    resume: bool = False,
    force: bool = False,
    chunk_texts: int = _CHUNK_TEXTS,
    progress: ProgressCallback | None = None,
) -> Written:
    """Write the vectors of texts to a .npy file (float32 [n, dim]) or a .parquet file (a column `vector`, and `n_tokens`,
    `n_truncated`, `is_empty`).

    texts: a corpus, each line a text, empty ones too; or texts, which must come in the same order for resume.
    resume: go on where an earlier run with the same model, settings and texts ended. force: replace what stands there.

    Raises OutputError, ArgumentError where an earlier run had another model, other settings or other texts, and
    QianruError if a text cannot be encoded; what was written until then stays for resume.
    """
    target = Path(path)
    if target.is_symlink():  # the link stays
        target = Path(os.path.realpath(target))
    if target.suffix not in _SUFFIXES:
        raise ArgumentError(
            f"output must end in {' or '.join(_SUFFIXES)}, got {target.name!r}", hint="rename it"
        )
    if chunk_texts < 1:
        raise ArgumentError(f"chunk_texts must be at least 1, got {chunk_texts}")
    if target.suffix == ".parquet":
        load_parquet()
    if target.is_dir():
        raise OutputError(f"output {target} is a folder", hint="name a file")
    for file in (target, *_beside(target)):
        if file.exists() and not force:
            raise OutputError(
                f"output {file} exists already", hint="pass force=True (--force) or choose another name"
            )
    if not target.parent.is_dir():
        raise OutputError(f"output {target}: there is no folder {target.parent}", hint="make it first")
    part = _Part(target, encoder, resume=resume, force=force)
    bound, notes = None, dict[str, None]()
    n_before = part.n_done
    started = time.monotonic()
    try:
        with part:
            for chunk, share in _chunks(part.skip(_texts_of(texts)), chunk_texts):
                for number, text in enumerate(chunk, part.n_done):
                    if not isinstance(text, str):
                        raise ArgumentError(f"texts[{number}] must be a str, got {type(text).__name__}")
                encoded = encoder.encode(chunk)
                if not np.isfinite(encoded.vectors).all():
                    row = int(np.flatnonzero(~np.isfinite(encoded.vectors).all(axis=1))[0])
                    raise QianruError(
                        f"text {part.n_done + row + 1} has a vector that is not finite",
                        hint="the model's weights are damaged",
                    )
                if bound is None and isinstance(encoder, ContextualEncoder):
                    bound = encoder.batch_bound(chunk, encoded.vectors)
                    notes.update(dict.fromkeys(note for note in encoded.notes if "memory" in note))
                part.add(encoded.vectors, encoded.n_tokens, encoded.n_truncated, chunk)
                if progress is not None:
                    rate = (part.n_done - n_before) / max(time.monotonic() - started, 1e-9)
                    progress(Progress("encode", min(share, 1.0), rate, "texts"))
    except OSError as error:
        if isinstance(error, QianruError):
            raise
        raise OutputError(
            f"output {target} cannot be written: {error.strerror or error}",
            hint="choose another place, or free space and go on with resume=True (--resume)",
        ) from None
    empty, truncated = part.finish(force=force)
    if progress is not None:
        seconds = max(time.monotonic() - started, 1e-9)
        progress(Progress("encode", 1.0, (part.n_done - n_before) / seconds, "texts"))
    return Written(
        target, part.n_done, encoder.dim, encoder.fingerprint, empty, truncated, n_before, bound, tuple(notes)
    )


class _Part:
    """The rows written so far. While it is open, `state` on disk never tells of more rows than are safely written."""

    def __init__(self, target: Path, encoder: Encoder, *, resume: bool, force: bool) -> None:
        self._target, self._encoder = target, encoder
        self._rows = target.with_name(target.name + ".part")
        self._flags = target.with_name(target.name + ".part.flags")
        self._state = target.with_name(target.name + ".part.json")
        self._settings = {"fingerprint": encoder.fingerprint, "dim": encoder.dim}
        self.n_done = 0
        self._hash = hashlib.sha256()
        self._wanted = ""
        if self._state.exists() and resume:
            self._resume()
        elif not force and (
            stands := [file for file in (self._state, self._rows, self._flags) if file.exists()]
        ):
            what = "an unfinished run stands at" if self._state.exists() else "something else stands at"
            raise OutputError(
                f"{what} {stands[0]}",
                hint="go on with it by resume=True (--resume), or start anew by force=True (--force)",
            )

    def _resume(self) -> None:
        try:
            told = json.loads(self._state.read_text(encoding="utf-8"))
            n_done, self._wanted = int(told["n_done"]), str(told["texts"])
            made_by = {name: told[name] for name in self._settings}
            whole = (
                n_done >= 0
                and self._rows.stat().st_size >= _HEADER + 4 * n_done * self._encoder.dim
                and self._flags.stat().st_size >= 16 * n_done
            )
        except (OSError, ValueError, KeyError, TypeError):
            whole, made_by = False, self._settings
        if made_by != self._settings:
            raise ArgumentError(
                f"the unfinished run at {self._rows} is of another model, or of other settings",
                hint="use the same, or start anew by force=True (--force) without resume",
            )
        if not whole:
            raise FormatError(
                "the unfinished run is damaged",
                path=str(self._state),
                hint="start anew by force=True (--force)",
            )
        self.n_done = n_done

    def __enter__(self) -> _Part:
        mode = "r+b" if self.n_done else "wb"
        if not self.n_done:
            self._state.unlink(missing_ok=True)  # of an earlier run, whose rows go now
        self._row_file = self._rows.open(mode)
        self._flag_file = self._flags.open(mode)
        if not self.n_done:
            self._row_file.write(b"\0" * _HEADER)
        for file, size in (
            (self._row_file, _HEADER + 4 * self.n_done * self._encoder.dim),
            (self._flag_file, 16 * self.n_done),
        ):
            file.truncate(size)
            file.seek(size)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._row_file.close()
        self._flag_file.close()
        if not self._state.exists() and not self.n_done and error is not None:
            for file in (self._rows, self._flags):  # nothing in them to go on from
                file.unlink(missing_ok=True)

    def skip(self, texts: Iterator[tuple[str, float]]) -> Iterator[tuple[str, float]]:
        """The texts behind those that are done. Raises ArgumentError if those were others."""
        for _ in range(self.n_done):
            text = next(texts, None)
            if text is None:
                break
            self._hash_text(text[0])
        if self.n_done and self._hash.hexdigest() != self._wanted:
            raise ArgumentError(
                f"the first {self.n_done:,} texts are not those of the unfinished run at {self._rows}",
                hint="give the same texts, or start anew by force=True (--force) without resume",
            )
        return texts

    def _hash_text(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._hash.update(len(data).to_bytes(8, "little") + data)

    def add(self, vectors: Any, n_tokens: Int64Array, n_truncated: Int64Array, texts: list[str]) -> None:
        """Rows of a chunk, on disk when this returns."""
        self._row_file.write(np.ascontiguousarray(vectors, dtype="<f4").data)
        self._flag_file.write(np.stack([n_tokens, n_truncated], axis=1).astype("<i8").tobytes())
        for file in (self._row_file, self._flag_file):
            file.flush()
            os.fsync(file.fileno())
        for text in texts:
            self._hash_text(text)
        self.n_done += len(texts)
        told = {**self._settings, "n_done": self.n_done, "texts": self._hash.hexdigest()}
        with new_file(self._state, force=True) as temporary:
            temporary.write_text(json.dumps(told), encoding="utf-8")

    def finish(self, *, force: bool) -> tuple[Int64Array, Int64Array]:
        """The file in its place; returns the rows of empty texts, and rows and tokens of cut ones."""
        flags = np.fromfile(self._flags, dtype="<i8").reshape(-1, 2)
        empty = np.flatnonzero(flags[:, 0] == 0)
        cut = np.flatnonzero(flags[:, 1])
        truncated = np.stack([cut, flags[cut, 1]], axis=1)
        told = {
            "model": self._settings["fingerprint"],
            "settings": getattr(self._encoder, "settings", {}),
            "n_texts": self.n_done,
            "dim": self._encoder.dim,
            "texts": self._hash.hexdigest(),
        }
        if self._target.suffix == ".parquet":
            with new_file(self._target, force=force) as temporary:
                _write_parquet(temporary, self._rows, flags, self._encoder.dim, told)
            self._rows.unlink()
        else:
            with self._rows.open("r+b") as file:
                file.write(_npy_header(self.n_done, self._encoder.dim))
            more = {**told, "empty": empty.tolist(), "truncated": truncated.tolist()}
            (beside,) = _beside(self._target)
            with new_file(beside, force=True) as temporary:
                temporary.write_text(json.dumps(more, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(self._rows, self._target)
        for left in (self._flags, self._state):
            with contextlib.suppress(FileNotFoundError):
                left.unlink()
        return empty, truncated


def _beside(target: Path) -> list[Path]:
    """What is written beside the file of vectors."""
    return [] if target.suffix == ".parquet" else [target.with_name(target.name + ".json")]


def _npy_header(n: int, dim: int) -> bytes:
    """numpy.lib.format, version 1.0, padded to _HEADER bytes."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {dim}), }}"
    return (
        b"\x93NUMPY\x01\x00"
        + (_HEADER - 10).to_bytes(2, "little")
        + text.ljust(_HEADER - 11).encode()
        + b"\n"
    )


def load_parquet() -> Any:
    """pyarrow.parquet. Raises QianruError if it is not there."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise QianruError(
            f"Parquet needs the package pyarrow: {error}", hint="pip install 'qianru[parquet]'"
        ) from None
    return parquet


def _write_parquet(path: Path, rows: Path, flags: Int64Array, dim: int, told: dict[str, object]) -> None:
    parquet = load_parquet()
    import pyarrow

    vector = pyarrow.list_(pyarrow.float32(), dim)
    schema = pyarrow.schema(
        [
            ("vector", vector),
            ("n_tokens", pyarrow.int64()),
            ("n_truncated", pyarrow.int64()),
            ("is_empty", pyarrow.bool_()),
        ],
        metadata={"qianru": json.dumps(told, ensure_ascii=False)},
    )
    matrix = np.memmap(rows, dtype="<f4", mode="r", offset=_HEADER) if len(flags) else np.empty(0, "<f4")
    with parquet.ParquetWriter(path, schema) as writer:
        for first in range(0, len(flags), _ROW_GROUP):
            part = flags[first : first + _ROW_GROUP]
            flat = np.array(matrix[first * dim : (first + len(part)) * dim])
            columns = [
                pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(flat), dim),
                pyarrow.array(part[:, 0]),
                pyarrow.array(part[:, 1]),
                pyarrow.array(part[:, 0] == 0),
            ]
            writer.write_table(pyarrow.table(columns, schema=schema))


def _texts_of(texts: Corpus | Iterable[str]) -> Iterator[tuple[str, float]]:
    """Each text with the share of the corpus that was read, 0 while that is not known."""
    if isinstance(texts, Corpus):
        for data, share in texts.blocks():
            for line in data.decode().split("\n")[:-1]:
                yield line, share
        return
    if isinstance(texts, str):
        raise ArgumentError("texts must be several texts, got one str", hint="write [text]")
    for text in texts:
        yield text, 0.0


def _chunks(texts: Iterator[tuple[str, float]], n_texts: int) -> Iterator[tuple[list[str], float]]:
    chunk: list[str] = []
    n_characters, last = 0, 0.0
    for text, share in texts:
        last = share
        chunk.append(text)
        n_characters += len(text) if isinstance(text, str) else 0
        if len(chunk) == n_texts or n_characters >= _CHUNK_CHARACTERS:
            yield chunk, share
            chunk, n_characters = [], 0
    if chunk:
        yield chunk, last
