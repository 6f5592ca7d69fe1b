"""How often words stand near each other: the sparse matrix that GloVe and PPMI start from.

Pennington, Socher & Manning 2014, "GloVe: Global Vectors for Word Representation", section 3.1. The counting
is core/static/cooccurrence.cpp: rows are summed around the positions of their word, so the pairs are never
written down. A corpus too large for the memory allowed is counted in parts, each spilled to a temporary file,
and the parts' rows are added up; sums are whole numbers, so the result is the same to the bit.
"""

from __future__ import annotations

import itertools
import queue
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from qianru._core import PositionIndex, RowCounter, sparse_mirror
from qianru.arrays import Float32Array, UInt32Array, UInt64Array
from qianru.errors import ArgumentError, CorpusError, OutputError
from qianru.progress import Progress, ProgressCallback
from qianru.static.settings import at_least, available_threads, one_of
from qianru.text import DEFAULT_MEMORY, EncodedCorpus
from qianru.text.encoding import pool_of

_UNIT = 2.0**-30
_TASKS = 32  # for each thread, so that all end together
_MIN_PART = 1 << 16  # positions; below this the parts' borders would be most of the work
_MAX_PART = (1 << 32) - 2
_Number = TypeVar("_Number", np.uint32, np.uint64, np.float32)
Weighting: TypeAlias = Literal["inverse", "flat"]
_Rows: TypeAlias = tuple[UInt64Array, UInt32Array, UInt64Array]  # lengths, columns, sums


@dataclass(frozen=True)
class Cooccurrence:
    """Counts by rows; columns rise in each row.

    Attributes:
        offsets: where each row begins, uint64 [n_keys + 1].
        columns: uint32 [n]; the entries of row i are offsets[i] to offsets[i + 1].
        values: above 0, float32 [n].
        symmetric: only the upper triangle with the diagonal is there; the other is its mirror image.
        window: words to each side (symmetric) or to the left.
        weighting: "inverse" if a pair at distance d counts 1/d, "flat" if it counts 1.
    """

    offsets: UInt64Array
    columns: UInt32Array
    values: Float32Array
    symmetric: bool
    window: int
    weighting: Weighting

    @property
    def n_keys(self) -> int:
        """Rows, and columns."""
        return len(self.offsets) - 1

    @property
    def n_entries(self) -> int:
        """Entries of the whole matrix, both triangles."""
        if not self.symmetric:
            return len(self.columns)
        starts = self.offsets[:-1][self.offsets[:-1] < self.offsets[1:]]
        rows = np.flatnonzero(self.offsets[:-1] < self.offsets[1:])
        return 2 * len(self.columns) - int((self.columns[starts] == rows).sum())

    def full(self) -> Cooccurrence:
        """Both triangles, each entry once."""
        if not self.symmetric:
            return self
        offsets, columns, values = sparse_mirror(self.offsets, self.columns, self.values)
        return Cooccurrence(offsets, columns, values, False, self.window, self.weighting)


def refuse_empty(counts: Cooccurrence) -> None:
    """Raise CorpusError where there is nothing to train on."""
    if not counts.n_entries:
        raise CorpusError("no two words stand on one line", hint="Give text with more words a line.")


def corpus_facts(encoded: EncodedCorpus) -> dict[str, object]:
    """What a model remembers of its corpus."""
    return {
        **encoded.settings,
        "fingerprint": encoded.fingerprint,
        "n_lines": encoded.n_lines,
        "n_bytes": encoded.n_bytes,
        "n_raw_tokens": encoded.n_raw_tokens,
        "n_tokens": encoded.n_tokens,
    }


def check_counting(window: int, weighting: str, memory: int) -> None:
    """Raise ArgumentError where an argument of `count_cooccurrences` breaks its rule."""
    at_least("window", window, 1, hint="10 is usual.")
    one_of("weighting", weighting, ("inverse", "flat"))
    if isinstance(memory, bool) or not isinstance(memory, int) or memory < 1:
        raise ArgumentError(f"memory must be a number of bytes of at least 1, got {memory!r}")


