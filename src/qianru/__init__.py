"""qianru: raw Chinese and English text to word vectors."""

from __future__ import annotations

__version__ = "0.1.0"
