"""A printed map of what a selection shows, as PNG, SVG or PDF: the marks of the web map on paper.

No place, label or box is set by hand: the projection follows from the extent, the legend from what
is drawn, and labels go where there is room for them.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo import (
    backdrop,
    basemap,
    geodesy,
    ink,
    labels,
    marks,
    overlays,
    projection,
    selection,
    symbols,
    texts,
)
from geo.backdrop import Cover, Ground
from geo.dataset import Dataset, standing_in
from geo.ink import PX, Pen, Theme, as_path, plain, printable, shortened, width_of, wrapped
from geo.labels import Box, Label, along, around, length_of, strings
from geo.overlays import Styled
from geo.projection import Bounds, Window, inside, turned
from geo.selection import Selection
from geo.symbols import Symbol

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
_SIZE_MM = (100, 1200)
_DPI = (50, 1200)
_MOST_PIXELS = 200_000_000


def snapshot(
    whole: Dataset,
    chosen: Selection,
    *,
    fmt: str,
    bounds: Bounds | None = None,
    size_mm: tuple[float, float] = (297, 210),
    dpi: float = 300,
    theme: str = "light",
    context: Sequence[Styled] = (),
) -> bytes:
    """A map of what the selection of ``whole`` shows, as a file: PNG, SVG or PDF.

    ``bounds`` is west, south, east, north in degrees (WGS 84; east beyond 180 over the
    antimeridian); the selection's view if None. All of it is on the map, and as much beside it as
    the page has room for. ``size_mm`` is width and height of the page; ``dpi`` counts for PNG only.
    ``context``: the reader's own layers, from below, drawn under the marks and told in the legend.
    The words are in the selection's language. Title, sentence of the selection, as-of day, dataset
    and query of the dashboard stand inside the file as well. Equal arguments give equal bytes, and
    calls from several threads do not meet.

    Raises ValueError for an unknown format or theme, bounds that are no box, or a size beyond what
    makes sense: a page of 100 to 1200 mm, 50 to 1200 dpi, 200 million pixels.
    """
    _demand(fmt in FORMATS, f"the format is one of {', '.join(FORMATS)}, not {fmt!r}")
    _demand(theme in ink.LOOKS, f"the theme is one of {', '.join(ink.LOOKS)}, not {theme!r}")
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

    kept, shown = _shown(whole, chosen)
    pen, seen = _draw(
        whole, chosen, kept, shown, box, bounds is None, size_mm, ink.LOOKS[theme], context
    )
    facts = _facts(whole, chosen, bounds, context)
    facts["alt"] = _told(whole, chosen, kept, shown, seen, bounds is None, context)
    return ink.encode(pen, facts, fmt, dpi)


def alt_text(whole: Dataset, chosen: Selection, context: Sequence[Styled] = ()) -> str:
    """What the plate of a selection shows, in words for those who cannot see it (plain text).

    What and where, how many claims of which status, what is denied, what is uncertain, and the
    as-of day, of what lies in the selection's view; about 600 characters, long lists cut short.
    """
    bounds = whole.view(chosen.view).bounds
    return _told(whole, chosen, *_shown(whole, chosen), bounds, True, context)


def _shown(whole: Dataset, chosen: Selection) -> tuple[Dataset, gpd.GeoDataFrame]:
    """What the selection keeps, and the marks it shows."""
    kept = selection.apply(whole, chosen)
    drawn = marks.draw(whole, chosen.lang)
    return kept, drawn[marks.visible(drawn, kept, chosen.layer)]


def _told(
    whole: Dataset,
    chosen: Selection,
    kept: Dataset,
    shown: gpd.GeoDataFrame,
    bounds: Bounds,
    is_view: bool,
    context: Sequence[Styled],
) -> str:
    """The alternative text of a map that shows ``bounds``."""
    lang = chosen.lang
    _ = texts.translator(lang)
    west, south, east, north = bounds
    frame = shapely.box(west, south, east, north)
    seen = [
        any(piece.intersects(frame) for piece in turned(each, bounds)) for each in shown.geometry
    ]
    shown = shown[np.array(seen, dtype=bool)]
    title = texts.in_language(vars(whole), "title", lang)
    where = texts.in_language(vars(whole.view(chosen.view)), "title", lang) if is_view else ""
    head = _("Map, {title}: {view}.").format(title=shortened(title, 80), view=shortened(where, 60))
    said = [head if where else _("Map, {title}.").format(title=shortened(title, 80))]
    day = _as_of(whole, chosen)
    claims = kept.claims[kept.claims.index.isin(shown["claim"])]
    counted = texts.plural(lang, "{n} claim drawn", "{n} claims drawn", len(claims))
    if shown.empty:
        said.append(_("Nothing is drawn."))
    else:
        status = texts.terms(lang)["status"]
        counts = claims["status"].value_counts()
        said.append(
            _("{counted}: {statuses}.").format(
                counted=counted,
                statuses=", ".join(
                    f"{status[s].lower()} {texts.number(n, lang)}" for s, n in counts.items()
                ),
            )
        )
    if day is not None:
        said.append(_("As of {day}.").format(day=texts.day(day, lang)))
    said.append(shortened(selection.sentence(whole, chosen, kept), 160))
    pins = shown[shown.geometry.geom_type.isin(["Point", "Polygon"]) & (shown["part"] != "ring")]
    # Places of many marks first, and where something was only said, last.
    weight = pins.loc[pins["label"] != ""].assign(
        n=np.where(pins["part"] == "spoken", 0.1, 1.0)[(pins["label"] != "").to_numpy()]
    )
    places = (
        weight.groupby("label", sort=False)["n"].sum().sort_values(ascending=False, kind="stable")
    )
    if len(places):
        said.append(_("Places: {names}.").format(names=_listed(places.index, 5, lang)))
    denied = shown.loc[shown["layer"] == "denied", "claim"].drop_duplicates()
    if len(denied):
        titles = [texts.in_language(whole.claims.loc[c], "title", lang) for c in denied]
        said.append(_("Denied: {claims}.").format(claims=_listed(titles, 2, lang)))
    vague = shown[shown["symbol"].str.startswith("area-")]["label"].nunique()
    routes = int((shown["symbol"] == "route-inferred").sum())
    doubt = [
        texts.plural(lang, "{n} place known only roughly", "{n} places known only roughly", vague)
        if vague
        else "",
        texts.plural(lang, "{n} route drawn by us", "{n} routes drawn by us", routes)
        if routes
        else "",
    ]
    if any(doubt):
        said.append(_("Uncertain: {what}.").format(what=", ".join(filter(None, doubt))))
    if context:
        said.append(shortened(overlays.sentence(context, lang), 160))
    return " ".join(plain(part) for part in said)


def _listed(names: Iterable[str], most: int, lang: str) -> str:
    """The first of the names, short, and how many more there are."""
    _ = texts.translator(lang)
    names = [shortened(name) for name in names]
    if len(names) <= most:
        return "; ".join(names)
    more = texts.number(len(names) - most, lang)
    return _("{names} and {n} more").format(names="; ".join(names[:most]), n=more)


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _is_box(box: Sequence[float]) -> bool:
    if len(box) != 4 or not all(math.isfinite(edge) for edge in box):
        return False
    west, south, east, north = box
    return west < east <= west + 360 and -90 <= south < north <= 90 and -360 <= west <= 360


@dataclass(frozen=True)
class _Shape:
    """One mark on the page; ``box`` and ``span`` (its feature's width) in points.

    ``around``: an area that holds the whole map, so that no edge of it is in sight.
    """

    mark: dict
    key: str
    symbol: Symbol
    page: BaseGeometry
    box: Box
    span: float
    around: bool = False

    @property
    def struck(self) -> bool:
        return self.key.endswith("-withdrawn")


def _shapes(shown: pd.DataFrame, window: Window, unit: float) -> list[_Shape]:
    """The marks in the window, each look at each place once, without what is too small to see."""
    left, bottom, right, top = window.frame
    frame = shapely.box(*window.frame)
    found, seen = [], set()
    for mark in shown.to_dict("records"):
        symbol = symbols.table()[mark["symbol"]]
        for copy in turned(mark["geometry"], window.bounds):
            page = shapely.transform(copy, window.page)
            if not np.isfinite(shapely.get_coordinates(page)).all():
                continue
            west, low, east, high = page.bounds
            if west > right or east < left or low > top or high < bottom:
                continue
            if symbol.kind == "area":
                page = shapely.make_valid(page)
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
        if symbol.kind == "line" and math.hypot(box[2] - box[0], box[3] - box[1]) < 38 * unit:
            continue  # a stub; the signs at its ends hide it and stand for it
        if symbol.kind != "point":
            look = (mark["symbol"], page.wkb)
            if look in seen:
                continue
            seen.add(look)
        around = symbol.kind == "area" and page.contains(frame)
        shapes.append(_Shape(mark, mark["symbol"], symbol, page, box, span, around))
    return shapes


_SIGN_PX = 34


@dataclass
class _Drawing:
    """What has been drawn on the map so far, for the labels and the legend."""

    obstacles: list[Box] = field(default_factory=list)
    outlines: list[Box] = field(default_factory=list)  # of areas: a name crosses them at need
    labels: list[Label] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    bars: list[tuple[float, float]] = field(default_factory=list)
    rows: list[Box] = field(default_factory=list)  # of signs side by side
    around: dict[tuple[str, str], None] = field(default_factory=dict)  # symbol key, name
    counted: bool = False  # a sign with a count stands somewhere
    together: dict[str, list[str]] = field(default_factory=dict)  # names that one name stands for

    def drew(self, shape: _Shape) -> None:
        self.keys.add(shape.key)
        self.claims.add(shape.mark["claim"])


@dataclass
class _Stack:
    x: float
    y: float
    points: list[tuple[_Shape, Symbol, str]] = field(default_factory=list)


def _draw_marks(pen: Pen, shapes: list[_Shape]) -> _Drawing:
    drawing = _Drawing()
    unit = pen.unit
    told = {
        s.mark["feature"]
        for s in shapes
        if s.symbol.kind != "point" and not s.symbol.over and not s.symbol.hatch
    }
    points: list[tuple[float, float, _Shape, Symbol, str]] = []
    for shape in shapes:
        symbol, mark = shape.symbol, shape.mark
        if shape.around:
            _around_map(pen, shape, drawing)
            continue
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


_BAND = 5.0  # width of the tint along the edge of a map that lies inside an area


def _around_map(pen: Pen, shape: _Shape, drawing: _Drawing) -> None:
    """An area that holds the whole map: a tint along the map's edge, and a line in the legend."""
    symbol, unit = shape.symbol, PX * pen.size
    key = (shape.key, shape.mark["label"])
    drawing.claims.add(shape.mark["claim"])
    if key in drawing.around:
        return
    # One band further in for each area, so that several can be told apart.
    depth = _BAND * pen.size
    inset = depth * sum(1 for k, _name in drawing.around if not symbols.table()[k].hatch)
    drawing.around[key] = None
    outer = shapely.box(*pen.frame).buffer(-inset, join_style="mitre")
    inner = outer.buffer(-depth, join_style="mitre")
    if symbol.hatch:
        ring = shapely.get_coordinates(inner.exterior)
        _bars(pen, _as_point(symbol), ring, 130 * unit, 7 * unit, drawing)
        return
    tone = pen.theme.tone
    pen.path(as_path(outer.difference(inner)), fill=tone(symbol.fill), alpha=0.3)
    dash = [d * unit for d in symbol.dash]
    pen.path(as_path(inner), stroke=tone(symbol.colour), width=0.6 * symbol.width * unit, dash=dash)


def _block(obstacles: list[Box], line: np.ndarray, half: float, frame: Box) -> None:
    """Keep labels off a line: small boxes all along it."""
    step = max(2 * half, 3.0)
    at = along(line, np.arange(0, length_of(line) + step, step))[:, :2]
    at = at[inside(at, frame, -half)]
    obstacles += [(x - half, y - half, x + half, y + half) for x, y in at]


def _area(pen: Pen, shape: _Shape, told: set[str], drawing: _Drawing) -> None:
    unit = pen.unit
    symbol = shape.symbol
    tone = pen.theme.tone
    left, _bottom, right, _top = pen.frame
    polygons = shapely.get_parts(shape.page)
    path = as_path(polygons[shapely.get_type_id(polygons) == 3])
    if symbol.fill:
        # An area larger than the map tints much of it: make it faint.
        faint = 0.4 if shape.box[2] - shape.box[0] > right - left else 1
        pen.path(path, fill=tone(symbol.fill), alpha=symbol.fill_opacity * faint)
    rings = strings(shape.page)
    if symbol.hatch:
        if shape.mark["feature"] not in told:
            pen.path(path, stroke=tone(symbol.colour), width=1.1 * unit)
        if shape.box[2] - shape.box[0] >= 90 * unit:
            crossing = _as_point(symbol)
            for ring in rings:
                _bars(pen, crossing, ring, max(26 * unit, length_of(ring) / 60), 7 * unit, drawing)
        return
    dash = [d * unit for d in symbol.dash]
    pen.path(path, stroke=tone(symbol.colour), width=symbol.width * unit, dash=dash)
    for ring in rings:
        _block(drawing.outlines, ring, 1.2 * pen.size, pen.frame)
    if shape.struck:
        pen.strike((shape.box[0] + shape.box[2]) / 2, shape.box[3], 9 * unit, unit, symbol.colour)


def _line(pen: Pen, shape: _Shape, told: set[str], drawing: _Drawing) -> None:
    unit = pen.unit
    symbol = shape.symbol
    colour = pen.theme.tone(symbol.colour)
    path = as_path(shape.page)
    lines = strings(shape.page)
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
        _block(drawing.obstacles, line, 2.2 * pen.size, pen.frame)
        length = length_of(line)
        if symbol.arrow and length > 40 * unit:
            at = np.array([length * 0.6])
            for x, y, angle in along(line, at):
                pen.arrowhead(x, y, angle, symbol.colour)
                reach = 8 * unit
                drawing.bars.append((x, y))
                drawing.obstacles.append((x - reach, y - reach, x + reach, y + reach))
        if shape.key.startswith("measured"):
            _end_ticks(pen, line, unit, colour)
        if shape.struck:
            for x, y, _angle in along(line, np.array([length * 0.4])):
                pen.strike(x, y, 9 * unit, unit, symbol.colour)


def _end_ticks(pen: Pen, line: np.ndarray, unit: float, colour: str) -> None:
    """The ends of a measured line, as of a dimension in a technical drawing."""
    length = length_of(line)
    for x, y, angle in along(line, np.array([0.0, length])):
        tick = ink.placed(ink.Path([(0, -8 * unit), (0, 8 * unit)]), x, y, turn=angle)
        pen.path(tick, stroke=pen.theme.halo, width=4.2 * unit, alpha=0.85)
        pen.path(tick, stroke=colour, width=1.8 * unit)


def _clearance(drawing: _Drawing, x: float, y: float) -> float:
    """How far off the nearest bar or arrowhead is."""
    return min((math.hypot(x - bx, y - by) for bx, by in drawing.bars), default=math.inf)


def _bars(pen: Pen, symbol: Symbol, line: np.ndarray, step: float, r: float, drawing) -> None:
    length = length_of(line)
    at = np.arange(step / 2, length, step)
    if len(at) == 0:
        at = np.array([length / 2])
    spots = along(line, at[:800])
    spots = spots[inside(spots[:, :2], pen.frame, -r)]
    clear = [_clearance(drawing, x, y) for x, y, _angle in spots]
    # Lines that run together are barred together, but each has one bar at least.
    best = max(clear, default=0.0)
    kept = [reach >= 2.8 * r or (best < 2.8 * r and reach == best) for reach in clear]
    for x, y, angle in spots[kept]:
        if _clearance(drawing, x, y) < min(best, 2.8 * r):
            continue
        drawing.bars.append((x, y))
        pen.crossed(symbol, x, y, r, angle, pen.unit)
        drawing.obstacles.append((x - r * 0.7, y - r * 0.7, x + r * 0.7, y + r * 0.7))


def _shape_label(pen: Pen, shape: _Shape) -> Label:
    """The label of a line, along it, or of an area, round or in it."""
    text = shortened(shape.mark["label"])
    line = shape.symbol.kind == "line"
    size = (7.2 if line else 8.2) * pen.size
    face = "semibold"
    colour = pen.theme.tone(shape.symbol.colour)
    blank = ink.label((text,), size, face, colour)
    if line:
        spots = labels.along_line(shape.page, pen.frame, blank.extent, pen.size)
        rank = 60.0
    else:
        spots = labels.in_area(shape.page, pen.frame, blank.extent, pen.size)
        # What reaches far beyond a label is named last, wherever there is room.
        wide = max(shape.box[2] - shape.box[0], shape.box[3] - shape.box[1]) > 280 * pen.size
        rank = 39.0 if wide else 80.0
    return replace(blank, spots=tuple(spots), rank=rank)


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


def _draw_stack(pen: Pen, stack: _Stack, drawing: _Drawing) -> None:
    """What lies at one spot, side by side, with a count where a sign stands for several claims."""
    if not inside(np.array([[stack.x, stack.y]]), pen.frame)[0]:
        return
    unit = pen.unit
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
    y0 = min(max(stack.y, pen.frame[1] + half_h), pen.frame[3] - half_h)
    y0 = labels.beside(drawing.rows, (x0, y0, half_w, half_h), 15 * unit, pen.frame)
    drawing.rows.append((x0 - half_w, y0 - half_h, x0 + half_w, y0 + half_h))
    left = x0 - half_w
    badges = []
    for number, (look, width) in enumerate(zip(drawn, widths, strict=True)):
        x = left + width / 2
        left += width
        if look.base:
            pen.sign(look.base[0], x, y0, struck=look.base[1])
        if look.over:
            pen.sign(look.over, x, y0)
        last = number == _MOST_LOOKS - 1
        rest = looks[number:] if last else [look]
        count = len(set().union(*(each.claims for each in rest)))
        if count > 1:
            badges.append((x + 9 * unit, y0 + 10 * unit, texts.number(count, pen.lang)))
    for x, y, text in badges:
        reach = _badge(pen, x, y, text)
        drawing.counted = True
        drawing.obstacles.append((x - reach, y - reach, x + reach, y + reach))
    for shape, _symbol, _name in stack.points:
        drawing.drew(shape)
    drawing.obstacles.append((x0 - half_w, y0 - half_h, x0 + half_w, y0 + half_h))

    names: Counter[str] = Counter()
    for shape, _symbol, name in stack.points:
        if name:
            names[name] += 0.1 if shape.mark["part"] == "spoken" else 1
    if names:
        name = max(names, key=lambda each: names[each])
        text = shortened(name)
        if len(names) > 1:
            others = sorted(each for each in names if each != name)
            drawing.together.setdefault(text, []).extend(shortened(each) for each in others)
            text += f" +{len(others)}"
        blank = ink.label((text,), 8.6 * pen.size, "bold", pen.theme.ink)
        reach = tuple(step * pen.size for step in (0, 4, 9, 16, 21, 26, 32, 38, 46, 54, 70))
        spots = tuple(around(x0, y0, (half_w, half_h), blank.extent, reach))
        rank = 100 + len(stack.points)
        drawing.labels.append(replace(blank, spots=spots, rank=rank))


def _badge(pen: Pen, x: float, y: float, text: str) -> float:
    """A count beside a sign; returns its radius."""
    size = 5.6 * pen.size
    reach = max(width_of(text, size, "bold") / 2 + 1.6 * pen.size, 3.6 * pen.size)
    pen.dot(x, y, reach, fill=pen.theme.ink, stroke=pen.theme.halo, width=0.8)
    pen.text(x, y - 0.36 * size, text, size, "bold", pen.theme.paper, align="center")
    return reach


@dataclass(frozen=True)
class _Words:
    """The texts round the map, wrapped to the page; sizes in points before the page's factor."""

    kicker: str
    title: list[str]
    subtitle: list[str]


@dataclass(frozen=True)
class _Row:
    """An entry of the legend: a key of the table of symbols, or what stands for itself; words.

    ``cover``: the class of an overlay that it stands for, if it is one.
    """

    sign: str
    words: tuple[str, ...]
    cover: Cover | None = None


# Signs of the legend that no symbol alone stands for.
_COUNT, _MORE, _AROUND = "n", "+n", "around "


def _legend(drawing: _Drawing, lang: str, size: float) -> list[_Row]:
    """The legend of what was drawn, and of nothing else."""
    _ = texts.translator(lang)
    table = symbols.table()
    named = {entry for key in drawing.keys for entry in table[key].legend}
    known = symbols.legend(lang)
    said = [(sign, words) for entry, sign, words in known if entry in named]
    own = {entry: words for entry, _sign, words in known}
    for key, name in drawing.around:
        # An area without a name of its own is told by what its sign means.
        name = shortened(name) or ", ".join(own[entry] for entry in table[key].legend)
        words = _("Whole map lies inside: {name}").format(name=name)
        if table[key].hatch:
            words = _("Denied for an area that holds this map: {name}").format(name=name)
        said.append((_AROUND + key, words))
    if drawing.counted:
        said.append((_COUNT, _("n claims behind one sign")))
    if drawing.together:
        said.append((_MORE, _("n more places, too close to show apart")))
    if not said:
        return [_Row("", (_("Nothing of this selection lies on this map."),))]
    room = _WIDEST * size
    return [_Row(s, tuple(wrapped(w, room, 7.8 * size, "regular", 3))) for s, w in said]


def _context_rows(
    covers: list[Cover], context: Sequence[Styled], lang: str, size: float
) -> list[_Row]:
    """The legend of the reader's own layers, the uppermost first: each with its classes."""
    _ = texts.translator(lang)
    rows = []
    for layer in reversed(context):
        own = [cover for cover in covers if cover.layer is layer]
        name = shortened(plain(overlays.title(layer.overlay)))
        said = _("{name} (context, not a claim)")
        if not own:
            said = _("{name} (context, not a claim): none of it on this map")
        classes: dict[str, Cover] = {}
        for cover in own:  # a class of areas and points has one entry
            classes.setdefault(cover.words, cover)
        words = tuple(wrapped(said.format(name=name), _WIDEST * size, 7.8 * size, "regular", 3))
        rows.append(_Row("", words, classes.pop("", None)))
        for text, cover in classes.items():
            lines = wrapped(shortened(plain(text)), _WIDEST * size, 7.8 * size, "regular", 2)
            rows.append(_Row("", tuple(lines), cover))
    return rows


def _fewer(rows: list[_Row], most: int, lang: str, size: float) -> list[_Row]:
    """The first rows of a legend, and how many more there would be; none if all are left out."""
    if len(rows) <= most or most == 0:
        return rows[:most]
    left = texts.plural(
        lang,
        "{n} more entry of context has no room here",
        "{n} more entries of context have no room here",
        len(rows) - most,
    )
    words = tuple(wrapped(left, _WIDEST * size, 7.8 * size, "regular", 3))
    return [*rows[:most], _Row("", words)]


def _together(drawing: _Drawing, width: float, size: float, lang: str, most: int) -> list[str]:
    """Which places stand behind one name, as lines of text."""
    _ = texts.translator(lang)
    if not drawing.together:
        return []
    listed = "; ".join(
        _("{name} +{n}: {names}").format(
            name=name, n=texts.number(len(others), lang), names=", ".join(others)
        )
        for name, others in drawing.together.items()
    )
    return wrapped(listed[:1200], width, 7.0 * size, "regular", most)


def _draw(
    whole: Dataset,
    chosen: Selection,
    kept: Dataset,
    shown: gpd.GeoDataFrame,
    bounds: Bounds,
    is_view: bool,
    size_mm: tuple[float, float],
    theme: Theme,
    context: Sequence[Styled],
) -> tuple[Pen, Bounds]:
    """The page, and the bounds that its map came to show."""
    lang = chosen.lang
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
    # Whose data the layers of context are takes the lines that it needs, as far as a page has them.
    most = max(1, int(height / (100 * size)))
    credit = wrapped(
        plain(overlays.sentence(context, lang)), width - 2 * margin, 6.2 * size, "regular", most
    )
    foot = size * (42 + 1.35 * 6.2 * len(credit))
    room = (margin, margin * 0.5 + foot, width - margin, height - margin - head)

    unit = PX * size
    _crs, kind, _lon, (x0, y0, x1, y1) = projection.projected(bounds)
    wide = (x1 - x0) / (y1 - y0) > 1.5 * (room[2] - room[0]) / (room[3] - room[1])
    inset, notes = None, []

    def entries(window: Window, probe: _Drawing) -> tuple[list[_Row], list[Cover]]:
        """The legend, and the layers of context in that window."""
        covers = backdrop.covers(window, context, lang)
        rows, more = _legend(probe, lang, size), _context_rows(covers, context, lang, size)
        # However many classes they have, the map keeps at least half of the page.
        most = len(more)
        while most and _panel_height(
            rows + _fewer(more, most, lang, size), [], room[2] - room[0], size
        ) > 0.5 * (room[3] - room[1]):
            most -= 1
        return rows + _fewer(more, most, lang, size), covers

    if not wide and kind != "comill":
        window = projection.window(bounds, room)
        shapes = _shapes(shown, window, unit)
        probe = _probe(shapes, theme, window.frame, size, lang)
        rows, covers = entries(window, probe)
        inset = _inset(rows, shapes, probe, window, size)
    if inset is None:
        # No corner is free, or the map is a strip: the legend stands beside it.
        window, tall = projection.window(bounds, room), 100 * size
        for _turn in range(2):
            frame = (room[0], room[1] + tall + 16 * size, room[2], room[3])
            window = projection.window(bounds, frame)
            shapes = _shapes(shown, window, unit)
            probe = _probe(shapes, theme, window.frame, size, lang)
            rows, covers = entries(window, probe)
            notes = _together(probe, room[2] - room[0], size, lang, 3)
            tall = _panel_height(rows, notes, room[2] - room[0], size)

    scale = _sign_scale(shapes, window.frame, size)
    pen = Pen((width, height), theme, window.frame, size, lang, scale)
    ground = backdrop.ground(window)
    backdrop.draw(pen, ground, window.kind == "comill", lang)
    for cover in covers:
        backdrop.draw_cover(pen, cover)
    drawing = _draw_marks(pen, shapes)
    if inset is not None:
        drawing.obstacles.append(inset)
    _draw_labels(pen, drawing, ground, lang)
    bottom = window.frame[1]
    pen.on_map = False
    pen.box(window.frame, stroke=theme.ink, width=0.9)
    if inset is None:
        _draw_panel(pen, (*room[:3], bottom - 16 * size), rows, notes, window)
    else:
        _draw_card(pen, inset, rows, window)
    _draw_words(pen, words, margin, height - margin)
    _draw_foot(pen, whole, chosen, kept, drawing, window, margin, (width, foot), credit)
    return pen, window.bounds


def _words(whole, chosen, kept, is_view: bool, width: float, size: float) -> _Words:
    lang = chosen.lang
    story = texts.in_language(vars(whole), "title", lang)
    title, kicker = story, ""
    if is_view:
        title, kicker = texts.in_language(vars(whole.view(chosen.view)), "title", lang), story
    sentence = selection.sentence(whole, chosen, kept)
    kicker_lines = wrapped(kicker, width, 8.5 * size, "semibold", 1) if kicker else [""]
    return _Words(
        kicker_lines[0] if kicker_lines else "",
        wrapped(title, width, 18 * size, "bold", 2),
        wrapped(sentence, width, 9.5 * size, "regular", 3),
    )


def _draw_words(pen: Pen, words: _Words, left: float, top: float) -> None:
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


def _probe(shapes: list[_Shape], theme: Theme, frame: Box, size: float, lang: str) -> _Drawing:
    """What drawing these shapes leaves on the map, before it is known where the map lies."""
    scale = _sign_scale(shapes, frame, size)
    return _draw_marks(Pen((72, 72), theme, frame, size, lang, scale, dry=True), shapes)


def _sign_scale(shapes: list[_Shape], frame: Box, size: float) -> float:
    """How much smaller signs are where they would fill the map: 1 down to 0.6."""
    signs = sum(shape.symbol.kind == "point" for shape in shapes) * (24 * PX * size) ** 2
    share = signs / ((frame[2] - frame[0]) * (frame[3] - frame[1]))
    return min(1.0, max(0.6, math.sqrt(_FULL / max(share, 1e-9))))


_FULL = 0.2  # of a map's area: more signs than this crowd it


# Of the legend, before the page's factor.
_ROW, _LINE, _SWATCH, _WIDEST = 14.0, 9.4, 30.0, 122.0


def _tall(row: _Row) -> float:
    return _ROW + _LINE * (len(row.words) - 1)


def _arranged(rows: list[_Row], columns: int) -> tuple[list[tuple[int, float, _Row]], float]:
    """Rows in columns, as (column, way down, row), and how deep the deepest column is."""
    total = sum(map(_tall, rows))
    deep = max(total / columns, max(map(_tall, rows)))
    while True:
        placed, column, down = [], 0, 0.0
        for row in rows:
            if down and down + _tall(row) > deep + 0.01:
                column, down = column + 1, 0.0
            placed.append((column, down, row))
            down += _tall(row)
        if column < columns:
            return placed, deep
        deep += _LINE / 2


def _column_width(rows: list[_Row], size: float) -> float:
    lines = (width_of(line, 7.8 * size, "regular") for row in rows for line in row.words)
    return (_SWATCH + 10) * size + max(lines)


def _panel_columns(rows: list[_Row], width: float, size: float) -> int:
    fit = int((width - 130 * size) / _column_width(rows, size))
    return max(1, min(fit, len(rows)))


def _panel_height(rows: list[_Row], notes: list[str], width: float, size: float) -> float:
    deep = _arranged(rows, _panel_columns(rows, width, size))[1]
    return size * (deep + 20 + (_LINE * len(notes) + 4 if notes else 0))


def _inset(
    rows: list[_Row], shapes: list[_Shape], drawing: _Drawing, window: Window, size: float
) -> Box | None:
    """Where on the map the legend covers no mark, costs no mark its name, and hides least land.

    None if there is no such place. A corner is where one looks, so it comes first.
    """
    left, bottom, right, top = window.frame
    column = _column_width(rows, size)
    land = backdrop.ground(window).land
    gap = 7 * size
    if any(shape.around for shape in shapes):
        gap += _BAND * size  # the tint at the edge stays in sight
    found = []
    for columns in range(1, min(2, len(rows)) + 1):
        width = max(columns * column + 14 * size, 150 * size)
        height = size * (_arranged(rows, columns)[1] + 58)
        if width > 0.5 * (right - left) or height > 0.75 * (top - bottom):
            continue
        for across, up in _BERTHS:
            x = right - gap - width - across * (right - left - 2 * gap - width)
            y = bottom + gap + up * (top - bottom - 2 * gap - height)
            box = (x, y, x + width, y + height)
            card = shapely.box(*box).buffer(9 * size)
            if not any(_touches(shape, card) for shape in shapes):
                cost = land.intersection(card).area / card.area
                found.append((cost + (0 if across in (0, 1) and up in (0, 1) else 0.3), box))
    # Of the best few, the one beside which most marks keep their name.
    found = sorted(found, key=lambda each: round(each[0], 9))[:5]
    names = [label for label in _own_labels(drawing) if label.rank >= 50][:60]
    wanted = [_positions(label) for label in names]

    def nameless(box: Box) -> int:
        taken = [*drawing.obstacles, *drawing.outlines, box]
        return _place(wanted, taken, window.frame).count(None)

    return min(found, key=lambda each: nameless(each[1]), default=(0, None))[1]


# Where along the edges of a map the legend is tried: corners, then between them.
_BERTHS = (
    *itertools.product((0, 1), (0, 1)),
    *itertools.product((0, 1), (0.25, 0.5, 0.75)),
    *itertools.product((0.25, 0.5, 0.75), (0, 1)),
)


def _touches(shape: _Shape, card: BaseGeometry) -> bool:
    """Whether a card would hide a mark: its point or its line, or the outline of its area."""
    if shape.symbol.kind == "area" and shape.page.geom_type.endswith("Polygon"):
        if shape.box[2] - shape.box[0] > 200:
            return False  # what is so large is seen beside the card as well
        return shape.page.intersects(card)
    reach = 16 if shape.symbol.kind == "point" else 3
    return shape.page.distance(card) < reach


def _own_labels(drawing: _Drawing) -> list[Label]:
    """The labels of marks, the most important first; marks of one place share one name."""
    unique, seen = [], set()
    for label in sorted(drawing.labels, key=lambda label: -label.rank):
        spot = label.spots[0] if label.spots else None
        key = (label.lines, spot and (round(spot.x / 40), round(spot.y / 40)))
        if spot is not None and key not in seen:
            seen.add(key)
            unique.append(label)
    return unique


def _positions(label: Label) -> list[list[Box]]:
    """The boxes that each position of a label covers; a town covers its dot as well."""
    margin = 1.0 if label.rank >= 50 else 30.0 if label.rank == 39 else 2.5
    positions = [label.boxes(spot, margin) for spot in label.spots]
    if label.dot:
        x, y, r = label.dot
        dot = (x - r - 1, y - r - 1, x + r + 1, y + r + 1)
        positions = [[*boxes, dot] for boxes in positions]
    return positions


def _place(wanted: list[list[list[Box]]], obstacles: list[Box], frame: Box) -> list[int | None]:
    left, bottom, right, top = frame
    return labels.place_labels(wanted, obstacles, (left + 3, bottom + 3, right - 3, top - 3))


def _place_names(wanted: list[list[list[Box]]], drawing: _Drawing, frame: Box) -> list[int | None]:
    """Places for the names of marks: all clear of outlines if that can be, or across them."""
    taken = [*drawing.obstacles, *drawing.outlines]
    placed = _place(wanted, taken, frame)
    if None in placed and len(placed) <= 80:
        # A mark that found no room for its name may find some before the others.
        order = sorted(range(len(placed)), key=lambda i: placed[i] is not None)
        again = _place([wanted[i] for i in order], taken, frame)
        again = [number for _i, number in sorted(zip(order, again, strict=True))]
        placed = min(placed, again, key=lambda each: each.count(None))
    left = [i for i, number in enumerate(placed) if number is None]
    taken = [b for each, n in zip(wanted, placed, strict=True) if n is not None for b in each[n]]
    across = _place([wanted[i] for i in left], [*drawing.obstacles, *taken], frame)
    for i, number in zip(left, across, strict=True):
        placed[i] = number
    return placed


def _draw_labels(pen: Pen, drawing: _Drawing, ground: Ground, lang: str) -> None:
    """Every label that finds room, the most important first; a town comes with its dot."""
    own = _own_labels(drawing)
    taken = {label.lines[0].split(" +")[0] for label in own}
    everything = own + backdrop.labels_of(ground, pen, lang, taken)
    everything.sort(key=lambda label: -label.rank)
    positions = [_positions(label) for label in everything]
    names = sum(label.rank >= 50 for label in everything)  # of marks; they come first
    placed = _place_names(positions[:names], drawing, pen.frame)
    taken = [
        b for each, n in zip(positions, placed, strict=False) if n is not None for b in each[n]
    ]
    taken += [*drawing.obstacles, *drawing.outlines]
    placed += _place(positions[names:], taken, pen.frame)
    for label, number in sorted(zip(everything, placed, strict=True), key=lambda p: p[0].rank):
        if number is None:
            continue
        if label.dot:
            x, y, r = label.dot
            pen.dot(x, y, r, fill=pen.theme.land, stroke=pen.theme.quiet, width=0.7 * pen.size)
        pen.label(label, label.spots[number])


def _draw_card(pen: Pen, box: Box, rows: list[_Row], window: Window) -> None:
    """The legend on the map, with the scale bar and north below it."""
    size, theme = pen.size, pen.theme
    left, bottom, right, top = box
    pen.box(box, fill=theme.card, stroke=theme.shore, width=0.6, round_by=3 * size)
    column = _column_width(rows, size)
    columns = 2 if 2 * column + 14 * size <= right - left + 0.1 and len(rows) > 1 else 1
    _draw_rows(pen, rows, columns, (left + 8 * size, top - 15 * size), column)
    _scale_bar(pen, window, left + 8 * size, bottom + 17 * size)
    _north(pen, window, right - 15 * size, bottom + 18 * size)


def _draw_panel(pen: Pen, box: Box, rows: list[_Row], notes: list[str], window: Window) -> None:
    """The legend below the map, as many columns wide as the room needs, with scale and north."""
    size = pen.size
    left, bottom, right, top = box
    room = (top - bottom) / size - (_LINE * len(notes) + 4 if notes else 0) - 20
    most = _panel_columns(rows, right - left, size)
    # Where a map leaves much room below, a deep legend fills it better than a wide one.
    columns = next((n for n in range(1, most) if _arranged(rows, n)[1] <= room), most)
    column = min((right - left - 130 * size) / columns, 1.35 * _column_width(rows, size))
    deep = _draw_rows(pen, rows, columns, (left, top - 6 * size), column)
    y = top - (6 + deep + 17) * size
    for line in notes:
        pen.text(left, y, line, 7.0 * size, colour=pen.theme.quiet)
        y -= _LINE * size
    _scale_bar(pen, window, right - 112 * size, top - 18 * size)
    _north(pen, window, right - 8 * size, top - 20 * size)


def _draw_rows(pen: Pen, rows: list[_Row], columns: int, start, column: float) -> float:
    """The heading at ``start`` and the rows below it; returns how deep they go."""
    size = pen.size
    x0, y0 = start
    pen.text(x0, y0, texts.translator(pen.lang)("Legend"), 8.6 * size, "bold")
    placed, deep = _arranged(rows, columns)
    for number, down, row in placed:
        x, y = x0 + number * column, y0 - (down + 14) * size
        if row.sign or row.cover is not None:
            middle = x + _SWATCH / 2 * size
            if row.cover is not None:
                _cover_swatch(pen, row.cover, middle, y)
            elif row.sign == _COUNT:
                _badge(pen, middle, y, row.sign)
            elif row.sign == _MORE:
                pen.text(middle, y - 2.7 * size, row.sign, 8.6 * size, "bold", align="center")
            elif row.sign.startswith(_AROUND):
                _edge_swatch(pen, row.sign.removeprefix(_AROUND), middle, y)
            else:
                _swatch(pen, row.sign, middle, y)
            x += (_SWATCH + 5) * size
        for line in row.words:
            pen.text(x, y - 2.7 * size, line, 7.8 * size)
            y -= _LINE * size
    return deep


def _swatch(pen: Pen, key: str, x: float, y: float) -> None:
    """The sign of a legend's entry, drawn as on the map."""
    symbol = symbols.table()[key]
    unit = pen.unit
    tone = pen.theme.tone
    reach = 13 * pen.size
    dash = [d * unit for d in symbol.dash]
    if symbol.kind == "point":
        pen.sign(symbol, x, y, struck=key.endswith("-withdrawn"), scale=0.74)
    elif symbol.kind == "area":
        round_ = ink.Path.wedge(20, 80) if key == "stated-direction" else ink.Path.circle()
        r, dy = (11, -5) if key == "stated-direction" else (5.4, 0)
        x -= r / 2 * pen.size if dy else 0
        path = ink.placed(round_, x, y + dy * pen.size, r * pen.size)
        pen.path(path, fill=tone(symbol.fill), alpha=0.16)
        dash = [d * 0.45 for d in dash]
        pen.path(path, stroke=tone(symbol.colour), width=symbol.width * unit, dash=dash)
    else:
        line = np.array([(x - reach, y), (x + reach, y)])
        pen.line(line, stroke=tone(symbol.colour), width=symbol.width * unit, dash=dash)
        if symbol.arrow:
            pen.arrowhead(x + 3 * pen.size, y, 0.0, symbol.colour)
        if key.startswith("measured"):
            _end_ticks(pen, line, unit * 0.6, tone(symbol.colour))


def _edge_swatch(pen: Pen, key: str, x: float, y: float) -> None:
    """A small map whose edge is marked as by an area that holds all of it."""
    symbol, size = symbols.table()[key], pen.size
    frame = shapely.box(x - 11 * size, y - 5.5 * size, x + 11 * size, y + 5.5 * size)
    if symbol.hatch:
        for dx in (-7, 7):
            unit = PX * size
            pen.crossed(_as_point(symbol), x + dx * size, y + 2.6 * size, 4.5 * unit, 0, 0.8 * unit)
    else:
        tone = pen.theme.tone(symbol.fill)
        band = frame.difference(frame.buffer(-2.4 * size, join_style="mitre"))
        pen.path(as_path(band), fill=tone, alpha=0.3)
    pen.path(as_path(frame), stroke=pen.theme.ink, width=0.7 * size)


def _cover_swatch(pen: Pen, cover: Cover, x: float, y: float) -> None:
    """A class of an overlay as on the map, and never too faint to be seen."""
    size = pen.size
    shape = (
        shapely.Point(x, y),
        shapely.LineString([(x - 13 * size, y), (x + 13 * size, y)]),
        shapely.box(x - 11 * size, y - 5 * size, x + 11 * size, y + 5 * size),
    )[cover.kind]
    small = replace(cover, page=np.array([shape], dtype=object))
    backdrop.draw_cover(pen, small, max(cover.opacity, 0.4))


def _scale_bar(pen: Pen, window: Window, x: float, y: float) -> None:
    """A bar of a round length, true in the middle of the map (along its parallel)."""
    lang, size = pen.lang, pen.size
    _ = texts.translator(lang)
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
    pen.line([(x, y), (x + length, y)], stroke=dark, width=thick)
    pen.line(
        [(x + length / 2, y), (x + length - 0.4 * size, y)],
        stroke=pen.theme.card,
        width=thick - 1.2 * size,
    )
    said = _("{km} km").format(km=texts.number(km, lang, 0 if km >= 1 else 1))
    if window.kind == "comill":
        parallel = backdrop.degrees(f"lat {round(lat)} 0", lang)
        said = _("{km} km at {parallel}").format(km=texts.number(km, lang), parallel=parallel)
    pen.text(x, y - 10 * size, printable(said), 7 * size)


def _north(pen: Pen, window: Window, x: float, y: float) -> None:
    """An arrow to true north, as it lies in the middle of the map; none on one with a pole."""
    size = pen.size
    if window.holds_pole:
        return  # every meridian of such a map leads there
    lon, lat = window.centre
    a, b = window.page(np.array([[lon, lat - 0.01], [lon, min(lat + 0.01, 90)]]))
    angle = math.atan2(b[1] - a[1], b[0] - a[0]) - math.pi / 2
    needle = ink.Path([(0, 9), (5, -6), (0, -2.6), (-5, -6), (0, 9)], closed=True)
    pen.path(ink.placed(needle, x, y, size, angle), fill=pen.theme.ink)
    pen.text(x, y + 12 * size, texts.terms(pen.lang)["wind"]["N"], 7 * size, "bold", align="center")


def _draw_foot(
    pen: Pen, whole, chosen, kept, drawing, window: Window, margin, page, credit: list[str]
) -> None:
    """What is shown (day, grades, what has no place here), and what it is made of."""
    lang, size = chosen.lang, pen.size
    _ = texts.translator(lang)
    width, foot = page
    room = width - 2 * margin
    said = []
    if (day := _as_of(whole, chosen)) is not None:
        said.append(_("As of {day}").format(day=texts.day(day, lang)))
    if grades := _grades(kept, drawing.claims):
        told = ", ".join(f"{g}\u00a0({texts.number(n, lang)})" for g, n in sorted(grades.items()))
        said.append(
            _("Statements drawn, by Admiralty grade (source A–F, statement 1–6): {grades}").format(
                grades=told
            )
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
        for line in wrapped(" · ".join(texts_), room, type_size * size, "regular", most):
            pen.text(margin, y, line, type_size * size, colour=pen.theme.quiet)
            y -= 1.35 * type_size * size
    for line in credit:
        pen.text(margin, y, line, 6.2 * size, colour=pen.theme.quiet)
        y -= 1.35 * 6.2 * size


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


def _facts(
    whole: Dataset, chosen: Selection, bounds: Bounds | None, context: Sequence[Styled]
) -> dict[str, str]:
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
    if context:
        facts["context"] = overlays.sentence(context, lang)
    if bounds is not None:
        facts["bounds"] = ",".join(f"{edge:g}" for edge in bounds)
    return {key: plain(text) for key, text in facts.items()}
