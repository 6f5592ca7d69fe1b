"""How fast fastText's skip-gram with n-grams trains here, beside the original program, with the quality and peak memory of both.

    python -m bench.fasttext --fasttext /path/to/fasttext            about 25 minutes
    python -m bench.fasttext --megabytes 10 --epochs 1               a quick look

2 threads, dim 100, window 5, 5 negatives, sample 1e-4, min_count 5, n-grams of 3 to 6, 2,000,000 buckets, learning rate 0.05, 5 epochs,
on en-wiki-100mb in text8 style. The original is timed with --threads threads over --their-epochs epochs and scaled, and its quality is
that of a run with 10 threads and all epochs (with fewer than 10 it leaves most rows at 0). "Rare words": WordSim-353 and SimLex-999
pairs of which a word is outside the vocabulary.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench.jobs import corpus_file
from recipes.intrinsic import data_folder, judge, spearman

SETTINGS = {
    "dim": 100,
    "window": 5,
    "negative": 5,
    "sample": 1e-4,
    "min_n": 3,
    "max_n": 6,
    "n_buckets": 2_000_000,
}
MIN_COUNT, LEARNING_RATE = 5, 0.05


def rare_pairs(known: set[str]) -> list[tuple[str, str, float]]:
    """Word pairs with a score of which a word is unknown."""
    found = []
    for name in ("EN-WS-353-ALL.txt", "EN-SIMLEX-999.txt"):
        for line in (data_folder() / "eval/en/wordsim" / name).read_text(encoding="utf-8").splitlines():
            parts = line.lower().split("\t")
            if len(parts) >= 3 and (parts[0] not in known or parts[1] not in known):
                # The two lists have scales of their own, both from 0 to 10.
                found.append((parts[0], parts[1], float(parts[2])))
    return found


def judged(model: object) -> dict[str, float]:
    """Scores of a SubwordVectors."""
    from qianru.vectors import SubwordVectors

    assert isinstance(model, SubwordVectors)
    words = list(model.vectors.keys)
    scores = judge(words, model.vectors.to_numpy(), "en")
    pairs = rare_pairs(set(words))
    cosines = []
    for a, b, _ in pairs:
        (one, two), _ = model.matrix_of([a, b])
        cosines.append(float(one @ two / max(np.linalg.norm(one) * np.linalg.norm(two), 1e-12)))
    if len(pairs) > 2:
        scores[f"rare words ({len(pairs)})"] = 100 * spearman(
            np.array(cosines), np.array([p[2] for p in pairs])
        )
    return scores


def ours(job: dict) -> dict:
    """One run in this process."""
    from qianru.static import train_fasttext
    from qianru.text import Corpus

    started = time.perf_counter()
    encoded = Corpus(job["corpus"]).encode(min_count=MIN_COUNT, threads=job["threads"])
    read = time.perf_counter()
    model = train_fasttext(
        encoded,
        **SETTINGS,
        epochs=job["epochs"],
        learning_rate=LEARNING_RATE,
        threads=job["threads"],
        seed=job["seed"],
    )
    trained = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {
        "raw_words": encoded.n_raw_tokens,
        "prepare": read - started,
        "train": trained - read,
        "peak_mb": peak,
        "quality": judged(model),
    }


def theirs(job: dict) -> dict:
    """The original program: whole seconds, what reading takes being part of them."""
    from qianru.vectors import SubwordVectors

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        command = [job["binary"], "skipgram", "-input", job["corpus"], "-output", str(out)]
        options = {
            "dim": SETTINGS["dim"],
            "ws": SETTINGS["window"],
            "neg": SETTINGS["negative"],
            "t": SETTINGS["sample"],
            "minn": SETTINGS["min_n"],
            "maxn": SETTINGS["max_n"],
            "bucket": SETTINGS["n_buckets"],
            "minCount": MIN_COUNT,
            "lr": LEARNING_RATE,
            "epoch": job["epochs"],
            "thread": job["threads"],
        }
        for name, value in options.items():
            command += [f"-{name}", str(value)]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        quality = (
            judged(SubwordVectors.load(out.with_suffix(".bin"), errors="replace")) if job["judge"] else {}
        )
    return {"train": seconds, "peak_mb": peak, "quality": quality}


def run(job: dict) -> dict:
    """A job in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.fasttext", "--job", json.dumps(job)], stdout=subprocess.PIPE, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(name: str, words: float, result: dict) -> None:
    quality = "  ".join(f"{test} {score:.1f}" for test, score in result["quality"].items())
    print(
        f"{name:<22} {words / result['train'] / 1e6:5.2f} M raw words/s  {result['train']:7.1f} s  "
        f"peak {result['peak_mb']:5.0f} MB  {quality}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fasttext", type=Path, help="the compiled fasttext program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--their-epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=int)
    parser.add_argument(
        "--judge-theirs", action="store_true", help="run the original with 10 threads for its quality"
    )
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "qianru-bench")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        job = json.loads(options.job)
        print(json.dumps(theirs(job) if job["binary"] else ours(job)))
        return
    corpus = str(corpus_file("en", options.cache, options.megabytes))
    job = {"corpus": corpus, "threads": options.threads, "epochs": options.epochs, "seed": options.seed}
    mine = run({**job, "binary": None})
    words = mine["raw_words"] * options.epochs
    show("qianru", words, mine)
    if options.fasttext is None or not options.fasttext.is_file():
        print(f"fastText is missing (--fasttext {options.fasttext}): its rows are left out", file=sys.stderr)
        return
    fast = run({**job, "epochs": options.their_epochs, "binary": str(options.fasttext), "judge": False})
    show("fastText", mine["raw_words"] * options.their_epochs, fast)
    ratio = fast["train"] / options.their_epochs * options.epochs / (mine["train"] + mine["prepare"])
    print(f"{'':<22} qianru is {ratio:.1f} x as fast, reading included in both")
    if options.judge_theirs:
        good = run({**job, "threads": 10, "binary": str(options.fasttext), "judge": True})
        show("fastText, 10 threads", words, good)


if __name__ == "__main__":
    main()
