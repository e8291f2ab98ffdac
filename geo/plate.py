"""A printed map of what a selection shows, as PNG, SVG or PDF: the marks of the web map on paper.

Everything is laid out in points (1/72 inch) from the lower left corner of the page, so that one
figure serves all three formats. No place, label or box is set by hand: the projection follows from
the extent, the legend from what is drawn, and labels go where there is room for them.
"""

from __future__ import annotations

import io
import itertools
import logging
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path as FilePath

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import TextPath, text_to_path
from matplotlib.transforms import Affine2D
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from geo import basemap, geodesy, marks, selection, symbols, texts
from geo.dataset import Dataset, standing_in
from geo.selection import Selection
from geo.symbols import Symbol

Bounds = tuple[float, float, float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top, in points

# Width and height in mm.
SIZES: dict[str, tuple[float, float]] = {
    "a4-landscape": (297, 210),
    "a4-portrait": (210, 297),
    "a3-landscape": (420, 297),
    "a3-portrait": (297, 420),
    "slide-16-9": (338.667, 190.5),
    "square": (210, 210),
}
FORMATS = ("png", "svg", "pdf")
THEMES = ("light", "dark", "grey")

_PT_PER_MM = 72 / 25.4
_PX = 0.75  # points in a CSS pixel, the unit of the table of symbols
_SIZE_MM = (100, 1200)
_DPI = (50, 1200)
_MOST_PIXELS = 200_000_000
_GENERATOR = "contested-claims"

# This module alone uses matplotlib, so its settings are the library's: text stays text in SVG and
# PDF, a $ is a $, and equal plates are equal files.
mpl.rcParams.update(
    {
        "text.parse_math": False,
        "text.usetex": False,
        "text.hinting": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": "plate",
        "pdf.fonttype": 42,
        "lines.scale_dashes": False,
    }
)
# It tells which weight the second font lacks, which nobody needs to know.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
_FONTS = FilePath(__file__).parent / "fonts"
_FACES = {
    "regular": ("OpenSans-Regular.ttf", {}),
    "semibold": ("OpenSans-SemiBold.ttf", {"weight": 600}),
    "bold": ("OpenSans-Bold.ttf", {"weight": 700}),
    "italic": ("OpenSans-Italic.ttf", {"style": "italic"}),
}
_ASCENT, _DESCENT, _LEADING = 0.76, 0.24, 1.28  # of the type size
_LONGEST_LABEL = 48  # characters


@dataclass(frozen=True)
class _Theme:
    """Colours of one look; ``tones`` replaces those of the table of symbols."""

    paper: str
    ink: str
    quiet: str
    sea: str
    shallow: str
    land: str
    shore: str
    border: str
    casing: str
    region: str
    water: str
    sea_name: str
    land_name: str
    card: str
    halo: str
    tones: dict[str, str] = field(default_factory=dict)

    def tone(self, colour: str) -> str:
        return self.tones.get(colour, colour)


_LOOKS = {
    "light": _Theme(
        paper="#ffffff",
        ink="#1b2733",
        quiet="#5b6771",
        sea="#d8e5ee",
        shallow="#eaf2f7",
        land="#f6f3ec",
        shore="#8fa3b1",
        border="#8d84a3",
        casing="#ffffff",
        region="#c9c0ae",
        water="#bfd3e2",
        sea_name="#49789b",
        land_name="#8f8776",
        card="#ffffff",
        halo="#ffffff",
    ),
    "dark": _Theme(
        paper="#141b22",
        ink="#eef2f5",
        quiet="#a9b4bd",
        sea="#1a2733",
        shallow="#213140",
        land="#323a40",
        shore="#6d7f8c",
        border="#a89fc0",
        casing="#20272c",
        region="#59626a",
        water="#22394b",
        sea_name="#86b0d0",
        land_name="#a39c8c",
        card="#1c252d",
        halo="#20272c",
        tones={
            symbols.SOURCED: "#79bdf5",
            symbols.DENIED: "#ff9a66",
            symbols.MEASURED: "#f2f5f7",
            symbols.MUTED: "#a9b4bd",
            symbols.SPOKEN: "#c6b5f0",
            symbols.PAPER: "#141b22",
        },
    ),
    "grey": _Theme(
        paper="#ffffff",
        ink="#111111",
        quiet="#5a5a5a",
        sea="#e4e4e4",
        shallow="#eeeeee",
        land="#fafafa",
        shore="#8a8a8a",
        border="#8a8a8a",
        casing="#ffffff",
        region="#c4c4c4",
        water="#d2d2d2",
        sea_name="#6a6a6a",
        land_name="#8a8a8a",
        card="#ffffff",
        halo="#ffffff",
        tones={
            symbols.SOURCED: "#333333",
            symbols.DENIED: "#000000",
            symbols.MEASURED: "#000000",
            symbols.MUTED: "#808080",
            symbols.SPOKEN: "#4a4a4a",
        },
    ),
}


def snapshot(
    whole: Dataset,
    chosen: Selection,
    *,
    fmt: str,
    bounds: Bounds | None = None,
    size_mm: tuple[float, float] = (297, 210),
    dpi: float = 300,
    theme: str = "light",
) -> bytes:
    """A map of what the selection of ``whole`` shows, as a file: PNG, SVG or PDF.

    ``bounds`` is west, south, east, north in degrees (WGS 84; east beyond 180 over the
    antimeridian); the selection's view if None. All of it is on the map, and as much beside it as
    the page has room for. ``size_mm`` is width and height of the page; ``dpi`` counts for PNG only.
    The words are in the selection's language. Title, sentence of the selection, as-of day, dataset
    and query of the dashboard stand inside the file as well. Equal arguments give equal bytes, and
    calls from several threads do not meet.

    Raises ValueError for an unknown format or theme, bounds that are no box, or a size beyond what
    makes sense: a page of 100 to 1200 mm, 50 to 1200 dpi, 200 million pixels.
    """
    _demand(fmt in FORMATS, f"the format is one of {', '.join(FORMATS)}, not {fmt!r}")
    _demand(theme in _LOOKS, f"the theme is one of {', '.join(_LOOKS)}, not {theme!r}")
    low, high = _SIZE_MM
    _demand(
        len(size_mm) == 2 and all(low <= side <= high for side in size_mm),
        f"a page is two sides of {low} to {high} mm, not {size_mm}",
    )
    _demand(_DPI[0] <= dpi <= _DPI[1], f"dpi is {_DPI[0]} to {_DPI[1]}, not {dpi}")
    pixels = math.prod(side / 25.4 * dpi for side in size_mm)
    _demand(fmt != "png" or pixels <= _MOST_PIXELS, "so many dots are too many: fewer dpi, please")
    box = whole.view(chosen.view).bounds if bounds is None else bounds
    _demand(_is_box(box), f"bounds are west, south, east, north in degrees, not {box}")

    # The same box whole turns away is the same map: take the one round the middle of the world.
    turn = 360 * math.floor(((box[0] + box[2]) / 2 + 180) / 360)
    box = (box[0] - turn, box[1], box[2] - turn, box[3])

    figure = _draw(whole, chosen, box, bounds is None, size_mm, _LOOKS[theme])
    return _encode(figure, _facts(whole, chosen, bounds), fmt, dpi)


def alt_text(whole: Dataset, chosen: Selection) -> str:
    """What the plate of a selection shows, in words for those who cannot see it (plain text)."""
    lang = chosen.lang
    _ = texts.translator(lang)
    kept = selection.apply(whole, chosen)
    drawn = marks.draw(whole, lang)
    shown = drawn[marks.visible(drawn, kept, chosen.layer)]
    said = [
        _("Map, {title}: {view}.").format(
            title=texts.in_language(vars(whole), "title", lang),
            view=texts.in_language(vars(whole.view(chosen.view)), "title", lang),
        ),
        selection.sentence(whole, chosen, kept),
    ]
    if shown.empty:
        said.append(_("Nothing is drawn."))
    else:
        status = texts.terms(lang)["status"]
        counts = kept.claims.loc[kept.claims.index.isin(shown["claim"]), "status"].value_counts()
        said.append(
            _("Drawn, by status: {counts}.").format(
                counts=", ".join(f"{status[s]} {texts.number(n, lang)}" for s, n in counts.items())
            )
        )
        points = shown[shown.geometry.geom_type.isin(["Point", "Polygon"])]
        places = list(dict.fromkeys(name for name in points["label"] if name))
        if places:
            said.append(_("Places: {names}.").format(names=", ".join(places)))
    return " ".join(_plain(part) for part in said)


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _is_box(box: Sequence[float]) -> bool:
    if len(box) != 4 or not all(math.isfinite(edge) for edge in box):
        return False
    west, south, east, north = box
    return west < east <= west + 360 and -90 <= south < north <= 90 and -360 <= west <= 360


# ---- text -------------------------------------------------------------------------------------


def _install_fonts() -> None:
    manager = font_manager.fontManager
    for file, _style in _FACES.values():
        manager.addfont(_FONTS / file)
        # First, so that a copy of the system, maybe of another age, is not taken instead.
        manager.ttflist.insert(0, manager.ttflist.pop())


_install_fonts()


@cache
def _font(face: str) -> font_manager.FontProperties:
    file, style = _FACES[face]
    family = font_manager.get_font(_FONTS / file).family_name
    # Signs that Open Sans lacks come from the font that matplotlib brings along.
    return font_manager.FontProperties(family=[family, "DejaVu Sans"], **style)


@cache
def _signs() -> frozenset[int]:
    own = font_manager.get_font(_FONTS / "OpenSans-Regular.ttf").get_charmap()
    more = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    return frozenset(own) | frozenset(more)


def _plain(text: str) -> str:
    """Text on one line, without signs that steer what reads it (controls, direction marks)."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split(" ")).replace("\t", " ")
    spaced = "".join(" " if c in "\n\r\x0b\x0c\x85\u2028\u2029" else c for c in spaced)
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")


@lru_cache(maxsize=4096)
def _printable(text: str) -> str:
    """``_plain`` text with a replacement sign for every letter that the fonts lack."""
    text = _plain(text).replace("\u202f", "\u00a0").replace("\u2011", "-")
    return "".join(c if ord(c) in _signs() else "\ufffd" for c in text)


@lru_cache(maxsize=8192)
def _width(text: str, size: float, face: str) -> float:
    """Width of a printable text on one line, in points."""
    prop = _font(face).copy()
    prop.set_size(size)
    return text_to_path.get_text_width_height_descent(text, prop, ismath=False)[0]


def _shortened(text: str, most: int = _LONGEST_LABEL) -> str:
    text = _printable(text).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _wrapped(text: str, width: float, size: float, face: str, most: int) -> list[str]:
    """The text in at most ``most`` lines no wider than ``width``, an ellipsis where it is cut."""
    lines = [""]
    for word in _printable(text)[:2000].split(" "):  # a no-break space is none
        tried = f"{lines[-1]} {word}".strip()
        if _width(tried, size, face) <= width:
            lines[-1] = tried
            continue
        while _width(word, size, face) > width:
            cut = max(1, int(len(word) * width / _width(word, size, face)) - 1)
            lines += [word[:cut]]
            word = word[cut:]
        lines.append(word)
    lines = [line for line in lines if line]
    if len(lines) > most:
        lines = lines[:most]
        while lines[-1] and _width(lines[-1] + "…", size, face) > width:
            lines[-1] = lines[-1][:-1].rstrip()
        lines[-1] += "…"
    return lines


# ---- labels -----------------------------------------------------------------------------------


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
class _Spot:
    """A position for a label: its middle, its turn, and the mark's point if a line leads there."""

    x: float
    y: float
    angle_deg: float = 0.0
    leader: tuple[float, float] | None = None


@dataclass(frozen=True)
class _Label:
    lines: tuple[str, ...]
    size: float
    face: str
    colour: str
    spots: tuple[_Spot, ...]
    rank: float
    dot: tuple[float, float, float] | None = None  # a town: x, y, radius

    @cached_property
    def extent(self) -> tuple[float, float]:
        width = max(_width(line, self.size, self.face) for line in self.lines)
        lines = len(self.lines)
        return width, self.size * (_ASCENT + _DESCENT + _LEADING * (lines - 1))

    def boxes(self, spot: _Spot, margin: float = 1.0) -> list[Box]:
        width, height = self.extent
        if spot.angle_deg == 0:
            half_w, half_h = width / 2 + margin, height / 2 + margin
            box = (spot.x - half_w, spot.y - half_h, spot.x + half_w, spot.y + half_h)
            if spot.leader is None:
                return [box]
            (x0, y0), (x1, y1) = spot.leader, _nearest(box, spot.leader)
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


def _around(x: float, y: float, half: tuple[float, float], extent, reach=(0.0,)) -> Iterator[_Spot]:
    """Positions for a label round a sign of half width and half height ``half``, best first."""
    width, height = extent
    for more in reach:
        dx, dy = half[0] + width / 2 + 2 + more, half[1] + height / 2 + 1 + more
        # A line leads to what stands further off, from the edge of the sign.
        far = half if more > 8 else None

        def spot(px: float, py: float, far=far) -> _Spot:
            if far is None:
                return _Spot(px, py)
            turn = math.atan2(py - y, px - x)
            edge = min(
                (half[0] + 1.5) / max(abs(math.cos(turn)), 1e-9),
                (half[1] + 1.5) / max(abs(math.sin(turn)), 1e-9),
            )
            start = (x + edge * math.cos(turn), y + edge * math.sin(turn))
            return _Spot(px, py, 0, start)

        for sx, sy in ((1, 0), (-1, 0), (0.94, 1), (0.94, -1), (-0.94, 1), (-0.94, -1)):
            yield spot(x + sx * dx, y + sy * (dy if abs(sx) < 1 else 0))
        for sx, sy in ((0, 1), (0, -1), (0.5, 1), (0.5, -1), (-0.5, 1), (-0.5, -1)):
            yield spot(x + sx * dx, y + sy * dy)
        for sy in (0.5, -0.5):
            yield spot(x + dx, y + sy * dy)
            yield spot(x - dx, y + sy * dy)


# ---- projection -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Window:
    """A part of the globe on the page: projection, scale (points a metre) and frame.

    ``bounds`` is what the frame shows, on continuous longitudes round ``lon_0``.
    """

    crs: str
    kind: str
    lon_0: float
    scale: float
    x_m: float
    y_m: float
    frame: Box
    bounds: Bounds

    def page(self, lonlat: np.ndarray) -> np.ndarray:
        x, y = _transformer(self.crs).transform(lonlat[:, 0], lonlat[:, 1])
        xy = np.column_stack([x, y])
        return (xy - (self.x_m, self.y_m)) * self.scale + self.frame[:2]

    def globe(self, page: np.ndarray) -> np.ndarray:
        return _inverse(self.crs, self.kind, self.lon_0, self._metres(page))

    def _metres(self, page: np.ndarray) -> np.ndarray:
        return (np.asarray(page) - self.frame[:2]) / self.scale + (self.x_m, self.y_m)

    @property
    def centre(self) -> tuple[float, float]:
        left, bottom, right, top = self.frame
        lon, lat = self.globe(np.array([[(left + right) / 2, (bottom + top) / 2]]))[0]
        return float(lon), float(lat)


@lru_cache(maxsize=32)
def _transformer(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _inverse(crs: str, kind: str, lon_0: float, metres: np.ndarray) -> np.ndarray:
    lon, lat = _transformer(crs).transform(metres[:, 0], metres[:, 1], direction="INVERSE")
    if kind != "comill":  # the others give -180..180
        lon = (lon - lon_0 + 180) % 360 - 180 + lon_0
    return np.column_stack([lon, lat])


def _projection(bounds: Bounds) -> tuple[str, str, float]:
    """PROJ string, kind and central longitude that suit an extent (Snyder 1987, ch. 5 and 15).

    A small one azimuthal equidistant, a middle one in middle latitudes conformal conic, other
    middle ones azimuthal equal-area, and the wide ones compact Miller (Jenny et al. 2015).
    """
    west, south, east, north = bounds
    lon_0, lat_0 = (west + east) / 2, (south + north) / 2
    tail = "+datum=WGS84 +units=m"
    wide, tall = east - west, north - south
    if wide > 110 or tall > 100:
        return f"+proj=comill +lon_0=0 +over {tail}", "comill", lon_0
    centre = f"+lat_0={lat_0:.6f} +lon_0={lon_0:.6f}"
    if max(tall, wide * math.cos(math.radians(lat_0))) < 4:
        return f"+proj=aeqd {centre} {tail}", "aeqd", lon_0
    if wide <= 60 and tall <= 40 and 12 < abs(lat_0) < 72 and south * north > 0:
        sixth = tall / 6
        parallels = f"+lat_1={south + sixth:.6f} +lat_2={north - sixth:.6f}"
        return f"+proj=lcc {parallels} {centre} {tail}", "lcc", lon_0
    return f"+proj=laea {centre} {tail}", "laea", lon_0


def _projected(bounds: Bounds) -> tuple[str, str, float, Box]:
    """The projection of an extent, and the box of the extent in it, in metres."""
    crs, kind, lon_0 = _projection(bounds)
    west, south, east, north = bounds
    t = np.linspace(0, 1, 60)
    lon = np.concatenate([west + t * (east - west)] * 2 + [np.full(60, west), np.full(60, east)])
    up = south + t * (north - south)
    lat = np.concatenate([np.full(60, south), np.full(60, north), up, up])
    x, y = _transformer(crs).transform(lon, lat)
    return crs, kind, lon_0, (x.min(), y.min(), x.max(), y.max())


def _window(bounds: Bounds, frame: Box) -> _Window:
    """The window that shows all of ``bounds`` in ``frame``; a world's frame ends at the poles."""
    crs, kind, lon_0, (x0, y0, x1, y1) = _projected(bounds)
    left, bottom, right, top = frame
    scale = min((right - left) / (x1 - x0), (top - bottom) / (y1 - y0))
    width, height = (right - left) / scale, (top - bottom) / scale
    x_m, y_m = (x0 + x1 - width) / 2, (y0 + y1 - height) / 2
    if kind == "comill":
        turn = 2 * _transformer(crs).transform(180, 0)[0]
        pole = _transformer(crs).transform(0, 89.9)[1]
        if width > turn:
            left += (width - turn) / 2 * scale
            right = left + turn * scale
            x_m, width = (x0 + x1 - turn) / 2, turn
        if height > 2 * pole:
            bottom = top - 2 * pole * scale
            height = 2 * pole
        y_m = min(max(y_m, -pole), pole - height)
    frame = (left, bottom, right, top)

    steps = np.linspace(0, 1, 41)
    grid = np.stack(np.meshgrid(x_m + steps * width, y_m + steps * height), -1).reshape(-1, 2)
    lonlat = _inverse(crs, kind, lon_0, grid)
    lonlat = lonlat[np.isfinite(lonlat).all(axis=1)]
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    pad = 0.02 * (north - south)
    south, north = max(south - pad, -90), min(north + pad, 90)
    if kind == "comill":
        pad = min(1.0, (360 - (east - west)) / 2)
        west, east = west - pad, min(east + pad, west - pad + 360)
    else:
        for lat in (90.0, -90.0):
            x, y = _transformer(crs).transform(lon_0, lat)
            if x_m <= x <= x_m + width and y_m <= y <= y_m + height:
                west, east = lon_0 - 180, lon_0 + 180
                south, north = (south, 90.0) if lat > 0 else (-90.0, north)
        pad = 0.02 * (east - west)
        west, east = max(west - pad, lon_0 - 180), min(east + pad, lon_0 + 180)
    shown = (float(west), float(south), float(east), float(north))
    return _Window(crs, kind, lon_0, scale, x_m, y_m, frame, shown)


def _turned(geometry: BaseGeometry, bounds: Bounds) -> Iterator[BaseGeometry]:
    """The copies of a geometry, whole turns apart, that lie in ``bounds``, cut to it."""
    west, south, east, north = bounds
    left, low, right, high = geometry.bounds
    if high < south or low > north:
        return
    for turn in range(math.floor((west - right) / 360), math.ceil((east - left) / 360) + 1):
        if left + 360 * turn > east or right + 360 * turn < west:
            continue
        copy = shapely.transform(geometry, lambda xy, turn=turn: np.add(xy, (360 * turn, 0)))
        if copy.geom_type == "Point":
            yield copy
            continue
        if not (west <= copy.bounds[0] and copy.bounds[2] <= east):
            copy = shapely.make_valid(copy)
            copy = copy.intersection(shapely.box(west, -90, east, 90))
        if not copy.is_empty:
            yield copy


# ---- ground -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ground:
    """The basemap of a window as paths on the page, by layer, and its graticule."""

    paths: dict[str, Path]
    ticks: tuple[tuple[str, float, str], ...]  # side (bottom, left), where along it, degrees
    land: BaseGeometry
    names: tuple[tuple[str, str, str, float, float, float], ...]  # kind, name, name_fr, x, y, zoom
    countries: dict[str, BaseGeometry]
    close: bool  # a sea is larger than the map, so its name may stand anywhere in it
    towns: tuple[tuple[str, float, float, float], ...]  # name, prominence, x, y


def _halves(bounds: Bounds) -> list[Bounds]:
    """A whole turn in two parts that meet where the data have their seam anyway."""
    west, south, east, north = bounds
    seam = 180 + 360 * math.floor((east - 180) / 360)
    if east - west < 359 or not west < seam < east:
        return [bounds]
    return [(west, south, seam, north), (seam, south, east, north)]


def _read(layer, bounds: Bounds, *scale: str) -> gpd.GeoDataFrame:
    return pd.concat([layer(*scale, box) for box in _halves(bounds)], ignore_index=True)


def _path(geometries, window: _Window, tolerance: float = 0.12) -> Path:
    """One path of many lines or polygons in degrees, without what is too small to see."""
    shapes = np.asarray(geometries, dtype=object)
    if len(shapes) == 0:
        return Path(np.zeros((0, 2)))
    longest = max(0.25, (window.bounds[2] - window.bounds[0]) / 60)
    shapes = shapely.transform(shapely.segmentize(shapes, longest), window.page)
    shapes = shapely.get_parts(shapes)
    box = shapely.bounds(shapes)
    finite = np.isfinite(shapely.length(shapes)) & np.isfinite(box).all(axis=1)
    seen = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) > 0.4
    return _as_path(shapely.simplify(shapes[finite & seen], tolerance, preserve_topology=False))


def _as_path(shapes) -> Path:
    """Lines or polygons on the page as one path; holes stay holes."""
    shapes = shapely.get_parts(np.atleast_1d(np.asarray(shapes, dtype=object)))
    shapes = shapes[~shapely.is_empty(shapes)]
    if len(shapes) == 0:
        return Path(np.zeros((0, 2)))
    closed = shapely.get_type_id(shapes[0]) == 3
    rings = shapely.get_rings(shapely.orient_polygons(shapes)) if closed else shapes
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Path.LINETO, dtype=Path.code_type)
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    codes[starts] = Path.MOVETO
    if closed:
        codes[np.append(starts[1:], len(xy)) - 1] = Path.CLOSEPOLY
    return Path(xy, codes)


