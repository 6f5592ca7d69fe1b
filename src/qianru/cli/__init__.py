"""The command `qianru`: one file a verb, each parses, calls the library and prints."""

from __future__ import annotations

from qianru.cli.app import main

__all__ = ["main"]
