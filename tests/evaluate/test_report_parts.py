"""The parts of the report beside plain computations: markup, maps and labels, charts, phrases, curves."""

from __future__ import annotations

import math
import re
import string
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn_arrays

from qianru.errors import ArgumentError
from qianru.evaluate import Questions, Space, analogy
from qianru.evaluate.report_charts import Line, arrows, domain_of, line_chart, ticks
from qianru.evaluate.report_facts import MapOf, asked, neighbours, turned
from qianru.evaluate.report_how import Look, looks, losses, settings_of
from qianru.evaluate.report_map import (
    GAP,
    LIFT,
    Plane,
    check_projection,
    in_box,
    pca,
    place_labels,
    text_width,
    tsne,
)
from qianru.evaluate.report_markup import Html, clean, fixed, number, p_value, tag
from qianru.evaluate.report_phrases import _NAMES, _PHRASES, name_of, phrase, plain, score_name, set_name
from qianru.vectors import Vectors


class Reader(HTMLParser):
    """The text of a page, its tags with their attributes, and whether they are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((name, dict(attributes)))
        if name not in ("meta", "input", "link", "br", "col"):
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@given(st.text(), st.text())
def test_whatever_a_text_holds_it_comes_back_as_text(text: str, value: str) -> None:
    page = tag("p", text, tag("b", 1234, None, [text, Html("&amp;")]), title_=value, hidden=True, lang=None)
    page.encode()
    read = Reader(page)
    assert [name for name, _ in read.tags] == ["p", "b"]
    assert read.tags[0][1] == {"title": clean(value), "hidden": None}
    assert "".join(read.text) == f"{clean(text)}1,234{clean(text)}&"


def test_numbers_for_reading() -> None:
    assert [number(x) for x in (0.12345, -0.5, None, math.nan, 2)] == ["0.123", "−0.500", "–", "–", "2.000"]
    assert [p_value(x) for x in (0.0009, 0.02, None)] == ["< 0.001", "0.020", "–"]
    assert [fixed(x) for x in (1.5, 2.0, -0.001, 1e-9, 33.333)] == ["1.5", "2", "0", "0", "33.33"]
    assert clean("a\u202eb\x00c\ud800\u200dd\n") == "a\ufffdb\ufffdc\ufffd\u200dd "


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_inside(low: float, extent: float) -> None:
    extent = max(extent, abs(low) * 1e-3)  # as charts have them
    high = low + extent
    found = ticks(low, high)
    steps = np.diff(found)
    assert len(found) <= 6
    assert all(low - 1e-6 * extent <= one <= high + 1e-6 * extent for one in found)
    if len(found) > 1:
        np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
        assert float(f"{steps[0]:.1e}") == pytest.approx(steps[0], rel=1e-4)


def test_domains() -> None:
    assert domain_of([0.2, None, 0.9]) == (0.0, 1.0)
    assert domain_of([-0.31, 1.71, math.nan]) == (-0.4, 1.8)
    assert domain_of([]) == (0.0, 1.0)


@settings(deadline=None)
@given(
    drawn_arrays(
        np.float64, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=st.integers(-4, 4).map(float)
    )
)
def test_pca_is_the_plane_of_the_largest_variance(rows: np.ndarray) -> None:
    found = pca(rows)
    centred = rows - rows.mean(axis=0)
    strengths = np.sort(np.linalg.eigvalsh(centred.T @ centred))[::-1].clip(0)
    assert found.points.shape == (len(rows), 2)
    np.testing.assert_allclose((found.points**2).sum(), strengths[:2].sum(), atol=1e-8)
    np.testing.assert_allclose(found.points[:, 0] @ found.points[:, 1], 0, atol=1e-8)
    if strengths.sum() > 1e-9:
        assert found.share == pytest.approx(strengths[:2].sum() / strengths.sum())
    else:
        assert found.share is None
    np.testing.assert_allclose(pca(rows).points, found.points)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=9))
def test_a_box_keeps_proportions(points: list[tuple[int, int]]) -> None:
    given_points = np.array(points, dtype=np.float64)
    found = in_box(given_points, 1.5)
    assert ((found >= 0) & (found <= 1)).all()
    pixels = found * [150, 100]
    apart = np.linalg.norm(given_points[:, None] - given_points[None], axis=-1)
    shown = np.linalg.norm(pixels[:, None] - pixels[None], axis=-1)
    if apart.max() > 0:
        np.testing.assert_allclose(shown / shown.max(), apart / apart.max(), atol=1e-9)


def box_of(text: str, x: float, y: float, side: str) -> tuple[float, float, float, float]:
    width = text_width(text)
    left = {"right": x + GAP, "left": x - GAP - width}.get(side, x - width / 2)
    middle = y + {"above": -LIFT, "below": LIFT}.get(side, 0)
    return left, middle - 7, left + width, middle + 7


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab猫", max_size=8), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=25
    )
)
def test_labels_overlap_neither_on_a_page_nor_on_a_phone(items: list[tuple[str, float, float]]) -> None:
    texts = [text for text, _, _ in items]
    places = np.array([[x, y] for _, x, y in items])
    found = place_labels(texts, places, wide=(900, 600), phone=(340, 340))
    for (width, height), phone in (((340, 340), True), ((900, 600), False)):
        boxes = [
            box_of(text, x * width, y * height, label.side)
            for text, (x, y), label in zip(texts, places, found, strict=True)
            if label is not None and (label.on_phone or not phone)
        ]
        for at, a in enumerate(boxes):
            assert a[0] >= 0
            assert a[2] <= width
            for b in boxes[:at]:
                assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])
    assert all(label is None for text, label in zip(texts, found, strict=True) if not text)


def test_a_lonely_word_has_its_label() -> None:
    (label,) = place_labels(["word"], np.array([[0.5, 0.5]]), wide=(900, 600), phone=(340, 340))
    assert label is not None
    assert (label.side, label.on_phone) == ("right", True)


def test_a_turned_map_is_turned_back() -> None:
    rng = np.random.default_rng(2)
    points = rng.standard_normal((6, 2))
    mirror = np.array([[0.6, 0.8], [0.8, -0.6]])
    words = tuple("abcdef")
    first = MapOf(words, (0,) * 6, ("g",), None, Plane(points - points.mean(axis=0), 0.5))
    second = MapOf((*words[:5], "x"), (0,) * 6, ("g",), None, Plane(first.plane.points @ mirror + 7, 0.5))
    found = turned(second, first).plane.points
    apart = found - found[:5].mean(axis=0) - (points - points[:5].mean(axis=0))
    np.testing.assert_allclose(apart, 0, atol=1e-9)
    assert (
        turned(MapOf(("x", "y"), (0, 0), ("g",), None, Plane(points[:2], 0.5)), first).plane.points
        is not None
    )


def test_t_sne_keeps_groups_and_repeats() -> None:
    pytest.importorskip("openTSNE")
    rng = np.random.default_rng(1)
    rows = np.repeat(np.eye(3, 12), 8, axis=0) + 0.05 * rng.standard_normal((24, 12))
    found = tsne(rows, seed=3).points
    centres = found.reshape(3, 8, 2).mean(axis=1)
    nearest = np.linalg.norm(found[:, None] - centres[None], axis=-1).argmin(axis=1)
    assert nearest.tolist() == np.repeat(range(3), 8).tolist()
    np.testing.assert_array_equal(tsne(rows, seed=3).points, found)


def test_t_sne_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openTSNE", None)
    with pytest.raises(ArgumentError, match="not installed") as caught:
        check_projection("tsne")
    assert "qianru[viz]" in caught.value.hint
    with pytest.raises(ArgumentError, match="map must be one of pca, tsne"):
        check_projection("umap")


def test_phrases_are_in_both_languages() -> None:
    for key, (english, chinese) in [*_PHRASES.items(), *_NAMES.items()]:
        names = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, chinese)
        ]
        assert names[0] == names[1], key
        assert english.strip(), key
        assert chinese.strip(), key
    found = Reader(phrase("against", a="<b>", b="{x}"))
    assert "".join(found.text) == "<b> against {x}<b> 对 {x}"
    assert [attributes["lang"] for _, attributes in found.tags] == ["en", "zh-Hans"]
    assert plain("title", "zh") == "嵌入模型报告"
    assert name_of("<strange>") == "&lt;strange&gt;"
    # A test set, or an association, may be called as a phrase or a test is.
    for text in ("scale", "close", "made", "test", "geometry"):
        assert set_name(text) == score_name("associations", text) == text
    assert "模型本身" in set_name("the model itself")
    assert "正确率" in score_name("words in context", "accuracy")


def test_nearest_words_and_questions_follow_the_policies() -> None:
    matrix = np.array(
        [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 1], [0, 0.9, 1], [1, 0.1, 0], [-0.3, 1, 0.6]], np.float32
    )
    vectors = Vectors(["man", "king", "woman", "queen", "MAN", "Woman"], matrix)
    space = Space(vectors, restrict_vocab=4)
    assert [one.word for one in neighbours(space, None, "Man", 9)] == ["woman", "king", "queen"]
    assert neighbours(space, None, "MAN", 1)[0].score == pytest.approx(1 / 6**0.5, abs=1e-6)
    exact = Space(vectors, restrict_vocab=4, case="exact")
    assert neighbours(exact, None, "MAN", 9) == ()
    assert "man" in neighbours(exact, None, "mam", 9)
    # Another spelling of a question's word is no answer, as in the score.
    whole = Space(vectors)
    question = ("man", "king", "woman", "queen")
    best = whole.searcher.analogies(np.array([[0, 1, 2]]), 1, method="add")[0][0, 0]
    assert vectors.keys[best] == "Woman"
    found = asked(whole, "s", [question])
    assert found is not None
    assert (found.answer, found.is_right) == ("queen", True)
    assert analogy(whole, Questions("q", {"s": (question,)}), n_bootstrap=0).value == 1.0


def test_settings_and_losses() -> None:
    deep: dict[str, object] = {"x": 1}
    for _ in range(50):
        deep = {"x": deep}
    made = {
        "kind": "k",
        "loss_per_epoch": [1, 0.5],
        "settings": {"dim": 3, "words": ["a"] * 200},
        "steps": [{"step": "one"}, "two"],
        "deep": deep,
    }
    found = settings_of(made)
    assert found["kind"] == "k"
    assert found["settings.dim"] == "3"
    assert found["steps.1.step"] == "one"
    assert found["steps.2"] == "two"
    assert "loss_per_epoch" not in found
    assert all(len(text) <= 161 for text in found.values())
    for recorded, expected in (
        ([1, 0.5], (1.0, 0.5)),
        (["1"], ()),
        ([True], ()),
        ({"a": 1}, ()),
        (None, ()),
        ([1, 10**400], ()),
        ([1, math.inf], ()),
    ):
        assert losses({"loss_per_epoch": recorded}) == expected


def test_looks_at_what_was_held_out() -> None:
    whole = {"step": 4, "tokens": 64, "loss": 2.5, "perplexity": 12.2, "accuracy": 0.5, "train_loss": 3}
    found = looks({"held_out": [whole, {"step": 2, "loss": 3.0, "accuracy": "high", "x": 1}]})
    assert found == (Look(2, 3.0, None, None, None, None), Look(4, 2.5, 64, 3.0, 12.2, 0.5))
    for broken in (
        None,
        {},
        [1],
        [whole, {"step": 5}],
        [{**whole, "step": True}],
        [{**whole, "loss": math.nan}],
        [{**whole, "loss": 10**400}],
        [{**whole, "step": 10**400}],
        [{**whole, "step": -1}],
    ):
        assert looks({"held_out": broken}) == ()
    assert looks({}) == ()


def test_a_single_loss_and_equal_losses_have_a_chart() -> None:
    for values in ((0.0,), (1.0, 1.0), (-3.0, -2.0), tuple(range(500)), (-1e300, 1e300)):
        chart = line_chart([Line("m", 0, tuple(map(float, values)))], labelled_by="x")
        assert "nan" not in chart
        assert "inf" not in chart
        shares = [float(x) for x in re.findall(r'"(-?[\d.]+)%"', chart)]
        assert min(shares) >= 0
        assert max(shares) <= 100


def test_steps_stand_where_they_were_taken() -> None:
    held_out = Line("m", 1, (3.0, 2.0, 1.5), (10, 20, 100))
    trained = Line("m", 1, (3.5, 1.0), (10, 100), is_dashed=True)
    chart = line_chart([held_out, trained], labelled_by="x")
    read = Reader(chart)
    drawn = [attributes for name, attributes in read.tags if name == "line" and "g1" in attributes["class"]]
    solid = [(one["x1"], one["x2"]) for one in drawn if one["class"] == "line g1"]
    begin, middle, end = 0.08, 0.08 + 0.8 / 9, 0.88
    expected = [(begin, middle), (middle, end)]
    assert [tuple(float(x[:-1]) / 100 for x in pair) for pair in solid] == [
        pytest.approx(pair, abs=1e-4) for pair in expected
    ]
    assert [one["class"] for one in drawn].count("line g1 dashed") == 1
    assert chart.count("<title>") == 3  # marks of the held-out line alone
    assert "m, 100: 1.5000" in read.text
    assert "step" in read.text
    single = line_chart([Line("m", 0, (1.0,), (7,))], labelled_by="x")
    assert "nan" not in single


def test_a_word_of_two_pairs_is_written_once() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 2.0], [1.0, 1.0]])
    drawn = arrows([("a", "b"), ("c", "b")], points, marker="m", labelled_by="x")
    assert len(re.findall(r">b</text>", drawn)) == 1
    assert drawn.count("<line") == 2


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_can_be_told_from_the_paper() -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, 3 for marks; links and answers have colours of groups, so these have 4.5 too."""
    page = resources.files("qianru.evaluate").joinpath("report_page.html").read_text(encoding="utf-8")
    schemes = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w]+): (#[0-9a-f]{3,6})", scheme))
        full = {
            name: value if len(value) == 7 else "#" + "".join(2 * char for char in value[1:])
            for name, value in colours.items()
        }
        for paper in ("paper", "soft"):
            for name in ("ink", "quiet", *(f"g{n}" for n in range(8))):
                light, dark = sorted((_luminance(full[name]), _luminance(full[paper])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, paper, full[name])
