"""Training: a corpus becomes the description of a tokenizer, the same bytes each time."""

from __future__ import annotations

from dataclasses import dataclass

from qianru import _core
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text import Corpus
from qianru.text.encoding import default_threads
from qianru.tokens.characters import train_characters
from qianru.tokens.description import Description
from qianru.tokens.encoding import checked_text
from qianru.tokens.pipelines import PATTERNS, byte_level, byte_level_text, text_normalizer
from qianru.tokens.train_pieces import train_unigram, train_wordpiece
from qianru.tokens.words import train_words

_PROGRESS_SECONDS = 0.1
KINDS = ("bpe", "wordpiece", "unigram", "character", "word")


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What `Tokenizer.train` was asked for; the same words as its arguments, checked on construction."""

    kind: str
    vocab_size: int
    min_count: int
    special_tokens: tuple[str, ...]
    coverage: float
    byte_fallback: bool
    pattern: str
    threads: int | None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ArgumentError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.pattern not in PATTERNS:
            raise ArgumentError(f"pattern must be one of {', '.join(PATTERNS)}, got {self.pattern!r}")
        for name, value, least in (("vocab_size", self.vocab_size, 1), ("min_count", self.min_count, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 1 << 31:
                raise ArgumentError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if not 0 < self.coverage <= 1:
            raise ArgumentError(
                f"coverage must be above 0 and at most 1, got {self.coverage!r}",
                hint="0.9995 is usual for Chinese; 1 keeps every character.",
            )
        for i, token in enumerate(self.special_tokens):
            if not checked_text(token, f"special_tokens[{i}]"):
                raise ArgumentError(f"special_tokens[{i}] is empty")
            if self.special_tokens.index(token) != i:
                raise ArgumentError(f"special_tokens holds {token!r} twice")
            if len(token) == 1:
                raise ArgumentError(
                    f"special_tokens[{i}]: {token!r} is a character of text",
                    hint="write <s>, [CLS] or the like",
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


def train_description(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, tuple[str, ...]]:
    """The tokenizer.json, and notes on it. Raises CorpusError if the text gives no token."""
    trainer = {
        "bpe": _train_bpe,
        "wordpiece": _train_wordpiece,
        "unigram": _train_unigram,
        "character": _train_characters,
        "word": _train_words,
    }[settings.kind]
    description, n_tokens, notes = trainer(corpus, settings, progress)
    if n_tokens < settings.vocab_size:
        notes = (*notes, f"{n_tokens} tokens, not {settings.vocab_size}: the text gives no more")
    return description, notes


def _train_bpe(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, int, tuple[str, ...]]:
    lowercase = corpus.settings["lowercase"] is True
    counter = _core.WordCounter(pattern=settings.pattern)
    threads = default_threads() if settings.threads is None else settings.threads
    blank = True
    for block, done in corpus.blocks():
        blank = blank and block.isspace()
        # A line's end is text too.
        counter.count_lines(_lowered(block) if lowercase else block, threads, keep_ends=True)
        if progress is not None:
            progress(Progress("read", done, 0.0, "B"))
    if blank:
        raise CorpusError(f"no text in {corpus!r}", hint="The inputs are empty.")
    trainer = _core.BpeTrainer(
        counter,
        vocab_size=settings.vocab_size,
        min_frequency=settings.min_count,
        special_tokens=[token.encode() for token in settings.special_tokens],
        initial_alphabet=[bytes(range(256))],
    )
    while not trainer.run(_PROGRESS_SECONDS):
        if progress is not None:
            progress(Progress("train", trainer.n_tokens / settings.vocab_size, 0.0, "tokens"))
    n_special = len(settings.special_tokens)
    names = [
        *settings.special_tokens,
        *(byte_level_text(token) for token in trainer.tokens()[n_special:]),
    ]
    return (
        byte_level(
            {name: token_id for token_id, name in enumerate(names)},
            [f"{names[left]} {names[right]}" for left, right in trainer.merges().tolist()],
            settings.pattern,
            special=[(token, token_id) for token_id, token in enumerate(settings.special_tokens)],
            normalizer=text_normalizer(lowercase=lowercase),
        ),
        len(names),
        (),
    )


def _lowered(block: bytes) -> bytes:
    """Lower case as the tokenizer.json's own step makes it, which knows no final sigma."""
    import tokenizers.normalizers

    return str(tokenizers.normalizers.Lowercase().normalize_str(block.decode())).encode()


def _train_wordpiece(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, int, tuple[str, ...]]:
    description, n_tokens = train_wordpiece(
        corpus,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        special_tokens=settings.special_tokens,
        coverage=settings.coverage,
        progress=progress,
    )
    return description, n_tokens, ()


def _train_unigram(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, int, tuple[str, ...]]:
    description, n_tokens = train_unigram(
        corpus,
        vocab_size=settings.vocab_size,
        special_tokens=settings.special_tokens,
        coverage=settings.coverage,
        byte_fallback=settings.byte_fallback,
        progress=progress,
    )
    return description, n_tokens, ()


def _train_characters(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, int, tuple[str, ...]]:
    description, n_tokens = train_characters(
        corpus,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        special_tokens=settings.special_tokens,
        coverage=settings.coverage,
        byte_fallback=settings.byte_fallback,
        progress=progress,
    )
    return description, n_tokens, ()


def _train_words(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, int, tuple[str, ...]]:
    return train_words(
        corpus,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        special_tokens=settings.special_tokens,
        threads=settings.threads,
        progress=progress,
    )
