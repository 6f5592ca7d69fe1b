"""qianru (嵌入): raw Chinese and English text to word vectors.

The public names in the order of the flow: text, tokens, training, vectors; then the sample world and what everything
shares. A name is loaded when it is first used, so `import qianru` itself takes milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qianru.errors import (
        ArgumentError,
        CorpusError,
        FormatError,
        OutputError,
        QianruError,
        TrainingError,
        UnknownWordError,
    )
    from qianru.progress import Progress, TerminalProgress
    from qianru.sample import sample_lines, write_sample
    from qianru.static import (
        Classifier,
        train_classifier,
        train_fasttext,
        train_glove,
        train_ppmi,
        train_word2vec,
    )
    from qianru.static.grow import grow
    from qianru.static.prune import prune
    from qianru.text import Corpus, EncodedCorpus, Segmenter, train_segmenter
    from qianru.tokens import Encoding, TokenBatch, Tokenizer
    from qianru.vectors import Neighbour, SubwordVectors, Vectors, load

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "Classifier",
    "Corpus",
    "CorpusError",
    "EncodedCorpus",
    "Encoding",
    "FormatError",
    "Neighbour",
    "OutputError",
    "Progress",
    "QianruError",
    "Segmenter",
    "SubwordVectors",
    "TerminalProgress",
    "TokenBatch",
    "Tokenizer",
    "TrainingError",
    "UnknownWordError",
    "Vectors",
    "__version__",
    "grow",
    "load",
    "prune",
    "sample_lines",
    "train_classifier",
    "train_fasttext",
    "train_glove",
    "train_ppmi",
    "train_segmenter",
    "train_word2vec",
    "write_sample",
]

_HOME = {
    "qianru.text": ("Corpus", "EncodedCorpus", "Segmenter", "train_segmenter"),
    "qianru.tokens": ("Encoding", "TokenBatch", "Tokenizer"),
    "qianru.static": (
        "Classifier",
        "grow",
        "prune",
        "train_classifier",
        "train_fasttext",
        "train_glove",
        "train_ppmi",
        "train_word2vec",
    ),
    "qianru.vectors": ("Neighbour", "SubwordVectors", "Vectors", "load"),
    "qianru.sample": ("sample_lines", "write_sample"),
    "qianru.progress": ("Progress", "TerminalProgress"),
    "qianru.errors": (
        "ArgumentError",
        "CorpusError",
        "FormatError",
        "OutputError",
        "QianruError",
        "TrainingError",
        "UnknownWordError",
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'qianru' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
