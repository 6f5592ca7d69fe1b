"""Ids become one vector per word: one-hot, PPMI, word2vec, fastText, GloVe; texts become labels; and models grow, are trained on, and are pruned."""

from __future__ import annotations

from qianru.static.add_words import AddedWords, add_words
from qianru.static.classifier import ClassifierSettings, train_classifier
from qianru.static.classifier_model import Classifier, Prediction
from qianru.static.classifier_report import ClassifierReport, LabelScore
from qianru.static.cooccurrence import Cooccurrence, count_cooccurrences
from qianru.static.fasttext import train_fasttext
from qianru.static.glove import GloveSettings, train_glove
from qianru.static.grow import GrowthReport, grow
from qianru.static.one_hot import OneHot
from qianru.static.ppmi import PpmiSettings, train_ppmi
from qianru.static.prune import PruneReport, prune
from qianru.static.settings import Word2vecSettings
from qianru.static.word2vec import train_word2vec

__all__ = [
    "AddedWords",
    "Classifier",
    "ClassifierReport",
    "ClassifierSettings",
    "Cooccurrence",
    "GloveSettings",
    "GrowthReport",
    "LabelScore",
    "OneHot",
    "PpmiSettings",
    "Prediction",
    "PruneReport",
    "Word2vecSettings",
    "add_words",
    "count_cooccurrences",
    "grow",
    "prune",
    "train_classifier",
    "train_fasttext",
    "train_glove",
    "train_ppmi",
    "train_word2vec",
]
