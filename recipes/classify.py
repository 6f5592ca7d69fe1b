"""Learning curves of text classifiers: random against static rows, for mean, CNN and LSTM, over several seeds; and a
linear map on the frozen features of a contextual model.

    python -m recipes.classify --vectors en=FOLDER --vectors zh=FOLDER --features en=FOLDER          everything: hours
    python -m recipes.classify --vectors en=FOLDER --data sst2 --labels 200 --encoders mean --seeds 3

One row a setting: mean test accuracy over the seeds with the 95 % interval of that mean (Student's t), and whether the
pretrained start wins over random by paired seeds. A seed draws its own labelled examples, of each label alike, the same
ones for every start and encoder. The gain of "contextual", which has no encoder of ours, is that over random rows with the
first encoder. Test examples that are among the training examples are left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recipes.intrinsic import data_folder

from qianru.arrays import Float32Array
from qianru.contextual import load_encoder
from qianru.transfer import LabelledTexts, read_examples, train_text_classifier
from qianru.transfer.examples import check_labels, label_names, text_marks
from qianru.vectors import Vectors

# name: language, training file, test file, columns of text and label in each
SETS = {
    "sst2": ("en", "en/sst2/train.tsv", "en/sst2/test.tsv", ("1", "2"), ("1", "2")),
    "ag_news": ("en", "en/ag_news/train-5000.csv", "en/ag_news/test.csv", ("1", "2"), ("2,3", "1")),
    "chnsenticorp": (
        "zh",
        "zh/chnsenticorp/train.tsv",
        "zh/chnsenticorp/test.tsv",
        (None, None),
        (None, None),
    ),
    "thucnews": (
        "zh",
        "zh/thucnews_titles/train-20000.tsv",
        "zh/thucnews_titles/test.txt",
        ("1", "2"),
        ("1", "2"),
    ),
}
STARTS = ("random", "frozen", "slow", "contextual")
# 97.5 % points of Student's t for 1 … 9 degrees of freedom.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def read_set(name: str) -> tuple[str, LabelledTexts, LabelledTexts]:
    """The language, the training and the test examples, without test texts among the former."""
    language, train, test, columns, test_columns = SETS[name]
    folder = data_folder() / "eval"
    data = read_examples(folder / train, text_column=columns[0], label_column=columns[1])
    held = read_examples(folder / test, text_column=test_columns[0], label_column=test_columns[1])
    shared = np.isin(text_marks(data.texts), text_marks(held.texts))
    return language, data.chosen(np.flatnonzero(~shared)), held


def drawn(data: LabelledTexts, n: int, seed: int) -> LabelledTexts:
    """n examples, of each label alike as far as there are so many; all of them for n = 0."""
    if not n or n >= len(data):
        return data
    names = label_names(data)
    labels, rng = check_labels(data, names), np.random.default_rng([seed, n])
    by_label = [rng.permutation(np.flatnonzero(labels == i)).tolist() for i in range(len(names))]
    turns = [i for places in itertools.zip_longest(*by_label) for i in places if i is not None]
    return data.chosen(np.array(turns[:n]))


def mean_interval(values: list[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval; 0 for one value."""
    n = len(values)
    if n < 2:
        return values[0], 0.0
    return float(np.mean(values)), float(_T[min(n - 2, 8)] * np.std(values, ddof=1) / math.sqrt(n))


class Remembered:
    """The features of an encoder; what a text has been given is kept, since seeds share most of their texts."""

    def __init__(self, path: str) -> None:
        self._encoder = load_encoder(path)
        self.fingerprint = self._encoder.fingerprint
        self._known: dict[str, Float32Array] = {}

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """float32 [n, dim]."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known |= dict(zip(new, self._encoder.encode(new).vectors, strict=True))
        made = np.zeros((len(texts), self._encoder.dim), dtype=np.float32)
        for row, text in zip(made, texts, strict=True):
            row[:] = self._known[text]
        return made


def curves(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row for each set, number of labels, encoder and start."""
    vectors = {name: Vectors.load(path) for name, _, path in (one.partition("=") for one in options.vectors)}
    models = {name: Remembered(path) for name, _, path in (one.partition("=") for one in options.features)}
    settings = {"cnn": {"widths": (2, 3, 4), "n_filters": 50}, "lstm": {"hidden": 64}}
    for name in options.data:
        language, data, test = read_set(name)
        if options.max_test and options.max_test < len(test):
            test = drawn(test, options.max_test, 0)
        for n, encoder in itertools.product(options.labels, options.encoders):
            accuracies: dict[str, list[float]] = {}
            for start in options.starts:
                if start == "contextual":
                    if language not in models or encoder != options.encoders[0]:
                        continue
                elif start != "random" and language not in vectors:
                    continue
                began = time.monotonic()
                given: dict[str, Any] = {"features": models.get(language)}
                if start != "contextual":
                    given = {
                        "start": None if start == "random" else vectors[language],
                        "rows": "slow" if start == "random" else start,
                        "encoder": encoder,
                        "encoder_settings": settings.get(encoder, {}),
                        "dim": vectors[language].dim if language in vectors else 100,
                        "max_vocab": 50_000,
                        "max_tokens": 128,
                    }
                for seed in range(1, options.seeds + 1):
                    made = train_text_classifier(
                        drawn(data, n, seed),
                        validation=0.2 if n and n <= 1000 else 0.1,
                        test=test,
                        overlap="drop",
                        seeds=[seed],
                        threads=options.threads,
                        **given,
                    )
                    report = made.runs[0].report
                    assert report is not None
                    accuracies.setdefault(start, []).append(100 * float(report.accuracy.value or 0))
                mean, half = mean_interval(accuracies[start])
                gain: tuple[float, float] | None = None
                if start != "random" and "random" in accuracies:
                    pairs = zip(accuracies[start], accuracies["random"], strict=True)
                    gain = mean_interval([a - b for a, b in pairs])
                yield {
                    "data": name,
                    "labels": n or len(data),
                    "encoder": "linear" if start == "contextual" else encoder,
                    "start": start,
                    "accuracy": round(mean, 2),
                    "half_interval": round(half, 2),
                    "gain_over_random": None if gain is None else [round(one, 2) for one in gain],
                    "n_seeds": options.seeds,
                    "seconds_per_seed": round((time.monotonic() - began) / options.seeds, 1),
                }


def main() -> None:
    """Print the rows as they come; --json keeps them in a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vectors", action="append", default=[], metavar="LANGUAGE=MODEL")
    parser.add_argument("--features", action="append", default=[], metavar="LANGUAGE=MODEL")
    parser.add_argument("--data", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--labels", nargs="+", type=int, default=[50, 200, 1000, 0], help="0: all")
    parser.add_argument("--encoders", nargs="+", default=["mean", "cnn", "lstm"])
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-test", type=int, default=0, help="test on so many examples; 0: all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for row in curves(options):
        rows.append(row)
        gain = (
            ""
            if row["gain_over_random"] is None
            else "  gain {:+.1f} ± {:.1f}".format(*row["gain_over_random"])
        )
        print(
            f"{row['data']:<13}{row['labels']:>6}  {row['encoder']:<6} {row['start']:<10}"
            f"{row['accuracy']:6.1f} ± {row['half_interval']:.1f}{gain}  ({row['seconds_per_seed']} s a seed)",
            flush=True,
        )
        if options.json is not None:
            options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
