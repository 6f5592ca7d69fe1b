"""Learning curves of text classifiers: random against static rows, for mean, CNN and BiLSTM, over several seeds; and a linear
map on a contextual model, frozen (contextual) or trained as a whole (tuned).

    python -m recipes.classify --vectors en=FOLDER --vectors zh=FOLDER --features en=FOLDER --results curves.jsonl
    python -m recipes.classify --results curves.jsonl --report --table curves.txt                    the tables alone
    python -m recipes.classify --vectors en=FOLDER --data sst2 --labels 200 --encoders mean --seeds 3

A run that is in the results file already is not run again, so a recipe that was stopped, or that --max-seconds stopped, goes on
where it was; few labels come first. A seed draws its own labelled examples, of each label alike, the same ones for every start and
encoder. Training examples whose texts are among the test examples are left out. With all labels the passes are fewer and stopping is sooner.

A table for each set: mean test accuracy over the seeds with the 95 % interval of that mean (Student's t), and the gain over random rows
of the same encoder and dim by paired seeds. The gain of "contextual" and "tuned", which have no encoder of ours, is that over random rows
with the mean. Where a setting was run with several models, the one that was run last counts alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recipes.intrinsic import data_folder
from scipy import stats

from qianru.arrays import Float32Array
from qianru.contextual import load_encoder
from qianru.layers.backend import set_threads
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
STARTS = ("random", "frozen", "slow", "contextual", "tuned")
# The encoders on rows, and the linear map on a text's vector, in the order of the tables.
ORDER = ("mean", "cnn", "lstm", "gru", "transformer", "linear")
ENCODER_SETTINGS: dict[str, dict[str, Any]] = {
    "cnn": {"widths": (2, 3, 4), "n_filters": 50},
    "lstm": {"hidden": 64},
}
# What a run is known by. model: begin of the fingerprint of what it starts from; "" for random rows, with their dim if that is not _DIM.
KEYS = ("data", "labels", "encoder", "start", "seed", "model", "max_test")
_DIM = 100  # of random rows without vectors, and of all runs that do not tell theirs


def read_set(name: str) -> tuple[str, LabelledTexts, LabelledTexts]:
    """The language, the training and the test examples, without test texts among the former."""
    language, train, test, columns, test_columns = SETS[name]
    folder = data_folder() / "eval"
    data = read_examples(folder / train, text_column=columns[0], label_column=columns[1])
    held = read_examples(folder / test, text_column=test_columns[0], label_column=test_columns[1])
    if name == "ag_news":  # classes from 0 in the one file, from 1 in the other
        held = LabelledTexts(held.texts, [str(int(label) - 1) for label in held.labels])
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
    return float(np.mean(values)), float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n))


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


def read_results(path: Path | None, keys: Sequence[str]) -> dict[tuple, dict[str, Any]]:
    """The runs in a file of JSON lines, by their values of the keys, in the order they were run; a last line that was cut off is not
    there."""
    found: dict[tuple, dict[str, Any]] = {}
    if path is None or not path.exists():
        return found
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            run = json.loads(line)
            key = tuple(run[name] for name in keys)
            found.pop(key, None)
            found[key] = run
    return found


def by_seed(runs: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The run of each seed, with the model of the last run alone: seeds of two models make no mean."""
    return {run["seed"]: run for run in runs if run["model"] == runs[-1]["model"]}


def keep(run: dict[str, Any], path: Path | None) -> None:
    """Add a run to the file."""
    if path is None:
        return
    data = path.read_bytes() if path.exists() else b""
    with path.open("ab") as file:
        if data and not data.endswith(b"\n"):  # a line that was cut off
            file.truncate(data.rfind(b"\n") + 1)
        file.write(json.dumps(run, ensure_ascii=False).encode() + b"\n")


