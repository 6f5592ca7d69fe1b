"""Every static trainer's text: ids of at least two words."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path

from qianru.errors import CorpusError
from qianru.progress import ProgressCallback
from qianru.text import Corpus, EncodedCorpus


def encode_corpus(
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    *,
    min_count: int,
    max_vocab: int | None = None,
    keep: Container[str] | None = None,
    threads: int,
    progress: ProgressCallback | None,
) -> EncodedCorpus:
    """The corpus as ids, of at least two words. Raises CorpusError, ArgumentError."""
    if isinstance(corpus, EncodedCorpus):
        encoded = corpus
    else:
        source = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
        encoded = source.encode(
            min_count=min_count, max_vocab=max_vocab, keep=keep, threads=threads, progress=progress
        )
    if len(encoded.keys) < 2:
        raise CorpusError(
            f"training needs at least two different words, the corpus leaves {len(encoded.keys)}",
            hint="Add text, or lower min_count.",
        )
    return encoded
