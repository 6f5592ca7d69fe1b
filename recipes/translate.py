"""Translation from random against aligned pretrained rows, at several numbers of pairs: BLEU and chrF.

    python -m recipes.translate --start en.aligned zh.aligned --results runs.jsonl                   Tatoeba, en → zh
    python -m recipes.translate --data multi30k --start en de --align-by-pairs --results runs.jsonl  en → de
    python -m recipes.translate --results runs.jsonl --report                                        the tables alone
    python -m recipes.translate --pairs 2000 --seeds 1 --train-seconds 60

Tatoeba: 1,000 pairs are set aside as test set, with all pairs that share a sentence on either side with them left out of the rest;
Multi30k: its own test set of 2016. Without --start only the random rows are trained. --align-by-pairs: the vectors are of two spaces, and
each run turns them onto one another by the words that stand together in its own training pairs. A seed draws its own pairs, the same ones for both
starts. A run that is in the results file already is not run again, unless another --train-seconds cut it short, so a recipe that was
stopped goes on where it was; few pairs come first. The table has means over the seeds with the 95 % interval of that mean (Student's t),
and the gain over random rows by paired seeds; where a setting was run with several models, the one that was run last counts alone.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from recipes.classify import by_seed, keep, mean_interval, read_results
from recipes.intrinsic import data_folder

from qianru.layers.backend import default_precision
from qianru.transfer import SentencePairs, read_sentence_pairs, train_translator
from qianru.transfer.examples import text_marks
from qianru.vectors import Vectors
from qianru.vectors.align import align

# What a run is known by. model: begins of the fingerprints of what it starts from. setup: the network's size and its training.
KEYS = ("data", "pairs", "start", "seed", "model", "setup", "n_test")
STARTS = ("random", "vectors")
_N_TEST = 1000
_N_HEADS = 4  # of runs whose setup tells none


def read_set(name: str) -> tuple[SentencePairs, SentencePairs]:
    """Training and test pairs that share no sentence."""
    folder = data_folder() / "eval" / "bi"
    if name == "multi30k":
        parts = [
            read_sentence_pairs(folder / f"multi30k/{part}.en", folder / f"multi30k/{part}.de")
            for part in ("train", "test_2016_flickr")
        ]
        return _apart(*parts)
    whole = read_sentence_pairs(folder / "tatoeba/en-zh-22k.tsv")
    # A sentence with several translations is on one side only.
    sentences = sorted(set(whole.sources))
    chosen = set(np.random.default_rng(5).permutation(sentences)[:_N_TEST].tolist())
    seen: set[str] = set()
    test, train = [], []
    for i, source in enumerate(whole.sources):
        if source not in chosen:
            train.append(i)
        elif source not in seen:
            seen.add(source)
            test.append(i)
    return _apart(whole.chosen(train), whole.chosen(test))


def _apart(train: SentencePairs, test: SentencePairs) -> tuple[SentencePairs, SentencePairs]:
    shared = np.isin(text_marks(train.sources), text_marks(test.sources))
    shared |= np.isin(text_marks(train.targets), text_marks(test.targets))
    return train.chosen(np.flatnonzero(~shared).tolist()), test


def one_space(pairs: SentencePairs, source: Vectors, target: Vectors) -> list[Vectors]:
    """Both models in one space, by a dictionary of the words that are each other's best by Dice's coefficient over the pairs.

    Words are what stands between spaces and signs, in lower case.
    """
    sides = [
        [set(re.findall(r"\w+", text.lower())) for text in texts] for texts in (pairs.sources, pairs.targets)
    ]
    counts = [Counter(word for words in side for word in words) for side in sides]
    together = Counter((a, b) for one, other in zip(*sides, strict=True) for a in one for b in other)
    best: list[dict[str, tuple[float, str]]] = [{}, {}]
    for (a, b), n in together.items():
        dice = 2 * n / (counts[0][a] + counts[1][b])
        if n < 3 or dice < 0.3:
            continue
        best[0][a] = max(best[0].get(a, (0.0, "")), (dice, b))
        best[1][b] = max(best[1].get(b, (0.0, "")), (dice, a))
    made = align(source, target, [(a, b) for a, (_, b) in best[0].items() if best[1][b][1] == a])
    return [made.source, made.target]


def run_all(options: argparse.Namespace, results: dict[tuple, dict[str, Any]]) -> None:
    """Run what is missing, until the time is over."""
    began = time.monotonic()
    train, test = read_set(options.data)
    if options.max_test:
        test = test.chosen(list(range(min(options.max_test, len(test)))))
    spaces = [Vectors.load(path) for path in options.start]
    if options.align_by_pairs and len(spaces) != 2:
        raise SystemExit(
            "--align-by-pairs needs two models with --start: of the source's and of the target's language"
        )
    dim = spaces[0].dim if spaces else options.dim
    setup = f"vocabulary {options.vocab_size or 'by pairs'}, dim {dim}, {options.n_layers} layers, {options.epochs} epochs, beam {options.beam}, {default_precision(None)}"
    setup += f", {options.n_heads} heads" if options.n_heads != _N_HEADS else ""
    few_first = sorted(options.pairs, key=lambda n: n or math.inf)
    starts = STARTS if spaces else STARTS[:1]
    for n, seed, start in itertools.product(few_first, range(1, options.seeds + 1), starts):
        mark = "+".join(space.fingerprint[:16] for space in spaces) if start == "vectors" else ""
        mark += " by pairs" if mark and options.align_by_pairs else ""
        key = (options.data, n, start, seed, mark, setup, len(test))
        if key in results and holds(results[key], options.train_seconds):
            continue
        if time.monotonic() - began > options.max_seconds:
            print(f"{options.max_seconds:g} seconds are over; the same command goes on", flush=True)
            return
        order = np.random.default_rng([seed, n]).permutation(len(train))
        chosen = train.chosen(np.sort(order[: n or None]).tolist())
        rows = spaces if start == "vectors" else []
        if rows and options.align_by_pairs:
            rows = one_space(chosen, *rows)
        run = dict(zip(KEYS, key, strict=True)) | {"train_seconds": options.train_seconds}
        run |= one_run(
            chosen,
            test,
            beam=options.beam,
            start=rows,
            dim=dim,
            vocab_size=options.vocab_size or None,
            n_layers=options.n_layers,
            n_heads=options.n_heads,
            epochs=options.epochs,
            max_seconds=options.train_seconds,
            seed=seed,
            threads=options.threads,
        )
        results.pop(key, None)  # the last run stands last
        results[key] = run
        keep(run, options.results)
        print(
            f"{options.data} {run['n_train']:,} pairs, {start}, seed {seed}: BLEU {run['BLEU']:.1f}, chrF {run['chrF']:.1f}, "
            f"{run['epochs']} epochs{' (time over)' if run['time_over'] else ''}, {run['seconds']:.0f} s",
            flush=True,
        )


def holds(run: dict[str, Any], limit: float | None) -> bool:
    """Whether a run is what training for so many seconds at most gives; runs of before do not tell their limit, and hold."""
    own = run.get("train_seconds")
    return own in (None, limit) or limit is None or (not run["time_over"] and run["seconds"] <= limit)


def one_run(train: SentencePairs, test: SentencePairs, *, beam: int, **given: Any) -> dict[str, Any]:
    """BLEU and chrF, epochs, rows that were found, and seconds, the test included."""
    began = time.monotonic()
    made = train_translator(train, dropout=0.2, **given)
    trained = time.monotonic() - began
    report = made.evaluate(test, beam=beam, n_bootstrap=0)
    told: Any = made.provenance
    return {
        "BLEU": round(float(report.bleu.value or 0), 3),
        "chrF": round(float(report.chrf.value or 0), 3),
        "n_train": len(train),
        "epochs": len(told["history"]),
        "time_over": trained >= given["max_seconds"],
        "n_found": told["start"]["n_found"] if isinstance(told["start"], dict) else 0,
        "seconds": round(time.monotonic() - began, 1),
    }


def tables(results: Iterable[dict[str, Any]]) -> str:
    """A row for each set, number of pairs and start."""
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for run in results:
        groups.setdefault((run["data"], run["setup"], run["n_test"], run["pairs"]), []).append(run)
    lines: list[str] = []
    last = None
    for (name, setup, n_test, n), group in sorted(
        groups.items(), key=lambda one: (*one[0][:3], one[0][3] or math.inf)
    ):
        if (name, setup, n_test) != last:
            lines += ["", f"{name}, {setup}, {n_test:,} test pairs", ""]
            last = name, setup, n_test
        kept = [run for run in group if holds(run, group[-1].get("train_seconds"))]
        starts = {start: by_seed([run for run in kept if run["start"] == start]) for start in STARTS}
        for start in (start for start in STARTS if starts[start]):
            runs = starts[start]
            cells = []
            for score in ("BLEU", "chrF"):
                mean, half = mean_interval([run[score] for run in runs.values()])
                cell = f"{score} {mean:5.1f} ± {half:.1f}"
                shared = sorted(set(runs) & set(starts["random"]))
                if start != "random" and shared:
                    gain, width = mean_interval([runs[s][score] - starts["random"][s][score] for s in shared])
                    cell += f" ({gain:+.1f} ± {width:.1f})"
                cells.append(f"{cell:<30}")
            epochs, seconds = (np.mean([run[key] for run in runs.values()]) for key in ("epochs", "seconds"))
            n_over = sum(run["time_over"] for run in runs.values())
            many = f"all {runs[min(runs)]['n_train']:,}" if not n else f"{n:,}"
            over = f", {n_over} out of time" if n_over else ""
            lines.append(
                f"{many:>11}  {start:<8} {' '.join(cells)} {epochs:.0f} epochs, {seconds:.0f} s, {len(runs)} seeds{over}"
            )
    return "\n".join(lines).strip() + "\n" if lines else "no runs\n"


def main() -> None:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="tatoeba", choices=["tatoeba", "multi30k"])
    parser.add_argument("--start", nargs="+", default=[], metavar="MODEL", help="aligned vectors of both")
    parser.add_argument("--align-by-pairs", action="store_true")
    parser.add_argument("--pairs", nargs="+", type=int, default=[2000, 5000, 0], help="0: all")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--vocab-size", type=int, default=0, help="0: as many as pairs, 1,000 to 8,000")
    parser.add_argument("--n-layers", type=int, default=2)
    parser.add_argument("--n-heads", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--train-seconds", type=float, default=1000.0, help="of training, at most, for each run"
    )
    parser.add_argument("--max-seconds", type=float, default=math.inf, help="begin no run after so many")
    parser.add_argument("--beam", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-test", type=int, default=0, help="test on so many pairs; 0: all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", type=Path, help="file of the runs, one line of JSON each")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    results = read_results(options.results, KEYS)
    if not options.report:
        run_all(options, results)
    print(tables(results.values()), end="")


if __name__ == "__main__":
    main()
