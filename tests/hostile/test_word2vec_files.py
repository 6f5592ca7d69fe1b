"""Broken word2vec files end in a FormatError with the byte offset: no crash, no hang, bounded memory."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qianru.vectors.formats.row_file as reader
from qianru.errors import FormatError
from qianru.vectors import Vectors


def load(path: Path, errors: str = "strict") -> Vectors:
    return Vectors.load(path, errors=errors, format="word2vec")


ROW = np.array([1, 2, 3], "<f4").tobytes()
NAN = np.array([1, np.nan, 3], "<f4").tobytes()
INFINITE = np.array([1, 2, -np.inf], "<f4").tobytes()

CASES = {
    "empty": (b"", "is empty", 0),
    "no header": (b"hello world\n", "first line must be", 0),
    "no line end": (b"2 3", "first line must be", 0),
    "one number": (b"2\na 1 2\n", "first line must be", 0),
    "three numbers": (b"2 3 4\n", "first line must be", 0),
    "negative": (b"-2 3\n", "first line must be", 0),
    "header bit": (b"2 s\na " + ROW, "first line must be", 0),
    "nul": (bytes(100), "first line must be", 0),
    "zero rows": (b"0 3\n", "at least 1", 0),
    "zero dim": (b"2 0\na \nb \n", "at least 1", 0),
    "huge dim": (b"1 99999999999\na 1\n", "at most", 0),
    "too many rows": (b"1000000000000 300\na " + ROW, "too small", 0),
    "one row too many": (b"3 3\na " + ROW + b"\nb " + ROW + b"\n", "too small", 0),
    "binary cut": (b"2 3\na " + ROW + b"\nlonger_word " + ROW[:7], "ends in row 2 of 2", 38),
    "binary with more": (b"1 3\na " + ROW + b"\nb " + ROW, "bytes after", 18),
    "binary nan": (b"2 3\na " + ROW + b"\nb " + NAN, "row 2: .*NaN", 25),
    "binary infinity": (b"1 3\na " + INFINITE, "row 1: .*infinite", 14),
    "binary empty word": (b"2 3\na " + ROW + b"\n  " + ROW, "without a word", 19),
    "binary bad utf-8": (b"2 3\na " + ROW + b"\nab\xff " + ROW, "not UTF-8", 21),
    "binary endless word": (b"2 3\na " + ROW + b"\n" + b"x" * 20_000, "no end of the word", 19),
    "binary repeated": (b"2 3\na " + ROW + b"\na " + ROW, "'a' comes twice, in rows 1 and 2", None),
    "text cut": (b"3 2\na 1 2\nb 3 4\n             ", "ends in row 3|without a word|0 numbers", 16),
    "text short row": (b"2 3\na 1 2 3\nbcd 1 2\n", "line 3: 2 numbers where dim is 3", 12),
    "text cut number": (b"2 3\na 1 2 3\nbcdefgh 1 2", "line 3: 2 numbers", 12),
    "text with more": (b"1 2\na 1 2\nb 1 2\n", "bytes after", 10),
    "one number more": (b"2 2\na 1 2\nb 0 1 2\n", "line 3: 3 numbers where dim is 2", 10),
    "one number more in the first row": (b"2 2\na 0 1 2\nb 1 2\n", "line 2: 3 numbers where dim is 2", 4),
    "space before the word": (b"2 2\na 1 2\n b 1 2\n", "line 3: 3 numbers where dim is 2", 10),
    "no number": (b"2 2\na 1 2\nb 1 x2\n", "line 3: not a number", 14),
    "comma": (b"2 2\na 1 2\nb 1,5 2\n", "line 3: not a number", 12),
    "hexadecimal": (b"2 2\na 1 2\nb 0x10 2\n", "line 3: not a number", 12),
    "text nan": (b"2 2\na 1 2\nb nan 2\n", "line 3: .*NaN", 12),
    "text infinity": (b"2 2\na 1 2\nb 1 -inf\n", "line 3: .*infinite", 14),
    "text too large": (b"2 2\na 1 2\nb 1 1e39\n", "line 3: .*infinite", 14),
    "text far too large": (b"2 2\na 1 2\nb 1 1e999\n", "line 3: .*infinite", 14),
    "text empty line": (b"2 2\na 1 2\n\nb 1 2\n", "line 3: 0 numbers|without a word", 10),
    "text empty word": (b"2 2\na 1 2\n 1 2\n      ", "without a word", 10),
    "text bad utf-8": (b"2 2\na 1 2\nb\xff 1 2\n", "line 3: .*not UTF-8", 11),
    "text surrogate": (b"2 2\na 1 2\n\xed\xa0\x80 1 2\n", "not UTF-8", 10),
    "text overlong": (b"2 2\na 1 2\n\xc0\xaf 1 2\n", "not UTF-8", 10),
    "text repeated": (b"2 2\na 1 2\na 3 4\n", "'a' comes twice", None),
    "text endless line": (b"2 2\na 1 2\n" + b"9" * 40_000, "no end of the line", 10),
}


# What a compressed file may hold is not known so exactly.
UNKNOWN_SIZE = ("empty", "one row too many")


@pytest.mark.parametrize(
    ("name", "compressed"), [(n, c) for n in CASES for c in (False, True) if not (c and n in UNKNOWN_SIZE)]
)
def test_errors_say_where(tmp_path: Path, name: str, compressed: bool) -> None:
    data, message, offset = CASES[name]
    (tmp_path / "v").write_bytes(gzip.compress(data) if compressed else data)
    with pytest.raises(FormatError, match=message) as caught:
        load(tmp_path / "v")
    assert caught.value.offset == offset
    assert caught.value.path == str(tmp_path / "v")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("piece", [1, 5, 16])
def test_errors_do_not_depend_on_the_pieces(tmp_path: Path, monkeypatch, name: str, piece: int) -> None:
    data, message, offset = CASES[name]
    # Header and format are seen from the first piece, so that must hold the first row.
    monkeypatch.setattr(reader, "PIECE", min(len(data), 20 + piece) or 1)
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(FormatError, match=message) as caught:
        load(tmp_path / "v")
    assert caught.value.offset == offset


def valid(kind: str, tmp_path: Path) -> bytes:
    words = ["猫", "dog", "naïve", "don't", "北京大学", "x" * 40]
    matrix = np.random.default_rng(3).standard_normal((6, 5)).astype(np.float32)
    path = tmp_path / f"valid{kind}"
    Vectors(words, matrix).export(path, force=True)
    return path.read_bytes()


@pytest.mark.parametrize("kind", [".bin", ".txt", ".bin.gz", ".txt.gz"])
def test_every_truncation_is_an_error(tmp_path: Path, kind: str) -> None:
    data = valid(kind, tmp_path)
    whole = load(tmp_path / f"valid{kind}")
    for size in range(len(data)):
        (tmp_path / "v").write_bytes(data[:size])
        try:
            loaded = load(tmp_path / "v")
        except FormatError:
            continue
        # Text cannot show that its last number lost digits; a last newline is not missed in either.
        assert loaded.keys == whole.keys
        assert kind == ".txt" or size == len(data) - 1
        np.testing.assert_array_equal(loaded.to_numpy()[:-1], whole.to_numpy()[:-1])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([".bin", ".txt", ".bin.gz", ".txt.gz"]), st.booleans(), st.data())
def test_flipped_and_lost_and_foreign_bytes(tmp_path: Path, kind: str, repair: bool, data) -> None:
    broken = bytearray(valid(kind, tmp_path))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        match data.draw(st.sampled_from(["flip", "drop", "insert", "set"])):
            case "flip":
                broken[at] ^= 1 << data.draw(st.integers(0, 7))
            case "drop" if len(broken) > 9:
                del broken[at : at + data.draw(st.integers(1, 8))]
            case "insert":
                broken[at:at] = data.draw(st.binary(max_size=8))
            case _:
                broken[at] = data.draw(st.sampled_from(b" \n\t\x00\xff09-e"))
    (tmp_path / "v").write_bytes(bytes(broken))
    try:
        loaded = load(tmp_path / "v", errors="replace" if repair else "strict")
    except FormatError:
        return
    assert np.isfinite(loaded.to_numpy()).all()
    assert len(set(loaded.keys)) == len(loaded)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**12), st.integers(0, 10**12), st.binary(max_size=200))
def test_any_header_over_any_bytes(tmp_path: Path, n_keys: int, dim: int, data: bytes) -> None:
    (tmp_path / "v").write_bytes(f"{n_keys} {dim}\n".encode() + data)
    with contextlib.suppress(FormatError):
        load(tmp_path / "v")


def test_memory_stays_near_the_size_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "claims.bin").write_bytes(b"4000000000 1000\n" + b"a" * 100_000)
    (tmp_path / "claims.gz").write_bytes(gzip.compress(b"40000000 1000\n" + b"a " * 100_000))
    for name in ("claims.bin", "claims.gz"):
        tracemalloc.start()
        with pytest.raises(FormatError, match="too small"):
            load(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        tracemalloc.stop()


def test_damaged_gzip(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(b"2 2\na 1 2\nb 3 4\n"))
    data[-8] ^= 1  # its checksum
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(FormatError, match="gzip"):
        load(tmp_path / "v")
