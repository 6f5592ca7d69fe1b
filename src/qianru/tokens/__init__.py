"""Text becomes tokens and ids, and ids text: byte-level BPE, WordPiece, Unigram, characters and words.

And what is done to a vocabulary: it is extended, pruned, merged with another.
"""

from __future__ import annotations

from qianru.tokens.encoding import Encoding, TokenBatch
from qianru.tokens.mine import Mined, Saving, mine
from qianru.tokens.surgery import extend
from qianru.tokens.surgery_data import TokenizerData, read_tokenizer
from qianru.tokens.surgery_merge import merge
from qianru.tokens.surgery_prune import prune
from qianru.tokens.surgery_report import Comparison, Surgery, compare
from qianru.tokens.tokenizer import Tokenizer
from qianru.tokens.word_list import tokenizer_of_words

__all__ = [
    "Comparison",
    "Encoding",
    "Mined",
    "Saving",
    "Surgery",
    "TokenBatch",
    "Tokenizer",
    "TokenizerData",
    "compare",
    "extend",
    "merge",
    "mine",
    "prune",
    "read_tokenizer",
    "tokenizer_of_words",
]
