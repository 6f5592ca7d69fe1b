"""Counting: against its plain twin, at any number of threads and any memory, and its answers to bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru import _core
from qianru.errors import ArgumentError
from qianru.progress import Progress
from qianru.static import Cooccurrence, count_cooccurrences
from qianru.static import cooccurrence as module
from qianru.text import Corpus, EncodedCorpus

LINE_END = 0xFFFFFFFF


def encoded(lines: list[list[int]], n_keys: int) -> EncodedCorpus:
    ids = [i for line in lines if line for i in [*line, LINE_END]]
    counts = np.bincount([i for i in ids if i != LINE_END], minlength=n_keys).astype(np.uint64)
    keys = [f"w{i}" for i in range(n_keys)]
    return EncodedCorpus(
        keys, counts, np.array(ids, np.uint32), int(counts.sum()), len(ids), len(lines), len(ids), 0, ""
    )


def twin(lines: list[list[int]], n_keys: int, window: int, *, symmetric: bool, flat: bool) -> np.ndarray:
    """The definition, pair by pair."""
    counts = np.zeros((n_keys, n_keys))
    for line in lines:
        for right in range(len(line)):
            for left in range(max(0, right - window), right):
                weight = 1.0 if flat else 1.0 / (right - left)
                counts[line[right], line[left]] += weight
                if symmetric:
                    counts[line[left], line[right]] += weight
    return counts


def dense(counts: Cooccurrence) -> np.ndarray:
    full = counts.full()
    out = np.zeros((full.n_keys, full.n_keys))
    rows = np.repeat(np.arange(full.n_keys), np.diff(full.offsets).astype(np.int64))
    out[rows, full.columns] = full.values
    assert full.n_entries == len(full.columns) == counts.n_entries
    for row in range(full.n_keys):
        columns = full.columns[int(full.offsets[row]) : int(full.offsets[row + 1])].astype(np.int64)
        assert (np.diff(columns) > 0).all()
    return out


LINES = st.lists(st.lists(st.integers(0, 11), max_size=25), max_size=12)


@settings(deadline=None)
@given(
    lines=LINES,
    window=st.integers(1, 30),
    symmetric=st.booleans(),
    flat=st.booleans(),
    threads=st.integers(1, 3),
)
def test_equals_its_twin(
    lines: list[list[int]], window: int, symmetric: bool, flat: bool, threads: int
) -> None:
    if not any(lines):
        return
    counts = count_cooccurrences(
        encoded(lines, 12),
        window=window,
        symmetric=symmetric,
        weighting="flat" if flat else "inverse",
        threads=threads,
    )
    want = twin(lines, 12, window, symmetric=symmetric, flat=flat)
    np.testing.assert_allclose(dense(counts), want, rtol=1e-6)


@pytest.fixture(scope="module")
def many() -> EncodedCorpus:
    """Enough words that rows are few among the columns, and both ways of ending a row are taken."""
    draw = np.random.default_rng(3)
    lines = [(draw.zipf(1.3, 40) % 5000).tolist() for _ in range(1500)]
    return encoded(lines, 5000)


@pytest.mark.parametrize("symmetric", [True, False])
def test_spilled_parts_and_threads_give_the_same_bits(
    many: EncodedCorpus, symmetric: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MIN_PART", 1000)
    whole = count_cooccurrences(many, window=7, symmetric=symmetric, threads=1)
    assert not isinstance(whole.values, np.memmap)
    for threads, memory in ((3, 1 << 30), (1, 1_500_000), (2, 700_000)):
        again = count_cooccurrences(many, window=7, symmetric=symmetric, threads=threads, memory=memory)
        assert isinstance(again.values, np.memmap) == (memory < 1 << 30)
        np.testing.assert_array_equal(again.offsets, whole.offsets)
        np.testing.assert_array_equal(again.columns, whole.columns)
        np.testing.assert_array_equal(again.values, whole.values)


def test_progress_reaches_the_end(many: EncodedCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MIN_PART", 1000)
    for memory in (1 << 30, 700_000):
        reports: list[Progress] = []
        count_cooccurrences(many, window=7, threads=2, memory=memory, progress=reports.append)
        done = [report.done for report in reports]
        assert done == sorted(done)
        assert done[-1] == pytest.approx(1)


def test_neighbours_are_those_left_after_rare_words_have_gone() -> None:
    corpus = Corpus(["a b rare c", "a b c"]).encode(min_count=2)
    counts = count_cooccurrences(corpus, window=1, weighting="flat")
    b, c = corpus.keys.index("b"), corpus.keys.index("c")
    assert dense(counts)[b, c] == 2


BAD = [
    ({"window": 0}, "window must be a whole number of at least 1, got 0"),
    ({"window": 2.5}, "window"),
    ({"weighting": "cubic"}, "weighting must be one of inverse, flat, got 'cubic'"),
    ({"threads": 0}, "threads"),
    ({"memory": 0}, "memory"),
    ({"memory": 5000}, "memory must be at least"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_input_is_named(many: EncodedCorpus, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        count_cooccurrences(many, **options)


def test_an_id_that_is_no_key_is_refused(many: EncodedCorpus) -> None:
    wrong = dataclasses.replace(many, ids=np.array([0, 7000, LINE_END], np.uint32))
    with pytest.raises(ValueError, match="id 7000 at position 1 is no key"):
        count_cooccurrences(wrong)


def test_merging_checks_its_parts() -> None:
    counter = _core.RowCounter(10)
    one = np.array([1], np.uint64)
    with pytest.raises(ValueError, match="column"):
        counter.merge([(one, np.array([10], np.uint32), one)], 1)
    with pytest.raises(ValueError, match="lengths"):
        counter.merge([(one, np.array([1, 2], np.uint32), one)], 1)
