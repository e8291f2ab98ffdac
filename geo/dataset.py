"""The data package: schemas, reading, validation, and the status of a claim on a day."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import itertools
import json
import lzma
import math
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

import geopandas as gpd
import numpy as np
import pandas as pd

from geo import texts

SCHEMA_DIR = Path(__file__).parent / "schemas"
BUILT_IN = Path(__file__).parent.parent / "data" / "troop-shipments"
EXAMPLE = Path(__file__).parent.parent / "data" / "example"  # small and invented
# The order of foreign keys: a table refers only to those before it.
TABLES = ("sources", "places", "claims", "statements", "features", "briefing")
OPTIONAL_TABLES = ("briefing",)
STATUSES = ("sourced", "contested", "denied", "withdrawn", "declined")
CRS = "EPSG:4326"

MAX_ROWS = 200_000  # of a stranger's table, which is read cell by cell
MAX_COLUMNS = 500
_MAX_TABLE_ROWS = 500_000  # of a table of a package: 100,000 claims have some 300,000 statements

_MAX_ZIP_BYTES = 200_000_000
_MAX_ZIP_MEMBERS = 2_000
# Tables shrink to a tenth or less; a file made to burst open, to a thousandth.
_MAX_ZIP_RATIO = 200
_SMALL_ZIP_BYTES = 10_000_000  # harmless at any ratio
_CHUNK_BYTES = 1 << 20
# RuntimeError: encrypted, or packed in a way that zipfile does not know.
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
_MAX_PROBLEMS = 100_000  # for a file of another kind altogether
_VIEW_EDGES = ("west", "south", "east", "north")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a dataset, as data; ``texts.problem`` turns it into words.

    ``row`` is the line of the table as a spreadsheet numbers it (the header is 1); ``code`` names
    the rule that was broken and ``detail`` what the rule asks for.
    """

    table: str
    row: int | None
    field: str | None
    found: str | None
    code: str
    detail: str = ""


class DatasetError(ValueError):
    """A dataset that cannot be used; holds every problem found, not only the first."""

    def __init__(self, path: Path, problems: list[Problem]):
        super().__init__(f"{path}: {len(problems)} problems")
        self.path = path
        self.problems = tuple(problems)


@dataclass(frozen=True)
class View:
    """A named window on the map; bounds are west, south, east, north in degrees (WGS 84)."""

    name: str
    title: str
    title_fr: str
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A validated dataset, all of it or what a selection keeps of it.

    Every table is indexed by ``id`` (``briefing`` by ``step``), in the order of its file; texts
    that are empty are ``""``, numbers that are empty NaN, dates that are empty NaT. ``places`` is
    a GeoDataFrame of points in EPSG:4326. A table is never changed in place.
    """

    name: str
    title: str
    title_fr: str
    digest: str
    sources: pd.DataFrame
    places: gpd.GeoDataFrame
    claims: pd.DataFrame
    statements: pd.DataFrame
    features: pd.DataFrame
    briefing: pd.DataFrame
    views: tuple[View, ...]
    description: str = ""
    description_fr: str = ""
    left_out: int = 0  # rows of the file that were unsound, or depended on one, and are not here

    def view(self, name: str) -> View:
        """The view of that name; ``theatre``, everything, where there is no such view."""
        return next((v for v in self.views if v.name == name), self.views[0])

    @cached_property
    def days(self) -> tuple[date, date] | None:
        """The first and last day on which something was said; None if no statement is dated."""
        dates = self.statements["date"].dropna()
        return None if dates.empty else (dates.min().date(), dates.max().date())


@cache
def schema(table: str) -> dict:
    """The Table Schema of ``table`` as DATASET.md's format has it (treat as read-only)."""
    return json.loads((SCHEMA_DIR / f"{table}.json").read_text("utf-8"))


