"""Where labels stand on a page so that none touches another, and lines to put them along.

All lengths are points (1/72 inch) from the lower left corner of the page.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points
ASCENT, DESCENT, LEADING = 0.76, 0.24, 1.28  # of the type size


def place_labels(
    wanted: Sequence[Sequence[Sequence[Box]]], obstacles: Sequence[Box], frame: Box
) -> list[int | None]:
    """Where labels go: for each the number of the first of its positions that is free, or None.

    ``wanted`` holds labels, those that matter most first; a label is a sequence of positions, the
    best first; a position is the boxes (left, bottom, right, top) it covers, several for a turned
    text. A position is free if its boxes lie inside ``frame`` and meet neither an obstacle nor a
    label placed before; boxes that only touch do not meet.
    """
    taken = _Boxes(obstacles)
    left, bottom, right, top = frame
    found: list[int | None] = []
    for positions in wanted:
        chosen = None
        for number, boxes in enumerate(positions):
            inside = all(
                b[0] >= left and b[1] >= bottom and b[2] <= right and b[3] <= top for b in boxes
            )
            if inside and not taken.meets(boxes):
                taken.add(boxes)
                chosen = number
                break
        found.append(chosen)
    return found


class _Boxes:
    """Boxes to be asked whether others meet them."""

    def __init__(self, boxes: Sequence[Box]):
        self._count = len(boxes)
        self._all = np.empty((max(64, 2 * self._count), 4))
        self._all[: self._count] = np.reshape(boxes, (-1, 4))

    def add(self, boxes: Sequence[Box]) -> None:
        needed = self._count + len(boxes)
        if needed > len(self._all):
            self._all = np.concatenate([self._all, np.empty((needed, 4))])
        self._all[self._count : needed] = np.reshape(boxes, (-1, 4))
        self._count = needed

    def meets(self, boxes: Sequence[Box]) -> bool:
        old = self._all[: self._count]
        return any(
            bool(((old[:, 0] < r) & (l < old[:, 2]) & (old[:, 1] < t) & (b < old[:, 3])).any())
            for l, b, r, t in boxes  # noqa: E741
        )


@dataclass(frozen=True)
class Spot:
    """A position for a label: its middle, its turn, and the mark's point if a line leads there."""

    x: float
    y: float
    angle_deg: float = 0.0
    leader: tuple[float, float] | None = None