@lru_cache(maxsize=6)
def _ground(window: _Window) -> _Ground:
    bounds = window.bounds
    span = bounds[2] - bounds[0]
    scale = "10m" if span < 30 else "50m"
    land = _read(basemap.land, bounds, scale).geometry.to_numpy()
    land = _healed(land, bounds)
    borders = _read(basemap.borders, bounds, scale)
    lakes = _read(basemap.lakes, bounds).geometry.to_numpy()
    # A lake narrower than some two points on the page is a speck.
    box = shapely.bounds(lakes)
    least = (2 if span < 30 else 4) / (window.frame[2] - window.frame[0]) * span
    lakes = lakes[np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) > least]
    paths = {
        "land": _path(land, window),
        "lakes": _path(lakes, window),
        "borders": _path(borders.geometry[~borders["disputed"]], window),
        "disputed": _path(borders.geometry[borders["disputed"]], window),
        "rivers": _path(_read(basemap.rivers, bounds).geometry, window),
        "admin1": _path(_read(basemap.admin1, bounds).geometry if span < 25 else (), window),
    }
    paths["graticule"], ticks = _graticule(window)
    rings = paths["land"].to_polygons(closed_only=False)
    solid = [shapely.Polygon(ring) for ring in rings if len(ring) > 3]
    whole = shapely.union_all(shapely.make_valid(np.array(solid, dtype=object)))
    return _Ground(
        paths, ticks, whole, _names(window), _countries(window), span < 25, _towns(window)
    )


