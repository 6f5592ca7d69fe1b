"""Language models, which give each token a vector in its sentence: ELMo, BERT and GPT trained and read. Needs torch.

A name is loaded when it is first used, and torch with it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qianru.contextual.bert import train_bert
    from qianru.contextual.elmo import Elmo, LayerMix
    from qianru.contextual.elmo_files import ElmoOptions
    from qianru.contextual.elmo_train import train_elmo
    from qianru.contextual.gpt import train_gpt
    from qianru.contextual.train import Pretrained

__all__ = ["Elmo", "ElmoOptions", "LayerMix", "Pretrained", "train_bert", "train_elmo", "train_gpt"]

_HOME = {
    "qianru.contextual.bert": ("train_bert",),
    "qianru.contextual.elmo": ("Elmo", "LayerMix"),
    "qianru.contextual.elmo_files": ("ElmoOptions",),
    "qianru.contextual.elmo_train": ("train_elmo",),
    "qianru.contextual.gpt": ("train_gpt",),
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
