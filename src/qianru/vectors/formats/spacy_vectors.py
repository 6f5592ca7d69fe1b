"""spaCy's vectors: a folder with `vectors` (.npy), `key2row` (MessagePack), `strings.json` and `vectors.cfg`.

key2row maps spaCy's 64-bit hash of a string (MurmurHash64A, seed 1) to a row; strings.json lists the strings. The
few hundred names of spaCy's own symbols (NOUN, DATE …) go by small numbers instead; their table is taken from
spaCy where that is installed, else they are written by their hash and, on reading, left out and counted. The
folder written is one of a vocabulary too: spacy.vocab.Vocab().from_disk(folder).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from qianru.arrays import Int64Array, UInt64Array
from qianru.errors import ArgumentError, FormatError
from qianru.output import new_folder
from qianru.vectors.formats.numpy_files import read_matrix
from qianru.vectors.formats.words import pack, utf8_words
from qianru.vectors.keys import Keys
from qianru.vectors.stored import Stored

_FILES = frozenset({"vectors", "key2row", "strings.json", "vectors.cfg", "lookups.bin"})
_MAX_JSON = 1 << 30
_FREE_BYTES = 1 << 30
# What MessagePack's unsigned integers begin with, and their lengths.
_WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}


def read_spacy(folder: Path) -> Stored:
    """The words of key2row with their vectors. Raises FormatError."""
    matrix = read_matrix(folder / "vectors")
    hashes, rows = read_key2row(folder / "key2row")
    if not len(hashes) or int(rows.max()) >= len(matrix):
        raise FormatError(f"no key, or a row beyond {len(matrix)}", path=str(folder / "key2row"))
    strings = _strings(folder / "strings.json")
    names = dict(zip(_hashes(strings).tolist(), strings, strict=True))
    names.update({number: name for name, number in symbols().items()})
    order = np.argsort(rows, kind="stable")
    found = [
        (names[h], row)
        for h, row in zip(hashes[order].tolist(), rows[order].tolist(), strict=True)
        if h in names
    ]
    if not found:
        raise FormatError("no string for any key", path=str(folder / "strings.json"))
    size = sum((folder / name).stat().st_size for name in ("vectors", "key2row", "strings.json"))
    if len(found) * matrix.shape[1] * 4 > max(4 * size, _FREE_BYTES):
        raise FormatError(
            f"{len(found)} keys share {len(matrix)} rows; one row each would take many times the files' size",
            path=str(folder),
            hint="these vectors are pruned: load those before spaCy's prune_vectors",
        )
    words, picked = zip(*found, strict=True)
    keys, duplicates = Keys.from_bytes(*pack([word.encode() for word in words]))
    if duplicates:
        raise FormatError(f"{words[duplicates[0]]!r} has two keys", path=str(folder / "key2row"))
    provenance: dict[str, object] = {"source": folder.name, "format": "spaCy vectors"}
    if len(found) < len(hashes):
        provenance["n_keys_without_string"] = len(hashes) - len(found)
    return Stored(keys, np.ascontiguousarray(matrix[np.array(picked)]), None, provenance)


def read_key2row(path: Path) -> tuple[UInt64Array, Int64Array]:
    """Keys and rows [n] of a MessagePack map of unsigned integers. Raises FormatError with the byte offset."""
    data = path.read_bytes()

    def error(message: str, at: int) -> FormatError:
        return FormatError(message, path=str(path), offset=at, hint="copy the whole folder again")

    head = data[0] if data else 0
    width = {0xDE: 2, 0xDF: 4}.get(head, 0)
    if not (width or 0x80 <= head <= 0x8F) or len(data) < 1 + width:
        raise error("not a MessagePack map", 0)
    n = int.from_bytes(data[1 : 1 + width], "big") if width else head & 15
    if 2 * n > len(data) - 1 - width:
        raise error(f"a map of {n} entries in {len(data)} bytes", 0)
    numbers = np.empty(2 * n, dtype=np.uint64)
    at = 1 + width
    for i in range(2 * n):
        first = data[at] if at < len(data) else 0xC0
        width = _WIDTHS.get(first, 0)
        if first > 0x7F and (not width or at + 1 + width > len(data)):
            raise error("an unsigned integer was expected", at)
        numbers[i] = int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else first
        at += 1 + width
    if at != len(data):
        raise error(f"bytes after the last of {n} entries", at)
    pairs = numbers.reshape(n, 2)
    if n and int(pairs[:, 1].max()) >= 1 << 32:
        raise error("a row above 2^32", 0)
    return pairs[:, 0].copy(), pairs[:, 1].astype(np.int64)


def write_key2row(hashes: UInt64Array) -> bytes:
    """The map from hash i to row i."""
    entries = np.empty(len(hashes), dtype=[("a", "u1"), ("key", ">u8"), ("b", "u1"), ("row", ">u4")])
    entries["a"], entries["key"], entries["b"], entries["row"] = 0xCF, hashes, 0xCE, np.arange(len(hashes))
    return b"\xdf" + len(hashes).to_bytes(4, "big") + entries.tobytes()


def _strings(path: Path) -> list[str]:
    """The distinct strings. Raises FormatError."""
    try:
        if path.stat().st_size > _MAX_JSON:
            raise FormatError(f"more than {_MAX_JSON} bytes", path=str(path))
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}", path=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not valid JSON: {error}", path=str(path)) from None
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise FormatError("a JSON list of strings was expected", path=str(path))
    words = [word for word in dict.fromkeys(found) if word]
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        raise FormatError("a string with a lone surrogate", path=str(path)) from None
    if not words:
        raise FormatError("no string in it", path=str(path))
    return words


def _hashes(words: list[str]) -> UInt64Array:
    keys = Keys.from_words(words)
    out = np.empty(len(words), dtype=np.uint64)
    keys.lookup.murmur_hashes(out)
    return out


def symbols() -> Mapping[str, int]:
    """spaCy's own names and their numbers, empty where spaCy is not installed."""
    if importlib.util.find_spec("spacy") is None:
        return {}
    ids: dict[str, int] = importlib.import_module("spacy.symbols").IDS
    return {name: number for name, number in ids.items() if name and number}


def write_spacy(path: Path, stored: Stored, *, force: bool) -> None:
    """Write the folder. Raises ArgumentError for words that are not UTF-8 or share a hash; OutputError."""
    words = utf8_words(stored.keys, "spaCy")
    hashes = np.empty(len(words), dtype=np.uint64)
    stored.keys.lookup.murmur_hashes(hashes)
    for name, number in symbols().items():
        row = stored.keys.find(name)
        if row >= 0:
            hashes[row] = number
    if len(np.unique(hashes)) != len(hashes):
        raise ArgumentError(
            "two words share one of spaCy's hashes", hint="leave one of them out (Vectors.subset)"
        )
    with new_folder(path, force=force, may_replace=_why_not_replace) as folder:
        with (folder / "vectors").open("wb") as out:
            np.lib.format.write_array(out, stored.matrix, version=(1, 0), allow_pickle=False)
        (folder / "key2row").write_bytes(write_key2row(hashes))
        (folder / "strings.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        (folder / "vectors.cfg").write_text('{\n  "mode":"default"\n}', encoding="utf-8")
        (folder / "lookups.bin").write_bytes(b"\x80")


def _why_not_replace(folder: Path) -> str:
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in _FILES)
    if others or not (folder / "key2row").is_file():
        return f"it is not a folder of spaCy's vectors alone: {', '.join(others[:3])}"
    return ""
