"""Word tokenizers: the words of a corpus as `Corpus` cuts them, and a tokenizer.json that finds them again."""

from __future__ import annotations

import io
import json
from typing import cast

from qianru.errors import CorpusError
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens.description import Description
from qianru.tokens.pipelines import special_token
from qianru.tokens.settings import Trained, TrainSettings
from qianru.tokens.word_model import is_han, unigram_scores, write_word_tokenizer


def train_words(corpus: Corpus, settings: TrainSettings, progress: ProgressCallback | None) -> Trained:
    """Words by falling count, [UNK], special tokens."""
    named = tuple(token for token in settings.special_tokens if token != "[UNK]")
    encoded = corpus.encode(
        min_count=settings.min_count,
        max_vocab=settings.vocab_size - 1,  # the words among them that are special tokens go
        threads=settings.threads,
        memory=settings.memory,
        progress=progress,
    )
    special = set(settings.special_tokens)
    rows = [row for row, word in enumerate(encoded.keys) if word not in special]
    del rows[settings.vocab_size - 1 - len(named) :]
    if not rows:
        raise CorpusError(f"no word in {corpus!r} but special tokens", hint="Give more text.")
    words = [encoded.keys[row] for row in rows]
    counts = encoded.counts[rows]
    out = io.StringIO()
    lowercase = corpus.settings["lowercase"] is True
    write_word_tokenizer(out, words, lambda: unigram_scores(words, counts), lowercase=lowercase)
    description = cast(Description, json.loads(out.getvalue()))
    added = cast(list[dict[str, object]], description["added_tokens"])
    whole, lost = _whole_words(corpus.user_words, words)
    # What a user dictionary asks for is cut out of the text before all else.
    places = {word: place for place, word in enumerate(words)}
    for word in whole:
        added.append({**special_token(word, places[word]), "normalized": True, "special": False})
    for token in named:
        added.append(special_token(token, len(words) + 1 + named.index(token)))
    added.sort(key=lambda entry: cast(int, entry["id"]))
    notes: tuple[str, ...] = ()
    if lost:
        notes = (
            f"{len(lost)} words of the user dictionary begin or end with a letter or digit and are not always "
            f"found by a tokenizer.json: {', '.join(lost[:5])}",
        )
    return description, len(words) + 1 + len(named), notes


def _whole_words(user_words: tuple[str, ...], words: list[str]) -> tuple[list[str], list[str]]:
    """Of the user's words in the vocabulary those that may be cut out anywhere, and those that may not.

    A word that begins or ends with a letter must stand alone there, but need not beside Han characters; added
    tokens know only one of the two.
    """
    known = set(words)
    whole: list[str] = []
    lost: list[str] = []
    for word in user_words:
        if word in known:
            free = all(is_han(char) or not char.isalnum() for char in (word[0], word[-1]))
            (whole if free else lost).append(word)
    return whole, lost