def settings_of(options: argparse.Namespace) -> Iterator[tuple[str, int, str, str]]:
    """(set, labels, encoder, start), few labels first."""
    for n in sorted(options.labels, key=lambda n: n or math.inf):
        for name, encoder, start in itertools.product(options.data, options.encoders, options.starts):
            if start not in ("contextual", "tuned"):
                yield name, n, encoder, start
            elif encoder == options.encoders[0]:
                yield name, n, "linear", start


def run_all(options: argparse.Namespace, results: dict[tuple, dict[str, Any]]) -> None:
    """Run what is missing, until the time is over."""
    began = time.monotonic()
    vectors = {name: Vectors.load(path) for name, _, path in (one.partition("=") for one in options.vectors)}
    paths = {name: path for name, _, path in (one.partition("=") for one in options.features)}
    models = {name: Remembered(path) for name, path in paths.items()}
    sets: dict[str, tuple[str, LabelledTexts, LabelledTexts]] = {}
    for name, n, encoder, start in settings_of(options):
        if name not in sets:
            language, data, test = read_set(name)
            sets[name] = language, data, drawn(test, options.max_test, 0)
        language, data, test = sets[name]
        source = {"contextual": models, "tuned": models, "random": None}.get(start, vectors)
        if source is not None and language not in source:
            continue
        dim = vectors[language].dim if language in vectors else _DIM
        mark = "" if dim == _DIM else f"dim {dim}"
        if source is not None:
            mark = source[language].fingerprint[:16]
        for seed in range(1, options.seeds + 1):
            key = (name, n, encoder, start, seed, mark, options.max_test)
            if key in results:
                continue
            if time.monotonic() - began > options.max_seconds:
                print(f"{options.max_seconds:g} seconds are over; the same command goes on", flush=True)
                return
            given: dict[str, Any]
            if start == "contextual":
                given = {"features": models[language]}
            elif start == "tuned":
                given = {"fine_tune": paths[language], "features_settings": {"max_tokens": 128}}
                # A pass takes a minute here where one of the others takes a second.
                many = not n or n > 1000
                given |= (
                    {"epochs": 2, "patience": 1}
                    if many
                    else {"epochs": 10 if n < 1000 else 5, "batch_size": 16}
                )
            else:
                given = {
                    "start": None if start == "random" else vectors[language],
                    "rows": "slow" if start == "random" else start,
                    "encoder": encoder,
                    "encoder_settings": ENCODER_SETTINGS.get(encoder, {}),
                    "dim": dim,
                    "max_vocab": 50_000,
                    "max_tokens": 128,
                }
            run = dict(zip(KEYS, key, strict=True)) | {"dim": dim}
            run |= one_run(drawn(data, n, seed), test, seed, few=bool(n) and n <= 1000, **given)
            results[key] = run
            keep(run, options.results)
            print(
                f"{name} {n or 'all'} labels, {encoder}, {start}, seed {seed}: {run['accuracy']:.1f} %, "
                f"{run['seconds']:.1f} s",
                flush=True,
            )


def one_run(
    train: LabelledTexts, test: LabelledTexts, seed: int, *, few: bool, **given: Any
) -> dict[str, Any]:
    """Accuracy and macro F1 in per cent, passes, and seconds, the test included."""
    began = time.monotonic()
    length: dict[str, Any] = {} if few else {"epochs": 12, "patience": 2}
    made = train_text_classifier(
        train,
        validation=0.2 if few else 0.1,
        test=test,
        overlap="drop",
        seeds=[seed],
        **{**length, **given},
    )
    run = made.runs[0]
    assert run.report is not None
    return {
        "accuracy": round(100 * float(run.report.accuracy.value or 0), 3),
        "macro_f1": round(100 * float(run.report.macro_f1.value or 0), 3),
        "passes": round(run.history[-1]["epochs"], 1),
        "seconds": round(time.monotonic() - began, 2),
    }


