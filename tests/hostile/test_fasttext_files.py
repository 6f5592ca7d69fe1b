"""Broken fastText files end in a FormatError with the byte offset: no crash, no hang, bounded memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.errors import FormatError
from qianru.vectors import SubwordRule, SubwordVectors, load
from qianru.vectors.formats.fasttext import read_fasttext
from qianru.vectors.formats.fasttext_model import FastTextArguments, FastTextModel, QuantisedMatrix
from qianru.vectors.formats.fasttext_write import write_fasttext

WORDS = ["猫", "dog", "naïve", "北京大学"]
DIM, N_BUCKETS = 3, 7


def plain(path: Path) -> bytes:
    rng = np.random.default_rng(3)
    SubwordVectors(
        WORDS,
        rng.standard_normal((4, DIM)).astype(np.float32),
        rng.standard_normal((N_BUCKETS, DIM)).astype(np.float32),
        rule=SubwordRule(min_n=1, max_n=3, n_buckets=N_BUCKETS),
        counts=[4, 3, 2, 1],
    ).export(path, force=True)
    return path.read_bytes()


def quantised(path: Path) -> bytes:
    rng = np.random.default_rng(4)
    text = b"".join(word.encode() for word in WORDS) + b"__label__x__label__y"
    ends = np.cumsum([0, *(len(word.encode()) for word in WORDS), 10, 10]).astype(np.uint64)
    codes = QuantisedMatrix(
        rng.integers(0, 256, (4 + 5, 2), dtype=np.uint8),
        rng.standard_normal(256 * DIM).astype(np.float32),
        2,
        rng.integers(0, 256, 4 + 5, dtype=np.uint8),
        rng.random(256, dtype=np.float32),
    )
    matrix = codes.dense()
    model = FastTextModel(
        arguments=FastTextArguments(
            dim=DIM, loss="softmax", model="supervised", n_buckets=N_BUCKETS, min_n=1, max_n=3
        ),
        text=np.frombuffer(text, dtype=np.uint8),
        offsets=ends,
        counts=np.array([4, 3, 2, 1, 3, 3]),
        n_words=4,
        n_tokens=16,
        word_rows=matrix[:4],
        ngram_rows=matrix[4:],
        buckets=np.array([6, 0, 3, 2, 5], dtype=np.uint32),
        output=rng.standard_normal((2, DIM)).astype(np.float32),
        quantised=codes,
    )
    write_fasttext(path, model, force=True)
    return path.read_bytes()


def old(path: Path) -> bytes:
    """Without magic, version, pruned buckets and flags."""
    data = plain(path)
    n_entries = sum(len(word.encode()) + 10 for word in WORDS)
    head, dictionary = data[8 : 8 + 56], data[64 : 64 + 20]
    at = 64 + 28 + n_entries
    n_input = 16 + 4 * DIM * (4 + N_BUCKETS)
    made = head + dictionary + data[92:at] + data[at + 1 : at + 1 + n_input] + data[at + 2 + n_input :]
    path.write_bytes(made)
    return made


MAKERS = {"plain": plain, "quantised": quantised, "old": old}


@pytest.mark.parametrize("kind", MAKERS)
def test_whole_files_are_read(tmp_path: Path, kind: str) -> None:
    MAKERS[kind](tmp_path / "m.bin")
    model = SubwordVectors.load(tmp_path / "m.bin")
    assert list(model.vectors.keys) == WORDS
    assert model.lookup("京大").source == "subwords"
    assert read_fasttext(tmp_path / "m.bin").n_labels == (2 if kind == "quantised" else 0)


def test_old_and_new_are_equal(tmp_path: Path) -> None:
    plain(tmp_path / "new.bin")
    old(tmp_path / "old.bin")
    np.testing.assert_array_equal(
        load(tmp_path / "new.bin").to_numpy(), load(tmp_path / "old.bin").to_numpy()
    )


def test_quantised_comes_back(tmp_path: Path) -> None:
    data = quantised(tmp_path / "m.ftz")
    write_fasttext(tmp_path / "again.ftz", read_fasttext(tmp_path / "m.ftz"), force=False)
    assert (tmp_path / "again.ftz").read_bytes() == data


def changed(data: bytes, at: int, layout: str, *values: int | float) -> bytes:
    raw = struct.pack("<" + layout, *values)
    return data[:at] + raw + data[at + len(raw) :]


# For each: file, where, layout, value, message, offset of the error.
CASES = {
    "version": ("plain", 4, "i", 13, "version 13", 4),
    "old version": ("plain", 4, "i", 3, "version 3", 4),
    "dim 0": ("plain", 8, "i", 0, "dim must be", 8),
    "huge dim": ("plain", 8, "i", 1 << 30, "dim must be", 8),
    "wrong dim": ("plain", 8, "i", 4, "input matrix is", None),
    "loss": ("plain", 32, "i", 9, "loss must be", 8),
    "model": ("plain", 36, "i", 0, "model must be", 8),
    "negative bucket": ("plain", 40, "i", -5, "bucket must be", 8),
    "other bucket": ("plain", 40, "i", 1 << 30, "input matrix is", None),
    "max_n": ("plain", 48, "i", 1 << 30, "maxn must be", 8),
    "huge dictionary": ("plain", 64, "iii", 2**31 - 1, "broken dictionary", 64),
    "negative entries": ("plain", 64, "i", -1, "broken dictionary", 64),
    "pruned": ("plain", 84, "q", -2, "broken dictionary", 64),
    "pruned, not quantised": ("plain", 84, "q", 0, "pruned, but not quantised", None),
    "many pruned": ("quantised", 84, "q", 1 << 40, "ends in the pruned", None),
    "type": ("plain", 92 + 3 + 9, "b", 1, "entry 1: not of its type", 92),
    "negative count": ("plain", 92 + 3 + 1, "q", -1, "entry 1: a negative count", 92),
    "empty word": ("plain", 92, "b", 0, "empty word", 92),
}


@pytest.mark.parametrize("name", CASES)
def test_errors_say_where(tmp_path: Path, name: str) -> None:
    kind, at, layout, value, message, offset = CASES[name]
    data = changed(MAKERS[kind](tmp_path / "good.bin"), at, layout, *([value] * len(layout)))
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(FormatError, match=message) as caught:
        load(tmp_path / "m")
    assert caught.value.path == str(tmp_path / "m")
    if offset is not None:
        assert caught.value.offset == offset


@pytest.mark.parametrize("kind", MAKERS)
def test_every_truncation_is_an_error(tmp_path: Path, kind: str) -> None:
    data = MAKERS[kind](tmp_path / "good.bin")
    for size in range(0, len(data), 1 if len(data) < 1000 else 7):
        (tmp_path / "m").write_bytes(data[:size])
        with pytest.raises(FormatError):
            load(tmp_path / "m")
    (tmp_path / "m").write_bytes(data + b"x")
    with pytest.raises(FormatError, match="bytes after"):
        load(tmp_path / "m")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(MAKERS)), st.booleans(), st.data())
def test_flipped_and_lost_and_foreign_bytes(tmp_path: Path, kind: str, repair: bool, data) -> None:
    broken = bytearray(MAKERS[kind](tmp_path / "good.bin"))
    for _ in range(data.draw(st.integers(1, 4))):
        # Heads and dictionaries are what can be broken; most of a file is numbers.
        at = data.draw(st.integers(0, min(len(broken), 400) - 1))
        match data.draw(st.sampled_from(["flip", "drop", "insert", "set"])):
            case "flip":
                broken[at] ^= 1 << data.draw(st.integers(0, 7))
            case "drop" if len(broken) > 9:
                del broken[at : at + data.draw(st.integers(1, 8))]
            case "insert":
                broken[at:at] = data.draw(st.binary(max_size=8))
            case _:
                broken[at] = data.draw(st.sampled_from(b"\x00\xff\x01\x7f\x80"))
    (tmp_path / "m").write_bytes(bytes(broken))
    with contextlib.suppress(FormatError):
        model = SubwordVectors.load(tmp_path / "m", errors="replace" if repair else "strict")
        assert np.isfinite(model.vectors.to_numpy()).all()
        model.lookup("anything")


def test_not_finite(tmp_path: Path) -> None:
    data = plain(tmp_path / "good.bin")
    (tmp_path / "m").write_bytes(data[:-4] + struct.pack("<f", float("nan")))
    with pytest.raises(FormatError, match="row 3 of the output matrix holds NaN"):
        load(tmp_path / "m")


def test_words_that_are_not_utf8_or_come_twice(tmp_path: Path) -> None:
    data = plain(tmp_path / "good.bin")
    (tmp_path / "m").write_bytes(data.replace("猫".encode(), b"\xff\xfeg"))
    with pytest.raises(FormatError, match="not UTF-8"):
        load(tmp_path / "m")
    assert load(tmp_path / "m", errors="replace").keys[0] == "��g"
    (tmp_path / "m").write_bytes(data.replace("猫".encode(), b"dog"))
    with pytest.raises(FormatError, match="comes twice"):
        load(tmp_path / "m")
    model = SubwordVectors.load(tmp_path / "m", errors="replace")
    assert list(model.vectors.keys) == ["dog", "naïve", "北京大学"]


def test_memory_stays_near_the_size_of_the_file(tmp_path: Path) -> None:
    data = plain(tmp_path / "good.bin")
    entries = struct.pack("<3iqq", 4000, 4000, 0, 4, -1) + b"word\0" * 30_000
    (tmp_path / "m").write_bytes(data[:64] + entries)
    tracemalloc.start()
    with pytest.raises(FormatError):
        load(tmp_path / "m")
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()