def load(path: str | Path = BUILT_IN, leave_out: bool = False) -> Dataset:
    """Read and validate the data package in a folder or .zip.

    Raises ``DatasetError`` with every problem found. Extra columns are kept, as text. With
    ``leave_out`` the rows that have a problem are left out, and those that depend on them, until
    the rest is sound; ``Dataset.left_out`` counts them. What concerns more than a row, or leaves
    nothing to show, is raised all the same.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".zip" and path.is_file():
            with tempfile.TemporaryDirectory() as folder:
                _unpack(path, Path(folder))
                return _load_folder(_package_root(Path(folder)), path, leave_out)
        return _load_folder(path, path, leave_out)
    except OSError as error:
        problem = Problem(path.name, None, None, error.strerror, "file-missing", str(path))
        raise DatasetError(path, [problem]) from error


def _unpack(archive: Path, folder: Path) -> None:
    with opened_zip(archive, archive) as package:
        for member in package.infolist():
            target = folder / member.filename
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for chunk in zip_chunks(package, member, archive):
                    file.write(chunk)


def opened_zip(source: Path | io.BytesIO, shown_path: Path) -> zipfile.ZipFile:
    """A .zip whose members can be unpacked without harm; to be closed by the caller.

    Raises ``DatasetError`` for what is no archive, has a password, holds too much (members, bytes,
    bytes for each packed one), or names that lead out of a folder or clash in one.
    """

    def refused(found: str | None, code: str, detail: str = "") -> DatasetError:
        return DatasetError(shown_path, [Problem(shown_path.name, None, None, found, code, detail)])

    try:
        package = zipfile.ZipFile(source)
    except (*_BAD_ZIP, ValueError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise
        raise refused(str(error), "not-a-package") from error
    try:
        members = package.infolist()
        if len(members) > _MAX_ZIP_MEMBERS:
            raise refused(f"{len(members)} files", "too-large", f"{_MAX_ZIP_MEMBERS} files")
        size = sum(m.file_size for m in members)
        if size > _MAX_ZIP_BYTES:
            raise refused(f"{size} bytes", "too-large", f"{_MAX_ZIP_BYTES // 1_000_000} MB")
        packed = max(sum(m.compress_size for m in members), 1)
        if size > _SMALL_ZIP_BYTES and size / packed > _MAX_ZIP_RATIO:
            raise refused(f"{size // packed}:1", "zip-bomb", f"{_MAX_ZIP_RATIO}:1")
        unsafe = [m.filename for m in members if not _is_plain_member(m)]
        if unsafe:
            problems = [Problem(shown_path.name, None, None, u, "unsafe-path") for u in unsafe]
            raise DatasetError(shown_path, problems)
        seen: set[str] = set()
        files = {m.filename.casefold() for m in members if not m.is_dir()}
        for member in members:
            name = member.filename.casefold().rstrip("/")
            above = {str(parent) for parent in PurePosixPath(name).parents}
            if name in seen or files & above:
                raise refused(member.filename, "name-clash")
            seen.add(name)
        if any(m.flag_bits & 1 for m in members):
            raise refused(None, "password")
    except DatasetError:
        package.close()
        raise
    return package


def zip_chunks(
    package: zipfile.ZipFile, member: zipfile.ZipInfo, shown_path: Path
) -> Iterator[bytes]:
    """The content of a member piece by piece, no more than it declares; raises DatasetError."""
    try:
        with package.open(member) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except (*_BAD_ZIP, ValueError, NotImplementedError) as error:
        problem = Problem(shown_path.name, None, None, str(error), "not-a-package")
        raise DatasetError(shown_path, [problem]) from error


def _is_plain_member(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if not member.filename:
        return False  # zipfile itself stumbles over it
    plain_kind = kind in (0, stat.S_IFREG, stat.S_IFDIR)  # no link, no device
    # zipfile shows backslashes as they stand, except on Windows.
    return plain_kind and "\\" not in member.orig_filename and _is_plain_path(member.filename)


def _is_plain_path(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    return not parts.is_absolute() and ".." not in parts.parts and ":" not in name


def _package_root(folder: Path) -> Path:
    """The folder itself, or the only folder in it that holds the descriptor."""
    if (folder / "datapackage.json").exists():
        return folder
    inner = sorted(folder.glob("*/datapackage.json"))
    return inner[0].parent if inner else folder


def _load_folder(folder: Path, shown_path: Path, leave_out: bool) -> Dataset:
    try:
        return _load_sound(folder, shown_path)
    except DatasetError as error:
        if not leave_out:
            raise
        with tempfile.TemporaryDirectory() as copy:
            return _load_rest(folder, Path(copy), shown_path, error)


def _load_rest(folder: Path, copy: Path, shown_path: Path, error: DatasetError) -> Dataset:
    """The dataset without the rows that have a problem; raises ``error`` where that is no help."""
    descriptor = _descriptor(folder, shown_path)
    lacking: list[Problem] = []
    files = _table_files(folder, descriptor, lacking)
    if lacking:
        raise error
    rows = {}
    for table, file in files.items():
        with (folder / file).open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            try:
                rows[table] = list(csv.reader(opened))
            except csv.Error:
                raise error from None
    before = {table: len(each) for table, each in rows.items()}
    told = {row[0] for row in _columns(rows, "statements", "claim")}
    descriptor["resources"] = [{"name": table, "path": f"{table}.csv"} for table in files]
    views_left_out = 0
    problems = error.problems
    while problems:
        unsound: dict[str, set[int]] = {}
        for problem in problems:
            if problem.code == "view" and (problem.field or "").endswith("]"):
                position = int(problem.field.removeprefix("views[").removesuffix("]"))
                unsound.setdefault("views", set()).add(position)
            elif problem.table not in rows or problem.row is None or problem.code in _OF_A_FILE:
                raise error
            else:
                unsound.setdefault(problem.table, set()).add(problem.row - 1)
        for table, which in unsound.items():
            if table == "views":
                views = enumerate(descriptor["views"])
                descriptor["views"] = [view for n, view in views if n not in which]
                views_left_out += len(which)
            else:
                rows[table] = [row for n, row in enumerate(rows[table]) if n not in which]
        # A claim that nobody speaks of any more cannot be shown.
        still = {row[0] for row in _columns(rows, "statements", "claim")}
        mute = {
            n for n, (key,) in enumerate(_columns(rows, "claims", "id"), 1) if key in told - still
        }
        rows["claims"] = [row for n, row in enumerate(rows["claims"]) if n not in mute]
        if len(rows["claims"]) < 2 or len(rows["statements"]) < 2:
            raise error
        for table, each in rows.items():
            with (copy / f"{table}.csv").open("w", encoding="utf-8", newline="") as opened:
                csv.writer(opened, lineterminator="\n").writerows(each)
        text = json.dumps(descriptor, ensure_ascii=False)
        (copy / "datapackage.json").write_text(text, "utf-8")
        try:
            whole = _load_sound(copy, shown_path)
        except DatasetError as further:
            problems = further.problems
        else:
            gone = sum(before[table] - len(each) for table, each in rows.items())
            return replace(whole, left_out=gone + views_left_out)
    raise error


# Problems that bear a row's number but concern the whole file.
_OF_A_FILE = ("encoding", "unreadable", "bad-json", "too-many-columns", "too-many-rows")


def _columns(rows: dict[str, list[list[str]]], table: str, *names: str) -> list[tuple[str, ...]]:
    """Cells of the named columns for each row but the header, "" where there is none."""
    header, *cells = rows[table] or [[]]
    at = [header.index(name) if name in header else len(header) for name in names]
    return [tuple(row[n] if n < len(row) else "" for n in at) for row in cells]


def _load_sound(folder: Path, shown_path: Path) -> Dataset:
    descriptor = _descriptor(folder, shown_path)
    problems: list[Problem] = []
    files = _table_files(folder, descriptor, problems)
    if problems:
        raise DatasetError(shown_path, problems)

    written, problems = _validate(folder, files)
    if problems:
        raise DatasetError(shown_path, problems)

    tables = {table: _typed(written[table], table, problems) for table in files}
    if problems:
        raise DatasetError(shown_path, problems)
    if "briefing" not in tables:
        names = [f["name"] for f in schema("briefing")["fields"] if f["name"] != "step"]
        tables["briefing"] = pd.DataFrame(columns=names, index=pd.Index([], name="step"))
    places = tables["places"]
    tables["places"] = gpd.GeoDataFrame(
        places, geometry=gpd.points_from_xy(places["lon"], places["lat"]), crs=CRS
    )
    problems += _check_meaning(tables)
    views = _views(descriptor, tables, problems)
    if problems:
        raise DatasetError(shown_path, problems)

    def words(key: str) -> str:
        return texts.legible(str(descriptor.get(key) or ""))

    return Dataset(
        name=words("name") or texts.legible(shown_path.stem),
        title=words("title") or words("name") or texts.legible(shown_path.stem),
        title_fr=words("title_fr"),
        description=words("description"),
        description_fr=words("description_fr"),
        digest=_digest(folder, files),
        views=views,
        **tables,
    )


def _descriptor(folder: Path, shown_path: Path) -> dict:
    file = folder / "datapackage.json"
    name = "datapackage.json"
    if not folder.is_dir() or not file.is_file():
        problem = Problem(name, None, None, str(shown_path), "not-a-package")
        raise DatasetError(shown_path, [problem])
    try:
        descriptor = json.loads(file.read_text("utf-8-sig"))
        # An escaped half of a surrogate pair is valid JSON, but no text that could be shown.
        json.dumps(descriptor, ensure_ascii=False).encode()
    except UnicodeError as error:
        problem = Problem(name, None, None, str(error), "encoding")
        raise DatasetError(shown_path, [problem]) from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise DatasetError(
            shown_path, [Problem(name, error.lineno, None, None, "bad-json", where)]
        ) from error
    except RecursionError as error:
        problem = Problem(name, None, None, None, "bad-json", "nested too deeply")
        raise DatasetError(shown_path, [problem]) from error
    if not isinstance(descriptor, dict):
        problem = Problem(name, None, None, type(descriptor).__name__, "not-a-package")
        raise DatasetError(shown_path, [problem])
    return descriptor


def _table_files(folder: Path, descriptor: dict, problems: list[Problem]) -> dict[str, str]:
    resources = descriptor.get("resources")
    resources = resources if isinstance(resources, list) else []
    resources = [r for r in resources if isinstance(r, dict)]
    files = {}
    for table in TABLES:
        path = next((r.get("path") for r in resources if r.get("name") == table), None)
        if path is None:
            if table not in OPTIONAL_TABLES:
                problems.append(Problem(table, None, None, None, "table-missing"))
        elif not isinstance(path, str) or not _is_plain_path(path):
            problems.append(Problem(table, None, None, str(path), "unsafe-path"))
        elif not _is_file(folder / path):
            problems.append(Problem(table, None, None, None, "file-missing", path))
        else:
            files[table] = path
    return files


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, say
        return False


def _validate(folder: Path, files: dict[str, str]) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    """The tables as text, and all that is wrong with them by their schemas.

    A quick look over whole columns finds which tables may hold a fault; those alone are read once
    more row by row, which takes ten times as long and tells each fault.
    """
    from frictionless import Dialect, Package, Resource, Schema, formats, system

    problems: list[Problem] = []
    written: dict[str, pd.DataFrame] = {}
    uneven: set[str] = set()
    lost: list[Problem] = []
    for table, file in files.items():
        found, labels, rows = _looked_over(table, folder / file)
        problems += found
        if found:
            continue
        try:
            written[table] = pd.read_csv(
                folder / file,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
                compression=None,
            )
        except pd.errors.ParserError as error:
            written[table] = pd.DataFrame()
            lost.append(Problem(table, None, None, None, "unreadable", str(error)))
        if list(written[table].columns) != labels or len(written[table]) != rows:
            uneven.add(table)  # pandas and csv do not see the same in it
    # A table that cannot be read must not make every reference to it look wrong.
    files = {table: file for table, file in files.items() if table in written}
    schemas = {t: Schema.from_descriptor(_for_frictionless(schema(t), files)) for t in files}
    doubtful = [t for t in files if t in uneven or not _is_sound(schemas[t], written[t], written)]
    if not doubtful:
        return written, problems
    # All said, or frictionless guesses what is left out and takes semicolons for commas.
    control = formats.CsvControl(delimiter=",", quote_char='"', skip_initial_space=False)
    resources = [
        Resource(
            name=table,
            path=file,
            format="csv",
            compression="",
            schema=schemas[table],
            dialect=Dialect(controls=[control]),
            encoding="utf-8",
        )
        for table, file in files.items()
    ]
    with system.use_context(trusted=False):
        package = Package(resources=resources, basepath=str(folder))
        for table in doubtful:
            report = package.get_resource(table).validate(limit_errors=_MAX_PROBLEMS)
            problems += [_from_frictionless("datapackage.json", e, []) for e in report.errors]
            for task in report.tasks:
                found = [_from_frictionless(task.name, error, task.labels) for error in task.errors]
                problems += _told_once(found)
    return written, problems or lost


def _is_sound(schema, cells: pd.DataFrame, written: dict[str, pd.DataFrame]) -> bool:
    """Whether a table keeps every rule of its schema, in one look at each distinct cell.

    ``schema`` is frictionless', and so is the reader of cells. No is not the last word: labels
    with blanks round them, say, are left to the reader of rows.
    """
    if any(label != label.strip() for label in cells):
        return False
    for field in schema.fields:
        is_key = field.name in schema.primary_key
        if field.name not in cells:
            if field.required or is_key:
                return False
            continue
        column = cells[field.name]
        empty = (column == "").to_numpy()
        if (field.required or is_key) and empty.any():
            return False
        if field.type == "string" and not field.constraints.keys() - {"required"}:
            continue  # any text is right
        read = field.create_cell_reader()
        values = []
        for cell in _distinct(column[~empty]):
            value, faults = read(cell)
            if faults:
                return False
            values.append(value)
        if (is_key or field.constraints.get("unique")) and len(set(values)) < (~empty).sum():
            return False
    for key in schema.foreign_keys:
        (name,), (other,) = key["fields"], key["reference"]["fields"]
        target = written[key["reference"]["resource"]]
        if name not in cells:
            continue
        if other not in target or set(_distinct(cells[name])) - {"", *_distinct(target[other])}:
            return False
    return True


def _distinct(column: pd.Series) -> list[str]:
    return column.unique().to_numpy(dtype=object).tolist()  # an arrow array's own loop is slow


def _looked_over(table: str, file: Path) -> tuple[list[Problem], list[str] | None, int]:
    """Why a file cannot be read as this table at all: empty where its rows can be looked at.

    With it the labels of its columns, None where not every row has as many cells; and the number
    of its rows.
    """
    size = file.stat().st_size
    if size > _MAX_ZIP_BYTES:
        limit = f"{_MAX_ZIP_BYTES // 1_000_000} MB"
        return [Problem(table, None, None, f"{size} bytes", "too-large", limit)], None, 0
    raw = file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        nul = raw.find(0)  # in every other byte where UTF-16 was saved
    except UnicodeDecodeError as error:
        # The codec counts from after a byte order mark.
        nul = error.start + (3 if raw.startswith(codecs.BOM_UTF8) else 0)
    if nul >= 0:
        row, byte = raw.count(b"\n", 0, nul) + 1, f"0x{raw[nul]:02x}"
        return [Problem(table, row, None, byte, "encoding")], None, 0
    if not text.strip():
        return [Problem(table, None, None, None, "empty")], None, 0
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        labels = next(reader)
    except csv.Error as error:
        return [Problem(table, 1, None, None, "unreadable", str(error))], None, 0
    lengths = []
    even = True
    try:
        lengths.extend(map(len, itertools.chain([labels], reader)))
    except csv.Error:
        even = False  # the validation tells which cell
    too_much = _too_much(table, lengths)
    if too_much:
        return [too_much], None, 0
    twice = [label for label in dict.fromkeys(labels) if label and labels.count(label) > 1]
    if twice:
        problems = [Problem(table, None, label, None, "duplicate-column") for label in twice]
        return problems, None, 0
    fields = schema(table)["fields"]
    if fields[0]["name"] not in labels:
        needed = [f["name"] for f in fields if f.get("constraints", {}).get("required")]
        lacking = [name for name in needed if name not in labels]
        return [Problem(table, None, name, None, "missing-column") for name in lacking], None, 0
    even = even and set(lengths) == {len(labels)}
    return [], labels if even else None, len(lengths) - 1


def _too_much(table: str, lengths: list[int]) -> Problem | None:
    """The first sign that a table has more columns or rows than could be looked at in time."""
    if max(lengths) > MAX_COLUMNS:
        row = next(n for n, length in enumerate(lengths, start=1) if length > MAX_COLUMNS)
        found = str(lengths[row - 1])
        return Problem(table, row, None, found, "too-many-columns", str(MAX_COLUMNS))
    rows = len(lengths) - 1
    if rows > _MAX_TABLE_ROWS:
        return Problem(table, None, None, str(rows), "too-many-rows", str(_MAX_TABLE_ROWS))
    return None


def _for_frictionless(descriptor: dict, files: dict[str, str]) -> dict:
    """Columns matched by name, their order free, extra ones allowed; only references to files."""
    keys = [k for k in descriptor.get("foreignKeys", []) if k["reference"]["resource"] in files]
    return {**descriptor, "foreignKeys": keys, "fieldsMatch": "partial"}


def _told_once(problems: list[Problem]) -> list[Problem]:
    """The problems of one table without those that follow from another one in the same row."""
    missing = {(p.row, p.field) for p in problems if p.code == "row-too-short"}
    lengths = ("row-too-short", "row-too-long")
    first = {p.row: p for p in reversed(problems) if p.code in lengths}
    blank = {p.row for p in problems if p.code == "blank-row"}
    mistyped = {(p.row, p.field) for p in problems if p.code == "type"}
    left = [
        p
        for p in problems
        if not (
            (p.code in lengths and p is not first[p.row])
            or (p.code == "required" and (p.row, p.field) in missing)
            or (p.code == "unique" and (p.row in blank or (p.row, p.field) in mistyped))
        )
    ]
    return list(dict.fromkeys(left))


# frictionless' error types that need no further look, with our own code for each.
_PLAIN_CODES = {
    "missing-label": "missing-column",
    "duplicate-label": "duplicate-column",
    "missing-cell": "row-too-short",
    "extra-cell": "row-too-long",
    "blank-row": "blank-row",
    "blank-header": "missing-column",
    "blank-label": "missing-column",
    "encoding-error": "encoding",
}


def _from_frictionless(table: str, error, labels: list[str]) -> Problem:
    found = error.to_descriptor()
    row = found.get("rowNumber")
    name = found.get("fieldName") or None
    cell = found.get("cell")
    note = found.get("note", "")
    code, detail = _PLAIN_CODES.get(error.type), ""
    if code is None and error.type == "type-error":
        code, detail = "type", _rule(table, name, "type")
        if detail == "date":
            detail = "date (YYYY-MM-DD)"
    elif code is None and error.type == "constraint-error":
        rule = note.split('"')[1] if '"' in note else "required"
        code, detail = rule, "" if rule == "required" else _rule(table, name, rule)
        if rule in ("minimum", "maximum") and not math.isfinite(float(cell)):
            code, detail = "type", _rule(table, name, "type")
        elif table == "places" and name in ("lon", "lat"):
            other = dict(zip(labels, found.get("cells") or [], strict=False))
            lon, lat = (_finite(other.get(key)) for key in ("lon", "lat"))
            code, detail = misplaced(lon, lat) or (code, detail)
    elif code is None and error.type in ("primary-key", "unique-error"):
        key = schema(table).get("primaryKey", ["id"])
        name = name or (key if isinstance(key, str) else key[0])
        cells = found.get("cells") or []
        position = labels.index(name) if name in labels else 0
        cell = cells[position] if position < len(cells) else None
        code, detail = "unique", note
    elif code is None and error.type == "foreign-key":
        name = ", ".join(found.get("fieldNames", [])) or name
        cell = ", ".join(found.get("fieldCells", []))
        code, detail = "foreign-key", found.get("referenceName", "")
    if code is None or code not in _KNOWN_CODES:
        code, detail = "other", note or error.message
    shown = None if cell is None or code in ("required", "row-too-short") else str(cell)
    return Problem(table, row, name, shown, code, detail)


def _finite(cell) -> float:
    """A cell as a number, NaN where it is none."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def misplaced(lon: float, lat: float) -> tuple[str, str] | None:
    """Code and detail of the likely reason why a position is not on the globe, if there is one.

    Degrees end at 180 and 90: far greater numbers are metres of a projection; a latitude past 90
    beside a longitude within it suggests that the two were exchanged.
    """
    if abs(lon) > _MOST_DEGREES or abs(lat) > _MOST_DEGREES:
        return "projected", ""
    if abs(lat) > 90 and abs(lat) <= 180 and abs(lon) <= 90:
        return "swapped", f"{lat:g}, {lon:g}"
    return None


