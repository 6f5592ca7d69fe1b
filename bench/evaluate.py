"""How long the whole English suite takes on 70,000 x 100, beside gensim's analogies alone on the same vectors.

    python -m bench.evaluate [MODEL] [--n 70000] [--dim 100]

Without a MODEL the words of the tests come first and random vectors stand for them: the time does not depend on what they are.
WordSim-353, SimLex-999 and questions-words come out of gensim's package.
Prints seconds a test, the suite's total, gensim's time and the ratio, and whether both give the same accuracy.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from qianru import _core
from qianru.evaluate import Questions, Space, analogy, evaluate, geometry, packaged_datasets, similarity
from qianru.evaluate.offsets import offsets
from qianru.vectors import Vectors


def vectors_for(datasets: list, n: int, dim: int) -> Vectors:
    """Random vectors of the tests' words, in lower case, and of made-up ones up to n."""
    words: dict[str, None] = {}
    for data in datasets:
        for item in data.items():
            cells = item[1:] if isinstance(data, Questions) else item[:2]
            words.update(dict.fromkeys(str(cell).lower() for cell in cells))
    words.update(dict.fromkeys(f"w{i}" for i in range(n - len(words))))
    matrix = np.random.default_rng(1).standard_normal((len(words), dim), dtype=np.float32)
    return Vectors(list(words), matrix)


def seconds(call) -> tuple[float, object]:
    begin = time.perf_counter()
    found = call()
    return time.perf_counter() - begin, found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?")
    parser.add_argument("--n", type=int, default=70_000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--skip-gensim", action="store_true")
    options = parser.parse_args()
    datasets = packaged_datasets()
    if not datasets:
        sys.exit("gensim is not installed here: pip install gensim")
    vectors = Vectors.load(options.model) if options.model else vectors_for(datasets, options.n, options.dim)
    questions = next(data for data in datasets if isinstance(data, Questions))
    print(f"{len(vectors):,} x {vectors.dim}, {len(questions):,} questions, {_core.current_isa()}")
    took, space = seconds(lambda: Space(vectors))
    print(f"{'words looked up':24} {took:8.3f} s")
    for data in datasets:
        if data is questions:
            for method in ("add", "mul"):
                took, _ = seconds(lambda: analogy(space, questions, methods=(method,)))  # noqa: B023
                print(f"{'analogies, ' + method:24} {took:8.3f} s")
            print(f"{'offsets':24} {seconds(lambda: offsets(space, questions))[0]:8.3f} s")
        else:
            print(f"{data.name:24} {seconds(lambda: similarity(space, data))[0]:8.3f} s")  # noqa: B023
    print(f"{'geometry':24} {seconds(lambda: geometry(space))[0]:8.3f} s")
    suite, report = seconds(lambda: evaluate(Space(vectors), packaged_datasets()))
    print(f"{'the suite, files read':24} {suite:8.3f} s   wanted: at most 5")
    if options.skip_gensim:
        return
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    theirs = KeyedVectors(vectors.dim)
    theirs.add_vectors(list(vectors.keys), vectors.to_numpy())
    took, (accuracy, _) = seconds(lambda: theirs.evaluate_word_analogies(datapath("questions-words.txt")))
    ours = next(one for one in report.results if one.test == "analogy")["3CosAdd"].value
    print(f"{'gensim, analogies alone':24} {took:8.3f} s   {took / suite:.1f} times our suite, wanted: 10")
    print(f"accuracy: {ours:.6f} here, {accuracy:.6f} there")


if __name__ == "__main__":
    main()
