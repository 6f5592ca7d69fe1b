"""One block of text through an encoder: checked, brought into NFC, split, its Han runs cut by dictionary."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence

from qianru._core import Encoder, IdBlock, UserDict, survey
from qianru.errors import CorpusError
from qianru.text.blocks import Block
from qianru.text.han import HanCutter
from qianru.text.reading import utf8_error
from qianru.text.sources import FileSource

# Han text given to the dictionary at once: its list of words takes some thirty times as much memory.
_HAN_BYTES = 1 << 20


def encode_block(
    encoder: Encoder, block: Block, cut: HanCutter, *, strict: bool, field: str | None
) -> tuple[IdBlock, int]:
    """The block's ids in the encoder's table, and how many of its bytes were not UTF-8."""
    if block.kind == "words":
        encoder.scan_words(block.data)
        return encoder.finish(), 0
    data, n_invalid = clean_text(block, strict=strict, field=field)
    return encode_text(encoder, data, cut, block.starts_in_line, block.ends_in_line), n_invalid


def clean_text(block: Block, *, strict: bool, field: str | None) -> tuple[bytes, int]:
    """The block's text as UTF-8 in NFC (invalid bytes are left in place), and the number of invalid bytes."""
    data, n_invalid = block.data, 0
    if field is not None:
        data, n_invalid = _json_texts(block, field, strict=strict)
    n_more, first, spans = survey(data)
    if n_more and strict and isinstance(block.source, FileSource):
        raise utf8_error(block.source, block.offset + first)
    return change_spans(data, spans, _nfc), n_invalid + n_more


def encode_text(
    encoder: Encoder, data: bytes, cut: HanCutter, starts_in_line: bool, ends_in_line: bool
) -> IdBlock:
    """One block of text in NFC through the encoder."""
    encoder.scan(data, starts_in_line, ends_in_line)
    while runs := encoder.take_han(_HAN_BYTES):
        encoder.put_words(cut(runs))
    return encoder.finish()


def change_spans(data: bytes, spans: Sequence[tuple[int, int]], change: Callable[[str], str]) -> bytes:
    """The UTF-8 with what stands in the spans, [begin, end) in rising order, put through `change`."""
    if not spans:
        return data
    parts: list[bytes] = []
    done = 0
    for begin, end in spans:
        parts += (data[done:begin], change(data[begin:end].decode("utf-8", "replace")).encode())
        done = end
    parts.append(data[done:])
    return b"".join(parts)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _json_texts(block: Block, field: str, *, strict: bool) -> tuple[bytes, int]:
    n_invalid, first, _ = survey(block.data)
    if n_invalid and strict and isinstance(block.source, FileSource):
        raise utf8_error(block.source, block.offset + first)
    texts: list[str] = []
    for number, line in enumerate(block.data.decode("utf-8", "replace").split("\n"), block.first_line):
        if line and not line.isspace():
            texts.append(_json_text(line, field, f"{block.source.title}, line {number}"))
    texts.append("")
    joined = "\n".join(texts)
    if not strict:
        # Escapes may spell half of a surrogate pair: such a character counts as invalid bytes.
        return joined.encode("utf-8", "surrogatepass"), n_invalid
    try:
        return joined.encode(), n_invalid
    except UnicodeEncodeError:
        bad = next(i for i, text in enumerate(texts) if any("\ud800" <= c <= "\udfff" for c in text))
        raise CorpusError(
            f"{block.source.title}, text {bad + 1} after line {block.first_line - 1}: "
            f"a lone surrogate in the field {field!r}",
            hint='Mend the line, or use errors="replace".',
        ) from None


def _json_text(line: str, field: str, place: str) -> str:
    try:
        record = json.loads(line, parse_int=float)  # no number is used, and int takes 4,300 digits at most
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{place}: not JSON: {error}", hint="Each line must be one JSON object.") from None
    if not isinstance(record, dict):
        raise CorpusError(
            f"{place}: a JSON {_json_kind(record)}, not an object", hint="Each line must be an object."
        )
    if field not in record:
        names = ", ".join(sorted(record)[:8]) or "none"
        raise CorpusError(f"{place}: no field {field!r}", hint=f"Fields of this line: {names}.")
    text = record[field]
    if not isinstance(text, str):
        raise CorpusError(
            f"{place}: the field {field!r} is a JSON {_json_kind(text)}, not a string",
            hint="Name a field that holds text.",
        )
    return text


def _json_kind(value: object) -> str:
    kinds = {bool: "boolean", type(None): "null", list: "array", dict: "object", str: "string"}
    return kinds.get(type(value), "number")


def make_user_dict(words: tuple[str, ...], *, lowercase: bool) -> UserDict | None:
    """The core's dictionary of words, or None if there are none."""
    if not words:
        return None
    user_dict = UserDict(lowercase)
    for word in words:
        user_dict.add(word)
    return user_dict
