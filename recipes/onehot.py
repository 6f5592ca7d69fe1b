"""What dense rows buy: the same linear classifier on the mean of one-hot rows (a bag of words, sparse) and on the mean of static rows.

    python -m recipes.onehot --vectors en=FOLDER --vectors zh=FOLDER --results onehot.jsonl
    python -m recipes.onehot --results onehot.jsonl --report

Both cut texts into the same words: the 50,000 first of the vectors and those of the training examples. One-hot rows have a dimension
for each word that occurs in training (no other one can learn anything), static rows those of the vectors, and words they lack do not
count. The classifier is scikit-learn's logistic regression, its C the best of five on a fifth of the training examples, then fitted to
all of them; the seconds are the processor's, for all six fits, after words were cut and counted. Memory: the training features, the
weights learned, and the table of rows; in brackets what the features would take if one-hot rows were written out. A run in the results
file is not run again. Mean over the seeds with the 95 % interval of that mean, for each model by itself; examples and seeds are those of
recipes/classify.py.
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
from qianru.transfer.examples import check_labels, hold_out, label_names, text_marks
from qianru.vectors import Vectors

KEYS = ("data", "labels", "rows", "seed", "model")
ROWS = ("one-hot", "static")
MAX_VOCAB = 50_000
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


class Words:
    """The words of training and test texts, counted, and the static rows of those that have one."""

    def __init__(self, train: LabelledTexts, test: LabelledTexts, vectors: Vectors) -> None:
        tokenizer = words_tokenizer(vectors, train.texts, 1, MAX_VOCAB)
        self.counts, self.test_counts = (
            word_counts(train.texts, tokenizer),
            word_counts(test.texts, tokenizer),
        )
        row_of = {word: row for row, word in enumerate(vectors.keys)}
        rows = np.array([row_of.get(tokenizer.token_of(i), -1) for i in range(tokenizer.n_tokens)])
        # One token for all words that the tests alone have.
        unknown = list(tokenizer.special_tokens.values())
        self.known = np.setdiff1d(np.flatnonzero(rows >= 0), unknown)
        self.rows = vectors.to_numpy()[rows[self.known]]
        self.seen = np.setdiff1d(np.flatnonzero(np.asarray(self.counts.sum(axis=0))[0]), unknown)


def one_run(words: Words, train: LabelledTexts, test: LabelledTexts, kind: str, seed: int) -> dict:
    """Accuracy in per cent, bytes and seconds of one seed."""
    columns, rows = (words.seen, None) if kind == "one-hot" else (words.known, words.rows)
    began = time.process_time()
    features = means(words.counts[:, columns], rows)
    test_features = means(words.test_counts[:, columns], rows)
    made = time.process_time()
    names = label_names(train)
    labels, test_labels = check_labels(train, names), check_labels(test, names)
    inside, outside = hold_out(labels, text_marks(train.texts), 0.2, seed)

    def fitted(places: np.ndarray, c: float) -> LogisticRegression:
        return LogisticRegression(C=c, max_iter=1000).fit(features[places], labels[places])

    scores = [fitted(inside, c).score(features[outside], labels[outside]) for c in CS]
    best = CS[int(np.argmax(scores))]
    model = fitted(np.arange(len(labels)), best)
    learned = time.process_time()
    accuracy = model.score(test_features, test_labels)
    n_bytes = (
        features.nbytes
        if rows is not None
        else sum(part.nbytes for part in (features.data, features.indices, features.indptr))
    )
    return {
        "accuracy": round(100 * float(accuracy), 3),
        "dim": int(features.shape[1]),
        "c": best,
        "feature_bytes": int(n_bytes),
        "dense_bytes": int(4 * features.shape[0] * features.shape[1]),
        "weight_bytes": int(model.coef_.nbytes + model.intercept_.nbytes),
        "table_bytes": int(one_hot_bytes(len(columns))[0] if rows is None else rows.nbytes),
        "feature_seconds": round(made - began, 3),
        "fit_seconds": round(learned - made, 3),
        "predict_seconds": round(time.process_time() - learned, 3),
    }


def run_all(options: argparse.Namespace, results: dict[tuple, dict[str, Any]]) -> None:
    """Run what is missing, few labels first."""
    vectors = {name: Vectors.load(path) for name, _, path in (one.partition("=") for one in options.vectors)}
    sets = {name: read_set(name) for name in options.data}
    began = time.monotonic()
    few_first = sorted(options.labels, key=lambda n: n or math.inf)
    for n, name, seed in itertools.product(few_first, sets, range(1, options.seeds + 1)):
        language, data, test = sets[name]
        if language not in vectors:
            continue
        mark = vectors[language].fingerprint[:16]
        missing = [kind for kind in ROWS if (name, n, kind, seed, mark) not in results]
        if not missing:
            continue
        if time.monotonic() - began > options.max_seconds:
            print(f"{options.max_seconds:g} seconds are over; the same command goes on", flush=True)
            return
        train = drawn(data, n, seed)
        words = Words(train, test, vectors[language])
        for kind in missing:
            key = (name, n, kind, seed, mark)
            results[key] = dict(zip(KEYS, key, strict=True)) | one_run(words, train, test, kind, seed)
            keep(results[key], options.results)
            told = results[key]["accuracy"]
            print(f"{name} {n or 'all'} labels, {kind}, seed {seed}: {told:.1f} %", flush=True)


def tables(results: Sequence[dict[str, Any]]) -> str:
    """A row for each set, number of labels, model and kind of rows."""
    lines = []
    groups: dict[tuple[str, int, str], dict[str, list[dict[str, Any]]]] = {}
    for run in results:
        group = groups.setdefault((run["data"], run["labels"], run["model"]), {})
        group.setdefault(run["rows"], []).append(run)
    for (name, n, model), kinds in sorted(
        groups.items(), key=lambda one: (one[0][0], one[0][1] or math.inf, one[0][2])
    ):
        lines.append(f"{name}, {n or 'all'} labels, vectors {model}")
        for kind in ROWS:
            runs = kinds.get(kind, [])
            if not runs:
                continue
            mean, half = mean_interval([run["accuracy"] for run in runs])
            own = {
                key: np.mean([run[key] for run in runs])
                for key in ("dim", *(key for key in runs[0] if key.endswith(("_bytes", "_seconds"))))
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
