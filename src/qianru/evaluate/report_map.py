"""Words on a plane: principal components, t-SNE, and which labels have room.

PCA: the first two right singular vectors of the centred unit vectors (Pearson 1901; Jolliffe 2002, section 3.5). t-SNE: van der
Maaten & Hinton 2008, by openTSNE (Poličar, Stražar & Zupan 2024), from the PCA, so that one seed gives one map.
"""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

import numpy as np

from qianru.arrays import Float64Array
from qianru.errors import ArgumentError

Projection: TypeAlias = Literal["pca", "tsne"]
Side: TypeAlias = Literal["right", "left", "above", "below"]
SIDES: tuple[Side, ...] = get_args(Side)
# Widths of a character of the labels, in pixels; the sides of the box are left free by as much as a mark is wide.
_ADVANCE, _WIDE_ADVANCE, _LINE = 7.4, 12.5, 14.0
# From a point to the begin of its label beside it, and to the middle of its label above or below it.
GAP, LIFT = 7.0, 12.0
_MARK = 3.5
_MARGIN = 0.04


@dataclass(frozen=True)
class Plane:
    """Points [n, 2] and the share of the variance that the plane holds, None for t-SNE."""

    points: Float64Array
    share: float | None


@dataclass(frozen=True)
class Label:
    """On which side of its point a word stands, and whether it has room on a phone, too."""

    side: Side
    on_phone: bool


def check_projection(projection: str) -> None:
    """Raises ArgumentError for an unknown projection, or where the package that it needs is not installed."""
    if projection not in get_args(Projection):
        raise ArgumentError(f"map must be one of {', '.join(get_args(Projection))}, got {projection!r}")
    if projection == "tsne":
        try:
            importlib.import_module("openTSNE")
        except ImportError:
            raise ArgumentError(
                'map "tsne" needs openTSNE, which is not installed', hint='pip install "qianru[viz]"'
            ) from None


def pca(units: Float64Array) -> Plane:
    """The plane of the largest variance of n vectors [n, dim]; the sign of each axis is such that its largest weight is positive."""
    centred = units - units.mean(axis=0)
    _, strengths, axes = np.linalg.svd(centred, full_matrices=False)
    two = np.zeros((2, units.shape[1]))
    two[: min(2, len(axes))] = axes[:2]
    heaviest = np.abs(two).argmax(axis=1)
    two *= np.where(two[np.arange(2), heaviest] < 0, -1.0, 1.0)[:, None]
    total = float((strengths**2).sum())
    # Rounding of equal vectors is no variance.
    share = float((strengths[:2] ** 2).sum()) / total if total > 1e-24 * units.size else None
    points: Float64Array = centred @ two.T
    return Plane(points, share)


def tsne(units: Float64Array, *, seed: int) -> Plane:
    """A map that keeps near vectors near: perplexity 30, or a third of n - 1 where that is less."""
    package = importlib.import_module("openTSNE")
    start = pca(units).points
    spread = float(start[:, 0].std())
    made = package.TSNE(
        perplexity=min(30.0, (len(units) - 1) / 3),
        initialization=start / spread * 1e-4 if spread > 0 else "random",
        metric="cosine",
        neighbors="exact",
        n_jobs=1,
        random_state=seed,
    ).fit(units)
    return Plane(np.array(made, dtype=np.float64), None)


def project(units: Float64Array, projection: Projection, *, seed: int) -> Plane:
    """`pca`, or `tsne` where there are at least ten vectors."""
    return tsne(units, seed=seed) if projection == "tsne" and len(units) >= 10 else pca(units)


def in_box(points: Float64Array, aspect: float) -> Float64Array:
    """The points [n, 2] as shares of a box of width / height `aspect`, y downwards, one scale for both axes, in the middle."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.array([aspect, 1.0]) * (1 - 2 * _MARGIN)
    extent = np.maximum(high - low, 1e-12)
    scale = float((size / extent).min()) if (high > low).any() else 0.0
    middle = (points - (low + high) / 2) * scale
    return cast(Float64Array, np.array([0.5, 0.5]) + middle * [1 / aspect, -1.0])


def text_width(text: str) -> float:
    """About how wide a label is, in pixels."""
    return sum(_WIDE_ADVANCE if unicodedata.east_asian_width(char) in "WF" else _ADVANCE for char in text)


def place_labels(
    texts: Sequence[str],
    places: Float64Array,
    *,
    wide: tuple[float, float],
    phone: tuple[float, float],
    sides: Sequence[tuple[Side, ...]] | None = None,
) -> list[Label | None]:
    """For each point [n, 2] (shares of the box) its label, None where there is no room or no text; earlier ones come first.

    wide, phone: the box in pixels on a page and on a telephone. sides: for each point, to be tried in this order. Labels that do not overlap on the phone do not on the page, where
    all distances are larger: so those are placed first, and the page takes up more.
    """
    found: list[Label | None] = [None] * len(texts)
    for box, on_phone in ((phone, True), (wide, False)):
        # A label over another word's mark hides it; its own mark lies beside it.
        taken = [_around(place, box) for place in places]
        taken += [
            _box(texts[at], places[at], box, label.side)
            for at, label in enumerate(found)
            if label is not None
        ]
        for at, text in enumerate(texts):
            if found[at] is not None or not text:
                continue
            for side in sides[at] if sides is not None else SIDES:
                room = _box(text, places[at], box, side)
                inside = room[0] >= 0 and room[1] >= 0 and room[2] <= box[0] and room[3] <= box[1]
                if inside and not any(_overlap(room, one) for one in taken):
                    found[at] = Label(side, on_phone)
                    taken.append(room)
                    break
    return found


_Box: TypeAlias = tuple[float, float, float, float]


def _box(text: str, place: Float64Array, box: tuple[float, float], side: Side) -> _Box:
    """Left, top, right, bottom in pixels."""
    x, y, width = float(place[0]) * box[0], float(place[1]) * box[1], text_width(text)
    if side in ("above", "below"):
        y += -LIFT if side == "above" else LIFT
        return x - width / 2, y - _LINE / 2, x + width / 2, y + _LINE / 2
    begin = x - GAP - width if side == "left" else x + GAP
    return begin, y - _LINE / 2, begin + width, y + _LINE / 2


def _around(place: Float64Array, box: tuple[float, float]) -> _Box:
    x, y = float(place[0]) * box[0], float(place[1]) * box[1]
    return x - _MARK, y - _MARK, x + _MARK, y + _MARK


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
