"""Whatever holds a tokenizer becomes the description that tokenizer.json has; what it is, is seen from the content."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from qianru.errors import FormatError
from qianru.tokens.bert_vocab import read_bert_vocab
from qianru.tokens.bpe_files import read_gpt2_files, read_ranks
from qianru.tokens.description import Description, check_description, parse_json
from qianru.tokens.sentencepiece_file import SentencePieceFile, parse_sentencepiece
from qianru.tokens.sentencepiece_open import describe_sentencepiece, ends_of_text

_IN_FOLDER = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
    "*.model",
    "*.tiktoken",
)
_JSON_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*(?:[\"}]|$)")
# A field 1 with a length, in it another field 1: the first piece.
_SENTENCEPIECE = re.compile(rb"\x0a[\x00-\x7f]\x0a[\x00-\x7f]|\x0a[\x80-\xff][\x00-\x7f]\x0a")
_RANK_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\r?")
_MERGE_LINE = re.compile(r"\S+ \S+\r?")
_ROLE_NAMES = ("unk", "bos", "eos", "cls", "sep", "pad", "mask")
_MAX_CONFIG = 1 << 24


@dataclass(frozen=True)
class Opened:
    """A tokenizer as read. `source` is the file; `text` its tokenizer.json, None if it must be made from the
    description; `roles` what tokenizer_config.json says that special tokens are for; `notes` what was assumed
    and what could not be carried over; `sentencepiece` the model itself where its ids are to be followed."""

    description: Description
    source: Path
    text: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sentencepiece: SentencePieceFile | None = None


def open_tokenizer(path: Path, *, lowercase: bool | None = None, pattern: str | None = None) -> Opened:
    """Read a folder or file of any kind that is known here. Raises FormatError."""
    file = _file_of(path)
    data = _read(file)
    beside = file.parent / "tokenizer_config.json"
    config = _config(beside)
    roles = _roles(config)
    text = model = None
    notes: list[str] = []
    if _JSON_OBJECT.match(data):
        found = cast(dict[str, object], parse_json(data, str(file)))
        if file.name == "tokenizer.json" or ("model" in found and not isinstance(found["model"], int)):
            description = found
            if b"\\ud" in data.lower():
                to_text(description, str(file))  # half of a surrogate pair can only be written as an escape
            text = data.decode("utf-8-sig")
        else:
            merges = _beside(file, "merges.txt")
            description, notes = read_gpt2_files(
                found, _read(merges), str(file), str(merges), config, pattern
            )
    elif file.suffix == ".model" or _SENTENCEPIECE.match(data):
        model = parse_sentencepiece(data, path=str(file))
        description, notes = describe_sentencepiece(model, str(file))
        description["post_processor"] = ends_of_text(model, config, roles, str(beside))
    elif _is_ranks(data, named=file.suffix == ".tiktoken"):
        description, notes = read_ranks(data, str(file), pattern)
    elif _is_merges(data):
        vocab = _beside(file, "vocab.json")
        words = parse_json(_read(vocab), str(vocab))
        if not isinstance(words, dict):
            raise FormatError("not a JSON object", path=str(vocab))
        description, notes = read_gpt2_files(words, data, str(vocab), str(file), config, pattern)
    else:
        description, notes = read_bert_vocab(data, str(file), config, lowercase)
    in_file = description.get("added_tokens")
    check_description(description, str(file))
    if in_file is not None and in_file != description["added_tokens"]:
        text = None  # they are in another order now
    if unset := _unset_length_rules(description):
        text = None
        notes.append(f"the file's {unset} is not applied: texts come whole unless max_tokens is given")
    return Opened(description, file, text, roles, tuple(notes), model)


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        if not path.exists():
            raise FormatError("no such file or folder", path=str(path), hint="check the path")
        return path
    for pattern in _IN_FOLDER:
        if found := sorted(path.glob(pattern)):
            return found[0]
    raise FormatError(
        "no tokenizer in this folder",
        path=str(path),
        hint=f"it should hold one of {', '.join(_IN_FOLDER)}",
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FormatError(
            f"cannot be opened: {error.strerror or error}", path=str(file), hint="check the path"
        ) from None


def _beside(file: Path, name: str) -> Path:
    other = file.with_name(name)
    if not other.is_file():
        raise FormatError(
            f"no {name} beside it",
            path=str(file),
            hint="byte-level BPE needs vocab.json and merges.txt in one folder",
        )
    return other


def _is_ranks(data: bytes, *, named: bool) -> bool:
    """named: the file's name says so; then one line that looks like it is enough."""
    lines = [line for line in data[:4096].split(b"\n")[:-1] or data[:4096].split(b"\n") if line]
    return bool(lines) and all(map(_RANK_LINE.fullmatch, lines[:1] if named else lines))


def _is_merges(data: bytes) -> bool:
    if data.startswith(b"#version"):
        return True
    lines = [line for line in data[:4096].decode("utf-8", "replace").split("\n")[:-1] if line]
    return bool(lines) and all(map(_MERGE_LINE.fullmatch, lines))


def _config(file: Path) -> Mapping[str, object]:
    """tokenizer_config.json, empty if it is not there: nothing in it is needed."""
    if not file.is_file() or file.stat().st_size > _MAX_CONFIG:
        return {}
    found = parse_json(_read(file), str(file))
    return found if isinstance(found, dict) else {}


def _roles(config: Mapping[str, object]) -> dict[str, str]:
    roles = {}
    for name in _ROLE_NAMES:
        token = config.get(f"{name}_token")
        content = token.get("content") if isinstance(token, dict) else token
        if isinstance(content, str):
            roles[f"{name}_token"] = content
    return roles


def _unset_length_rules(description: Description) -> str:
    """Take truncation and padding out; returns their names."""
    names = [name for name in ("truncation", "padding") if description.get(name) is not None]
    for name in names:
        description[name] = None
    return " and ".join(names)


def to_text(description: Description, path: str) -> str:
    """The description as it stands in tokenizer.json. Raises FormatError for half of a surrogate pair in it."""
    text = json.dumps(description, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 20) : error.start].encode("utf-8", "replace").decode()
        raise FormatError(
            f"a lone surrogate (U+{ord(text[error.start]):04X}) after {near!r}", path=path
        ) from None
    return text
