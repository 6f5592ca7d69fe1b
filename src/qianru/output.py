"""Writing beside and renaming: a result appears whole or not at all, and the old one stays until then."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from qianru.errors import OutputError


@contextlib.contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[Path]:
    """A temporary path in the same folder, renamed to `path` when the block ends well, removed if not.

    Raises OutputError if something stands at `path` without force, or if it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise OutputError(f"output {path} is a folder", hint="name a file")
    if target.exists() and not target.is_file():
        raise OutputError(f"output {path} is no plain file", hint="name a file")  # a pipe, a device
    if target.exists() and not force:
        raise OutputError(
            f"output {path} exists already", hint="pass force=True (--force) or choose another name"
        )
    temporary: Path | None = None
    try:
        with _uninterrupted():  # or a file could be there whose name is not known here yet
            handle, name = tempfile.mkstemp(prefix=_hidden(target), suffix=".part", dir=target.parent)
            temporary = Path(name)
            os.close(handle)
        os.chmod(temporary, 0o666 & ~_umask())
        yield temporary
        os.replace(temporary, target)
    except BaseException as error:
        if temporary is not None:
            with _uninterrupted():
                temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise _refused(path, error) from error
        raise


@contextlib.contextmanager
def new_folder(path: Path, *, force: bool, may_replace: Callable[[Path], str]) -> Iterator[Path]:
    """As `new_file`, a folder. may_replace: why an existing folder must not be replaced, or "" if it may."""
    target = Path(os.path.realpath(path))
    _check_folder(path, target, force=force, may_replace=may_replace)
    temporary: Path | None = None
    try:
        with _uninterrupted():
            temporary = Path(tempfile.mkdtemp(prefix=_hidden(target), suffix=".part", dir=target.parent))
        os.chmod(temporary, 0o777 & ~_umask())
        yield temporary
        # Looked at again: it may have changed while the new one was written.
        _check_folder(path, target, force=force, may_replace=may_replace)
        with _uninterrupted():
            _swap_in(temporary, target)
    except BaseException as error:
        if temporary is not None:
            with _uninterrupted():
                shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, OutputError):
            raise _refused(path, error) from error
        raise


def _check_folder(path: Path, target: Path, *, force: bool, may_replace: Callable[[Path], str]) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"output {path} is a file", hint="name a folder that does not exist yet")
    if not any(target.iterdir()):
        return
    if not force:
        raise OutputError(
            f"output {path} exists already", hint="pass force=True (--force) or choose another name"
        )
    if reason := may_replace(target):
        raise OutputError(f"output {path} is not replaced: {reason}", hint="choose another name")


def _swap_in(temporary: Path, target: Path) -> None:
    """Put the new folder in place of the old one; the old one comes back if that fails."""
    if not target.exists():
        os.rename(temporary, target)
        return
    aside = Path(tempfile.mkdtemp(prefix=_hidden(target), suffix=".old", dir=target.parent))
    try:
        os.rename(target, aside / target.name)
        try:
            os.rename(temporary, target)
        except BaseException:
            os.rename(aside / target.name, target)
            raise
    finally:
        # Holds the old folder only when the new one is in its place.
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the block has ended, so that no folder is left aside; it only comes to the main thread."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _hidden(target: Path) -> str:
    """How the names of temporary files begin: short enough for any name that the target may have."""
    return f".{target.name[:40]}."


def _refused(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"output {path} cannot be written: {reason}",
        hint="nothing was changed; free space or choose another place",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
