"""The reader's own layers under the claims: read, mended, simplified, and put into classes.

A front line, districts, a railway: context that somebody brings along, and no claim of the
dataset. GeoJSON and KML are parsed here and reach no other library; a GeoPackage or shapefile is
opened by GDAL only once its first bytes say that it is one, since GDAL would also follow a file
that merely points elsewhere.
"""

from __future__ import annotations

import codecs
import io
import json
import math
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NoReturn
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.parsers import expat

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from geo import texts
from geo.dataset import CRS, DatasetError, Problem, opened_zip, zip_chunks

SUFFIXES = (".geojson", ".json", ".gpkg", ".zip", ".kml")
MOST_BYTES = 25_000_000  # of a file
MOST_UNPACKED_BYTES = 100_000_000  # of a zipped shapefile
MOST_POINTS = 2_000_000
BUDGET_BYTES = 300_000  # of what is drawn; beyond it shapes are simplified further
MOST_DRAWN_BYTES = 1_500_000
OPACITY = 0.7  # unless somebody says otherwise

# Colours that keep their distance from those of the claims and from each other, for every kind of
# sight; hatched, dashed or square they serve a second time. tests/test_overlays.py measures it.
HUES = ("#4dcb9e", "#735045", "#b1ad43", "#cb4dc6")
QUIET = "#80868c"
RAMP = ("#c3e9dc", "#8fd0bb", "#58b094", "#2b866c", "#0e5744")
MOST_CLASSES = 2 * len(HUES)

# The finest is the web map's own; below the second the budget is given up, not the shapes.
_FINEST_ZOOM, _ROUGH_ZOOM, _COARSEST_ZOOM = 13, 6, 3
_SHP_MAGIC = b"\x00\x00\x27\x0a"
_SQLITE_MAGIC = b"SQLite format 3\x00"
_MOST_COVER_POINTS = 150_000  # of districts: beyond it they would take seconds
_DEEPEST = 100  # elements of a KML within each other
_EARTH_M = 40_075_016.7  # the equator


@dataclass(frozen=True)
class Field:
    """A column of an overlay: its name, whether it holds numbers, and how many values."""

    name: str
    is_number: bool
    count: int


@dataclass(frozen=True, eq=False)
class Overlay:
    """A layer of context as read.

    ``table``: its features with their fields, a GeoDataFrame in EPSG:4326, geometries valid and
    flat; what crosses the antimeridian goes on past ±180 instead of jumping. ``layers``: the
    layers of the file, of which ``layer`` was read; one of them may be all there is. ``bounds``:
    west, south, east, north in degrees. ``attribution``: whose data it is, where the file says so
    (``attribution`` of a GeoJSON). ``notes``: what the reader should know of how it was read,
    as pairs of a code and a number or text; ``notes`` of this module words them.
    """

    name: str
    layer: str
    layers: tuple[str, ...]
    table: gpd.GeoDataFrame
    fields: tuple[Field, ...]
    attribution: str
    bounds: tuple[float, float, float, float]
    notes: tuple[tuple[str, object], ...]


@dataclass(frozen=True, eq=False)
class Drawing:
    """An overlay simplified for display.

    ``lines``: its points, lines and rings as arrays of longitude and latitude. ``zoom``: up to
    which it looks as exact as the file; ``tolerance_m``: how far a line may stray on the ground;
    ``points_before``, ``points``: how many it had and has. ``shapes``: what the web map's script
    draws, see ``_shapes``.
    """

    lines: tuple[np.ndarray, ...]
    zoom: int
    tolerance_m: float
    points_before: int
    points: int
    shapes: dict


@dataclass(frozen=True)
class Look:
    """How one class is drawn; its form (``hatch``, ``dash``, ``shape``) tells it from others too.

    ``hatch``: whether areas carry lines; ``dash``: of lines, in CSS pixels, empty for a whole one;
    ``shape``: of points, circle or square.
    """

    colour: str
    hatch: bool = False
    dash: tuple[float, ...] = ()
    shape: str = "circle"


