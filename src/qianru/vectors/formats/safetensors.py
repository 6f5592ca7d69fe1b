"""One matrix in a .safetensors file, its words in the metadata or beside it.

Read: the tensor named, or the one of a known name, or the only matrix of floats. The words come from the
metadata (`vocab`, a JSON list), or from tokenizer.json, vocab.txt or vocab.json beside it, as Hugging Face
folders have them. Written: tensor `embeddings` and the words in the metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Float32Array
from qianru.errors import ArgumentError, FormatError
from qianru.output import new_file
from qianru.vectors.formats.numpy_files import as_float32
from qianru.vectors.formats.words import (
    checked_word,
    find_companion,
    pack,
    read_lines,
    utf8_words,
    with_distinct_keys,
)
from qianru.vectors.safetensors_file import (
    MAX_FOREIGN_HEADER,
    map_header,
    parse_json_object,
    view_tensor,
    write_header,
)
from qianru.vectors.stored import Stored

# BF16 has no numpy type: the upper half of a float32.
_DTYPES: dict[str, np.dtype[np.generic]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "F64": np.dtype("<f8"),
    "BF16": np.dtype("<u2"),
}
# Input embeddings as the libraries name them, ours and model2vec's first.
_NAMES = (
    "embeddings",
    "embedding.weight",
    "embeddings.weight",
    "embeddings.word_embeddings.weight",
    "bert.embeddings.word_embeddings.weight",
    "roberta.embeddings.word_embeddings.weight",
    "wte.weight",
    "transformer.wte.weight",
    "model.embed_tokens.weight",
    "vectors",
)
_MAX_JSON = 1 << 30


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a header length and the begin of a JSON object stand there."""
    return (
        len(head) > 9 and 2 <= int.from_bytes(head[:8], "little") <= MAX_FOREIGN_HEADER and head[8:9] == b"{"
    )


def read_safetensors(
    path: Path, *, tensor: str | None = None, errors: str = "strict", repair: bool = False
) -> Stored:
    """The matrix and its words. Raises FormatError, naming the tensors there are where none is sure."""
    mapped, header, begin = map_header(path, max_header=MAX_FOREIGN_HEADER)
    if "embeddings" in header:
        refuse_shared_rows(header, path)
    name = tensor if tensor is not None else _choose(header, path)
    entry = header.get(name)
    dtype_name = entry.get("dtype") if isinstance(entry, dict) else None
    if not isinstance(dtype_name, str) or dtype_name not in _DTYPES:
        raise FormatError(
            f"tensor {name!r} must be there with dtype {', '.join(_DTYPES)}, got {dtype_name!r}",
            path=str(path),
        )
    raw = view_tensor(mapped, entry, begin, _DTYPES[dtype_name], dtype_name, 2, path, name)
    matrix = as_float32(_widened(raw) if dtype_name == "BF16" else raw, path)
    words, source = _words(path, header, len(matrix), errors=errors)
    provenance: dict[str, object] = {"source": path.name, "format": "safetensors", "tensor": name}
    # A matrix often has rows to spare after the last word.
    data, offsets = pack(words)
    return with_distinct_keys(data, offsets, matrix[: len(words)], provenance, str(source), keep_first=repair)


def refuse_shared_rows(header: Mapping[str, object], path: Path) -> None:
    """Raise FormatError for a static model of model2vec whose rows are not the tokens' vectors yet."""
    for name in ("mapping", "weights"):
        if name in header:
            raise FormatError(
                f"a tensor {name!r} says that rows are shared by tokens or weighted, which is not read here",
                path=str(path),
                hint="save the vector of each token, multiplied out, as one matrix",
            )


def _widened(raw: NDArray[np.generic]) -> Float32Array:
    wide: NDArray[np.uint32] = raw.astype(np.uint32) << np.uint32(16)
    return wide.view(np.float32)


def matrix_names(header: Mapping[str, object]) -> list[str]:
    """The tensors that are matrices of floats."""
    return [
        name
        for name, entry in header.items()
        if name != "__metadata__"
        and isinstance(entry, dict)
        and str(entry.get("dtype")) in _DTYPES
        and isinstance(entry.get("shape"), list)
        and len(entry["shape"]) == 2
    ]


