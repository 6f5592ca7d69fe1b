"""What dense rows buy: the same linear classifier on the mean of one-hot rows (a bag of words, sparse) and on the mean of static rows.

    python -m recipes.onehot --vectors en=FOLDER --vectors zh=FOLDER --results onehot.jsonl
    python -m recipes.onehot --results onehot.jsonl --report

Both cut texts into the same words: those of the vectors and those of the training examples. One-hot rows have a dimension for each word
that occurs in training (no other one can learn anything), static rows those of the vectors, and words they lack do not count. The
classifier is scikit-learn's logistic regression, its C the best of five on a fifth of the training examples, then fitted to all of
them; the seconds are those of all six fits. Memory: the training features, the weights learned, and the table of rows; in brackets what
the features would take if one-hot rows were written out. A run in the results file is not run again. Mean over the seeds with the 95 %
interval of that mean; examples and seeds are those of recipes/classify.py.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from recipes.classify import drawn, keep, mean_interval, read_results, read_set
from sklearn.linear_model import LogisticRegression

from qianru.static.one_hot import one_hot_bytes
from qianru.tokens import Tokenizer
from qianru.transfer import LabelledTexts
from qianru.transfer.classify_source import words_tokenizer
from qianru.transfer.examples import check_labels, hold_out, label_names
from qianru.vectors import Vectors

KEYS = ("data", "labels", "rows", "seed", "model")
ROWS = ("one-hot", "static")
CS = (1.0, 10.0, 100.0, 1_000.0, 10_000.0)


def word_counts(texts: Sequence[str], tokenizer: Tokenizer) -> scipy.sparse.csr_matrix:
    """How often each word of the vocabulary occurs in each text: float32 [n, n_tokens]."""
    batch = tokenizer.encode_batch(texts, add_special_tokens=False)
    ones = np.ones(len(batch.ids), dtype=np.float32)
    shape = (len(texts), tokenizer.n_tokens)
    made = scipy.sparse.csr_matrix((ones, batch.ids.astype(np.int64), batch.splits), shape=shape)
    made.sum_duplicates()
    return made


def means(counts: scipy.sparse.csr_matrix, rows: np.ndarray | None) -> Any:
    """The mean of the rows of each text's words; rows None: of one-hot rows, sparse. counts: of the words that have a row."""
    n = np.maximum(np.asarray(counts.sum(axis=1)), 1).astype(np.float32)
    if rows is None:
        return scipy.sparse.csr_matrix(counts.multiply(1 / n))
    return np.asarray(counts @ rows / n, dtype=np.float32)


def one_run(train: LabelledTexts, test: LabelledTexts, vectors: Vectors, kind: str, seed: int) -> dict:
    """Accuracy in per cent, bytes and seconds of one seed."""
    began = time.monotonic()
    tokenizer = words_tokenizer(vectors, train.texts, 1, len(vectors))
    counts, test_counts = word_counts(train.texts, tokenizer), word_counts(test.texts, tokenizer)
    words = [tokenizer.token_of(i) for i in range(tokenizer.n_tokens)]
    special = list(tokenizer.special_tokens.values())  # one token for all words that the tests alone have
    if kind == "static":
        known = np.setdiff1d([i for i, word in enumerate(words) if word in vectors], special)
        rows = np.stack([vectors[words[i]] for i in known])
    else:
        seen = np.flatnonzero(np.asarray(counts.sum(axis=0))[0])
        known, rows = np.setdiff1d(seen, special), None
    features, test_features = means(counts[:, known], rows), means(test_counts[:, known], rows)
    made = time.monotonic()
    names = label_names(train)
    labels = check_labels(train, names)
    inside, outside = hold_out(labels, 0.2, seed)

    def fitted(places: np.ndarray, c: float) -> LogisticRegression:
        return LogisticRegression(C=c, max_iter=1000).fit(features[places], labels[places])

    scores = [fitted(inside, c).score(features[outside], labels[outside]) for c in CS]
    best = CS[int(np.argmax(scores))]
    model = fitted(np.arange(len(labels)), best)
    learned = time.monotonic()
    accuracy = model.score(test_features, check_labels(test, names))
    table = one_hot_bytes(len(known))[0] if rows is None else rows.nbytes
    size = (
        sum(part.nbytes for part in (features.data, features.indices, features.indptr)) if rows is None else 0
    )
    return {
        "accuracy": round(100 * float(accuracy), 3),
        "dim": int(features.shape[1]),
        "c": best,
        "feature_bytes": int(size or features.nbytes),
        "dense_bytes": int(4 * features.shape[0] * features.shape[1]),
        "weight_bytes": int(model.coef_.nbytes + model.intercept_.nbytes),
        "table_bytes": int(table),
        "feature_seconds": round(made - began, 3),
        "fit_seconds": round(learned - made, 3),
        "predict_seconds": round(time.monotonic() - learned, 3),
    }


