"""Files of strangers: each bad one has its own sentence, none hangs, crashes or fills memory."""

import io
import json
import os
import sqlite3
import stat
import time
import zipfile
from datetime import date, datetime
from functools import cache
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import intake, reading, texts
from geo.dataset import DatasetError, Problem
from geo.reading import MAX_FILE_BYTES, Raw, read

HEAD = "claim,source,stance,date,lon,lat\n"
ROW = "Été à l’ouest,s,says,2024-01-02,3.1,4.2\n"


def refused(source, name: str = "") -> Problem:
    """The one problem of a file that cannot be read; it has words in every language."""
    with pytest.raises(DatasetError) as raised:
        read(source, name)
    (problem,) = raised.value.problems
    for lang in texts.languages():
        assert texts.problem(problem, lang)
        assert isinstance(texts.mend(problem, lang), str)
    return problem


def workbook(rows: list[list], title: str = "Sheet", **sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for name, each in {title: rows, **sheets}.items():
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        for row in each:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def rezipped(content: bytes, change) -> bytes:
    """A .zip with each member's content passed through ``change(name, content)``."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for member in old.infolist():
            new.writestr(member.filename, change(member.filename, old.read(member)))
    return out.getvalue()


def zipped(**members: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def collection(*geometries: dict | None, **more) -> bytes:
    features = [{"type": "Feature", "properties": {"name": f"n{n}"}, "geometry": g}
                for n, g in enumerate(geometries)]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


@cache
def geopackage() -> bytes:
    import tempfile

    frame = gpd.GeoDataFrame(
        {"name": ["a", "b"], "n": [1, 2]},
        geometry=[shapely.Point(500_000, 5_300_000), shapely.box(500_000, 5.3e6, 510_000, 5.31e6)],
        crs=32633,
    )
    with tempfile.TemporaryDirectory() as folder:
        frame.to_file(Path(folder) / "g.gpkg", layer="spots")
        return (Path(folder) / "g.gpkg").read_bytes()


KML = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>Day 1</name>
<Placemark><name>P</name><description>&lt;b&gt;big&lt;/b&gt; town</description>
<TimeStamp><when>2024-10-18</when></TimeStamp><ExtendedData><Data name="source"><value>NIS</value>
</Data></ExtendedData><Point><coordinates>1.5,2.5,0</coordinates></Point></Placemark>
<Placemark><name>L</name><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark>
<Placemark><name>M</name><MultiGeometry><Point><coordinates>1,2</coordinates></Point>
<Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,0</coordinates></LinearRing>
</outerBoundaryIs></Polygon></MultiGeometry></Placemark>
</Folder><Placemark><name>nowhere</name></Placemark></Document></kml>"""


# Text and its encodings


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"), ("cp1252", "Windows-1252"),
    ],
)  # fmt: skip
def test_encodings_are_read_rightly_and_told_where_guessed(encoding, told):
    raw = read((HEAD + ROW * 3).encode(encoding), "a.csv")
    assert raw.rows[0][0] == "Été à l’ouest"
    assert [r.read_as for r in raw.remarks if r.code == "encoding"] == ([told] if told else [])


def test_an_encoding_that_nobody_knows_is_told():
    problem = refused((HEAD + "x\x81\x8d,s\n").encode("latin-1"), "a.csv")
    assert (problem.code, problem.row, problem.found) == ("encoding", 2, "0x81")


def test_nul_bytes_are_told_with_their_row():
    problem = refused((HEAD + "a\0b,s\n").encode(), "a.csv")
    assert (problem.code, problem.row, problem.found) == ("binary", 2, "0x00")


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_any_usual_separator(delimiter):
    text = (HEAD + "a,s,says,2024-01-02,3.1,4.2\n").replace(",", delimiter)
    assert read(text.encode(), "a.csv").columns == tuple(HEAD.strip().split(","))


def test_the_separator_line_of_a_spreadsheet_is_no_header():
    raw = read(b"sep=;\nclaim;source\na,b;s\n", "a.csv")
    assert (raw.columns, raw.rows, raw.numbers) == (("claim", "source"), (("a,b", "s"),), (3,))


def test_rows_are_numbered_as_a_spreadsheet_does_whatever_is_empty():
    raw = read(b'\n\nclaim,source\n\n"a\nb",s\n,\nc,t\n', "a.csv")
    assert raw.numbers == (5, 7)
    assert raw.rows == (("a\nb", "s"), ("c", "t"))


def test_headers_are_made_distinct_and_named():
    raw = read(b"date,date,,\n1,2,3,\n", "a.csv")
    assert raw.columns == ("date", "date (2)", "column 3")
    assert raw.rows == (("1", "2", "3"),)


