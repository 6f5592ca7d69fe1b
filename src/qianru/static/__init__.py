"""Ids become one vector per word: one-hot, PPMI, word2vec, GloVe."""

from __future__ import annotations

from qianru.static.cooccurrence import Cooccurrence, count_cooccurrences
from qianru.static.glove import GloveSettings, train_glove
from qianru.static.one_hot import OneHot
from qianru.static.ppmi import PpmiSettings, train_ppmi
from qianru.static.word2vec import Word2vecSettings, train_word2vec

__all__ = [
    "Cooccurrence",
    "GloveSettings",
    "OneHot",
    "PpmiSettings",
    "Word2vecSettings",
    "count_cooccurrences",
    "train_glove",
    "train_ppmi",
    "train_word2vec",
]