_MOST_DEGREES = 360.0

_KNOWN_CODES = {
    *("projected", "swapped"),
    *_PLAIN_CODES.values(),
    *("type", "required", "enum", "minimum", "maximum", "pattern", "unique", "foreign-key"),
}


def _rule(table: str, name: str | None, rule: str) -> str:
    for each in schema(table)["fields"]:
        if each["name"] == name:
            value = each["type"] if rule == "type" else each.get("constraints", {}).get(rule, "")
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return ""


def _typed(table: pd.DataFrame, name: str, problems: list[Problem]) -> pd.DataFrame:
    """A table of text with its numbers and dates read; adds what is no number to ``problems``."""
    table = table.copy(deep=False)
    for each in schema(name)["fields"]:
        column = each["name"]
        if column not in table.columns:
            table[column] = ""
        cells = table[column]
        if each["type"] in ("number", "integer"):
            table[column] = pd.to_numeric(cells.replace("", np.nan), errors="coerce")
            # frictionless also takes what only Python reads as a number: 1_500, INF.
            odd = (cells != "") & ~np.isfinite(table[column])
            problems += [
                Problem(name, int(position) + 2, column, cells.iloc[position], "type", each["type"])
                for position in np.flatnonzero(odd)
            ]
        elif each["type"] == "date":
            table[column] = pd.to_datetime(cells.replace("", None), format="%Y-%m-%d")
    typed = {each["name"] for each in schema(name)["fields"] if each["type"] != "string"}
    for column in table.columns.drop(list(typed)):
        cells = table[column].to_numpy(dtype=object)  # an arrow array's own loop is slow
        legible = texts.all_legible(cells)
        if legible is not cells:
            table[column] = pd.Series(legible, index=table.index, dtype=table[column].dtype)
    key = schema(name)["primaryKey"]
    return table.set_index(key if isinstance(key, str) else key[0])


