"""What training is asked for, and the text that it reads."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from qianru.errors import ArgumentError, CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.tokens.description import Description
from qianru.tokens.encoding import checked_text, checked_threads
from qianru.tokens.pipelines import PATTERNS, byte_level_bytes

# The tokenizer.json, the number of its tokens, and notes on it.
Trained: TypeAlias = tuple[Description, int, tuple[str, ...]]
# The blocks being read, the tokens and the tokenizer that is made of them.
_FIXED_BYTES, _BYTES_PER_TOKEN, _LEAST_FOR_WORDS = 32 << 20, 1024, 16 << 20
KINDS = ("bpe", "wordpiece", "unigram", "character", "word")


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What `Tokenizer.train` was asked for; the same words as its arguments, checked on construction, but for what
    `checked_special` does."""

    kind: str
    vocab_size: int
    min_count: int
    special_tokens: tuple[str, ...]
    coverage: float
    byte_fallback: bool
    pattern: str
    threads: int | None
    memory: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ArgumentError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.pattern not in PATTERNS:
            raise ArgumentError(f"pattern must be one of {', '.join(PATTERNS)}, got {self.pattern!r}")
        checked_threads(self.threads)
        for name, value in (("vocab_size", self.vocab_size), ("min_count", self.min_count)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 1 << 31:
                raise ArgumentError(f"{name} must be a whole number of at least 1, got {value!r}")
        if isinstance(self.memory, bool) or not isinstance(self.memory, int) or self.memory < 1:
            raise ArgumentError(f"memory must be a number of bytes of at least 1, got {self.memory!r}")
        if self.kind in ("bpe", "wordpiece") and self.memory_for_words < _LEAST_FOR_WORDS:
            raise ArgumentError(
                f"memory must be at least {self.memory - self.memory_for_words + _LEAST_FOR_WORDS} bytes "
                f"for {self.vocab_size} tokens, got {self.memory}",
                hint="raise it, or lower vocab_size",
            )
        is_number = isinstance(self.coverage, (int, float)) and not isinstance(self.coverage, bool)
        if not is_number or not 0 < self.coverage <= 1:
            raise ArgumentError(
                f"coverage must be above 0 and at most 1, got {self.coverage!r}",
                hint="0.9995 is usual for Chinese; 1 keeps every character.",
            )
        for i, token in enumerate(self.special_tokens):
            if len(token) == 1:
                what = "a character of text"
            elif self.kind == "bpe" and _spells_bytes(token):
                what = "how byte-level BPE spells other text"
            elif self.byte_fallback and re.fullmatch("<0x[0-9A-F]{2}>", token):
                what = "the token of a byte"
            else:
                continue
            raise ArgumentError(
                f"special_tokens[{i}]: {token!r} is {what}", hint="write <s>, [CLS] or the like"
            )
        if self.byte_fallback and self.kind not in ("unigram", "character"):
            raise ArgumentError(f"byte_fallback is for unigram and character, not for {self.kind}")
        n_fixed = len(self.special_tokens) + (256 if self.kind == "bpe" or self.byte_fallback else 1)
        if self.vocab_size <= n_fixed:
            raise ArgumentError(
                f"vocab_size must be above {n_fixed}, the special tokens and "
                f"{'bytes' if n_fixed >= 256 else '[UNK]'} among them, got {self.vocab_size}",
                hint="8,000 to 64,000 is usual",
            )

    @property
    def memory_for_words(self) -> int:
        """Bytes that the different pieces of the text, and the training on them, may take."""
        return self.memory - _FIXED_BYTES - _BYTES_PER_TOKEN * self.vocab_size


def checked_special(tokens: Sequence[object]) -> list[str]:
    """The special tokens. Raises ArgumentError unless they are distinct texts, none of them empty."""
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise ArgumentError(
            f"special_tokens must be a list of texts, got {type(tokens).__name__}", hint='write ["<s>"]'
        )
    checked: list[str] = []
    for i, token in enumerate(tokens):
        text = checked_text(token, f"special_tokens[{i}]")
        if not text:
            raise ArgumentError(f"special_tokens[{i}] is empty", hint="write <s>, [CLS] or the like")
        if text in checked:
            raise ArgumentError(f"special_tokens holds {text!r} twice", hint="name it once")
        checked.append(text)
    return checked


def _spells_bytes(token: str) -> bool:
    """Whether text with other characters, whole or cut inside one, has this spelling in a byte-level vocabulary."""
    data = byte_level_bytes(token)
    if data is None or token.isascii():
        return False
    try:
        codecs.utf_8_decode(data.lstrip(bytes(range(0x80, 0xC0))), "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def left_out(n: int, what: str, occurrences: int, becomes: str) -> tuple[str, ...]:
    """The note on what vocab_size had no room for; none if nothing was left out."""
    if not n:
        return ()
    return (
        f"{n} {what}, which occur {occurrences} times, have no token, as vocab_size has no room: they become "
        f"{becomes}; raise it, or lower coverage to have more of other tokens",
    )


def read_text(corpus: Corpus, progress: ProgressCallback | None) -> Iterator[str]:
    """The lines in blocks, each line with its end, in lower case where the corpus is.

    Lower case as the tokenizer.json's own step makes it, which knows no final sigma. Raises CorpusError at the end
    where there was nothing but white space.
    """
    lowercase = corpus.settings["lowercase"] is True
    blank = True
    for block, done in corpus.blocks():
        text = block.decode()
        blank = blank and text.isspace()
        yield _lowered(text) if lowercase else text
        if progress is not None:
            progress(Progress("read", done, 0.0, "B"))
    if blank:
        raise CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")


def _lowered(text: str) -> str:
    import tokenizers.normalizers  # here, because it takes 0.05 s that nothing else should wait for

    return str(tokenizers.normalizers.Lowercase().normalize_str(text))
