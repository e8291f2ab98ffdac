"""The GeoPackage of a selection: layers of marks, tables of claims, and their styles for QGIS."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import shapely

from geo import extract, symbols, texts
from geo.dataset import Dataset, schema
from geo.extract import Extract, iso, number, records
from geo.selection import Selection
from geo.symbols import Symbol

# Layer -> the kind of symbol that it holds, in the order to be drawn from below.
LAYERS = {"areas": "area", "lines": "line", "points": "point"}
TABLES = ("claims", "statements", "sources")
_MANY = {
    "areas": ("MultiPolygon", shapely.multipolygons),
    "lines": ("MultiLineString", shapely.multilinestrings),
}
_COLUMNS = ("id", "feature", "claim", "layer", "symbol", "part", "basis", "label", "uncertainty_m")
_OF_CLAIM = ("claim_title", "theme", "status", "confidence", "event_start", "event_end")
_LISTS = ("asserted_by", "denied_by", "grades", "references")
_TYPES = {"number": "REAL", "integer": "INTEGER", "date": "DATE"}
_GEOMETRY = "geom"
# Bytes of the SQLite header: the counter of changes, and its value when the size was noted.
_CHANGE_COUNTERS = (24, 92)
_CREATE_STYLES = (
    "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
    "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
    "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
    "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"
)


def write(dataset: Dataset, chosen: Selection) -> bytes:
    """What a selection of ``dataset`` shows, as an OGC GeoPackage (EPSG:4326) for QGIS and others.

    Layers ``areas``, ``lines`` (both of multi-geometries) and ``points``: one row a mark, in
    drawing order. Tables ``claims`` (all that are kept; ``drawn`` says yes, or why not),
    ``statements``, ``sources`` (those referred to) and ``metadata`` (keys and values: what was
    selected and hidden, as-of day, dataset, digest, attribution, generator). Table ``layer_styles``
    holds the default style of each layer, by its name, which QGIS takes up by itself. Made in a
    temporary folder, of which nothing is left. The times of change that the format asks for are
    those of the as-of day, so that the same selection gives the same bytes. Raises OSError where
    that folder takes no more.
    """
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        return _made(extract.gather(dataset, chosen))
    except (DataLayerError, DataSourceError, FeatureError, sqlite3.Error) as error:
        # They tell every statement of SQL, but not that the disk is full.
        why = "no GeoPackage could be made in this folder: its disk may be full"
        raise OSError(errno.EIO, why, tempfile.gettempdir()) from error


def _made(found: Extract) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.gpkg"
        for name, rows in _layers(found).items():
            rows.to_file(
                path,
                layer=name,
                driver="GPKG",
                engine="pyogrio",
                geometry_type=_MANY[name][0] if name in _MANY else "Point",
                GEOMETRY_NAME=_GEOMETRY,
                VERSION="1.2",  # which older readers know as well
            )
        with closing(sqlite3.connect(path)) as database:
            with database:
                _add_tables(database, found)
                _add_styles(database, found)
                _describe(database, found)
            # What stood in freed pages would differ from run to run.
            database.execute("VACUUM")
        content = bytearray(path.read_bytes())
    # How often the file changed on its way depends on threads of the writer: it is told as once.
    for counter in _CHANGE_COUNTERS:
        content[counter : counter + 4] = (1).to_bytes(4, "big")
    return bytes(content)


def _layers(found: Extract) -> dict[str, gpd.GeoDataFrame]:
    marks = found.shown
    about = [found.about[claim] for claim in marks["claim"]]
    columns = {name: marks[name].to_numpy() for name in _COLUMNS}
    columns["text"] = ["\n".join(lines) for lines in marks["lines"]]
    columns |= {name: [each[name] for each in about] for name in _OF_CLAIM}
    columns |= {name: ["; ".join(each[name]) for each in about] for name in _LISTS}
    columns["origins"] = [each["origins"] for each in about]
    columns["as_of"] = found.caveats["as_of"]
    # No row would leave a column without a type.
    types = dict.fromkeys(columns, "string") | {"uncertainty_m": "float64", "origins": "int64"}
    table = pd.DataFrame(columns, index=marks.index).astype(types)
    kinds = marks["symbol"].map(lambda key: symbols.table()[key].kind)
    layers = {}
    for name, kind in LAYERS.items():
        rows = (kinds == kind).to_numpy(dtype=bool)
        shapes = marks.geometry.to_numpy()[rows]
        if name in _MANY:
            shapes = [_MANY[name][1](shapely.get_parts(shape)) for shape in shapes]
        layers[name] = gpd.GeoDataFrame(
            table[rows].reset_index(drop=True), geometry=list(shapes), crs=marks.crs
        )
    return layers


def _add_tables(database: sqlite3.Connection, found: Extract) -> None:
    kept = found.kept
    used = {*kept.statements["source"], *kept.statements["origin"]}
    tables = {
        "claims": kept.claims,
        "statements": kept.statements,
        "sources": kept.sources[kept.sources.index.isin(used)],
    }
    for name in TABLES:
        rows = records(tables[name])
        kinds = {field["name"]: field["type"] for field in schema(name)["fields"]}
        columns = ["id", *tables[name].columns]
        types = {column: kinds.get(column, "string") for column in columns}
        cells = [{c: _value(row[c], types[c]) for c in columns} for row in rows]
        if name == "claims":
            types |= {"drawn": "string", "origins": "integer"} | dict.fromkeys(_LISTS, "string")
            for row in cells:
                about = found.about[row["id"]]
                row |= {key: "; ".join(about[key]) for key in _LISTS}
                row |= {
                    "drawn": found.unlocated.get(row["id"], "yes"),
                    "origins": about["origins"],
                }
        if name == "statements":
            types |= {"grade": "string", "stands": "string"}
            said = {s["id"]: s for about in found.about.values() for s in about["statements"]}
            for row in cells:
                row["grade"] = said[row["id"]]["grade"]
                row["stands"] = "true" if said[row["id"]]["stands"] else "false"
        _add_table(database, name, types, cells)
    caveats = [{"key": key, "value": value} for key, value in found.caveats.items()]
    _add_table(database, "metadata", {"key": "string", "value": "string"}, caveats)


def _value(cell, kind: str):
    if kind == "date":
        return iso(cell)
    if kind in ("number", "integer"):
        return number(cell)
    return cell


def _add_table(
    database: sqlite3.Connection, name: str, types: dict[str, str], rows: list[dict]
) -> None:
    """A table of attributes; a column whose name SQLite would not tell from another gets a _."""
    taken, columns = {"fid"}, []
    for column, kind in types.items():
        named = column
        while named.casefold() in taken:
            named += "_"
        taken.add(named.casefold())
        columns.append(f"{_quoted(named)} {_TYPES.get(kind, 'TEXT')}")
    made = ", ".join(["fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", *columns])
    database.execute(f"CREATE TABLE {_quoted(name)} ({made})")
    marks = ", ".join("?" * (len(types) + 1))
    database.executemany(
        f"INSERT INTO {_quoted(name)} VALUES ({marks})",
        ([fid, *(row[column] for column in types)] for fid, row in enumerate(rows, start=1)),
    )
    _register(database, name)


def _register(database: sqlite3.Connection, name: str) -> None:
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
        "VALUES (?, 'attributes', ?, 0)",
        (name, name),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _add_styles(database: sqlite3.Connection, found: Extract) -> None:
    lang = found.chosen.lang
    database.execute(_CREATE_STYLES)
    for name, kind in LAYERS.items():
        drawn = [k for k in symbols.table() if k in set(found.shown["symbol"])]
        keys = [key for key in drawn if symbols.table()[key].kind == kind]
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
            "update_time) VALUES ('', '', ?, ?, ?, ?, '', 1, '', '', ?)",
            (name, _GEOMETRY, name, qml(kind, keys, lang), _moment(found)),
        )
    _register(database, "layer_styles")


def _moment(found: Extract) -> str:
    return f"{found.caveats['as_of'] or '1970-01-01'}T00:00:00.000Z"


def _describe(database: sqlite3.Connection, found: Extract) -> None:
    _ = texts.translator(found.chosen.lang)
    titles = {
        "areas": _("Areas"),
        "lines": _("Lines"),
        "points": _("Points"),
        "claims": _("Claims"),
        "statements": _("Statements"),
        "sources": _("Sources"),
        "metadata": _("About this file"),
    }
    told = "\n".join(extract.caveat_lines(found))
    database.execute("UPDATE gpkg_contents SET last_change = ?", (_moment(found),))
    for name, title in titles.items():
        database.execute(
            "UPDATE gpkg_contents SET identifier = ?, description = ? WHERE table_name = ?",
            (title, told, name),
        )


# Styles for QGIS

_MM_PER_PX = 25.4 / 96
_GROUPS = ("sourced", "denied", "either")
# QGIS has no flag and no speech bubble: a pennant on its staff and a hexagon stand for them.
_SHAPES = {
    "circle": "circle",
    "ring": "circle",
    "triangle": "triangle",
    "diamond": "diamond",
    "square": "square",
    "pentagon": "pentagon",
    "saltire": "cross2",
    "bubble": "hexagon",
}
_SYMBOL_TYPES = {"point": "marker", "line": "line", "area": "fill"}


def qml(kind: str, keys: list[str], lang: str) -> str:
    """The style of a layer of marks for QGIS 3 (QML): one rule a symbol, grouped by layer.

    ``kind``: point, line or area; ``keys``: the symbols of ``symbols.table`` that it holds. A
    group (sourced, denied, measured) can be switched off as one. Features are drawn in the order
    of the rows. Sizes are millimetres, at 96 CSS pixels to the inch.
    """
    _ = texts.translator(lang)
    layer_words = texts.terms(lang)["layer"] | {"either": _("Measured, or comment declined")}
    words = extract.symbol_words(lang)
    root = ET.Element("qgis", version="3.22.0", styleCategories="Symbology")
    renderer = ET.SubElement(
        root,
        "renderer-v2",
        type="RuleRenderer",
        symbollevels="0",
        forceraster="0",
        enableorderby="0",
    )
    rules = ET.SubElement(renderer, "rules", key=_key(kind))
    drawn = ET.SubElement(renderer, "symbols")
    grouped = {group: [k for k in keys if _group(k) == group] for group in _GROUPS}
    for group, mine in grouped.items():
        if not mine:
            continue
        parent = ET.SubElement(rules, "rule", key=_key(f"{kind} {group}"), label=layer_words[group])
        for key in mine:
            name = str(len(drawn))
            ET.SubElement(
                parent,
                "rule",
                key=_key(f"{kind} {key}"),
                label=words[key],
                filter=f"\"symbol\" = '{key}'",
                symbol=name,
            )
            _symbol(drawn, name, _SYMBOL_TYPES[kind], _symbol_layers(symbols.table()[key]))
    geometry = {"point": "0", "line": "1", "area": "2"}[kind]
    ET.SubElement(root, "layerGeometryType").text = geometry
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return doctype + ET.tostring(root, encoding="unicode")


def _group(key: str) -> str:
    """The layer that the marks of a symbol are in."""
    if key.startswith("denied-") or key == "spoken-denies":
        return "denied"
    return "either" if key.startswith("measured") or key == "spoken-declines" else "sourced"


def _key(name: str) -> str:
    return f"{{{uuid.uuid5(uuid.NAMESPACE_URL, f'{extract.GENERATOR}/{name}')}}}"


def _symbol(parent: ET.Element, name: str, kind: str, layers: Iterator[tuple]) -> None:
    """Add a symbol made of ``layers``: (class, options, symbol inside or None) from below."""
    symbol = ET.SubElement(
        parent, "symbol", name=name, type=kind, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    for position, (of_class, options, inside) in enumerate(layers):
        layer = ET.SubElement(
            symbol, "layer", attrib={"class": of_class, "enabled": "1", "locked": "0", "pass": "0"}
        )
        held = ET.SubElement(layer, "Option", type="Map")
        for key, value in options.items():
            ET.SubElement(held, "Option", name=key, type="QString", value=str(value))
        if inside is not None:
            _symbol(layer, f"@{name}@{position}", *inside)


def _symbol_layers(symbol: Symbol) -> Iterator[tuple]:
    if symbol.kind == "point":
        yield from _point(symbol)
    elif symbol.kind == "line":
        yield _line(symbol)
        if symbol.arrow:
            yield _along(symbol, "filled_arrowhead", 3.5, placement="lastvertex")
        if symbol.over:
            shape, size = ("cross2", 4.5) if symbol.over == "cross" else ("line", 6.0)
            yield _along(symbol, shape, size, placement="interval", interval=_mm(22))
    else:
        yield from _area(symbol)


def _point(symbol: Symbol) -> Iterator[tuple]:
    if symbol.shape == "flag":
        yield _marker(symbol, "line", symbol.size, outline="solid")
        # QGIS turns the offset with the marker: to the right, and up, before the quarter turn.
        shift = (-symbol.size * 0.2, -symbol.size * 0.26)
        yield _marker(symbol, "equilateral_triangle", symbol.size * 0.6, angle=90, shift_px=shift)
        return
    yield _marker(symbol, _SHAPES[symbol.shape], symbol.size)
    if symbol.over == "cross":
        yield _marker(symbol, "cross2", symbol.size * 0.7)
    elif symbol.over == "bar":
        yield _marker(symbol, "line", symbol.size, angle=45)


def _marker(
    symbol: Symbol,
    shape: str,
    size_px: float,
    *,
    angle: int = 0,
    shift_px: tuple[float, float] = (0, 0),
    outline: str = "",
) -> tuple:
    return (
        "SimpleMarker",
        {
            "name": shape,
            "angle": angle,
            "color": _rgba(symbol.fill, symbol.fill_opacity),
            "outline_color": _rgba(symbol.colour),
            "outline_style": outline or ("dot" if symbol.dash else "solid"),
            "outline_width": _mm(symbol.width),
            "outline_width_unit": "MM",
            "joinstyle": "miter",
            "offset": ",".join(str(_mm(part)) for part in shift_px),
            "offset_unit": "MM",
            "scale_method": "diameter",
            "size": _mm(size_px),
            "size_unit": "MM",
            "horizontal_anchor_point": 1,
            "vertical_anchor_point": 1,
        },
        None,
    )


def _line(symbol: Symbol) -> tuple:
    return (
        "SimpleLine",
        {
            "line_color": _rgba(symbol.colour),
            "line_style": "solid",
            "line_width": _mm(symbol.width),
            "line_width_unit": "MM",
            "capstyle": "flat",
            "joinstyle": "round",
            "use_custom_dash": int(bool(symbol.dash)),
            "customdash": ";".join(str(_mm(part)) for part in symbol.dash) or "5;2",
            "customdash_unit": "MM",
        },
        None,
    )


def _along(symbol: Symbol, shape: str, times: float, **options) -> tuple:
    """Markers on a line, ``times`` as large as the line is wide."""
    head = Symbol(
        kind="point", colour=symbol.colour, fill=symbol.colour, fill_opacity=1, width=symbol.width
    )
    return (
        "MarkerLine",
        {"rotate": 1, "interval_unit": "MM", **options},
        ("marker", iter([_marker(head, shape, symbol.width * times)])),
    )


def _area(symbol: Symbol) -> Iterator[tuple]:
    if symbol.fill:
        fill = {"color": _rgba(symbol.fill, symbol.fill_opacity), "style": "solid"}
        yield "SimpleFill", fill | {"outline_style": "no"}, None
    for angle in {"diagonal": (45,), "cross": (45, 135)}.get(symbol.hatch, ()):
        thin = Symbol(kind="line", colour=symbol.colour, width=symbol.width * 0.4)
        options = {"angle": angle, "distance": _mm(18), "distance_unit": "MM"}
        yield "LinePatternFill", options, ("line", iter([_line(thin)]))
    yield _line(symbol)


def _mm(pixels: float) -> float:
    return round(pixels * _MM_PER_PX, 3)


def _rgba(colour: str, opacity: float = 1.0) -> str:
    """A colour as QGIS writes it: red, green, blue, alpha from 0 to 255; "" is transparent."""
    if not colour:
        return "0,0,0,0"
    red, green, blue = bytes.fromhex(colour[1:])
    return f"{red},{green},{blue},{round(255 * opacity)}"
