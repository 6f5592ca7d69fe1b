"""Ids become one vector per word: word2vec; and texts become labels."""

from __future__ import annotations

from qianru.static.classifier import ClassifierSettings, train_classifier
from qianru.static.classifier_model import Classifier, Prediction
from qianru.static.classifier_report import ClassifierReport, LabelScore
from qianru.static.word2vec import Word2vecSettings, train_word2vec

__all__ = [
    "Classifier",
    "ClassifierReport",
    "ClassifierSettings",
    "LabelScore",
    "Prediction",
    "Word2vecSettings",
    "train_classifier",
    "train_word2vec",
]
