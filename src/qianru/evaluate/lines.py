"""The lines of a test set, and its bytes, with the place that an error names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qianru.errors import FormatError

# Test sets are small; a larger file is something else.
MAX_BYTES = 64 << 20


class Lines:
    """The lines of a file that are not blank and no comment (`#`), with the number and byte offset of the current one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.number = 0
        self._data = read_bytes(path)

    def __iter__(self) -> Iterator[str]:
        at = 3 if self._data.startswith(b"\xef\xbb\xbf") else 0
        while at < len(self._data):
            end = self._data.find(b"\n", at)
            end = len(self._data) if end < 0 else end
            self.offset, self.number = at, self.number + 1
            try:
                line = self._data[at:end].decode("utf-8").removesuffix("\r")
            except UnicodeDecodeError as error:
                raise FormatError(
                    "not valid UTF-8", path=str(self.path), offset=at + error.start, hint="save it as UTF-8"
                ) from None
            at = end + 1
            if line.strip() and not line.startswith("#"):
                yield line

    def error(self, message: str, hint: str = "") -> FormatError:
        return FormatError(
            f"line {self.number}: {message}", path=str(self.path), offset=self.offset, hint=hint
        )


def read_bytes(path: Path) -> bytes:
    """The bytes of a test set. Raises FormatError where it cannot be read or is too large to be one."""
    try:
        with path.open("rb") as file:
            data = bytearray()
            # In pieces: one read would set the room for the largest file aside.
            while len(data) <= MAX_BYTES and (piece := file.read(1 << 20)):
                data += piece
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    if len(data) > MAX_BYTES:
        raise FormatError(f"larger than {MAX_BYTES >> 20} MiB: no test set", path=str(path), offset=MAX_BYTES)
    return bytes(data)
