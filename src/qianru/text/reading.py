"""Files become UTF-8: decompressed by their first bytes, decoded in pieces; failures tell their place."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import sys
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from qianru.errors import ArgumentError, CorpusError
from qianru.text.sources import FileSource

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# bz2 is told from text that starts with "BZh" by the magic number of its first block.
_MAGIC = re.compile(
    rb"(?P<gz>\x1f\x8b\x08)|(?P<xz>\xfd7zXZ\x00)|(?P<zst>\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"
    rb"|(?P<bz2>BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90))"
)
_STORED_BUFFER = 1 << 18
_DECOMPRESSION_ERRORS = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, OSError)


@dataclass
class Tally:
    """What reading has seen so far."""

    n_bytes: int = 0
    n_invalid_bytes: int = 0


@dataclass(frozen=True)
class Decoding:
    """How bytes become text: the codec's canonical name, and "replace" or "strict"."""

    encoding: str
    errors: str

    @property
    def is_utf8(self) -> bool:
        return self.encoding == "utf-8"


def check_decoding(encoding: str, errors: str) -> Decoding:
    """Raises ArgumentError for an encoding that Python does not know or that does not give text."""
    if errors not in ("replace", "strict"):
        raise ArgumentError(
            f'errors must be "replace" or "strict", not {errors!r}',
            hint='"replace" counts invalid bytes and goes on; "strict" stops at the first one.',
        )
    try:
        name = codecs.lookup(encoding).name
        known = isinstance(codecs.getincrementaldecoder(name)("strict").decode(b"", True), str)
    except (LookupError, TypeError, ValueError):
        known = False
    if not known:
        raise ArgumentError(
            f"encoding must be a text encoding that Python knows, not {encoding!r}",
            hint="For Chinese text it is mostly utf-8 or gb18030.",
        )
    return Decoding("utf-8" if name == "utf-8-sig" else name, errors)


def read_chunks(source: FileSource, n_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Decompressed pieces of a file, each with the number of stored bytes used so far.

    Plain files are read, not mapped: a mapped file that shrinks meanwhile would kill the process.
    """
    path = source.path()
    try:
        stored = open(path, "rb", buffering=0)  # noqa: SIM115  closed below, asked for its place before
    except OSError as error:
        raise _unreadable(source, error) from None
    with stored, io.BufferedReader(stored, _STORED_BUFFER) as buffered:
        try:
            found = _MAGIC.match(stored.read(10))
            stored.seek(0)
            stream = _decompressed(str(found.lastgroup), cast(BinaryIO, buffered)) if found else stored
            while chunk := stream.read(n_bytes):
                yield chunk, stored.tell()
        except _DECOMPRESSION_ERRORS as error:
            # Only the system's own errors have a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise _unreadable(source, error) from None
            raise CorpusError(
                f"{source.title} is damaged or cut short near byte {buffered.tell()}: "
                f"{error or type(error).__name__}",
                hint="Fetch the file again, or repair it with the tool that packed it.",
            ) from None


def _unreadable(source: FileSource, error: OSError) -> CorpusError:
    what = error.strerror or str(error)
    return CorpusError(f"cannot read {source.title}: {what}", hint="Check the file and its permissions.")


def _decompressed(kind: str, buffered: BinaryIO) -> BinaryIO:
    if kind == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=buffered))
    if kind == "bz2":
        return cast(BinaryIO, bz2.BZ2File(buffered))
    if kind == "xz":
        return cast(BinaryIO, lzma.LZMAFile(buffered))
    return cast(BinaryIO, zstd.ZstdFile(buffered))


def utf8_chunks(
    source: FileSource, decoding: Decoding, n_bytes: int, tally: Tally
) -> Iterator[tuple[bytes, int]]:
    """The same pieces as UTF-8 without a byte order mark. UTF-8 itself is passed on unchecked."""
    chunks = read_chunks(source, n_bytes)
    if not decoding.is_utf8:
        yield from _recoded(source, chunks, decoding, tally)
        return
    is_first = True
    for chunk, position in chunks:
        tally.n_bytes += len(chunk)
        yield chunk.removeprefix(codecs.BOM_UTF8) if is_first else chunk, position
        is_first = False


# A decoder's error handler is found by name, so the count of what it replaced goes by way of the thread.
_replaced = threading.local()
_HANDLER = "qianru.count-and-replace"


def _count_and_replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _replaced.n_bytes += error.end - error.start
    return "\ufffd", error.end


codecs.register_error(_HANDLER, _count_and_replace)


def _recoded(
    source: FileSource, chunks: Iterator[tuple[bytes, int]], decoding: Decoding, tally: Tally
) -> Iterator[tuple[bytes, int]]:
    handler = _HANDLER if decoding.errors == "replace" else "strict"
    decoder = codecs.getincrementaldecoder(decoding.encoding)(handler)
    is_first, n_lines, position = True, 0, 0
    for chunk, position in chunks:
        tally.n_bytes += len(chunk)
        text = _decode(decoder, chunk, False, source, n_lines, tally)
        n_lines += text.count("\n") if decoding.errors == "strict" else 0
        if text:
            yield _encode(text.removeprefix("\ufeff") if is_first else text), position
            is_first = False
    if text := _decode(decoder, b"", True, source, n_lines, tally):
        yield _encode(text), position


def _encode(text: str) -> bytes:
    # Some decoders let lone surrogates pass: in UTF-8 they are invalid bytes like any others.
    return text.encode("utf-8", "surrogatepass")


def _decode(
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    final: bool,
    source: FileSource,
    n_lines: int,
    tally: Tally,
) -> str:
    state = decoder.getstate()
    _replaced.n_bytes = 0
    try:
        text = decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        # The decoder may have kept bytes of the chunk before: its object ends where the chunk does.
        n_left = len(error.object) - error.start
        decoder.setstate(state)
        good = decoder.decode(chunk[: max(0, len(chunk) - n_left)])
        line = n_lines + good.count("\n") + 1
        raise invalid_bytes_error(source.title, line, tally.n_bytes - n_left, error.encoding) from None
    except UnicodeError as error:
        raise CorpusError(f"{source.title}: {error}", hint="Name another encoding.") from None
    tally.n_invalid_bytes += _replaced.n_bytes
    return text


def invalid_bytes_error(title: str, line: int, offset: int, encoding: str) -> CorpusError:
    return CorpusError(
        f"{title}, line {line}, byte {offset}: not valid {encoding}",
        hint='Name the right encoding, or use errors="replace" to count such bytes and go on.',
    )


def utf8_error(source: FileSource, offset: int) -> CorpusError:
    """The error for a byte at `offset` in the UTF-8 of a file, which is read once more to count its lines."""
    line, left, is_first = 1, offset, True
    for chunk, _ in read_chunks(source, 1 << 20):
        text = chunk.removeprefix(codecs.BOM_UTF8) if is_first else chunk
        if is_first:
            offset += len(chunk) - len(text)
        is_first = False
        line += text.count(b"\n", 0, left)
        left -= len(text)
        if left <= 0:
            break
    return invalid_bytes_error(source.title, line, offset, "utf-8")
