"""What surgery asks of an engine: the pre-tokens of a text as its model sees them, and the ids of lines.

The engine is the `tokenizers` package; whatever offers `encode` and `pretokens` can stand in for it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from qianru.errors import CorpusError
from qianru.tokens.engine import open_package
from qianru.tokens.pipelines import byte_level_bytes
from qianru.tokens.surgery_data import TokenizerData

_LINES = 1000
# A letter that every tokenizer knows, in front of a word to see how it looks inside a text.
_BEFORE = "a"


class Encoding(Protocol):
    """Lines to ids, without special tokens, truncation and padding."""

    def encode(self, lines: Sequence[str]) -> list[list[int]]: ...


class Pipeline:
    """The tokenizer at work. Raises FormatError where the file is none that the engine takes."""

    def __init__(self, data: TokenizerData) -> None:
        self.data = data
        # Special tokens in a user's text are text.
        self._engine = open_package(
            json.dumps(data.json, ensure_ascii=False), data.path, special_in_text=False
        )

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """The ids of each line, without special tokens."""
        try:
            found = self._engine.encode_batch(list(lines), add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):
            bad = next((line for line in lines if _has_surrogate(line)), "")
            raise CorpusError(f"a lone surrogate in {bad[:40]!r}", hint="Mend the text.") from None
        return [encoding.ids for encoding in found]

    def pretokens(self, text: str) -> list[str]:
        """The pre-tokens of a text as the model gets them: normalised, and bytes as letters where it works on such."""
        if _has_surrogate(text):
            raise CorpusError(f"a lone surrogate in {text[:40]!r}", hint="Mend the text.")
        if self._engine.normalizer is not None:
            text = self._engine.normalizer.normalize_str(text)
        if self._engine.pre_tokenizer is None:
            return [text] if text else []
        return [piece for piece, _ in self._engine.pre_tokenizer.pre_tokenize_str(text)]

    @functools.cached_property
    def space(self) -> str:
        """What stands before a word that follows a space: "Ġ", "▁", or "" where spaces leave no trace."""
        joined = "".join(self.pretokens(f"{_BEFORE} {_BEFORE}"))
        start = "".join(self.pretokens(_BEFORE))
        return joined[len(start) : -len(_BEFORE)]

    @functools.cached_property
    def start(self) -> str:
        """What stands before the first word of a text: the space's mark, or ""."""
        return "".join(self.pretokens(_BEFORE))[: -len(_BEFORE)]

    def bare(self, word: str) -> str | None:
        """The word as the model sees it in the middle of a text, or None if it is cut, or nothing of it is left."""
        pieces = self.pretokens(word)
        if pieces[:1] == [self.start] and self.start:
            pieces = pieces[1:]
        if len(pieces) != 1:
            return None
        return pieces[0].removeprefix(self.start) or None

    def forms(self, word: str) -> tuple[str, ...]:
        """The spellings that the word has in text for the model, the most frequent first; empty if it is cut.

        A Chinese word is the same everywhere; another one has a form after a space, and one at the start of a text
        where that differs.
        """
        bare = self.bare(word)
        if bare is None:
            return ()
        if not self.space or any(map(is_han, word)):
            return (bare,)
        spaced = self.space + bare
        return (spaced,) if self.start == self.space else (spaced, bare)


def is_han(character: str) -> bool:
    """Whether BERT takes the character for a Chinese one, which it sets apart."""
    return any(low <= ord(character) <= high for low, high in HAN)


# The ranges of BERT's normaliser as the tokenizers package has them.
HAN = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines that hold something, many at a time."""
    held = (line for line in lines if line)
    while found := list(islice(held, _LINES)):
        yield found


def is_byte_level(data: TokenizerData) -> bool:
    """Whether the model works on bytes as letters."""

    def parts(value: object) -> Iterator[object]:
        if isinstance(value, dict):
            yield value.get("type")
            for inner in value.values():
                yield from parts(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from parts(inner)

    return "ByteLevel" in parts([data.json.get("pre_tokenizer"), data.json.get("normalizer")])


def token_texts(data: TokenizerData) -> list[str | None]:
    """The text of each token without marks of spaces, by id; None for special, partial and continuing tokens."""
    in_bytes = is_byte_level(data)
    prefix = data.model.get("continuing_subword_prefix") or ""
    texts: list[str | None] = []
    for token in data.tokens:
        if token in data.added or (prefix and token.startswith(prefix)):
            texts.append(None)
        elif not in_bytes:
            texts.append(token.replace("▁", " ").strip() or None)
        else:
            texts.append((byte_level_string(token) or "").strip() or None)
    return texts


def byte_level_string(token: str) -> str | None:
    """The text of a byte-level token; None where its bytes are none by themselves."""
    data = byte_level_bytes(token)
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