@dataclass(frozen=True, eq=False)
class Classes:
    """The features of an overlay sorted into classes: ``codes`` into ``looks`` and ``words``."""

    codes: np.ndarray
    looks: tuple[Look, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Styled:
    """An overlay, and how somebody wants it drawn.

    ``field``: by whose values it is coloured, ``label``: whose values name a shape; None for none.
    ``opacity``: 0 to 1. ``attribution``: whose data it is, "" where nobody said.
    """

    overlay: Overlay
    drawing: Drawing
    field: str | None = None
    label: str | None = None
    opacity: float = OPACITY
    attribution: str = ""


# Reading


def load(source: str | Path, said: str = "", attribution: str = "") -> Styled:
    """A file as an overlay, styled in few words: ``said`` is a field, a layer, or LAYER:FIELD.

    ``attribution`` counts before what the file says of itself. Raises DatasetError, OSError.
    """
    name = Path(source).name
    overlay, field = read(source, name), said
    if said and len(overlay.layers) > 1:
        # A layer's name may hold a colon itself, so the longest that fits counts.
        for layer in sorted(overlay.layers, key=len, reverse=True):
            if said == layer or said.startswith(f"{layer}:"):
                overlay, field = read(source, name, layer), said[len(layer) + 1 :]
                break
    fields = [each.name for each in overlay.fields]
    if field and field not in fields:
        _fail(name, "overlay-field", ", ".join(fields) or "–", field)
    return Styled(
        overlay,
        simplify(overlay),
        field or None,
        likely_label(overlay),
        attribution=attribution.strip() or overlay.attribution,
    )


def likely_label(overlay: Overlay) -> str | None:
    """The field that seems to hold the names of the shapes; None where there is none."""
    named = [each.name for each in overlay.fields if not each.is_number]
    return next((name for name in named if "name" in name.lower()), named[0] if named else None)


def read(source: str | Path | bytes, name: str, layer: str | None = None) -> Overlay:
    """Read a GeoJSON, GeoPackage, KML or zipped shapefile: a path, or the bytes of one.

    ``name``: the file's name, by whose suffix it is taken. ``layer``: which of its layers, the
    first unless given. Coordinates of any reference system become degrees (WGS 84); where the file
    names none they must look like degrees. Raises DatasetError, OSError.
    """
    # Asked before it is read: it may be larger than the memory.
    size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
    if size > MOST_BYTES:
        _fail(name, "too-large", megabytes(MOST_BYTES), megabytes(size))
    raw = source if isinstance(source, bytes) else Path(source).read_bytes()
    suffix = PurePosixPath(name).suffix.lower()
    if not raw:
        _fail(name, "overlay-empty")
    if suffix in (".geojson", ".json"):
        found = _from_geojson(raw, name)
    elif suffix == ".kml":
        found = _from_kml(raw, name)
    elif suffix == ".gpkg":
        found = _from_geopackage(raw, name, layer)
    elif suffix == ".zip":
        found = _from_shapefile(raw, name, layer)
    else:
        _fail(name, "overlay-format", found=suffix or name)
    table, layers, chosen, notes = found
    return _prepare(table, name, layers, chosen, notes)


def megabytes(size: float) -> str:
    """A size in bytes as text, in MB: the unit is the same in both languages."""
    return f"{size / 1_000_000:.0f} MB" if size >= 10_000_000 else f"{size / 1_000_000:.1f} MB"


def _fail(name: str, code: str, detail: str = "", found: str | None = None, field=None) -> NoReturn:
    problem = Problem(name, None, field, found, code, detail)
    raise DatasetError(Path(name), [problem])


def _from_geojson(raw: bytes, name: str):
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        _fail(name, "encoding", found=f"0x{raw[error.start]:02x}")
    except json.JSONDecodeError as error:
        _fail(name, "bad-json", f"line {error.lineno}, column {error.colno}: {error.msg}")
    except (RecursionError, ValueError):
        _fail(name, "bad-json", "nested too deeply, or a number too long")
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        features = [each for each in content["features"] if isinstance(each, dict)]
    elif kind == "Feature":
        features = [content]
    elif isinstance(content, dict) and ("coordinates" in content or "geometries" in content):
        features = [{"geometry": content}]
    else:
        _fail(name, "overlay-format", found=str(kind) if kind else None)
    told = [each.get("geometry") for each in features]
    geometry = shapely.from_geojson(
        [json.dumps(each) if isinstance(each, dict) else None for each in told],
        on_invalid="ignore",
    )
    rows = [each.get("properties") for each in features]
    table = _table([row if isinstance(row, dict) else {} for row in rows], geometry)
    said = content.get("attribution")
    table.attrs["attribution"] = said.strip()[:200] if isinstance(said, str) else ""
    named = content.get("crs")
    if isinstance(named, dict):  # of the format before 2016
        properties = named.get("properties")
        code = properties.get("name") if isinstance(properties, dict) else None
        try:
            table = table.set_crs(pyproj.CRS.from_user_input(code))
        except (pyproj.exceptions.CRSError, TypeError):
            _fail(name, "overlay-crs", found=str(code), field="crs")
    else:
        table = table.set_crs(CRS)
    return table, ("",), "", []


def _table(rows: list[dict], geometry) -> gpd.GeoDataFrame:
    """Rows of any values as columns of numbers or text; nested ones as JSON text."""
    data = pd.DataFrame([{str(k): v for k, v in row.items()} for row in rows])
    data = data.reindex(range(len(rows)))
    data.columns = [f"{c}_" if c == "geometry" else c for c in data.columns]
    return gpd.GeoDataFrame(data, geometry=np.asarray(geometry, dtype=object))


def _from_kml(raw: bytes, name: str):
    _check_xml(raw, name)
    root = ElementTree.fromstring(raw)
    rows, shapes = [], []
    for placemark, folders in _placemarks(root, ()):
        row = {"name": _text(placemark, "name"), "folder": " / ".join(folders)}
        for each in placemark.iter():
            tag = _tag(each)
            if tag == "Data":
                row[each.get("name") or ""] = _text(each, "value")
            elif tag == "SimpleData":
                row[each.get("name") or ""] = (each.text or "").strip()
        rows.append({key: value for key, value in row.items() if key})
        shapes.append(_kml_shape(placemark))
    table = _table(rows, shapes)
    for column in table.columns.drop("geometry"):
        numbers = pd.to_numeric(table[column].replace("", None), errors="coerce")
        if numbers.notna().sum() == (table[column].fillna("") != "").sum():
            table[column] = numbers
    return table.set_crs(CRS), ("",), "", []


def _check_xml(raw: bytes, name: str) -> None:
    """Refuse XML that is broken, declares entities of its own, or is nested without end."""
    # As ElementTree reads it: names of namespaces that hold the separator are refused as well.
    parser = expat.ParserCreate(namespace_separator="}")
    depth = 0

    class Refused(Exception):
        pass

    def refuse(*_):
        raise Refused

    def down(*_):
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Refused

    def up(*_):
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = down
    parser.EndElementHandler = up
    try:
        parser.Parse(raw, True)
    except Refused:
        _fail(name, "overlay-entities")
    except (expat.ExpatError, ValueError, LookupError) as error:
        _fail(name, "overlay-xml", str(error))


def _tag(element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element, tag: str) -> str:
    found = next((child for child in element if _tag(child) == tag), None)
    return "" if found is None else "".join(found.itertext()).strip()


def _placemarks(element, folders: tuple[str, ...]):
    """Each placemark with the names of the folders it lies in."""
    for child in element:
        tag = _tag(child)
        if tag == "Placemark":
            yield child, folders
        elif tag in ("Folder", "Document"):
            named = _text(child, "name") if tag == "Folder" else ""
            yield from _placemarks(child, (*folders, named) if named else folders)


def _kml_shape(placemark):
    """All points, lines and polygons of a placemark; None where it has none that can be read."""
    found = []
    for each in placemark.iter():
        tag = _tag(each)
        try:
            if tag == "Point":
                found += [shapely.Point(xy) for xy in _kml_line(each)[:1]]
            elif tag == "LineString":
                found.append(shapely.LineString(_kml_line(each)))
            elif tag == "Polygon":
                rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}
                for child in each:
                    if _tag(child) in rings:
                        rings[_tag(child)] += [
                            _kml_line(ring) for ring in child if _tag(ring) == "LinearRing"
                        ]
                found.append(shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"]))
        except (ValueError, IndexError, shapely.errors.GEOSException):
            return None
    return shapely.GeometryCollection(found) if len(found) > 1 else (found or [None])[0]


def _kml_line(element) -> list[tuple[float, float]]:
    tuples = _text(element, "coordinates").split()
    return [(float(lon), float(lat)) for lon, lat, *_ in (each.split(",") for each in tuples)]


def _from_geopackage(raw: bytes, name: str, layer: str | None):
    if not raw.startswith(_SQLITE_MAGIC):
        _fail(name, "overlay-unreadable")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "layer.gpkg")
        file.write_bytes(raw)
        try:
            listed = _by_gdal(name, gpd.list_layers, file)
            layers = tuple(listed.loc[listed["geometry_type"].notna(), "name"])
            if not layers:
                _fail(name, "overlay-empty")
            chosen = _layer(name, layers, layer)
            table = _by_gdal(name, gpd.read_file, file, layer=chosen)
        except UnicodeDecodeError as error:
            raise DatasetError(
                Path(name), [Problem(name, None, None, None, "overlay-unreadable")]
            ) from error
    return _plain(table), layers, chosen, []


