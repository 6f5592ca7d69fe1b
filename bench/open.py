"""Opening a saved model: seconds until the first vector is there, and the memory that ten processes share.

    python -m bench.open [--n 1000000] [--dim 300] [--processes 10] [--folder FOLDER]

Each process opens the folder on its own, looks a word up and searches once, which reads the whole matrix. Rss is what
each holds, Pss splits shared pages evenly among those that hold them: when all is shared, the sum of Pss is about one matrix.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from qianru.vectors import Vectors

_CHILD = """
import json, sys, time
from qianru.vectors import load
begin = time.perf_counter()
vectors = load(sys.argv[1])
vectors["word7"]
opened = time.perf_counter() - begin
vectors.similar("word7")
print(opened, flush=True)
sys.stdin.readline()  # until all of them are here
rollup = dict(line.split(":") for line in open("/proc/self/smaps_rollup").read().splitlines()[1:])
print(json.dumps({name: int(rollup[name].split()[0]) / 1000 for name in ("Rss", "Pss", "Private_Dirty")}), flush=True)
sys.stdin.readline()  # and until all have measured
"""


def write_model(folder: Path, n: int, dim: int) -> None:
    matrix = np.random.default_rng(1).standard_normal((n, dim), dtype=np.float32)
    Vectors([f"word{i}" for i in range(n)], matrix, counts=np.arange(n, 0, -1)).save(folder)


def open_times(folder: Path, tries: int = 20) -> list[float]:
    """Seconds to open and look one word up, again and again, with the files in the page cache."""
    times = []
    for _ in range(tries):
        begin = time.perf_counter()
        vectors = Vectors.load(folder)
        _ = vectors["word7"]
        times.append(time.perf_counter() - begin)
    return times


def open_together(folder: Path, n_processes: int) -> tuple[list[float], list[dict[str, float]]]:
    """Seconds to open in each process, and its memory in MB while all of them hold the model."""
    command = [sys.executable, "-c", _CHILD, str(folder)]
    children: list[subprocess.Popen[str]] = []
    seconds = []

    def ask(child: subprocess.Popen[str]) -> str:
        assert child.stdout is not None
        return child.stdout.readline()

    def go_on(child: subprocess.Popen[str]) -> None:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()

    for _ in range(n_processes):  # one after the other: the time is to be theirs, not that of a queue
        children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        seconds.append(float(ask(children[-1])))
    memory = []
    for child in children:
        go_on(child)
        memory.append(dict(json.loads(ask(child))))
    for child in children:
        go_on(child)
        child.wait()
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where to write the model; by default a temporary folder")
    options = parser.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("memory is read from /proc/self/smaps_rollup, which this system does not have")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        model = Path(folder) / "model"
        write_model(model, options.n, options.dim)
        times = open_times(model)
        seconds, memory = open_together(model, options.processes)
    megabytes = options.n * options.dim * 4 / 1e6
    print(f"{options.n:,} x {options.dim}, matrix {megabytes:,.0f} MB")
    print(
        f"open and look up: first {times[0] * 1e3:.2f} ms, median {np.median(times) * 1e3:.2f} ms, "
        f"in a fresh process {max(seconds) * 1e3:.2f} ms at most"
    )
    for name in ("Rss", "Pss", "Private_Dirty"):
        values = [each[name] for each in memory]
        print(f"{name:<14}{np.mean(values):10,.0f} MB a process {sum(values):10,.0f} MB in all")


if __name__ == "__main__":
    main()
