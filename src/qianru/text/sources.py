"""Where text comes from: files, folders, globs, standard input, and iterables that can be opened again."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeAlias

from qianru.errors import ArgumentError, CorpusError, OutputError, QianruError


@dataclass
class FileSource:
    """One file. A pipe or standard input is copied to a temporary file on first use, to be read again."""

    name: str
    is_stream: bool = False
    _spooled: IO[bytes] | None = field(default=None, repr=False)

    def path(self) -> str:
        if not self.is_stream:
            return self.name
        if self._spooled is None:
            self._spooled = self._spool()
        return str(self._spooled.name)

    def _spool(self) -> IO[bytes]:
        spooled = tempfile.NamedTemporaryFile(prefix="qianru-input-")  # noqa: SIM115  closed with this object
        try:
            with contextlib.ExitStack() as opened:
                stream = sys.stdin.buffer if self.name == "-" else opened.enter_context(open(self.name, "rb"))
                while chunk := stream.read(1 << 20):
                    _write_spooled(spooled, chunk, self.title)
        except OSError as error:
            _drop(spooled)
            if isinstance(error, QianruError):
                raise
            raise CorpusError(
                f"cannot read {self.title}: {error.strerror or error}", hint="Check what writes to it."
            ) from None
        except BaseException:
            _drop(spooled)
            raise
        return spooled

    @property
    def title(self) -> str:
        """The name for messages."""
        return "standard input" if self.name == "-" else self.name

    def n_stored_bytes(self) -> int:
        return 0 if self.is_stream and self._spooled is None else os.stat(self.path()).st_size


def _drop(spooled: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # closing writes what is left, which a full disk refuses again
        spooled.close()


def _write_spooled(spooled: IO[bytes], chunk: bytes, title: str) -> None:
    try:
        spooled.write(chunk)
        spooled.flush()
    except OSError as error:
        raise OutputError(
            f"cannot copy {title} to a temporary file in {tempfile.gettempdir()}: {error.strerror}",
            hint="Set TMPDIR to a folder with room, or name files instead.",
        ) from None


@dataclass(frozen=True)
class IterableSource:
    """Lines (str) or lines of words (list of str) of an iterable."""

    items: Iterable[str | Sequence[str]]
    title: str = "the iterable"

    def n_stored_bytes(self) -> int:
        return 0


Source: TypeAlias = FileSource | IterableSource


def find_sources(inputs: Sequence[object]) -> list[Source]:
    """The sources behind the inputs of a Corpus, files of folders and globs in the order of their names.

    Raises:
        ArgumentError: an input is of no kind that can be read, or can be read only once.
        CorpusError: a file does not exist or may not be read, a folder or glob holds no file.
    """
    if not inputs:
        raise ArgumentError("inputs is empty", hint="Name a file, a folder, a glob or an iterable of lines.")
    if len(inputs) == 1 and not isinstance(inputs[0], (str, os.PathLike)):
        return [_iterable_source(inputs[0])]
    if sum(isinstance(item, str) and item == "-" for item in inputs) > 1:
        raise ArgumentError("inputs names standard input twice", hint="It can be read once: give one -.")
    sources: list[Source] = []
    for item in inputs:
        if not isinstance(item, (str, os.PathLike)):
            raise ArgumentError(
                f"inputs holds a {type(item).__name__} among {len(inputs)} inputs; several must all be paths",
                hint="Give one iterable of lines alone, or paths as separate arguments: Corpus(*paths).",
            )
        sources.extend(_path_sources(os.fspath(item)))
    return sources


def _iterable_source(items: object) -> IterableSource:
    kind = type(items).__name__
    if isinstance(items, (bytes, bytearray)) or not isinstance(items, Iterable):
        raise ArgumentError(
            f"inputs must be paths or one iterable of str, not {kind}",
            hint="Name files, or give a list of lines.",
        )
    # An iterator is spent after one pass: the second one would see an empty corpus.
    if isinstance(items, Iterator):
        raise ArgumentError(
            f"inputs must be an iterable that can be opened again, and a {kind} can be read only once",
            hint="Give a list, an object whose __iter__ starts anew each time, or the path of a file.",
        )
    if isinstance(items, Sequence) and items and all(_looks_like_path(item) for item in items[:1000]):
        raise ArgumentError(
            f"inputs is a {kind} of paths, which would be read as lines of text",
            hint="Give paths as separate arguments: Corpus(*paths).",
        )
    return IterableSource(items)


def _looks_like_path(item: object) -> bool:
    if isinstance(item, os.PathLike):
        return True
    return isinstance(item, str) and 0 < len(item) < 1000 and "\0" not in item and os.path.isfile(item)


def _path_sources(name: str | bytes) -> list[FileSource]:
    if isinstance(name, bytes):
        raise ArgumentError("inputs holds a path of bytes", hint="Give the path as str or Path.")
    if name == "-":
        return [FileSource("-", is_stream=True)]
    if "\0" in name:
        raise CorpusError(f"no such file: {name!r}", hint="A path holds no NUL character.")
    if os.path.lexists(name):
        return [FileSource(name)] if os.path.isfile(name) and _readable(name) else _folder_or_stream(name)
    if not glob.has_magic(name):
        raise CorpusError(f"no such file or folder: {name}", hint="Check the path; globs need *, ? or [.")
    matches = sorted(glob.glob(name, recursive=True), key=_path_key)
    sources = [source for match in matches for source in _match_sources(match)]
    if not sources:
        raise CorpusError(f"no file matches {name}", hint="Check the pattern; ** goes into folders.")
    return sources


def _match_sources(name: str) -> list[FileSource]:
    # With **, files of a matched folder match themselves.
    return [] if os.path.isdir(name) else _path_sources(name)


def _readable(name: str) -> bool:
    if not os.access(name, os.R_OK):
        raise CorpusError(f"no permission to read {name}", hint="Change its permissions or leave it out.")
    return True


def _folder_or_stream(name: str) -> list[FileSource]:
    if not os.path.exists(name):
        raise CorpusError(f"{name} is a link to nothing", hint="Mend the link or leave it out.")
    if not os.path.isdir(name):
        mode = os.stat(name).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return [FileSource(name, is_stream=True)]
        raise CorpusError(f"{name} is neither a file nor a folder nor a pipe", hint="Give it as a file.")
    files = sorted(_files_below(name), key=_path_key)
    if not files:
        raise CorpusError(
            f"the folder {name} holds no file", hint="Files whose names start with a dot are skipped."
        )
    return [source for file in files for source in _path_sources(file)]


def _files_below(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise CorpusError(f"cannot list {error.filename}: {error.strerror}", hint="Change its permissions.")

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(parent, name) for name in files if not name.startswith("."))


def _path_key(name: str) -> tuple[str, ...]:
    return Path(name).parts
