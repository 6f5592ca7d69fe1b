"""How well words that a model never saw are learnt by growing it, beside training on everything at once.

    python -m recipes.growing [--lines 124000] [--epochs 3]

Takes a quarter of WordSim-353's middling words out of the model's text, grows the model on the lines that hold them (all, and one
in twenty) from each start, with and without the training state, and prints Spearman x 100 over the pairs that hold such a word.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
from recipes.intrinsic import data_folder, spearman

from qianru.static import grow, train_word2vec
from qianru.text import Corpus
from qianru.vectors import Vectors

Pair = tuple[str, str, float]


def pairs_of(path: Path) -> list[Pair]:
    rows = [line.lower().split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row[0], row[1], float(row[2])) for row in rows if len(row) == 3]


def score(vectors: Vectors, pairs: list[Pair]) -> str:
    known = [pair for pair in pairs if pair[0] in vectors and pair[1] in vectors]
    cosines = np.array([vectors.similarity(a, b) for a, b, _ in known])
    return f"{100 * spearman(cosines, np.array([gold for *_, gold in known])):5.1f} of {len(known)} pairs"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=124_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    corpus = Corpus(data_folder() / "corpora/en-wiki-100mb.txt.zst", lowercase=True)
    lines = list(islice(corpus.words(), arguments.lines))
    pairs = pairs_of(data_folder() / "eval/en/wordsim/EN-WS-353-ALL.txt")
    counts = Counter(word for line in lines for word in line)
    held = set(sorted({word for pair in pairs for word in pair[:2] if 20 <= counts[word] <= 1500})[::4])
    pairs = [pair for pair in pairs if held & set(pair[:2])]
    base = [line for line in lines if not held & set(line)]
    rest = [line for line in lines if held & set(line)]
    options = {"epochs": arguments.epochs, "threads": arguments.threads, "learning_rate": 0.05}
    print(f"{len(held)} words held out, {len(base)} lines without them, {len(rest)} with")
    print(f"trained on everything   {score(train_word2vec(lines, **options), pairs)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        alone = train_word2vec(base, output=model, keep_training_state=True, **options)
        for share in (1, 20):
            text = random.Random(1).sample(rest, len(rest) // share)
            for name, parent in (("state", model), ("zero", alone)):
                for start in ("context", "subword", "random"):
                    grown, _ = grow(parent, text, start=start, min_count=2, **options)
                    print(f"{len(text):6} lines {name:5} {start:8} {score(grown, pairs)}", flush=True)


if __name__ == "__main__":
    main()