def _by_gdal(name: str, reader, *args, **options):
    """What a reader returns; that GDAL finds a file odd is no matter for our log."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return reader(*args, **options)
    except (RuntimeError, shapely.errors.GEOSException) as error:  # of GDAL, of a broken shape
        found = Problem(name, None, None, None, "overlay-unreadable")
        raise DatasetError(Path(name), [found]) from error
    except UnboundLocalError as error:  # pyogrio, where GDAL cannot write down a broken .prj
        found = Problem(name, None, "crs", None, "overlay-crs")
        raise DatasetError(Path(name), [found]) from error


def _layer(name: str, layers: tuple[str, ...], layer: str | None) -> str:
    if layer is None:
        return layers[0]
    if layer not in layers:
        _fail(name, "overlay-layer", ", ".join(layers), layer)
    return layer


def _from_shapefile(raw: bytes, name: str, layer: str | None):
    try:
        with opened_zip(io.BytesIO(raw), Path(name)) as archive:
            by_path = {
                each.filename.lower(): each
                for each in archive.infolist()
                if not PurePosixPath(each.filename).name.startswith("._")  # of macOS
            }
            shapes = {
                path.removesuffix(".shp"): each.filename[:-4]
                for path, each in by_path.items()
                if path.endswith(".shp")
            }
            if not shapes:
                _fail(name, "overlay-no-shp")
            chosen = _layer(name, tuple(shapes.values()), layer)
            stem = next(low for low, own in shapes.items() if own == chosen)
            wanted = {
                suffix: by_path[stem + suffix]
                for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg")
                if stem + suffix in by_path
            }
            size = sum(member.file_size for member in wanted.values())
            if size > MOST_UNPACKED_BYTES:
                _fail(name, "too-large", megabytes(MOST_UNPACKED_BYTES), megabytes(size))
            parts = {
                suffix: b"".join(zip_chunks(archive, member, Path(name)))
                for suffix, member in wanted.items()
            }
    except DatasetError as error:
        raise DatasetError(Path(name), [_of_a_zip(each) for each in error.problems]) from error
    if ".shx" not in parts:
        _fail(name, "overlay-member", f"{chosen}.shx")
    if not parts[".shp"].startswith(_SHP_MAGIC) or not parts[".shx"].startswith(_SHP_MAGIC):
        _fail(name, "overlay-unreadable", found=f"{chosen}.shp")
    notes = [] if ".dbf" in parts else [("no-fields", f"{chosen}.dbf")]
    encoding = _encoding(parts, name, notes)
    if ".prj" in parts:  # its names may be in any encoding, and GDAL takes but one
        parts[".prj"] = parts[".prj"].decode("utf-8", "replace").encode()
    with tempfile.TemporaryDirectory() as folder:
        for suffix, content in parts.items():
            if suffix != ".cpg":  # told by `encoding`
                Path(folder, f"layer{suffix}").write_bytes(content)
        try:
            table = _by_gdal(name, gpd.read_file, Path(folder, "layer.shp"), encoding=encoding)
        except UnicodeDecodeError as error:
            found = Problem(name, None, None, None, "overlay-encoding", encoding or "")
            raise DatasetError(Path(name), [found]) from error
    return _plain(table), tuple(shapes.values()), chosen, notes


def _of_a_zip(problem: Problem) -> Problem:
    """What a broken archive lacks here is not what a broken data package lacks."""
    if problem.code != "not-a-package":
        return problem
    return replace(problem, code="overlay-zip", found=None, detail=problem.found or "")


def _encoding(parts: dict[str, bytes], name: str, notes: list) -> str | None:
    """The encoding of the texts: as the .cpg says, else UTF-8 if they are; None for the .dbf's."""
    if ".dbf" not in parts:
        return None
    told = parts.get(".cpg", b"")[:64].decode("ascii", "ignore").strip().strip('"')
    if told:
        # Some write 1251 for windows-1251, and ANSI 1251.
        bare = told.upper().removeprefix("ANSI").strip()
        for each in (bare, f"cp{bare}", bare.replace("ISO ", "ISO-").replace(" ", "-")):
            try:
                "".encode(each)  # some codecs are for no text
                return codecs.lookup(each).name
            except (LookupError, UnicodeError, ValueError):
                continue
        _fail(name, "overlay-encoding", told)
    head = int.from_bytes(parts[".dbf"][8:10], "little")
    texts_ = parts[".dbf"][head:]
    if texts_.isascii():
        return "utf-8"
    try:
        texts_.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        notes.append(("encoding-guessed", ".cpg"))
        return None


