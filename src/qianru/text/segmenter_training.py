"""The weights of a segmenter from text that is cut already, and how well a segmenter cuts such text."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import groupby

from qianru._core import SegmenterTrainer
from qianru.errors import ArgumentError, CorpusError
from qianru.progress import Progress, ProgressCallback
from qianru.text.corpus import Corpus
from qianru.text.han import HanCutter, is_han
from qianru.text.segmenter import Segmenter

_AT_ONCE = 4096  # runs between two reports, and the longest that Ctrl-C waits


@dataclass(frozen=True)
class SegmentationScore:
    """How the words of Han runs found agree with the right ones; a word is right where both its borders are.

    Attributes:
        n_words: right words.
        precision: share of the found words that are right.
        recall: share of the right words that are found.
        f1: harmonic mean of both.
        dictionary_f1: the same of the dictionary alone.
    """

    n_words: int
    precision: float
    recall: float
    f1: float
    dictionary_f1: float


def train_segmenter(
    corpus: Corpus,
    *,
    epochs: int = 8,
    seed: int = 1,
    held_out: float = 0.1,
    progress: ProgressCallback | None = None,
) -> Segmenter:
    """A segmenter from text whose words are cut by white space, a sentence a line (Collins 2002, "Discriminative
    Training Methods for Hidden Markov Models"; docs/math/segmenter.md). The same text and seed give the same weights.

    Only runs of Han characters are learned from. They are cut by the dictionary first, as the corpus is told to
    (`prefer`, `traditional`): use the segmenter with the same.

    Args:
        corpus: the text.
        epochs: passes over it.
        seed: of the order of the runs in each pass.
        held_out: share of the lines on which F1 is measured, after training on the others; then all lines are
            trained on. 0 measures nothing. `provenance["held_out"]` has the figures.
        progress: called a few times a second with stage "held out", then "train"; rates in Han runs.

    Raises:
        ArgumentError: an argument breaks its rule.
        CorpusError: the text has no Han characters, or is not cut.
    """
    if not isinstance(corpus, Corpus):
        raise ArgumentError(
            f"corpus must be a Corpus, not {type(corpus).__name__}", hint='Corpus("words.txt") reads a file.'
        )
    for name, number, least in (("epochs", epochs, 1), ("seed", seed, 0)):
        if type(number) is not int or not least <= number < 1 << 32:
            raise ArgumentError(
                f"{name} must be a whole number from {least} to {(1 << 32) - 1}, got {number!r}",
                hint=f"Leave {name} out for the usual one.",
            )
    if isinstance(held_out, bool) or not isinstance(held_out, (int, float)) or not 0 <= held_out <= 0.5:
        raise ArgumentError(f"held_out must be from 0 to 0.5, got {held_out!r}", hint="0.1 is usual.")
    lines = cut_lines(corpus)
    score = None
    if held_out:
        parts: tuple[list[list[list[str]]], list[list[list[str]]]] = ([], [])
        for number, line in enumerate(lines):
            parts[int((number + 1) * held_out) > int(number * held_out)].append(line)
        if not parts[1]:
            raise ArgumentError(
                f"held_out {held_out} of {len(lines)} lines with Han characters is none",
                hint="Give more text, or held_out=0.",
            )
        first = _train(parts[0], corpus.han_cutter, epochs, seed, "held out", progress, {})
        score = asdict(_score(first, parts[1], corpus.han_cutter))
    about: dict[str, object] = {
        "epochs": epochs,
        "seed": seed,
        "n_lines": len(lines),
        "n_words": sum(len(run) for runs in lines for run in runs),
        "held_out": score,
        "corpus": corpus.settings,
    }
    return _train(lines, corpus.han_cutter, epochs, seed, "train", progress, about)


def score_segmenter(segmenter: Segmenter, corpus: Corpus) -> SegmentationScore:
    """How well it cuts the Han runs of a text whose words are cut by white space.

    Raises:
        CorpusError: the text has no Han characters, or is not cut.
    """
    lines = cut_lines(corpus)
    return _score(segmenter, lines, corpus.han_cutter)


def han_runs(line: str) -> list[list[str]]:
    """The words of each Han run of a line that is cut by white space. White space does not end a run."""
    runs: list[list[str]] = [[]]
    for word in line.split():
        for han, chars in groupby(word, is_han):
            if han:
                runs[-1].append("".join(chars))
            elif runs[-1]:
                runs.append([])
    return runs if runs[-1] else runs[:-1]


def cut_lines(corpus: Corpus) -> list[list[list[str]]]:
    """The Han runs of each line that has any. Raises CorpusError if there are none, or none of them is cut."""
    lines = [runs for line in corpus.lines() if (runs := han_runs(line))]
    if not lines:
        raise CorpusError(f"{corpus!r} has no Han characters", hint="A segmenter cuts nothing else.")
    if all(len(run) == 1 for runs in lines for run in runs):
        raise CorpusError(
            f"no run of Han characters is cut in {corpus!r}", hint="Put a space between each two words."
        )
    return lines


def _join(lines: Iterable[list[list[str]]], cut: HanCutter) -> tuple[str, list[str], list[str]]:
    """Runs joined by line feeds as the dictionary sees them, its words, and the right ones."""
    runs = [run for line in lines for run in line]
    right = [word for run in runs for word in (*run, "\n")][:-1]
    return *cut.by_dictionary("".join(right)), right


def _train(
    lines: list[list[list[str]]],
    cut: HanCutter,
    epochs: int,
    seed: int,
    stage: str,
    progress: ProgressCallback | None,
    about: dict[str, object],
) -> Segmenter:
    trainer = SegmenterTrainer(*_join(lines, cut), seed)
    n_runs = trainer.n_runs
    started = time.monotonic()
    for epoch in range(epochs):
        trainer.begin_epoch()
        for first in range(0, n_runs, _AT_ONCE):
            last = min(first + _AT_ONCE, n_runs)
            trainer.train(first, last)
            if progress is not None:
                n_done, seconds = epoch * n_runs + last, max(time.monotonic() - started, 1e-9)
                rate = n_done / seconds
                progress(
                    Progress(
                        stage,
                        n_done / (epochs * n_runs),
                        rate,
                        "runs",
                        seconds_left=(epochs * n_runs - n_done) / rate,
                    )
                )
    return Segmenter(*trainer.weights(), about)


def _score(segmenter: Segmenter, lines: list[list[list[str]]], cut: HanCutter) -> SegmentationScore:
    text, words, right = _join(lines, cut)
    truth, dictionary, found = _spans(right), _spans(words), _spans(segmenter.cut(text, words))
    n_right = len(truth & found)
    return SegmentationScore(
        n_words=len(truth),
        precision=n_right / len(found),
        recall=n_right / len(truth),
        f1=2 * n_right / (len(found) + len(truth)),
        dictionary_f1=2 * len(truth & dictionary) / (len(dictionary) + len(truth)),
    )


def _spans(words: list[str]) -> set[tuple[int, int]]:
    """Begin and length of each word, of line feeds not."""
    spans, at = set(), 0
    for word in words:
        if word != "\n":
            spans.add((at, len(word)))
        at += len(word)
    return spans
