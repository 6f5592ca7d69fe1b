"""Read and write SentencePiece .model files without protobuf.

A file is a message of the protobuf wire format: fields, each a key (number << 3 | wire type, as a varint) and a
value. Only what tokenizing needs is kept; unknown fields are skipped by their wire type. Numbers of the fields are
those of sentencepiece_model.proto (Apache-2.0): pieces 1, trainer 2, normaliser 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qianru import _core
from qianru.errors import FormatError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
UNIGRAM, BPE, WORD, CHARACTER = 1, 2, 3, 4
KINDS = {UNIGRAM: "unigram", BPE: "bpe", WORD: "word", CHARACTER: "character"}
MAX_BYTES = 1 << 28  # a file larger than this is no vocabulary
_MAX_PIECE_BYTES = 8000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIRE_NAMES = {_VARINT: "a varint", _FIXED64: "8 bytes", _BYTES: "a length and bytes", _FIXED32: "4 bytes"}


@dataclass(frozen=True, slots=True)
class SentencePieceFile:
    """What a .model file says. `pieces`, `scores` (float32) and `types` are by id."""

    pieces: list[str]
    scores: list[float]
    types: list[int]
    kind: int = UNIGRAM
    byte_fallback: bool = False
    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    escape_whitespaces: bool = True
    whitespace_as_suffix: bool = False
    unknown_piece: str = "<unk>"
    bos_piece: str = "<s>"
    eos_piece: str = "</s>"
    pad_piece: str = "<pad>"
    unknown_surface: str = " \u2047 "
    normalizer_name: str = ""
    has_denormalizer: bool = field(default=False)

    def encoder(self) -> _core.SentencePieceEncoder:
        """The core's encoder, whose ids are those of the sentencepiece package.

        Raises:
            FormatError: the kind is neither Unigram nor BPE, or the pieces contradict each other.
        """
        if self.kind not in (UNIGRAM, BPE):
            raise FormatError(
                f"a SentencePiece model of kind {KINDS.get(self.kind, self.kind)} cannot be used",
                hint="models of kind unigram and bpe can",
            )
        try:
            return _core.SentencePieceEncoder(
                [piece.encode() for piece in self.pieces],
                np.array(self.scores, dtype=np.float32),
                np.array(self.types, dtype=np.uint8),
                bpe=self.kind == BPE,
                byte_fallback=self.byte_fallback,
                charsmap=self.charsmap,
                add_dummy_prefix=self.add_dummy_prefix,
                remove_extra_whitespaces=self.remove_extra_whitespaces,
                escape_whitespaces=self.escape_whitespaces,
                whitespace_as_suffix=self.whitespace_as_suffix,
            )
        except ValueError as error:
            raise FormatError(f"the SentencePiece model contradicts itself: {error}") from None


def read_sentencepiece_file(path: Path | str) -> SentencePieceFile:
    """Read a .model file.

    Raises:
        FormatError: the file is cut short, is no SentencePiece model or larger than 256 MiB; with the byte where.
        OSError: it cannot be read.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FormatError(
            f"a SentencePiece model has at most {MAX_BYTES} bytes, this file {size}", path=str(path)
        )
    return parse_sentencepiece(path.read_bytes(), path=str(path))


def parse_sentencepiece(data: bytes, *, path: str = "") -> SentencePieceFile:
    """The same for the content of a file."""
    reader = _Reader(data, path)
    pieces: list[str] = []
    scores: list[float] = []
    types: list[int] = []
    trainer: dict[str, object] = {}
    normalizer: dict[str, object] = {}
    for number, wire, at, start, end in reader.fields(0, len(data)):
        if number == 1:
            reader.expect(wire, _BYTES, at, "pieces")
            piece, score, kind = _read_piece(reader, start, end)
            pieces.append(piece)
            scores.append(score)
            types.append(kind)
        elif number == 2:
            reader.expect(wire, _BYTES, at, "trainer_spec")
            trainer.update(_read_message(reader, start, end, _TRAINER, "trainer_spec"))
        elif number == 3:
            reader.expect(wire, _BYTES, at, "normalizer_spec")
            normalizer.update(_read_message(reader, start, end, _NORMALIZER, "normalizer_spec"))
        elif number == 5:
            reader.expect(wire, _BYTES, at, "denormalizer_spec")
            rules = _read_message(reader, start, end, _NORMALIZER, "denormalizer_spec")
            trainer["has_denormalizer"] = bool(rules.get("charsmap"))
    if not pieces:
        raise FormatError("no SentencePiece model: it holds no pieces", path=path, offset=len(data))
    return SentencePieceFile(pieces, scores, types, **trainer, **normalizer)  # type: ignore[arg-type]