def _plain(table) -> gpd.GeoDataFrame:
    """What was read as a GeoDataFrame whose columns are numbers or text, with a plain index."""
    if "geometry" not in table:
        table = gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=CRS)
    table = table.rename_geometry("geometry") if table.geometry.name != "geometry" else table
    return table.reset_index(drop=True)


def _prepare(
    table: gpd.GeoDataFrame, name: str, layers: tuple[str, ...], layer: str, notes: list
) -> Overlay:
    """What was read, in degrees, with sound geometries and nothing empty."""
    shapes = shapely.force_2d(table.geometry.to_numpy())
    present = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if shapely.get_num_coordinates(shapes).sum() > MOST_POINTS:
        _fail(name, "overlay-points", f"{MOST_POINTS:,}")
    if not present.any():
        _fail(name, "overlay-empty")
    crs = table.crs
    if crs is None:
        if not _are_degrees(shapes[present]):
            _fail(name, "overlay-crs", found=_extent_text(shapes[present]))
        notes = [*notes, ("crs-assumed", CRS)]
        crs = pyproj.CRS(CRS)
    if not crs.equals(pyproj.CRS(CRS), ignore_axis_order=True):
        try:
            shapes = gpd.GeoSeries(shapes, crs=crs).to_crs(CRS).to_numpy()
        except pyproj.exceptions.ProjError:
            _fail(name, "overlay-crs", found=crs.name)
        notes = [*notes, ("reprojected", crs.name)]
    # What a projection cannot place comes out infinite.
    present &= np.array([bool(np.isfinite(shapely.get_coordinates(s)).all()) for s in shapes])
    if present.any() and not _are_degrees(shapes[present]):
        _fail(name, "overlay-crs", found=_extent_text(shapes[present]))
    shapes, mended = _mended(shapes, present)
    present &= ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not present.any():
        _fail(name, "overlay-empty")
    if mended:
        notes = [*notes, ("mended", mended)]
    if not present.all():
        notes = [*notes, ("left-out", int((~present).sum()))]
    data = pd.DataFrame(table.drop(columns="geometry"))[present].reset_index(drop=True)
    sound = gpd.GeoDataFrame(_columns(data), geometry=shapes[present], crs=CRS)
    return Overlay(
        name=texts.legible(name),
        layer=layer,
        layers=layers,
        table=sound,
        fields=_fields(sound),
        attribution=_word(table.attrs.get("attribution", "")),
        bounds=tuple(float(edge) for edge in sound.total_bounds),
        notes=tuple(notes),
    )


