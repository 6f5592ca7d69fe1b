"""The charts of the report as SVG: text stays text, places are shares of the box, so that letters keep their size at any width.

Colours and shapes come from the page's style sheet by class (`m0` … for models, `g0` … for groups); each group has a shape of its own,
so nothing is told by colour alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from qianru.arrays import Float64Array
from qianru.evaluate.report_map import GAP, LIFT, Label, Side, in_box, place_labels
from qianru.evaluate.report_markup import Child, Html, fixed, percent, tag
from qianru.evaluate.report_phrases import phrase

# As many as the style sheet has colours for.
N_GROUPS = 8
_SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "M-3.6,-3.6h7.2v7.2h-7.2z",
    "M0,-4.6L4.4,3.4H-4.4z",
    "M0,-5L5,0L0,5L-5,0z",
    "M-4,-1.4h2.6v-2.6h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6z",
    "M0,4.6L4.4,-3.4H-4.4z",
    "M-4.5,-2.2h9v4.4h-9z",
    "M-2.2,-4.5h4.4v9h-4.4z",
)
# The least that the style sheet gives to maps and to arrows, in pixels: on screen and paper, and on a telephone.
MAP_WIDE, MAP_PHONE = (660.0, 440.0), (340.0, 340.0)
ARROWS_WIDE, ARROWS_PHONE = (330.0, 247.5), (330.0, 247.5)


@dataclass(frozen=True)
class Line:
    """A line of a chart: a name, the group whose colour and mark it has, and values.

    places: of the values on the x axis, steps of training in rising order; None for epochs, 1, 2, 3 … is_dashed: the lesser of
    two lines of a group, without marks.
    """

    name: str
    group: int
    values: tuple[float, ...]
    places: tuple[int, ...] | None = None
    is_dashed: bool = False

    @property
    def xs(self) -> Sequence[int]:
        """Where each value stands."""
        return range(1, len(self.values) + 1) if self.places is None else self.places


class Figures:
    """Figures with captions, numbered so that a drawing can point at its caption."""

    def __init__(self) -> None:
        self._n = 0

    def next_id(self) -> str:
        """An id that no other figure has."""
        self._n += 1
        return f"figure{self._n}"


def figure(
    drawing: Html, caption: Child, name: str, *, class_: str | None = None, below: Child = None
) -> Html:
    """A drawing with its caption, whose id is `name`."""
    return tag("figure", tag("figcaption", caption, id=name), drawing, below, class_=class_)


def svg(*children: Child, class_: str, labelled_by: str | None) -> Html:
    """A drawing as wide as its place; labelled_by: the id of what describes it, None where the page tells the same in words."""
    hidden = "true" if labelled_by is None else None
    role = None if labelled_by is None else "img"
    return tag("svg", *children, class_=class_, role=role, aria_labelledby=labelled_by, aria_hidden=hidden)


def mark(group: int, x: float, y: float, *, title: str | None = None) -> Html:
    """The mark of a group at shares of the box."""
    told = None if title is None else tag("title", title)
    shape = tag("path", told, d=_SHAPES[group % len(_SHAPES)], class_=f"mark g{group % N_GROUPS}")
    return tag("svg", shape, x=percent(x), y=percent(y), class_="at")


def key(group: int, text: Child) -> Html:
    """A mark and its meaning, for legends."""
    shape = tag("path", d=_SHAPES[group % len(_SHAPES)], class_=f"mark g{group % N_GROUPS}")
    icon = tag("svg", shape, class_="key", viewBox="-6 -6 12 12", aria_hidden="true")
    return tag("span", icon, text, class_="legend")


def whisker(
    value: float | None,
    low: float | None,
    high: float | None,
    zero_line: float | None,
    *,
    domain: tuple[float, float],
    group: int,
) -> Html:
    """A score with its interval between the ends of `domain`; the numbers stand beside it in words."""

    def at(x: float) -> float:
        share = (x - domain[0]) / (domain[1] - domain[0])
        return 0.02 + 0.96 * min(max(share, 0.0), 1.0)

    parts: list[Child] = [tag("line", x1="2%", x2="98%", y1="50%", y2="50%", class_="axis")]
    if zero_line is not None:
        x = percent(at(zero_line))
        parts.append(tag("line", x1=x, x2=x, y1="12%", y2="88%", class_="zero"))
    if low is not None and high is not None:
        parts.append(
            tag(
                "line",
                x1=percent(at(low)),
                x2=percent(at(high)),
                y1="50%",
                y2="50%",
                class_=f"interval g{group % N_GROUPS}",
            )
        )
    if value is not None:
        parts.append(mark(group, at(value), 0.5))
    return svg(parts, class_="whisker", labelled_by=None)


def bar(share: float, group: int) -> Html:
    """A share of 1 as a bar; the number stands beside it."""
    parts = [
        tag("rect", x=0, y="30%", width="100%", height="40%", class_="rail"),
        tag("rect", x=0, y="30%", width=percent(share), height="40%", class_=f"bar g{group % N_GROUPS}"),
    ]
    return svg(parts, class_="whisker", labelled_by=None)


def ticks(low: float, high: float, n: int = 4) -> list[float]:
    """Round numbers from low to high, about n of them."""
    if not high > low:
        return [low]
    rough = (high - low) / n
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def line_chart(lines: Sequence[Line], *, labelled_by: str) -> Html:
    """Lines over epochs or steps; each value has a mark with its number as a title, the last one in letters."""
    values = [value for line in lines for value in line.values]
    xs = [place for line in lines for place in line.xs]
    by_step = lines[0].places is not None
    low, high = min(values), max(values)
    # Losses that are equal but for rounding are one flat line.
    edge = max((high - low) * 0.08, abs(high) * 1e-3) or 0.1
    # Losses are compared by their distance from 0 where that is near.
    low = 0.0 if 0 <= low < 0.5 * high else low - edge
    high += edge
    begin, end = min(xs), max(xs)

    def x(place: float) -> float:
        return 0.08 + 0.80 * ((place - begin) / (end - begin) if end > begin else 0.5)

    def y(value: float) -> float:
        return 0.88 - 0.83 * (value - low) / (high - low)

    parts: list[Child] = []
    for tick in ticks(low, high):
        at = percent(y(tick))
        parts.append(tag("line", x1="7%", x2="90%", y1=at, y2=at, class_="grid"))
        parts.append(tag("text", fixed(tick, 6), x="6.2%", y=at, class_="tick end"))
    every = max(1, math.ceil(end / 10))
    for tick in ticks(begin, end) if by_step else range(1, end + 1, every):
        parts.append(tag("text", f"{tick:,.0f}", x=percent(x(tick)), y="95%", class_="tick middle"))
    # Numbers of steps are long: their unit keeps to the edge.
    unit = phrase("step" if by_step else "epoch", element="tspan")
    x_of_unit, side = ("100%", "tick end") if by_step else ("91%", "tick")
    parts.append(tag("text", unit, x=x_of_unit, y="95%", class_=side))
    # Words at the ends of lines keep apart.
    ends = [line for line in lines if not line.is_dashed]
    for line in lines:
        points = [(x(place), y(value)) for place, value in zip(line.xs, line.values, strict=True)]
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            kind = f"line g{line.group % N_GROUPS}{' dashed' if line.is_dashed else ''}"
            ends_of = {"x1": percent(x1), "y1": percent(y1), "x2": percent(x2), "y2": percent(y2)}
            parts.append(tag("line", class_=kind, **ends_of))
        if line.is_dashed:
            continue
        # A mark on every epoch of hundreds would be a blot.
        shown = max(1, math.ceil(len(points) / 40))
        for place, (px, py) in enumerate(points):
            if place % shown == 0 or place == len(points) - 1:
                title = f"{line.name}, {line.xs[place]:,}: {line.values[place]:.4f}"
                parts.append(mark(line.group, px, py, title=title))
        last, apart = points[-1], ends.index(line) - (len(ends) - 1) / 2
        down = percent(last[1] + 0.045 * apart * (len(ends) > 1))
        parts.append(tag("text", f"{line.values[-1]:.3f}", x=percent(last[0]), dx=8, y=down, class_="tick"))
    return svg(parts, class_="chart", labelled_by=labelled_by)


def _label(text: str, place: Float64Array, label: Label, *, strong: bool = False) -> Html:
    side, lift = label.side, {"above": -LIFT, "below": LIFT}.get(label.side)
    classes = [
        "label",
        {"right": "", "left": "end"}.get(side, "middle"),
        "" if label.on_phone else "page-only",
    ]
    classes.append("strong" if strong else "")
    return tag(
        "text",
        text,
        x=percent(float(place[0])),
        y=percent(float(place[1])),
        dx={"right": GAP, "left": -GAP}.get(side),
        dy=lift,
        class_=" ".join(filter(None, classes)),
    )


def scatter(
    texts: Sequence[str],
    points: Float64Array,
    groups: Sequence[int],
    *,
    strong: Collection[str] = (),
    labelled_by: str,
) -> Html:
    """Words on a plane, points [n, 2]; words whose label has no room tell their name when pointed at.

    The first word of each group has its label placed first, then the second of each. strong: words written in bold.
    """
    places = in_box(points, MAP_WIDE[0] / MAP_WIDE[1])
    rank = [groups[:at].count(group) for at, group in enumerate(groups)]
    order = sorted(range(len(texts)), key=lambda at: rank[at])
    labels = place_labels([texts[at] for at in order], places[order], wide=MAP_WIDE, phone=MAP_PHONE)
    marks = [
        mark(group, float(place[0]), float(place[1]), title=text)
        for text, place, group in zip(texts, places, groups, strict=True)
    ]
    written = [
        _label(texts[at], places[at], label, strong=texts[at] in strong)
        for at, label in zip(order, labels, strict=True)
        if label is not None
    ]
    return svg(written, marks, class_="map", labelled_by=labelled_by)


def arrows(pairs: Sequence[tuple[str, str]], points: Float64Array, *, marker: str, labelled_by: str) -> Html:
    """An arrow from the first to the second word of each pair; points [2 n, 2], both words of a pair one after the other."""
    places = in_box(points, ARROWS_WIDE[0] / ARROWS_WIDE[1])
    # A word of two pairs is written once.
    texts = [text for pair in pairs for text in pair]
    texts = [text if text not in texts[:at] else "" for at, text in enumerate(texts)]
    sides = [side for at in range(len(pairs)) for side in _away(*places[2 * at : 2 * at + 2])]
    labels = place_labels(texts, places, wide=ARROWS_WIDE, phone=ARROWS_PHONE, sides=sides)
    head = tag(
        "marker",
        tag("path", d="M0,0L8,4L0,8z", class_="arrowhead"),
        id=marker,
        viewBox="0 0 8 8",
        refX=8,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        orient="auto",
    )
    drawn: list[Child] = [tag("defs", head)]
    for at in range(len(pairs)):
        (x1, y1), (x2, y2) = places[2 * at].tolist(), places[2 * at + 1].tolist()
        drawn.append(
            tag(
                "line",
                tag("title", " → ".join(pairs[at])),
                x1=percent(x1),
                y1=percent(y1),
                x2=percent(x2),
                y2=percent(y2),
                class_="arrow",
                marker_end=f"url(#{marker})",
            )
        )
    drawn += [
        _label(text, place, label)
        for text, place, label in zip(texts, places, labels, strict=True)
        if label is not None
    ]
    return svg(drawn, class_="arrows", labelled_by=labelled_by)


def _away(begin: Float64Array, end: Float64Array) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
    """The sides on which a label at the begin and at the end of an arrow does not lie on it, best first."""
    x, y = (end - begin) * [ARROWS_WIDE[0] / ARROWS_WIDE[1], 1.0]
    across: tuple[Side, Side] = ("left", "right") if x > 0 else ("right", "left")
    along: tuple[Side, Side] = ("above", "below") if y > 0 else ("below", "above")
    if abs(x) > abs(y):
        return (across[0], *along), (across[1], *along[::-1])
    return (along[0], *across), (along[1], *across[::-1])


def domain_of(numbers: Sequence[float | None]) -> tuple[float, float]:
    """The ends of an axis for scores: 0 to 1 where they are shares, wider where they are not."""
    known = np.array([one for one in numbers if one is not None and math.isfinite(one)] or [0.0])
    low, high = float(known.min()), float(known.max())
    # To the next tenth, so that ends are short numbers.
    low = 0.0 if low >= 0 else math.floor(low * 10 - 1e-9) / 10
    return low, 1.0 if high <= 1 else math.ceil(high * 10) / 10
