"""What needs torch: models of transformers take up, lose and freeze vocabulary.

Importing this loads no torch; the functions load it when they are called.
"""

from __future__ import annotations

from qianru.layers.freeze import FrozenRows, freeze_rows
from qianru.layers.grow import Changed, change_vocabulary
from qianru.layers.verify import Check, verify

__all__ = ["Changed", "Check", "FrozenRows", "change_vocabulary", "freeze_rows", "verify"]