def _healed(land: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Land without the cut that the data have along the 180th meridian."""
    seam = 180 + 360 * math.floor((bounds[2] - 180) / 360)
    if len(land) == 0 or not bounds[0] < seam < bounds[2]:
        return land
    box = shapely.bounds(land)
    cut = np.isclose(box[:, 0], seam) | np.isclose(box[:, 2], seam)
    return np.concatenate([land[~cut], shapely.get_parts(shapely.union_all(land[cut]))])


def _inside(points: np.ndarray, frame: Box, margin: float = 0.0) -> np.ndarray:
    left, bottom, right, top = frame
    x, y = points[:, 0], points[:, 1]
    return (
        (x >= left + margin) & (x <= right - margin) & (y >= bottom + margin) & (y <= top - margin)
    )


def _countries(window: _Window) -> dict[str, BaseGeometry]:
    """The countries on the page, roughly, by English name: where a name may stand."""
    frame = _read(basemap.countries, window.bounds, "50m")
    shapes = shapely.transform(frame.geometry.to_numpy(), window.page)
    shapes = shapely.make_valid(shapely.simplify(shapes, 0.5))
    return dict(zip(frame["name"], shapes, strict=True))


def _names(window: _Window) -> tuple[tuple[str, str, str, float, float, float], ...]:
    frame = _read(basemap.names, window.bounds)
    # The zoom at which a web map would show this at the scale of a page held in the hand.
    span = window.bounds[2] - window.bounds[0]
    zoom = math.log2(360 * (window.frame[2] - window.frame[0]) / _PX / 256 / span)
    frame = frame[(frame["min_zoom"] <= zoom + 0.3) & (frame["max_zoom"] >= zoom - 1.5)]
    page = window.page(shapely.get_coordinates(frame.geometry))
    keep = _inside(page, window.frame)
    found = []
    for row, (x, y) in zip(frame[keep].to_dict("records"), page[keep], strict=True):
        name_fr = row["name_fr"] if isinstance(row["name_fr"], str) else row["name"]
        found.append((row["kind"], row["name"], name_fr, float(x), float(y), row["min_zoom"]))
    return tuple(found)


def _towns(window: _Window) -> tuple[tuple[str, float, float, float], ...]:
    span = window.bounds[2] - window.bounds[0]
    least = 1_000_000 if span > 60 else 200_000 if span > 25 else 20_000 if span > 10 else 0
    frame = _read(lambda box: basemap.towns(box, least), window.bounds)
    page = window.page(shapely.get_coordinates(frame.geometry))
    frame = frame.assign(x=page[:, 0], y=page[:, 1])[_inside(page, window.frame, 2)]
    frame = frame.sort_values(["prominence", "geonames_id"], ascending=[False, True]).head(220)
    columns = (frame[c].tolist() for c in ("name", "prominence", "x", "y"))
    return tuple(zip(*columns, strict=True))


def _graticule(window: _Window) -> tuple[Path, tuple[tuple[str, float, str], ...]]:
    west, south, east, north = window.bounds
    left, bottom, right, top = window.frame
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)
    fits = [s for s in steps if (east - west) / s <= 9 and (north - south) / s <= 8]
    step = fits[0] if fits else 45
    lines, ticks = [], []
    decimals = 0 if step >= 1 else 1
    for axis, low, high in ((0, west, east), (1, south, north)):
        across = np.linspace(*((south, north) if axis == 0 else (west, east)), 120)
        for number in range(math.ceil(low / step), math.floor(high / step) + 1):
            degrees = round(number * step, 6)
            if axis == 1 and abs(degrees) >= 90:
                continue
            lonlat = np.column_stack([np.full(120, degrees), across][:: 1 if axis == 0 else -1])
            page = window.page(lonlat)
            if not np.isfinite(page).all():
                continue
            lines.append(page)
            side, edge, span = ("bottom", bottom, (left, right)) if axis == 0 else (
                "left", left, (bottom, top)
            )  # fmt: skip
            over, by = page[:, 1 - axis] - edge, page[:, axis]
            cross = np.flatnonzero(np.diff(np.sign(over)) != 0)
            for i in cross[:1]:
                where = by[i] - over[i] * (by[i + 1] - by[i]) / (over[i + 1] - over[i])
                if span[0] + 8 < where < span[1] - 8:
                    wrapped = (degrees + 180) % 360 - 180 if axis == 0 else degrees
                    ticks.append((side, float(where), f"{'lon' if axis == 0 else 'lat'} {wrapped}"))
    path = (
        _as_path([shapely.LineString(line) for line in lines]) if lines else Path(np.zeros((0, 2)))
    )
    ticks = tuple((side, at, f"{text} {decimals}") for side, at, text in ticks)
    return path, ticks


def _degrees(code: str, lang: str) -> str:
    _ = texts.translator(lang)
    axis, value, decimals = code.split()
    number = float(value)
    if axis == "lon":
        side = "" if number in (0, -180) else _("E") if number > 0 else _("W")
    else:
        side = "" if number == 0 else _("N") if number > 0 else _("S")
    return f"{texts.number(abs(number), lang, int(decimals))}° {side}".strip()


# ---- drawing ----------------------------------------------------------------------------------


class _Pen:
    """Draws on the page in points; while ``on_map``, paths end at the frame of the map."""

    def __init__(self, figure: Figure, theme: _Theme, frame: Box, size: float, lang: str):
        self.theme = theme
        self.lang = lang
        self.on_map = True
        self.size = size  # factor on type and signs
        self.frame = frame
        width, height = figure.get_size_inches() * 72
        self._axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        self._axes.set_axis_off()
        left, bottom, right, top = frame
        self._clip = Rectangle((left, bottom), right - left, top - bottom)
        self._clip.set_transform(self._axes.transData)
        self._z = 0.0

    def _add(self, artist, clipped: bool = False) -> None:
        self._z += 1
        artist.set_zorder(self._z)
        self._axes.add_artist(artist)
        if clipped:
            artist.set_clip_path(self._clip)

    def path(
        self,
        path: Path,
        *,
        fill: str = "none",
        stroke: str = "none",
        width: float = 0.0,
        dash: Sequence[float] = (),
        alpha: float | None = None,
    ) -> None:
        if len(path.vertices) == 0:
            return
        style = (0, tuple(dash)) if dash else "solid"
        patch = PathPatch(
            path, facecolor=fill, edgecolor=stroke, linewidth=width, linestyle=style, alpha=alpha
        )
        patch.set_joinstyle("round")
        patch.set_capstyle("butt")
        self._add(patch, self.on_map)

    def box(self, box: Box, *, fill="none", stroke="none", width=0.0, round_by=0.0, alpha=None):
        left, bottom, right, top = box
        patch = FancyBboxPatch(
            (left + round_by, bottom + round_by),
            right - left - 2 * round_by,
            top - bottom - 2 * round_by,
            boxstyle=f"round,pad={round_by}" if round_by else "square,pad=0",
            facecolor=fill,
            edgecolor=stroke,
            linewidth=width,
            alpha=alpha,
        )
        self._add(patch)

    def text(
        self,
        x: float,
        y: float,
        line: str,
        size: float,
        face: str = "regular",
        colour: str = "",
        *,
        align: str = "left",
        angle_deg: float = 0.0,
        halo: float = 0.0,
    ) -> None:
        """One line of text with its baseline at x, y; ``halo`` is how far it is cleared round."""
        if not line:
            return
        if halo:
            # As a path of its own: with matplotlib's path effects the text would become paths.
            shift = _width(line, size, face) * {"left": 0, "center": 0.5, "right": 1}[align]
            outline = TextPath((-shift, 0), line, size=size, prop=_font(face))
            turn = Affine2D().rotate_deg(angle_deg).translate(x, y)
            path = turn.transform_path(outline)
            self.path(path, stroke=self.theme.halo, width=2 * halo, alpha=0.85)
        text = Text(
            x,
            y,
            line,
            fontproperties=_font(face),
            fontsize=size,
            color=colour or self.theme.ink,
            ha=align,
            va="baseline",
            rotation=angle_deg,
            rotation_mode="anchor",
            parse_math=False,
        )
        self._add(text)

    def label(self, label: _Label, spot: _Spot) -> None:
        """A placed label, centred on its spot, line by line."""
        if spot.leader is not None:
            ends = np.array([spot.leader, _nearest(label.boxes(spot)[0], spot.leader)])
            self.path(Path(ends), stroke=self.theme.halo, width=2.2, alpha=0.85)
            self.path(Path(ends), stroke=self.theme.quiet, width=0.6)
        _w, height = label.extent
        turn = math.radians(spot.angle_deg)
        for number, line in enumerate(label.lines):
            down = -height / 2 + label.size * (_ASCENT + _LEADING * number)
            x, y = spot.x + down * math.sin(turn), spot.y - down * math.cos(turn)
            self.text(
                x,
                y,
                line,
                label.size,
                label.face,
                label.colour,
                align="center",
                angle_deg=spot.angle_deg,
                halo=1.3 * self.size,
            )

    # signs

    def sign(self, symbol: Symbol, x: float, y: float, *, struck: bool = False, scale=1.0):
        """A point's sign; ``struck`` for a claim that was taken back, whatever the colour."""
        unit = _PX * self.size * scale
        r = symbol.size / 2 * unit
        tone = self.theme.tone
        path = Affine2D().scale(r).translate(x, y).transform_path(_SHAPES[symbol.shape])
        if symbol.fill or symbol.shape == "ring":
            wide = (symbol.width + 2.6) * unit
            self.path(path, stroke=self.theme.halo, width=wide, alpha=0.9)
        self.path(
            path,
            fill=tone(symbol.fill) if symbol.fill else "none",
            stroke=tone(symbol.colour),
            width=symbol.width * unit * 0.9,
            dash=[d * unit for d in symbol.dash],
        )
        if symbol.over:
            self.crossed(symbol, x, y, r, 0.0, unit)
        if struck:
            self.strike(x, y, 1.5 * r, unit, symbol.colour)

    def strike(self, x: float, y: float, reach: float, unit: float, colour: str) -> None:
        path = Path([(x - reach, y), (x + reach, y)])
        self.path(path, stroke=self.theme.halo, width=4.2 * unit, alpha=0.9)
        self.path(path, stroke=self.theme.tone(colour), width=1.8 * unit)

    def crossed(self, symbol: Symbol, x, y, r, angle: float, unit: float) -> None:
        """A bar (denied by implication) or a cross (denied by name) through a point."""
        reach = 0.68 * r
        strokes = ((1, 1), (1, -1)) if symbol.over == "cross" else ((1, 1),)
        lines = [[(-reach * a, -reach * b), (reach * a, reach * b)] for a, b in strokes]
        codes = [Path.MOVETO, Path.LINETO] * len(strokes)
        path = Path(np.concatenate(lines), codes)
        path = Affine2D().rotate(angle).translate(x, y).transform_path(path)
        self.path(path, stroke=self.theme.halo, width=(symbol.width + 1.6) * unit, alpha=0.9)
        self.path(path, stroke=self.theme.tone(symbol.colour), width=symbol.width * unit)

    def arrowhead(self, x: float, y: float, angle: float, colour: str) -> None:
        unit = _PX * self.size
        path = Path([(9, 0), (-7, 7), (-4, 0), (-7, -7), (9, 0)], closed=True)
        path = Affine2D().scale(unit).rotate(angle).translate(x, y).transform_path(path)
        self.path(path, stroke=self.theme.halo, width=2.2 * unit, alpha=0.9)
        self.path(path, fill=self.theme.tone(colour))


def _nearest(box: Box, point: tuple[float, float]) -> tuple[float, float]:
    left, bottom, right, top = box
    return min(max(point[0], left), right), min(max(point[1], bottom), top)


def _regular(corners: int, r: float, dy: float = 0.0) -> Path:
    turn = math.pi / 2 + np.arange(corners + 1) * 2 * math.pi / corners
    return Path(np.column_stack([r * np.cos(turn), r * np.sin(turn) + dy]), closed=True)


def _closed(*points: tuple[float, float]) -> Path:
    return Path([*points, points[0]], closed=True)


_A = 0.42
# Signs of the table of symbols on a circle of radius 1, as the web map draws them.
_SHAPES = {
    "circle": Path.circle(),
    "ring": Path.circle(),
    "square": _closed((-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)),
    "diamond": _regular(4, 1.15),
    "triangle": _regular(3, 1.25, -0.15),
    "pentagon": _regular(5, 1.1),
    "flag": Path(
        [(-0.75, -1.1), (-0.75, 1), (1, 0.45), (-0.75, -0.15)],
        [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO],
    ),
    "saltire": _closed(
        *((-1, 1 - _A), (-1 + _A, 1), (0, _A), (1 - _A, 1), (1, 1 - _A), (_A, 0)),
        *((1, -1 + _A), (1 - _A, -1), (0, -_A), (-1 + _A, -1), (-1, -1 + _A), (-_A, 0)),
    ),
    "bubble": _closed(
        *((-1, 0.9), (1, 0.9), (1, -0.45), (-0.1, -0.45), (-0.6, -1.1), (-0.6, -0.45)),
        (-1, -0.45),
    ),
}


# ---- marks ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """One mark on the page; ``box`` and ``span`` (its feature's width) in points."""

    mark: dict
    key: str
    symbol: Symbol
    page: BaseGeometry
    box: Box
    span: float

    @property
    def struck(self) -> bool:
        return self.key.endswith("-withdrawn")


def _shapes(shown: pd.DataFrame, window: _Window, unit: float) -> list[_Shape]:
    """The marks in the window, each look at each place once, without what is too small or large."""
    left, bottom, right, top = window.frame
    frame = shapely.box(*window.frame)
    found, seen = [], set()
    for mark in shown.to_dict("records"):
        symbol = symbols.table()[mark["symbol"]]
        for copy in _turned(mark["geometry"], window.bounds):
            page = shapely.transform(copy, window.page)
            if not np.isfinite(shapely.get_coordinates(page)).all():
                continue
            west, low, east, high = page.bounds
            if west > right or east < left or low > top or high < bottom:
                continue
            if symbol.kind == "area":
                page = shapely.make_valid(page)
                if page.contains(frame):
                    continue  # it would tint all of the map and tell nothing
            elif symbol.kind == "line" and not page.intersects(frame):
                continue
            found.append((mark, symbol, page, (west, low, east, high)))
    spans: dict[str, float] = {}
    for mark, _symbol, _page, box in found:
        spans[mark["feature"]] = max(spans.get(mark["feature"], 0), box[2] - box[0])
    shapes = []
    for mark, symbol, page, box in found:
        span = spans[mark["feature"]]
        part = mark["part"]
        if part in ("stated-point", "to", "ring", "sector", "radius") and span < 44 * unit:
            continue
        if part == "radius" and box[2] - box[0] < 26 * unit:
            continue
        if symbol.kind == "line" and math.hypot(box[2] - box[0], box[3] - box[1]) < 20 * unit:
            continue  # a stub; the signs at its ends stand for it
        if symbol.kind != "point":
            look = (mark["symbol"], page.wkb)
            if look in seen:
                continue
            seen.add(look)
        shapes.append(_Shape(mark, mark["symbol"], symbol, page, box, span))
    return shapes


def _strings(page: BaseGeometry) -> list[np.ndarray]:
    """The lines of a line, or the outlines of an area, as arrays of points."""
    parts = shapely.get_parts(page)
    parts = shapely.get_parts(parts)
    kinds = shapely.get_type_id(parts)
    lines = [*parts[kinds == 1], *shapely.get_rings(parts[kinds == 3])]
    return [shapely.get_coordinates(line) for line in lines]


def _along(line: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Points at the given lengths along a line: x, y and direction (radians)."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    walked = np.concatenate([[0], np.cumsum(steps)])
    x, y = np.interp(at, walked, line[:, 0]), np.interp(at, walked, line[:, 1])
    before = np.clip(np.searchsorted(walked, at, side="right") - 1, 0, len(steps) - 1)
    dx, dy = np.diff(line, axis=0)[before].T
    return np.column_stack([x, y, np.arctan2(dy, dx)])


def _length(line: np.ndarray) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


_SIGN_PX = 34


@dataclass
class _Drawing:
    """What has been drawn on the map so far, for the labels and the legend."""

    obstacles: list[Box] = field(default_factory=list)
    labels: list[_Label] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    bars: list[tuple[float, float]] = field(default_factory=list)

    def drew(self, shape: _Shape) -> None:
        self.keys.add(shape.key)
        self.claims.add(shape.mark["claim"])


@dataclass
class _Stack:
    x: float
    y: float
    points: list[tuple[_Shape, Symbol, str]] = field(default_factory=list)


def _draw_marks(pen: _Pen, shapes: list[_Shape]) -> _Drawing:
    drawing = _Drawing()
    unit = _PX * pen.size
    told = {
        s.mark["feature"]
        for s in shapes
        if s.symbol.kind != "point" and not s.symbol.over and not s.symbol.hatch
    }
    points: list[tuple[float, float, _Shape, Symbol, str]] = []
    for shape in shapes:
        symbol, mark = shape.symbol, shape.mark
        middle = ((shape.box[0] + shape.box[2]) / 2, (shape.box[1] + shape.box[3]) / 2)
        if symbol.kind == "point":
            points.append((*middle, shape, symbol, mark["label"]))
            continue
        small = shape.box[2] - shape.box[0] < _SIGN_PX * unit
        if symbol.kind == "area" and mark["part"] != "sector" and small:
            points.append((*middle, shape, _as_point(symbol), mark["label"]))
            continue
        drawing.drew(shape)
        if symbol.kind == "area":
            _area(pen, shape, told, drawing)
            if symbol.hatch:
                points.append((*middle, shape, _as_point(symbol), ""))
        else:
            _line(pen, shape, told, drawing)
        if mark["label"] and not symbol.over and not symbol.hatch and shape.span >= 44 * unit:
            drawing.labels.append(_shape_label(pen, shape))
    for stack in _stacks(points, 24 * unit):
        _draw_stack(pen, stack, drawing)
    return drawing


def _as_point(symbol: Symbol) -> Symbol:
    """The sign of an area that is too small to see, or that stands in a denied one."""
    if symbol.hatch:
        over = "cross" if symbol.hatch == "cross" else "bar"
        return Symbol("point", symbol.colour, width=symbol.width, shape="ring", size=27, over=over)
    return Symbol(
        "point",
        symbol.colour,
        fill=symbols.PAPER,
        fill_opacity=1,
        width=symbol.width,
        dash=(4, 2.5),
        shape="circle",
        size=15,
    )


def _block(drawing: _Drawing, line: np.ndarray, half: float, frame: Box) -> None:
    """Keep labels off a line: small boxes all along it."""
    step = max(2 * half, 3.0)
    at = _along(line, np.arange(0, _length(line) + step, step))[:, :2]
    at = at[_inside(at, frame, -half)]
    drawing.obstacles += [(x - half, y - half, x + half, y + half) for x, y in at]


def _area(pen: _Pen, shape: _Shape, told: set[str], drawing: _Drawing) -> None:
    unit = _PX * pen.size
    symbol = shape.symbol
    tone = pen.theme.tone
    left, _bottom, right, _top = pen.frame
    polygons = shapely.get_parts(shape.page)
    path = _as_path(polygons[shapely.get_type_id(polygons) == 3])
    if symbol.fill:
        # An area larger than the map tints much of it: make it faint.
        faint = 0.4 if shape.box[2] - shape.box[0] > right - left else 1
        pen.path(path, fill=tone(symbol.fill), alpha=symbol.fill_opacity * faint)
    rings = _strings(shape.page)
    if symbol.hatch:
        if shape.mark["feature"] not in told:
            pen.path(path, stroke=tone(symbol.colour), width=1.1 * unit)
        if shape.box[2] - shape.box[0] >= 90 * unit:
            crossing = _as_point(symbol)
            for ring in rings:
                _bars(pen, crossing, ring, max(26 * unit, _length(ring) / 60), 7 * unit, drawing)
        return
    dash = [d * unit for d in symbol.dash]
    pen.path(path, stroke=tone(symbol.colour), width=symbol.width * unit, dash=dash)
    for ring in rings:
        _block(drawing, ring, 1.2 * pen.size, pen.frame)
    if shape.struck:
        pen.strike((shape.box[0] + shape.box[2]) / 2, shape.box[3], 9 * unit, unit, symbol.colour)


def _line(pen: _Pen, shape: _Shape, told: set[str], drawing: _Drawing) -> None:
    unit = _PX * pen.size
    symbol = shape.symbol
    colour = pen.theme.tone(symbol.colour)
    path = _as_path(shape.page)
    lines = _strings(shape.page)
    if symbol.over:
        if shape.mark["feature"] not in told:
            pen.path(path, stroke=colour, width=1.1 * unit)
        for line in lines:
            _bars(pen, symbol, line, 46 * unit, 9 * unit, drawing)
        return
    width = symbol.width * unit
    pen.path(path, stroke=pen.theme.halo, width=width + 2.6 * unit, alpha=0.85)
    pen.path(path, stroke=colour, width=width, dash=[d * unit for d in symbol.dash])
    for line in lines:
        _block(drawing, line, 2.2 * pen.size, pen.frame)
        length = _length(line)
        if symbol.arrow and length > 40 * unit:
            at = np.array([length * 0.6])
            for x, y, angle in _along(line, at):
                pen.arrowhead(x, y, angle, symbol.colour)
                reach = 8 * unit
                drawing.obstacles.append((x - reach, y - reach, x + reach, y + reach))
        if shape.key.startswith("measured"):
            _end_ticks(pen, line, unit, colour)
        if shape.struck:
            for x, y, _angle in _along(line, np.array([length * 0.4])):
                pen.strike(x, y, 9 * unit, unit, symbol.colour)


def _end_ticks(pen: _Pen, line: np.ndarray, unit: float, colour: str) -> None:
    """The ends of a measured line, as of a dimension in a technical drawing."""
    length = _length(line)
    for x, y, angle in _along(line, np.array([0.0, length])):
        tick = Path([(0, -8 * unit), (0, 8 * unit)])
        tick = Affine2D().rotate(angle).translate(x, y).transform_path(tick)
        pen.path(tick, stroke=pen.theme.halo, width=4.2 * unit, alpha=0.85)
        pen.path(tick, stroke=colour, width=1.8 * unit)


def _bars(pen: _Pen, symbol: Symbol, line: np.ndarray, step: float, r: float, drawing) -> None:
    length = _length(line)
    at = np.arange(step / 2, length, step)
    if len(at) == 0:
        at = np.array([length / 2])
    spots = _along(line, at[:800])
    for x, y, angle in spots[_inside(spots[:, :2], pen.frame, -r)]:
        # Lines that run together are barred together.
        if any(math.hypot(x - bx, y - by) < 1.4 * r for bx, by in drawing.bars):
            continue
        drawing.bars.append((x, y))
        pen.crossed(symbol, x, y, r, angle, _PX * pen.size)
        drawing.obstacles.append((x - r * 0.7, y - r * 0.7, x + r * 0.7, y + r * 0.7))


def _shape_label(pen: _Pen, shape: _Shape) -> _Label:
    """The label of a line, along it, or of an area, round or in it."""
    text = _shortened(shape.mark["label"])
    line = shape.symbol.kind == "line"
    size = (7.2 if line else 8.2) * pen.size
    face = "semibold"
    colour = pen.theme.tone(shape.symbol.colour)
    blank = _Label((text,), size, face, colour, (), 0.0)
    if line:
        spots = _line_spots(shape, blank.extent, pen)
        rank = 60.0
    else:
        spots = _area_spots(shape, blank.extent, pen)
        # What reaches far beyond a label is named last, wherever there is room.
        wide = max(shape.box[2] - shape.box[0], shape.box[3] - shape.box[1]) > 280 * pen.size
        rank = 39.0 if wide else 80.0
    return _Label((text,), size, face, colour, tuple(spots), rank)


# Where along a line its label is tried: towards its start, where lines to one port part.
_SHARES = (0.35, 0.42, 0.28, 0.5, 0.22, 0.66, 0.74, 0.15, 0.82, 0.9, 0.08)


def _line_spots(shape: _Shape, extent: tuple[float, float], pen: _Pen) -> Iterator[_Spot]:
    width, height = extent
    clipped = shapely.intersection(shape.page, shapely.box(*pen.frame))
    for line in _strings(clipped):
        length = _length(line)
        near, far = (height / 2 + gap * pen.size for gap in (4.2, 9.0))
        for off, share in itertools.product((near, far), _SHARES) if length > width + 16 else ():
            ends = np.clip(np.array([-0.5, 0.5]) * width + share * length, 0, length)
            (x0, y0, _a), (x1, y1, _b) = _along(line, ends)
            angle = math.atan2(y1 - y0, x1 - x0)
            upright = (angle + math.pi / 2) % math.pi - math.pi / 2
            middle = _along(line, np.array([share * length]))[0]
            for side in (1, -1):
                x = middle[0] - side * off * math.sin(upright)
                y = middle[1] + side * off * math.cos(upright)
                yield _Spot(x, y, math.degrees(upright) or 0.01)
        # One too short for its label has it beside its middle.
        (x, y, _angle), *_rest = _along(line, np.array([length * 0.45]))
        yield from _around(x, y, (5, 5), extent, (0, 6))


def _area_spots(shape: _Shape, extent: tuple[float, float], pen: _Pen) -> Iterator[_Spot]:
    left, bottom, right, top = shape.box
    half_w, half_h = (right - left) / 2, (top - bottom) / 2
    if max(half_w, half_h) < 70 * pen.size:
        x, y = (left + right) / 2, (bottom + top) / 2
        yield from _around(x, y, (half_w * 0.72, half_h * 0.72), extent, (6.0, 14.0))
        yield from _around(x, y, (half_w, half_h), extent)
        return
    clipped = shape.page.intersection(shapely.box(*pen.frame))
    x, y = clipped.centroid.coords[0] if not clipped.is_empty else (left, bottom)
    steps = [(dx * 45 * pen.size, dy * 26 * pen.size) for dx in range(-6, 7) for dy in range(-6, 7)]
    for dx, dy in sorted(steps, key=lambda step: math.hypot(*step)):
        cover = shapely.Point(x + dx, y + dy).buffer(extent[0] / 2)
        if clipped.contains(cover):
            yield _Spot(x + dx, y + dy)


def _stacks(points, cell: float) -> list[_Stack]:
    """Points within a few points of each other, as one stack."""
    found: list[_Stack] = []
    cells: dict[tuple[int, int], list[_Stack]] = {}
    for x, y, *point in points:
        home = (math.floor(x / cell), math.floor(y / cell))
        near = (
            stack
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
            for stack in cells.get((home[0] + dx, home[1] + dy), ())
            if math.hypot(stack.x - x, stack.y - y) < cell
        )
        stack = next(near, None)
        if stack is None:
            stack = _Stack(x, y)
            found.append(stack)
            cells.setdefault(home, []).append(stack)
        stack.points.append(tuple(point))
    return found


@dataclass
class _Look:
    base: tuple[Symbol, bool] | None = None
    over: Symbol | None = None
    claims: set[str] = field(default_factory=set)


def _looks(stack: _Stack) -> list[_Look]:
    """For each claim its sign with what crosses it out, each look once."""
    by_claim: dict[tuple[str, bool], _Look] = {}
    for shape, symbol, _name in stack.points:
        if symbol.size < 12:
            continue
        key = (shape.mark["claim"], shape.mark["part"] == "spoken")
        look = by_claim.setdefault(key, _Look())
        if symbol.over:
            look.over = symbol
        else:
            look.base = (symbol, shape.struck)
        look.claims.add(shape.mark["claim"])
    looks: dict[tuple, _Look] = {}
    for look in by_claim.values():
        same = looks.setdefault((look.base, look.over), _Look(look.base, look.over))
        same.claims |= look.claims
    return list(looks.values())


_MOST_LOOKS = 5


def _draw_stack(pen: _Pen, stack: _Stack, drawing: _Drawing) -> None:
    """What lies at one spot, side by side, with a count where a sign stands for several claims."""
    if not _inside(np.array([[stack.x, stack.y]]), pen.frame)[0]:
        return
    unit = _PX * pen.size
    looks = _looks(stack)
    for shape, symbol, _name in stack.points:
        if symbol.size < 12 and not looks:
            pen.sign(symbol, stack.x, stack.y, struck=shape.struck)
    drawn = looks[:_MOST_LOOKS]
    widths = [(30 if look.over else 22) * unit for look in drawn]
    half_w = max(sum(widths), 14 * unit) / 2
    half_h = (14 if any(look.over for look in drawn) else 10) * unit
    # Near the edge the row moves in, so that no sign of it is cut.
    x0 = min(max(stack.x, pen.frame[0] + half_w), pen.frame[2] - half_w)
    left = x0 - half_w
    badges = []
    for number, (look, width) in enumerate(zip(drawn, widths, strict=True)):
        x = left + width / 2
        left += width
        if look.base:
            pen.sign(look.base[0], x, stack.y, struck=look.base[1])
        if look.over:
            pen.sign(look.over, x, stack.y)
        last = number == _MOST_LOOKS - 1
        rest = looks[number:] if last else [look]
        count = len(set().union(*(each.claims for each in rest)))
        if count > 1:
            badges.append((x + 9 * unit, stack.y + 10 * unit, texts.number(count, pen.lang)))
    for x, y, text in badges:
        size = 5.6 * pen.size
        reach = max(_width(text, size, "bold") / 2 + 1.6 * pen.size, 3.6 * pen.size)
        path = Affine2D().scale(reach).translate(x, y).transform_path(Path.circle())
        pen.path(path, fill=pen.theme.ink, stroke=pen.theme.halo, width=0.8)
        pen.text(x, y - 0.36 * size, text, size, "bold", pen.theme.paper, align="center")
        drawing.obstacles.append((x - reach, y - reach, x + reach, y + reach))
    for shape, _symbol, _name in stack.points:
        drawing.drew(shape)
    drawing.obstacles.append((x0 - half_w, stack.y - half_h, x0 + half_w, stack.y + half_h))

    names: Counter[str] = Counter()
    for shape, _symbol, name in stack.points:
        if name:
            names[name] += 0.1 if shape.mark["part"] == "spoken" else 1
    if names:
        name = max(names, key=lambda each: names[each])
        text = _shortened(name) + (f" +{len(names) - 1}" if len(names) > 1 else "")
        blank = _Label((text,), 8.6 * pen.size, "bold", pen.theme.ink, (), 0)
        reach = tuple(step * pen.size for step in (0, 4, 9, 16, 26, 38, 54))
        spots = tuple(_around(x0, stack.y, (half_w, half_h), blank.extent, reach))
        rank = 100 + len(stack.points)
        drawing.labels.append(_Label((text,), blank.size, blank.face, blank.colour, spots, rank))


# ---- names of the ground ----------------------------------------------------------------------


def _spaced(text: str, by: str = "\u2009") -> str:
    return by.join(text)


def _ground_labels(ground: _Ground, pen: _Pen, lang: str, taken: set[str]) -> list[_Label]:
    """Names of countries and waters, then towns, in the order in which they find room."""
    theme, size = pen.theme, pen.size
    water = ("ocean", "sea", "bay", "strait")
    left, bottom, right, top = pen.frame
    offsets = [(0, 0)] + [
        (dx * 22 * size, dy * 14 * size)
        for reach in (0.5, 1, 1.6, 3, 4.5, 6, 8)
        for dx, dy in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))
        for dx, dy in ((dx * reach, dy * reach),)
    ]
    found = []
    for kind, name, name_fr, x, y, zoom in ground.names:
        text = _printable(name_fr if lang == "fr" else name)
        lines: tuple[str, ...] = (_spaced(text.upper()),)
        face, colour = "regular", theme.land_name
        home = ground.land
        if kind == "country":
            home = ground.countries.get(name, ground.land)
            room = home.intersection(shapely.box(*pen.frame)).area
            type_size = min(max(math.sqrt(room) / size / 14, 5.6), 11)
        elif kind == "region":
            type_size = 6.0
        else:
            lines = tuple(_spaced(part.strip(), "\u200a") for part in text.split(" / "))
            type_size = {"ocean": 11, "sea": 9.5}.get(kind, 7)
            face, colour = "italic", theme.sea_name
        # Of two names in each other's way, the one that shows from further off stays.
        rank = {"ocean": 42, "sea": 40, "country": 41, "bay": 8, "strait": 7}.get(kind, 6)
        rank -= zoom / 100
        blank = _Label(lines, type_size * size, face, colour, (), rank)
        spots = []
        roams = kind == "sea" and ground.close
        for dx, dy in offsets if roams else offsets[:25]:
            spot = _Spot(x + dx, y + dy)
            (box,) = blank.boxes(spot)
            if kind in water:
                cover = shapely.box(*box)
                dry = ground.land.intersection(cover).area / cover.area
                fits = dry <= (0.12 if kind in ("sea", "ocean") else 0.5)
            else:
                ends = [(spot.x + share * (box[2] - box[0]), spot.y) for share in (-0.3, 0, 0.3)]
                fits = all(home.contains(shapely.Point(end)) for end in ends)
            if fits:
                spots.append(spot)
        found.append(_Label(lines, blank.size, face, colour, tuple(spots), rank))

    area = (right - left) * (top - bottom) / (size * size)
    room = int(area / 9000)
    kept: list[tuple[float, float, float]] = []
    for name, prominence, x, y in ground.towns:
        if len(kept) >= room:
            break
        text = _shortened(name, 30)
        if text in taken:
            continue
        # A suburb never stands for its city.
        if any(
            math.hypot(x - kx, y - ky) < 75 * size and kp > 3 * prominence for kx, ky, kp in kept
        ):
            continue
        kept.append((x, y, prominence))
        large = len(kept) <= max(3, room // 5)
        type_size, face = (7.2, "semibold") if large else (6.2, "regular")
        r = (1.6 if large else 1.2) * size
        blank = _Label((text,), type_size * size, face, theme.quiet, (), 0)
        spots = tuple(_around(x, y, (r, r), blank.extent))
        dot = (x, y, r)
        found.append(
            _Label((text,), blank.size, face, theme.quiet, spots, 30 - len(kept) / 1000, dot)
        )
    return found


# ---- the page ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Words:
    """The texts round the map, wrapped to the page; sizes in points before the page's factor."""

    kicker: str
    title: list[str]
    subtitle: list[str]


def _legend(keys: set[str], lang: str) -> list[tuple[str, str, str]]:
    """The entries of the legend that the drawn symbols name."""
    table = symbols.table()
    named = {entry for key in keys for entry in table[key].legend}
    return [entry for entry in symbols.legend(lang) if entry[0] in named]


def _draw(
    whole: Dataset,
    chosen: Selection,
    bounds: Bounds,
    is_view: bool,
    size_mm: tuple[float, float],
    theme: _Theme,
) -> Figure:
    lang = chosen.lang
    kept = selection.apply(whole, chosen)
    drawn = marks.draw(whole, lang)
    shown = drawn[marks.visible(drawn, kept, chosen.layer)]
    width, height = (side * _PT_PER_MM for side in size_mm)
    size = min(max(math.sqrt(width * height / (842 * 595)), 0.62), 1.7)
    if size_mm[0] / size_mm[1] > 1.6:
        size *= 1.1  # a slide is read from afar
    margin = 24 * size
    words = _words(whole, chosen, kept, is_view, width - 2 * margin, size)
    head = (
        size * ((10 if words.kicker else -1) + 22 * len(words.title) + 13 * len(words.subtitle))
        + 9 * size
    )
    foot = size * 42
    room = (margin + 8 * size, margin * 0.5 + foot, width - margin, height - margin - head)

    unit = _PX * size
    _crs, kind, _lon, (x0, y0, x1, y1) = _projected(bounds)
    wide = (x1 - x0) / (y1 - y0) > 1.5 * (room[2] - room[0]) / (room[3] - room[1])
    inset = None
    if not wide and kind != "comill":
        window = _window(bounds, room)
        shapes = _shapes(shown, window, unit)
        entries = _legend(_probe(shapes, theme, window.frame, size, lang), lang)
        inset = _inset(entries, shapes, window, size, lang)
    if inset is None:
        # No corner is free, or the map is a strip: the legend stands beside it.
        window, shapes = _window(bounds, room), []
        entries = symbols.legend(lang)
        for _turn in range(2):
            tall = _panel_height(entries, room[2] - room[0], size, lang)
            frame = (room[0], room[1] + tall + 16 * size, room[2], room[3])
            window = _window(bounds, frame)
            shapes = _shapes(shown, window, unit)
            entries = _legend(_probe(shapes, theme, window.frame, size, lang), lang)

    figure = Figure(figsize=(width / 72, height / 72), facecolor=theme.paper)
    pen = _Pen(figure, theme, window.frame, size, lang)
    ground = _ground(window)
    _draw_ground(pen, ground, window.kind == "comill", lang)
    drawing = _draw_marks(pen, shapes)
    if inset is not None:
        drawing.obstacles.append(inset)
    _draw_labels(pen, drawing, ground, lang)
    bottom = window.frame[1]
    pen.on_map = False
    pen.box(window.frame, stroke=theme.ink, width=0.9)
    if inset is None:
        inset = (room[0], room[1], room[2], bottom - 16 * size)
        _draw_legend(pen, inset, entries, window, lang, panel=True)
    else:
        _draw_legend(pen, inset, entries, window, lang, panel=False)
    _draw_words(pen, words, margin, height - margin)
    _draw_foot(pen, whole, chosen, kept, drawing, window, margin, (width, foot))
    return figure


def _words(whole, chosen, kept, is_view: bool, width: float, size: float) -> _Words:
    lang = chosen.lang
    story = texts.in_language(vars(whole), "title", lang)
    title, kicker = story, ""
    if is_view:
        title, kicker = texts.in_language(vars(whole.view(chosen.view)), "title", lang), story
    sentence = selection.sentence(whole, chosen, kept)
    kicker_lines = _wrapped(kicker, width, 8.5 * size, "semibold", 1) if kicker else [""]
    return _Words(
        kicker_lines[0] if kicker_lines else "",
        _wrapped(title, width, 18 * size, "bold", 2),
        _wrapped(sentence, width, 9.5 * size, "regular", 3),
    )


def _draw_words(pen: _Pen, words: _Words, left: float, top: float) -> None:
    size = pen.size
    y = top - 6 * size
    pen.text(left, y, words.kicker, 8.5 * size, "semibold", pen.theme.quiet)
    y -= 3 * size if words.kicker else -8 * size
    for line in words.title:
        y -= 20 * size
        pen.text(left, y, line, 18 * size, "bold")
    y -= 3 * size
    for line in words.subtitle:
        y -= 12.5 * size
        pen.text(left, y, line, 9.5 * size, "regular", pen.theme.quiet)


def _probe(shapes: list[_Shape], theme: _Theme, frame: Box, size: float, lang: str) -> set[str]:
    """The symbols that drawing these shapes leaves on the map."""
    pen = _Pen(Figure(figsize=(1, 1)), theme, frame, size, lang)
    return _draw_marks(pen, shapes).keys


_ROW = 14.0
_SWATCH = 30.0


def _rows(entries, lang: str) -> list[tuple[str, str]]:
    _ = texts.translator(lang)
    if not entries:
        return [("", _("Nothing of this selection lies on this map."))]
    return [(symbol, _printable(words)) for _key, symbol, words in entries]


def _columns(entries, width: float, size: float, lang: str) -> tuple[int, float]:
    """How many columns the legend takes within ``width``, and how wide each is."""
    rows = _rows(entries, lang)
    widest = max(_width(words, 7.8 * size, "regular") for _s, words in rows)
    column = (_SWATCH + 10) * size + widest
    return max(1, int(width / column)), column


def _panel_height(entries, width: float, size: float, lang: str) -> float:
    columns, _column = _columns(entries, width - 130 * size, size, lang)
    return size * (_ROW * math.ceil(len(_rows(entries, lang)) / columns) + 24)


def _inset(entries, shapes: list[_Shape], window: _Window, size: float, lang: str) -> Box | None:
    """The corner for the legend that covers no mark and least land; None if there is none."""
    left, bottom, right, top = window.frame
    rows = _rows(entries, lang)
    fit, column = _columns(entries, right - left, size, lang)
    land = _ground(window).land
    gap = 7 * size
    best = None
    for columns in (1, 2):
        if columns > fit or columns > len(rows):
            continue
        width = max(columns * column + 14 * size, 150 * size)
        height = size * (_ROW * math.ceil(len(rows) / columns) + 52)
        if width > 0.5 * (right - left) or height > 0.75 * (top - bottom):
            continue
        for x in (right - gap - width, left + gap):
            for y in (bottom + gap, top - gap - height):
                box = (x, y, x + width, y + height)
                card = shapely.box(*box).buffer(9 * size)
                if any(_touches(shape, card) for shape in shapes):
                    continue
                cost = land.intersection(card).area / card.area
                if best is None or cost < best[0] - 1e-9:
                    best = (cost, box)
    return None if best is None else best[1]


def _touches(shape: _Shape, card: BaseGeometry) -> bool:
    """Whether a card would hide a mark: its point or its line, or the outline of its area."""
    if shape.symbol.kind == "area" and shape.page.geom_type.endswith("Polygon"):
        if shape.box[2] - shape.box[0] > 200:
            return False  # what is so large is seen beside the card as well
        return shape.page.intersects(card)
    reach = 16 if shape.symbol.kind == "point" else 3
    return shape.page.distance(card) < reach


def _draw_ground(pen: _Pen, ground: _Ground, far_out: bool, lang: str) -> None:
    theme, paths, size = pen.theme, ground.paths, pen.size
    left, bottom = pen.frame[:2]
    pen.box(pen.frame, fill=theme.sea)
    for width in (13, 8, 4):
        pen.path(paths["land"], stroke=theme.shallow, width=width * size, alpha=0.45)
    pen.path(paths["land"], fill=theme.land, stroke=theme.shore, width=0.5 * size)
    pen.path(paths["lakes"], fill=theme.water, stroke=theme.shore, width=0.25 * size)
    pen.path(paths["rivers"], stroke=theme.water, width=0.8 * size)
    dash = (2.4 * size, 2.0 * size)
    pen.path(paths["admin1"], stroke=theme.region, width=0.6 * size, dash=dash)
    pen.path(paths["graticule"], stroke=theme.quiet, width=0.35 * size, alpha=0.35)
    if far_out:
        # Dashes of a hundred small countries would blur.
        pen.path(paths["borders"], stroke=theme.border, width=0.5 * size)
    else:
        pen.path(paths["borders"], stroke=theme.casing, width=2.6 * size, alpha=0.9)
        dash = tuple(d * size for d in (5, 1.8, 1, 1.8))
        pen.path(paths["borders"], stroke=theme.border, width=0.95 * size, dash=dash)
    dash = (1.2 * size, 1.8 * size)
    pen.path(paths["disputed"], stroke=theme.border, width=0.9 * size, dash=dash)
    for side, at, code in ground.ticks:
        text = _printable(_degrees(code, lang))
        if side == "bottom":
            pen.text(at, bottom - 9 * size, text, 6.2 * size, colour=theme.quiet, align="center")
        else:
            pen.text(
                left - 4 * size, at, text, 6.2 * size, colour=theme.quiet, align="center",
                angle_deg=90,
            )  # fmt: skip


def _draw_labels(pen: _Pen, drawing: _Drawing, ground: _Ground, lang: str) -> None:
    """Every label that finds room, the most important first; a town comes with its dot."""
    own = sorted(drawing.labels, key=lambda label: -label.rank)
    unique, seen = [], set()
    for label in own:
        spot = label.spots[0] if label.spots else None
        # Marks of several claims at one place share one name.
        key = (label.lines, spot and (round(spot.x / 40), round(spot.y / 40)))
        if spot is not None and key not in seen:
            seen.add(key)
            unique.append(label)
    taken = {label.lines[0].split(" +")[0] for label in unique}
    everything = unique + _ground_labels(ground, pen, lang, taken)
    everything.sort(key=lambda label: -label.rank)

    # Towns cover their dot as well, so their boxes hold both.
    wanted = []
    for label in everything:
        positions = []
        for spot in label.spots:
            boxes = label.boxes(
                spot, 1.0 if label.rank >= 50 else 30.0 if label.rank == 39 else 2.5
            )
            if label.dot:
                x, y, r = label.dot
                boxes = [*boxes, (x - r - 1, y - r - 1, x + r + 1, y + r + 1)]
            positions.append(boxes)
        wanted.append(positions)
    left, bottom, right, top = pen.frame
    frame = (left + 3, bottom + 3, right - 3, top - 3)
    placed = place_labels(wanted, drawing.obstacles, frame)
    for label, number in sorted(zip(everything, placed, strict=True), key=lambda p: p[0].rank):
        if number is None:
            continue
        if label.dot:
            x, y, r = label.dot
            path = Affine2D().scale(r).translate(x, y).transform_path(Path.circle())
            pen.path(path, fill=pen.theme.land, stroke=pen.theme.quiet, width=0.7 * pen.size)
        pen.label(label, label.spots[number])


def _draw_legend(pen: _Pen, box: Box, entries, window: _Window, lang: str, panel: bool) -> None:
    _ = texts.translator(lang)
    size, theme = pen.size, pen.theme
    left, bottom, right, top = box
    if not panel:
        pen.box(box, fill=theme.card, stroke=theme.shore, width=0.6, round_by=3 * size, alpha=0.96)
    rows = _rows(entries, lang)
    inner = right - left - (130 * size if panel else 10 * size)
    columns, column = _columns(entries, inner, size, lang)
    if not panel:
        columns = min(columns, 2, len(rows))
        columns = columns if columns * column + 14 * size <= right - left + 0.1 else 1
    deep = math.ceil(len(rows) / columns)
    pad = 0 if panel else 8 * size
    y0 = top - (6 if panel else 15) * size
    pen.text(left + pad, y0, _("Legend"), 8.6 * size, "bold")
    for number, (symbol, words) in enumerate(rows):
        x = left + pad + (number // deep) * column
        y = y0 - (_ROW * (number % deep) + 14) * size
        if symbol:
            _swatch(pen, symbol, x + _SWATCH / 2 * size, y)
            x += (_SWATCH + 5) * size
        pen.text(x, y - 2.7 * size, words, 7.8 * size)
    if panel:
        _scale_bar(pen, window, right - 112 * size, top - 18 * size, lang)
        _north(pen, window, right - 8 * size, top - 20 * size)
    else:
        _scale_bar(pen, window, left + pad, bottom + 17 * size, lang)
        _north(pen, window, right - 15 * size, bottom + 18 * size)


def _swatch(pen: _Pen, key: str, x: float, y: float) -> None:
    """The sign of a legend's entry, drawn as on the map."""
    symbol = symbols.table()[key]
    unit = _PX * pen.size
    tone = pen.theme.tone
    reach = 13 * pen.size
    dash = [d * unit for d in symbol.dash]
    if symbol.kind == "point":
        pen.sign(symbol, x, y, struck=key.endswith("-withdrawn"), scale=0.74)
    elif symbol.kind == "area":
        round_ = Path.wedge(20, 80) if key == "stated-direction" else Path.circle()
        r, dy = (11, -5) if key == "stated-direction" else (5.4, 0)
        x -= r / 2 * pen.size if dy else 0
        at = Affine2D().scale(r * pen.size).translate(x, y + dy * pen.size)
        path = at.transform_path(round_)
        pen.path(path, fill=tone(symbol.fill), alpha=0.16)
        dash = [d * 0.45 for d in dash]
        pen.path(path, stroke=tone(symbol.colour), width=symbol.width * unit, dash=dash)
    else:
        line = np.array([(x - reach, y), (x + reach, y)])
        pen.path(Path(line), stroke=tone(symbol.colour), width=symbol.width * unit, dash=dash)
        if symbol.arrow:
            pen.arrowhead(x + 3 * pen.size, y, 0.0, symbol.colour)
        if key.startswith("measured"):
            _end_ticks(pen, line, unit * 0.6, tone(symbol.colour))


def _scale_bar(pen: _Pen, window: _Window, x: float, y: float, lang: str) -> None:
    """A bar of a round length, true in the middle of the map (along its parallel)."""
    _ = texts.translator(lang)
    size = pen.size
    lon, lat = window.centre
    # What a hundredth of the frame's width is on the ground, on both sides of the middle.
    step = (window.frame[2] - window.frame[0]) / 200
    middle = window.page(np.array([[lon, lat]]))[0]
    ends = window.globe(np.array([np.subtract(middle, (step, 0)), np.add(middle, (step, 0))]))
    km_per_pt = geodesy.inverse(*ends[0], *ends[1]).length_km / (2 * step)
    longest = 80 * size * km_per_pt
    power = 10 ** math.floor(math.log10(longest))
    km = next(n * power for n in (5, 2, 1) if n * power <= longest)
    length = km / km_per_pt
    dark, thick = pen.theme.ink, 2.6 * size
    pen.path(Path([(x, y), (x + length, y)]), stroke=dark, width=thick)
    pen.path(
        Path([(x + length / 2, y), (x + length - 0.4 * size, y)]),
        stroke=pen.theme.card,
        width=thick - 1.2 * size,
    )
    said = _("{km} km").format(km=texts.number(km, lang, 0 if km >= 1 else 1))
    if window.kind == "comill":
        parallel = _degrees(f"lat {round(lat)} 0", lang)
        said = _("{km} km at {parallel}").format(km=texts.number(km, lang), parallel=parallel)
    pen.text(x, y - 10 * size, _printable(said), 7 * size)


def _north(pen: _Pen, window: _Window, x: float, y: float) -> None:
    """An arrow to true north, as it lies in the middle of the map."""
    size = pen.size
    lon, lat = window.centre
    a, b = window.page(np.array([[lon, lat - 0.01], [lon, min(lat + 0.01, 90)]]))
    angle = math.atan2(b[1] - a[1], b[0] - a[0]) - math.pi / 2
    path = Path([(0, 9), (5, -6), (0, -2.6), (-5, -6), (0, 9)], closed=True)
    path = Affine2D().scale(size).rotate(angle).translate(x, y).transform_path(path)
    pen.path(path, fill=pen.theme.ink)
    pen.text(x, y + 12 * size, texts.terms(pen.lang)["wind"]["N"], 7 * size, "bold", align="center")


def _draw_foot(pen: _Pen, whole, chosen, kept, drawing, window: _Window, margin, page) -> None:
    """Two lines: what is shown (day, grades, what has no place here), and what it is made of."""
    lang, size = chosen.lang, pen.size
    _ = texts.translator(lang)
    width, foot = page
    room = width - 2 * margin
    said = []
    if (day := _as_of(whole, chosen)) is not None:
        said.append(_("As of {day}").format(day=texts.day(day, lang)))
    if grades := _grades(kept, drawing.claims):
        told = ", ".join(f"{g} ({texts.number(n, lang)})" for g, n in sorted(grades.items()))
        said.append(
            _("Grades of the statements drawn (Admiralty code): {grades}").format(grades=told)
        )
    missing = len(kept.claims.index.difference(drawing.claims))
    if missing:
        said.append(
            texts.plural(
                lang,
                "{n} claim that is kept has no place on this map",
                "{n} claims that are kept have no place on this map",
                missing,
            )
        )
    made = [
        _("Basemap: {attribution}").format(attribution=basemap.ATTRIBUTION),
        _projection_name(window.kind, lang),
        _("Dataset {name}, {digest}").format(name=whole.name, digest=whole.digest[:16]),
    ]
    y = margin * 0.5 + foot - 26 * size
    for texts_, most, type_size in ((said, 2, 7.4), (made, 2, 6.2)):
        for line in _wrapped(" · ".join(texts_), room, type_size * size, "regular", most):
            pen.text(margin, y, line, type_size * size, colour=pen.theme.quiet)
            y -= 1.35 * type_size * size


def _as_of(whole: Dataset, chosen: Selection) -> date | None:
    """The day of the selection, or the last one on which something was said."""
    return chosen.as_of or (whole.days[1] if whole.days else None)


def _grades(kept: Dataset, claims: set[str]) -> Counter[str]:
    """How many of the standing statements on the drawn claims have each Admiralty grade."""
    stand = kept.statements[standing_in(kept.statements)]
    stand = stand[stand["claim"].isin(claims)]
    letters = kept.sources["reliability"].reindex(stand["source"])
    return Counter(
        f"{letter}{int(digit)}" for letter, digit in zip(letters, stand["credibility"], strict=True)
    )


def _projection_name(kind: str, lang: str) -> str:
    _ = texts.translator(lang)
    return {
        "lcc": _("Lambert conformal conic projection, WGS 84"),
        "aeqd": _("Azimuthal equidistant projection, WGS 84"),
        "laea": _("Lambert azimuthal equal-area projection, WGS 84"),
        "comill": _("Compact Miller projection, WGS 84"),
    }[kind]


# ---- the file ---------------------------------------------------------------------------------


def _facts(whole: Dataset, chosen: Selection, bounds: Bounds | None) -> dict[str, str]:
    """What the file says of itself, in plain text."""
    lang = chosen.lang
    day = _as_of(whole, chosen)
    view = texts.in_language(vars(whole.view(chosen.view)), "title", lang)
    story = texts.in_language(vars(whole), "title", lang)
    facts = {
        "title": story if bounds is not None else f"{story} – {view}",
        "description": selection.sentence(whole, chosen),
        "as-of": day.isoformat() if day else "",
        "dataset": whole.name,
        "digest": whole.digest,
        "query": chosen.query_string(),
        "attribution": basemap.ATTRIBUTION,
    }
    if bounds is not None:
        facts["bounds"] = ",".join(f"{edge:g}" for edge in bounds)
    return {key: _plain(text) for key, text in facts.items()}


def _encode(figure: Figure, facts: dict[str, str], fmt: str, dpi: float) -> bytes:
    file = io.BytesIO()
    rest = {key: text for key, text in facts.items() if key not in ("title", "description")}
    if fmt == "png":
        figure.set_dpi(dpi)
        chunks = {"Title": facts["title"], "Description": facts["description"]}
        chunks |= {"Software": _GENERATOR, **rest}
        # Level 3 takes a third of the time of the default, for a tenth more bytes.
        FigureCanvasAgg(figure).print_png(
            file, metadata=chunks, pil_kwargs={"compress_level": 3, "dpi": (dpi, dpi)}
        )
        return file.getvalue()
    pairs = [f"{key}: {text}" for key, text in rest.items() if text]
    figure.set_dpi(72)
    if fmt == "pdf":
        about = {
            "Title": facts["title"],
            "Subject": facts["description"],
            "Keywords": "; ".join(pairs),
            "Creator": _GENERATOR,
            "CreationDate": None,
        }
        FigureCanvasPdf(figure).print_pdf(file, metadata=about)
        return file.getvalue()
    about = {
        "Title": facts["title"],
        "Description": facts["description"],
        "Keywords": pairs,
        "Creator": _GENERATOR,
        "Date": None,
    }
    FigureCanvasSVG(figure).print_svg(file, metadata=about)
    return file.getvalue()
