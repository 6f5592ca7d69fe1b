"""Ids become one vector per word: word2vec; and models grow, are trained on, and are pruned."""

from __future__ import annotations

from qianru.static.grow import GrowthReport, grow
from qianru.static.prune import PruneReport, prune
from qianru.static.settings import Word2vecSettings
from qianru.static.word2vec import train_word2vec

__all__ = ["GrowthReport", "PruneReport", "Word2vecSettings", "grow", "prune", "train_word2vec"]
