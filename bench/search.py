"""Exact nearest words: qianru beside gensim and NumPy on the same random vectors, one query at a time and 1,000 at once.

    python bench/search.py [--n 100000] [--dim 100] [--queries 1000]

Prints the time of a query, the share of answers that agree, and what memory and arithmetic that is. NumPy's batch is one matrix
product for some queries at once and argpartition on each row, over unit vectors made beforehand; its best piece counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from qianru import _core
from qianru.vectors import Neighbour, Vectors


def best_of(call: Callable[[], object], seconds: float = 2.0) -> float:
    """The shortest of the runs that fit in the time, at least three: other work on the machine only adds."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def agreement(ours: list[list[Neighbour]], theirs: list[list[tuple[str, float]]]) -> float:
    """Share of the words among gensim's that are among ours for the same query."""
    pairs = zip(ours, theirs, strict=True)
    shared = sum(len({n.word for n in mine} & {word for word, _ in yours}) for mine, yours in pairs)
    return shared / sum(map(len, theirs))


def numpy_batch(unit: np.ndarray, rows: np.ndarray, piece: int, k: int = 10) -> np.ndarray:
    """The k nearest of each row but itself, nearest first, `piece` queries at a time: int64 [n_rows, k]."""
    found = []
    for begin in range(0, len(rows), piece):
        some = rows[begin : begin + piece]
        scores = unit[some] @ unit.T
        scores[np.arange(len(some)), some] = -2
        best = np.argpartition(scores, -k, axis=1)[:, -k:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        found.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--queries", type=int, default=1_000)
    options = parser.parse_args()
    words = [f"w{i}" for i in range(options.n)]
    matrix = np.random.default_rng(1).standard_normal((options.n, options.dim), dtype=np.float32)
    ours = Vectors(words, matrix)
    queries = words[:: max(1, options.n // options.queries)][: options.queries]
    n_flop, n_bytes = 2 * matrix.size, matrix.nbytes

    single = best_of(lambda: ours.similar("w7"))
    batch = best_of(lambda: ours.similar(queries)) / len(queries)
    triples = np.random.default_rng(2).integers(0, options.n, (len(queries), 3))
    add = best_of(lambda: ours.analogies(triples)) / len(queries)
    mul = best_of(lambda: ours.analogies(triples, method="mul")) / len(queries)
    print(f"{options.n:,} x {options.dim}, instruction set {_core.current_isa()}")
    print(f"qianru  one query    {single * 1e3:8.3f} ms  {n_bytes / single / 1e9:6.1f} GB/s")
    print(f"qianru  batch        {batch * 1e3:8.3f} ms  {n_flop / batch / 1e9:6.1f} GFLOP/s")
    print(f"qianru  3CosAdd      {add * 1e3:8.3f} ms  {1 / add:8.0f} a second")
    print(f"qianru  3CosMul      {mul * 1e3:8.3f} ms  {1 / mul:8.0f} a second")
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    rows = np.array([int(word[1:]) for word in queries])
    numpy_times = {
        piece: best_of(lambda piece=piece: numpy_batch(unit, rows, piece)) / len(rows)
        for piece in (8, 32, 128)
    }
    piece = min(numpy_times, key=numpy_times.__getitem__)
    numpy_best = numpy_times[piece]
    print(
        f"NumPy   batch        {numpy_best * 1e3:8.3f} ms  qianru's batch {numpy_best / batch:.1f} times as fast ({piece} at once)"
    )
    try:
        from gensim.models import KeyedVectors
    except ImportError:
        sys.exit("gensim is not installed here: pip install gensim")
    theirs = KeyedVectors(options.dim)
    theirs.add_vectors(words, matrix)
    theirs.most_similar("w7")  # takes the norms
    gensim_single = best_of(lambda: theirs.most_similar("w7"))
    some = queries[:100]
    gensim_loop = best_of(lambda: [theirs.most_similar(word) for word in some]) / len(some)
    print(
        f"gensim  one query    {gensim_single * 1e3:8.3f} ms  qianru {gensim_single / single:.1f} times as fast"
    )
    print(
        f"gensim  loop         {gensim_loop * 1e3:8.3f} ms  qianru's batch {gensim_loop / batch:.1f} times as fast"
    )
    shared = agreement(ours.similar(some), [theirs.most_similar(word) for word in some])
    print(f"agreement of the ten nearest: {shared:.4f}")


if __name__ == "__main__":
    main()