def tables(results: Iterable[dict[str, Any]]) -> str:
    """A table for each set, and at how many settings each start is above and below random rows."""
    runs: dict[tuple, list[dict[str, Any]]] = {}
    for run in results:
        names = ("data", "labels", "encoder", "start", "max_test")
        runs.setdefault((*(run[name] for name in names), run.get("dim", _DIM)), []).append(run)
    by_setting = {setting: by_seed(found) for setting, found in runs.items()}
    lines: list[str] = []
    wins: dict[tuple[int, str], list[int]] = {}
    n_labels = sorted({setting[1] for setting in by_setting}, key=lambda n: n or math.inf)
    heads = [str(n or "all") for n in n_labels]
    for name, max_test in dict.fromkeys((one[0], one[4]) for one in by_setting):
        tested = f"{max_test} test examples" if max_test else "all test examples"
        lines += ["", f"{name}, {tested}: accuracy in per cent; gain over random rows; seconds a run", ""]
        lines.append("encoder  start       " + "".join(f"{head:<36}" for head in heads).rstrip())
        rows = dict.fromkeys(
            (one[2], one[3], one[5]) for one in by_setting if (one[0], one[4]) == (name, max_test)
        )
        for encoder, start, dim in sorted(
            rows, key=lambda row: (ORDER.index(row[0]), STARTS.index(row[1]), row[2])
        ):
            cells = []
            for n in n_labels:
                found = by_setting.get((name, n, encoder, start, max_test, dim))
                if found is None:
                    cells.append("-")
                    continue
                mean, half = mean_interval([run["accuracy"] for run in found.values()])
                cell = f"{mean:.1f} ± {half:.1f}"
                base = by_setting.get(
                    (name, n, "mean" if encoder == "linear" else encoder, "random", max_test, dim), {}
                )
                shared = sorted(set(found) & set(base))
                if start != "random" and shared:
                    gain, width = mean_interval(
                        [found[seed]["accuracy"] - base[seed]["accuracy"] for seed in shared]
                    )
                    cell += f" ({gain:+.1f} ± {width:.1f})"
                    if len(shared) > 1:
                        counted = wins.setdefault((n, start), [0, 0, 0])
                        counted[0 if gain > width else 1 if gain < -width else 2] += 1
                cell += f" {np.mean([run['seconds'] for run in found.values()]):.1f} s"
                cells.append(cell + (f" n={len(found)}" if len(found) < 5 else ""))
            told = start if dim == _DIM else f"{start} {dim}"
            lines.append(f"{encoder:<9}{told:<11} " + "".join(f"{cell:<36}" for cell in cells).rstrip())
    if wins:
        lines += [
            "",
            "Settings whose 95 % interval of the gain over random rows is above 0, below it, around it:",
        ]
    for (n, start), (above, below, around) in sorted(wins.items(), key=lambda one: one[0][0] or math.inf):
        lines.append(f"  {n or 'all'} labels, {start}: {above}, {below}, {around}")
    return "\n".join(lines).strip() + "\n" if lines else "no runs\n"


def main() -> None:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", action="append", default=[], metavar="LANGUAGE=MODEL")
    parser.add_argument("--features", action="append", default=[], metavar="LANGUAGE=MODEL")
    parser.add_argument("--data", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--labels", nargs="+", type=int, default=[50, 200, 1000, 0], help="0: all")
    parser.add_argument("--encoders", nargs="+", default=["mean", "cnn", "lstm"], choices=ORDER[:-1])
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-test", type=int, default=2000, help="test on so many examples; 0: all")
    parser.add_argument("--max-seconds", type=float, default=math.inf, help="begin no run after so many")
    parser.add_argument(
        "--threads", type=int, default=1, help="of torch; on a busy machine two wait for each other"
    )
    parser.add_argument("--results", type=Path, help="file of the runs, one line of JSON each")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--table", type=Path, help="write the tables to this file too, as plain text")
    options = parser.parse_args()
    results = read_results(options.results, KEYS)
    if not options.report:
        set_threads(options.threads)
        run_all(options, results)
    text = tables(results.values())
    print(text, end="")
    if options.table is not None:
        options.table.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
