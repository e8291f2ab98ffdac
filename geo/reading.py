"""Files of strangers as rows of text: CSV, XLSX, GeoJSON, GeoPackage, KML, safely.

Nothing is interpreted here but the format: which column means what, ``intake`` decides. What a file
is, its content tells, not its suffix. Every reader has limits on bytes, rows and columns, follows
no reference out of the file, and turns whatever is wrong into ``dataset.Problem``s.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import sqlite3
import tempfile
import time
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo import texts
from geo.dataset import MAX_COLUMNS, MAX_ROWS, DatasetError, Problem, opened_zip, zip_chunks

MAX_FILE_BYTES = 50_000_000
SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".xlsx", ".geojson", ".json", ".gpkg", ".kml", ".kmz", ".zip"),
)

_MAX_SHEET_BYTES = 100_000_000  # of an XLSX, unpacked
_MAX_JSON_NODES = 3_000_000  # arrays and objects: each takes some 100 bytes of memory
_MAX_ELEMENTS = 20_000  # of one KML placemark
_MAX_DEPTH = 100  # of KML's elements
_MAX_VERTICES = 2_000_000
_DATABASE_S = 20.0  # the longest that a GeoPackage may take to answer
_LAST_SHEET_ROW = 1_048_576  # of any spreadsheet
_MAX_CELL = 131_072  # characters

# How files begin that people take for tables, and what to call them.
_BEGINNINGS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"\x1f\x8b": "GZIP",
    b"BZh": "BZIP2",
    b"\xfd7zXZ": "XZ",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"PAR1": "Parquet",
    b"\x7fELF": "ELF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"RIFF": "RIFF",
    b"{\\rtf": "RTF",
}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and XLSX behind a password
_ERRORS = ("#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#N/A", "#NUM!", "#NULL!")
_GEOMETRIES = (
    *("Point", "LineString", "LinearRing", "Polygon"),
    *("MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"),
)


@dataclass(frozen=True)
class Remark:
    """Something read otherwise than it stands, which stops nothing; ``texts.remark`` words it.

    ``rows`` are the numbers of the rows concerned, () where it is the whole file; ``field`` is
    ours, ``column`` what the file calls it.
    """

    code: str
    field: str = ""
    found: str = ""
    read_as: str = ""
    rows: tuple[int, ...] = ()
    column: str = ""


@dataclass(frozen=True, eq=False)
class Raw:
    """A file as read. Every row has as many texts as there are columns; see ``read``.

    ``kind`` is "table" or "package" (whose content is not read yet); ``numbers`` are the rows as a
    spreadsheet counts them, or the features from 1. ``shapes`` has a geometry (WGS 84, longitude
    first) or None a row, and is None for formats without. ``parts`` are the sheets or layers to
    choose from, ``part`` the one read.
    """

    name: str
    kind: str
    format: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: tuple[int, ...] = ()
    shapes: tuple[BaseGeometry | None, ...] | None = None
    parts: tuple[str, ...] = ()
    part: str = ""
    remarks: tuple[Remark, ...] = ()
    problems: tuple[Problem, ...] = ()
    source: Path | bytes = field(default=b"", repr=False)

    @property
    def table(self) -> str:
        """What problems call the table: the sheet or layer where there are several, or the file."""
        return self.part if len(self.parts) > 1 else self.name


def read(source: str | Path | bytes, name: str = "", part: str = "") -> Raw:
    """A file as rows of text, or a data package to be loaded.

    ``source`` is a path, or the content with a ``name`` to call it; ``part`` names the sheet or
    layer, else the first with content is read. Text is UTF-8 or UTF-16, or else taken as
    Windows-1252, with a remark. Raises ``DatasetError``, with everything that is wrong with the
    file as a whole; what is wrong with a row stands in ``Raw.problems``.
    """
    if not isinstance(source, bytes):
        path = Path(source)
        name = name or path.name
        try:
            if path.is_dir():
                if not (path / "datapackage.json").is_file():
                    _refuse(name, "not-a-package", found=str(path))
                return Raw(name, "package", "package", source=path)
            if path.exists() and not path.is_file():
                _refuse(name, "special-file")
            if path.stat().st_size > MAX_FILE_BYTES:
                _refuse_size(name, path.stat().st_size)
            source = path.read_bytes()
        except DatasetError:
            raise
        except (OSError, ValueError) as error:
            found = getattr(error, "strerror", None) or str(error)
            _refuse(name, "file-missing", str(path), found=found)
    name = texts.legible(name)
    if len(source) > MAX_FILE_BYTES:
        _refuse_size(name, len(source))
    raw = _read_content(source, name, part)
    if raw.kind != "package" and not raw.rows and not raw.problems:
        _refuse(name, "no-rows")
    return raw


def _refuse(
    name: str, code: str, detail: str = "", row: int | None = None, found: str | None = None
) -> NoReturn:
    raise DatasetError(Path(name), [Problem(name, row, None, found, code, detail)])


def _refuse_size(name: str, size: int) -> NoReturn:
    _refuse(name, "too-large", f"{MAX_FILE_BYTES // 1_000_000} MB", found=f"{size} bytes")


def _read_content(content: bytes, name: str, part: str) -> Raw:
    if not content.strip(b"\0 \t\r\n"):
        _refuse(name, "empty-file")
    if content.startswith(_OLD_OFFICE):
        _refuse(name, "old-office")
    if content.startswith(b"PK"):
        return _read_zip(content, name, part)
    if content.startswith(b"SQLite format 3\0"):
        return _read_geopackage(content, name, part)
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            _refuse(name, "other-kind", found=kind)
    # Before it is text, as an XML file says itself how it is encoded.
    start = content[:4000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"<"):
        if b"<!DOCTYPE" in start.upper() and b"<HTML" in start.upper():
            _refuse(name, "other-kind", found="HTML")
        return _read_kml(content, name)
    text, remarks = _decoded(content, name)
    raw = _read_geojson(text, name) if text.lstrip().startswith("{") else _read_csv(text, name)
    return replace(raw, remarks=(*remarks, *raw.remarks))


# Text


def _decoded(content: bytes, name: str) -> tuple[str, tuple[Remark, ...]]:
    """The text of a file, with a remark where its encoding had to be guessed."""
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    encoding = next((e for mark, e in marks if content.startswith(mark)), "")
    remarks: tuple[Remark, ...] = ()
    if not encoding:
        head = content[:2000]
        for offset, guess in ((1, "utf-16-le"), (0, "utf-16-be")):
            half, other = head[offset::2], head[1 - offset :: 2]
            if half and half.count(0) > 0.7 * len(half) and not other.count(0):
                encoding, remarks = guess, (Remark("encoding", read_as="UTF-16"),)
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding:
            _refuse(name, "encoding", found=f"0x{content[error.start]:02x}")
        nul = content.find(0)
        if nul >= 0:
            _refuse(name, "binary", row=content.count(b"\n", 0, nul) + 1, found="0x00")
        try:
            text, remarks = content.decode("cp1252"), (Remark("encoding", read_as="Windows-1252"),)
        except UnicodeDecodeError as unknown:
            row = content.count(b"\n", 0, unknown.start) + 1
            _refuse(name, "encoding", row=row, found=f"0x{content[unknown.start]:02x}")
    control = re.search("[\0-\x08\x0e-\x1a\x1c-\x1f]", text)
    if control:
        row = text.count("\n", 0, control.start()) + 1
        _refuse(name, "binary", row=row, found=f"0x{ord(control.group()):02x}")
    return text, remarks


def _clean(text: str) -> str:
    """A cell as one uses it: composed characters, no blanks around, none that cannot be shown."""
    text = unicodedata.normalize("NFC", texts.legible(text)).strip()
    return text if text.isprintable() else "".join(c for c in text if c == "\n" or _shown(c))


def _shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs", "Co", "Cn")


def _assembled(
    name: str,
    kind: str,
    header: Sequence[str],
    cells: Iterable[tuple[int, Sequence[str]]],
    **more,
) -> Raw:
    """Rows of one width under distinct headers; empty rows and columns are left away."""
    rows, numbers, problems = [], [], list(more.pop("problems", ()))
    table = more.get("part") if len(more.get("parts", ())) > 1 else name
    width = len(header)
    for number, row in cells:
        clean = tuple(_clean(cell) for cell in row)
        if not any(clean) and "shapes" not in more:
            continue
        if any(clean[width:]):
            extra = next(text for text in clean[width:] if text)
            problems.append(Problem(table, number, None, extra, "row-too-long"))
            continue
        rows.append((*clean[:width], *("",) * (width - len(clean))))
        numbers.append(number)
        if len(rows) > MAX_ROWS:
            _refuse(name, "too-many-rows", str(MAX_ROWS), found=f"> {MAX_ROWS}")
    header = [_clean(label).replace("\n", " ") for label in header]
    used = [n for n, label in enumerate(header) if label or any(row[n] for row in rows)]
    columns: list[str] = []
    for n in used:
        label = header[n] or f"column {n + 1}"
        twin = itertools.count(2)
        unique = label
        while unique in columns:
            unique = f"{label} ({next(twin)})"
        columns.append(unique)
    return Raw(
        name,
        "table",
        kind,
        tuple(columns),
        tuple(tuple(row[n] for n in used) for row in rows),
        tuple(numbers),
        problems=tuple(problems),
        **more,
    )


# CSV


def _read_csv(text: str, name: str) -> Raw:
    first, _break, rest = text.partition("\n")
    said = re.fullmatch(r"sep=(.)\s*", first.lstrip("\ufeff"))
    skipped = 1 if said else 0
    text = rest if said else text
    delimiter = said.group(1) if said else _delimiter(text)
    if delimiter in ('"', "\r", "\n", " "):
        delimiter = ","
    records = _records(text, delimiter, name)
    try:
        start, header = next((n, row) for n, row in enumerate(records) if any(map(str.strip, row)))
    except StopIteration:
        _refuse(name, "empty-file")
    numbered = ((n + skipped + 1, row) for n, row in enumerate(records) if n > start)
    return _assembled(name, "csv", header, numbered)


def _delimiter(text: str) -> str:
    """The one of , ; tab | that parts the first row with content into most cells."""
    head = next((line for line in io.StringIO(text[:100_000]) if line.strip()), "")
    widths = {}
    for delimiter in ",;\t|":
        try:
            widths[delimiter] = len(next(csv.reader([head], delimiter=delimiter), []))
        except csv.Error:
            widths[delimiter] = 0
    return max(widths, key=lambda delimiter: widths[delimiter])


def _records(text: str, delimiter: str, name: str) -> list[list[str]]:
    for strict in (True, False):
        records: list[list[str]] = []
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
        try:
            for record in reader:
                if len(record) > MAX_COLUMNS:
                    row, found = len(records) + 1, str(len(record))
                    _refuse(name, "too-many-columns", str(MAX_COLUMNS), row=row, found=found)
                # The csv module's own limit is the whole process's, and others raise it.
                if max(map(len, record), default=0) > _MAX_CELL:
                    limit = f"{_MAX_CELL} characters"
                    _refuse(name, "long-cell", limit, row=len(records) + 1)
                records.append(record)
                if len(records) > 2 * MAX_ROWS:
                    _refuse(name, "too-many-rows", str(MAX_ROWS), found=f"> {MAX_ROWS}")
        except csv.Error as error:
            if "end of data" in str(error):
                _refuse(name, "open-quote", row=len(records) + 1)
            if "limit" in str(error):
                limit = f"{_MAX_CELL} characters"
                _refuse(name, "long-cell", limit, row=len(records) + 1)
            if not strict:
                _refuse(name, "unreadable", str(error), row=len(records) + 1)
        else:
            return records
    raise AssertionError("the second reading returns or refuses")


# Archives: XLSX, KMZ, packages


def _read_zip(content: bytes, name: str, part: str) -> Raw:
    shown = Path(name)
    with opened_zip(io.BytesIO(content), shown) as archive:
        names = [member.filename for member in archive.infolist()]
        if any(n.count("/") < 2 and n.rpartition("/")[2] == "datapackage.json" for n in names):
            return Raw(name, "package", "package", source=content)
        if "xl/workbook.xml" in names:
            has_formulas = _checked_sheets(archive, shown)
            return _read_xlsx(content, name, part, has_formulas)
        places = sorted(n for n in names if n.lower().endswith(".kml"))
        if places:
            main = "doc.kml" if "doc.kml" in places else places[0]
            if archive.getinfo(main).file_size > MAX_FILE_BYTES:
                _refuse_size(name, archive.getinfo(main).file_size)
            return _read_kml(b"".join(zip_chunks(archive, archive.getinfo(main), shown)), name)
        kinds = {
            "word/document.xml": "DOCX",
            "ppt/presentation.xml": "PPTX",
            "content.xml": "OpenDocument",
        }
        kind = next((kind for inner, kind in kinds.items() if inner in names), "")
        if not kind and any(n.lower().endswith(".shp") for n in names):
            kind = "Shapefile"
        if kind:
            _refuse(name, "other-kind", found=kind)
    _refuse(name, "not-a-package", found=name)


def _checked_sheets(archive, shown: Path) -> bool:
    """Whether any sheet has formulas; raises for parts that are too large or declare entities."""
    size, has_formulas = 0, False
    for member in archive.infolist():
        tail = b""
        for chunk in zip_chunks(archive, member, shown):
            size += len(chunk)
            if size > _MAX_SHEET_BYTES:
                _refuse(shown.name, "too-large", f"{_MAX_SHEET_BYTES // 1_000_000} MB")
            if not member.filename.endswith((".xml", ".rels")):
                continue
            # UTF-16 as well; and a word that two chunks share.
            seen = (tail + chunk).replace(b"\0", b"")
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
                _refuse(shown.name, "xml-entities")
            if member.filename.startswith("xl/worksheets/"):
                has_formulas |= b"<f>" in seen or b"<f " in seen or b":f" in seen
            tail = chunk[-40:]
    return has_formulas


def _read_xlsx(content: bytes, name: str, part: str, has_formulas: bool) -> Raw:
    try:
        # openpyxl warns of every feature that it drops: charts, validation, odd dates.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read_workbook(content, name, part, has_formulas)
    except DatasetError:
        raise
    except Exception as error:  # whatever a malformed part leads openpyxl to
        raise DatasetError(
            Path(name), [Problem(name, None, None, type(error).__name__, "bad-xlsx")]
        ) from error


def _read_workbook(content: bytes, name: str, part: str, has_formulas: bool) -> Raw:
    import openpyxl

    stored = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheets = {s.title: s for s in stored.worksheets if s.sheet_state == "visible"}
    sheets = sheets or {s.title: s for s in stored.worksheets}
    parts = tuple(sheets)
    if part not in parts:
        part = next((title for title in parts if _has_content(sheets[title])), "")
    if not part:
        _refuse(name, "empty-file")
    table = part if len(parts) > 1 else name
    formulas: dict[int, list[tuple[int, str]]] = {}
    if has_formulas:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        for number, cells in _sheet_rows(book[part]):
            found = [(n, _formula(cell)) for n, cell in enumerate(cells) if _is_formula(cell)]
            if found:
                formulas[number] = found
    header: list[str] | None = None
    labels: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    remarked: list[int] = []
    for number, cells in _sheet_rows(sheets[part]):
        row = [_cell_text(cell.value) for cell in cells]
        while row and not row[-1]:
            row.pop()
        if len(row) > MAX_COLUMNS:
            found = f"> {MAX_COLUMNS}"
            _refuse(name, "too-many-columns", str(MAX_COLUMNS), row=number, found=found)
        sound = True
        for n, formula in formulas.get(number, ()):
            if n < len(row) and row[n]:
                remarked.append(number)
            else:
                label = labels[n] if n < len(labels) else None
                problems.append(Problem(table, number, label, formula, "formula-empty"))
                sound = False
        for n, text in enumerate(row):
            if text in _ERRORS:
                label = labels[n] if n < len(labels) else None
                problems.append(Problem(table, number, label, text, "cell-error"))
                sound = False
        if header is None and any(row):
            header, labels = row, row
        elif sound and any(row):
            rows.append((number, row))
            if len(rows) > MAX_ROWS:
                _refuse(name, "too-many-rows", str(MAX_ROWS), found=f"> {MAX_ROWS}")
    if header is None:
        _refuse(name, "empty-file")
    remarks = ()
    if remarked:
        remarks = (Remark("formulas", rows=tuple(dict.fromkeys(remarked))),)
    return _assembled(
        name, "xlsx", header, rows, parts=parts, part=part, problems=problems, remarks=remarks
    )


def _is_formula(cell) -> bool:
    return getattr(cell, "data_type", "") == "f"


def _formula(cell) -> str:
    return str(getattr(cell.value, "text", cell.value))[:200]  # an array formula is an object


def _has_content(sheet) -> bool:
    return any(
        cell.value is not None and str(cell.value).strip()
        for _number, row in itertools.islice(_sheet_rows(sheet), 1000)
        for cell in row
    )


def _sheet_rows(sheet) -> Iterator[tuple[int, tuple]]:
    """The rows of a sheet that have cells, with their numbers."""
    from openpyxl.cell.read_only import EMPTY_CELL

    # What the sheet says of its own size may be wrong, or as large as a sheet can be.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=_LAST_SHEET_ROW, max_col=MAX_COLUMNS + 1)
    blank = None  # one tuple stands for every row that is missing
    for number, row in enumerate(rows, start=1):
        if row is blank:
            continue
        if all(cell is EMPTY_CELL for cell in row):
            blank = row
        else:
            yield number, row


def _cell_text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return (
            value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="minutes")
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


# GeoJSON


def _read_geojson(text: str, name: str) -> Raw:
    if text.count("[") + text.count("{") > _MAX_JSON_NODES:
        _refuse(name, "too-large", f"{_MAX_JSON_NODES} vertices")

    def no_number(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        found = json.loads(text, parse_constant=no_number)
    except RecursionError:
        _refuse(name, "bad-json", "nested too deeply")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        _refuse(name, "bad-json", where, row=error.lineno)
    except ValueError as error:
        _refuse(name, "bad-json", str(error)[:200])
    kind = found.get("type")
    if kind == "FeatureCollection" and isinstance(found.get("features"), list):
        features = found["features"]
    elif kind == "Feature":
        features = [found]
    elif kind in _GEOMETRIES:
        features = [{"type": "Feature", "geometry": found, "properties": {}}]
    else:
        _refuse(name, "not-geojson", found=str(kind)[:80])
    if len(features) > MAX_ROWS:
        _refuse(name, "too-many-rows", str(MAX_ROWS), found=str(len(features)))
    records, shapes, problems = [], [], []
    for number, feature in enumerate(features, start=1):
        shape, properties = None, None
        if isinstance(feature, dict):
            properties = feature.get("properties")
            shape = _shape_of(feature.get("geometry"))
        if not isinstance(feature, dict) or isinstance(shape, str):
            problems.append(Problem(name, number, "geometry", shape or None, "geometry"))
            continue
        cells = properties if isinstance(properties, dict) else {}
        records.append((number, {str(k): _json_text(v) for k, v in cells.items()}))
        shapes.append(shape)
    crs = found.get("crs")
    told = crs.get("properties") if isinstance(crs, dict) else None
    system = str(told.get("name", "")) if isinstance(told, dict) else ""
    return _shaped(name, "geojson", records, shapes, problems, system)


def _shape_of(geometry) -> BaseGeometry | str | None:
    """A GeoJSON geometry as a shape; a text that names it where it cannot be read."""
    from shapely.geometry import shape

    if geometry is None:
        return None
    kind = str(geometry.get("type"))[:80] if isinstance(geometry, dict) else "?"
    if kind not in _GEOMETRIES:
        return kind
    try:
        found = shapely.force_2d(shape(geometry))
    except Exception:  # shapely raises as many kinds as there are ways to be no geometry
        return kind
    return found


def _json_text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return _cell_text(value)
    return json.dumps(value, ensure_ascii=False)


def _shaped(
    name: str,
    kind: str,
    records: list[tuple[int, dict[str, str]]],
    shapes: list[BaseGeometry | None],
    problems: list[Problem],
    system: str,
    **more,
) -> Raw:
    """Features as rows, their shapes in WGS 84 whatever ``system`` they were in."""
    columns = list(dict.fromkeys(key for _number, cells in records for key in cells))
    if len(columns) > MAX_COLUMNS:
        _refuse(name, "too-many-columns", str(MAX_COLUMNS), found=str(len(columns)))
    if sum(shapely.get_num_coordinates(np.array(shapes, dtype=object))) > _MAX_VERTICES:
        _refuse(name, "too-large", f"{_MAX_VERTICES} vertices")
    moved, remarks = _in_degrees(name, shapes, system)
    table = more.get("part") if len(more.get("parts", ())) > 1 else name
    kept, rows = [], []
    for (number, cells), shape in zip(records, moved, strict=True):
        fault = None if shape is None else _misplaced(shape)
        if fault:
            problems.append(Problem(table, number, "geometry", *fault))
            continue
        kept.append(None if shape is None or shape.is_empty else shape)
        rows.append((number, [cells.get(column, "") for column in columns]))
    return _assembled(
        name, kind, columns, rows, shapes=tuple(kept), problems=problems, remarks=remarks, **more
    )


def _misplaced(shape: BaseGeometry) -> tuple[str, str] | None:
    """What of a shape is not on the globe, and the code of the problem."""
    xy = shapely.get_coordinates(shape)
    if not len(xy):
        return None
    if not np.isfinite(xy).all():
        return "NaN", "geometry"
    # Longitudes up to a full turn past 180° are how some write a shape across that meridian.
    wrong = (np.abs(xy[:, 0]) > 360) | (np.abs(xy[:, 1]) > 90)
    if not wrong.any():
        return None
    lon, lat = xy[wrong][0]
    found = f"{lon:g}, {lat:g}"
    return found, "projected" if max(abs(lon), abs(lat)) > 360 else "swapped-shape"


_SRID = re.compile(r"\s*SRID\s*=\s*(\d+)\s*;", re.I)
_WKT = re.compile(
    r"(?:SRID\s*=\s*\d+\s*;)?\s*(?:MULTI)?(?:POINT|LINESTRING|LINEARRING|POLYGON)"
    r"|(?:SRID\s*=\s*\d+\s*;)?\s*GEOMETRYCOLLECTION",
    re.I,
)


def is_wkt(text: str) -> bool:
    """Whether a text begins as well-known text does."""
    return _WKT.match(text) is not None


def shape_of_wkt(text: str) -> BaseGeometry | tuple[str, str]:
    """Well-known text as a shape in degrees, or what is wrong with it: text found, problem's code.

    ``SRID=4326;`` may stand before it, as PostGIS writes it; other numbers are refused.
    """
    system = _SRID.match(text)
    if system and system[1] != "4326":
        return f"SRID={system[1]}", "unknown-crs"
    try:
        found = shapely.from_wkt(text[system.end() :] if system else text)
    except (shapely.errors.GEOSException, TypeError):
        return text[:80], "wkt"
    found = shapely.force_2d(found)
    if found.is_empty:
        return text[:80], "wkt"
    return _misplaced(found) or found


def _in_degrees(
    name: str, shapes: list[BaseGeometry | None], system: str
) -> tuple[list[BaseGeometry | None], tuple[Remark, ...]]:
    if not system or "CRS84" in system or re.search(r"EPSG:+(\d*:)?4326$", system):
        return shapes, ()
    import pyproj

    try:
        crs = pyproj.CRS.from_user_input(system)
        into = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        moved = [
            None
            if shape is None
            else shapely.transform(shape, lambda xy: np.column_stack(into.transform(*xy.T)))
            for shape in shapes
        ]
    except (pyproj.exceptions.ProjError, ValueError) as error:
        raise DatasetError(
            Path(name), [Problem(name, None, None, system[:200], "unknown-crs")]
        ) from error
    return moved, (Remark("crs", found=crs.name, read_as="WGS 84"),)


# GeoPackage


def _read_geopackage(content: bytes, name: str, part: str) -> Raw:
    """The features of one layer, by SQL of our own: only tables are asked, and not for long."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "in.gpkg"
        file.write_bytes(content)
        database = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            until = time.monotonic() + _DATABASE_S
            database.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_FILE_BYTES)
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            database.execute("PRAGMA trusted_schema = OFF")
            return _read_layer(database, name, part)
        except UnicodeDecodeError as error:
            # SQLite quotes the broken name in its message, and Python fails to read that.
            _refuse(name, "bad-geopackage", found=error.object.decode("utf-8", "replace"))
        except (sqlite3.Error, OverflowError, MemoryError) as error:
            raise DatasetError(
                Path(name), [Problem(name, None, None, str(error), "bad-geopackage")]
            ) from error
        finally:
            database.close()


