"""The ids of a whole corpus: first each block's own, then, in place, those of the vocabulary."""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TypeAlias

import numpy as np

from qianru._core import LINE_END, IdBlock, remap_ids
from qianru.arrays import UInt32Array
from qianru.errors import OutputError

IdMaps: TypeAlias = Sequence[UInt32Array]
_ID_BYTES = 4


class IdStore:
    """Blocks in the order of the text, in memory up to `memory` bytes, beyond that in a temporary file.

    The file has no name, so it is gone when the process is, and lies where `tempfile` puts files (TMPDIR).
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._n_ids = 0
        self._blocks: list[tuple[IdBlock | None, int]] = []
        self._spilled: list[tuple[int, bool, int]] = []  # ids, starts inside a line, encoder
        self._file: IO[bytes] | None = None

    def append(self, block: IdBlock, encoder: int) -> None:
        """Take the next block, whose ids are those of the encoder with this number."""
        self._n_ids += block.n_ids
        self._blocks.append((block, encoder))
        if self._file is not None or self._n_ids * _ID_BYTES > self._memory:
            self._spill()

    def _spill(self) -> None:
        with self._told_as_output_error():
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="qianru-ids-")  # noqa: SIM115  closed by close()
            for block, encoder in self._blocks:
                if block is not None:
                    self._file.write(block.ids().data)
                    self._spilled.append((block.n_ids, block.starts_in_line, encoder))
        self._blocks.clear()

    @contextlib.contextmanager
    def _told_as_output_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"cannot write {self._n_ids * _ID_BYTES} bytes of ids to a temporary file in "
                f"{tempfile.gettempdir()}: {error.strerror}",
                hint="Set TMPDIR to a folder with room, or raise memory.",
            ) from None

    def close(self) -> None:
        """Drop the temporary file; an array that finish() made of it stays good."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # closing writes what is left, which a full disk refuses again
                self._file.close()

    def finish(self, maps: IdMaps, pool: ThreadPoolExecutor) -> UInt32Array:
        """All ids as one array, mapped by their encoder's map, dropped words and empty lines left out."""
        return self._in_memory(maps, pool) if self._file is None else self._mapped(maps, self._file)

    def _in_memory(self, maps: IdMaps, pool: ThreadPoolExecutor) -> UInt32Array:
        blocks = [(block, encoder) for block, encoder in self._blocks if block is not None]
        list(pool.map(lambda item: item[0].remap(maps[item[1]]), blocks))
        # Where each block goes: a line end at its beginning is left out when nothing before it kept a word.
        places: list[tuple[int, int]] = []
        n, in_line = 0, False
        for block, _ in blocks:
            ids = block.ids()
            skip = int(len(ids) > 0 and ids[0] == LINE_END and not in_line)
            places.append((n, skip))
            if len(ids):
                in_line = bool(ids[-1] != LINE_END)
            n += len(ids) - skip
        del blocks
        stream = np.empty(n, dtype=np.uint32)

        def copy(i: int) -> None:
            block, (start, skip) = self._blocks[i][0], places[i]
            if block is not None:
                stream[start : start + block.n_ids - skip] = block.ids()[skip:]
            self._blocks[i] = (
                None,
                0,
            )  # frees the block's memory now, so that the peak stays near one stream

        list(pool.map(copy, range(len(places))))
        return stream

    def _mapped(self, maps: IdMaps, file: IO[bytes]) -> UInt32Array:
        with self._told_as_output_error():
            file.flush()
            raw = np.frombuffer(mmap.mmap(file.fileno(), self._n_ids * _ID_BYTES), dtype=np.uint32)
            start = n = 0
            in_line = False
            for n_ids, starts_in_line, encoder in self._spilled:
                ids = raw[start : start + n_ids]
                start += n_ids
                ids = ids[: remap_ids(ids, maps[encoder], starts_in_line)]
                ids = ids[int(len(ids) > 0 and ids[0] == LINE_END and not in_line) :]
                if len(ids):
                    in_line = bool(ids[-1] != LINE_END)
                raw[n : n + len(ids)] = ids
                n += len(ids)
            del raw, ids
            file.truncate(n * _ID_BYTES)
            return np.frombuffer(mmap.mmap(file.fileno(), n * _ID_BYTES), dtype=np.uint32)