def _are_degrees(shapes: np.ndarray) -> bool:
    west, south, east, north = shapely.total_bounds(shapes)
    # Some go on past 180 where they cross the antimeridian.
    return max(-west, east) <= 360 and max(-south, north) <= 90.000001


def _extent_text(shapes: np.ndarray) -> str:
    return ", ".join(f"{edge:.6g}" for edge in shapely.total_bounds(shapes))


def _mended(shapes: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, int]:
    """Geometries that are valid and do not jump at the antimeridian, and how many were not."""
    shapes = shapes.copy()
    box = shapely.bounds(np.where(present, shapes, None))
    # Only what is wide can jump; and only what lies beyond ±180 is to be brought back.
    wide = present & ((box[:, 2] - box[:, 0] > 180) | (box[:, 0] < -180) | (box[:, 2] > 180))
    for i in np.flatnonzero(wide):
        shapes[i] = _in_one_piece(shapes[i])
    broken = np.flatnonzero(present & ~shapely.is_valid(shapes))
    for i in broken:
        dimension = shapely.get_dimensions(shapes[i])
        mended = shapely.make_valid(shapes[i], method="structure", keep_collapsed=False)
        if mended.is_empty or shapely.get_dimensions(mended) < dimension:
            mended = shapely.make_valid(shapes[i])  # a line drawn back and forth, say
        shapes[i] = mended
    return shapes, len(broken)


