"""Coverage-guided fuzzing of one target (needs atheris): python tests/fuzz/run_atheris.py TARGET [libFuzzer options].

Without a target: prints their names. A crash leaves its input as crash-… in the working directory. Memory is bounded by
libFuzzer: no single allocation above 256 MB, for inputs of at most 64 kB.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import types
from pathlib import Path

import atheris
from targets import TARGETS


def instrument() -> None:
    """Our own functions: the hook for imports does not see through an editable install."""
    for found in gc.get_objects():
        if isinstance(found, types.FunctionType) and str(found.__module__).startswith("qianru"):
            atheris.instrument_func(found)


def main() -> None:
    if len(sys.argv) < 2:
        print("\n".join(TARGETS))
        return
    instrument()
    target = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as corpus, target.runner() as run:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        options = ["-max_len=65536", "-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=256"]
        atheris.Setup([sys.argv[0], *options, *sys.argv[2:], corpus], lambda data: run(data) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
