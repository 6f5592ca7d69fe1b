"""What needs torch: the embedding layer and encoders on it; models of transformers take up, lose and freeze vocabulary.

Importing this loads no torch: it is loaded when a function is called, or a name of a torch module is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from qianru.layers.backend import load_torch
from qianru.layers.freeze import FrozenRows, freeze_rows
from qianru.layers.grow import Changed, change_vocabulary
from qianru.layers.mapping import MappingReport
from qianru.layers.verify import Check, verify

if TYPE_CHECKING:
    from qianru.layers.embedding import EmbeddingLayer, TiedOutput, parameter_groups
    from qianru.layers.encoders import (
        CNNEncoder,
        MeanEncoder,
        RNNEncoder,
        SequenceEncoder,
        TextEncoder,
        TransformerEncoder,
        make_encoder,
    )
    from qianru.layers.inspection import Inspection

__all__ = [
    "CNNEncoder",
    "Changed",
    "Check",
    "EmbeddingLayer",
    "FrozenRows",
    "Inspection",
    "MappingReport",
    "MeanEncoder",
    "RNNEncoder",
    "SequenceEncoder",
    "TextEncoder",
    "TiedOutput",
    "TransformerEncoder",
    "change_vocabulary",
    "freeze_rows",
    "make_encoder",
    "parameter_groups",
    "verify",
]

# Modules that import torch at their top, and the names that stand in them.
_TORCH = {
    "qianru.layers.embedding": ("EmbeddingLayer", "TiedOutput", "parameter_groups"),
    "qianru.layers.encoders": (
        "CNNEncoder",
        "MeanEncoder",
        "RNNEncoder",
        "SequenceEncoder",
        "TextEncoder",
        "TransformerEncoder",
        "make_encoder",
    ),
    "qianru.layers.inspection": ("Inspection",),
}
_MODULE_OF = {name: module for module, names in _TORCH.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qianru.layers' has no attribute {name!r}")
    load_torch()  # says what to install where there is none
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value