def _check_meaning(tables: dict[str, pd.DataFrame]) -> list[Problem]:
    """What a table schema cannot say: the order of dates, what a route needs, approaches."""
    problems = []

    def report(table: str, rows: pd.Series, name: str, code: str, details=None) -> None:
        for position in np.flatnonzero(rows.to_numpy()):
            cell = tables[table][name].iloc[position]
            found = "" if pd.isna(cell) else str(cell)
            found = found.removesuffix(" 00:00:00")
            detail = "" if details is None else str(details.iloc[position])
            problems.append(Problem(table, int(position) + 2, name, found, code, detail))

    claims, features, places = tables["claims"], tables["features"], tables["places"]
    late = claims["event_end"] < claims["event_start"]
    report("claims", late, "event_end", "date-order", claims["event_start"].dt.date)
    lacks = features["kind"].isin(["route", "distance"]) & (features["to_place"] == "")
    report("features", lacks, "to_place", "to-place")
    # Where a missing position was filled in with zeros.
    report("places", (places["lon"] == 0) & (places["lat"] == 0), "lon", "zero-place")
    bad = places["approach"].map(lambda text: parse_approach(text) is None)
    report("places", bad, "approach", "approach")
    briefing = tables["briefing"]
    for low, high in (("west", "east"), ("south", "north")):
        report("briefing", briefing[high] < briefing[low], high, "minimum", briefing[low])
    problems += [
        Problem("briefing", row, "claims", name, "foreign-key", "claims")
        for row, told in enumerate(briefing["claims"], start=2)
        for name in told.split()
        if name not in claims.index
    ]
    return problems


