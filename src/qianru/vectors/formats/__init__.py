"""Files of vectors: what a path holds is seen from its content; each foreign format is one module here."""

from __future__ import annotations

from pathlib import Path

from qianru.errors import ArgumentError, FormatError
from qianru.vectors.folder import read_folder
from qianru.vectors.formats.fasttext import looks_like_fasttext, read_fasttext_vectors
from qianru.vectors.formats.word2vec import read_word2vec
from qianru.vectors.formats.word2vec_write import write_word2vec
from qianru.vectors.stored import Stored

__all__ = ["read_any", "write_format"]

_SUFFIXES = {".bin": "binary", ".txt": "text", ".vec": "text", ".text": "text"}


def read_any(path: Path, *, verify: bool, errors: str) -> Stored:
    """A model folder, a word2vec or a fastText file. Raises FormatError; ArgumentError where there is neither."""
    if errors not in ("strict", "replace"):
        raise ArgumentError(f'errors must be "strict" or "replace", got {errors!r}')
    if path.is_dir():
        return read_folder(path, verify=verify)
    if not path.exists():
        raise ArgumentError(f"no such file or folder: {path}")
    if not path.is_file():
        raise ArgumentError(f"neither a file nor a folder: {path}")
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if looks_like_fasttext(head):
            return read_fasttext_vectors(path, replace=errors == "replace")
        return read_word2vec(path, replace=errors == "replace")
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None


def write_format(path: Path, stored: Stored, *, format: str | None, force: bool) -> None:
    """Write the file in the format named, or in the one its name speaks of; .gz at the end compresses."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = suffixes[-1:] == [".gz"]
    plain = suffixes[-2:-1] if compressed else suffixes[-1:]
    if format is None:
        format = _SUFFIXES.get(plain[0]) if plain else None
    if format not in ("binary", "text"):
        known = ", ".join(_SUFFIXES)
        raise ArgumentError(
            f'format must be "binary" or "text", got {format!r} for {path.name}',
            hint=f"name the format, or end the name in {known} (and .gz)",
        )
    write_word2vec(path, stored, binary=format == "binary", compressed=compressed, force=force)