@dataclass(frozen=True)
class Label:
    """A text with the positions it may take; ``width`` is that of its widest line."""

    lines: tuple[str, ...]
    size: float
    face: str
    colour: str
    width: float
    spots: tuple[Spot, ...] = ()
    rank: float = 0.0
    dot: tuple[float, float, float] | None = None  # a town: x, y, radius

    @property
    def extent(self) -> tuple[float, float]:
        lines = len(self.lines)
        return self.width, self.size * (ASCENT + DESCENT + LEADING * (lines - 1))

    def boxes(self, spot: Spot, margin: float = 1.0) -> list[Box]:
        width, height = self.extent
        if spot.angle_deg == 0:
            half_w, half_h = width / 2 + margin, height / 2 + margin
            box = (spot.x - half_w, spot.y - half_h, spot.x + half_w, spot.y + half_h)
            if spot.leader is None:
                return [box]
            (x0, y0), (x1, y1) = spot.leader, nearest(box, spot.leader)
            steps = np.linspace(0, 1, max(2, math.ceil(math.hypot(x1 - x0, y1 - y0) / 3)))
            way = zip(x0 + steps * (x1 - x0), y0 + steps * (y1 - y0), strict=True)
            return [box, *((x - 1, y - 1, x + 1, y + 1) for x, y in way)]
        # A turned text covers a chain of small boxes, not the large one round all of it.
        pieces = max(2, math.ceil(width / height * 1.5))
        turn = math.radians(spot.angle_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        piece = width / pieces
        half_w = (piece * abs(cos) + height * abs(sin)) / 2 + margin
        half_h = (piece * abs(sin) + height * abs(cos)) / 2 + margin
        along = (np.arange(pieces) + 0.5) * piece - width / 2
        return [
            (x - half_w, y - half_h, x + half_w, y + half_h)
            for x, y in zip(spot.x + along * cos, spot.y + along * sin, strict=True)
        ]


def nearest(box: Box, point: tuple[float, float]) -> tuple[float, float]:
    left, bottom, right, top = box
    return min(max(point[0], left), right), min(max(point[1], bottom), top)


def around(x: float, y: float, half: tuple[float, float], extent, reach=(0.0,)) -> Iterator[Spot]:
    """Positions for a label round a sign of half width and half height ``half``, best first."""
    width, height = extent
    for more in reach:
        dx, dy = half[0] + width / 2 + 2 + more, half[1] + height / 2 + 1 + more
        # A line leads to what stands further off, from the edge of the sign.
        far = half if more > 8 else None

        def spot(px: float, py: float, far=far) -> Spot:
            if far is None:
                return Spot(px, py)
            turn = math.atan2(py - y, px - x)
            edge = min(
                (half[0] + 1.5) / max(abs(math.cos(turn)), 1e-9),
                (half[1] + 1.5) / max(abs(math.sin(turn)), 1e-9),
            )
            start = (x + edge * math.cos(turn), y + edge * math.sin(turn))
            return Spot(px, py, 0, start)

        for sx, sy in ((1, 0), (-1, 0), (0.94, 1), (0.94, -1), (-0.94, 1), (-0.94, -1)):
            yield spot(x + sx * dx, y + sy * (dy if abs(sx) < 1 else 0))
        for sx, sy in ((0, 1), (0, -1), (0.5, 1), (0.5, -1), (-0.5, 1), (-0.5, -1)):
            yield spot(x + sx * dx, y + sy * dy)
        for sy in (0.5, -0.5):
            yield spot(x + dx, y + sy * dy)
            yield spot(x - dx, y + sy * dy)


def strings(page: BaseGeometry) -> list[np.ndarray]:
    """The lines of a line, or the outlines of an area, as arrays of points."""
    parts = shapely.get_parts(page)
    parts = shapely.get_parts(parts)
    kinds = shapely.get_type_id(parts)
    lines = [*parts[kinds == 1], *shapely.get_rings(parts[kinds == 3])]
    return [shapely.get_coordinates(line) for line in lines]


def along(line: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Points at the given lengths along a line: x, y and direction (radians)."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    walked = np.concatenate([[0], np.cumsum(steps)])
    x, y = np.interp(at, walked, line[:, 0]), np.interp(at, walked, line[:, 1])
    before = np.clip(np.searchsorted(walked, at, side="right") - 1, 0, len(steps) - 1)
    dx, dy = np.diff(line, axis=0)[before].T
    return np.column_stack([x, y, np.arctan2(dy, dx)])


def length_of(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


# Where along a line its label is tried: towards its start, where lines to one port part.
_SHARES = (0.35, 0.42, 0.28, 0.5, 0.22, 0.66, 0.74, 0.15, 0.82, 0.9, 0.08)


def along_line(
    page: BaseGeometry, frame: Box, extent: tuple[float, float], size: float
) -> Iterator[Spot]:
    """Positions for a label along a line, on both sides of it, or beside a short one."""
    width, height = extent
    clipped = shapely.intersection(page, shapely.box(*frame))
    for line in strings(clipped):
        length = length_of(line)
        near, far = (height / 2 + gap * size for gap in (4.2, 9.0))
        for off, share in itertools.product((near, far), _SHARES) if length > width + 16 else ():
            ends = np.clip(np.array([-0.5, 0.5]) * width + share * length, 0, length)
            (x0, y0, _a), (x1, y1, _b) = along(line, ends)
            angle = math.atan2(y1 - y0, x1 - x0)
            upright = (angle + math.pi / 2) % math.pi - math.pi / 2
            middle = along(line, np.array([share * length]))[0]
            for side in (1, -1):
                x = middle[0] - side * off * math.sin(upright)
                y = middle[1] + side * off * math.cos(upright)
                yield Spot(x, y, math.degrees(upright) or 0.01)
        # One too short for its label has it beside its middle.
        (x, y, _angle), *_rest = along(line, np.array([length * 0.45]))
        yield from around(x, y, (5, 5), extent, (0, 6))


def in_area(
    page: BaseGeometry, frame: Box, extent: tuple[float, float], size: float
) -> Iterator[Spot]:
    """Positions for a label round a small area, or in what a frame shows of a large one."""
    left, bottom, right, top = page.bounds
    half_w, half_h = (right - left) / 2, (top - bottom) / 2
    if max(half_w, half_h) < 70 * size:
        x, y = (left + right) / 2, (bottom + top) / 2
        yield from around(x, y, (half_w * 0.72, half_h * 0.72), extent, (6.0, 14.0))
        yield from around(x, y, (half_w, half_h), extent)
        return
    clipped = page.intersection(shapely.box(*frame))
    x, y = clipped.centroid.coords[0] if not clipped.is_empty else (left, bottom)
    steps = [(dx * 45 * size, dy * 26 * size) for dx in range(-6, 7) for dy in range(-6, 7)]
    for dx, dy in sorted(steps, key=lambda step: math.hypot(*step)):
        cover = shapely.Point(x + dx, y + dy).buffer(extent[0] / 2)
        if clipped.contains(cover):
            yield Spot(x + dx, y + dy)


def beside(
    rows: Sequence[Box], row: tuple[float, float, float, float], most: float, frame: Box
) -> float:
    """The height of a row of signs, moved up or down a little where it would cover another.

    ``row`` is the middle (x, y) with half its width and height; it moves by ``most`` at the most,
    stays in the frame, and stays where it is if that does not help.
    """
    x, y, half_w, half_h = row

    def covers(at: float) -> bool:
        return any(
            left < x + half_w and x - half_w < right and low < at + half_h and at - half_h < high
            for left, low, right, high in rows
        )

    if not covers(y):
        return y
    tried = [edge for _l, low, _r, high in rows for edge in (low - half_h, high + half_h)]
    free = (
        at
        for at in sorted(tried, key=lambda at: abs(at - y))
        if abs(at - y) <= most and frame[1] <= at - half_h and at + half_h <= frame[3]
        if not covers(at)
    )
    return next(free, y)
