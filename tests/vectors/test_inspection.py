"""`inspect_file` lists all that is wrong, and what it calls safe is what repair mends."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError, FormatError
from qianru.vectors import Vectors
from qianru.vectors.inspection import inspect_file

TEXTS = [
    (b"2 2\na 1 2\nb 3 4\n", "word2vec", 2, []),
    (b"a 1 2\nb 3 4\n", "glove", 2, []),
    (b"9 2\na 1 2\nb 3 4\n", "word2vec", 2, ["the header tells of 9 rows, 2 are whole"]),
    (b"2 3\na 1 2\nb 3 4\n", "word2vec", 2, ["the header tells of dim 3, most rows have 2 numbers"]),
    (b"\xef\xbb\xbfa 1 2\nb 3 4\n", "glove", 2, ["a byte order mark at the beginning"]),
    (b"a 1 2\nb 3 4\na 1 2\n", "glove", 3, ["words that came before"]),
    (b"a 1 2\nb 3 4\nc 1", "glove", 2, ["the last row is cut off"]),
    (b"a 1 2\n\xff 3 4\n", "glove", 2, ["words that are not UTF-8"]),
    (b"a 1 2\n\nb 3 4\n", "glove", 2, ["empty lines between rows"]),
    (b"a 1 2\nb 3\nc 1 2\n", "glove", 2, ["rows with too few numbers"]),
    (b"a 1 2\nb 3 4 5\nc 1 2\n", "glove", 2, ["rows with too many numbers"]),
    (
        b"a 1 2\nb 3 nan\nc 1 x\n",
        "glove",
        1,
        ["rows with something that is no number", "rows with NaN, an infinite number or one beyond float32"],
    ),
    (b"a 1e39 2\nb 3.4e38 4\n", "glove", 1, ["rows with NaN, an infinite number or one beyond float32"]),
    (
        b"a " + b"1" * 31 + b"e9 2\nb 3 4\n",
        "glove",
        1,
        ["rows with NaN, an infinite number or one beyond float32"],
    ),
    (b"a 1 2\nb 3 4\rc 5 6\n", "glove", 1, ["rows that end in CR alone"]),
    (b"a 1 2\rb 3 4\n", "glove", 0, ["rows that end in CR alone"]),
    (b"a 1 2\n 3 4\nc 1 2\n", "glove", 2, ["rows without a word"]),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("data", "kind", "n_keys", "problems"), TEXTS)
def test_text(tmp_path: Path, data: bytes, kind: str, n_keys: int, problems: list[str], packed: bool) -> None:
    (tmp_path / "v").write_bytes(gzip.compress(data) if packed else data)
    found = inspect_file(tmp_path / "v")
    assert (found.kind, found.n_keys, found.dim, found.compressed) == (kind, n_keys, 2, packed)
    assert [problem.what for problem in found.problems] == problems
    if all(problem.safe for problem in found.problems):
        mended = Vectors.load(tmp_path / "v", repair=True, errors="surrogateescape")
        assert len(mended) + mended.provenance.get("n_repeated_words_dropped", 0) == n_keys
    else:
        with pytest.raises(FormatError):
            Vectors.load(tmp_path / "v", repair=True, errors="surrogateescape")


def test_what_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"a\t1 2\r\nNew York 1 2\r\n")
    found = inspect_file(tmp_path / "v")
    assert not found.problems
    assert found.facts["lines that end in CR LF"] == 2
    assert found.facts["lines with tabs and spaces"] == 1
    assert found.facts["words with spaces"] == 1


@pytest.mark.parametrize("name", ["v.bin", "v.bin.gz", "v.safetensors", "v.npy", "v.tsv", "folder"])
def test_other_kinds(vectors: Vectors, tmp_path: Path, name: str) -> None:
    vectors.save(tmp_path / name) if name == "folder" else vectors.export(tmp_path / name)
    found = inspect_file(tmp_path / name)
    assert (found.n_keys, found.dim, found.problems) == (len(vectors), vectors.dim, ())


def test_cut_binary_file(vectors: Vectors, tmp_path: Path) -> None:
    vectors.export(tmp_path / "v.bin")
    (tmp_path / "v.bin").write_bytes((tmp_path / "v.bin").read_bytes()[:-20])
    found = inspect_file(tmp_path / "v.bin")
    assert found.n_keys == len(vectors) - 1
    assert [problem.safe for problem in found.problems] == [True]


@pytest.mark.parametrize(
    ("data", "kind", "advice"),
    [
        (b"\x80\x04\x95abc", "pickle", "save_word2vec_format"),
        (b"PK\x03\x04", "zip", "safetensors"),
        (b"\x89HDF\r\n\x1a\n", "hdf5", "h5py"),
        (b"\x28\xb5\x2f\xfdxx", "zstd", "zstd -d"),
        (b"\xff\xfea\0 \0", "utf-16", "iconv"),
        (b"", "empty", "copy"),
        (b"Call me Ishmael.\n", "unknown", "--from"),
    ],
)
def test_what_is_not_opened(tmp_path: Path, data: bytes, kind: str, advice: str) -> None:
    (tmp_path / "v").write_bytes(data)
    found = inspect_file(tmp_path / "v")
    assert found.kind == kind
    assert advice in found.next_step


@pytest.mark.parametrize(
    "data", [gzip.compress(b"2 2\na 1 2\nb 1 2\n", mtime=0)[:-12], b"0 2\na 1 2\n", b"2 0\na\nb\n"]
)
def test_what_cannot_be_read_at_all_is_a_problem(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "v").write_bytes(data)
    (problem,) = inspect_file(tmp_path / "v").problems
    assert not problem.safe


@pytest.mark.parametrize("data", [b"2 2\na 1 2\nb 3 4\n", b"a 1 2\nb 3 4\n"])
def test_gzip_data_cut_anywhere_are_a_problem(tmp_path: Path, data: bytes) -> None:
    packed = gzip.compress(data, mtime=0)
    for end in range(2, len(packed)):
        (tmp_path / "v").write_bytes(packed[:end])
        assert "damaged gzip data" in inspect_file(tmp_path / "v").problems[-1].what
        with pytest.raises(FormatError, match="damaged gzip data"):
            Vectors.load(tmp_path / "v", repair=True)


def test_what_is_left_after_repair_is_told(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"\xef\xbb\xbf0 2\na 1 2\n")
    (problem,) = inspect_file(tmp_path / "v").problems
    assert "n_keys 0" in problem.what
    assert "--repair" not in problem.repair


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such file"):
        inspect_file(tmp_path / "missing")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([b"a 1 2\n", b"b 3 4\n", b"c 1\n", b"\n", b" 1 2\n", b"d e 1 2\n", b"f x 2\n", b"\xff 1 2\n", b"g 1 2 3\n", b"h -4e38 2\n", b"i 1 2\r"]), max_size=8),
    st.sampled_from([b"", b"3 2\n", b"\xef\xbb\xbf"]),
    st.sampled_from([b"", b"z 1 2", b"z 1"]),
)  # fmt: skip
def test_no_problem_is_told_where_it_loads_and_one_where_it_does_not(
    tmp_path: Path, rows, header, tail
) -> None:
    (tmp_path / "v").write_bytes(header + b"".join(rows) + tail)
    found = inspect_file(tmp_path / "v")
    if found.kind not in ("word2vec", "glove") or not found.dim:
        return
    for repair in (False, True):
        problems = [problem for problem in found.problems if not (repair and problem.safe)]
        try:
            loaded = Vectors.load(
                tmp_path / "v", repair=repair, errors="surrogateescape" if repair else "strict"
            )
        except FormatError:
            assert problems or found.n_keys == 0
        else:
            assert not problems
            assert np.isfinite(loaded.to_numpy()).all()
