"""Words: rules by example, and the core against its plain twin on any text."""

from __future__ import annotations

import importlib.util
import sys
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qianru._core import UNICODE_VERSION
from qianru.errors import ArgumentError, CorpusError
from qianru.text import Corpus, split_words


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


reference = _load("reference")

# Where scripts and rules meet: joiners, marks, digits of all kinds, emoji with joiners and selectors, jamo, sigma.
BUSY = (
    "aZ éÉßİıΣσςΆЖжאבעّاक्षय१٣กำไลาមြ한글가각각々〇㐀中国银行老虎人民大学生的𠀀𠮷ひらカターｶﾞ゙"
    "'’-‐‑_.,·:;!?“”。，、（）3141ⅣⅧ½²①٫\u00ad\u200b\u200c\u200d\ufe0f\ufeff\u0301\u0327\u0338\u20e3"
    "❤👩🏽‍🚀🇨🇳=<\t\r\n\x00\x1f\x85\u2028\u3000\u00a0\ufffdǅǄﬁ＊Ａａ１"
)
ANY = st.characters(exclude_categories=("Cs",))
if unicodedata.unidata_version != UNICODE_VERSION:  # then only code points that both know
    ANY = st.characters(max_codepoint=0x17FF, exclude_categories=("Cs", "Cn"))
TEXT = st.text(st.one_of(st.sampled_from(BUSY), ANY), max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("用Python训练word2vec模型", "用 Python 训练 word2vec 模型"),
        ("Don't stop: it's state-of-the-art!", "Don't stop it's state-of-the-art"),
        ("l’été -- 'quoted' rock 'n' roll", "l’été quoted rock n roll"),
        ("3.14 and 1,000,000. U.S. v1.2", "3.14 and 1,000,000 U S v1.2"),
        ("snake_case __init__ a__b", "snake_case init a b"),
        ("我在北京大学，你呢？2008年", "我 在 北京大学 你 呢 2008 年"),
        ("iPhoneケース を 買う", "iPhone ケース を 買 う"),
        ("서울에서 Москва ภาษาไทย", "서울에서 Москва ภาษาไทย"),
        ("e\u0301te\u0301", "été"),
        ("❤️ 👩🏽‍🚀 ok", "ok"),
        ("ab\x00cd\x1fef\u200bgh", "ab cd ef gh"),
        ("", ""),
    ],
)
def test_rules_by_example(text: str, words: str) -> None:
    assert split_words(text) == words.split()


def test_words_are_not_normalised_further() -> None:
    assert split_words("ＡＢＣ１２ ﬁne ﹅ Straße") == ["ＡＢＣ１２", "ﬁne", "Straße"]


@pytest.mark.parametrize(
    "word", ["ΟΔΟΣ", "ΣΑΣ", "Σ", "İSTANBUL", "ÀÉ", "ΑΣ'Σ", "ẞ", "ǅ", "ЖЗИ", "A" * 30, "Ⅷ"]
)
def test_lower_case_is_that_of_python(word: str) -> None:
    assert split_words(word, lowercase=True) == [word.lower()]


def test_every_code_point_has_the_class_and_lower_case_python_says() -> None:
    if unicodedata.unidata_version != UNICODE_VERSION:
        pytest.skip(f"this Python knows Unicode {unicodedata.unidata_version}, the tables {UNICODE_VERSION}")
    # Each alone between spaces, after a letter, and between two digits.
    chars = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and c != 10]
    for form in ("{}", "x{}", "1{}2"):
        lines = [unicodedata.normalize("NFC", form.format(c)) for c in chars]
        got = list(Corpus([" ".join(lines)], lowercase=True).words())
        assert got == reference.split_lines(" ".join(lines), lowercase=True)


@settings(max_examples=400, deadline=None)
@given(TEXT, st.booleans())
def test_words_equal_the_plain_twin(text: str, lowercase: bool) -> None:
    assert list(Corpus([text], lowercase=lowercase).words()) == reference.split_lines(
        text, lowercase=lowercase
    )


USER_WORDS = [
    "C++编程",
    "c++",
    "老虎机",
    "国人",
    "e-mail",
    "art",
    "银行",
    "的-",
    "1.5",
    "編",
    "カ",
    "กา",
    "Σ",
    "==",
    "T恤",
    "京大",
]


