"""How large and how quick the models of the report are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qianru.evaluate.report_markup import Child, megabytes, table
from qianru.evaluate.report_phrases import phrase
from qianru.evaluate.report_subject import Measured, Section, Subject
from qianru.evaluate.space import Space
from qianru.vectors import Encoder, Vectors

BATCH = 256


def measure_space(space: Space, path: Path | None) -> Measured:
    """Size and speed of words' vectors; the time to open them where their path is known. About a second for a large model."""
    vectors, rows = space.vectors, np.arange(space.n_words)
    drawn = np.random.default_rng(1).choice(rows, size=min(BATCH, len(rows)), replace=False)
    words = [vectors.keys[row] for row in drawn.tolist()]
    # The first search takes the lengths of all rows.
    vectors.similar(words[0], k=10)
    single = _median_seconds(lambda at: vectors.similar(words[at % len(words)], k=10), least=5, budget=0.2)
    batch = _median_seconds(lambda _: vectors.similar(words, k=10), least=2, budget=0.4)
    opened = None
    if path is not None:
        opened = 1e3 * _median_seconds(lambda _: Vectors.load(path), least=1, budget=0.2)
    return Measured(
        on_disk=size_on_disk(path),
        in_memory=len(vectors) * vectors.dim * 4,
        open_ms=opened,
        query_ms=1e3 * single,
        rate=len(words) / batch,
    )


def measure_texts(encoder: Encoder, texts: Sequence[str], measured: Measured) -> Measured:
    """The same, and how quick texts are encoded: the first BATCH of them at once, and one after the other."""
    texts = texts[:BATCH]
    if not texts:
        return measured
    # The first call makes what later ones use.
    encoder.encode(texts[:4])
    single = _median_seconds(lambda at: encoder.encode([texts[at % len(texts)]]), least=3, budget=0.3)
    batch = _median_seconds(lambda _: encoder.encode(texts), least=1, budget=0.4)
    return replace(measured, text_ms=1e3 * single, text_rate=len(texts) / batch, n_texts=len(texts))


def size_on_disk(path: Path | None) -> int | None:
    """Bytes of a file, or of all files of a folder; None where there is no path."""
    if path is None:
        return None
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return sum(one.stat().st_size for one in files)


def _median_seconds(run: Callable[[int], object], *, least: int, budget: float) -> float:
    taken: list[float] = []
    while len(taken) < least or (sum(taken) < budget and len(taken) < 100):
        begin = time.perf_counter()
        run(len(taken))
        taken.append(time.perf_counter() - begin)
    return max(float(np.median(taken)), 1e-9)


def speed(subjects: Sequence[Subject], threads: int) -> Section:
    """Size and speed side by side; a dash for what a kind of model does not have, or what was not measured."""

    def milliseconds(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f} ms"

    def a_second(name: str, value: float | None) -> Child:
        return "–" if value is None else phrase(name, n=f"{value:,.0f}")

    def one_hot(one: Subject) -> str:
        return "–" if one.space is None else megabytes(len(one.space.vectors) ** 2 * 4)

    measured = [one.measured for one in subjects]
    rows: list[list[Child]] = [
        [phrase("on_disk"), *(megabytes(one.on_disk) for one in measured)],
        [phrase("in_memory"), *(megabytes(one.in_memory) for one in measured)],
    ]
    if any(one.space is not None for one in subjects):
        rows += [
            [phrase("as_one_hot"), *map(one_hot, subjects)],
            [phrase("open_ms"), *(milliseconds(one.open_ms) for one in measured)],
            [phrase("query_ms"), *(milliseconds(one.query_ms) for one in measured)],
            [phrase("batch_rate", n=BATCH), *(a_second("a_second", one.rate) for one in measured)],
        ]
    if n_texts := max(one.n_texts for one in measured):
        rows += [
            [phrase("text_ms"), *(milliseconds(one.text_ms) for one in measured)],
            [
                phrase("text_rate", n=n_texts),
                *(a_second("texts_a_second", one.text_rate) for one in measured),
            ],
        ]
    caption = phrase("speed_note", threads=threads)
    heads: list[Child] = ["", *(one.name for one in subjects)]
    return Section("speed", table(heads, rows, caption=caption, numeric=range(1, len(heads))))
