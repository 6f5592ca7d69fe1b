"""What a tokenizer makes of a corpus: how many tokens, what is unknown or falls back to bytes, by script and by file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qianru.arrays import Int64Array, UInt8Array
from qianru.errors import CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.tokens.encoding import byte_starts
from qianru.tokens.pipelines import byte_level_bytes
from qianru.tokens.tokenizer import Tokenizer

_BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")
_N_EXAMPLES = 20
# Scripts of their own; letters of all other scripts count as "other letters".
_SCRIPTS = ("Latin", "Han", "Kana", "Hangul", "Cyrillic", "Greek", "Arabic", "Devanagari", "Thai", "Hebrew")
KINDS_OF_TEXT = (*_SCRIPTS, "other letters", "digits", "punctuation", "white space", "other")
_NOT_SEEN = 255
_KIND_OF_CODE: UInt8Array = np.full(0x110000, _NOT_SEEN, dtype=np.uint8)  # filled as characters are met
_BY_NAME = {
    "CJK": "Han",
    "IDEOGRAPHIC": "Han",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "HALFWIDTH": "Kana",
    "FULLWIDTH": "Latin",
    **{name.upper(): name for name in _SCRIPTS},
}


@dataclass(frozen=True)
class Share:
    """Counts over a part of the text, a file or a script, and the rates that follow from them."""

    n_characters: int = 0
    n_bytes: int = 0
    n_words: int = 0
    n_tokens: int = 0
    n_unknown: int = 0
    n_fallback: int = 0

    @property
    def fertility(self) -> float:
        """Tokens a word, words as `Corpus` cuts them."""
        return self.n_tokens / self.n_words if self.n_words else 0.0

    @property
    def characters_per_token(self) -> float:
        """Characters a token; more is better."""
        return self.n_characters / self.n_tokens if self.n_tokens else 0.0

    @property
    def unknown_rate(self) -> float:
        """The share of tokens that are the unknown token."""
        return self.n_unknown / self.n_tokens if self.n_tokens else 0.0

    @property
    def fallback_rate(self) -> float:
        """The share of tokens that are bytes of a character, not whole characters."""
        return self.n_fallback / self.n_tokens if self.n_tokens else 0.0

    def as_dict(self) -> dict[str, float]:
        """Counts and rates by name."""
        names = ("fertility", "characters_per_token", "unknown_rate", "fallback_rate")
        return {**self.__dict__, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class TokenReport:
    """The whole of it.

    `longest`: the longest tokens that occurred, with their counts. `never_used`: some tokens that never did, in the
    order of their ids; `n_never_used` of `n_ordinary` tokens (special ones not counted) are such.
    """

    total: Share
    files: dict[str, Share]
    scripts: dict[str, Share]
    longest: list[tuple[str, int]]
    never_used: list[str]
    n_never_used: int
    n_ordinary: int
    fingerprint: str
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, object]:
        """All of it in terms that JSON knows."""
        return {
            "total": self.total.as_dict(),
            "files": {name: share.as_dict() for name, share in self.files.items()},
            "scripts": {name: share.as_dict() for name, share in self.scripts.items()},
            "longest": [{"token": token, "count": count} for token, count in self.longest],
            "never_used": self.never_used,
            "n_never_used": self.n_never_used,
            "n_ordinary": self.n_ordinary,
            "fingerprint": self.fingerprint,
            "notes": list(self.notes),
        }


def report_tokens(
    tokenizer: Tokenizer, corpora: Mapping[str, Corpus], *, progress: ProgressCallback | None = None
) -> TokenReport:
    """Encode each corpus and count. Raises CorpusError if there is no text in any of them."""
    counter = _Counter(tokenizer)
    files: dict[str, Share] = {}
    for name, corpus in corpora.items():
        before = counter.table.copy()
        for lines, done in _batches(corpus):
            counter.add(lines)
            if progress is not None:
                progress(Progress("count", done, 0.0, "B"))
        files[name] = _share((counter.table - before).sum(axis=0))
    total = _share(counter.table.sum(axis=0))
    if total.n_characters == 0:
        raise CorpusError("no text in the corpus", hint="The inputs are empty.")
    scripts = {
        name: _share(row) for name, row in zip(KINDS_OF_TEXT, counter.table, strict=True) if row[:1].any()
    }
    special = set(tokenizer.special_tokens.values())
    ordinary = [i for i in range(tokenizer.n_tokens) if i not in special]
    unused = [i for i in ordinary if counter.used[i] == 0]
    partial = partial_tokens(tokenizer)
    lengths = {i: _length(tokenizer, i) for i in np.flatnonzero(counter.used).tolist()}
    longest = sorted((i for i in lengths if i not in special), key=lambda i: (-lengths[i], i))
    return TokenReport(
        total=total,
        files=files,
        scripts=scripts,
        longest=[(readable(tokenizer, i), int(counter.used[i])) for i in longest[:_N_EXAMPLES]],
        never_used=[readable(tokenizer, i) for i in unused if not partial[i]][:_N_EXAMPLES],
        n_never_used=len(unused),
        n_ordinary=len(ordinary),
        fingerprint=tokenizer.fingerprint,
        notes=tokenizer.notes,
    )


def readable(tokenizer: Tokenizer, token_id: int) -> str:
    """The token as text where it is a whole number of characters, as the vocabulary spells it where not."""
    token = tokenizer.token_of(token_id)
    if tokenizer.is_byte_level and (data := byte_level_bytes(token)) is not None:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode("utf-8", "backslashreplace")
    return token


def _length(tokenizer: Tokenizer, token_id: int) -> int:
    token = tokenizer.token_of(token_id)
    data = byte_level_bytes(token) if tokenizer.is_byte_level else None
    return len(token) if data is None else len(data.decode("utf-8", "replace"))


def _batches(corpus: Corpus) -> Iterable[tuple[list[str], float]]:
    for block, done in corpus.blocks():
        yield block.decode().split("\n")[:-1], done


def _share(row: Int64Array) -> Share:
    return Share(*row.tolist())


class _Counter:
    """Counts by script: rows are KINDS_OF_TEXT, columns those of Share. `used` [n_tokens] counts each token."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.table = np.zeros((len(KINDS_OF_TEXT), 6), dtype=np.int64)
        self.used = np.zeros(tokenizer.n_tokens, dtype=np.int64)
        self._tokenizer = tokenizer
        self._fallback = partial_tokens(tokenizer)

    def add(self, lines: list[str]) -> None:
        lines = [line for line in lines if line]
        if not lines:
            return
        batch, offsets = self._tokenizer.encode_offsets(lines)
        text = "".join(lines)
        kinds = kinds_of(text)
        self._bump(0, kinds)
        widths = np.diff(byte_starts(text))
        self.table[:, 1] += np.bincount(kinds, weights=widths, minlength=len(KINDS_OF_TEXT)).astype(np.int64)
        self._count_words(lines)
        self.used += np.bincount(batch.ids, minlength=len(self.used))
        # A token belongs with the last character it covers: what comes before may be a space.
        begins = np.cumsum([0, *map(len, lines)])[:-1]
        last = np.maximum(offsets[:, 1], 1) - 1 + np.repeat(begins, np.diff(batch.splits))
        of_token = kinds[last]
        self._bump(3, of_token)
        if self._tokenizer.unknown_id is not None:
            self._bump(4, of_token[batch.ids == self._tokenizer.unknown_id])
        self._bump(5, of_token[self._fallback[batch.ids]])

    def _count_words(self, lines: list[str]) -> None:
        first = "".join(word[0] for words in Corpus(lines).words() for word in words)
        if first:
            self._bump(2, kinds_of(first))

    def _bump(self, column: int, kinds: UInt8Array) -> None:
        self.table[:, column] += np.bincount(kinds, minlength=len(KINDS_OF_TEXT))


