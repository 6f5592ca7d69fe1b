"""Translation from random against aligned pretrained rows, at several numbers of pairs: BLEU and chrF.

    python -m recipes.translate --data tatoeba --start en.aligned zh.aligned          en → zh
    python -m recipes.translate --data multi30k --start en.aligned de.aligned         en → de
    python -m recipes.translate --data tatoeba --pairs 2000 --seeds 1 --max-seconds 60

Tatoeba: 1,000 pairs are set aside as test set, with all pairs that share a sentence on either side with them left out of the rest;
Multi30k: its own test set of 2016. Without --start only the random rows are trained.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from recipes.classify import mean_interval
from recipes.intrinsic import data_folder

from qianru.transfer import SentencePairs, read_sentence_pairs, train_translator
from qianru.transfer.examples import text_marks
from qianru.vectors import Vectors

_N_TEST = 1000


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


def results(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row for each number of pairs and start."""
    train, test = read_set(options.data)
    if options.max_test:
        test = test.chosen(list(range(min(options.max_test, len(test)))))
    spaces = [Vectors.load(path) for path in options.start]
    dim = spaces[0].dim if spaces else options.dim
    for n in options.pairs:
        for start in ("random", "vectors") if spaces else ("random",):
            bleu, chrf, began, told = [], [], time.monotonic(), None
            for seed in range(1, options.seeds + 1):
                order = np.random.default_rng([seed, n]).permutation(len(train))
                chosen = train.chosen(np.sort(order[: n or None]).tolist())
                made = train_translator(
                    chosen,
                    start=spaces if start == "vectors" else (),
                    dim=dim,
                    vocab_size=options.vocab_size,
                    n_layers=options.n_layers,
                    n_heads=options.n_heads,
                    dropout=0.2,
                    epochs=options.epochs,
                    max_seconds=options.max_seconds,
                    seed=seed,
                    threads=options.threads,
                )
                report = made.evaluate(test, beam=options.beam, n_bootstrap=0)
                bleu.append(float(report.bleu.value or 0))
                chrf.append(float(report.chrf.value or 0))
                told = made.provenance["start"]
            row: dict[str, Any] = {
                "data": options.data,
                "pairs": n or len(train),
                "start": start,
                "BLEU": mean_interval(bleu),
                "chrF": mean_interval(chrf),
                "n_test": len(test),
                "n_seeds": options.seeds,
                "n_found": told["n_found"] if isinstance(told, dict) else 0,
                "seconds_per_seed": (time.monotonic() - began) / options.seeds,
            }
            yield row


def main() -> None:
    """Print the rows as they come; --json keeps them in a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", default="tatoeba", choices=["tatoeba", "multi30k"])
    parser.add_argument("--start", nargs="+", default=[], metavar="MODEL", help="aligned vectors of both")
    parser.add_argument("--pairs", nargs="+", type=int, default=[2000, 5000, 0], help="0: all")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--n-layers", type=int, default=2)
    parser.add_argument("--n-heads", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--max-seconds", type=float, default=1000.0, help="of training, for each seed")
    parser.add_argument("--beam", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-test", type=int, default=0, help="test on so many pairs; 0: all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for row in results(options):
        rows.append(row)
        print(
            f"{row['data']:<9}{row['pairs']:>6} pairs  {row['start']:<8} BLEU {row['BLEU'][0]:5.1f} ± {row['BLEU'][1]:.1f}"
            f"  chrF {row['chrF'][0]:5.1f} ± {row['chrF'][1]:.1f}  ({row['seconds_per_seed']:.0f} s a seed)",
            flush=True,
        )
        if options.json is not None:
            options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
