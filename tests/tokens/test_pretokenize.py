"""The scanners against the regular expressions that they stand for, as the `tokenizers` package matches them."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from qianru import _core

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{SHORT}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{SHORT}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = {"gpt2": GPT2, "cl100k": CL100K, "qwen2": QWEN2, "o200k": O200K}
SPLITS = {name: pre_tokenizers.Split(Regex(regex), "isolated") for name, regex in PATTERNS.items()}
CHARS = (
    "aZéΣſ中あ가ᄀ一\u0301\u200d😀👩’'stlvermdSTLVE019٣Ⅻ²½ \t\n\r\v\u00a0\u3000\x00\x1c.,/!-_ʰǅ\u0903ª\u0295"
)
TEXTS = st.text(st.one_of(st.sampled_from(CHARS), st.characters(exclude_categories=["Cs"])), max_size=40)


def pieces(text: str, **options: str) -> list[str]:
    return [piece.decode() for piece in _core.pretokenize(text.encode(), **options)]


def at_an_edge(code: int) -> bool:
    """Whether a code point's category differs from that of a neighbour."""
    around = {
        unicodedata.category(chr(c)) for c in range(max(code - 1, 0), min(code + 2, sys.maxunicode + 1))
    }
    return len(around) > 1


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PATTERNS)
def test_every_code_point_belongs_to_the_class_it_has_in_the_expressions(name: str, every: bool) -> None:
    """Each character between ones of other classes, so that a wrong class shows as another cut."""
    codes = [
        code
        for code in range(sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000 and (every or code < 0x800 or at_an_edge(code))
    ]
    frames = ("a{}b 1{}2 .{}! ", "A{}\n{}{}B", "'{}x")
    for frame in frames:
        for start in range(0, len(codes), 1 << 16):
            text = "".join(frame.replace("{}", chr(code)) for code in codes[start : start + (1 << 16)])
            assert pieces(text, pattern=name) == [w for w, _ in SPLITS[name].pre_tokenize_str(text)]


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_any_text_is_cut_as_the_expression_cuts_it(text: str) -> None:
    for name, split in SPLITS.items():
        assert pieces(text, pattern=name) == [w for w, _ in split.pre_tokenize_str(text)], name


def test_a_mark_before_what_is_no_word() -> None:
    for text in (
        "\u0301:",
        "\u0301:a",
        "\u0301",
        "\u0301\u0301:",
        "\u0301A:",
        "\u0301Aa:",
        "\u0301's",
        "\u03011",
        "\u0301 a",
        ":\u0301:",
    ):
        for name, split in SPLITS.items():
            assert pieces(text, pattern=name) == [w for w, _ in split.pre_tokenize_str(text)], (name, text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_numbers_are_cut_off_first(text: str) -> None:
    for digits, individual in (("runs", False), ("each", True)):
        first = pre_tokenizers.Digits(individual_digits=individual)
        split = pre_tokenizers.Sequence([first, SPLITS["gpt2"]])
        assert pieces(text, pattern="gpt2", digits=digits) == [w for w, _ in split.pre_tokenize_str(text)]


def test_patterns_are_known_by_the_text_of_their_expression() -> None:
    assert all(map(_core.knows_pattern, [*PATTERNS, *PATTERNS.values()]))
    assert not _core.knows_pattern(r"\s+")
    for name, regex in PATTERNS.items():
        assert pieces("It'S 2024: ABCdef\n\n  x", pattern=regex) == pieces(
            "It'S 2024: ABCdef\n\n  x", pattern=name
        )
    with pytest.raises(ValueError, match="pattern must be"):
        _core.pretokenize(b"a", pattern=r"\s+")


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_bytes_that_are_not_utf8_do_no_harm(data: bytes) -> None:
    for name in (*PATTERNS, "none"):
        for digits in ("together", "runs", "each"):
            assert b"".join(_core.pretokenize(data, pattern=name, digits=digits)) == data
