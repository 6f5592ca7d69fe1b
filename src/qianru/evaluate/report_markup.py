"""HTML and SVG out of values: everything that is not markup already is escaped, so that no word of a model can be taken for a tag."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

_VOID = frozenset({"br", "col", "input", "meta"})
# Marks that turn the direction of what follows them.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Html(str):
    """Text that is markup: it is not escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | int | Html | Iterable[Child] | None"
Attribute: TypeAlias = "str | int | float | bool | None"


def clean(text: str) -> str:
    """The text with spaces for line ends and tabs, and U+FFFD for what a page cannot show: other controls, halves of surrogate
    pairs, turns of direction."""

    def shown(char: str) -> str:
        if char in "\t\n\r":
            return " "
        return "\ufffd" if char in _TURNS or unicodedata.category(char) in ("Cc", "Cs") else char

    return "".join(map(shown, text))


def escaped(child: Child) -> Html:
    """Markup as it is, numbers with separators, other text escaped, None as nothing; the parts of anything iterable in order."""
    if child is None:
        return Html()
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return Html(html.escape(clean(child), quote=True))
    if isinstance(child, int):
        return Html(f"{child:,}")
    return Html("".join(escaped(part) for part in child))


def tag(name: str, *children: Child, **attributes: Attribute) -> Html:
    """One element. Of attributes, `_` at the end is dropped and `_` inside becomes `-`; False and None leave one out."""
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        spelled = key.rstrip("_").replace("_", "-")
        shown = fixed(value) if isinstance(value, float) else str(value)
        words.append(spelled if value is True else f'{spelled}="{escaped(shown)}"')
    head = f"<{' '.join(words)}>"
    return Html(head if name in _VOID else f"{head}{escaped(children)}</{name}>")


def fixed(number: float, places: int = 2) -> str:
    """A coordinate: few digits, no exponent, no -0."""
    text = f"{number:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def percent(share: float) -> str:
    """A place within the box as SVG has it, from the share of its width or height."""
    return f"{fixed(100 * share)}%"


def number(value: float | None) -> str:
    """A score for reading: three decimals and a true minus; a dash for what is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}".replace("-", "−")


def megabytes(n_bytes: int | None) -> str:
    """A size for reading."""
    return "–" if n_bytes is None else f"{n_bytes / 1e6:,.1f} MB"


def p_value(value: float | None) -> str:
    """A p value for reading."""
    return "< 0.001" if value is not None and value < 0.001 else number(value)


def word(text: str) -> Html:
    """A word of a model, kept from turning the text around it."""
    return tag("bdi", text)


def listed(parts: Sequence[Child]) -> Html:
    """The parts with commas between them."""
    return tag("span", [[None if at == 0 else ", ", part] for at, part in enumerate(parts)])


def table(
    head: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    *,
    caption: Child,
    numeric: Iterable[int] = (),
    row_attributes: Sequence[Mapping[str, Attribute]] | None = None,
    class_: str | None = None,
) -> Html:
    """A table with a caption, column heads, and the first cell of each row as its head.

    numeric: columns whose cells are set to the right. It can be scrolled to the side, by keys too, where it is wider than the page.
    """
    right = frozenset(numeric)

    def cell(at: int, content: Child) -> Html:
        kind = "number" if at in right else None
        return tag("th", content, scope="row", class_=kind) if at == 0 else tag("td", content, class_=kind)

    heads = [
        tag("th", one, scope="col", class_="number" if at in right else None) for at, one in enumerate(head)
    ]
    body = [
        tag(
            "tr",
            [cell(at, one) for at, one in enumerate(row)],
            **(row_attributes[n] if row_attributes else {}),
        )
        for n, row in enumerate(rows)
    ]
    inner = tag(
        "table",
        tag("caption", tag("div", caption, class_="caption")),
        tag("thead", tag("tr", heads)),
        tag("tbody", body),
        class_=class_,
    )
    return tag("div", inner, class_="wide", tabindex=0)