def count_cooccurrences(
    corpus: EncodedCorpus,
    *,
    window: int = 10,
    symmetric: bool = True,
    weighting: Weighting = "inverse",
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: ProgressCallback | None = None,
) -> Cooccurrence:
    """Sum over the corpus how near words stand to each other; no pair crosses the end of a line.

    Args:
        corpus: ids below len(corpus.keys).
        window: most words from one to the other.
        symmetric: True counts both sides of a word, False the words to its left: row word, column context.
        weighting: "inverse" counts 1/distance, "flat" 1.
        threads: default every processor this process may use. The result is the same for any number.
        memory: bytes that counting may take beside the corpus. With less than about
            12 * window bytes a token the corpus is taken in parts, and parts and result go to temporary files.
        progress: called a few times a second with stage "count".

    Raises:
        ArgumentError: an argument breaks its rule, or memory is too small for this vocabulary.
        OutputError: the temporary files cannot be written.
    """
    check_counting(window, weighting, memory)
    n_threads = available_threads() if threads is None else threads
    at_least("threads", n_threads, 1)
    counter = _Counter(corpus, window, symmetric, weighting, n_threads, progress)
    cuts = counter.parts(memory)
    with ExitStack() as files, pool_of(n_threads) as pool:
        try:
            if len(cuts) == 2:
                return counter.in_memory(pool)
            return counter.spilled(pool, cuts, files)
        except OSError as error:
            raise OutputError(
                f"cannot write counts to a temporary file in {tempfile.gettempdir()}: {error.strerror}",
                hint="Set TMPDIR to a folder with room, or raise memory.",
            ) from None


@dataclass(frozen=True)
class _Part:
    """Rows of one part of the corpus in a file: all columns, then all sums; lengths in memory."""

    offsets: UInt64Array
    columns: UInt32Array
    sums: UInt64Array

    def rows(self, low: int, high: int) -> _Rows:
        begin, end = int(self.offsets[low]), int(self.offsets[high])
        return np.diff(self.offsets[low : high + 1]), self.columns[begin:end], self.sums[begin:end]


