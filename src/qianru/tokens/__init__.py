"""Text to tokens and ids, and what can be done to a vocabulary: extend, prune, merge."""

from __future__ import annotations

from qianru.tokens.mine import Mined, Saving, mine
from qianru.tokens.surgery import extend
from qianru.tokens.surgery_data import TokenizerData, read_tokenizer
from qianru.tokens.surgery_merge import merge
from qianru.tokens.surgery_prune import prune
from qianru.tokens.surgery_report import Comparison, Surgery, compare

__all__ = [
    "Comparison",
    "Mined",
    "Saving",
    "Surgery",
    "TokenizerData",
    "compare",
    "extend",
    "merge",
    "mine",
    "prune",
    "read_tokenizer",
]