def _read_layer(database: sqlite3.Connection, name: str, part: str) -> Raw:
    # A view may compute for ever, and a virtual table read another file.
    made = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    tables = {str(n) for n, sql in made if re.match(r"\s*CREATE\s+TABLE\b", str(sql), re.I)}
    needed = {"gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"}
    if not needed <= tables:
        _refuse(name, "bad-geopackage", found=", ".join(sorted(needed - tables)))
    layers = database.execute(
        "SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id,"
        " s.definition FROM gpkg_geometry_columns g JOIN gpkg_contents c USING (table_name)"
        " LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id"
        " WHERE c.data_type = 'features' ORDER BY c.rowid LIMIT 1000"
    ).fetchall()
    layers = {str(layer[0]): layer[1:] for layer in layers if layer[0] in tables}
    if not layers:
        _refuse(name, "no-rows")
    part = part if part in layers else next(iter(layers))
    geometry, organization, code, definition = layers[part]

    def quoted(word: str) -> str:
        return '"' + word.replace('"', '""') + '"'

    columns = [str(row[1]) for row in database.execute(f"PRAGMA table_info({quoted(part)})")]
    if geometry not in columns:
        _refuse(name, "bad-geopackage", found=str(geometry))
    if len(columns) > MAX_COLUMNS:
        _refuse(name, "too-many-columns", str(MAX_COLUMNS), found=str(len(columns)))
    at = columns.index(geometry)
    listed = ", ".join(map(quoted, columns))
    rows = database.execute(f"SELECT {listed} FROM {quoted(part)} LIMIT {MAX_ROWS + 1}")
    table = part if len(layers) > 1 else name
    records, shapes, problems = [], [], []
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            _refuse(name, "too-many-rows", str(MAX_ROWS), found=f"> {MAX_ROWS}")
        shape = _shape_in(row[at])
        if isinstance(shape, str):
            problems.append(Problem(table, number, "geometry", shape, "geometry"))
            continue
        cells = {
            c: "" if isinstance(v, bytes) else _cell_text(v)
            for n, (c, v) in enumerate(zip(columns, row, strict=True))
            if n != at
        }
        records.append((number, cells))
        shapes.append(shape)
    system = f"{organization}:{code}"
    if str(organization).upper() not in ("EPSG", "OGC", "ESRI"):
        system = "" if code in (0, -1, None) else str(definition)
    parts = tuple(layers)
    return _shaped(name, "gpkg", records, shapes, problems, system, parts=parts, part=part)


