"""Chinese word segmentation beside others: F1 on the PKU and MSR test sets of the second SIGHAN bakeoff (2005).

    python recipes/segmentation.py                 every row, and the speed of each
    python recipes/segmentation.py --lines 200     a quick look

F1 is over words, as the bakeoff's own script counts them: a word is right where both its borders are. Runs of Han
characters are what the dictionary cuts; everything else follows the gold standard's own borders only by chance, so
the row "Han only" counts the words of Han characters alone. Needs QIANRU_DATA.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import rjieba

from qianru.text import Corpus
from qianru.text.han import is_han

DATA = Path(os.environ.get("QIANRU_DATA", Path(__file__).resolve().parents[1] / "../shared/data"))
_MARK = "endofline"  # a line of its own behind each line, since lines without words are left out
# Closed test: trained on the set's own training text. Figures of the papers, F1 on PKU and on MSR.
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


def ours(lines: list[str]) -> list[list[str]]:
    """Our words of each line, with what lies between them; each character of punctuation is a word of the gold."""
    corpus = Corpus([part for line in lines for part in (line, _MARK)])
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=None, help="of each set")
    arguments = parser.parse_args()
    folder = DATA / "eval/zh/sighan2005"
    if not folder.is_dir():
        raise SystemExit(f"no {folder}: set QIANRU_DATA")
    cutters: dict[str, Callable[[list[str]], list[list[str]]]] = {
        "qianru": ours,
        "rjieba, HMM off": lambda lines: [rjieba.cut(line, False) for line in lines],
        "rjieba, HMM on": lambda lines: [rjieba.cut(line, True) for line in lines],
    }
    print("set\tsegmenter\tprecision\trecall\tF1\tF1, Han only\tMB/s")
    for name in ("pku", "msr"):
        text = (folder / f"{name}_test_gold.utf8").read_text("utf-8-sig")
        gold = [line.split() for line in text.splitlines() if line.strip()][: arguments.lines]
        lines = ["".join(words) for words in gold]
        n_bytes = sum(len(line.encode()) for line in lines)
        for cutter, cut in cutters.items():
            cut(lines[:5])  # the dictionary is loaded
            began = time.perf_counter()
            found = cut(lines)
            seconds = time.perf_counter() - began
            precision, recall, f1 = score(gold, found, han_only=False)
            han = score(gold, found, han_only=True)[2]
            print(
                f"{name.upper()}\t{cutter}\t{precision:.4f}\t{recall:.4f}\t{f1:.4f}\t{han:.4f}\t{n_bytes / seconds / 1e6:.2f}"
            )
    for title, (pku, msr) in PUBLISHED.items():
        print(f"published\t{title}\tPKU {pku:.3f}\tMSR {msr:.3f}")


if __name__ == "__main__":
    main()
