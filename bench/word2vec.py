"""How fast word2vec trains here, beside gensim and word2vec.c, at equal settings and with the quality of each printed.

    python -m bench.word2vec --word2vec-c /path/to/word2vec        all configurations, one seed, about 40 minutes
    python -m bench.word2vec --only sgns100 --megabytes 20         a quick look

2 threads, window 5, 5 negatives, sample 1e-4, min_count 5, 5 epochs, on en-wiki-100mb in text8 style; the Chinese row goes from
the raw zh-mixed-100mb. gensim reads by corpus_file with 2 workers; it must be installed beside qianru. word2vec.c is
timed over one epoch and scaled to five, because it is slow; its quality is then not judged.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bench.jobs import COMMON, corpus_file, run

from qianru import _core

CONFIGS: dict[str, dict[str, object]] = {
    "sgns100": {"language": "en", "dim": 100, "cbow": False, "hs": False},
    "sgns300": {"language": "en", "dim": 300, "cbow": False, "hs": False},
    "cbow100": {"language": "en", "dim": 100, "cbow": True, "hs": False},
    "sghs100": {"language": "en", "dim": 100, "cbow": False, "hs": True},
    "zh100": {"language": "zh", "dim": 100, "cbow": False, "hs": False},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=int, help="use only so much of the corpus")
    parser.add_argument(
        "--word2vec-c", type=Path, help="the compiled word2vec binary (gcc -O3 -march=native)"
    )
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--results", type=Path, help="append each result to this file, one line of JSON each")
    options = parser.parse_args()

    has_gensim = find_spec("gensim") is not None
    if not has_gensim:
        print("gensim is missing: pip install gensim; its rows are left out", file=sys.stderr)
    binary = options.word2vec_c
    if binary is None or not binary.is_file():
        print(f"word2vec.c is missing (--word2vec-c {binary}): its row is left out", file=sys.stderr)
        binary = None
    ceiling = _core.measure_fma_peak(options.threads)
    print(f"{options.threads} threads, kernels {_core.current_isa()}, FMA ceiling {ceiling:.0f} GFLOP/s")

    for name in options.only:
        config = CONFIGS[name]
        corpus = corpus_file(str(config["language"]), options.cache, options.megabytes)
        job = {**config, "corpus": str(corpus), "threads": options.threads, "seed": options.seed}
        systems = ["qianru"] + ["gensim"] * has_gensim
        if binary is not None and name == "sgns100":
            systems.append("word2vec.c")
        results: dict[str, dict] = {}
        for system in systems:
            extra = {"binary": str(binary), "epochs": 1} if system == "word2vec.c" else {}
            results[system] = run({**job, **extra, "system": system})
            if options.results:
                with options.results.open("a") as file:
                    file.write(
                        json.dumps({"config": name, "system": system, "ceiling": ceiling, **results[system]})
                        + "\n"
                    )
        report(name, results, ceiling)


def report(name: str, results: dict[str, dict], ceiling: float) -> None:
    ours = results["qianru"]
    words = ours["raw_words"] * COMMON["epochs"]
    print(f"\n{name}: {ours['raw_words']:,} words, vocabulary {ours['vocabulary']:,}")
    for system, result in results.items():
        quality = "  ".join(f"{test} {score:.1f}" for test, score in result.get("quality", {}).items())
        line = f"  {system:<11} {words / result['train'] / 1e6:6.2f} M raw words/s  train {result['train']:7.1f} s"
        line += f"  end to end {result['total']:7.1f} s  peak {result['peak_mb']:5.0f} MB  {quality}"
        print(line)
        if system != "qianru":
            print(
                f"  {'':<11} qianru is {result['train'] / ours['train']:.1f} x in training, "
                f"{result['total'] / ours['total']:.1f} x end to end"
            )
    if ours["gflops"]:
        print(f"  {'':<11} {ours['gflops']:.0f} GFLOP/s, {ours['gflops'] / ceiling:.0%} of the FMA ceiling")


if __name__ == "__main__":
    main()