def parse_approach(text: str) -> tuple[tuple[float, float], ...] | None:
    """The ``lon lat; lon lat; …`` of a place as pairs; None if it cannot be read."""
    try:
        pairs = [tuple(map(float, pair.split())) for pair in text.split(";") if pair.strip()]
    except ValueError:
        return None
    sound = all(len(p) == 2 and abs(p[0]) <= 180 and abs(p[1]) <= 90 for p in pairs)
    return tuple(pairs) if sound else None


def _views(descriptor: dict, tables: dict, problems: list[Problem]) -> tuple[View, ...]:
    views = []
    listed = descriptor.get("views") or []
    if not isinstance(listed, list):
        found = json.dumps(listed, ensure_ascii=False)
        problems.append(Problem("datapackage.json", None, "views", found, "view"))
        listed = []
    for position, each in enumerate(listed):
        try:
            west, south, east, north = (float(each[edge]) for edge in _VIEW_EDGES)
            name = str(each["name"])
            # Past 180° for a window across the antimeridian.
            sound = -360 <= west < east <= 360 and -90 <= south < north <= 90 and name != ""
        except (KeyError, OverflowError, TypeError, ValueError):
            sound = False
        if not sound:
            found = json.dumps(each, ensure_ascii=False)
            problems.append(Problem("datapackage.json", None, f"views[{position}]", found, "view"))
            continue
        title, title_fr = str(each.get("title") or name), str(each.get("title_fr") or "")
        title, title_fr = texts.legible(title), texts.legible(title_fr)
        views.append(View(name, title, title_fr, (west, south, east, north)))
    theatre = [v for v in views if v.name == "theatre"]
    if not theatre:
        theatre = [View("theatre", "Everything", "Tout", _extent(tables))]
    return (*theatre, *(v for v in views if v.name != "theatre"))