def test_a_short_row_is_filled_up_and_a_long_one_told():
    raw = read(b"claim,source\na\nb,s,more\n", "a.csv")
    assert raw.rows == (("a", ""),)
    assert [(p.row, p.found, p.code) for p in raw.problems] == [(3, "more", "row-too-long")]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.csv", "empty-file"),
        (b" \r\n\t\n", "a.csv", "empty-file"),
        (b"\0" * 5000, "a.csv", "empty-file"),
        (b",,,\n,,\n", "a.csv", "empty-file"),
        (HEAD.encode(), "a.csv", "no-rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.csv", "other-kind"),
        (b"%PDF-1.7 ...", "a.csv", "other-kind"),
        (b"<!DOCTYPE html><html></html>", "a.csv", "other-kind"),
        (b"<svg/>", "a.kml", "other-kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "a.xls", "old-office"),
        (b'claim,source\n"a,s\nb,t\n', "a.csv", "open-quote"),
        (b"claim,source\n" + b"x" * 200_000 + b",s\n", "a.csv", "long-cell"),
        (b"PK\x03\x04 and no more", "a.xlsx", "not-a-package"),
        (b'{"type": "Feature", ', "a.geojson", "bad-json"),
        (b'{"a": ' + b"[" * 100_000, "a.geojson", "bad-json"),
        (b'{"type": "FeatureCollection", "features": [], "x": NaN}', "a.geojson", "bad-json"),
        (b'{"type": "Topology"}', "a.json", "not-geojson"),
        (b'{"type": "FeatureCollection", "features": []}', "a.json", "no-rows"),
        (b'{"type":' + b"[]," * 3_000_001 + b"1}", "a.json", "too-large"),
        (b"<kml><a></kml>", "a.kml", "bad-xml"),
        (b"<kml/>", "a.kml", "no-rows"),
        (b"<kml>" + b"<a>" * 200 + b"</a>" * 200 + b"</kml>", "a.kml", "bad-xml"),
        (b"SQLite format 3\0" + b"\0" * 5000, "a.gpkg", "bad-geopackage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_bad_file_has_its_own_sentence(content, name, code):
    problem = refused(content, name)
    assert (problem.table, problem.code) == (name, code)


def test_a_million_columns_are_refused_at_once():
    start = time.perf_counter()
    assert refused(b"a," * 1_000_000 + b"\nb\n", "a.csv").code == "too-many-columns"
    assert refused(HEAD.encode() + b"a," * 1_000_000 + b"\n", "a.csv").row == 2
    assert time.perf_counter() - start < 5


def test_more_rows_than_can_be_shown_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 10)
    assert refused((HEAD + ROW * 11).encode(), "a.csv").code == "too-many-rows"
    assert len(read((HEAD + ROW * 10).encode(), "a.csv").rows) == 10
    assert refused(workbook([["claim"], *[["x"]] * 11]), "a.xlsx").code == "too-many-rows"
    points = [{"type": "Point", "coordinates": [1, 2]}] * 11
    assert refused(collection(*points), "a.geojson").code == "too-many-rows"


# Files that are none


def test_a_gigabyte_is_refused_by_its_size_before_a_byte_is_read(tmp_path):
    file = tmp_path / "huge.csv"
    with file.open("wb") as opened:
        opened.truncate(1_000_000_000)  # sparse: takes no room
    start = time.perf_counter()
    assert refused(file).code == "too-large"
    assert time.perf_counter() - start < 1
    assert refused(b"x" * (MAX_FILE_BYTES + 1), "up.csv").code == "too-large"


def test_a_directory_is_a_package_or_told(tmp_path):
    assert refused(tmp_path).code == "not-a-package"
    (tmp_path / "datapackage.json").write_text("{}")
    assert read(tmp_path).kind == "package"


def test_what_is_not_there_or_no_file_is_told(tmp_path):
    assert refused(tmp_path / "none.csv").code == "file-missing"
    assert refused(tmp_path / ("x" * 300)).code == "file-missing"
    os.mkfifo(tmp_path / "pipe.csv")
    assert refused(tmp_path / "pipe.csv").code == "special-file"
    if Path("/dev/zero").exists():
        assert refused("/dev/zero").code == "special-file"


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    file = tmp_path / "a.csv"
    file.write_text(HEAD)

    def forbidden(_path):  # root may read everything, so that modes prove nothing
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    problem = refused(file)
    assert (problem.code, problem.found) == ("file-missing", "Permission denied")


# XLSX


def test_a_workbook_gives_what_its_cells_show():
    rows = [
        ["claim", "day", "n", "x", "yes", "at"],
        ["=not a formula", date(2024, 10, 18), 1500.0, 0.1, True, datetime(2024, 1, 2, 3, 4)],
    ]
    content = workbook(rows)
    # A text that starts with = is a text where the cell says so.
    book = openpyxl.load_workbook(io.BytesIO(content))
    book.active["A2"].data_type = "s"
    out = io.BytesIO()
    book.save(out)
    raw = read(out.getvalue(), "a.xlsx")
    expected = ("=not a formula", "2024-10-18", "1500", "0.1", "true", "2024-01-02 03:04")
    assert raw.rows == (expected,)
    assert (raw.problems, raw.remarks, raw.numbers) == ((), (), (2,))


def test_a_formula_without_a_stored_result_is_told_with_its_cell():
    raw = read(workbook([["claim", "n"], ["a", "=1+1"], ["b", 3]]), "a.xlsx")
    assert [(p.row, p.field, p.found, p.code) for p in raw.problems] == [
        (2, "n", "=1+1", "formula-empty")
    ]
    assert raw.rows == (("b", "3"),)


def test_the_stored_result_of_a_formula_is_used_and_told():
    def with_result(name: str, content: bytes) -> bytes:
        return content.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(
            b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"
        )

    raw = read(rezipped(workbook([["claim", "n"], ["a", "=1+1"]]), with_result), "a.xlsx")
    assert raw.rows == (("a", "2"),)
    assert [(r.code, r.rows) for r in raw.remarks] == [("formulas", (2,))]


def test_the_error_of_a_formula_is_told():
    book = openpyxl.Workbook()
    book.active.append(["claim", "n"])
    book.active.append(["a", "#REF!"])
    book.active["B2"].data_type = "e"
    out = io.BytesIO()
    book.save(out)
    (problem,) = read(out.getvalue(), "a.xlsx").problems
    assert (problem.row, problem.field, problem.code) == (2, "n", "cell-error")


def test_the_first_sheet_with_content_is_read_or_the_one_asked_for():
    content = workbook([], "Empty", First=[["a"], ["1"]], Second=[["b"], ["2"]])
    raw = read(content, "a.xlsx")
    assert (raw.parts, raw.part, raw.columns) == (("Empty", "First", "Second"), "First", ("a",))
    assert read(content, "a.xlsx", part="Second").columns == ("b",)
    assert raw.table == "First"


def test_a_sheet_that_lies_about_its_size_is_read_in_time():
    def vast(name: str, content: bytes) -> bytes:
        if not name.startswith("xl/worksheets"):
            return content
        content = content.replace(b'ref="A1:A2"', b'ref="A1:XFD1048576"')
        return content.replace(b"</sheetData>", b'<row r="999999999"/></sheetData>')

    start = time.perf_counter()
    raw = read(rezipped(workbook([["claim"], ["a"]]), vast), "a.xlsx")
    assert raw.rows == (("a",),)
    assert time.perf_counter() - start < 10


def test_a_sheet_with_too_many_columns_is_refused():
    assert refused(workbook([["a"] * 600, ["b"]]), "a.xlsx").code == "too-many-columns"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_a_workbook_are_refused(encoding):
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'.encode(encoding)

    def planted(name: str, content: bytes) -> bytes:
        return bomb if name == "xl/styles.xml" else content

    assert refused(rezipped(workbook([["a"], ["b"]]), planted), "a.xlsx").code == "xml-entities"


def test_a_spoiled_workbook_is_told():
    def spoiled(name: str, content: bytes) -> bytes:
        return b"<nothing/>" if name == "xl/workbook.xml" else content

    assert refused(rezipped(workbook([["a"], ["b"]]), spoiled), "a.xlsx").code in (
        "bad-xlsx",
        "empty-file",
    )


# Archives


def test_archives_that_burst_open_are_refused_before_they_are_unpacked():
    zeros = bytes(50_000_000)
    for name, members in [
        ("a.xlsx", {"xl/workbook.xml": b"", "xl/worksheets/s.xml": zeros}),
        ("a.kmz", {"doc.kml": zeros}),
        ("a.zip", {"datapackage.json": b"{}", "claims.csv": zeros}),
    ]:
        content = zipped(**members)
        assert len(content) < 100_000
        assert refused(content, name).code == "zip-bomb"


def test_a_sheet_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "_MAX_SHEET_BYTES", 1000)
    assert refused(workbook([["a"], ["b"]]), "a.xlsx").code == "too-large"


