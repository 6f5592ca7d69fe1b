"""Sentences of a test that stand in a text are found, whatever their spacing and case; others are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianru.errors import ArgumentError
from qianru.evaluate import Triples, WordInContext, contamination
from qianru.evaluate.contamination import pieces
from qianru.progress import Progress
from qianru.text import Corpus


def wic(*sentences: tuple[str, str]) -> WordInContext:
    return WordInContext("wic", tuple(("w", a, b, 0, 1, 0, 1, True) for a, b in sentences))


def test_found_partly_short_and_clean() -> None:
    data = wic(
        ("The bank raised its interest rates again.", "We sat on the bank of the river Thames."),
        ("The bank raised its interest rates again!", "This sentence stands nowhere in the text."),
        ("Too short.", "Yes."),
        ("Nobody ever wrote this sentence before.", "Nor was this one to be seen anywhere."),
        ("银行今天上午又提高了利率", "他们坐在泰晤士河的岸边聊天。"),
    )
    text = [
        "First. the BANK raised its interest rates, again. And more",
        "we sat on the bank of the river  Thames",
        "他说:银行今天上午又提高了利率。他们坐在泰晤士河的岸边，聊天！",
    ]
    (found,) = contamination([data], text)
    assert (found.n_items, found.n_found, found.n_partly, found.n_short) == (5, 1, 2, 1)
    assert found.first == (0,)
    (found,) = contamination([data], [*text, "银行今天上午又提高了利率"])
    assert found.first == (0, 4)


def test_a_sentence_too_short_to_tell_is_not_found() -> None:
    there = "The bank raised its interest rates again."
    data = wic((there, "Yes."), ("No.", "Nobody ever wrote this sentence before."), (there, there))
    (found,) = contamination([data], [there])
    assert (found.n_found, found.n_partly, found.n_short, found.first) == (1, 1, 0, (2,))


def test_a_corpus_tells_how_far_it_is(tmp_path: Path) -> None:
    data = wic(("The bank raised its interest rates again.", "We sat on the bank of the river Thames."))
    path = tmp_path / "text.txt"
    path.write_text("nothing to see here\n" * 200_000 + "The bank raised its interest rates again\n")
    told: list[Progress] = []
    (found,) = contamination([data], Corpus(path), progress=told.append)
    assert found == contamination([data], Corpus(path).lines())[0]
    assert found.n_partly == 1
    assert len(told) > 1
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[-1].done == pytest.approx(1)
    assert all(one.stage == "leaks" and one.unit == "B" and one.rate > 0 for one in told)


def test_a_part_of_a_sentence_is_not_the_sentence() -> None:
    data = wic(("the cat sat on the mat all day", "the cat sat on the mat all day"))
    assert contamination([data], ["and the cat sat on the mat all day long"])[0].n_found == 0
    assert contamination([data], ["The cat sat. On the mat all day"])[0].n_found == 0
    assert contamination([data], ["The cat sat on the mat -- all day"])[0].n_found == 1


def test_words_have_nothing_to_look_for() -> None:
    class Text:
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("the text was read for nothing")

    (found,) = contamination([Triples("t", (("a", "b", "c"),))], Text())
    assert (found.n_items, found.n_found) == (1, 0)
    assert "no sentence" in found.note
    with pytest.raises(ArgumentError, match="at least one dataset"):
        contamination([], [])


@given(st.text(max_size=80))
def test_pieces_are_stable(text: str) -> None:
    found = pieces(text)
    assert all(piece.isalnum() for piece in found)
    assert pieces(text.replace(" ", "  ")) == found
    for piece in found:
        assert pieces(piece) == [piece]
