"""What a tokenizer.json holds, checked before anything is cut: kinds, tokens by id, merges, scores, added tokens.

Nothing here encodes; `surgery_pipeline` does that. A file that contradicts itself is refused with the entry that does.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from qianru.errors import ArgumentError, FormatError
from qianru.tokens.description import (
    added_tokens,
    check_description,
    merge_pair,
    model_kind,
    model_vocab,
    parse_json,
    tokens_by_id,
    unknown_id,
)
from qianru.tokens.tokenizer import Tokenizer

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class TokenizerData:
    """A tokenizer.json in memory.

    Attributes:
        json: the parsed file; never changed in place.
        kind: of the model, one of BPE, WordPiece, Unigram, WordLevel.
        tokens: every token by its id, added ones too; there are no holes.
        added: the ids of added tokens (special and other) by content; text that holds one is cut around it.
        unknown_id: of the unknown token, or None if the model has none.
        path: where it was read from, "" if from nowhere.
    """

    json: Json
    kind: str
    tokens: tuple[str, ...]
    added: dict[str, int]
    unknown_id: int | None
    path: str = ""

    @property
    def model(self) -> Json:
        """The part of the file that turns pre-tokens into tokens."""
        model: Json = self.json["model"]
        return model

    def __len__(self) -> int:
        return len(self.tokens)

    def copy_json(self) -> Json:
        """A copy that may be changed."""
        return copy.deepcopy(self.json)


def read_tokenizer(source: TokenizerData | str | Path | Json) -> TokenizerData:
    """A tokenizer.json, a folder that holds one, or the parsed file; others' files as `Tokenizer.load` opens them.

    Raises FormatError naming file and entry.
    """
    if isinstance(source, TokenizerData):
        return source
    if isinstance(source, dict):
        return checked(source, "")
    path = Path(source)
    if path.is_dir() and (path / "tokenizer.json").exists():
        path = path / "tokenizer.json"
    elif path.exists() and path.suffix != ".json":
        return checked(Tokenizer.load(path).description, str(path))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(
            f"cannot be read: {error.strerror}",
            path=str(path),
            hint="Name a tokenizer.json, or a folder that holds one.",
        ) from None
    return checked(parse_json(data, str(path)), str(path))


def checked(value: object, path: str) -> TokenizerData:
    """The parsed file as data. Raises FormatError naming the entry that breaks a rule."""
    if not isinstance(value, dict):
        raise FormatError("no tokenizer: a JSON object with 'model' was expected", path=path)
    description = dict(value)  # the check puts added_tokens in order
    check_description(description, path)
    model = description["model"]
    kind = model_kind(model)
    if kind == "BPE":
        _refuse_repeats(model["merges"], path)
    vocab, added = model_vocab(model, path), added_tokens(description)
    ids = {str(entry["content"]): cast(int, entry["id"]) for entry in added}
    return TokenizerData(
        description, kind, tuple(tokens_by_id(vocab, added)), ids, unknown_id(model, vocab), path
    )


def _refuse_repeats(merges: list[object], path: str) -> None:
    """Here the place of a merge is its rank: it can have one only."""
    seen: set[tuple[str, str] | None] = set()
    for number, merge in enumerate(merges):
        pair = merge_pair(merge)
        if pair in seen:
            raise FormatError(f"model.merges, entry {number}: {pair!r} stands there twice", path=path)
        seen.add(pair)


def refuse_special(words: list[str], data: TokenizerData) -> None:
    """Raises ArgumentError for a word that is an added token, or holds one: text is cut around it before the model."""
    special = sorted(data.added)
    for word in words:
        held = next((token for token in special if token in word), None)
        if held is not None:
            raise ArgumentError(
                f"words: {word!r} holds the special token {held!r}",
                hint="Leave it out: text is cut around it.",
            )