def test_too_many_members_are_refused():
    content = zipped(**{f"m{n}": b"" for n in range(2001)})
    problem = refused(content, "a.zip")
    assert (problem.code, problem.found) == ("too-large", "2001 files")


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["../a.csv"], "unsafe-path"),
        (["/etc/passwd"], "unsafe-path"),
        (["a\\..\\b.csv"], "unsafe-path"),
        (["C:/a.csv"], "unsafe-path"),
        (["claims.csv", "CLAIMS.csv"], "name-clash"),
        (["a", "a/b"], "name-clash"),
    ],
)
def test_path_tricks_are_refused(names, code):
    content = zipped(**{"datapackage.json": "{}"}, **dict.fromkeys(names, b"x"))
    assert refused(content, "a.zip").code == code


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(kind):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        member = zipfile.ZipInfo("claims.csv")
        member.create_system, member.external_attr = 3, (kind | 0o644) << 16
        archive.writestr(member, "/etc/passwd")
    assert refused(out.getvalue(), "a.zip").code == "unsafe-path"


def test_other_archives_are_named():
    assert refused(zipped(**{"word/document.xml": "x"}), "a.docx").found == "DOCX"
    assert refused(zipped(**{"a.shp": "x"}), "a.zip").found == "Shapefile"
    assert refused(zipped(**{"b.txt": "x"}), "a.zip").code == "not-a-package"


