"""How long work reports on itself: a callback that gets a `Progress` a few times a second.

`TerminalProgress` draws one line on stderr and is silent when stderr is not a terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO, TypeAlias


@dataclass(frozen=True)
class Progress:
    """One report. `done` runs from 0 to 1; `rate` is in `unit` a second; `seconds_left` is None while unknown."""

    stage: str
    done: float
    rate: float
    unit: str
    loss: float | None = None
    seconds_left: float | None = None


ProgressCallback: TypeAlias = Callable[[Progress], None]


class TerminalProgress:
    """Draws each report over the one before, at most ten times a second."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._visible = self._stream.isatty()
        self._drawn_at = 0.0
        self._stage = ""

    def __call__(self, report: Progress) -> None:
        if not self._visible:
            return
        now = time.monotonic()
        if now - self._drawn_at < 0.1 and report.done < 1 and report.stage == self._stage:
            return
        if self._stage not in ("", report.stage):
            self._stream.write("\n")
        self._drawn_at, self._stage = now, report.stage
        self._stream.write("\r\x1b[2K" + describe(report))
        self._stream.flush()

    def close(self) -> None:
        """Leave the last report standing and go to a fresh line."""
        if self._visible and self._stage:
            self._stream.write("\n")
            self._stream.flush()
            self._stage = ""


def describe(report: Progress) -> str:
    """One line of text: stage, share done, rate, loss, time left."""
    parts = [f"{report.stage:<8} {report.done:6.1%}", f"{_short(report.rate)} {report.unit}/s"]
    if report.loss is not None:
        parts.append(f"loss {report.loss:.4f}")
    if report.seconds_left is not None:
        minutes, seconds = divmod(round(report.seconds_left), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return "  ".join(parts)


def _short(number: float) -> str:
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.2f} {suffix}"
    return f"{number:.0f}"
