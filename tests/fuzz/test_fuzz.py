"""A short run of every fuzz target: mutated files end well or in a QianruError, fast and in bounded memory."""

from __future__ import annotations

import importlib.util
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

_spec = importlib.util.spec_from_file_location("fuzz_targets", Path(__file__).with_name("targets.py"))
assert _spec is not None
assert _spec.loader is not None
targets = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = targets
_spec.loader.exec_module(targets)

# What a reader takes whatever the size of the file: its pieces, and parsed JSON.
_FIXED = 24_000_000
_INTERESTING = [
    b"\x00",
    b"\xff",
    b" ",
    b"\n",
    b"\t",
    b"9",
    b"-",
    b"e",
    b"{",
    b'"',
    b"]",
    b"\xff\xff\xff\x7f",
    b"1e999",
    b"nan",
    b"\xef\xbb\xbf",
]


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """Edits of a file whose length is not known: what, where (a share of the length), with which bytes."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(["flip", "set", "insert", "drop", "cut", "double"]),
                st.floats(0, 1, exclude_max=True),
                st.sampled_from(_INTERESTING) | st.binary(min_size=1, max_size=9),
            ),
            min_size=1,
            max_size=4,
        )
    )


def mutated(seed: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    data = bytearray(seed)
    for what, where, given_bytes in edits:
        at = int(where * len(data))
        if what == "flip" and data:
            data[at] ^= given_bytes[0] or 1
        elif what == "set":
            data[at : at + len(given_bytes)] = given_bytes
        elif what == "insert":
            data[at:at] = given_bytes
        elif what == "drop":
            del data[at : at + len(given_bytes)]
        elif what == "cut":
            del data[at:]
        elif what == "double":
            data += data[at:]
    return bytes(data)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds_are_valid(name: str) -> None:
    target = targets.TARGETS[name]
    with target.runner() as run:
        for seed in target.seeds()[:1]:
            assert run(seed)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_mutated_files(name: str) -> None:
    target = targets.TARGETS[name]
    seeds = target.seeds()
    tracemalloc.start()
    try:
        with target.runner() as run:

            @settings(max_examples=60, deadline=None)
            @given(st.sampled_from(seeds), mutations())
            def check(seed: bytes, edits: list[tuple[str, float, bytes]]) -> None:
                data = mutated(seed, edits)
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
                started = time.monotonic()
                run(data)
                assert time.monotonic() - started < 20
                assert tracemalloc.get_traced_memory()[1] - before < 4 * len(data) + _FIXED

            check()
    finally:
        tracemalloc.stop()