def used_places(
    places: gpd.GeoDataFrame, features: pd.DataFrame, statements: pd.DataFrame
) -> gpd.GeoDataFrame:
    """The rows of ``places`` where something is drawn or was said."""
    used = {*features["place"], *features["to_place"], *statements["place"]} - {""}
    return places[places.index.isin(used)]


def _extent(tables: dict) -> tuple[float, float, float, float]:
    """Bounds of every place that a feature or statement uses, with a margin of a tenth."""
    places = used_places(tables["places"], tables["features"], tables["statements"])
    if places.empty:
        return (-170.0, -60.0, 170.0, 75.0)
    west, south, east, north = places.total_bounds
    margin = max(0.1 * (east - west), 0.1 * (north - south), 0.25)
    # The map ends at 85 degrees: a place nearer to a pole is outside, but the window stays one.
    return (
        float(max(west - margin, -180)),
        float(min(max(south - margin, -85), 84.5)),
        float(min(east + margin, 180)),
        float(max(min(north + margin, 85), -84.5)),
    )


def _digest(folder: Path, files: dict[str, str]) -> str:
    """Twelve hex digits that change when any byte of the package's tables or views does."""
    seen = hashlib.sha256()
    for name in ("datapackage.json", *files.values()):
        seen.update(name.encode())
        seen.update((folder / name).read_bytes())
    return seen.hexdigest()[:12]


