"""tokenizer.json read and checked: what contradicts itself is one error that names the file and the entry.

The layout is that of the `tokenizers` package, version "1.0": added_tokens, normalizer, pre_tokenizer, model
(BPE, WordPiece, Unigram or WordLevel), post_processor, decoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from operator import itemgetter
from typing import TypeAlias, cast

from qianru.errors import FormatError

Description: TypeAlias = dict[str, object]
_MAX_BYTES = 1 << 31
_UNKNOWN = {"WordPiece": "[UNK]", "WordLevel": "<unk>"}  # where the file does not name it
_KINDS = ("BPE", "WordPiece", "Unigram", "WordLevel")


class _Repeated(ValueError):
    """A JSON object has a name twice; args[0] is the name."""


def parse_json(data: bytes, path: str) -> object:
    """The JSON document. Raises FormatError with the byte offset; a name that stands twice is an error too."""
    if len(data) > _MAX_BYTES:
        raise FormatError(f"{len(data)} bytes, more than {_MAX_BYTES}", path=path)
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise FormatError(
            "not valid UTF-8", path=path, offset=error.start, hint="copy the file again"
        ) from None
    except _Repeated as error:
        raise FormatError(f"the name {error.args[0]!r} stands twice in one object", path=path) from None
    except json.JSONDecodeError as error:
        raise FormatError(
            f"not JSON: {error.msg}",
            path=path,
            offset=len(error.doc[: error.pos].encode("utf-8", "surrogatepass")),
            hint="the file is cut short or damaged: copy it again",
        ) from None
    except (RecursionError, ValueError) as error:
        # A number of thousands of digits is a ValueError.
        raise FormatError(f"not usable JSON: {error}", path=path) from None


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Repeated(name)
            seen.add(name)
    return made


def check_description(description: Description, path: str) -> None:
    """Raise FormatError where the parts of a tokenizer.json contradict each other.

    added_tokens is put into the order of the ids, in which the `tokenizers` package numbers them.
    """
    model = description.get("model")
    if not isinstance(model, dict):
        raise FormatError("no object 'model'", path=path, hint="this is no tokenizer.json")
    kind = model_kind(model)
    if kind not in _KINDS:
        raise FormatError(f"model.type must be one of {', '.join(_KINDS)}, got {kind!r}", path=path)
    vocab = model_vocab(model, path)
    description["added_tokens"] = added = _checked_added(description.get("added_tokens") or [], path)
    _check_added(vocab, added, path)
    ids = {**vocab, **{str(token["content"]): cast(int, token["id"]) for token in added}}
    check_ids(ids, path)
    _check_unknown(kind, model, vocab, path)
    if kind == "BPE":
        _check_merges(model, vocab, path)
    _check_template(description.get("post_processor"), ids, path)


def model_kind(model: Mapping[str, object]) -> str:
    """The type of the model; files of old versions leave it out."""
    if isinstance(found := model.get("type"), str):
        return found
    if "merges" in model:
        return "BPE"
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    return "WordPiece" if "max_input_chars_per_word" in model else "WordLevel"


def model_vocab(model: Mapping[str, object], path: str) -> dict[str, int]:
    """Token → id of the model itself, without added tokens. Raises FormatError."""
    vocab = model.get("vocab")
    if isinstance(vocab, list):
        return _piece_ids(vocab, path)
    if not isinstance(vocab, dict) or not vocab:
        raise FormatError("model.vocab must be an object of tokens and ids, and not empty", path=path)
    for token, found in vocab.items():
        if type(found) is not int or not 0 <= found < 1 << 31:
            raise FormatError(f"model.vocab: the id of {token!r} must be from 0 up, got {found!r}", path=path)
    return cast(dict[str, int], vocab)


def _piece_ids(vocab: list[object], path: str) -> dict[str, int]:
    ids: dict[str, int] = {}
    for i, entry in enumerate(vocab):
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
            raise FormatError(f"model.vocab, entry {i}: must be [piece, score], got {entry!r:.60}", path=path)
        score = entry[1]
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
            raise FormatError(
                f"model.vocab, entry {i}: the score of {entry[0]!r} must be a number, got {score!r}",
                path=path,
            )
        if entry[0] in ids:
            raise FormatError(
                f"model.vocab, entry {i}: {entry[0]!r} stands already at {ids[entry[0]]}", path=path
            )
        ids[entry[0]] = i
    if not ids:
        raise FormatError("model.vocab is empty", path=path)
    return ids


def added_tokens(description: Description) -> list[dict[str, object]]:
    """The entries of added_tokens of a checked description, in the order of their ids."""
    return cast(list[dict[str, object]], description["added_tokens"])


def tokens_by_id(vocab: Mapping[str, int], added: list[dict[str, object]]) -> list[str]:
    """The tokens of a checked description, those of the model and added ones."""
    tokens = [""] * (1 + max(max(vocab.values()), *(cast(int, entry["id"]) for entry in added), 0))
    for token, token_id in vocab.items():
        tokens[token_id] = token
    for entry in added:
        tokens[cast(int, entry["id"])] = str(entry["content"])
    return tokens


def unknown_id(model: Mapping[str, object], vocab: Mapping[str, int]) -> int | None:
    """The id of a checked model's unknown token, None if there is nothing such."""
    if isinstance(found := model.get("unk_id"), int):
        return found
    unknown = model.get("unk_token", _UNKNOWN.get(model_kind(model)))
    return vocab[unknown] if isinstance(unknown, str) else None


