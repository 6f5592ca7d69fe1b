"""The ids of a whole corpus in one file, which is mapped afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import cast

import numpy as np
from numpy.lib import format as npy

from qianru.arrays import UInt32Array
from qianru.output import new_file
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.text.encoding import pool_of

_HEADER_BYTES = 128
_PROGRESS_SECONDS = 0.1


def write_stream(
    path: Path,
    corpus: Corpus,
    encode: Callable[[bytes], UInt32Array],
    *,
    threads: int,
    force: bool,
    progress: ProgressCallback | None,
) -> UInt32Array:
    """Encode the blocks, each by one of the threads, into a .npy file in their order; returns it mapped, read-only."""
    n_ids = n_bytes = 0
    started = reported = time.monotonic()
    with (
        new_file(path, force=force) as temporary,
        temporary.open("wb") as out,
        pool_of(threads) as pool,
    ):
        out.write(bytes(_HEADER_BYTES))
        for ids, n, done in _encoded(corpus, encode, threads, pool):
            out.write(np.ascontiguousarray(ids, dtype="<u4").data)
            n_ids += len(ids)
            n_bytes += n
            now = time.monotonic()
            if progress is not None and now - reported >= _PROGRESS_SECONDS:
                reported = now
                left = (now - started) * (1 - done) / done if done else None
                progress(Progress("encode", done, n_bytes / (now - started), "B", None, left))
        out.seek(0)
        out.write(_header(n_ids))
    if progress is not None:
        progress(Progress("encode", 1.0, n_bytes / max(time.monotonic() - started, 1e-9), "B", None, 0.0))
    if n_ids == 0:
        return np.empty(0, dtype=np.uint32)
    return cast(UInt32Array, np.load(path, mmap_mode="r"))


def _encoded(
    corpus: Corpus, encode: Callable[[bytes], UInt32Array], threads: int, pool: Executor
) -> Iterator[tuple[UInt32Array, int, float]]:
    """The ids of each block, its bytes, and the share of the corpus read; reading goes a few blocks ahead."""
    running: deque[tuple[Future[UInt32Array], int, float]] = deque()
    for block, done in corpus.blocks():
        if len(running) >= 2 * threads:
            future, n_bytes, share = running.popleft()
            yield future.result(), n_bytes, share
        running.append((pool.submit(encode, block), len(block), done))
    for future, n_bytes, share in running:
        yield future.result(), n_bytes, share


def _header(n_ids: int) -> bytes:
    """NumPy's header, version 1.0, filled up so that the ids begin at byte 128."""
    text = repr({"descr": "<u4", "fortran_order": False, "shape": (n_ids,)}).encode()
    head = npy.magic(1, 0)
    room = _HEADER_BYTES - len(head) - 2
    return head + room.to_bytes(2, "little") + text.ljust(room - 1) + b"\n"
