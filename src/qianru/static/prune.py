"""A model made smaller by leaving words out; the rows that stay are the same bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qianru.errors import ArgumentError, CorpusError
from qianru.progress import ProgressCallback
from qianru.static.settings import at_least, available_threads
from qianru.text import Corpus, EncodedCorpus
from qianru.vectors import Vectors

_N_SHOWN = 20


@dataclass(frozen=True)
class PruneReport:
    """What `prune` left out.

    n_before, n_after: words. n_bytes_gone: of vectors. gone: for each rule, how many words it alone rules
    out. words_gone: some of the words left out, most frequent first (or in row order without counts).
    count_gone: share of all counted occurrences that fell on words left out, None without counts.
    """

    n_before: int
    n_after: int
    n_bytes_gone: int
    gone: dict[str, int]
    words_gone: tuple[str, ...]
    count_gone: float | None


def prune(
    vectors: Vectors,
    *,
    min_count: int | None = None,
    words: str | Path | Iterable[str] | None = None,
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str] | None = None,
    max_vocab: int | None = None,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[Vectors, PruneReport]:
    """Keep the words that every rule given lets through, in the order they have.

    Args:
        vectors: the model.
        min_count: keep words counted at least so often when the model was trained.
        words: keep only these: an iterable, or a file with one a line.
        corpus: keep only words that occur in this text, read as the model's own was.
        max_vocab: of what the other rules let through keep so many, by count, or without counts the first.
        threads, progress: for reading the corpus.

    Raises:
        ArgumentError: no rule, a rule that leaves no word, a bad file, or min_count without counts.
        UnknownWordError: a word of the list is not in the model.
        CorpusError: the text cannot be read.
    """
    if min_count is None and words is None and corpus is None and max_vocab is None:
        raise ArgumentError(
            "prune needs at least one rule", hint="Give min_count, words, corpus or max_vocab (--help)."
        )
    for name, value in (("min_count", min_count), ("max_vocab", max_vocab)):
        if value is not None:
            at_least(name, value, 1)
    kept: dict[str, NDArray[np.bool_]] = {}
    counts = vectors.counts
    if min_count is not None:
        if counts is None:
            raise ArgumentError(
                "min_count needs counts, and this model has none",
                hint="Models in word2vec files have none; use max_vocab, words or corpus.",
            )
        kept["min_count"] = counts >= min_count
    if words is not None:
        kept["words"] = _mask(vectors, vectors.rows(_listed(words)))
    if corpus is not None:
        kept["corpus"] = _mask(vectors, _occurring(vectors, corpus, threads, progress))
    stays = np.ones(len(vectors), np.bool_)
    for mask in kept.values():
        stays &= mask
    if max_vocab is not None:
        rows = np.flatnonzero(stays)
        order = (
            np.argsort(-counts[rows].astype(np.int64), kind="stable")
            if counts is not None
            else np.arange(len(rows))
        )
        kept["max_vocab"] = _mask(vectors, rows[order[:max_vocab]])
        # The words that the others had ruled out are not its doing.
        kept["max_vocab"] |= ~stays
        stays &= kept["max_vocab"]
    if not stays.any():
        raise ArgumentError(
            f"no word is left: {', '.join(f'{name} keeps {int(m.sum())}' for name, m in kept.items())}",
            hint="Loosen a rule.",
        )
    return _pruned(vectors, stays, kept, {"min_count": min_count, "max_vocab": max_vocab})


def _pruned(
    vectors: Vectors, stays: NDArray[np.bool_], kept: dict[str, NDArray[np.bool_]], rules: dict[str, object]
) -> tuple[Vectors, PruneReport]:
    counts = vectors.counts
    rows, gone = np.flatnonzero(stays), np.flatnonzero(~stays)
    step = {
        "step": "prune",
        "parent": vectors.fingerprint,
        "n_keys_before": len(vectors),
        **{name: rules.get(name, True) for name in kept},
    }
    pruned = vectors.take_rows(rows, step)
    shown, share = gone[:_N_SHOWN], None
    if counts is not None:
        shown = gone[np.argsort(-counts[gone].astype(np.int64), kind="stable")[:_N_SHOWN]]
        share = float(counts[gone].sum()) / max(float(counts.sum()), 1.0)
    report = PruneReport(
        len(vectors),
        len(pruned),
        len(gone) * vectors.dim * 4,
        {name: int((~mask).sum()) for name, mask in kept.items()},
        tuple(vectors.keys[row] for row in shown.tolist()),
        share,
    )
    return pruned, report


def _mask(vectors: Vectors, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(len(vectors), np.bool_)
    mask[rows] = True
    return mask


def _listed(words: str | Path | Iterable[str]) -> list[str]:
    if not isinstance(words, (str, Path)):
        listed = list(words)
    else:
        try:
            lines = Path(words).read_text(encoding="utf-8-sig").split("\n")
        except OSError as error:
            raise ArgumentError(
                f"words: cannot read {words}: {error.strerror}", hint="It is a file with one word a line."
            ) from None
        except UnicodeDecodeError as error:
            raise ArgumentError(f"words: {words}, byte {error.start}: not valid UTF-8") from None
        listed = [word for line in lines if (word := line.strip())]
    if not listed:
        raise ArgumentError("words holds no word", hint="It has one word a line.")
    return listed


def _occurring(
    vectors: Vectors,
    corpus: Corpus | EncodedCorpus | str | Path | Iterable[str],
    threads: int | None,
    progress: ProgressCallback | None,
) -> NDArray[np.int64]:
    """The rows of the words that occur in the text."""
    if isinstance(corpus, EncodedCorpus):
        found = corpus.keys
    else:
        source = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
        found = source.encode(
            min_count=1, threads=available_threads() if threads is None else threads, progress=progress
        ).keys
    rows = vectors.rows(found, unknown="skip")
    rows = rows[rows >= 0]
    if not len(rows):
        raise CorpusError(
            f"none of the {len(found)} different words of the text is in the model",
            hint="Is it the right text, in the language and letter case of the model?",
        )
    return rows
