"""Which words of a text a vocabulary would save most by having them: occurrences times tokens saved at each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qianru.errors import ArgumentError, CorpusError
from qianru.progress import ProgressCallback
from qianru.text import Corpus
from qianru.tokens.surgery_data import Json, TokenizerData, read_tokenizer
from qianru.tokens.surgery_han import sets_han_apart
from qianru.tokens.surgery_pipeline import Pipeline, is_han

_BATCH = 1000


@dataclass(frozen=True)
class Saving:
    """A word, how often it occurs, the tokens it takes now, and what it saves: count x (n_tokens - 1).

    An unknown token counts as two: what it stands for is lost.
    """

    word: str
    count: int
    n_tokens: int
    saved: int


@dataclass(frozen=True)
class Mined:
    """The words that save most, the first one most; n_words_read: of the whole text."""

    savings: tuple[Saving, ...]
    n_words_read: int

    @property
    def words(self) -> list[str]:
        """The words alone."""
        return [saving.word for saving in self.savings]

    @property
    def counts(self) -> dict[str, int]:
        """How often each occurs."""
        return {saving.word: saving.count for saving in self.savings}


def mine(
    tokenizer: TokenizerData | str | Path | Json,
    corpus: Corpus | str | Path | Iterable[str],
    *,
    n_words: int,
    min_count: int = 10,
    han: bool = False,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Mined:
    """The n_words words of the text that save the tokenizer most.

    Words are cut as everywhere (docs/concepts/text.md), Chinese by dictionary. Tokens are those of the word alone, or
    behind a space where spaces leave a mark. Words that could not become tokens are left out.

    Args:
        tokenizer: a tokenizer.json, a folder with one, or the parsed file.
        corpus: the text.
        n_words: at most so many.
        min_count: words seen less often are left out.
        han: only words of Chinese characters.
        threads, progress: for reading the corpus.

    Raises:
        ArgumentError: an argument breaks its rule. CorpusError: there is no word, or none that saves anything.
        FormatError: the tokenizer file breaks a rule.
    """
    if isinstance(n_words, bool) or not isinstance(n_words, int) or n_words < 1:
        raise ArgumentError(f"n_words must be a whole number of at least 1, got {n_words!r}")
    data = read_tokenizer(tokenizer)
    pipeline = Pipeline(data)
    source = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
    encoded = source.encode(min_count=min_count, threads=threads, progress=progress)
    counts = encoded.counts.tolist()
    # At the start of a text a mark stands before a Chinese word that it does not have elsewhere.
    mark = data.tokens.index(pipeline.start) if pipeline.start in data.tokens else -1
    savings: list[Saving] = []
    for begin in range(0, len(encoded.keys), _BATCH):
        pairs = list(zip(encoded.keys[begin : begin + _BATCH], counts[begin : begin + _BATCH], strict=True))
        pairs = [
            (word, count)
            for word, count in pairs
            if (all(map(is_han, word)) or not han) and not any(map(str.isspace, word))
        ]
        texts = [word if is_han(word[0]) or not pipeline.space else f" {word}" for word, _ in pairs]
        for (word, count), ids in zip(pairs, pipeline.encode(texts), strict=True):
            if ids[:1] == [mark] and is_han(word[0]):
                ids = ids[1:]
            cost = len(ids) + (0 if data.unknown_id is None else ids.count(data.unknown_id))
            if cost > 1:
                savings.append(Saving(word, count, len(ids), count * (cost - 1)))
    savings.sort(key=lambda saving: (-saving.saved, saving.word))
    apart = sets_han_apart(data, pipeline)
    chosen: list[Saving] = []
    for saving in savings:
        if len(chosen) == n_words:
            break
        if pipeline.forms(saving.word) or (apart and all(map(is_han, saving.word))):
            chosen.append(saving)
    if not chosen:
        raise CorpusError(
            f"no word of the text that occurs {min_count} times would save a token",
            hint="Lower min_count or give more text.",
        )
    return Mined(tuple(chosen), encoded.n_raw_tokens)
