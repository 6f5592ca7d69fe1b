"""Text becomes tokens and ids, and ids text: byte-level BPE, WordPiece, Unigram, characters and words."""

from __future__ import annotations

from qianru.tokens.encoding import Encoding, TokenBatch
from qianru.tokens.tokenizer import Tokenizer

__all__ = ["Encoding", "TokenBatch", "Tokenizer"]