def partial_tokens(tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Which tokens are no whole characters: <0x..>, or bytes that are not UTF-8."""
    partial = np.zeros(tokenizer.n_tokens, dtype=np.bool_)
    for token, token_id in tokenizer.vocab.items():
        if _BYTE_TOKEN.fullmatch(token):
            partial[token_id] = True
        elif tokenizer.is_byte_level and (data := byte_level_bytes(token)) is not None:
            try:
                data.decode()
            except UnicodeDecodeError:
                partial[token_id] = True
    return partial


def kinds_of(text: str) -> UInt8Array:
    """The place in KINDS_OF_TEXT of each character, uint8 [n_characters]."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    kinds = _KIND_OF_CODE[codes]
    if (new := kinds == _NOT_SEEN).any():
        for code in np.unique(codes[new]).tolist():
            _KIND_OF_CODE[code] = _kind(chr(code))
        kinds = _KIND_OF_CODE[codes]
    return kinds


def _kind(char: str) -> int:
    category = unicodedata.category(char)
    if category[0] in "LM":
        first = unicodedata.name(char, "").split(" ")[0]
        name = _BY_NAME.get(first, "other letters" if category[0] == "L" else "other")
    elif category[0] == "N":
        name = "digits"
    elif char.isspace():
        name = "white space"
    else:
        name = "punctuation" if category[0] in "PS" else "other"
    return KINDS_OF_TEXT.index(name)
