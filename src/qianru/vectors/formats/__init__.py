"""Files of vectors: what a path holds is seen from its content; each foreign format is one module here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qianru.errors import ArgumentError, FormatError
from qianru.vectors.folder import read_folder
from qianru.vectors.formats.fasttext import read_fasttext_vectors
from qianru.vectors.formats.gguf import write_gguf
from qianru.vectors.formats.glove import read_glove, write_glove
from qianru.vectors.formats.numpy_files import read_npy, write_npy
from qianru.vectors.formats.projector import read_tsv, write_tsv
from qianru.vectors.formats.safetensors import read_safetensors, write_safetensors
from qianru.vectors.formats.sniff import DESCRIPTIONS, NEXT_STEPS, hugging_face_file, sniff, spacy_folder
from qianru.vectors.formats.spacy_vectors import read_spacy, write_spacy
from qianru.vectors.formats.word2vec import read_word2vec
from qianru.vectors.formats.word2vec_write import write_word2vec
from qianru.vectors.stored import Stored

__all__ = ["ERRORS", "READ_FORMATS", "WRITE_SUFFIXES", "format_of_name", "read_any", "write_format"]

ERRORS = ("strict", "replace", "surrogateescape")

_READERS: dict[str, Callable[..., Stored]] = {
    "word2vec": read_word2vec,
    "fasttext": read_fasttext_vectors,
    "glove": read_glove,
    "safetensors": read_safetensors,
    "npy": read_npy,
    "tsv": read_tsv,
}
READ_FORMATS = ("folder", "spacy", *_READERS)

# Ends of names, and the formats that they stand for.
WRITE_SUFFIXES = {
    ".bin": "binary",
    ".txt": "text",
    ".vec": "text",
    ".text": "text",
    ".glove": "glove",
    ".safetensors": "safetensors",
    ".npy": "npy",
    ".tsv": "tsv",
    ".gguf": "gguf",
    ".spacy": "spacy",
}
_WRITERS: dict[str, Callable[..., None]] = {
    "safetensors": write_safetensors,
    "npy": write_npy,
    "tsv": write_tsv,
    "gguf": write_gguf,
    "spacy": write_spacy,
}
_COMPRESSED = ("binary", "text", "glove")


def read_any(
    path: Path,
    *,
    verify: bool = False,
    errors: str = "strict",
    repair: bool = False,
    format: str | None = None,
) -> Stored:
    """Whatever form of vectors the path holds. Raises FormatError; ArgumentError where there is none.

    format: one of READ_FORMATS, where the content must not tell.
    """
    if errors not in ERRORS:
        raise ArgumentError(f"errors must be one of {', '.join(ERRORS)}, got {errors!r}")
    if format is not None and format not in READ_FORMATS:
        raise ArgumentError(f"format must be one of {', '.join(READ_FORMATS)}, got {format!r}")
    if not path.exists():
        raise ArgumentError(f"no such file or folder: {path}")
    if not path.is_dir() and not path.is_file():
        raise ArgumentError(f"neither a file nor a folder: {path}")
    try:
        kind = sniff(path) if format is None else format
        if kind == "folder":
            return read_folder(path, verify=verify)
        if kind == "hugging-face" and (file := hugging_face_file(path)):
            return read_safetensors(file, errors=errors, repair=repair)
        if kind == "spacy":
            return read_spacy(spacy_folder(path) or path)
        if kind in _READERS:
            return _READERS[kind](path, errors=errors, repair=repair)
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    raise _not_read(path, kind)


def _not_read(path: Path, kind: str) -> FormatError:
    if kind == "empty":
        return FormatError("the file is empty", path=str(path), offset=0, hint=NEXT_STEPS[kind])
    if kind == "other-folder":
        return FormatError("no qianru.json in it", path=str(path), hint="name a folder that `save` wrote")
    hint = NEXT_STEPS.get(kind, "")
    offset = None if path.is_dir() else 0
    return FormatError(f"not read here: {DESCRIPTIONS[kind]}", path=str(path), offset=offset, hint=hint)


def format_of_name(name: str) -> tuple[str | None, bool]:
    """The format that the end of a file's name stands for, or None; and whether .gz follows it."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compressed = suffixes[-1:] == [".gz"]
    plain = suffixes[-2:-1] if compressed else suffixes[-1:]
    return (WRITE_SUFFIXES.get(plain[0]) if plain else None), compressed


def write_format(path: Path, stored: Stored, *, format: str | None, force: bool) -> None:
    """Write the file in the format named, or in the one its name speaks of; .gz at the end compresses."""
    named, compressed = format_of_name(path.name)
    format = named if format is None else format
    known = tuple(dict.fromkeys(WRITE_SUFFIXES.values()))
    if format not in known:
        raise ArgumentError(
            f"format must be one of {', '.join(known)}, got {format!r} for {path.name}",
            hint=f"name the format, or end the name in {', '.join(WRITE_SUFFIXES)} (and .gz)",
        )
    if compressed and format not in _COMPRESSED:
        raise ArgumentError(
            f"{path.name}: only {', '.join(_COMPRESSED)} files are compressed", hint="leave .gz away"
        )
    if format == "glove":
        write_glove(path, stored, compressed=compressed, force=force)
    elif format in _WRITERS:
        _WRITERS[format](path, stored, force=force)
    else:
        write_word2vec(path, stored, binary=format == "binary", compressed=compressed, force=force)
