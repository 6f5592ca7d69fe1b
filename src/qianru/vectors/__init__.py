"""The noun: words and their vectors, how they were made, and what can be asked of them."""

from __future__ import annotations

from qianru.vectors.algebra import Neighbour
from qianru.vectors.encoder import Encoded, Encoder
from qianru.vectors.static_encoder import StaticEncoder
from qianru.vectors.subword_rule import SubwordRule
from qianru.vectors.subwords import SubwordAnswer, SubwordVectors
from qianru.vectors.vectors import Vectors

load = Vectors.load

__all__ = [
    "Encoded",
    "Encoder",
    "Neighbour",
    "StaticEncoder",
    "SubwordAnswer",
    "SubwordRule",
    "SubwordVectors",
    "Vectors",
    "load",
]
