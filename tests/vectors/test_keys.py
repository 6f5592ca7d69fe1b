from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.vectors.keys import Keys, close_spellings

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=80, unique=True), st.lists(TEXT, max_size=20))
def test_agrees_with_a_list_and_a_dict(words: list[str], others: list[str]) -> None:
    keys, rows = Keys.from_words(words), {word: row for row, word in enumerate(words)}
    assert len(keys) == len(words)
    assert list(keys) == words
    assert keys == words
    assert keys[1:-1] == words[1:-1]
    assert [keys[row] for row in range(-len(words), len(words))] == words * 2
    for word in words + others:
        assert keys.find(word) == rows.get(word, -1)
        assert (word in keys) == (word in rows)
    assert keys.lookup.is_sound()


def test_is_a_sequence() -> None:
    keys = Keys.from_words(["b", "a", "猫"])
    assert keys.index("a") == 1
    assert keys.count("a") == 1
    assert keys.count("x") == 0
    assert "\ud800" not in keys
    assert list(reversed(keys)) == ["猫", "a", "b"]
    assert keys == Keys.from_words(["b", "a", "猫"])
    assert keys != ["b", "a"]
    assert repr(keys) == "Keys(['b', 'a', '猫'], n_keys=3)"
    with pytest.raises(IndexError):
        keys[3]
    with pytest.raises(ValueError, match="not among"):
        keys.index("x")
    with pytest.raises(ValueError, match="not among"):
        keys.index("b", 1)


def edits(a: str, b: str) -> int:
    """The plain twin: optimal string alignment over the whole table, ASCII case folded."""
    a, b = (s.translate({c: c + 32 for c in range(65, 91)}) for s in (a, b))
    table = [[i + j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            best = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, table[i - 2][j - 2] + 1)
            table[i][j] = best
    return table[-1][-1]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("abAB猫狗é", min_size=1, max_size=7), min_size=1, max_size=40, unique=True),
    st.text("abAB猫狗é", min_size=1, max_size=7),
    st.integers(0, 4),
)
def test_close_spellings_agree_with_the_plain_twin(words: list[str], word: str, limit: int) -> None:
    keys = Keys.from_words(words)
    lower = word.translate({c: c + 32 for c in range(65, 91)})
    expected = sorted(
        (edits(word, other), row)
        for row, other in enumerate(words)
        if edits(word, other) <= limit
        and set(lower) & set(other.translate({c: c + 32 for c in range(65, 91)}))
    )
    assert keys.lookup.close_spellings(word.encode(), limit, 5) == [row for _, row in expected[:5]]


def test_close_spellings_of_real_slips() -> None:
    keys = Keys.from_words(
        ["the", "Python", "python", "queen", "queens", "北京", "北京大学", "老虎", "虎", "Straße", "strasse"]
    )
    assert close_spellings(keys, "PYTHON")[:2] == ("python", "Python")
    assert close_spellings(keys, "qeuen")[0] == "queen"
    assert close_spellings(keys, "北京市")[0] == "北京"
    assert set(close_spellings(keys, "大老虎")) == {"老虎", "虎"}
    assert close_spellings(keys, "zzzzzz") == ()
    assert close_spellings(keys, "") == ()
    assert close_spellings(keys, "x" * 100_000) == ()
    assert close_spellings(keys, "\ud800") == ()


def test_close_spellings_are_quick() -> None:
    # 200,000 keys here stand for 1,000,000 in less than half a second.
    rng = np.random.default_rng(0)
    letters = rng.integers(97, 123, size=(200_000, 9), dtype=np.uint8)
    keys = Keys.from_words(dict.fromkeys(row.tobytes().decode() for row in letters))
    begin = time.process_time()  # what else the machine does is not counted
    close_spellings(keys, "abcdefghi")
    assert time.process_time() - begin < 0.3
