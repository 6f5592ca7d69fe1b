"""Reading a text file of vectors and writing it again in binary: qianru beside gensim on the same generated file.

    python bench/convert.py [--n 1000000] [--dim 300] [--folder /tmp] [--no-gensim]

Each system runs in a process of its own; its seconds and its peak memory, matrix included, are printed. qianru
does the whole conversion (text to .bin), gensim's time is that of its loader alone.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_PIECE = 20_000


def generate(path: Path, n: int, dim: int) -> None:
    """A file as word2vec and fastText write it: six decimals a number."""
    rng = np.random.default_rng(1)
    with path.open("wb") as out:
        out.write(f"{n} {dim}\n".encode())
        for begin in range(0, n, _PIECE):
            rows = rng.standard_normal((min(_PIECE, n - begin), dim)) * 0.3
            digits = np.char.mod("%.6f", rows[:200])
            # Printing is slow, so 200 rows are printed a piece and shuffled for the others.
            lines = [" ".join(row).encode() for row in digits]
            order = rng.integers(0, len(lines), len(rows))
            out.writelines(b"word%d %s\n" % (begin + i, lines[k]) for i, k in enumerate(order))


def run_qianru(source: str) -> None:
    from qianru.vectors import load

    load(source).export(source + ".bin", force=True)


def run_gensim(source: str) -> None:
    from gensim.models import KeyedVectors

    KeyedVectors.load_word2vec_format(source, binary=False)


def measure(system: str, path: Path) -> tuple[float, float]:
    """Seconds and peak GB of one run in a fresh process, imports included."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", system, str(path)], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        started = time.perf_counter()
        {"qianru": run_qianru, "gensim": run_gensim}[sys.argv[2]](sys.argv[3])
        print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--folder", default=None)
    parser.add_argument("--no-gensim", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "vectors.txt"
        generate(path, options.n, options.dim)
        size = path.stat().st_size / 1e9
        print(
            f"{options.n:,} x {options.dim}, {size:.2f} GB of text, matrix {options.n * options.dim * 4e-9:.2f} GB"
        )
        seconds, peak = measure("qianru", path)
        print(f"qianru  text to .bin  {seconds:7.1f} s  {size * 1e3 / seconds:6.0f} MB/s  peak {peak:.2f} GB")
        if not options.no_gensim:
            theirs, peak = measure("gensim", path)
            print(
                f"gensim  load text     {theirs:7.1f} s  {size * 1e3 / theirs:6.0f} MB/s  peak {peak:.2f} GB"
            )
            print(f"qianru is {theirs / seconds:.1f} times as fast")


if __name__ == "__main__":
    main()
