from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

import qianru.vectors.formats.row_file as reader
from qianru.errors import ArgumentError, OutputError
from qianru.vectors import Vectors, load

NAMES = ["v.bin", "v.txt", "v.vec", "v.text", "v.bin.gz", "v.txt.gz", "V.BIN"]
WORD = st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=9)


@pytest.mark.parametrize("name", NAMES)
def test_comes_back_the_same(vectors: Vectors, tmp_path: Path, name: str) -> None:
    vectors.export(tmp_path / name)
    loaded = load(tmp_path / name)
    assert loaded.keys == vectors.keys
    np.testing.assert_array_equal(loaded.to_numpy(), vectors.to_numpy())
    assert loaded.counts is None
    assert loaded.provenance["source"] == name


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(WORD, min_size=1, max_size=8, unique=True),
    st.integers(1, 9),
    st.sampled_from(["binary", "text"]),
    st.data(),
)
def test_any_words_and_any_floats(tmp_path: Path, words: list[str], dim: int, kind: str, data) -> None:
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    matrix = data.draw(numpy_strategies.arrays(np.float32, (len(words), dim), elements=finite))
    Vectors(words, matrix).export(tmp_path / "v", format=kind, force=True)
    loaded = load(tmp_path / "v")
    assert loaded.keys == words
    np.testing.assert_array_equal(loaded.to_numpy().view(np.uint32), matrix.view(np.uint32))


@pytest.mark.parametrize("piece", [1, 2, 7, 64])
def test_pieces_of_any_size(vectors: Vectors, tmp_path: Path, monkeypatch, piece: int) -> None:
    for name in ("v.bin", "v.txt", "v.txt.gz"):
        vectors.export(tmp_path / name)
        monkeypatch.setattr(reader, "PIECE", 256)
        start = load(tmp_path / name)
        monkeypatch.setattr(reader, "PIECE", 200 + piece)
        assert load(tmp_path / name).fingerprint == start.fingerprint == vectors.fingerprint


def test_text_as_others_write_it(tmp_path: Path) -> None:
    rows = [b"cat 1 -2.50 +3e0 \r\n", b"\xe7\x8c\xab\t1e-60\t.5\t1E2\n", b"c,d   1 2   3"]
    (tmp_path / "v").write_bytes(b" 3  3\r\n" + b"".join(rows))
    loaded = load(tmp_path / "v")
    assert loaded.keys == ["cat", "猫", "c,d"]
    np.testing.assert_array_equal(loaded.to_numpy(), [[1, -2.5, 3], [0, 0.5, 100], [1, 2, 3]])


def test_binary_with_and_without_newlines(tmp_path: Path) -> None:
    matrix = np.arange(1, 7, dtype="<f4").reshape(2, 3)
    for end in (b"", b"\n"):
        data = b"2 3\n" + b"".join(
            w + b" " + row.tobytes() + end for w, row in zip([b"a", b"b"], matrix, strict=False)
        )
        (tmp_path / "v").write_bytes(data)
        loaded = load(tmp_path / "v")
        assert loaded.keys == ["a", "b"]
        np.testing.assert_array_equal(loaded.to_numpy(), matrix)


def test_compressed_files_do_not_hold_the_time(vectors: Vectors, tmp_path: Path) -> None:
    vectors.export(tmp_path / "a.txt.gz")
    vectors.export(tmp_path / "b.txt.gz")
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()).startswith(b"19 10\n")


@pytest.mark.parametrize("word", ["New York", "a\nb", "tab\tbed"])
@pytest.mark.parametrize("name", ["v.bin", "v.txt"])
def test_words_with_white_space_are_refused(tmp_path: Path, word: str, name: str) -> None:
    with pytest.raises(ArgumentError, match="white space"):
        Vectors([word], np.ones((1, 2), np.float32)).export(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_where_to_write(vectors: Vectors, tmp_path: Path) -> None:
    for name in ("v", "v.model", "v.gz"):
        with pytest.raises(ArgumentError, match="format must be"):
            vectors.export(tmp_path / name)
    with pytest.raises(ArgumentError, match="format must be"):
        vectors.export(tmp_path / "v.bin", format="fasttext")
    vectors.export(tmp_path / "v.bin")
    before = (tmp_path / "v.bin").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        vectors.normalise().export(tmp_path / "v.bin")
    assert (tmp_path / "v.bin").read_bytes() == before
    vectors.normalise().export(tmp_path / "v.bin", force=True)
    assert (tmp_path / "v.bin").read_bytes() != before
    with pytest.raises(OutputError, match="is a folder"):
        vectors.export(tmp_path, format="text", force=True)
    with pytest.raises(OutputError, match="cannot be written"):
        vectors.export(tmp_path / "no" / "v.bin")
    assert os.listdir(tmp_path) == ["v.bin"]


def test_broken_and_repeated_words_may_be_repaired(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"4 2\na\xff 1 2\nb 3 4\nb 5 6\n\xe7\x8c 7 8\n")
    loaded = Vectors.load(tmp_path / "v", errors="replace")
    assert loaded.keys == ["a\ufffd", "b", "\ufffd"]
    np.testing.assert_array_equal(loaded.to_numpy(), [[1, 2], [3, 4], [7, 8]])
    assert loaded.provenance["n_words_with_replaced_bytes"] == 2
    assert loaded.provenance["n_repeated_words_dropped"] == 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=12))
def test_replacement_is_python_s(tmp_path: Path, data: bytes) -> None:
    expected = data.decode(errors="replace")
    if set(data) & set(b" \t\r\n"):
        return
    (tmp_path / "v").write_bytes(b"1 1\n" + data + b" " + np.float32(0).tobytes())
    assert Vectors.load(tmp_path / "v", errors="replace").keys == [expected]


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such file"):
        load(tmp_path / "missing")
    with pytest.raises(ArgumentError, match="errors must be"):
        Vectors.load(tmp_path, errors="ignore")


@pytest.mark.parametrize("n", [1, 2, 50])
@pytest.mark.parametrize("first", [b"\n123", b"5\n12", b"51\n2", b"\n\n\n\n"])
def test_a_number_as_first_word_and_a_newline_in_its_floats(tmp_path: Path, n: int, first: bytes) -> None:
    matrix = np.random.default_rng(1).standard_normal((n, 3)).astype(np.float32)
    matrix[0, 0] = np.frombuffer(first, np.float32)[0]
    words = [str(2020 + row) for row in range(n)]
    Vectors(words, matrix).export(tmp_path / "v.bin")
    loaded = load(tmp_path / "v.bin")
    assert list(loaded) == words
    np.testing.assert_array_equal(loaded.to_numpy(), matrix)