def is_user_word(word: str) -> bool:
    """The rule of qianru.text.user_words, said once more."""
    normal = unicodedata.normalize("NFC", word)
    return (
        bool(normal)
        and not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cs") for c in normal)
        and unicodedata.category(normal[0])[0] != "M"
    )


ANY_USER_WORD = st.text(st.sampled_from(BUSY + "abC+-.15"), min_size=1, max_size=4).filter(is_user_word)


@settings(max_examples=400, deadline=None)
@given(st.data(), st.booleans())
def test_user_words_equal_the_plain_twin(data: st.DataObject, lowercase: bool) -> None:
    words = st.one_of(st.sampled_from(USER_WORDS), ANY_USER_WORD)
    user_words = data.draw(st.lists(words, min_size=1, max_size=6))
    pieces = st.one_of(st.sampled_from(user_words), st.sampled_from([*USER_WORDS, *BUSY, *"abC+-.15"]), ANY)
    line = "".join(data.draw(st.lists(pieces, max_size=20))).replace("\n", " ")
    got = split_words(line, user_dict=user_words, lowercase=lowercase)
    assert got == reference.split_with_dict(line, user_words, lowercase=lowercase)


@pytest.mark.parametrize(
    ("text", "user_words", "words"),
    [
        ("我学C++编程和C++", ["C++编程", "C++"], "我 学 C++编程 和 C++"),
        ("研究生命起源", ["生命起源"], "研究 生命起源"),
        ("研究生命起源", ["研究生命"], "研究生命 起源"),
        ("state-of-the-art art", ["art"], "state-of-the-art art"),
        ("smart art1 art", ["art"], "smart art1 art"),
        ("c++ x", ["c++"], "c++ x"),
        ("3.145 3.14", ["3.14"], "3.145 3.14"),
        ("他穿T恤衫，买T恤", ["T恤"], "他 穿 T恤 衫 买 T恤"),
        ("他在北京大学的", ["京大"], "他 在 北 京大 学 的"),
        ("北京大学学生", ["北京大学学生", "北京大学"], "北京大学学生"),
        ("北京大学学", ["北京大学学生", "北京大学"], "北京大学 学"),
        ("会C++11和ASP.NET吗", ["C++", ".NET"], "会 C++ 11 和 ASP .NET 吗"),
        ("去AT&T买Go语言书", ["AT&T", "Go语言"], "去 AT&T 买 Go语言 书"),
    ],
)
def test_user_words_are_obeyed(text: str, user_words: list[str], words: str) -> None:
    assert split_words(text, user_dict=user_words) == words.split()


def test_user_words_ignore_case_when_text_is_lowered() -> None:
    assert split_words("学C++编程", user_dict=["c++编程"], lowercase=True) == ["学", "c++编程"]
    assert split_words("学C++编程", user_dict=["c++编程"]) == ["学", "C", "编程"]


def test_user_dictionary_file(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# ours\n老虎机 100 n\n\n  云计算\n", encoding="utf-8-sig")
    assert next(Corpus(["他玩老虎机用云计算"], user_dict=path).words()) == [
        "他",
        "玩",
        "老虎机",
        "用",
        "云计算",
    ]


@pytest.mark.parametrize("bad", [[""], ["a b"], ["a\n"], ["\x00"], ["\u0301a"], ["x" * 1001], [3]])
def test_bad_user_words_are_named(bad: list[str]) -> None:
    with pytest.raises(ArgumentError, match="user_dict, item 0"):
        Corpus(["a"], user_dict=bad)


def test_missing_or_undecodable_dictionary(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot read"):
        Corpus(["a"], user_dict=tmp_path / "none")
    (tmp_path / "gb").write_bytes("老虎".encode("gb18030"))
    with pytest.raises(CorpusError, match="byte 0: not valid UTF-8"):
        Corpus(["a"], user_dict=tmp_path / "gb")


def test_a_text_may_be_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("README").write_text("a", encoding="utf-8")
    assert split_words("README") == ["README"]
    for wrong in (["README"], b"README", None):
        with pytest.raises(ArgumentError, match="text must be a str, not "):
            split_words(wrong)  # type: ignore[arg-type]