_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}


def _shape_in(blob) -> BaseGeometry | str | None:
    """The shape in a GeoPackage's binary (OGC 12-128r15, 2.1.3); a text where there is none."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < 8:
        return "?"
    skip = _ENVELOPE_BYTES.get(blob[3] >> 1 & 7)
    if skip is None:
        return "?"
    try:
        shape = shapely.force_2d(shapely.from_wkb(blob[8 + skip :]))
    except shapely.errors.ShapelyError:
        return "?"
    return shape if shape is None or shape.geom_type in _GEOMETRIES else shape.geom_type


# KML


class _XmlRefusedError(Exception):
    def __init__(self, code: str, detail: str = ""):
        super().__init__(code)
        self.code, self.detail = code, detail


class _Node:
    """An element of a placemark: local name, attributes, text, children."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]):
        self.tag, self.attributes = tag, attributes
        self.text = ""
        self.children: list[_Node] = []

    def first(self, *tags: str) -> _Node | None:
        return next((child for child in self.children if child.tag in tags), None)


class _Placemarks:
    """Collects the placemarks of a KML as expat goes through it, and nothing else of it."""

    def __init__(self):
        self.found: list[tuple[_Node, str]] = []
        self.is_kml = False
        self._open: list[_Node] = []
        self._path: list[str] = []
        self._folders: list[str] = []
        self._count = 0
        self._words: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if not self._path:
            self.is_kml = tag == "kml"
        self._path.append(tag)
        if len(self._path) > _MAX_DEPTH:
            raise _XmlRefusedError("bad-xml", "nested too deeply")
        if self._open or tag == "Placemark":
            self._count = self._count + 1 if self._open else 0
            if self._count > _MAX_ELEMENTS:
                raise _XmlRefusedError("too-large", f"{_MAX_ELEMENTS} elements")
            self._flush()
            self._open.append(_Node(tag, attributes))
        elif tag == "Folder":
            self._folders.append("")
        self._words = []

    def end(self, _name: str) -> None:
        tag = self._path.pop()
        if self._open:
            self._flush()
            node = self._open.pop()
            if self._open:
                self._open[-1].children.append(node)
            else:
                self.found.append((node, self._folders[-1] if self._folders else ""))
                if len(self.found) > MAX_ROWS:
                    raise _XmlRefusedError("too-many-rows", str(MAX_ROWS))
        elif tag == "name" and self._path[-1:] == ["Folder"]:
            self._folders[-1] = "".join(self._words)
        elif tag == "Folder":
            self._folders.pop()
        self._words = []

    def characters(self, text: str) -> None:
        self._words.append(text)

    def _flush(self) -> None:
        if self._open:
            self._open[-1].text += "".join(self._words)
        self._words = []

    @staticmethod
    def refuse(*_declared) -> NoReturn:
        raise _XmlRefusedError("xml-entities")


