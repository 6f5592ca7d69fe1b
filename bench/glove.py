"""How fast GloVe counts and trains here, beside Stanford's programs, at equal settings and with the quality of both printed.

    python -m bench.glove --stanford /path/to/GloVe/build               one seed, half an hour
    python -m bench.glove --stanford … --seeds 1 2 3                    with the standard error of the quality
    python -m bench.glove --stanford … --megabytes 20 --iterations 5    a quick look

2 threads, window 10, symmetric, x_max 10, dim 100, min_count 5, 15 iterations, on en-wiki-100mb in text8 style. Counting is from
the text to shuffled counts on one side (cooccur and shuffle, both given --memory; vocab_count is timed apart) and from ids to
shuffled tiles on the other (reading the text is timed apart). Non-zeros are those of the whole matrix, both triangles.
Both sides give word plus context vectors.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench.jobs import corpus_file
from recipes.intrinsic import judge

PROGRAMS = ("vocab_count", "cooccur", "shuffle", "glove")


def run_qianru(job: dict) -> dict:
    from qianru.static import train_glove
    from qianru.text import Corpus

    started = time.perf_counter()
    encoded = Corpus(job["corpus"]).encode(min_count=5, threads=job["threads"])
    read = time.perf_counter()
    at: dict[str, float] = {}

    def watch(report: object) -> None:
        at.setdefault(report.stage, time.perf_counter())  # type: ignore[attr-defined]

    vectors = train_glove(
        encoded,
        dim=job["dim"],
        window=job["window"],
        x_max=job["x_max"],
        epochs=job["iterations"],
        seed=job["seed"],
        threads=job["threads"],
        memory=job["memory"] << 30,
        progress=watch,
    )
    ended = time.perf_counter()
    # An epoch first reports a tenth of a second after it began.
    trained_from = at["train"] - 0.1
    return {
        "prepare": read - started,
        "count": trained_from - read,
        "train": ended - trained_from,
        "entries": vectors.provenance["n_entries"],
        "losses": list(vectors.provenance["loss_per_epoch"]),  # type: ignore[call-overload]
        "words": list(vectors.keys),
        "matrix": vectors.to_numpy(),
    }


def run_stanford(job: dict) -> dict:
    build, common = Path(job["build"]), ["-verbose", "1", "-memory", str(job["memory"])]
    with tempfile.TemporaryDirectory(dir=job["cache"]) as name:
        folder = Path(name)

        def pipe(program: str, options: list[str], source: Path, target: Path) -> float:
            started = time.perf_counter()
            with source.open("rb") as standard_in, target.open("wb") as out:
                subprocess.run(
                    [str(build / program), *options],
                    stdin=standard_in,
                    stdout=out,
                    stderr=subprocess.DEVNULL,
                    cwd=folder,
                    check=True,
                )
            return time.perf_counter() - started

        corpus, vocab = Path(job["corpus"]).absolute(), folder / "vocab.txt"
        counts, shuffled = folder / "counts.bin", folder / "shuffled.bin"
        prepare = pipe("vocab_count", ["-min-count", "5", "-verbose", "0"], corpus, vocab)
        window = ["-window-size", str(job["window"]), "-vocab-file", str(vocab)]
        count = pipe("cooccur", [*common, *window], corpus, counts)
        count += pipe("shuffle", [*common, "-seed", str(job["seed"])], counts, shuffled)
        command = [str(build / "glove"), "-save-file", str(folder / "out"), "-input-file", str(shuffled)]
        options = {
            "threads": job["threads"],
            "x-max": job["x_max"],
            "iter": job["iterations"],
            "vector-size": job["dim"],
            "binary": 1,
            "vocab-file": vocab,
            "verbose": 2,
            "seed": job["seed"],
        }
        for option, value in options.items():
            command += [f"-{option}", str(value)]
        started = time.perf_counter()
        said = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True, cwd=folder).stderr
        train = time.perf_counter() - started
        words = [line.split()[0].decode("utf-8", "replace") for line in vocab.read_bytes().splitlines()]
        state = np.fromfile(folder / "out.bin", np.float64).reshape(2, len(words), job["dim"] + 1)
        entries = shuffled.stat().st_size // 16
    return {
        "prepare": prepare,
        "count": count,
        "train": train,
        "entries": entries,
        "losses": [float(loss) for loss in re.findall(r"cost: ([0-9.]+)", said)],
        "words": words,
        "matrix": state[:, :, : job["dim"]].sum(axis=0).astype(np.float32),
    }


def run_here(job: dict) -> None:
    """One run of one side in this process; a line of JSON."""
    result = run_stanford(job) if job["system"] == "Stanford" else run_qianru(job)
    who = resource.RUSAGE_CHILDREN if job["system"] == "Stanford" else resource.RUSAGE_SELF
    result["peak_mb"] = resource.getrusage(who).ru_maxrss / 1000
    words, matrix = result.pop("words"), result.pop("matrix")
    result["vocabulary"] = len(words)
    result["quality"] = judge(words, matrix, "en")
    print(json.dumps(result))


def report(system: str, results: list[dict], iterations: int) -> dict[str, float]:
    """Prints one side; returns its best times."""
    best = {name: min(result[name] for result in results) for name in ("prepare", "count", "train")}
    first = results[0]
    speed = first["entries"] * iterations / best["train"] / 1e6
    print(f"{system}: vocabulary {first['vocabulary']:,}, {first['entries']:,} non-zeros")
    print(
        f"  text {best['prepare']:.2f} s  count and shuffle {best['count']:.2f} s  train {best['train']:.1f} s"
        f"  {speed:.2f} M non-zeros/s  peak {max(result['peak_mb'] for result in results):.0f} MB"
    )
    print(f"  loss {' '.join(f'{loss:.5f}' for loss in first['losses'])}")
    for test in first["quality"]:
        scores = np.array([result["quality"][test] for result in results])
        error = f" ± {scores.std(ddof=1) / len(scores) ** 0.5:.2f}" if len(scores) > 1 else ""
        print(f"  {test:<12} {scores.mean():6.2f}{error}")
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stanford", type=Path, help="folder with Stanford's compiled programs")
    parser.add_argument("--megabytes", type=int, help="use only so much of the corpus")
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--x-max", type=float, default=10.0)
    parser.add_argument("--memory", type=int, default=8, help="gigabytes for counting, on both sides")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        run_here(json.loads(options.job))
        return

    systems = ["qianru", "Stanford"]
    missing = [name for name in PROGRAMS if not (options.stanford and (options.stanford / name).is_file())]
    if missing:
        print(
            f"Stanford's GloVe is missing (--stanford {options.stanford}: no {', '.join(missing)}): left out",
            file=sys.stderr,
        )
        systems = ["qianru"]
    corpus = corpus_file("en", options.cache, options.megabytes)
    job = {
        "corpus": str(corpus),
        "build": str(options.stanford.absolute()) if options.stanford else None,
        "cache": str(options.cache),
        "iterations": options.iterations,
        "threads": options.threads,
        "dim": options.dim,
        "window": options.window,
        "x_max": options.x_max,
        "memory": options.memory,
    }
    best = {}
    for system in systems:
        results = []
        for seed in options.seeds:
            command = [sys.executable, "-m", "bench.glove", "--job"]
            done = subprocess.run(
                [*command, json.dumps({**job, "system": system, "seed": seed})],
                stdout=subprocess.PIPE,
                check=False,
            )
            if done.returncode:
                raise SystemExit(f"{system} failed")
            results.append(json.loads(done.stdout.splitlines()[-1]))
        best[system] = report(system, results, options.iterations)
    if len(best) == 2:
        ours, theirs = best["qianru"], best["Stanford"]
        print(
            f"qianru counts {theirs['count'] / ours['count']:.1f} x as fast, trains {theirs['train'] / ours['train']:.1f} x"
        )


if __name__ == "__main__":
    main()