def standing(
    claims: np.ndarray,
    speakers: np.ndarray,
    stances: np.ndarray,
    days: np.ndarray,
    groups: np.ndarray,
) -> np.ndarray:
    """Which statements nobody has taken back since, as booleans in the order given.

    A retraction undoes what the same speaker said of the same claim up to then, itself included;
    on one day the order of the table decides. The arrays are those of ``statuses``.
    """
    if len(claims) == 0:
        return np.ones(0, dtype=bool)
    order = np.lexsort((np.arange(len(claims)), days, speakers, claims, groups))
    claims, speakers, stances, groups = (a[order] for a in (claims, speakers, stances, groups))
    starts = np.ones(len(claims), dtype=bool)
    starts[1:] = (
        (claims[1:] != claims[:-1]) | (speakers[1:] != speakers[:-1]) | (groups[1:] != groups[:-1])
    )
    run = np.cumsum(starts) - 1
    position = np.arange(len(claims))
    retracted = np.where(stances == "retracts", position, -1)
    last_retraction = np.maximum.reduceat(retracted, np.flatnonzero(starts))[run]
    stands = np.empty(len(claims), dtype=bool)
    stands[order] = position > last_retraction
    return stands


def standing_in(statements: pd.DataFrame) -> np.ndarray:
    """``standing`` for the rows of a ``statements`` table."""
    days = statements["date"].to_numpy("datetime64[D]").astype("int64")  # NaT is the lowest
    return standing(
        pd.factorize(statements["claim"])[0],
        pd.factorize(statements["source"])[0],
        statements["stance"].to_numpy(dtype=object),
        days,
        np.zeros(len(statements), dtype=np.int64),
    )