def _read_kml(content: bytes, name: str) -> Raw:
    """Placemarks as features. Entities are refused, links are not followed."""
    collector = _Placemarks()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.characters
    parser.StartDoctypeDeclHandler = collector.refuse
    parser.EntityDeclHandler = collector.refuse
    try:
        parser.Parse(content, True)
    except _XmlRefusedError as error:
        _refuse(name, error.code, error.detail)
    except (expat.ExpatError, ValueError, LookupError, UnicodeError) as error:
        line = getattr(error, "lineno", None)
        _refuse(name, "bad-xml", str(error), row=line)
    if not collector.is_kml:
        _refuse(name, "other-kind", found="XML")
    records, shapes, problems = [], [], []
    for number, (placemark, folder) in enumerate(collector.found, start=1):
        shape = _kml_shape(placemark)
        if isinstance(shape, str):
            problems.append(Problem(name, number, "geometry", shape, "geometry"))
            continue
        records.append((number, _kml_cells(placemark, folder)))
        shapes.append(shape)
    return _shaped(name, "kml", records, shapes, problems, "")


def _kml_cells(placemark: _Node, folder: str) -> dict[str, str]:
    cells = {"folder": folder} if folder.strip() else {}
    for tag in ("name", "description"):
        node = placemark.first(tag)
        if node is not None:
            cells[tag] = _without_tags(node.text)
    stamp, span = placemark.first("TimeStamp"), placemark.first("TimeSpan")
    for parent, tag, column in (
        (stamp, "when", "date"),
        (span, "begin", "begin"),
        (span, "end", "end"),
    ):
        node = parent.first(tag) if parent else None
        if node is not None:
            cells[column] = node.text.strip()
    stack = [child for child in placemark.children if child.tag == "ExtendedData"]
    while stack:
        node = stack.pop(0)
        key = node.attributes.get("name", "")
        if node.tag == "Data" and key:
            value = node.first("value")
            cells[key] = value.text if value is not None else ""
        elif node.tag == "SimpleData" and key:
            cells[key] = node.text
        else:
            stack += node.children
    return cells