class _Counter:
    def __init__(
        self,
        corpus: EncodedCorpus,
        window: int,
        symmetric: bool,
        weighting: Weighting,
        threads: int,
        progress: ProgressCallback | None,
    ) -> None:
        self._ids, self._n_keys = corpus.ids, len(corpus.keys)
        self._window, self._symmetric, self._weighting = window, symmetric, weighting
        self._threads, self._progress = threads, progress
        self._n_tokens, self._n_done = corpus.n_tokens, 0.0
        self._started = time.monotonic()
        self._free: queue.SimpleQueue[RowCounter] = queue.SimpleQueue()

    def parts(self, memory: int) -> list[int]:
        """Where to cut the stream so that one part's index and at most its rows fit."""
        fixed = self._threads * 13 * self._n_keys + 16 * self._n_keys
        each = 4 + 12 * self._window
        n, least = len(self._ids), min(len(self._ids), _MIN_PART)
        most = min((memory - fixed) // each, _MAX_PART)
        if most < least:
            raise ArgumentError(
                f"memory must be at least {fixed + each * least} bytes for {self._n_keys} words, "
                f"window {self._window} and {self._threads} threads, got {memory}",
                hint="Raise memory, or lower threads, window or max_vocab.",
            )
        n_parts = max(1, -(-n // most))
        return [n * i // n_parts for i in range(n_parts + 1)]

    def in_memory(self, pool: ThreadPoolExecutor) -> Cooccurrence:
        kept: list[tuple[UInt64Array, UInt32Array, Float32Array]] = []
        for lengths, columns, sums in self._count(pool, 0, len(self._ids), 1.0):
            kept.append((lengths, columns, _values(sums)))
        offsets = _offsets([part[0] for part in kept])
        n = int(offsets[-1])
        columns, values, at = np.empty(n, np.uint32), np.empty(n, np.float32), 0
        kept.reverse()
        while kept:  # each is freed once it is copied, so that the peak stays near one matrix
            _, some_columns, some_values = kept.pop()
            end = at + len(some_columns)
            columns[at:end], values[at:end] = some_columns, some_values
            at = end
        return Cooccurrence(offsets, columns, values, self._symmetric, self._window, self._weighting)

    def spilled(self, pool: ThreadPoolExecutor, cuts: list[int], files: ExitStack) -> Cooccurrence:
        parts = []
        for begin, end in itertools.pairwise(cuts):
            lengths = []
            columns, sums = _new_file(files), _new_file(files)
            for rows in self._count(pool, begin, end, 0.8):
                lengths.append(rows[0])
                rows[1].tofile(columns)
                rows[2].tofile(sums)
            parts.append(_Part(_offsets(lengths), _mapped(columns, np.uint32), _mapped(sums, np.uint64)))
        per_row = np.sum([np.diff(part.offsets) for part in parts], axis=0)

        def merge(low: int, high: int) -> _Rows:
            with _taken(self._free, self._n_keys) as counter:
                return counter.merge([part.rows(low, high) for part in parts], high - low)

        lengths = []
        columns, values = _new_file(files), _new_file(files)
        for rows in self._in_order(pool, merge, per_row, 0.2):
            lengths.append(rows[0])
            rows[1].tofile(columns)
            _values(rows[2]).tofile(values)
        return Cooccurrence(
            _offsets(lengths),
            _mapped(columns, np.uint32),
            _mapped(values, np.float32),
            self._symmetric,
            self._window,
            self._weighting,
        )

    def _count(self, pool: ThreadPoolExecutor, begin: int, end: int, share: float) -> Iterator[_Rows]:
        index = PositionIndex(self._ids, begin, end, n_keys=self._n_keys, threads=self._threads)

        def count(low: int, high: int) -> _Rows:
            with _taken(self._free, self._n_keys) as counter:
                return counter.count(
                    index,
                    self._ids,
                    low,
                    high,
                    window=self._window,
                    symmetric=self._symmetric,
                    by_distance=self._weighting == "inverse",
                )

        yield from self._in_order(
            pool, count, np.diff(index.starts()), share * (end - begin) / len(self._ids)
        )

    def _in_order(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[int, int], _Rows],
        weights: NDArray[np.uint64],
        share: float,
    ) -> Iterator[_Rows]:
        """The results for ranges of rows of about equal weight, in order, a few ranges ahead."""
        total = np.cumsum(weights + np.uint64(1))
        n_tasks = _TASKS * self._threads
        steps = np.arange(1, n_tasks, dtype=np.float64) * (float(total[-1]) / n_tasks)
        cuts = np.unique(np.concatenate([[0], np.searchsorted(total, steps), [self._n_keys]])).tolist()
        ranges = list(itertools.pairwise(cuts))
        running: list[Future[_Rows]] = []
        for i in range(len(ranges)):
            while len(running) < min(i + 3 * self._threads, len(ranges)):
                running.append(pool.submit(work, *ranges[len(running)]))
            yield running[i].result()
            running[i] = Future()  # lets the result go
            self._n_done += share / len(ranges)
            self._report()

    def _report(self) -> None:
        if self._progress is None:
            return
        done, seconds = min(self._n_done, 1.0), max(time.monotonic() - self._started, 1e-9)
        rate, left = done * self._n_tokens / seconds, seconds * (1 - done) / done
        self._progress(Progress("count", done, rate, "words", None, left))


class _taken:
    """A thread's accumulator, made when there is none free, for the length of a with block."""

    def __init__(self, free: queue.SimpleQueue[RowCounter], n_keys: int) -> None:
        self._free = free
        try:
            self._counter = free.get_nowait()
        except queue.Empty:
            self._counter = RowCounter(n_keys)

    def __enter__(self) -> RowCounter:
        return self._counter

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._free.put(self._counter)


def _offsets(lengths: list[UInt64Array]) -> UInt64Array:
    joined = np.concatenate(lengths)
    offsets = np.zeros(len(joined) + 1, np.uint64)
    np.cumsum(joined, out=offsets[1:])
    return offsets


def _values(sums: UInt64Array) -> Float32Array:
    return (sums * _UNIT).astype(np.float32)  # the product is float64


def _new_file(files: ExitStack) -> IO[bytes]:
    return files.enter_context(tempfile.TemporaryFile(prefix="qianru-counts-"))


def _mapped(file: IO[bytes], dtype: type[_Number]) -> NDArray[_Number]:
    """The file as an array; the map outlives the file's name and handle."""
    file.flush()
    if file.seek(0, 2) == 0:
        return np.empty(0, dtype)
    return np.memmap(file, dtype, "r")
