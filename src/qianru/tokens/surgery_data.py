"""What a tokenizer.json holds, checked before anything is cut: kinds, tokens by id, merges, scores, added tokens.

Nothing here encodes; `surgery_pipeline` does that. A file that contradicts itself is refused with the entry that does.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from qianru.errors import ArgumentError, FormatError
from qianru.tokens.tokenizer import Tokenizer

Json: TypeAlias = dict[str, Any]

KINDS = ("BPE", "WordPiece", "Unigram", "WordLevel")
_MAX_BYTES = 1 << 30


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
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"a tokenizer of more than {_MAX_BYTES} bytes", path=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(
            f"cannot be read: {error.strerror}",
            path=str(path),
            hint="Name a tokenizer.json, or a folder that holds one.",
        ) from None

    def without_repeats(pairs: list[tuple[str, Any]]) -> Json:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise FormatError(f"entry {twice!r} stands there twice", path=str(path))
        return found

    try:
        value = json.loads(data, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(
            f"not valid JSON: {error}",
            path=str(path),
            hint="The file is truncated or damaged: copy it again.",
        ) from None
    return checked(value, str(path))


def checked(value: object, path: str) -> TokenizerData:
    """The parsed file as data. Raises FormatError naming the entry that breaks a rule."""
    if not isinstance(value, dict) or not isinstance(value.get("model"), dict):
        raise FormatError("no tokenizer: a JSON object with 'model' was expected", path=path)
    model = value["model"]
    kind = model.get("type") or _guessed_kind(model)
    if kind not in KINDS:
        raise FormatError(f"model type {kind!r}; known are {', '.join(KINDS)}", path=path)
    by_id = _unigram_tokens(model, path) if kind == "Unigram" else _vocab_tokens(model, path)
    n_model = len(by_id)
    added = _added_tokens(value, by_id, path)
    tokens = _without_holes(by_id, path)
    if kind == "Unigram" and any(i not in by_id for i in range(n_model)):
        raise FormatError("added tokens leave a hole before the model's pieces", path=path)
    if kind == "BPE":
        check_merges(model, path)
    return TokenizerData(value, kind, tokens, added, _unknown_id(kind, model, path), path)


def _guessed_kind(model: Json) -> str:
    """Files of early versions do not name the type."""
    if "merges" in model:
        return "BPE"
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    return "WordPiece" if "continuing_subword_prefix" in model else "WordLevel"


def _vocab_tokens(model: Json, path: str) -> dict[int, str]:
    vocab = model.get("vocab")
    if not isinstance(vocab, dict) or not vocab:
        raise FormatError("model.vocab must be an object of tokens and ids, and not empty", path=path)
    by_id: dict[int, str] = {}
    for token, number in vocab.items():
        if type(number) is not int or not 0 <= number < 1 << 31:
            raise FormatError(f"token {token!r} has the id {number!r}, not a whole number from 0", path=path)
        if number in by_id:
            raise FormatError(f"tokens {by_id[number]!r} and {token!r} share the id {number}", path=path)
        by_id[number] = token
    return by_id


def _unigram_tokens(model: Json, path: str) -> dict[int, str]:
    vocab = model.get("vocab")
    if not isinstance(vocab, list) or not vocab:
        raise FormatError("model.vocab must be a list of pieces and scores, and not empty", path=path)
    first: dict[str, int] = {}
    for number, entry in enumerate(vocab):
        if (
            not isinstance(entry, list)
            or len(entry) != 2
            or not isinstance(entry[0], str)
            or isinstance(entry[1], bool)
            or not isinstance(entry[1], (int, float))
            or not abs(entry[1]) < 1e30
        ):
            raise FormatError(f"entry {number} of model.vocab is {entry!r}, not [piece, score]", path=path)
        if first.setdefault(entry[0], number) != number:
            raise FormatError(f"piece {entry[0]!r} has the ids {first[entry[0]]} and {number}", path=path)
    return {number: piece for piece, number in first.items()}


def _added_tokens(value: Json, by_id: dict[int, str], path: str) -> dict[str, int]:
    """The added tokens' ids; those beyond the model's own are put into by_id."""
    of_model = {token: number for number, token in by_id.items()}
    added: dict[str, int] = {}
    for entry in value.get("added_tokens") or []:
        content = entry.get("content") if isinstance(entry, dict) else None
        number = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(content, str) or not content or type(number) is not int or number < 0:
            raise FormatError(f"added token {entry!r} lacks content or id", path=path)
        if content in added:
            raise FormatError(f"added token {content!r} stands there twice", path=path)
        if of_model.get(content, number) != number or by_id.get(number, content) != content:
            other = of_model.get(content, by_id.get(number))
            raise FormatError(
                f"added token {content!r} has the id {number}, the model says {other!r}", path=path
            )
        by_id[number] = content
        added[content] = number
    return added


def _without_holes(by_id: dict[int, str], path: str) -> tuple[str, ...]:
    if max(by_id) != len(by_id) - 1:
        hole = next(number for number in range(len(by_id)) if number not in by_id)
        after = min(number for number in by_id if number > hole)
        raise FormatError(
            f"ids {hole} to {after - 1} have no token; the next one is {by_id[after]!r}",
            path=path,
            hint="Give the ids between to placeholder tokens, or load the complete file.",
        )
    return tuple(by_id[number] for number in range(len(by_id)))


def check_merges(model: Json, path: str) -> None:
    """Raises FormatError where a merge names a token that is not in the vocabulary, or stands twice."""
    vocab, prefix = model["vocab"], model.get("continuing_subword_prefix") or ""
    seen: set[tuple[str, str]] = set()
    for number, merge in enumerate(model.get("merges") or []):
        pair = merge_pair(merge)
        if pair is None:
            raise FormatError(f"merge {number} is {merge!r}, not two tokens", path=path)
        for token in (*pair, merged(pair, prefix)):
            if token not in vocab:
                raise FormatError(f"merge {number} {pair!r}: {token!r} is not in the vocabulary", path=path)
        if pair in seen:
            raise FormatError(f"merge {number} {pair!r} stands there twice", path=path)
        seen.add(pair)


def merge_pair(merge: object) -> tuple[str, str] | None:
    """Both spellings that files have: "a b" and ["a", "b"]."""
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if isinstance(parts, (list, tuple)) and len(parts) == 2 and all(isinstance(p, str) and p for p in parts):
        return parts[0], parts[1]
    return None


def merged(pair: tuple[str, str], prefix: str) -> str:
    """The token that a merge makes."""
    return pair[0] + (pair[1][len(prefix) :] if prefix and pair[1].startswith(prefix) else pair[1])


def _unknown_id(kind: str, model: Json, path: str) -> int | None:
    if kind == "Unigram":
        number = model.get("unk_id")
        if number is not None and (type(number) is not int or not 0 <= number < len(model["vocab"])):
            raise FormatError(f"unk_id {number!r} is not among {len(model['vocab'])} pieces", path=path)
        return number
    token = model.get("unk_token")
    if token is None and kind == "BPE":
        return None
    if token not in model["vocab"]:
        raise FormatError(f"unk_token {token!r} is not in the vocabulary", path=path)
    number = model["vocab"][token]
    return int(number)


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