def _without_tags(text: str) -> str:
    """The words of a balloon, which may be HTML."""
    import html

    if "<" not in text:
        return text
    text = re.sub(r"(?i)<(br|/p|/div|/li|/tr)\b[^>]{0,200}>", "\n", text)
    return html.unescape(re.sub(r"<[^<>]{0,2000}>", " ", text))


def _kml_shape(placemark: _Node) -> BaseGeometry | str | None:
    shapes: list[BaseGeometry] = []
    stack = list(placemark.children)
    try:
        while stack:
            node = stack.pop(0)
            if node.tag == "Point":
                shapes.append(shapely.Point(_kml_line(node)[0]))
            elif node.tag in ("LineString", "LinearRing"):
                shapes.append(shapely.LineString(_kml_line(node)))
            elif node.tag == "Polygon":
                outer = node.first("outerBoundaryIs")
                ring = outer.first("LinearRing") if outer else None
                if ring is None:
                    return "Polygon"
                # Holes make no difference to the circle that stands for an area.
                shapes.append(shapely.Polygon(_kml_line(ring)))
            elif node.tag == "MultiGeometry":
                stack = node.children + stack
            elif node.tag in ("Track", "MultiTrack", "Model"):
                return node.tag
    except (ValueError, IndexError, shapely.errors.ShapelyError):
        return node.tag
    if len(shapes) > 1:
        return shapely.GeometryCollection(shapes)
    return shapes[0] if shapes else None


def _kml_line(node: _Node) -> list[tuple[float, float]]:
    told = node.first("coordinates")
    pairs = [each.split(",") for each in (told.text.split() if told else ())]
    return [(float(pair[0]), float(pair[1])) for pair in pairs]
