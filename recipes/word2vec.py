"""How good word2vec's vectors are, beside gensim's at the same settings: mean and standard error over seeds, and the time of each run.

    python -m recipes.word2vec --results word2vec.jsonl             three seeds of every configuration, about 90 minutes
    python -m recipes.word2vec --only sgns100 zh100 --seeds 1 2 3   these alone
    python -m recipes.word2vec --report --results word2vec.jsonl    the tables again from what is in the file

A run that is in the results file already is not run again, so a recipe that was interrupted goes on where it stopped. The
configurations and settings are those of bench/word2vec.py, the tests those of recipes/intrinsic.py.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from bench.jobs import COMMON, corpus_file, run
from bench.word2vec import CONFIGS

from qianru import _core

# gensim's corpus_file with n workers counts each worker's words against the whole text, so that the learning rate falls by 1 / n of an
# epoch's share in an epoch, jumps, and ends at (1 - 1 / n) / epochs of its start; only one worker keeps the schedule asked for.
SYSTEMS = {"qianru": {}, "gensim": {}, "gensim, 1 worker": {"system": "gensim", "threads": 1}}
NEAR = {"zh": ["苹果", "银行", "北京", "老虎"], "en": ["apple", "bank", "beijing", "tiger"]}


def read_results(path: Path | None) -> dict[tuple[str, str, int], dict]:
    """The runs in the file by configuration, system and seed."""
    if path is None or not path.exists():
        return {}
    runs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(one["config"], one["system"], one["seed"]): one for one in runs}


def run_all(options: argparse.Namespace, results: dict[tuple[str, str, int], dict]) -> None:
    """Run what is missing, the systems in turn, so that a slow hour of the machine meets both."""
    for name in options.only:
        config = CONFIGS[name]
        language = str(config["language"])
        corpus = corpus_file(language, options.cache, options.megabytes)
        for seed in options.seeds:
            for system in options.systems:
                if (name, system, seed) in results:
                    continue
                job = {
                    **config,
                    "corpus": str(corpus),
                    "threads": options.threads,
                    "seed": seed,
                    "near": NEAR[language],
                }
                ceiling = _core.measure_fma_peak(options.threads)
                one = {"config": name, "system": system, "seed": seed, "ceiling": ceiling}
                one |= run({**job, "system": system, **SYSTEMS[system]})
                results[name, system, seed] = one
                print(f"{name} {system} seed {seed}: train {one['train']:.1f} s", flush=True)
                if options.results is not None:
                    with options.results.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(one, ensure_ascii=False) + "\n")


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """The mean and its standard error, 0 for one value."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return statistics.fmean(values), error


def report(name: str, results: dict[tuple[str, str, int], dict]) -> None:
    """One table: a row for each system, a column for each test."""
    rows = {system: [one for key, one in results.items() if key[:2] == (name, system)] for system in SYSTEMS}
    rows = {system: runs for system, runs in rows.items() if runs}
    if "qianru" not in rows or len(rows) < 2:
        return
    raw_words = rows["qianru"][0]["raw_words"] * COMMON["epochs"]
    print(f"\n{name}: " + ", ".join(f"{len(runs)} seeds of {system}" for system, runs in rows.items()))
    for system, runs in rows.items():
        train = statistics.fmean(one["train"] for one in runs)
        scores = []
        for test in runs[0]["quality"]:
            mean, error = mean_and_error([one["quality"][test] for one in runs])
            scores.append(f"{test} {mean:.1f} ± {error:.1f}")
        peak = max(one["peak_mb"] for one in runs)
        print(
            f"  {system:<16} {raw_words / train / 1e6:5.2f} M raw words/s  {peak:4.0f} MB  {'  '.join(scores)}"
        )
    for what in ("train", "total") if "gensim" in rows else ():
        ratio = statistics.fmean(one[what] for one in rows["gensim"]) / statistics.fmean(
            one[what] for one in rows["qianru"]
        )
        print(
            f"  {'':<16} qianru is {ratio:.1f} x as fast, {'training' if what == 'train' else 'end to end'}"
        )
    for word, near in rows["qianru"][0].get("near", {}).items():
        print(f"  {'':<16} {word}: {' '.join(near)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=["qianru", "gensim"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--megabytes", type=int, help="use only so much of the corpus")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--results", type=Path, help="file of the runs, one line of JSON each")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    results = read_results(options.results)
    if not options.report:
        run_all(options, results)
    for name in options.only:
        report(name, results)


if __name__ == "__main__":
    main()
