"""Preferred words, and traditional text by way of simplified."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru._core import Encoder
from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus, split_words
from qianru.text.han import HanCutter, is_han, read_preferred


def test_a_preferred_word_is_found() -> None:
    assert split_words("石墨烯电池") == ["石墨", "烯", "电池"]
    assert split_words("石墨烯电池", prefer=["石墨烯"]) == ["石墨烯", "电池"]
    # Other texts are cut as before: the dictionary of one corpus is not that of another.
    assert split_words("石墨烯电池") == ["石墨", "烯", "电池"]


def test_preferring_is_less_than_demanding() -> None:
    # 中将 is a word; 将有 would break two better ones.
    text = "会议中将有讨论"
    assert split_words(text, prefer={"将有": 1}) == split_words(text)
    assert "将有" in split_words(text, prefer={"将有": 1_000_000})
    assert "将有" in split_words(text, user_dict=["将有"])


def test_a_file_of_preferred_words(tmp_path: Path) -> None:
    path = tmp_path / "prefer.txt"
    path.write_text("# words\n石墨烯 100 n\n\n碳纳米管\n", encoding="utf-8")
    assert read_preferred(path) == {"石墨烯": 100, "碳纳米管": 0}
    corpus = Corpus(["石墨烯和碳纳米管"], prefer=path)
    assert list(corpus.words()) == [["石墨烯", "和", "碳纳米管"]]
    assert corpus.encode(min_count=1).keys
    for name in (tmp_path / "none.txt", "a\0b", "\ud800"):
        with pytest.raises(CorpusError, match="prefer: cannot read"):
            Corpus(["a"], prefer=name)


@pytest.mark.parametrize(
    ("prefer", "message"),
    [
        (["C++"], "holds other than Han characters"),
        (["石墨 烯"], "white space"),
        ([3], "a word must be a str, not int"),
        ({"石墨烯": 0.5}, "the frequency must be a whole number"),
        ({"石墨烯": -1}, "the frequency must be a whole number"),
        ({"石墨烯": 10**9}, "the frequency must be a whole number"),
        (3, "prefer must be the path of a file, a list of words or a dict, not int"),
    ],
)
def test_wrong_words(prefer: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Corpus(["a"], prefer=prefer)  # type: ignore[arg-type]


def test_without_opencc_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from qianru.text import han

    han._simplifier.cache_clear()
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(ArgumentError, match="traditional needs OpenCC"):
        Corpus(["a"], traditional=True)
    han._simplifier.cache_clear()


def test_traditional_text_is_cut_as_simplified() -> None:
    pytest.importorskip("opencc", reason="OpenCC is not installed")
    text = "電腦軟體與圖書館"
    plain, cut = split_words("电脑软体与图书馆"), split_words(text, traditional=True)
    assert "".join(cut) == text
    assert [len(word) for word in cut] == [len(word) for word in plain]
    assert split_words("石墨烯電池", traditional=True, prefer=["石墨烯"]) == ["石墨烯", "電池"]


@settings(max_examples=200, deadline=None)
@given(text=st.text("電腦软件與图書館乾隆麼么著髮发\U00020000后後\n", max_size=30))
def test_places_stay_where_they_are(text: str) -> None:
    pytest.importorskip("opencc", reason="OpenCC is not installed")
    words = HanCutter({}, traditional=True)(text)
    assert len("".join(words)) == len(text)
    for line in Corpus([text], traditional=True).words():
        assert "".join(line) in text


def test_a_form_of_another_length_is_left_alone() -> None:
    cutter = HanCutter({}, traditional=False)
    cutter._simplify = lambda run: run.replace("圖", "图书")
    assert "".join(cutter("圖書館\n电脑")) == "圖書館\n电脑"


def test_han_is_what_the_core_hands_out() -> None:
    chars = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    encoder = Encoder(False)
    encoder.scan(" ".join(2 * char for char in chars).encode())  # one alone is a word without the dictionary
    handed: set[str] = set()
    while runs := encoder.take_han(1 << 20):
        handed.update(runs.split("\n"))
        encoder.put_words(list(runs))
    assert {2 * char for char in chars if is_han(char)} == handed
