"""Vectors of words in their sentences: language models trained (ELMo, BERT, GPT) and read, texts encoded, senses found.

A name is loaded when it is first used, and torch with it where it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qianru.contextual.bert import train_bert
    from qianru.contextual.elmo import Elmo, LayerMix
    from qianru.contextual.elmo_files import ElmoOptions
    from qianru.contextual.elmo_train import train_elmo
    from qianru.contextual.encode import ContextualEncoder, TokenVectors
    from qianru.contextual.encode_stream import Written, encode_to_file
    from qianru.contextual.gpt import train_gpt
    from qianru.contextual.loading import load_encoder
    from qianru.contextual.senses import Sense, Senses, Use, find_senses, for_senses
    from qianru.contextual.train import Pretrained

__all__ = [
    "ContextualEncoder",
    "Elmo",
    "ElmoOptions",
    "LayerMix",
    "Pretrained",
    "Sense",
    "Senses",
    "TokenVectors",
    "Use",
    "Written",
    "encode_to_file",
    "find_senses",
    "for_senses",
    "load_encoder",
    "train_bert",
    "train_elmo",
    "train_gpt",
]

_HOME = {
    "qianru.contextual.bert": ("train_bert",),
    "qianru.contextual.elmo": (
        "Elmo",
        "LayerMix",
    ),
    "qianru.contextual.elmo_files": ("ElmoOptions",),
    "qianru.contextual.elmo_train": ("train_elmo",),
    "qianru.contextual.encode": (
        "ContextualEncoder",
        "TokenVectors",
    ),
    "qianru.contextual.encode_stream": (
        "Written",
        "encode_to_file",
    ),
    "qianru.contextual.gpt": ("train_gpt",),
    "qianru.contextual.loading": ("load_encoder",),
    "qianru.contextual.senses": (
        "Sense",
        "Senses",
        "Use",
        "find_senses",
        "for_senses",
    ),
    "qianru.contextual.train": ("Pretrained",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qianru.contextual' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
