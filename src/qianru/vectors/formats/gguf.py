"""Writes GGUF version 3, the format of llama.cpp: one tensor, token_embd.weight, and the words as its tokens.

All numbers are little-endian: "GGUF", version, number of tensors and of metadata; metadata as name, type, value;
for each tensor its name, dimensions with the fastest first, type and offset; then the data, aligned to 32 bytes.
It carries vectors, no language model: a reader of GGUF finds matrix and words, llama.cpp has nothing to run.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from qianru.output import new_file
from qianru.vectors.formats.words import utf8_words
from qianru.vectors.stored import Stored

_VERSION = 3
_UINT32, _STRING, _ARRAY = 4, 8, 9
_F32 = 0
_ALIGNMENT = 32


def write_gguf(path: Path, stored: Stored, *, force: bool) -> None:
    """Write the file. Raises ArgumentError for words that are not UTF-8; OutputError."""
    words = utf8_words(stored.keys, "GGUF")
    n_keys, dim = stored.matrix.shape
    metadata = [
        _entry("general.architecture", _STRING, _string("qianru")),
        _entry("general.name", _STRING, _string(str(stored.provenance.get("source", "word vectors")))),
        _entry("general.alignment", _UINT32, struct.pack("<I", _ALIGNMENT)),
        _entry("qianru.embedding_length", _UINT32, struct.pack("<I", dim)),
        _entry("qianru.vocab_size", _UINT32, struct.pack("<I", n_keys)),
        _entry("tokenizer.ggml.model", _STRING, _string("none")),
        _entry(
            "tokenizer.ggml.tokens",
            _ARRAY,
            struct.pack("<IQ", _STRING, n_keys) + b"".join(map(_string, words)),
        ),
    ]
    tensor = _string("token_embd.weight") + struct.pack("<IQQIQ", 2, dim, n_keys, _F32, 0)
    head = b"GGUF" + struct.pack("<IQQ", _VERSION, 1, len(metadata)) + b"".join(metadata) + tensor
    with new_file(path, force=force) as temporary, temporary.open("wb") as out:
        out.write(head + bytes(-len(head) % _ALIGNMENT))
        out.write(np.ascontiguousarray(stored.matrix, dtype="<f4").reshape(-1).view(np.uint8).data)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _entry(name: str, kind: int, value: bytes) -> bytes:
    return _string(name) + struct.pack("<I", kind) + value