def _checked_added(entries: object, path: str) -> list[dict[str, object]]:
    if not isinstance(entries, list):
        raise FormatError("added_tokens must be an array", path=path)
    for i, entry in enumerate(entries):
        content, found = (entry.get("content"), entry.get("id")) if isinstance(entry, dict) else (None, None)
        if not isinstance(content, str) or not content or type(found) is not int or not 0 <= found < 1 << 31:
            raise FormatError(
                f"added_tokens, entry {i}: must have a content and an id from 0 up, got {entry!r:.80}",
                path=path,
            )
    return sorted(entries, key=itemgetter("id"))


def _check_added(vocab: Mapping[str, int], added: list[dict[str, object]], path: str) -> None:
    seen: set[str] = set()
    for entry in added:
        content, found = cast(str, entry["content"]), cast(int, entry["id"])
        if content in seen:
            raise FormatError(f"added_tokens: {content!r} stands there twice", path=path)
        seen.add(content)
        if vocab.get(content, found) != found:
            raise FormatError(
                f"added_tokens: {content!r} has id {found}, model.vocab gives it {vocab[content]}", path=path
            )


def check_ids(ids: Mapping[str, int], path: str) -> None:
    """Raise FormatError unless the ids are 0 … n-1, each once."""
    by_id: dict[int, str] = {}
    for token, found in ids.items():
        if by_id.setdefault(found, token) != token:
            raise FormatError(f"the id {found} belongs to {by_id[found]!r} and to {token!r}", path=path)
    if by_id and max(by_id) != len(by_id) - 1:
        hole = next(i for i in range(len(by_id)) if i not in by_id)
        raise FormatError(
            f"no token has the id {hole}, though there are ids up to {max(by_id)}",
            path=path,
            hint="tokens are missing: copy the file again, or add tokens for the ids that are free",
        )


def _check_unknown(kind: str, model: Mapping[str, object], vocab: Mapping[str, int], path: str) -> None:
    if kind == "Unigram":
        unknown_id = model.get("unk_id")
        if type(unknown_id) is not int or not 0 <= unknown_id < len(vocab):
            raise FormatError(
                f"model.unk_id must be from 0 to {len(vocab) - 1}, got {unknown_id!r}",
                path=path,
                hint="every text with an unknown character would be an error: name the unknown piece",
            )
        return
    unknown = model.get("unk_token", _UNKNOWN.get(kind))
    if unknown is None and kind == "BPE":
        return
    if not isinstance(unknown, str) or unknown not in vocab:
        raise FormatError(
            f"model.unk_token is {unknown!r}, which is not in model.vocab",
            path=path,
            hint="every text with an unknown word would be an error: add the token",
        )


def _check_merges(model: Mapping[str, object], vocab: Mapping[str, int], path: str) -> None:
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise FormatError("model.merges must be an array", path=path)
    found = model.get("continuing_subword_prefix")
    prefix = found if isinstance(found, str) else ""
    for i, merge in enumerate(merges):
        pair = merge_pair(merge)
        if pair is None:
            raise FormatError(f"model.merges, entry {i}: must be two tokens, got {merge!r:.60}", path=path)
        for token in (*pair, merged(pair, prefix)):
            if token not in vocab:
                raise FormatError(
                    f"model.merges, entry {i} ({pair[0]!r} + {pair[1]!r}): {token!r} is not in model.vocab",
                    path=path,
                )


def merge_pair(merge: object) -> tuple[str, str] | None:
    """The two tokens of a merge, which files spell "a b" or ["a", "b"]; None for anything else."""
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if isinstance(parts, list | tuple) and len(parts) == 2 and all(isinstance(p, str) and p for p in parts):
        return parts[0], parts[1]
    return None


def merged(pair: tuple[str, str], prefix: str) -> str:
    """The token that a merge makes; prefix: the mark of what continues a word, "" for none."""
    return pair[0] + pair[1][len(prefix) :]


def _check_template(processor: object, ids: Mapping[str, int], path: str) -> None:
    """The ids that a post-processor puts around a text are those of its tokens."""
    if not isinstance(processor, dict):
        return
    inner = processor.get("processors")
    for part in inner if isinstance(inner, list) else []:
        _check_template(part, ids, path)
    named: list[tuple[object, object]] = []
    special = processor.get("special_tokens")
    known = special if isinstance(special, dict) else {}
    for piece in [*_list(processor.get("single")), *_list(processor.get("pair"))]:
        token = piece.get("SpecialToken") if isinstance(piece, dict) else None
        if isinstance(token, dict) and str(token.get("id")) not in known:
            raise FormatError(
                f"post_processor: {token.get('id')!r} is not among its special_tokens", path=path
            )
    for entry in known.values():
        if isinstance(entry, dict) and isinstance(entry.get("tokens"), list):
            found = entry.get("ids")
            named += zip(entry["tokens"], found if isinstance(found, list) else [], strict=False)
    for name in ("sep", "cls"):
        pair = processor.get(name)
        if isinstance(pair, list) and len(pair) == 2:
            named.append((pair[0], pair[1]))
    for token, found in named:
        if isinstance(token, str) and ids.get(token) != found:
            raise FormatError(
                f"post_processor: {token!r} has id {found!r}, the vocabulary gives it {ids.get(token)}",
                path=path,
            )


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
