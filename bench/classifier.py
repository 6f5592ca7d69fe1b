"""How fast text classifiers train here beside the original fastText program, with the accuracy of each.

    python -m bench.classifier --fasttext /path/to/fasttext        AG News and ChnSentiCorp, a minute
    python -m bench.classifier --seeds 1 2 3 --results out.jsonl

Both get the same `__label__x text` files (AG News in lower case with punctuation apart, ChnSentiCorp cut into words by qianru, rows
that are also in the test set dropped), the same settings and threads. End to end is from file to file; training alone is the time
of 4 times the epochs minus that of the epochs asked for, divided by 3, which leaves out reading, starting and writing.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recipes.intrinsic import data_folder

SETTINGS: dict[str, dict[str, object]] = {
    "unigrams": {"dim": 100, "epochs": 5, "learning_rate": 0.5, "word_ngrams": 1},
    "bigrams": {"dim": 100, "epochs": 25, "learning_rate": 0.5, "word_ngrams": 2},
}
NAMES = {"dim": "dim", "epochs": "epoch", "learning_rate": "lr", "word_ngrams": "wordNgrams"}


def ag_news() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    folder = data_folder() / "eval" / "en" / "ag_news"

    def clean(text: str) -> str:
        return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))

    with (folder / "test.csv").open(newline="", encoding="utf-8") as file:
        test = [(clean(f"{title} {text}"), str(int(label) - 1)) for label, title, text in csv.reader(file)]
    with (folder / "train-5000.csv").open(newline="", encoding="utf-8") as file:
        train = [(clean(text), label) for text, label in csv.reader(file)]
    return without(train, test), test


def chnsenticorp() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    from qianru.static.labelled_text import joined_texts

    def read(name: str) -> list[tuple[str, str]]:
        path = data_folder() / "eval" / "zh" / "chnsenticorp" / f"{name}.tsv"
        rows = [line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        return [(text, label) for label, text in rows]

    test = read("test")
    pairs = [without(read("train"), test), test]
    cut = []
    for rows in pairs:
        lines = joined_texts((text for text, _ in rows), "words").decode().splitlines()
        cut.append([(text, label) for text, (_, label) in zip(lines, rows, strict=True)])
    return cut[0], cut[1]


def without(train: list[tuple[str, str]], test: list[tuple[str, str]]) -> list[tuple[str, str]]:
    seen = {text for text, _ in test}
    return [row for row in train if row[0] not in seen]


def write(rows: list[tuple[str, str]], path: Path) -> Path:
    path.write_text("".join(f"__label__{label} {text}\n" for text, label in rows), encoding="utf-8")
    return path


def run_qianru(train: Path, test: Path, settings: dict, threads: int, seed: int) -> dict:
    code = (
        "import json, sys, time\n"
        "from qianru.static import train_classifier\n"
        "train, test, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])\n"
        "def once(epochs):\n"
        "    started = time.perf_counter()\n"
        "    model = train_classifier(train, **{**settings, 'epochs': epochs})\n"
        "    return model, time.perf_counter() - started\n"
        "model, total = once(settings['epochs'])\n"
        "longer = once(4 * settings['epochs'])[1]\n"
        "report = model.evaluate(test)\n"
        "print(json.dumps({'total': total, 'longer': longer, 'accuracy': report.accuracy}))\n"
    )
    arguments = json.dumps({**settings, "threads": threads, "seed": seed})
    done = subprocess.run(
        [sys.executable, "-c", code, str(train), str(test), arguments], check=True, stdout=subprocess.PIPE
    )
    return dict(json.loads(done.stdout))


def run_original(binary: Path, train: Path, test: Path, settings: dict, threads: int, seed: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:

        def once(epochs: int) -> float:
            command = [
                str(binary),
                "supervised",
                "-input",
                str(train),
                "-output",
                f"{folder}/m",
                "-verbose",
                "0",
            ]
            for name, value in {**settings, "epochs": epochs}.items():
                command += [f"-{NAMES[name]}", str(value)]
            started = time.perf_counter()
            subprocess.run([*command, "-thread", str(threads), "-seed", str(seed)], check=True)
            return time.perf_counter() - started

        longer = once(4 * settings["epochs"])
        total = once(settings["epochs"])
        # `test` prints three digits: the labels it predicts tell exactly.
        told = subprocess.run(
            [str(binary), "predict", f"{folder}/m.bin", str(test)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.split()
    true = [line.split(" ", 1)[0] for line in test.read_text(encoding="utf-8").splitlines()]
    right = sum(a == b for a, b in zip(told, true, strict=True))
    return {"total": total, "longer": longer, "accuracy": right / len(true)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fasttext", type=Path, help="the compiled fastText program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--results", type=Path, help="append each result to this file, one line of JSON each")
    options = parser.parse_args()
    binary = options.fasttext
    if binary is None or not binary.is_file():
        print(f"fastText is missing (--fasttext {binary}): its rows are left out", file=sys.stderr)
        binary = None
    with tempfile.TemporaryDirectory() as folder:
        for corpus, load in (("AG News", ag_news), ("ChnSentiCorp", chnsenticorp)):
            train_rows, test_rows = load()
            train, test = write(train_rows, Path(folder) / "train"), write(test_rows, Path(folder) / "test")
            print(
                f"\n{corpus}: {len(train_rows):,} rows to train on, {len(test_rows):,} to test, {options.threads} threads"
            )
            for name in options.only:
                compare(corpus, name, train, test, binary, options)


def compare(
    corpus: str, name: str, train: Path, test: Path, binary: Path | None, options: argparse.Namespace
) -> None:
    settings = SETTINGS[name]
    found: dict[str, list[dict]] = {"qianru": []}
    for seed in options.seeds:
        found["qianru"].append(run_qianru(train, test, settings, options.threads, seed))
        if binary is not None:
            found.setdefault("fastText", []).append(
                run_original(binary, train, test, settings, options.threads, seed)
            )
    means: dict[str, dict[str, float]] = {}
    for system, runs in found.items():
        mean = {key: sum(run[key] for run in runs) / len(runs) for key in runs[0]}
        mean["train"] = max((mean["longer"] - mean["total"]) / 3, 1e-9)
        means[system] = mean
        print(
            f"  {name:<9} {system:<9} accuracy {mean['accuracy']:.4f}  train {mean['train']:7.3f} s"
            f"  end to end {mean['total']:7.3f} s"
        )
        if options.results:
            line = {"corpus": corpus, "settings": name, "system": system, "runs": runs}
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
    if "fastText" in means:
        ours, theirs = means["qianru"], means["fastText"]
        print(
            f"  {'':<9} qianru is {theirs['train'] / ours['train']:.1f} x in training, "
            f"{theirs['total'] / ours['total']:.1f} x end to end"
        )


if __name__ == "__main__":
    main()
