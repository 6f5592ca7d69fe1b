"""The command `qianru`: one file a verb, each parses, calls the library and prints."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `qianru` command."""