# Map files


def test_kml_gives_placemarks_with_their_words_and_shapes():
    raw = read(KML.encode(), "m.kml")
    cells = [dict(zip(raw.columns, row, strict=True)) for row in raw.rows]
    assert cells[0] == {
        "folder": "Day 1", "name": "P", "description": "big  town", "date": "2024-10-18",
        "source": "NIS",
    }  # fmt: skip
    kinds = [shape.geom_type if shape else None for shape in raw.shapes]
    assert kinds == ["Point", "LineString", "GeometryCollection", None]
    assert read(zipped(**{"doc.kml": KML}), "m.kmz").rows == raw.rows


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE kml SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE kml [<!ENTITY % p SYSTEM "http://example.org/x"> %p;]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_kml_are_refused(declared, encoding):
    content = f"{declared}<kml><Placemark><name>x</name></Placemark></kml>".encode(encoding)
    assert refused(content, "a.kml").code == "xml-entities"


def test_a_placemark_of_endless_elements_is_refused():
    content = b"<kml><Placemark>" + b"<a/>" * 30_000 + b"</Placemark></kml>"
    assert refused(content, "a.kml").code == "too-large"


def test_geojson_gives_features_and_tells_the_broken_ones():
    raw = read(
        collection(
            {"type": "Point", "coordinates": [1, 2]},
            None,
            {"type": "Point", "coordinates": ["x", 2]},
            {"type": "Hexagon"},
            {"type": "Point", "coordinates": [500_000, 4_000_000]},
            {"type": "Point", "coordinates": [1, 100]},
        ),
        "a.geojson",
    )
    assert raw.numbers == (1, 2)
    assert [(p.row, p.code) for p in raw.problems] == [
        (3, "geometry"), (4, "geometry"), (5, "projected"), (6, "swapped-shape"),
    ]  # fmt: skip


def test_another_coordinate_system_is_converted_and_told():
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    raw = read(collection({"type": "Point", "coordinates": [500_000, 4e6]}, crs=crs), "a.json")
    assert raw.shapes[0].x == pytest.approx(4.4916, abs=1e-3)
    assert [r.code for r in raw.remarks] == ["crs"]
    crs["properties"]["name"] = "Middle Earth"
    point = {"type": "Point", "coordinates": [1, 2]}
    assert refused(collection(point, crs=crs), "a.json").code == "unknown-crs"


def test_geopackage_gives_features_in_degrees():
    raw = read(geopackage(), "g.gpkg")
    assert raw.part == "spots" and raw.columns == ("fid", "name", "n")
    assert raw.shapes[0].x == pytest.approx(15.0, abs=1e-6)
    assert raw.shapes[1].geom_type == "Polygon"
    assert [r.code for r in raw.remarks] == ["crs"]


def spoiled_geopackage(tmp_path: Path, *statements: str) -> bytes:
    file = tmp_path / "s.gpkg"
    file.write_bytes(geopackage())
    database = sqlite3.connect(file)
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    for (trigger,) in database.execute(triggers).fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return file.read_bytes()


