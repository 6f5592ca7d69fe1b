"""What vectors are for: texts get labels, and sentences translations, with pretrained rows or without. Needs torch.

Importing this loads no torch: it is loaded when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from qianru.errors import QianruError
from qianru.layers.backend import load_torch

if TYPE_CHECKING:
    from qianru.transfer.classifier import LabelProbability, Run, TextClassifier
    from qianru.transfer.classify import train_text_classifier
    from qianru.transfer.examples import LabelledTexts, read_examples
    from qianru.transfer.features import TextFeatures
    from qianru.transfer.pairs import SentencePairs, read_sentence_pairs
    from qianru.transfer.report import LabelReport, TextReport
    from qianru.transfer.translate import train_translator
    from qianru.transfer.translator import Translation, TranslationReport, Translator

__all__ = [
    "LabelProbability",
    "LabelReport",
    "LabelledTexts",
    "Run",
    "SentencePairs",
    "TextClassifier",
    "TextFeatures",
    "TextReport",
    "Translation",
    "TranslationReport",
    "Translator",
    "read_examples",
    "read_sentence_pairs",
    "train_text_classifier",
    "train_translator",
]

_HOME = {
    "qianru.transfer.classifier": ("LabelProbability", "Run", "TextClassifier"),
    "qianru.transfer.classify": ("train_text_classifier",),
    "qianru.transfer.examples": ("LabelledTexts", "read_examples"),
    "qianru.transfer.features": ("TextFeatures",),
    "qianru.transfer.pairs": ("SentencePairs", "read_sentence_pairs"),
    "qianru.transfer.report": ("LabelReport", "TextReport"),
    "qianru.transfer.translate": ("train_translator",),
    "qianru.transfer.translator": ("Translation", "TranslationReport", "Translator"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qianru.transfer' has no attribute {name!r}")
    load_torch()  # says what to install where there is none
    try:
        module = importlib.import_module(_MODULE_OF[name])
    except ModuleNotFoundError as error:
        if error.name != "sklearn":
            raise
        raise QianruError(
            "this needs the package scikit-learn", hint="pip install 'qianru[sklearn]'"
        ) from None
    value = getattr(module, name)
    globals()[name] = value
    return value
