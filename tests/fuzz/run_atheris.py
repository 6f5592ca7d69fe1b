"""Coverage-guided fuzzing of one target (needs atheris): python tests/fuzz/run_atheris.py TARGET [libFuzzer options].

Without a target: prints their names. A crash leaves its input as crash-… in the working directory. Memory is bounded by
libFuzzer: no single allocation above 256 MB, for inputs of at most 64 kB.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["qianru"]):
    from targets import TARGETS


def main() -> None:
    if len(sys.argv) < 2:
        print("\n".join(TARGETS))
        return
    target = TARGETS[sys.argv[1]]
    with tempfile.TemporaryDirectory() as corpus, target.runner() as run:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        options = ["-max_len=65536", "-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=256"]
        atheris.Setup([sys.argv[0], *options, *sys.argv[2:], corpus], lambda data: run(data) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