def test_a_view_that_computes_for_ever_is_not_asked(tmp_path):
    content = spoiled_geopackage(
        tmp_path,
        "CREATE VIEW evil AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) "
        "SELECT x AS geom FROM c",
        "UPDATE gpkg_geometry_columns SET table_name = 'evil'",
        "UPDATE gpkg_contents SET table_name = 'evil'",
    )
    start = time.perf_counter()
    assert refused(content, "s.gpkg").code == "no-rows"
    assert time.perf_counter() - start < 5


def test_a_database_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_DATABASE_S", -1.0)
    content = spoiled_geopackage(
        tmp_path,
        "DELETE FROM gpkg_contents",
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) WITH RECURSIVE "
        "c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 50000) "
        "SELECT 't' || x, 'features', 'i' || x, 0 FROM c",
    )
    assert refused(content, "s.gpkg").code in ("bad-geopackage", "no-rows")


def test_a_broken_geometry_in_a_geopackage_is_told(tmp_path):
    content = spoiled_geopackage(tmp_path, "UPDATE spots SET geom = x'475000' WHERE fid = 1")
    assert [(p.row, p.code) for p in read(content, "s.gpkg").problems] == [(1, "geometry")]


def test_a_geopackage_with_a_name_that_is_no_text_is_refused(tmp_path):
    """SQLite quotes the name in its message, which Python cannot read as text then."""
    content = spoiled_geopackage(tmp_path, "CREATE TABLE quoted_here (a)")
    broken = content.replace(b"quoted_here (a)", b"quoted_here )))")
    broken = broken.replace(b"quoted_here", b"quoted\x80here")
    problem = refused(broken, "s.gpkg")
    assert problem.code == "bad-geopackage"
    assert "malformed database schema" in problem.found and "\ufffd" in problem.found


# Laws


def only_dataset_error(content: bytes, name: str) -> Raw | None:
    try:
        return read(content, name)
    except DatasetError as error:
        assert error.problems
        for problem in error.problems:
            assert texts.problem(problem, "fr")
        return None


def used(raw: Raw | None) -> None:
    """A file that could be read goes through all the rest without raising."""
    if raw is not None and raw.kind == "table":
        matching = intake.propose(raw)
        intake.preview(raw, matching)
        built = intake.build(raw, matching, leave_out=True)
        for remark in built.remarks:
            assert texts.remark(remark, "fr")


BEGINNINGS = [b"", b"PK\x03\x04", b"<kml>", b'{"type":', b"SQLite format 3\0", b"\xff\xfe",
              b"claim,source,date,lon,lat\n", b"claim;source;place\n"]  # fmt: skip


@settings(max_examples=150)
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_dataset_errors(beginning, content):
    only_dataset_error(beginning + content, "a.csv")


@cache
def seeds() -> tuple[bytes, ...]:
    """One sound file of each format; made once, as a workbook bears the time of its making."""
    line = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
    book = workbook([["claim", "source", "n"], ["a", "s", 1], ["b", "t", "=1"]])
    return book, geopackage(), KML.encode(), zipped(**{"doc.kml": KML}), collection(line)


@settings(max_examples=120)
@given(st.data())
def test_spoiled_files_raise_nothing_but_dataset_errors(data):
    content = bytearray(data.draw(st.sampled_from(seeds())))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 3))
    only_dataset_error(bytes(content[: len(content) // cut] if cut else content), "a")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "coordinates", "geometry", "geometries", "properties", "crs"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=100)
@given(st.sampled_from(reading._GEOMETRIES), JSON, JSON)
def test_any_json_geometry_is_read_or_told(kind, coordinates, crs):
    geometry = {"type": kind, "coordinates": coordinates, "geometries": coordinates}
    raw = only_dataset_error(collection(geometry, crs=crs), "a.geojson")
    assert raw is None or len(raw.rows) + len(raw.problems) == 1


CELLS = st.sampled_from(
    ["", "a", "asserts", "NON", "2024-02-30", "03/04/2024", "18/10/2024", "1 oct. 2024", "2024",
     "43,1", "-12.5", "0", "999999", "1e400", "Paris", "Vladivostok", "é\u0301", "=1+1", "\u202e",
     "1,500", "43°06′36″ N", "12 E", "nan", "B2", "SSO", "\ufffd"]
)  # fmt: skip
HEADERS = st.lists(
    st.sampled_from([f.name for f in intake.FIELDS]), min_size=2, max_size=8, unique=True
)


@settings(max_examples=40)
@given(st.data())
def test_any_table_is_built_or_told(data):
    header = data.draw(HEADERS)
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)),
                              min_size=1, max_size=4))  # fmt: skip
    quoted = [",".join(f'"{cell}"' for cell in row) for row in [header, *rows]]
    used(only_dataset_error("\n".join(quoted).encode(), "a.csv"))
