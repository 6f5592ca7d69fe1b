"""Files and streams become words, and words ids."""

from __future__ import annotations

from qianru.text.corpus import DEFAULT_MEMORY, Corpus, EncodedCorpus, split_words

__all__ = ["DEFAULT_MEMORY", "Corpus", "EncodedCorpus", "split_words"]
