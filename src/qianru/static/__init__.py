"""Ids become one vector per word: word2vec."""

from __future__ import annotations

from qianru.static.word2vec import Word2vecSettings, train_word2vec

__all__ = ["Word2vecSettings", "train_word2vec"]