def simple_parts(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points, lines and polygons of geometries, with the number of the geometry of each."""
    parts, rows = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(parts) > 3).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        rows = rows[inner]
    return parts, rows


def _in_one_piece(shape: shapely.Geometry) -> shapely.Geometry:
    """A geometry whose lines go on past ±180 where they jumped from one side to the other.

    Its parts lie where their middle is within ±180. What runs along the antimeridian on both
    sides, as a map's frame or a cap round a pole does, stays as it is.
    """

    def steady(ring) -> np.ndarray:
        xy = shapely.get_coordinates(ring).copy()
        steps = np.abs(np.diff(xy[:, 0]))
        if ((steps > 180) & (steps < 359.999)).any() and not (steps >= 359.999).any():
            lon = np.unwrap(xy[:, 0], period=360)
            closed = (xy[0] == xy[-1]).all()
            if not closed or abs(lon[0] - lon[-1]) < 1e-9:
                xy[:, 0] = lon
        return xy

    def beside(xy: np.ndarray, middle: float) -> np.ndarray:
        own = (xy[:, 0].min() + xy[:, 0].max()) / 2
        return xy - [360 * round((own - middle) / 360), 0]

    found = []
    for part in simple_parts(np.array([shape]))[0]:
        if part.geom_type == "Polygon":
            shell = beside(steady(part.exterior), 0)
            middle = (shell[:, 0].min() + shell[:, 0].max()) / 2
            holes = [beside(steady(hole), middle) for hole in part.interiors]
            found.append(shapely.Polygon(shell, holes))
        elif part.geom_type == "Point":
            found.append(shapely.Point(beside(shapely.get_coordinates(part), 0)[0]))
        else:
            found.append(shapely.LineString(beside(steady(part), 0)))
    if len(found) == 1:
        return found[0]
    kinds = {each.geom_type for each in found}
    multi = {
        frozenset({"Polygon"}): shapely.MultiPolygon,
        frozenset({"LineString"}): shapely.MultiLineString,
        frozenset({"Point"}): shapely.MultiPoint,
    }
    return multi.get(frozenset(kinds), shapely.GeometryCollection)(found)


def _columns(data: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers (float) or text (empty where there is none)."""
    made = {}
    for position, column in enumerate(data.columns):
        values = data.iloc[:, position]
        name = _word(column)
        name = name if name not in made else f"{name}_{position}"
        if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            made[name] = pd.Series([_word(each) for each in values], dtype=object)
        else:
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            made[name] = numbers.replace([np.inf, -np.inf], np.nan)
    return pd.DataFrame(made, index=range(len(data)))


def _word(value: object) -> str:
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
    elif value is None or value is pd.NaT or value is pd.NA or value != value:
        text = ""
    else:
        text = str(value)
    # Half of a surrogate pair is valid JSON, but no text that could be shown.
    return texts.legible(text.encode("utf-8", "replace").decode("utf-8")).strip()


def _fields(table: gpd.GeoDataFrame) -> tuple[Field, ...]:
    found = []
    for name in table.columns.drop("geometry"):
        values = table[name]
        is_number = pd.api.types.is_float_dtype(values)
        count = values.nunique() if is_number else values[values != ""].nunique()
        if count and name:
            found.append(Field(name, is_number, int(count)))
    return tuple(found)


def notes(overlay: Overlay, lang: str) -> list[str]:
    """What the reader should know of how an overlay was read, in words."""
    _ = texts.translator(lang)
    found = []
    for code, value in overlay.notes:
        number = value if isinstance(value, int) else 0
        words = {
            "crs-assumed": _("No coordinate system is named (.prj); taken as degrees, WGS 84."),
            "reprojected": _("Converted to WGS 84 from {system}.").format(system=value),
            "no-fields": _("The file {file} is missing, so there are no fields.").format(
                file=value
            ),
            "encoding-guessed": _("No .cpg names the encoding: names may be spelled wrong."),
            "mended": texts.plural(
                lang, "{n} shape crossed itself and was mended.",
                "{n} shapes crossed themselves and were mended.", number,
            ),
            "left-out": texts.plural(
                lang, "{n} feature without a usable place was left out.",
                "{n} features without a usable place were left out.", number,
            ),
        }  # fmt: skip
        found.append(words[code])
    return found


# Drawing


def simplify(overlay: Overlay, budget_bytes: int = BUDGET_BYTES) -> Drawing:
    """An overlay simplified until it takes no more than a budget, or as far as it may be.

    Lines keep within half a pixel of where they were, at a zoom that is lowered step by step
    (Douglas and Peucker 1973, in the plane of the web map, ring by ring: fast, and a ring that
    crosses itself on the way is filled all the same). Polygons that share their edges stay without
    gaps where that holds as well (shapely.coverage_simplify). Raises DatasetError for what would
    still be too much to draw (``MOST_DRAWN_BYTES``).
    """
    whole, rows = simple_parts(overlay.table.geometry.to_numpy())
    before = int(shapely.get_num_coordinates(whole).sum())
    plane = shapely.transform(whole, _to_plane)
    is_cover = before <= _MOST_COVER_POINTS and _is_coverage(plane)
    lines, kinds, parts = _as_lines(plane)
    for zoom in range(_FINEST_ZOOM, _COARSEST_ZOOM - 1, -1):
        tolerance = 0.5 / (256 * 2**zoom)
        covered = _cover(plane, tolerance) if is_cover else None
        if covered is None:
            thin = _thinned(lines, kinds, tolerance)
        else:
            thin, kinds, parts = _as_lines(covered)
        limit = budget_bytes if zoom > _ROUGH_ZOOM else MOST_DRAWN_BYTES
        points = int(shapely.get_num_coordinates(thin).sum())
        if 4 * points > limit and zoom > _COARSEST_ZOOM:
            continue  # two digits and two commas each: it cannot fit
        found = [_from_plane(shapely.get_coordinates(line)) for line in thin]
        shapes = _shapes(found, kinds, parts, rows, tolerance * 360)
        size = len(json.dumps(shapes, separators=(",", ":")))
        if size <= limit:
            break
    if size > MOST_DRAWN_BYTES:
        _fail(overlay.name, "overlay-heavy", megabytes(MOST_DRAWN_BYTES), megabytes(size))
    middle = math.radians((overlay.bounds[1] + overlay.bounds[3]) / 2)
    tolerance_m = tolerance * _EARTH_M * math.cos(middle)
    return Drawing(tuple(found), zoom, tolerance_m, before, points, shapes)


def _as_lines(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, lines and rings (as closed lines) of parts, their kinds, and the part of each."""
    is_area = shapely.get_type_id(parts) == 3
    rings, of = shapely.get_rings(parts[is_area], return_index=True)
    xy, index = shapely.get_coordinates(rings, return_index=True)
    closed = shapely.linestrings(xy, indices=index) if len(rings) else np.array([], dtype=object)
    others = np.flatnonzero(~is_area)
    lines = np.concatenate([parts[others], closed])
    part = np.concatenate([others, np.flatnonzero(is_area)[of]])
    order = np.argsort(part, kind="stable")
    return lines[order], shapely.get_dimensions(parts)[part[order]], part[order]


def _to_plane(xy: np.ndarray) -> np.ndarray:
    """Longitude and latitude to the web map's square world of side 1."""
    s = np.sin(np.radians(np.clip(xy[:, 1], -85.05, 85.05)))
    return np.column_stack([(xy[:, 0] + 180) / 360, 0.5 - np.log((1 + s) / (1 - s)) / 4 / np.pi])


def _from_plane(xy: np.ndarray) -> np.ndarray:
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * xy[:, 1]))))
    return np.column_stack([xy[:, 0] * 360 - 180, lat])