def run_all(options: argparse.Namespace, results: dict[tuple, dict[str, Any]]) -> None:
    """Run what is missing, few labels first."""
    vectors = {name: Vectors.load(path) for name, _, path in (one.partition("=") for one in options.vectors)}
    sets = {name: read_set(name) for name in options.data}
    began = time.monotonic()
    few_first = sorted(options.labels, key=lambda n: n or math.inf)
    for n, name, seed, kind in itertools.product(few_first, sets, range(1, options.seeds + 1), ROWS):
        language, data, test = sets[name]
        if language not in vectors:
            continue
        key = (name, n, kind, seed, vectors[language].fingerprint[:16])
        if key in results:
            continue
        if time.monotonic() - began > options.max_seconds:
            print(f"{options.max_seconds:g} seconds are over; the same command goes on", flush=True)
            return
        run = dict(zip(KEYS, key, strict=True))
        run |= one_run(drawn(data, n, seed), test, vectors[language], kind, seed)
        results[key] = run
        keep(run, options.results)
        print(f"{name} {n or 'all'} labels, {kind}, seed {seed}: {run['accuracy']:.1f} %", flush=True)


def tables(results: Sequence[dict[str, Any]]) -> str:
    """A row for each set, number of labels and kind of rows."""
    lines = []
    groups: dict[tuple[str, int], dict[str, list[dict[str, Any]]]] = {}
    for run in results:
        groups.setdefault((run["data"], run["labels"]), {}).setdefault(run["rows"], []).append(run)
    for (name, n), kinds in sorted(groups.items(), key=lambda one: (one[0][0], one[0][1] or math.inf)):
        lines.append(f"{name}, {n or 'all'} labels")
        for kind in ROWS:
            runs = kinds.get(kind, [])
            if not runs:
                continue
            mean, half = mean_interval([run["accuracy"] for run in runs])
            own = {
                key: np.mean([run[key] for run in runs])
                for key in runs[0]
                if key.endswith(("s", "dim")) and isinstance(runs[0][key], int | float)
            }
            dense = f" [{own['dense_bytes'] / 1e6:,.1f}]" if kind == "one-hot" else ""
            lines.append(
                f"  {kind:<8} {mean:5.1f} ± {half:.1f} %  dim {own['dim']:,.0f}  features {own['feature_bytes'] / 1e6:,.2f} MB"
                f"{dense}  weights {own['weight_bytes'] / 1e6:.3f} MB  rows {own['table_bytes'] / 1e6:.2f} MB"
                f"  features {own['feature_seconds']:.2f} s, fits {own['fit_seconds']:.2f} s, test {own['predict_seconds']:.3f} s"
                f"  ({len(runs)} seeds)"
            )
        paired = {kind: {run["seed"]: run["accuracy"] for run in runs} for kind, runs in kinds.items()}
        shared = sorted(set(paired.get("one-hot", {})) & set(paired.get("static", {})))
        if shared:
            gain, half = mean_interval([paired["static"][s] - paired["one-hot"][s] for s in shared])
            lines.append(f"  static rows gain {gain:+.1f} ± {half:.1f}")
    return "\n".join(lines) + "\n" if lines else "no runs\n"


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", action="append", default=[], metavar="LANGUAGE=MODEL")
    parser.add_argument("--data", nargs="+", default=["sst2", "thucnews"], help="sets of recipes/classify.py")
    parser.add_argument("--labels", nargs="+", type=int, default=[200, 1000, 0], help="0: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-seconds", type=float, default=math.inf, help="begin no run after so many")
    parser.add_argument("--results", type=Path, help="file of the runs, one line of JSON each")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    results = read_results(options.results, KEYS)
    if not options.report:
        run_all(options, results)
    print(tables(list(results.values())), end="")


if __name__ == "__main__":
    main()
