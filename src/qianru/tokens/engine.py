"""Who encodes: the `tokenizers` package, which knows every pipeline and is the slow twin, or the core where it can."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, cast

import numpy as np

from qianru.arrays import Int64Array, UInt32Array
from qianru.errors import FormatError
from qianru.tokens.core_engine import CoreEngine, is_from_package, told_as_format_error
from qianru.tokens.description import Description, added_tokens
from qianru.tokens.encoding import Encoding, TokenBatch, byte_starts, utf8_of

if TYPE_CHECKING:
    import tokenizers

EngineName = Literal["core", "tokenizers"]
_CHUNK = 1024


class Engine(Protocol):
    """Encodes many texts, without tokens around them and with special tokens in them taken as plain text."""

    @property
    def name(self) -> EngineName:
        """Who it is."""

    def encode_batch(self, texts: Sequence[str], threads: int) -> TokenBatch:
        """The ids of texts. Raises ArgumentError as `checked_text`."""

    def encode_lines(self, block: bytes, threads: int, line_end: int | None) -> UInt32Array:
        """The ids [n] of lines that each end with a line feed; `line_end` follows each line that has any."""


class PackageEngine:
    """The `tokenizers` package. It uses its own threads, whatever is asked for."""

    name: EngineName = "tokenizers"

    def __init__(self, package: tokenizers.Tokenizer) -> None:
        self._package = package

    def encode_batch(self, texts: Sequence[str], threads: int) -> TokenBatch:
        utf8_of(texts)
        parts: list[UInt32Array] = []
        lengths = np.zeros(len(texts) + 1, dtype=np.int64)
        for begin in range(0, len(texts), _CHUNK):
            with told_as_format_error():
                found = self._package.encode_batch_fast(
                    list(texts[begin : begin + _CHUNK]), add_special_tokens=False
                )
            ids = [one.ids for one in found]
            lengths[begin + 1 : begin + 1 + len(ids)] = [len(one) for one in ids]
            parts.append(np.fromiter(itertools.chain.from_iterable(ids), dtype=np.uint32))
        ids_of_all = np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)
        return TokenBatch(ids_of_all, np.cumsum(lengths))

    def encode_lines(self, block: bytes, threads: int, line_end: int | None) -> UInt32Array:
        batch = self.encode_batch(block.decode().split("\n")[:-1], threads)
        if line_end is None:
            return batch.ids
        full = np.flatnonzero(np.diff(batch.splits))
        return np.insert(batch.ids, batch.splits[full + 1], np.uint32(line_end))


def encode_one(
    package: tokenizers.Tokenizer, text: str, names: Sequence[str], add_special_tokens: bool
) -> Encoding:
    """One text by the package, offsets in characters. names: the tokens by id."""
    with told_as_format_error():
        found = package.encode(text, add_special_tokens=add_special_tokens)
    words = np.array([-1 if word is None else word for word in found.word_ids], dtype=np.int64)
    return Encoding(
        # The package gives an unknown word's own text for its token.
        [names[token_id] for token_id in found.ids],
        np.array(found.ids, dtype=np.uint32),
        np.array(found.offsets, dtype=np.int64).reshape(-1, 2),
        words,
        np.array(found.special_tokens_mask, dtype=np.bool_),
    )


def encode_exactly(
    engine: CoreEngine, text: str, names: Sequence[str], around: tuple[list[int], list[int]]
) -> Encoding:
    """The same by the core, which follows sentencepiece to the letter. A word begins at each mark of a space."""
    ids, in_bytes = engine.encode(text)
    inner = np.searchsorted(byte_starts(text), in_bytes)
    tokens = [names[token_id] for token_id in ids.tolist()]
    words = np.maximum(np.cumsum([token.startswith("\u2581") for token in tokens]) - 1, 0)
    before, behind = around
    ids = np.concatenate([before, ids, behind]).astype(np.uint32)
    mask = np.ones(len(ids), dtype=np.bool_)
    mask[len(before) : len(before) + len(tokens)] = False
    offsets, word_ids = np.zeros((len(ids), 2), dtype=np.int64), np.full(len(ids), -1, dtype=np.int64)
    offsets[~mask], word_ids[~mask] = inner, words
    return Encoding([names[token_id] for token_id in ids.tolist()], ids, offsets, word_ids, mask)


def offsets_of(package: tokenizers.Tokenizer, texts: Sequence[str]) -> tuple[TokenBatch, Int64Array]:
    """The ids of valid texts with the offsets of their tokens in characters, int64 [total, 2]."""
    with told_as_format_error():
        found = package.encode_batch(list(texts), add_special_tokens=False)
    splits = np.cumsum([0, *(len(one) for one in found)], dtype=np.int64)
    ids = np.fromiter(
        itertools.chain.from_iterable(one.ids for one in found), dtype=np.uint32, count=splits[-1]
    )
    places = itertools.chain.from_iterable(itertools.chain.from_iterable(one.offsets for one in found))
    offsets = np.fromiter(places, dtype=np.int64, count=2 * int(splits[-1])).reshape(-1, 2)
    return TokenBatch(ids, splits), offsets


def open_package(text: str, path: str, *, special_in_text: bool) -> tokenizers.Tokenizer:
    """The tokenizer of the `tokenizers` package. Raises FormatError where it does not take the file."""
    import tokenizers  # here, because it takes 0.05 s that nothing but encoding should wait for

    try:
        package = tokenizers.Tokenizer.from_str(text)
    except BaseException as error:  # the package raises nothing more special
        if not is_from_package(error):
            raise
        raise FormatError(
            f"the tokenizers package refuses it: {error}",
            path=path,
            hint="the file is damaged, or made by a newer version: pip install --upgrade tokenizers",
        ) from None
    package.no_padding()
    package.no_truncation()
    package.encode_special_tokens = not special_in_text
    return package


def without_special(description: Description) -> Description:
    """The description by which text is encoded: the pieces of a Unigram model that are special tokens have names
    that stand in no text, and the same ids and scores. The description itself if there are none.

    A noncharacter is in no text that is meant to be read, and four of them in a row less.
    """
    model = cast(Mapping[str, object], description["model"])
    special = {entry["content"] for entry in added_tokens(description) if entry.get("special")}
    vocab = model.get("vocab")
    if not isinstance(vocab, list) or not any(piece in special for piece, _ in vocab):
        return description
    hidden = "\U0010fffe" * 4
    pieces = [
        [f"{hidden}{i}" if piece in special else piece, score] for i, (piece, score) in enumerate(vocab)
    ]
    others = [entry for entry in added_tokens(description) if not entry.get("special")]
    return {**description, "added_tokens": others, "model": {**model, "vocab": pieces}}


def check_added_ids(package: tokenizers.Tokenizer, description: Description, path: str) -> None:
    """The package gives added tokens ids of its own where those of the file are not the next free ones."""
    for entry in added_tokens(description):
        found = package.token_to_id(str(entry["content"]))
        if found != entry["id"]:
            raise FormatError(
                f"added_tokens: {entry['content']!r} has id {entry['id']}, but the next free id is {found}",
                path=path,
                hint="ids of added tokens must follow those of the model",
            )


def around_ids(description: Description, path: str) -> tuple[list[int], list[int]]:
    """The ids that the post-processor puts before and behind a single text. Raises FormatError."""
    try:
        return _around_ids(description)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FormatError(
            f"post_processor names a token that it does not describe: {error}",
            path=path,
            hint="the file is damaged: copy it again",
        ) from None


def _around_ids(description: Description) -> tuple[list[int], list[int]]:
    before: list[int] = []
    behind: list[int] = []
    for processor in _processors(description.get("post_processor")):
        kind = processor.get("type")
        if kind == "TemplateProcessing":
            first, last = _template_ids(processor)
        elif kind in ("BertProcessing", "RobertaProcessing"):
            first, last = [[cast(list[int], processor[name])[1]] for name in ("cls", "sep")]
        else:
            continue
        before, behind = first + before, behind + last
    return before, behind


def _processors(processor: object) -> Iterable[Mapping[str, object]]:
    if isinstance(processor, dict):
        inner = processor.get("processors")
        yield from inner if isinstance(inner, list) else [processor]


def _template_ids(processor: Mapping[str, object]) -> tuple[list[int], list[int]]:
    special = cast(Mapping[str, Mapping[str, list[int]]], processor.get("special_tokens", {}))
    ids: tuple[list[int], list[int]] = ([], [])
    side = 0
    for piece in cast(list[Mapping[str, Mapping[str, str]]], processor.get("single", [])):
        if "Sequence" in piece:
            side = 1
        else:
            ids[side].extend(special[piece["SpecialToken"]["id"]]["ids"])
    return ids


def put_around(batch: TokenBatch, before: Sequence[int], behind: Sequence[int]) -> TokenBatch:
    """The batch with ids before and behind each text."""
    n_more = len(before) + len(behind)
    if n_more == 0:
        return batch
    splits = batch.splits + n_more * np.arange(len(batch.splits), dtype=np.int64)
    ids = np.empty(int(splits[-1]), dtype=np.uint32)
    inner = np.ones(len(ids), dtype=np.bool_)
    for place, token_id in enumerate(before):
        ids[splits[:-1] + place] = token_id
        inner[splits[:-1] + place] = False
    for place, token_id in enumerate(reversed(behind), 1):
        ids[splits[1:] - place] = token_id
        inner[splits[1:] - place] = False
    ids[inner] = batch.ids
    return TokenBatch(ids, splits)
