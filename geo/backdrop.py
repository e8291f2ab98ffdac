"""What a printed map shows below its marks: land, waters, borders, graticule, names, towns.

And, between these and the marks, the layers of context that the reader brought along.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo import basemap, ink, overlays, projection, texts
from geo.ink import PX, Path, Pen, as_path, printable, shortened
from geo.labels import Label, Spot, around
from geo.overlays import Look, Styled
from geo.projection import Bounds, Window, inside


@dataclass(frozen=True)
class Ground:
    """The basemap of a window as paths on the page, by layer, and its graticule."""

    paths: dict[str, Path]
    ticks: tuple[tuple[str, float, str], ...]  # side (bottom, left), where along it, degrees
    land: BaseGeometry
    names: tuple[tuple[str, str, str, float, float, float], ...]  # kind, name, name_fr, x, y, zoom
    countries: dict[str, BaseGeometry]
    close: bool  # a sea is larger than the map, so its name may stand anywhere in it
    towns: tuple[tuple[str, float, float, float], ...]  # name, prominence, x, y


def _read(layer, bounds: Bounds, *scale: str) -> gpd.GeoDataFrame:
    return pd.concat([layer(*scale, box) for box in projection.halves(bounds)], ignore_index=True)


def _path(geometries, window: Window, tolerance: float = 0.12) -> Path:
    """One path of many lines or polygons in degrees, without what is too small to see."""
    shapes = np.asarray(geometries, dtype=object)
    if len(shapes) == 0:
        return as_path([])
    longest = max(0.25, (window.bounds[2] - window.bounds[0]) / 60)
    shapes = shapely.transform(shapely.segmentize(shapes, longest), window.page)
    shapes = shapely.get_parts(shapes)
    box = shapely.bounds(shapes)
    finite = np.isfinite(shapely.length(shapes)) & np.isfinite(box).all(axis=1)
    seen = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) > 0.4
    return as_path(shapely.simplify(shapes[finite & seen], tolerance, preserve_topology=False))


@lru_cache(maxsize=6)
def ground(window: Window) -> Ground:
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
    return Ground(
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


def _countries(window: Window) -> dict[str, BaseGeometry]:
    """The countries on the page, roughly, by English name: where a name may stand."""
    frame = _read(basemap.countries, window.bounds, "50m")
    shapes = shapely.transform(frame.geometry.to_numpy(), window.page)
    shapes = shapely.make_valid(shapely.simplify(shapes, 0.5))
    return dict(zip(frame["name"], shapes, strict=True))


def _names(window: Window) -> tuple[tuple[str, str, str, float, float, float], ...]:
    frame = _read(basemap.names, window.bounds)
    # The zoom at which a web map would show this at the scale of a page held in the hand.
    span = window.bounds[2] - window.bounds[0]
    zoom = math.log2(360 * (window.frame[2] - window.frame[0]) / PX / 256 / span)
    frame = frame[(frame["min_zoom"] <= zoom + 0.3) & (frame["max_zoom"] >= zoom - 1.5)]
    page = window.page(shapely.get_coordinates(frame.geometry))
    keep = inside(page, window.frame)
    found = []
    for row, (x, y) in zip(frame[keep].to_dict("records"), page[keep], strict=True):
        name_fr = row["name_fr"] if isinstance(row["name_fr"], str) else row["name"]
        found.append((row["kind"], row["name"], name_fr, float(x), float(y), row["min_zoom"]))
    return tuple(found)


def _towns(window: Window) -> tuple[tuple[str, float, float, float], ...]:
    span = window.bounds[2] - window.bounds[0]
    least = 1_000_000 if span > 60 else 200_000 if span > 25 else 20_000 if span > 10 else 0
    frame = _read(lambda box: basemap.towns(box, least), window.bounds)
    page = window.page(shapely.get_coordinates(frame.geometry))
    frame = frame.assign(x=page[:, 0], y=page[:, 1])[inside(page, window.frame, 2)]
    frame = frame.sort_values(["prominence", "geonames_id"], ascending=[False, True]).head(220)
    columns = (frame[c].tolist() for c in ("name", "prominence", "x", "y"))
    return tuple(zip(*columns, strict=True))


def _graticule(window: Window) -> tuple[Path, tuple[tuple[str, float, str], ...]]:
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
    path = as_path([shapely.LineString(line) for line in lines])
    ticks = tuple((side, at, f"{text} {decimals}") for side, at, text in ticks)
    return path, ticks


def degrees(code: str, lang: str) -> str:
    _ = texts.translator(lang)
    axis, value, decimals = code.split()
    number = float(value)
    if axis == "lon":
        side = "" if number in (0, -180) else _("E") if number > 0 else _("W")
    else:
        side = "" if number == 0 else _("N") if number > 0 else _("S")
    return f"{texts.number(abs(number), lang, int(decimals))}° {side}".strip()


def _spaced(text: str, by: str = "\u2009") -> str:
    return by.join(text)


def labels_of(ground: Ground, pen: Pen, lang: str, taken: set[str]) -> list[Label]:
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
        text = printable(name_fr if lang == "fr" else name)
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
        blank = ink.label(lines, type_size * size, face, colour, rank)
        spots = []
        roams = kind == "sea" and ground.close
        for dx, dy in offsets if roams else offsets[:25]:
            spot = Spot(x + dx, y + dy)
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
        found.append(replace(blank, spots=tuple(spots)))

    area = (right - left) * (top - bottom) / (size * size)
    room = int(area / 9000)
    kept: list[tuple[float, float, float]] = []
    for name, prominence, x, y in ground.towns:
        if len(kept) >= room:
            break
        text = shortened(name, 30)
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
        rank, dot = 30 - len(kept) / 1000, (x, y, r)
        blank = ink.label((text,), type_size * size, face, theme.quiet, rank, dot)
        spots = tuple(around(x, y, (r, r), blank.extent))
        found.append(replace(blank, spots=spots))
    return found


def draw(pen: Pen, ground: Ground, far_out: bool, lang: str) -> None:
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
        text = printable(degrees(code, lang))
        if side == "bottom":
            pen.text(at, bottom - 9 * size, text, 6.2 * size, colour=theme.quiet, align="center")
        else:
            pen.text(
                left - 4 * size, at, text, 6.2 * size, colour=theme.quiet, align="center",
                angle_deg=90,
            )  # fmt: skip


# Context: the reader's own layers


@dataclass(frozen=True, eq=False)
class Cover:
    """The shapes of one kind and class of an overlay in a window, on the page.

    ``kind``: 0 for points, 1 for lines, 2 for areas. ``words``: what the class means, "" for one
    that is the whole overlay.
    """

    layer: Styled
    kind: int
    look: Look
    words: str
    page: np.ndarray

    @property
    def opacity(self) -> float:
        return self.layer.opacity


def covers(window: Window, layers: Sequence[Styled], lang: str) -> list[Cover]:
    """What of some overlays is to be seen in a window, in drawing order: areas below points."""
    found = []
    for layer in layers:
        classes = overlays.classify(layer.overlay, layer.field, lang)
        parts, rows = overlays.simple_parts(layer.overlay.table.geometry.to_numpy())
        codes = classes.codes[rows]
        kinds = shapely.get_dimensions(parts)
        for kind in (2, 1, 0):
            for code in np.unique(codes[kinds == kind]):
                page = _on_page(parts[(kinds == kind) & (codes == code)], kind, window)
                if len(page):
                    found.append(Cover(layer, kind, classes.looks[code], classes.words[code], page))
    return found


def _on_page(parts: np.ndarray, kind: int, window: Window) -> np.ndarray:
    """Points, lines or polygons in degrees as they lie on the page, cut beyond its edges."""
    west, south, east, north = window.bounds
    box = shapely.bounds(parts)
    pad = 0.02 * max(east - west, north - south)
    seen = []
    for turn in range(
        math.floor((west - box[:, 2].max()) / 360), math.ceil((east - box[:, 0].min()) / 360) + 1
    ):
        by = 360 * turn
        near = (box[:, 0] + by <= east + pad) & (box[:, 2] + by >= west - pad)
        near &= (box[:, 1] <= north + pad) & (box[:, 3] >= south - pad)
        moved = shapely.transform(parts[near], lambda xy, by=by: np.add(xy, (by, 0)))
        # Cut first: of a large file most may lie elsewhere.
        edges = (west - pad, max(south - pad, -90), east + pad, min(north + pad, 90))
        seen.append(shapely.clip_by_rect(moved, *edges))
    shapes, _rows = overlays.simple_parts(np.concatenate(seen))
    shapes = shapes[~shapely.is_empty(shapes) & (shapely.get_dimensions(shapes) == kind)]
    if kind:
        shapes = shapely.segmentize(shapes, max(0.25, (east - west) / 60))
    shapes = shapely.transform(shapes, window.page)
    box = shapely.bounds(shapes)
    finite = np.isfinite(box).all(axis=1) if kind == 0 else np.isfinite(shapely.length(shapes))
    shapes, box = shapes[finite], box[finite]
    left, bottom, right, top = window.frame
    inside_it = (box[:, 0] <= right) & (box[:, 2] >= left)
    inside_it &= (box[:, 1] <= top) & (box[:, 3] >= bottom)
    shapes, box = shapes[inside_it], box[inside_it]
    if kind == 0:
        # Of points that would lie on each other to the dot, one is enough.
        xy = np.unique(shapely.get_coordinates(shapes).round(0), axis=0)
        return shapely.points(xy)
    wide = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) > 0.4
    shapes = shapely.simplify(shapes[wide], 0.12, preserve_topology=False)
    return shapes[~shapely.is_empty(shapes)]


def draw_cover(pen: Pen, cover: Cover, opacity: float | None = None) -> None:
    """One class of an overlay, as the web map draws it."""
    look, unit = cover.look, PX * pen.size
    colour = pen.theme.tone(look.colour)
    alpha = cover.opacity if opacity is None else opacity
    if cover.kind == 0:
        xy = shapely.get_coordinates(cover.page)
        shape, r = (ink.SQUARE, 3.2) if look.shape == "square" else (Path.circle(), 3.6)
        points = ink.repeated(shape, xy, r * unit)
        pen.path(points, fill=colour, stroke=pen.theme.halo, width=0.8 * unit, alpha=alpha)
        return
    path = as_path(cover.page)
    if cover.kind == 2:
        pen.path(path, fill=colour, alpha=0.45 * alpha)
        if look.hatch:
            # Level lines; slanting ones would look like the strokes of a denial.
            pen.path(_lined(cover.page, 6 * unit), stroke=colour, width=1.4 * unit, alpha=alpha)
    dash = [d * unit for d in look.dash]
    width = (1.1 if cover.kind == 2 else 2) * unit
    pen.path(path, stroke=colour, width=width, dash=dash, alpha=alpha)


def _lined(areas: np.ndarray, step: float) -> Path:
    """Level lines within areas, the same for all of them."""
    found = []
    for area in shapely.make_valid(areas):
        left, bottom, right, top = area.bounds
        at = np.arange(math.ceil(bottom / step), math.floor(top / step) + 1) * step
        ends = [[(left - 1, y), (right + 1, y)] for y in at]
        if ends:
            lines = shapely.get_parts(shapely.intersection(shapely.MultiLineString(ends), area))
            found += [line for line in lines if line.geom_type == "LineString"]
    return as_path(found)
