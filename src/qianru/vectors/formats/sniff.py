"""What a path holds, seen from its first bytes; nothing is opened that could run code."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from qianru.vectors.formats.fasttext import looks_like_fasttext
from qianru.vectors.formats.glove import looks_like_glove
from qianru.vectors.formats.numpy_files import MAGIC as NPY_MAGIC
from qianru.vectors.formats.projector import looks_like_tsv, metadata_names
from qianru.vectors.formats.row_file import BOM
from qianru.vectors.formats.safetensors import looks_like_safetensors
from qianru.vectors.formats.word2vec import looks_like_word2vec
from qianru.vectors.formats.words import find_companion

_HEAD = 1 << 18
# Files that are told by their first bytes, and never read here.
_OTHERS = (
    (b"PK\x03\x04", "zip"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\xfd7zXZ", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

DESCRIPTIONS = {
    "folder": "qianru model folder",
    "hugging-face": "folder in Hugging Face's layout (model.safetensors)",
    "spacy": "spaCy vectors folder",
    "other-folder": "folder of no known kind",
    "word2vec": "word2vec file",
    "glove": "GloVe text",
    "tsv": "TensorFlow projector table",
    "npy": "NumPy array",
    "safetensors": "safetensors file",
    "fasttext": "fastText model (.bin or .ftz)",
    "gguf": "GGUF file",
    "pickle": "Python pickle",
    "zip": "zip archive (a torch checkpoint or .npz?)",
    "hdf5": "HDF5 file",
    "xz": "xz archive",
    "bzip2": "bzip2 archive",
    "zstd": "zstandard archive",
    "utf-16": "UTF-16 text",
    "empty": "empty file",
    "unknown": "no known form of vectors",
}

# What to do about the forms that are not read.
NEXT_STEPS = {
    "pickle": "a pickle can run any code, so it is never opened: where you trust it, in Python with the library that "
    'wrote it, e.g. gensim: KeyedVectors.load(FILE).save_word2vec_format("vectors.bin", binary=True)',
    "zip": "neither a torch checkpoint, which holds pickles, nor .npz is opened: save the matrix as .safetensors or .npy with the "
    "library that wrote it",
    "hdf5": "write its matrix as .npy with h5py, and the words one a line beside it",
    "xz": "unpack it first: xz -dk FILE",
    "bzip2": "unpack it first: bzip2 -dk FILE",
    "zstd": "unpack it first: zstd -d FILE",
    "utf-16": "recode it first: iconv -f UTF-16 -t UTF-8 FILE",
    "gguf": "GGUF files are written, not read",
    "empty": "copy it again",
    "other-folder": "name a model folder, or a file in it",
    "unknown": "name the format if you know it: --from",
}


def head_of(path: Path) -> tuple[bytes, bool]:
    """The first bytes, unpacked if they are gzip, and whether they were."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[:2] != b"\x1f\x8b":
        return head, False
    try:
        with gzip.open(path) as unpacked:
            return unpacked.read(_HEAD), True
    except (EOFError, OSError, zlib.error):
        # What is damaged is for the reader to say; what did come out tells the kind, if it is a line at least.
        unpacked_head = _unpacked(head)
        return unpacked_head if b"\n" in unpacked_head else b"", True


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        return b""


def sniff(path: Path) -> str:
    """The kind, a key of DESCRIPTIONS. Raises OSError."""
    if path.is_dir():
        return _sniff_folder(path)
    head, compressed = head_of(path)
    if not head:
        return "word2vec" if compressed else "empty"
    return _sniff_bytes(head, path)


def _sniff_folder(path: Path) -> str:
    if (path / "qianru.json").exists() or (path / "keys.safetensors").exists():
        return "folder"
    if spacy_folder(path) is not None:
        return "spacy"
    return "hugging-face" if hugging_face_file(path) is not None else "other-folder"


def spacy_folder(path: Path) -> Path | None:
    """Where in the folder, of vectors, a vocabulary or a pipeline, spaCy's vectors are."""
    for folder in (path, path / "vectors", path / "vocab"):
        if (folder / "key2row").is_file() and (folder / "vectors").is_file():
            return folder
    return None


def hugging_face_file(path: Path) -> Path | None:
    """The weights in a folder of Hugging Face's layout."""
    for name in ("model.safetensors", "0_StaticEmbedding/model.safetensors"):
        if (path / name).is_file():
            return path / name
    return None


def _sniff_bytes(head: bytes, path: Path) -> str:
    if head.startswith(NPY_MAGIC):
        return "npy"
    if head.startswith(b"GGUF"):
        return "gguf"
    if path.suffix.lower() == ".tsv" and looks_like_tsv(head):
        return "tsv"
    if looks_like_word2vec(head.removeprefix(BOM)):
        return "word2vec"
    if head[0] == 0x80 and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if looks_like_fasttext(head):
        return "fasttext"
    if looks_like_safetensors(head):
        return "safetensors"
    for magic, kind in _OTHERS:
        if head.startswith(magic):
            return kind
    if b"\t" in head and looks_like_tsv(head) and find_companion(path, *metadata_names(path)):
        return "tsv"
    # What holds control characters is hardly text, unless its name says so.
    return "glove" if looks_like_glove(head) or ".glove" in path.suffixes else "unknown"
