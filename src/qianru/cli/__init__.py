"""The command `qianru`: one file a verb, each parses, calls the library and prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `qianru`. Exits 0, 2 after an error, 130 after Ctrl-C; shows no traceback."""
    try:
        # Here, so that Ctrl-C while it loads is caught like any other.
        from qianru.cli.app import run_and_exit

        run_and_exit(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        print("interrupted: nothing was saved", file=sys.stderr)
        sys.exit(130)
