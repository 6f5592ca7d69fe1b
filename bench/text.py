"""File to ids: MB/s of `Corpus.encode`, the file warm in the page cache, beside rjieba alone on the same Chinese text.

    python -m bench.text                       2 threads, the 100 MB corpora under QIANRU_DATA
    python -m bench.text --megabytes 5         a small piece of each, to see that it runs

English in text8 style and as it is, Chinese as it is. Each figure is the median and the best of the repeats in one process, after
one run that loads what is loaded once. rjieba cuts the same file line by line, and does nothing else, in one thread and in as
many as asked for.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rjieba
from bench.jobs import corpus_file

from qianru.text import Corpus

# Name, language, style, and the MB/s that 2 threads are meant to reach.
TEXTS = [
    ("English, text8 style", "en", "text8", 120),
    ("English, raw", "en", "raw", 120),
    ("Chinese, raw", "zh", "raw", 15),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--megabytes", type=int, help="use only so much of the corpus")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    options = parser.parse_args()
    print(f"{'':<34}{'median':>9}{'best':>9}  MB/s")
    for name, language, style, target in TEXTS:
        path = corpus_file(language, options.cache, options.megabytes, style=style)
        encode = lambda path=path: Corpus(path).encode(threads=options.threads)  # noqa: E731
        show(f"{name}, {options.threads} threads", path, encode, options.repeats, f"  meant: {target}")
    for threads in sorted({1, options.threads}):
        show(f"rjieba alone, {threads} threads", path, lambda n=threads: cut_all(path, n), options.repeats)


def show(name: str, path: Path, work: Callable[[], object], repeats: int, more: str = "") -> None:
    megabytes, rates = path.stat().st_size / 1e6, []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        work()
        rates.append(megabytes / (time.perf_counter() - started))
    print(f"{name:<34}{statistics.median(rates[1:]):>9.1f}{max(rates[1:]):>9.1f}{more}", flush=True)


def cut_all(path: Path, threads: int) -> int:
    """The number of words rjieba finds, lines shared out among the threads."""
    lines = path.read_text(encoding="utf-8").split("\n")
    with ThreadPoolExecutor(threads) as pool:
        return sum(
            pool.map(lambda i: sum(len(rjieba.cut(x, False)) for x in lines[i::threads]), range(threads))
        )


if __name__ == "__main__":
    main()
