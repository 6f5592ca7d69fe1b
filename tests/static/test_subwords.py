"""The n-grams of words against a plain twin of fastText's rule, over any text."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qianru import _core

TEXT = st.text(alphabet=st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=12)


def twin_hash(data: bytes) -> int:
    value = 2166136261
    for byte in data:
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value


def twin(word: str, min_n: int, max_n: int, n_buckets: int) -> list[int]:
    if word == "</s>":
        return []
    text = f"<{word}>"
    return [
        twin_hash(text[i : i + n].encode()) % n_buckets
        for i in range(len(text))
        for n in range(min_n, max_n + 1)
        if n >= 1 and i + n <= len(text) and not (n == 1 and i in (0, len(text) - 1))
    ]


@given(st.binary(max_size=40))
def test_hash_of_any_bytes(data: bytes) -> None:
    assert _core.subword_hash(data) == twin_hash(data)
    assert _core.subword_hash(data[3:], _core.subword_hash(data[:3])) == twin_hash(data)


@given(TEXT | st.just("</s>"), st.integers(0, 5), st.integers(0, 8), st.integers(1, 3000))
def test_buckets_of_any_word(word: str, min_n: int, max_n: int, n_buckets: int) -> None:
    found = _core.subwords(word.encode(), min_n=min_n, max_n=max_n, n_buckets=n_buckets)
    assert found.tolist() == twin(word, min_n, max_n, n_buckets)


@given(st.lists(TEXT, max_size=8))
def test_lists_are_those_of_the_words(words: list[str]) -> None:
    encoded = [word.encode() for word in words]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.uint64)
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    ends, values = _core.subword_lists(data, offsets, min_n=2, max_n=4, n_buckets=977)
    for i, word in enumerate(words):
        assert values[int(ends[i]) : int(ends[i + 1])].tolist() == twin(word, 2, 4, 977)


def test_known_values() -> None:
    # FNV-1a of ASCII has its published values; a byte above 127 is extended with its sign.
    assert _core.subword_hash(b"") == 0x811C9DC5
    assert _core.subword_hash(b"a") == 0xE40C292C
    assert _core.subword_hash(b"foobar") == 0xBF9CF968
    assert _core.subword_hash("猫".encode()) == twin_hash("猫".encode())


def test_means() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    first = np.full((3, 3), 8, dtype=np.float32)
    offsets = np.array([0, 2, 2, 4], dtype=np.uint64)
    lists = np.array([0, 3, _core.ZERO_ROW, _core.NO_ROW], dtype=np.uint32)
    out = np.empty((3, 3), dtype=np.float32)
    _core.mean_rows(first, rows, offsets, lists, out)
    np.testing.assert_allclose(out, [(8 + rows[0] + rows[3]) / 3, first[1], first[2] / 2])
    _core.mean_rows(None, rows, offsets, lists, out)
    np.testing.assert_allclose(out, [(rows[0] + rows[3]) / 2, np.zeros(3), np.zeros(3)])