def write_sentencepiece(model: SentencePieceFile) -> bytes:
    """The bytes of a .model file that holds this model; the sentencepiece package opens it."""
    out = bytearray()
    for piece, score, kind in zip(model.pieces, model.scores, model.types, strict=True):
        body = _field(1, piece.encode()) + struct.pack("<Bf", 2 << 3 | _FIXED32, score)
        if kind != NORMAL:
            body += _field(3, kind)
        out += _field(1, body)
    trainer = _field(3, model.kind) + _field(4, len(model.pieces))
    trainer += _field(24, int(model.whitespace_as_suffix)) + _field(35, int(model.byte_fallback))
    ids = {piece: i for i, piece in enumerate(model.pieces)}
    special = (model.unknown_piece, model.bos_piece, model.eos_piece, model.pad_piece)
    for i, name in enumerate(special):
        trainer += _field(40 + i, ids.get(name, -1)) + _field(45 + i, name.encode())
    trainer += _field(44, model.unknown_surface.encode())
    normalizer = _field(1, model.normalizer_name.encode()) + _field(2, model.charsmap)
    normalizer += _field(3, int(model.add_dummy_prefix)) + _field(4, int(model.remove_extra_whitespaces))
    normalizer += _field(5, int(model.escape_whitespaces))
    out += _field(2, trainer) + _field(3, normalizer)
    return bytes(out)


# Field number: name in SentencePieceFile, and the type of what it holds.
_TRAINER: dict[int, tuple[str, type]] = {
    3: ("kind", int),
    24: ("whitespace_as_suffix", bool),
    35: ("byte_fallback", bool),
    44: ("unknown_surface", str),
    45: ("unknown_piece", str),
    46: ("bos_piece", str),
    47: ("eos_piece", str),
    48: ("pad_piece", str),
}
_NORMALIZER: dict[int, tuple[str, type]] = {
    1: ("normalizer_name", str),
    2: ("charsmap", bytes),
    3: ("add_dummy_prefix", bool),
    4: ("remove_extra_whitespaces", bool),
    5: ("escape_whitespaces", bool),
}


class _Reader:
    """Fields of a message, with every length checked against the file before anything is taken."""

    def __init__(self, data: bytes, path: str) -> None:
        self.data = data
        self.path = path

    def error(self, message: str, at: int) -> FormatError:
        return FormatError(f"no SentencePiece model: {message}", path=self.path, offset=at)

    def expect(self, wire: int, wanted: int, at: int, name: str) -> None:
        if wire != wanted:
            raise self.error(f"{name} must be {_WIRE_NAMES[wanted]}, but here is {_WIRE_NAMES[wire]}", at)

    def varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        start = at
        while True:
            if at >= end:
                raise self.error("a number is cut short", start)
            byte = self.data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (1 << 64) - 1, at
            shift += 7
            if shift > 63:
                raise self.error("a number has more than 10 bytes", start)

    def fields(self, at: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
        """(number, wire type, where its key stands, start and end of the value) for each field."""
        while at < end:
            key_at = at
            key, at = self.varint(at, end)
            number, wire = key >> 3, key & 7
            if number == 0 or number >= 1 << 29:
                raise self.error(f"a field has the number {number}", key_at)
            start = at
            if wire == _VARINT:
                _, at = self.varint(at, end)
            elif wire == _BYTES:
                length, start = self.varint(at, end)
                if length > end - start:
                    raise self.error(f"a field of {length} bytes stands where {end - start} are left", key_at)
                at = start + length
            elif wire in (_FIXED64, _FIXED32):
                at += 8 if wire == _FIXED64 else 4
                if at > end:
                    raise self.error("a number is cut short", key_at)
            else:
                raise self.error(f"a field has the wire type {wire}", key_at)
            yield number, wire, key_at, start, at

    def text(self, start: int, end: int) -> str:
        try:
            return self.data[start:end].decode()
        except UnicodeDecodeError as error:
            raise self.error("a text is not UTF-8", start + error.start) from None


def _read_piece(reader: _Reader, start: int, end: int) -> tuple[str, float, int]:
    piece, score, kind = "", 0.0, NORMAL
    for number, wire, at, value, stop in reader.fields(start, end):
        if number == 1:
            reader.expect(wire, _BYTES, at, "piece")
            if stop - value >= _MAX_PIECE_BYTES:
                raise reader.error(f"a piece has {stop - value} bytes; it must have fewer than 8000", at)
            piece = reader.text(value, stop)
        elif number == 2:
            reader.expect(wire, _FIXED32, at, "score")
            (score,) = struct.unpack_from("<f", reader.data, value)
        elif number == 3:
            reader.expect(wire, _VARINT, at, "type")
            kind, _ = reader.varint(value, stop)
            if not NORMAL <= kind <= BYTE:
                raise reader.error(f"a piece has the type {kind}; known are 1 to 6", at)
    if not piece:
        raise reader.error("a piece is empty", start)
    return piece, score, kind


def _read_message(
    reader: _Reader, start: int, end: int, table: dict[int, tuple[str, type]], where: str
) -> dict[str, object]:
    found: dict[str, object] = {}
    for number, wire, at, value, stop in reader.fields(start, end):
        if number not in table:
            continue
        name, kind = table[number]
        reader.expect(wire, _VARINT if kind in (int, bool) else _BYTES, at, f"{where}.{name}")
        if kind is str:
            found[name] = reader.text(value, stop) or _DEFAULTS.get(name, "")
        elif kind is bytes:
            found[name] = reader.data[value:stop]
        else:
            found[name] = kind(reader.varint(value, stop)[0])
    return found


# An empty name stands for the usual one.
_DEFAULTS = {"unknown_piece": "<unk>", "bos_piece": "<s>", "eos_piece": "</s>", "pad_piece": "<pad>"}


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    return _varint(number << 3 | _VARINT) + _varint(value & (1 << 64) - 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