def _choose(header: Mapping[str, object], path: Path) -> str:
    found = matrix_names(header)
    for name in _NAMES:
        if name in found:
            return name
    if len(found) != 1:
        shown = ", ".join(found[:8]) + (", …" if len(found) > 8 else "")
        raise FormatError(
            f"{len(found)} matrices of floats, and none of a known name: {shown or 'none'}",
            path=str(path),
            hint="keep one of them in the file, or call it embeddings" if found else "",
        )
    return found[0]


def _words(path: Path, header: Mapping[str, object], n_rows: int, *, errors: str) -> tuple[list[bytes], Path]:
    """The words of the first rows, and the file that they are from."""
    metadata = header.get("__metadata__")
    stored = metadata.get("vocab") if isinstance(metadata, dict) else None
    if isinstance(stored, str):
        try:
            vocab = json.loads(stored)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"metadata vocab is not JSON: {error}", path=str(path), offset=8) from None
        return _listed(vocab, n_rows, path, exact=True), path
    beside = find_companion(path, "tokenizer.json", "vocab.json", "vocab.txt", "words.txt")
    if beside is None:
        raise FormatError(
            "a matrix without its words: no vocab in the metadata",
            path=str(path),
            hint="put tokenizer.json, vocab.json or vocab.txt (a word a line) beside it",
        )
    if beside.suffix == ".txt":
        words = read_lines(beside, None, errors=errors)
        if len(words) > n_rows:
            raise FormatError(f"{len(words)} words for {n_rows} rows", path=str(beside))
        return words, beside
    return _listed(_tokenizer_vocab(beside), n_rows, beside, exact=False), beside


def _tokenizer_vocab(path: Path) -> object:
    """tokenizer.json's vocabulary, or the whole of vocab.json."""
    if path.stat().st_size > _MAX_JSON:
        raise FormatError(f"more than {_MAX_JSON} bytes", path=str(path))
    value: object = parse_json_object(path.read_bytes(), path)
    if not path.name.endswith("tokenizer.json"):
        return value
    model = cast(dict[str, object], value).get("model")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    # Unigram: pairs of a piece and its score.
    if isinstance(vocab, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in vocab):
        return [pair[0] for pair in vocab]
    return vocab


def _listed(vocab: object, n_rows: int, path: Path, *, exact: bool) -> list[bytes]:
    """The vocabulary, a list or words with their ids, as words in row order."""
    if isinstance(vocab, dict):
        ids = list(vocab.values())
        if any(type(i) is not int for i in ids) or sorted(ids) != list(range(len(ids))):
            raise FormatError("the ids of the vocabulary are not 0, 1, 2 …", path=str(path))
        vocab = sorted(vocab, key=vocab.__getitem__)
    if not isinstance(vocab, list) or not vocab or not all(isinstance(word, str) for word in vocab):
        raise FormatError("the vocabulary must be a list of words, or words with their ids", path=str(path))
    if len(vocab) > n_rows or (exact and len(vocab) != n_rows):
        raise FormatError(f"{len(vocab)} words for {n_rows} rows", path=str(path))
    return [
        checked_word(word.encode("utf-8", "surrogatepass"), row, str(path), errors="strict")
        for row, word in enumerate(vocab)
    ]


def write_safetensors(path: Path, stored: Stored, *, force: bool) -> None:
    """Write the file. Raises ArgumentError for words that are not UTF-8 or too many for a header; OutputError."""
    vocab = json.dumps(utf8_words(stored.keys, "safetensors' metadata"), ensure_ascii=False)
    if 2 * len(vocab.encode()) > MAX_FOREIGN_HEADER:
        raise ArgumentError(
            f"{len(stored.keys)} words do not fit the header of a safetensors file",
            hint="save a model folder instead, or write .npy with its word list",
        )
    with new_file(path, force=force) as temporary, temporary.open("wb") as out:
        write_header(
            out, {"embeddings": (np.dtype("<f4"), stored.matrix.shape)}, {"format": "pt", "vocab": vocab}
        )
        _write_matrix(out, stored.matrix)


def _write_matrix(out: BinaryIO, matrix: Float32Array) -> None:
    out.write(np.ascontiguousarray(matrix).reshape(-1).view(np.uint8).data)
