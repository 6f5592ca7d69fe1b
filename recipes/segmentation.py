"""Chinese word segmentation beside others: F1 on the PKU and MSR test sets of the second SIGHAN bakeoff (2005).

    python recipes/segmentation.py                 every row, and the speed of each on one thread
    python recipes/segmentation.py --lines 200     a quick look

The bakeoff's training texts are not at hand, so each set is cut into five blocks of lines (not every fifth line: neighbours are of
one article), a segmenter is trained on four and tested on the fifth, and all systems are scored on the same five; the figures are
means. That is 85,000 words to train on where the published systems had 1.1 and 2.4 million.

F1 is over words, as the bakeoff's own script counts them: a word is right where both its borders are. Runs of Han
characters are what is cut; everything else follows the gold standard's own borders only by chance, so
the column "Han only" counts the words of Han characters alone. MB/s: of processor time, best of five, for qianru from a file to ids. Needs QIANRU_DATA.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import rjieba

from qianru.text import Corpus, Segmenter, train_segmenter
from qianru.text.han import is_han

DATA = Path(os.environ.get("QIANRU_DATA", Path(__file__).resolve().parents[1] / "../shared/data"))
_MARK = "endofline"  # a line of its own behind each line, since lines without words are left out
FOLDS = 5
# Closed test: trained on the set's own training text. F1 on PKU and on MSR, from Emerson 2005, "The Second International Chinese
# Word Segmentation Bakeoff", and from the papers named.
PUBLISHED = {
    "longest match, dictionary of the training text (Emerson 2005)": (0.869, 0.933),
    "best of the bakeoff, closed (Emerson 2005)": (0.950, 0.964),
    "CRF on characters (Tseng et al. 2005)": (0.950, 0.964),
}


def spans(words: Iterable[str]) -> set[tuple[int, int]]:
    """Begin and end of each word in the text without its spaces."""
    found, at = set(), 0
    for word in words:
        found.add((at, at + len(word)))
        at += len(word)
    return found


def with_the_rest(line: str, words: list[str]) -> list[str]:
    """The words, and between them each run of other characters as one."""
    parts, at = [], 0
    for word in words:
        place = line.index(word, at)
        parts += [line[at:place], word]
        at = place + len(word)
    return [part for part in [*parts, line[at:]] if part]


def ours(lines: list[str], segmenter: Segmenter | None = None) -> list[list[str]]:
    """Our words of each line, with what lies between them; each character of punctuation is a word of the gold."""
    corpus = Corpus([part for line in lines for part in (line, _MARK)], segmenter=segmenter)
    made, words = [], list[str]()
    for found in corpus.words():
        if found != [_MARK]:
            words = found
            continue
        parts = with_the_rest(lines[len(made)], words)
        made.append([piece for part in parts for piece in ([part] if part[0].isalnum() else part)])
        words = []
    return made


def score(gold: list[list[str]], found: list[list[str]], *, han_only: bool) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    n_gold = n_found = n_right = 0
    for truth, guess in zip(gold, found, strict=True):
        text = "".join(truth)
        assert text == "".join(guess), text
        sides = [spans(truth), spans(guess)]
        if han_only:
            sides = [{span for span in side if all(map(is_han, text[slice(*span)]))} for side in sides]
        n_gold += len(sides[0])
        n_found += len(sides[1])
        n_right += len(sides[0] & sides[1])
    precision, recall = n_right / max(n_found, 1), n_right / max(n_gold, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def trained(gold: list[list[str]]) -> Segmenter:
    return train_segmenter(Corpus([" ".join(words) for words in gold]), held_out=0)


def speed(work: Callable[[], object], n_bytes: int) -> float:
    """MB a second of processor time, which other work on the machine does not use up; the best of five after a first."""
    work()
    seconds = []
    for _ in range(5):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return n_bytes / min(seconds) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=None, help="of each set")
    arguments = parser.parse_args()
    folder = DATA / "eval/zh/sighan2005"
    if not folder.is_dir():
        raise SystemExit(f"no {folder}: set QIANRU_DATA")
    print("set\tsegmenter\tprecision\trecall\tF1\tF1, Han only\tMB/s", flush=True)
    for name in ("pku", "msr"):
        text = (folder / f"{name}_test_gold.utf8").read_text("utf-8-sig")
        gold = [line.split() for line in text.splitlines() if line.strip()][: arguments.lines]
        compare(name.upper(), gold)
    for title, (pku, msr) in PUBLISHED.items():
        print(f"published\t{title}\tPKU {pku:.3f}\tMSR {msr:.3f}")


def compare(name: str, gold: list[list[str]]) -> None:
    """A row for each system."""
    borders = [len(gold) * i // FOLDS for i in range(FOLDS + 1)]
    folds = [slice(begin, end) for begin, end in itertools.pairwise(borders)]
    segmenters = [trained(gold[: fold.start] + gold[fold.stop :]) for fold in folds]
    lines = ["".join(words) for words in gold]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()

        def read(segmenter: Segmenter | None) -> Callable[[], object]:
            return lambda: Corpus(file.name, segmenter=segmenter).encode(min_count=1, threads=1)

        def jieba(hmm: bool) -> Callable[[], object]:
            return lambda: [rjieba.cut(line, hmm) for line in lines]

        systems: dict[str, tuple[Callable[[int], list[list[str]]], Callable[[], object]]] = {
            "qianru, trained segmenter": (
                lambda i: ours(lines[folds[i]], segmenters[i]),
                read(segmenters[0]),
            ),
            "qianru, dictionary": (lambda i: ours(lines[folds[i]]), read(None)),
            "rjieba, HMM off": (
                lambda i: [rjieba.cut(line, False) for line in lines[folds[i]]],
                jieba(False),
            ),
            "rjieba, HMM on": (lambda i: [rjieba.cut(line, True) for line in lines[folds[i]]], jieba(True)),
        }
        n_bytes = sum(len(line.encode()) for line in lines)
        for title, (cut, work) in systems.items():
            figures = []
            for i, fold in enumerate(folds):
                found = cut(i)
                whole = score(gold[fold], found, han_only=False)
                figures.append((*whole, score(gold[fold], found, han_only=True)[2]))
            means = "\t".join(f"{sum(column) / FOLDS:.4f}" for column in zip(*figures, strict=True))
            print(f"{name}\t{title}\t{means}\t{speed(work, n_bytes):.2f}", flush=True)


if __name__ == "__main__":
    main()
