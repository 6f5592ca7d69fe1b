"""Vectors of words in their sentences. Importing this loads no torch; what needs it loads it when called."""

from __future__ import annotations

from qianru.contextual.encode import ContextualEncoder, TokenVectors
from qianru.contextual.encode_stream import Written, encode_to_file
from qianru.contextual.loading import load_encoder
from qianru.contextual.senses import Sense, Senses, Use, find_senses

__all__ = [
    "ContextualEncoder",
    "Sense",
    "Senses",
    "TokenVectors",
    "Use",
    "Written",
    "encode_to_file",
    "find_senses",
    "load_encoder",
]