def statuses(
    claims: np.ndarray,
    speakers: np.ndarray,
    stances: np.ndarray,
    days: np.ndarray,
    groups: np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    """The status of each claim by the statements of each group, all groups at once.

    The five arrays run over statements: code of the claim, code of the speaker, stance (text),
    day (int64, undated lowest) and code of the group that the statement counts in. ``shape`` is
    (groups, claims). Returns int8 codes into ``STATUSES``, -1 where a group has nothing to say
    of a claim.

    Only what is ``standing`` counts; the rule for the rest stands in DATASET.md. A claim that
    nobody asserts or denies is *declined*.
    """
    n_cells = shape[0] * shape[1]
    if len(claims) == 0:
        return np.full(shape, -1, dtype=np.int8)
    stands = standing(claims, speakers, stances, days, groups)
    cell = groups * shape[1] + claims

    def seen(rows: np.ndarray) -> np.ndarray:
        return np.bincount(cell[rows], minlength=n_cells) > 0

    spoken = np.bincount(cell, minlength=n_cells) > 0
    asserted_once = seen(stances == "asserts")
    asserted = seen((stances == "asserts") & stands)
    denied = seen((stances == "denies") & stands)
    result = np.select(
        [
            ~spoken,
            asserted & denied,
            asserted,
            asserted_once,
            denied,
        ],
        [
            -1,
            STATUSES.index("contested"),
            STATUSES.index("sourced"),
            STATUSES.index("withdrawn"),
            STATUSES.index("denied"),
        ],
        default=STATUSES.index("declined"),
    )
    return result.astype(np.int8).reshape(shape)
