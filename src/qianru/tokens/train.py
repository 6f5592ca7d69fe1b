"""Training: a corpus becomes the description of a tokenizer, the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable

from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens.characters import train_characters
from qianru.tokens.description import Description
from qianru.tokens.settings import Trained, TrainSettings
from qianru.tokens.train_pieces import train_bpe, train_unigram, train_wordpiece
from qianru.tokens.words import train_words

_TRAINERS: dict[str, Callable[[Corpus, TrainSettings, ProgressCallback | None], Trained]] = {
    "bpe": train_bpe,
    "wordpiece": train_wordpiece,
    "unigram": train_unigram,
    "character": train_characters,
    "word": train_words,
}


def train_description(
    corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None
) -> tuple[Description, tuple[str, ...]]:
    """The tokenizer.json, and notes on it. Raises CorpusError if the text gives no token."""
    description, n_tokens, notes = _TRAINERS[settings.kind](corpus, settings, progress)
    if n_tokens < settings.vocab_size:
        notes = (*notes, f"{n_tokens} tokens, not {settings.vocab_size}: the text gives no more")
    return description, notes
