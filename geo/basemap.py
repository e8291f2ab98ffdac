"""The bundled basemap: land, countries, borders, water, towns and names, read from data/basemap.

Everything is WGS 84 (EPSG:4326), longitude before latitude. ``bounds`` is always (west, south,
east, north) in degrees; a box over the 180th meridian runs past it, as (170, 50, 195, 65), and what
it returns then lies on the same continuous longitudes. Each file is read once and kept; callers
get a new frame, never the kept one. How the files are made, and from what: data/basemap/README.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet
import shapely

Bounds = tuple[float, float, float, float]
Scale = Literal["10m", "50m"]

ATTRIBUTION = "Natural Earth; towns © GeoNames (CC BY 4.0)"

_FOLDER = Path(__file__).resolve().parent.parent / "data" / "basemap"
_CRS = "EPSG:4326"
_SCALES = {
    "countries": ("10m", "50m"),
    "land": ("10m", "50m"),
    "borders": ("10m", "50m"),
    "lakes": ("10m",),
    "admin1": ("10m",),
    "rivers": ("50m",),
}
_WIDEST_DETAIL_DEG = 30.0
_WORLD_TOLERANCE_DEG = 0.075  # 0.04 would add half again to the size of the world's countries
# The space a town's label takes, and the prominence a town needs to show at a zoom.
_LABEL_PX = (90.0, 30.0)
_TOWN_ZOOMS = {3: 5e6, 4: 1e6, 5: 3e5, 6: 1e5, 7: 2e4, 8: 3e3, 9: 700, 10: 0, 11: 0, 12: 0}


def countries(scale: Scale, bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Countries as MultiPolygons of their land, one row per ISO code (or piece without one).

    Columns: adm0_a3 (Natural Earth's code, unique), iso_a2 and iso_a3 (missing for a few disputed
    reefs and bases), name, name_fr, label_lon and label_lat (where a label sits well),
    label_min_zoom and label_max_zoom (web-mercator zooms it suits), geometry. The borders are those
    in law, as most states see them: Crimea is Ukraine's. With ``bounds`` the shapes are cut to it,
    and a label point outside moves into the widest part of what is left, with zooms for the box.

    Raises ValueError for an unknown scale or for bounds that are no box.
    """
    frame = _layer("countries", scale, bounds)
    return frame if bounds is None else _with_labels_inside(frame, bounds)