def _is_coverage(parts: np.ndarray) -> bool:
    """Whether these are polygons that share edges and never overlap, as districts do."""
    if len(parts) < 2 or (shapely.get_type_id(parts) != 3).any():
        return False
    return bool(shapely.coverage_is_valid(parts))


def _cover(parts: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Districts simplified along with their neighbours; None where that strays too far."""
    thin = np.asarray(shapely.coverage_simplify(parts, tolerance))
    # It goes by area: a long and narrow spike, it would cut off.
    if shapely.is_empty(thin).any() or (shapely.get_type_id(thin) != 3).any():
        return None
    moved = np.abs(shapely.bounds(thin) - shapely.bounds(parts)).max()
    return thin if moved <= tolerance else None


def _thinned(lines: np.ndarray, kinds: np.ndarray, tolerance: float) -> np.ndarray:
    thin = shapely.simplify(lines, tolerance, preserve_topology=False)
    lost = shapely.is_empty(thin) | ((kinds == 2) & (shapely.get_num_coordinates(thin) < 4))
    # An islet of less than a pixel stays where it was, as a triangle of the same extent.
    for i in np.flatnonzero(lost):
        west, south, east, north = shapely.bounds(lines[i])
        corners = [(west, south), (east, south), (east, north), (west, south)]
        thin[i] = shapely.LineString(corners if kinds[i] == 2 else corners[::2])
    return thin


def _shapes(
    lines: list[np.ndarray],
    kinds: np.ndarray,
    parts: np.ndarray,
    rows: np.ndarray,
    tolerance_deg: float,
) -> dict:
    """Lines as the web map's script reads them.

    ``unit``: degrees of one step. ``features``: for each part the row, the kind (0 point, 1 line,
    2 area) and its lines or rings, each as steps of longitude and latitude from the one before.
    """
    decimals = min(6, max(3, math.ceil(-math.log10(tolerance_deg / 2))))
    scale = 10**decimals
    features: dict[int, list] = {}
    for line, kind, part in zip(lines, kinds.tolist(), parts.tolist(), strict=True):
        xy = np.rint(line * scale).astype(np.int64)
        keep = np.ones(len(xy), dtype=bool)
        keep[1:] = (np.diff(xy, axis=0) != 0).any(axis=1)
        keep[-1] = True  # a ring stays one, however small
        steps = np.diff(xy[keep], axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
        of_part = features.setdefault(part, [int(rows[part]), int(kind), []])
        of_part[2].append(steps.ravel().tolist())
    return {"unit": 1 / scale, "features": list(features.values())}


def told(drawing: Drawing, lang: str) -> str:
    """How much was simplified for display, in words."""
    _ = texts.translator(lang)
    if drawing.points == drawing.points_before:
        return _("Drawn with all of its {points} points.").format(
            points=texts.number(drawing.points_before, lang)
        )
    return _(
        "Simplified for display: {points} of {before} points; lines stay within {distance}."
    ).format(
        points=texts.number(drawing.points, lang),
        before=texts.number(drawing.points_before, lang),
        distance=texts.radius(max(drawing.tolerance_m, 1), lang),
    )


# Classes


def classify(overlay: Overlay, field: str | None, lang: str) -> Classes:
    """Sort the features by a field: numbers into quantiles, other values by how many there are.

    Without a field all of them are one quiet class. Raises KeyError for a field it does not have.
    """
    _ = texts.translator(lang)
    count = len(overlay.table)
    if field is None:
        return Classes(np.zeros(count, dtype=int), (Look(QUIET),), ("",))
    found = next((each for each in overlay.fields if each.name == field), None)
    if found is None:
        raise KeyError(field)
    values = overlay.table[field]
    if found.is_number and found.count > len(RAMP):
        return _by_quantile(values, lang)
    words = values.map(lambda v: _short_number(v, lang)) if found.is_number else values
    present = words[words != ""]
    order = present.value_counts(sort=True)
    # Of values that are as frequent as each other the alphabet decides, not the file.
    ranked = sorted(order.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = sorted(value for value, _n in ranked[:MOST_CLASSES])
    if found.is_number:
        kept = [w for w in dict.fromkeys(words[values.sort_values().index]) if w in kept]
    looks = [_look(i) for i in range(len(kept))]
    heads = [_clip(word) for word in kept]
    codes = words.map({word: i for i, word in enumerate(kept)})
    if codes.isna().any():
        left = len(ranked) - len(kept)
        heads.append(
            texts.plural(lang, "{n} other value", "{n} other values", left)
            if left
            else _("no value")
        )
        looks.append(Look(QUIET, dash=(1.5, 3.0)))
    return Classes(codes.fillna(len(kept)).astype(int).to_numpy(), tuple(looks), tuple(heads))


def _look(number: int) -> Look:
    hue = HUES[number % len(HUES)]
    if number < len(HUES):
        return Look(hue)
    return Look(hue, hatch=True, dash=(6.0, 3.0), shape="square")


def _by_quantile(values: pd.Series, lang: str) -> Classes:
    _ = texts.translator(lang)
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, len(RAMP) + 1)))
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    # Spread over the whole ramp, where few values are so frequent that some classes fall together.
    hues = np.linspace(0, len(RAMP) - 1, len(edges) - 1).round().astype(int)
    looks = [Look(RAMP[hue]) for hue in hues]
    words = [
        _("{low} to {high}").format(low=_short_number(low, lang), high=_short_number(high, lang))
        for low, high in pairwise(edges)
    ]
    missing = values.isna().to_numpy()
    if missing.any():
        codes = np.where(missing, len(looks), codes)
        looks.append(Look(QUIET, dash=(1.5, 3.0)))
        words.append(_("no value"))
    return Classes(codes.astype(int), tuple(looks), tuple(words))


def _short_number(value: float, lang: str) -> str:
    """A number to at most three decimals, without those that say nothing."""
    if value != value:
        return ""
    decimals = next((d for d in range(3) if round(value, d) == round(value, 3)), 3)
    return texts.number(value, lang, decimals)


def _clip(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def content(
    overlay: Overlay, field: str | None, label_field: str | None, attribution: str, lang: str
) -> dict:
    """What the web map's script needs to draw and name the shapes of a ``Drawing``."""
    classes = classify(overlay, field, lang)
    labels = [""] * len(overlay.table)
    if label_field is not None:
        values = overlay.table[label_field]
        if pd.api.types.is_float_dtype(values):
            values = values.map(lambda value: _short_number(value, lang))
        labels = [_clip(each, 120) for each in values]
    names = sorted(set(labels))
    numbers = {name: i for i, name in enumerate(names)}
    return {
        "name": _clip(title(overlay)),
        "attribution": _clip(attribution, 200),
        "classes": [
            asdict(look) | {"text": text}
            for look, text in zip(classes.looks, classes.words, strict=True)
        ],
        "codes": classes.codes.tolist(),
        "labels": names,
        "named": [numbers[label] for label in labels],
    }


def web_content(layers: Sequence[Styled], lang: str) -> dict | None:
    """What the web map's script draws of some layers, from below; None where there are none."""
    if not layers:
        return None
    drawn = [
        {
            "shapes": each.drawing.shapes,
            "look": content(each.overlay, each.field, each.label, each.attribution, lang),
            "opacity": each.opacity,
        }
        for each in layers
    ]
    return {"overlays": drawn, "tiles": ""}


def sentence(layers: Sequence[Styled], lang: str) -> str:
    """Which layers lie under the claims and whose data they are, in words; "" for none."""
    _ = texts.translator(lang)
    if not layers:
        return ""
    told = [
        _("{name} (source: {source})").format(
            name=_clip(title(each.overlay)),
            source=_clip(each.attribution.strip(), 200) or _("not named"),
        )
        for each in layers
    ]
    return _("Context under the claims, not claims: {layers}.").format(layers="; ".join(told))


def title(overlay: Overlay) -> str:
    """An overlay's name as the legend has it: the file's, and its layer's where there are more."""
    stem = PurePosixPath(overlay.name).stem
    return f"{stem}: {overlay.layer}" if len(overlay.layers) > 1 else stem


# Online tiles


@dataclass(frozen=True)
class Tiles:
    """A map in pictures from elsewhere: ``name`` to choose it by, ``host`` that is asked for them.

    ``url``: with {z}, {x} and {y}; ``max_zoom``: beyond it they are stretched; ``has_names``:
    whether towns and countries are named on them; ``wants_referrer``: whether it only serves who
    says which site asks; ``attribution``: as the provider wants it.
    """

    name: str
    url: str
    host: str
    max_zoom: int
    has_names: bool
    wants_referrer: bool
    attribution: str


# By their names in xyzservices: the whole world, no key, encrypted. The largest zoom, for those
# that state none; whether names are on them; whether the host asks for a referrer, as that of
# OpenStreetMap does in its terms of use.
_PROVIDERS = {
    "OpenStreetMap.Mapnik": (19, True, True),
    "OpenTopoMap": (17, True, False),
    "UN.ClearMap": (13, True, False),
    "Esri.WorldImagery": (17, False, False),
    "Esri.WorldShadedRelief": (13, False, False),
    "NASAGIBS.BlueMarble": (8, False, False),
}


@cache
def tiles() -> dict[str, Tiles]:
    """The online maps on offer, by name. Nothing is asked of anybody until one is drawn."""
    from xyzservices import providers

    found = {}
    for name, (max_zoom, has_names, wants_referrer) in _PROVIDERS.items():
        provider = providers.query_name(name)
        url = provider.build_url(x="{x}", y="{y}", z="{z}")
        said = provider.attribution.replace("(C)", "©").replace("--", "—")
        most = int(provider.get("max_zoom", max_zoom))
        host = urlsplit(url).hostname or ""
        found[name] = Tiles(name, url, host, most, has_names, wants_referrer, said)
    return found
