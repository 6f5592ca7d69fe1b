"""A corpus through all workers: blocks to ids, the tables of the workers to one vocabulary."""

from __future__ import annotations

import os
import queue
import time
from collections import deque
from collections.abc import Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from qianru._core import CorpusHash, Encoder, IdBlock, UserDict
from qianru.arrays import UInt32Array, UInt64Array
from qianru.progress import Progress, ProgressCallback
from qianru.text.blocks import Block, BlockReader
from qianru.text.han import HanCutter
from qianru.text.id_store import IdStore
from qianru.text.reading import Tally
from qianru.text.splitting import encode_block

_PROGRESS_SECONDS = 0.1
_LEFT_OUT = 0xFFFFFFFE


@dataclass
class ReadTotals:
    """What the corpus held, whatever of it is kept."""

    tally: Tally = field(default_factory=Tally)
    n_words: int = 0
    n_lines: int = 0
    n_long_words: int = 0
    hash: CorpusHash = field(default_factory=CorpusHash)


@dataclass(frozen=True)
class Vocabulary:
    """Words by falling count, and each worker's ids in terms of it."""

    keys: list[str]
    counts: UInt64Array
    maps: list[UInt32Array]


class CorpusEncoder:
    """One run over a corpus. The result does not depend on the number of threads."""

    def __init__(
        self,
        reader: BlockReader,
        user_dict: UserDict | None,
        cut: HanCutter,
        *,
        threads: int,
        memory: int,
        progress: ProgressCallback | None,
    ) -> None:
        self.totals = ReadTotals()
        self._reader = reader
        self._cut = cut
        self._encoders = [Encoder(reader.lowercase, user_dict) for _ in range(threads)]
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(threads):
            self._free.put(number)
        self._store = IdStore(memory)
        self._progress = progress
        self._started_at = self._reported_at = time.monotonic()
        self._id_maps: list[UInt32Array | None] | None = None

    def read(self, pool: ThreadPoolExecutor) -> None:
        """Read and split everything, a few blocks ahead of the slowest."""
        running: deque[tuple[Future[tuple[IdBlock, int, int]], int]] = deque()
        for block, position in self._reader.blocks(self.totals.tally):
            if len(running) >= 2 * len(self._encoders):
                self._take(*running.popleft())
            running.append((pool.submit(self._work, block), position))
        while running:
            self._take(*running.popleft())
        self._report(1.0)

    def _work(self, block: Block) -> tuple[IdBlock, int, int]:
        number = self._free.get()
        try:
            strict = self._reader.decoding.errors == "strict"
            ids, n_invalid = encode_block(
                self._encoders[number], block, self._cut, strict=strict, field=self._reader.field
            )
            return ids, n_invalid, number
        finally:
            self._free.put(number)

    def _take(self, future: Future[tuple[IdBlock, int, int]], position: int) -> None:
        block, n_invalid, number = future.result()
        totals = self.totals
        totals.tally.n_invalid_bytes += n_invalid
        totals.n_words += block.n_words
        totals.n_lines += block.n_lines
        totals.n_long_words += block.n_long
        totals.hash.append(block)
        self._store.append(block, number)
        if self._progress and time.monotonic() - self._reported_at >= _PROGRESS_SECONDS:
            n_stored = sum(source.n_stored_bytes() for source in self._reader.sources)
            self._report(min(position / n_stored, 1.0) if n_stored else 0.0)

    def _report(self, done: float) -> None:
        if self._progress is None:
            return
        self._reported_at = time.monotonic()
        seconds = max(self._reported_at - self._started_at, 1e-9)
        left = seconds * (1 - done) / done if done else None
        self._progress(Progress("read", done, self.totals.tally.n_bytes / seconds, "B", None, left))

    def select(self, min_count: int, max_vocab: int | None, keep: Container[str] | None = None) -> Vocabulary:
        """The vocabulary of what was read; the bounds are for words not in `keep`. May be asked again."""
        first, *others = self._encoders
        if self._id_maps is None:
            self._id_maps = [None, *(first.merge(other) for other in others)]
            self._encoders = [first]  # the others' tables are not needed any more
        if keep is None:
            keys, counts, chosen = first.select(min_count, max_vocab or 0)
        else:
            keys, counts, chosen = _keep(*first.select(1, 0), min_count, max_vocab, keep)
        return Vocabulary(keys, counts, [chosen if ids is None else chosen[ids] for ids in self._id_maps])

    def ids(self, vocabulary: Vocabulary, pool: ThreadPoolExecutor) -> UInt32Array:
        """The id stream. Takes the blocks apart: to be called once."""
        return self._store.finish(vocabulary.maps, pool)

    def close(self) -> None:
        """Drop the temporary file, if any."""
        self._store.close()


def _keep(
    keys: list[str],
    counts: UInt64Array,
    chosen: UInt32Array,
    min_count: int,
    max_vocab: int | None,
    keep: Container[str],
) -> tuple[list[str], UInt64Array, UInt32Array]:
    """Of all words by falling count: those of `keep`, and of the others those within the bounds."""
    old = np.fromiter((key in keep for key in keys), np.bool_, len(keys))
    new = ~old & (counts >= min_count)
    if max_vocab is not None:
        new &= np.cumsum(new) <= max_vocab
    kept = old | new
    # One place more, for the mark of words left out, which is the highest of ids but that of line ends.
    places = np.full(len(keys) + 1, _LEFT_OUT, np.uint32)
    places[:-1][kept] = np.arange(kept.sum(), dtype=np.uint32)
    chosen = places[np.minimum(chosen, len(keys))]
    return [keys[row] for row in np.flatnonzero(kept)], counts[kept], chosen


def default_threads() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pool_of(threads: int) -> ThreadPoolExecutor:
    """Workers that are ended, with what waits for them, when the block is left by an error or Ctrl-C."""
    return _ImpatientPool(threads, thread_name_prefix="qianru-text")


class _ImpatientPool(ThreadPoolExecutor):
    def __exit__(self, *error: object) -> None:
        self.shutdown(wait=True, cancel_futures=True)


def stream_blocks(reader: BlockReader) -> Iterator[Block]:
    """The blocks alone."""
    return (block for block, _ in reader.blocks(Tally()))