def land(scale: Scale, bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Land with its islets as Polygons (column geometry only); lakes are not cut out.

    One row per island or continent, largest first; with bounds, one per piece inside the box. The
    Caspian Sea is no land. Raises ValueError as ``countries``.
    """
    return _layer("land", scale, bounds)


def borders(scale: Scale, bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Land borders as LineStrings, each drawn once and never along a coast.

    Columns: country_a, country_b (ISO 3166-1 alpha-2, missing where there is none), disputed
    (bool: Western Sahara, Palestine, Kosovo, and zones that no country holds, as Abyei), geometry.
    They are the edges that two country polygons share. Raises ValueError as ``countries``.
    """
    return _layer("borders", scale, bounds)


def lakes(bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Lakes and reservoirs at 1:10m as Polygons (geometry only). Raises as ``towns``."""
    return _layer("lakes", "10m", bounds)


def rivers(bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Great rivers at 1:50m, through their lakes, as LineStrings (geometry only), right to about
    2 km. Raises as ``towns``.
    """
    return _layer("rivers", "50m", bounds)


def admin1(bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Boundaries of oblasts, provinces and states at 1:10m as LineStrings (geometry only).

    Raises as ``towns``.
    """
    return _layer("admin1", "10m", bounds)


def towns(bounds: Bounds | None = None, min_population: int = 0) -> gpd.GeoDataFrame:
    """Towns of 500 inhabitants or more as Points, from GeoNames.

    Columns: geonames_id (unique), name, country (ISO 3166-1 alpha-2), admin1 (GeoNames' code within
    the country, may be empty), population, prominence (population, held down where GeoNames knows
    few other names of the place: rank labels by it, or the quarters of a city hide the city),
    geometry. Raises ValueError for bounds that are no box.
    """
    table = _towns()
    return _points(table[table["population"] >= min_population], bounds)


def names(bounds: Bounds | None = None) -> gpd.GeoDataFrame:
    """Labels of oceans, seas, bays, straits, regions and countries as Points.

    Columns: name, name_fr, kind (ocean, sea, bay, strait, region or country), min_zoom, max_zoom
    (web-mercator zooms between which the label makes sense), geometry. " / " in a name parts two
    names in use or in dispute, and is the place for a line break. With ``bounds``, a country that
    fills a fair part of the box has its label there. Raises as ``towns``.
    """
    states = countries("50m", bounds)
    if bounds is not None:
        west, south, east, north = bounds
        sliver = 0.005 * (east - west) * (north - south)
        home = _read("countries-50m").set_index("adm0_a3")["label_lat"]
        at_home = states["label_lat"].eq(states["adm0_a3"].map(home))
        states = states[at_home | (shapely.area(states.geometry.to_numpy()) > sliver)]
    labels = pd.DataFrame(
        {
            "name": states["name"],
            "name_fr": states["name_fr"],
            "kind": "country",
            "min_zoom": states["label_min_zoom"],
            "max_zoom": states["label_max_zoom"],
            "lon": states["label_lon"],
            "lat": states["label_lat"],
        }
    )
    by_hand = _points(_names(), bounds)
    everything = pd.concat([by_hand, _points(labels, None)], ignore_index=True)
    return gpd.GeoDataFrame(everything, geometry="geometry", crs=_CRS)


def web_world(bounds: Bounds | Sequence[Bounds]) -> dict[str, dict]:
    """The world for a browser: FeatureCollections by layer, 1:50m, two decimals of a WGS 84 degree.

    countries (iso, name, name_fr, label: [lon, lat]), borders (disputed), lakes (large ones),
    towns (300 of a million or more, outside the detail), names (of seas and countries: name,
    name_fr, kind, min_zoom, max_zoom). ``bounds`` are those of ``web_detail``. Dump with
    ``separators=(",", ":")``. Raises ValueError for bounds that are no box.
    """
    boxes = _detail_boxes(bounds)
    cities = towns(min_population=1_000_000)
    inside = pd.concat([towns(box)["geonames_id"] for box in boxes]) if boxes else []
    cities = cities[~cities["geonames_id"].isin(inside)]
    return {
        **_world_areas(),
        "towns": _town_features([cities], 300),
        "names": _name_features(boxes),
    }


def web_detail(bounds: Bounds | Sequence[Bounds], max_towns: int = 1500) -> dict[str, dict]:
    """What is drawn over ``web_world`` near the story: FeatureCollections, 1:10m, three decimals.

    ``bounds`` is one box, or several when a story plays in regions far apart: the detail is the
    union of them, each widened by a twentieth. A box wider than 30 degrees gets no detail: at the
    zooms that show it 1:50m is enough.

    In this order: extent (the boxes: fill them as sea, to hide the coarser coast beneath), land
    (islets and no man's land belong to no country), countries (as in the world), lakes, rivers,
    admin1, borders (disputed), coast, towns (at most ``max_towns``). A town has name, population
    and min_zoom, the web-mercator zoom from which on its label has room. Raises ValueError for
    bounds that are no box.
    """
    boxes = _detail_boxes(bounds)
    return {
        "extent": _features([({}, [shapely.box(*box) for box in boxes])], 3),
        "land": _features([({}, land("10m", box).geometry) for box in boxes], 3),
        "countries": _country_features([countries("10m", box) for box in boxes], 3),
        "lakes": _features([({}, lakes(box).geometry) for box in boxes], 3),
        "rivers": _features([({}, rivers(box).geometry) for box in boxes], 3),
        "admin1": _features([({}, admin1(box).geometry) for box in boxes], 3),
        "borders": _border_features([borders("10m", box) for box in boxes], 3),
        "coast": _features([({}, _clip(_coast(), box).geometry) for box in boxes], 3),
        "towns": _town_features([towns(box) for box in boxes], max_towns),
    }


def _detail_boxes(bounds: Bounds | Sequence[Bounds]) -> list[Bounds]:
    # No box at all has one dimension as well.
    boxes = [bounds] if len(bounds) and np.ndim(bounds) == 1 else list(bounds)
    for box in boxes:
        _turns(box)
    return _merged([_padded(box) for box in boxes if box[2] - box[0] <= _WIDEST_DETAIL_DEG])


# Reading


def _path(name: str) -> Path:
    path = _FOLDER / name
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: restore it, or rebuild it with python data/basemap/build.py"
        )
    return path


@cache
def _read(layer: str) -> gpd.GeoDataFrame:
    return gpd.read_parquet(_path(f"{layer}.parquet"))


@cache
def _towns() -> pd.DataFrame:
    """The towns with lon and lat: making 196,000 points takes longer than reading the file."""
    table = pyarrow.parquet.read_table(_path("towns.parquet"))
    point = table["geometry"].combine_chunks()
    frame = table.drop_columns(["geometry"]).to_pandas()
    return frame.assign(lon=point.field("x").to_numpy(), lat=point.field("y").to_numpy())


@cache
def _names() -> pd.DataFrame:
    table = pd.read_csv(_path("names.csv"), encoding="utf-8")
    numbers = dict.fromkeys(("min_zoom", "max_zoom", "lon", "lat"), float)
    return table[["name", "name_fr", "kind", *numbers]].astype(numbers)


@cache
def _coast() -> gpd.GeoDataFrame:
    """Shores of the land at 1:10m as LineStrings, without the edges along the 180th meridian."""
    rings = shapely.get_rings(_read("land-10m").geometry.to_numpy())
    cut = shapely.clip_by_rect(rings, -179.9999, -89.9999, 179.9999, 90)
    return gpd.GeoDataFrame(geometry=shapely.get_parts(cut), crs=_CRS)


def _layer(name: str, scale: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
    if scale not in _SCALES[name]:
        raise ValueError(f"{name}: the scale is {' or '.join(_SCALES[name])}, not {scale!r}")
    frame = _read(f"{name}-{scale}")
    return frame.copy() if bounds is None else _clip(frame, bounds)


# Boxes


def _turns(bounds: Bounds) -> list[tuple[float, Bounds]]:
    """The box seen from -180..180: (degrees to add to what is found, box to look in)."""
    west, south, east, north = (float(value) for value in bounds)
    finite = all(math.isfinite(value) for value in (west, south, east, north))
    if not (finite and west < east and south < north):
        raise ValueError(
            "bounds are west, south, east, north in degrees, west < east (beyond 180 for a box "
            f"over the 180th meridian) and south < north; not {tuple(bounds)}"
        )
    if east - west >= 360:
        return [(0.0, (-180.0, south, 180.0, north))]
    return [
        (turn, (west - turn, south, east - turn, north))
        for turn in (-360.0, 0.0, 360.0)
        if west - turn < 180 and east - turn > -180
    ]


def _points(table: pd.DataFrame, bounds: Bounds | None) -> gpd.GeoDataFrame:
    """Rows with lon and lat inside ``bounds``, as points."""
    if bounds is not None:
        lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
        found = [
            table[(lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)].assign(
                lon=lambda part, turn=turn: part["lon"] + turn
            )
            for turn, (west, south, east, north) in _turns(bounds)
        ]
        table = found[0] if len(found) == 1 else pd.concat(found)
    points = shapely.points(table["lon"].to_numpy(), table["lat"].to_numpy())
    columns = table.drop(columns=["lon", "lat"]).reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=points, crs=_CRS)


def _clip(frame: gpd.GeoDataFrame, bounds: Bounds) -> gpd.GeoDataFrame:
    """Rows of one geometry type cut to ``bounds``; what only touches the box is dropped."""
    kind = frame.geometry.iloc[0].geom_type
    single = kind.removeprefix("Multi")
    type_id = {"LineString": 1, "Polygon": 3}[single]
    rows, shapes = [], []
    for turn, box in _turns(bounds):
        found = np.sort(frame.sindex.intersection(box))
        cut = shapely.clip_by_rect(frame.geometry.to_numpy()[found], *box)
        # The fast clip may leave a ring that touches itself on the edge of the box.
        bad = ~shapely.is_valid(cut)
        whole = frame.geometry.to_numpy()[found[bad]]
        cut[bad] = shapely.intersection(whole, shapely.box(*box))
        parts, owner = shapely.get_parts(cut, return_index=True)
        parts, inner = shapely.get_parts(parts, return_index=True)
        fits = (shapely.get_type_id(parts) == type_id) & ~shapely.is_empty(parts)
        moved = shapely.transform(parts[fits], lambda xy, turn=turn: np.add(xy, [turn, 0]))
        shapes.append(moved)
        rows.append(found[owner[inner]][fits])
    row, shape = np.concatenate(rows), np.concatenate(shapes)
    order = np.argsort(row, kind="stable")
    row, shape = row[order], shape[order]
    if kind != single:
        row, start = np.unique(row, return_index=True)
        groups = np.split(shape, start[1:]) if len(row) else []
        # The union heals the cut that the data has along the 180th meridian.
        heal = shapely.union_all if len(rows) > 1 else shapely.multipolygons
        whole = [heal(list(group)) for group in groups]
        shape = [s if s.geom_type == kind else shapely.multipolygons([s]) for s in whole]
    columns = frame.drop(columns="geometry").iloc[row].reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=shape, crs=_CRS)


def _with_labels_inside(frame: gpd.GeoDataFrame, bounds: Bounds) -> gpd.GeoDataFrame:
    west, south, east, north = bounds
    lon = frame["label_lon"] + 360 * np.ceil((west - frame["label_lon"]) / 360)
    inside = (lon <= east) & frame["label_lat"].between(south, north)
    frame["label_lon"] = lon
    for row in frame.index[~inside]:
        spot = _widest_spot(frame.at[row, "geometry"], tolerance_deg=(east - west) / 200)
        frame.loc[row, ["label_lon", "label_lat"]] = [round(spot.x, 2), round(spot.y, 2)]
    # The zoom at which the box is some 1,000 pixels wide, a level out and three in.
    zoom = round(math.log2(4 * 360 / min(east - west, 360.0)), 1)
    frame.loc[~inside, ["label_min_zoom", "label_max_zoom"]] = [max(zoom - 1, 0), zoom + 3]
    return frame


def _widest_spot(shape: shapely.MultiPolygon, tolerance_deg: float) -> shapely.Point:
    """The centre of the largest circle inside the largest part of ``shape``."""
    largest = max(shape.geoms, key=shapely.area)
    rough = shapely.simplify(largest, tolerance_deg / 4)
    return shapely.Point(shapely.maximum_inscribed_circle(rough, tolerance_deg).coords[0])


def _padded(box: Bounds) -> Bounds:
    west, south, east, north = box
    dx, dy = (east - west) / 20, (north - south) / 20
    return (west - dx, max(south - dy, -90.0), east + dx, min(north + dy, 90.0))


def _merged(boxes: list[Bounds]) -> list[Bounds]:
    """Boxes that overlap joined into their common envelope, so that nothing is drawn twice."""
    apart: list[Bounds] = []
    for box in boxes:
        overlap = [b for b in apart if shapely.box(*b).intersects(shapely.box(*box))]
        if overlap:
            joint = shapely.union_all([shapely.box(*b) for b in (box, *overlap)]).bounds
            apart = _merged([*(b for b in apart if b not in overlap), joint])
        else:
            apart.append(box)
    return apart


# GeoJSON


def _world_areas() -> dict[str, dict]:
    """Countries, borders and lakes of ``simplified_world``, as data/basemap holds them ready."""
    return json.loads(_path("world.json").read_text("utf-8"))


def simplified_world() -> dict[str, dict]:
    """Countries, borders and lakes for zooms up to about 5, where a pixel is 0.04 degrees wide.

    FeatureCollections as in ``web_world``. It takes a second, so that the build script of the
    basemap keeps the result in data/basemap/world.json.
    """
    # Visvalingam-Whyatt over the whole coverage, so that neighbours keep their common border, and
    # on a cylindrical equal-area plane, so that the far north does not take most of the points.
    states = countries("50m")
    plane = shapely.transform(
        states.geometry.to_numpy(),
        lambda xy: np.column_stack([xy[:, 0], np.sin(np.deg2rad(xy[:, 1]))]) * [1, 180 / np.pi],
    )
    rough = shapely.coverage_simplify(plane, _WORLD_TOLERANCE_DEG)
    parts, owner = shapely.get_parts(rough, return_index=True)
    area = pd.Series(shapely.area(parts))
    seen = (area >= _WORLD_TOLERANCE_DEG**2) | (area == area.groupby(owner).transform("max"))
    kept = pd.Series(parts)[seen].groupby(owner[seen]).agg(lambda g: shapely.multipolygons(list(g)))
    shapes = shapely.transform(
        kept.to_numpy(),
        lambda xy: np.column_stack(
            [xy[:, 0], np.rad2deg(np.arcsin(np.clip(xy[:, 1] * np.pi / 180, -1, 1)))]
        ),
    )
    lines = borders("50m")
    lines["geometry"] = shapely.simplify(lines.geometry.to_numpy(), 0.04)
    water = lakes().geometry.to_numpy()
    water = shapely.simplify(water[shapely.area(water) > 1], 0.04)
    return {
        "countries": _country_features([states.iloc[kept.index].set_geometry(shapes)], 2),
        "borders": _border_features([lines], 2),
        "lakes": _features([({}, water)], 2),
    }


def _geojson(shapes: Sequence, digits: int) -> dict | None:
    """One Multi geometry of all ``shapes``, rounded; None when nothing of them is left."""
    parts = shapely.get_parts(shapely.get_parts(np.asarray(shapes, dtype=object)))
    if not len(parts):
        return None
    # Snapping, not bare rounding, so that no ring or line collapses, crosses itself or stutters.
    if parts[0].geom_type == "Polygon":
        parts = shapely.get_parts(shapely.union_all(parts, grid_size=10.0**-digits))
    else:
        parts = shapely.get_parts(shapely.set_precision(parts, 10.0**-digits))
    parts = parts[~shapely.is_empty(parts)]
    if not len(parts):
        return None

    def ring(line: shapely.LineString) -> list[list[float]]:
        return np.round(shapely.get_coordinates(line), digits).tolist()

    if parts[0].geom_type == "Polygon":
        coordinates = [[ring(r) for r in (part.exterior, *part.interiors)] for part in parts]
        return {"type": "MultiPolygon", "coordinates": coordinates}
    return {"type": "MultiLineString", "coordinates": [ring(part) for part in parts]}


def _collection(features: list[dict]) -> dict:
    return {"type": "FeatureCollection", "features": features}


def _features(rows: list[tuple[dict, Sequence]], digits: int) -> dict:
    """A FeatureCollection of (properties, shapes), without those that rounding wipes out."""
    drawn = [(properties, _geojson(shapes, digits)) for properties, shapes in rows]
    return _collection(
        [
            {"type": "Feature", "properties": properties, "geometry": geometry}
            for properties, geometry in drawn
            if geometry
        ]
    )


def _country_features(frames: list[gpd.GeoDataFrame], digits: int) -> dict:
    rows = [
        (
            {
                "iso": None if pd.isna(row.iso_a2) else row.iso_a2,
                "name": row.name,
                "name_fr": row.name_fr,
                "label": [row.label_lon, row.label_lat],
            },
            [row.geometry],
        )
        for frame in frames
        for row in frame.itertuples(index=False)
    ]
    return _features(rows, digits)


def _border_features(frames: list[gpd.GeoDataFrame], digits: int) -> dict:
    rows = [
        ({"disputed": disputed}, frame.loc[frame["disputed"] == disputed, "geometry"])
        for frame in frames
        for disputed in (False, True)
    ]
    return _features(rows, digits)


def _point_feature(properties: dict, point: shapely.Point, digits: int) -> dict:
    coordinates = [round(point.x, digits), round(point.y, digits)]
    geometry = {"type": "Point", "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _town_features(frames: list[gpd.GeoDataFrame], max_towns: int) -> dict:
    ranked = []
    for frame in frames:
        best = _with_min_zoom(frame, max_towns)
        columns = (best["name"], best["population"], best["min_zoom"], best.geometry)
        ranked.append(list(zip(*columns, strict=True)))
    # Turn by turn, so that each box has its share of the towns and a small one keeps its villages.
    turns = sorted((turn, box) for box, rows in enumerate(ranked) for turn in range(len(rows)))
    features = []
    for turn, box in turns[:max_towns]:
        name, population, min_zoom, point = ranked[box][turn]
        properties = {"name": name, "population": int(population), "min_zoom": int(min_zoom)}
        features.append(_point_feature(properties, point, 3))
    return _collection(features)


def _name_features(boxes: list[Bounds]) -> dict:
    labels = pd.concat([names(), *(names(box) for box in boxes)], ignore_index=True)
    # What a box repeats of the world's labels goes; a country's label moved into the box stays.
    where = labels.assign(lon=labels.geometry.x % 360, lat=labels.geometry.y)
    labels = labels[~where.duplicated(["name", "kind", "lon", "lat"])]
    keys = ["name", "name_fr", "kind", "min_zoom", "max_zoom"]
    pairs = zip(labels[keys].to_dict("records"), labels.geometry, strict=True)
    return _collection([_point_feature(properties, point, 2) for properties, point in pairs])


def _with_min_zoom(frame: gpd.GeoDataFrame, limit: int) -> gpd.GeoDataFrame:
    """The first ``limit`` towns to show as one zooms in, in that order, with column min_zoom.

    At each zoom, by prominence, a town is taken if it has enough of it for that zoom and its
    label, of a fixed size in pixels, meets none of those there, nor that of a far greater town
    that found no room yet: a suburb never stands for its city.
    """
    frame = frame.sort_values(["prominence", "geonames_id"], ascending=[False, True])
    prominence = frame["prominence"].to_numpy()
    x = (frame.geometry.x.to_numpy() + 180) / 360 * 256
    sine = np.sin(np.deg2rad(np.clip(frame.geometry.y.to_numpy(), -85, 85)))
    y = (0.5 - np.arctanh(sine) / (2 * np.pi)) * 256
    width, height = _LABEL_PX
    min_zoom = np.zeros(len(frame), dtype=int)
    taken: list[int] = []
    for zoom, enough in _TOWN_ZOOMS.items():
        px, py = x * 2**zoom, y * 2**zoom
        column, line = (px // width).astype(int), (py // height).astype(int)
        cells: dict[tuple[int, int], list[int]] = {}
        for i in taken:
            cells.setdefault((column[i], line[i]), []).append(i)
        for i in np.flatnonzero((min_zoom == 0) & (prominence >= enough)):
            if len(taken) == limit:
                break
            blocked = any(
                abs(px[i] - px[j]) < width
                and abs(py[i] - py[j]) < height
                and (min_zoom[j] or prominence[j] >= 3 * prominence[i])
                for dx in (-1, 0, 1)
                for dy in (-1, 0, 1)
                for j in cells.get((column[i] + dx, line[i] + dy), ())
            )
            cells.setdefault((column[i], line[i]), []).append(i)
            if not blocked:
                min_zoom[i] = zoom
                taken.append(i)
    return frame.iloc[taken].assign(min_zoom=min_zoom[taken])
