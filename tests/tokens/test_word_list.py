"""A tokenizer for a list of words: ids are places, Chinese runs are cut, and bad lists are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru.errors import ArgumentError
from qianru.tokens import tokenizer_of_words


def test_ids_are_places_and_special_tokens_come_last() -> None:
    made = tokenizer_of_words(["cat", "the"], special_tokens=["[PAD]", "[MASK]"])
    assert made.vocab == {"cat": 0, "the": 1, "[UNK]": 2, "[PAD]": 3, "[MASK]": 4}
    assert made.unknown_id == 2
    assert tokenizer_of_words(["cat", "the"], special_tokens=["[UNK]", "[PAD]", "[MASK]"]).vocab == made.vocab
    assert made.encode("the cat, the dog [PAD]").tokens == ["the", "cat", "the", "[UNK]", "[UNK]"]


def test_chinese_is_cut_by_counts() -> None:
    words = ["老虎", "森林", "林里", "里", "在", "森"]
    assert tokenizer_of_words(words).encode("老虎在森林里").tokens == ["老虎", "在", "森林", "里"]
    counted = tokenizer_of_words(words, counts=[5, 1, 1000, 1, 9, 1000])
    assert counted.encode("森林里").tokens == ["森", "林里"]


def test_lowercase_is_obeyed() -> None:
    assert tokenizer_of_words(["cat"], lowercase=True).encode("CAT").tokens == ["cat"]
    assert tokenizer_of_words(["cat"]).encode("CAT").tokens == ["[UNK]"]


@given(st.lists(st.text("abc猫虎", min_size=1, max_size=4), min_size=1, max_size=8, unique=True))
@settings(max_examples=60, deadline=None)
def test_each_word_alone_gets_its_own_id(words: list[str]) -> None:
    made = tokenizer_of_words(words)
    for place, word in enumerate(words):
        if word.isascii() or all(char in "猫虎" for char in word):
            assert made.encode(word).ids.tolist() == [place]


def test_bad_lists() -> None:
    for words, options, message in (
        (5, {}, "words must be a list of words, got int"),
        ("abc", {}, "words must be a list of words, got str"),
        ([], {}, "at least one word"),
        (["a", ""], {}, r"words\[1\] '' is empty"),
        (["a", "b", "a"], {}, r"words\[2\] 'a' stands twice"),
        (["[PAD]"], {"special_tokens": ["[PAD]"]}, "stands twice"),
        (["a"], {"counts": [1, 2]}, "2 counts, 1 words"),
        (["a\udcff"], {}, "no UTF-8"),
        (["a"], {"counts": 5}, "counts must be whole numbers from 0 up, one for each word, got 5"),
        (["a"], {"counts": [-1]}, "counts must be whole numbers"),
        (["a"], {"counts": ["1"]}, "counts must be whole numbers"),
        (["a"], {"counts": [2**64]}, "counts must be whole numbers"),
        (["a"], {"special_tokens": [5]}, r"special_tokens\[0\] must be a str, got int"),
        (["a"], {"special_tokens": ["<s>", "<s>"]}, "special_tokens holds '<s>' twice"),
        (["a"], {"special_tokens": "<s>"}, "special_tokens must be a list of texts, got str"),
    ):
        with pytest.raises(ArgumentError, match=message):
            tokenizer_of_words(words, **options)  # type: ignore[arg-type]
