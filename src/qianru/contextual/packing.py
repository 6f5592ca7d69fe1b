"""A corpus as one stream of ids, cut into sequences that are all full: no padding, and no line is cut off.

The stream lies in files of the run's checkpoint folder, so that a resumed run sees the same text however the corpus files
have changed meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import BoolArray, Int64Array, UInt32Array
from qianru.contextual.whole_words import WordBegins
from qianru.errors import CorpusError, FormatError
from qianru.output import new_file
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.tokens import Tokenizer, read_tokenizer

LINE_END = 0xFFFFFFFF
_IDS, _BEGINS, _ABOUT = "ids.npy", "begins.npy", "text.json"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class TokenStream:
    """ids: uint32 [n], mapped, LINE_END behind each line. begins: bool [n], mapped, begins a word; or None.

    fingerprint: SHA-256 over the ids, in hexadecimal. n_tokens: without line ends.
    """

    ids: UInt32Array
    begins: BoolArray | None
    fingerprint: str
    n_tokens: int
    n_lines: int

    def window(self, starts: Int64Array, length: int, *, line_end: int) -> Int64Array:
        """So many tokens from each start, int64 [n, length], with the token that stands for the end of a line."""
        places = starts[:, None] + np.arange(length)
        found = np.asarray(self.ids[places]).astype(np.int64)
        found[found == LINE_END] = line_end
        return found

    def begins_at(self, starts: Int64Array, length: int) -> BoolArray | None:
        """Of the same tokens whether they begin a word."""
        if self.begins is None:
            return None
        return np.asarray(self.begins[starts[:, None] + np.arange(length)])


def write_stream(
    corpus: Corpus,
    tokenizer: Tokenizer,
    folder: Path,
    *,
    whole_words: bool,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> TokenStream:
    """Encode the corpus into files in the folder, where `tokenizer` has been saved too, and open them.

    Raises CorpusError where there is no token, OutputError.
    """
    ids = tokenizer.encode_files(
        corpus, folder / _IDS, line_end=LINE_END, threads=threads, force=True, progress=progress
    )
    if not len(ids):
        raise CorpusError(f"no token in {corpus!r}", hint="The inputs are empty.")
    begins = WordBegins(read_tokenizer(tokenizer.description), corpus.han_cutter) if whole_words else None
    return finish_stream(ids, begins, folder, progress=progress)


def write_ids(folder: Path, blocks: Iterable[UInt32Array]) -> UInt32Array:
    """Write a stream that no tokenizer made; returns it in memory, as `finish_stream` takes it."""
    ids = np.concatenate(list(blocks)).astype("<u4", copy=False)
    with new_file(folder / _IDS, force=True) as beside, beside.open("wb") as out:
        np.save(out, ids)
    return ids


def finish_stream(
    ids: UInt32Array,
    begins: WordBegins | None,
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
) -> TokenStream:
    """Write what goes beside ids that stand in the folder already; begins: to tell where words begin, if wanted."""
    n_lines, begins_mark = 0, ""
    if begins is not None:
        with new_file(folder / _BEGINS, force=True) as beside:
            out = np.lib.format.open_memmap(beside, mode="w+", dtype=np.bool_, shape=(len(ids),))
            started = time.monotonic()
            for start, end in _blocks(ids):
                out[start:end] = begins(np.asarray(ids[start:end]))
                if progress is not None:
                    rate = end / max(time.monotonic() - started, 1e-9)
                    progress(Progress("words", end / len(ids), rate, "tokens"))
            out.flush()
            begins_mark = _hash(out)
    for start in range(0, len(ids), _BLOCK):
        n_lines += int(np.count_nonzero(ids[start : start + _BLOCK] == LINE_END))
    about = {
        "format": "qianru token stream",
        "format_version": 1,
        "n": len(ids),
        "n_lines": n_lines,
        "sha256": _hash(ids),
        "begins_sha256": begins_mark,
        "whole_words": begins is not None,
    }
    with new_file(folder / _ABOUT, force=True) as beside:
        beside.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return open_stream(folder)


def open_stream(folder: Path) -> TokenStream:
    """The stream that stands in a folder, mapped and compared with its hash. Raises FormatError, naming the file."""
    about_file = folder / _ABOUT
    try:
        about = json.loads(about_file.read_text("utf-8"))
        n, n_lines, mark = int(about["n"]), int(about["n_lines"]), str(about["sha256"])
        begins_mark = about["begins_sha256"]
        whole_words = about["whole_words"] is True
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(about_file, error) from None
    ids = cast(UInt32Array, _array(folder / _IDS, np.dtype("<u4"), n))
    if _hash(ids) != mark:
        raise _damaged(folder / _IDS, "the ids are not the ones that were written")
    begins = cast(BoolArray, _array(folder / _BEGINS, np.dtype(np.bool_), n)) if whole_words else None
    if begins is not None and _hash(begins) != begins_mark:
        raise _damaged(folder / _BEGINS, "it is not the one that was written")
    return TokenStream(ids, begins, mark, n - n_lines, n_lines)


def _hash(array: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(array), _BLOCK):
        digest.update(np.ascontiguousarray(array[start : start + _BLOCK]).view(np.uint8).data)
    return digest.hexdigest()


def _array(
    path: Path, dtype: np.dtype[np.generic], n: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, error) from None
    if found.dtype != dtype or found.shape != (n,):
        raise _damaged(path, f"{found.dtype} {list(found.shape)}, not {dtype} [{n}]")
    return cast("np.ndarray[tuple[int, ...], np.dtype[np.generic]]", found)


def _damaged(path: Path, why: object) -> FormatError:
    return FormatError(
        f"the text of the run cannot be read: {why}",
        path=str(path),
        hint="remove the checkpoint folder and train from the start",
    )


def _blocks(ids: UInt32Array) -> Iterator[tuple[int, int]]:
    """Parts of the stream that end behind a line end, as words do not reach over it."""
    start = 0
    while start < len(ids):
        end = min(start + _BLOCK, len(ids))
        if end < len(ids):
            ends = np.flatnonzero(np.asarray(ids[start:end]) == LINE_END)
            if len(ends):
                end = start + int(ends[-1]) + 1
        yield start, end
        start = end


class Order:
    """Which sequences are held out, and which are trained on at each step: from seed and step alone.

    Each epoch has an order of its own. One sequence in a hundred, at least one and at most `most_held_out`, evenly
    spread over the text, is held out.
    """

    def __init__(self, n_sequences: int, *, batch_size: int, seed: int, most_held_out: int = 256) -> None:
        if n_sequences < 2:
            raise CorpusError(
                f"the text fills {n_sequences} sequence(s); one is held out, so 2 are needed",
                hint="give more text, or shorter sequences (length)",
            )
        n_held_out = min(max(n_sequences // 100, 1), most_held_out)
        self.held_out = np.unique(np.linspace(0, n_sequences - 1, n_held_out + 2).astype(np.int64)[1:-1])
        self.train: Int64Array = np.setdiff1d(np.arange(n_sequences, dtype=np.int64), self.held_out)
        self._batch_size, self._seed = batch_size, seed
        self._epoch, self._order = -1, self.train

    def batch(self, step: int) -> Int64Array:
        """The sequences of a step, int64 [batch_size]."""
        n = len(self.train)
        found: list[Int64Array] = []
        at, end = step * self._batch_size, (step + 1) * self._batch_size
        while at < end:
            epoch, place = divmod(at, n)
            if epoch != self._epoch:
                random = np.random.default_rng([self._seed, 0, epoch])
                self._epoch, self._order = epoch, random.permutation(self.train)
            part = self._order[place : place + end - at]
            found.append(part)
            at += len(part)
        return np.concatenate(found)
