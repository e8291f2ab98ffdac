"""The reader's own layers: read whatever they come in, mended, simplified, sorted into classes."""

from __future__ import annotations

import gzip
import io
import json
import math
import sqlite3
import struct
import zipfile
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_palette import SIGHT, apart

from geo import overlays, symbols, texts
from geo.dataset import DatasetError
from geo.overlays import BUDGET_BYTES, HUES, MOST_CLASSES, QUIET, RAMP, classify, read, simplify

WEB = json.dumps


def geojson(*features: dict, **more) -> bytes:
    return WEB({"type": "FeatureCollection", "features": list(features), **more}).encode()


def feature(shape: shapely.Geometry | dict | None, **properties) -> dict:
    geometry = (
        json.loads(shapely.to_geojson(shape)) if isinstance(shape, shapely.Geometry) else shape
    )
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def districts() -> gpd.GeoDataFrame:
    """Three districts that share edges, on the plain of Kharkiv, in degrees."""
    shapes = [shapely.box(36 + i, 49, 37 + i, 50) for i in range(3)]
    data = {"name": ["Північ", "Центр", "Схід"], "people": [1000, 250_000, 31_000]}
    return gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326")


def zipped(folder: Path, *, without: tuple[str, ...] = (), **members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            if file.suffix not in without:
                archive.write(file, file.name)
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def shapefile(tmp_path) -> Path:
    """A folder with the districts as a shapefile of the UTM zone 37."""
    folder = tmp_path / "shp"
    folder.mkdir()
    districts().to_crs(32637).to_file(folder / "districts.shp", encoding="utf-8")
    return folder


def codes(raised) -> list[str]:
    return [problem.code for problem in raised.value.problems]


def refused(raw: bytes, name: str, layer: str | None = None) -> list[str]:
    """The codes of the problems of a file, each of which has words in both languages."""
    with pytest.raises(DatasetError) as raised:
        read(raw, name, layer)
    for problem in raised.value.problems:
        english, french = (texts.problem(problem, lang) for lang in ("en", "fr"))
        assert english != french and "{" not in texts.expected(problem, "en")
    return codes(raised)


# Reading: formats and reference systems


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32637", "EPSG:6384", "EPSG:28407"])
@pytest.mark.parametrize("suffix", [".gpkg", ".zip"])
def test_any_reference_system_becomes_degrees(tmp_path, crs, suffix):
    table = districts().to_crs(crs)
    if suffix == ".gpkg":
        table.to_file(tmp_path / "d.gpkg", layer="one")
        raw = (tmp_path / "d.gpkg").read_bytes()
    else:
        (tmp_path / "s").mkdir()
        table.to_file(tmp_path / "s" / "d.shp", encoding="utf-8")
        raw = zipped(tmp_path / "s")
    found = read(raw, f"d{suffix}")
    assert found.table.crs == "EPSG:4326"
    # Sides of a box in another projection are bowed between its corners; those stay.
    assert found.bounds == pytest.approx((36, 49, 39, 50), abs=1e-5)
    assert list(found.table["name"]) == list(districts()["name"])
    assert [(field.name, field.is_number) for field in found.fields] == [
        ("name", False),
        ("people", True),
    ]
    told = dict(found.notes)
    assert ("reprojected" in told) == (crs != "EPSG:4326")


def test_whose_data_it_is_may_stand_in_the_file():
    point = feature(shapely.Point(1, 2))
    assert read(geojson(point, attribution=" © A survey "), "a.geojson").attribution == "© A survey"
    assert read(geojson(point, attribution=["x"]), "a.geojson").attribution == ""


def test_a_path_is_read_as_its_bytes_are(tmp_path):
    file = tmp_path / "d.geojson"
    districts().to_file(file)
    assert read(file, file.name).table.equals(read(file.read_bytes(), file.name).table)


def test_geojson_of_before_2016_may_name_its_system():
    web = shapely.box(4_000_000, 6_000_000, 4_100_000, 6_100_000)
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    found = read(geojson(feature(web), crs=named), "old.geojson")
    assert found.bounds[0] == pytest.approx(35.93, abs=0.01)
    named["properties"]["name"] = "urn:ogc:def:crs:EPSG::1"
    assert refused(geojson(feature(web), crs=named), "old.geojson") == ["overlay-crs"]
    # Metres without a name are no degrees.
    assert refused(geojson(feature(web)), "old.geojson") == ["overlay-crs"]


GROUND = {"type": "Point", "coordinates": [30, 50, 9]}


@pytest.mark.parametrize(
    "content",
    [
        {"type": "Point", "coordinates": [30, 50]},
        {"type": "Feature", "properties": None, "geometry": GROUND},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [30, 50]}]},
    ],
)  # fmt: skip
def test_all_that_geojson_may_be_is_read(content):
    found = read(b"\xef\xbb\xbf" + WEB(content).encode(), "p.json")
    assert found.bounds == (30, 50, 30, 50)
    assert not shapely.has_z(found.table.geometry).any()


def test_values_of_any_kind_become_numbers_or_text():
    point = shapely.Point(1, 2)
    rows = [
        feature(point, n=1, mixed=1, nested={"a": [1]}, flag=True, geometry="x", void=None),
        feature(point, n=None, mixed="two", nested=None, flag=None, void=None),
    ]
    found = read(geojson(*rows, {"type": "Feature", "geometry": rows[0]["geometry"]}), "v.geojson")
    kinds = {field.name: field.is_number for field in found.fields}
    assert kinds == {"n": True, "mixed": False, "nested": False, "flag": False, "geometry_": False}
    assert list(found.table["nested"]) == ['{"a": [1]}', "", ""]


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>all</name><Folder><name>North</name>
<Placemark><name>Line &amp; <![CDATA[<b>x</b>]]></name><ExtendedData><Data name="km">
<value>12.5</value></Data></ExtendedData><LineString><coordinates>37,48,0 38,49,0
39,48.5,0</coordinates></LineString></Placemark></Folder>
<Placemark><name>Both</name><MultiGeometry><Point><coordinates>36,47</coordinates></Point>
<Polygon><outerBoundaryIs><LinearRing><coordinates>30,40 34,40 34,44 30,44 30,40</coordinates>
</LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing>
<coordinates>31,41 32,41 32,42 31,41</coordinates></LinearRing></innerBoundaryIs></Polygon>
</MultiGeometry></Placemark><Placemark><name>Nowhere</name></Placemark>
<Placemark><name>Broken</name><Point><coordinates>abc</coordinates></Point></Placemark>
</Document></kml>"""


def test_kml_is_read_with_its_folders_and_data():
    found = read(KML.encode(), "k.kml")
    assert list(found.table["name"]) == ["Line & <b>x</b>", "Both"]
    assert list(found.table["folder"]) == ["North", ""]
    assert found.table["km"][0] == 12.5
    assert dict(found.notes) == {"left-out": 2}
    assert [len(line) for line in simplify(found).lines] == [3, 1, 5, 4]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (KML.replace("<kml", '<!DOCTYPE kml [<!ENTITY a "aa">]><kml').encode(), "overlay-entities"),
        (
            KML.replace("<kml", '<!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/passwd">]><kml').encode(),
            "overlay-entities",
        ),
        (b"<kml>" + b"<Folder>" * 5000 + b"</Folder>" * 5000 + b"</kml>", "overlay-entities"),
        (b"<kml><Document></kml>", "overlay-xml"),
        (b"not xml", "overlay-xml"),
        (b"<kml/>", "overlay-empty"),
        (b'<?xml version="1.0" encoding="no-such"?><kml/>', "overlay-xml"),
        (b'<kml xmlns="}http://www.opengis.net/kml/2.2"/>', "overlay-xml"),  # found by fuzzing
    ],
)  # fmt: skip
def test_hostile_or_broken_xml_is_refused(raw, code):
    assert refused(raw, "k.kml") == [code]


def test_the_layers_of_a_geopackage_can_be_chosen(tmp_path):
    file = tmp_path / "two.gpkg"
    districts().to_file(file, layer="districts")
    line = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1000, 0)])], crs="EPSG:3857")
    line.to_file(file, layer="line", mode="a")
    first, second = read(file, "two.gpkg"), read(file, "two.gpkg", "line")
    assert first.layers == second.layers == ("districts", "line")
    assert (first.layer, second.layer) == ("districts", "line")
    assert second.bounds == pytest.approx((0, 0, 0.00898, 0), abs=1e-5)
    assert refused(file.read_bytes(), "two.gpkg", "third") == ["overlay-layer"]
    assert overlays.title(second) == "two: line"


def test_what_lies_nowhere_is_left_out_without_a_word_in_the_log(tmp_path):
    nowhere = shapely.LineString([(math.inf, math.inf), (math.inf, 50), (math.inf, math.inf)])
    shapes = gpd.GeoDataFrame(geometry=[nowhere, shapely.Point(37, 49)], crs="EPSG:4326")
    shapes.to_file(tmp_path / "nowhere.gpkg")
    found = read(tmp_path / "nowhere.gpkg", "nowhere.gpkg")  # warnings are errors here
    assert dict(found.notes) == {"left-out": 1}
    assert found.bounds == (37, 49, 37, 49)


def with_shape(file: Path, wkb: bytes) -> Path:
    """A GeoPackage whose only shape is one that no library would write."""
    districts().iloc[:1].to_file(file, layer="shape")
    with sqlite3.connect(file) as base:
        for (name,) in base.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            base.execute(f'DROP TRIGGER "{name}"')
        (blob,) = base.execute("SELECT geom FROM shape").fetchone()
        base.execute("UPDATE shape SET geom = ?", (b"GP\x00\x01" + blob[4:8] + wkb,))
    return file


def test_curves_become_lines(tmp_path):
    ring = [(36, 49), (37, 50), (38, 49), (37, 48), (36, 49)]
    arc = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", *xy) for xy in ring)
    file = with_shape(tmp_path / "curve.gpkg", struct.pack("<BII", 1, 10, 1) + arc)
    (shape,) = read(file, "curve.gpkg").table.geometry
    assert shape.area == pytest.approx(math.pi, rel=0.001)


def test_a_line_of_one_point_is_refused(tmp_path):
    """Found by fuzzing."""
    line = struct.pack("<BIIdd", 1, 2, 1, 36.0, 49.0)
    file = with_shape(tmp_path / "line.gpkg", line)
    assert refused(file.read_bytes(), "line.gpkg") == ["overlay-unreadable"]


# Reading: shapefiles with their parts


@pytest.mark.parametrize(
    ("without", "code"), [((".shx",), "overlay-member"), ((".shp",), "overlay-no-shp")]
)
def test_a_shapefile_without_its_parts_is_refused(shapefile, without, code):
    assert refused(zipped(shapefile, without=without), "d.zip") == [code]


def test_a_shapefile_without_fields_is_told_so(shapefile):
    found = read(zipped(shapefile, without=(".dbf",)), "d.zip")
    assert found.fields == () and "no-fields" in dict(found.notes)
    assert len(found.table) == 3


def test_without_prj_degrees_are_assumed_only_where_they_fit(tmp_path, shapefile):
    assert refused(zipped(shapefile, without=(".prj",)), "d.zip") == ["overlay-crs"]
    (tmp_path / "deg").mkdir()
    districts().to_file(tmp_path / "deg" / "d.shp")
    found = read(zipped(tmp_path / "deg", without=(".prj",)), "d.zip")
    assert "crs-assumed" in dict(found.notes)
    assert found.bounds == pytest.approx((36, 49, 39, 50))
    assert all(overlays.notes(found, lang) for lang in ("en", "fr"))


@pytest.mark.parametrize(
    ("encoding", "cpg"),
    [("cp1251", "1251"), ("cp1251", "ANSI 1251"), ("utf-8", "UTF-8"), ("koi8-u", "KOI8-U"),
     ("utf-8", None), ("cp866", "866")],
)  # fmt: skip
def test_texts_are_read_in_the_encoding_they_are_in(tmp_path, encoding, cpg):
    folder = tmp_path / "enc"
    folder.mkdir()
    names = ["Покровск", "Курахове" if encoding != "cp866" else "Курахово", "x"]
    districts().assign(name=names).to_file(folder / "d.shp", encoding=encoding)
    (folder / "d.cpg").unlink(missing_ok=True)
    if cpg:
        (folder / "d.cpg").write_text(cpg)
    assert list(read(zipped(folder), "d.zip").table["name"]) == names


def test_an_encoding_that_is_wrong_or_unknown_is_told(shapefile):
    (shapefile / "districts.cpg").write_text("nonsense-77")
    assert refused(zipped(shapefile), "d.zip") == ["overlay-encoding"]
    (shapefile / "districts.cpg").write_text("UTF-8")
    districts().assign(name=["Łódź", "é", "x"]).to_file(shapefile / "e.shp", encoding="cp1250")
    for suffix in (".shp", ".shx", ".dbf", ".prj"):
        (shapefile / f"e{suffix}").replace(shapefile / f"districts{suffix}")
    assert refused(zipped(shapefile), "d.zip", "districts") == ["overlay-encoding"]
    # Latin letters of an old file, without a word on what they are.
    found = read(zipped(shapefile, without=(".cpg",)), "d.zip")
    assert "encoding-guessed" in dict(found.notes)


@pytest.mark.parametrize("told", [b"\0TF-8", b"hex", b"rot13"])
def test_what_names_no_encoding_of_text_is_told(shapefile, told):
    (shapefile / "districts.cpg").write_bytes(told)
    assert refused(zipped(shapefile), "a.zip") == ["overlay-encoding"]


def test_a_coordinate_system_may_have_a_name_in_an_old_encoding(shapefile):
    """pyogrio failed on it, with an error of its own."""
    file = shapefile / "districts.prj"
    plain = read(zipped(shapefile), "a.zip")
    file.write_bytes(file.read_bytes().replace(b'PROJCS["WGS', b'PROJCS["\xc9WGS'))
    assert read(zipped(shapefile), "a.zip").table.geom_equals(plain.table).all()


def test_a_coordinate_system_that_cannot_be_written_down_is_told(tmp_path):
    districts().to_crs("+proj=aeqd +lat_0=49 +lon_0=37").to_file(tmp_path / "a.gpkg")
    content = (tmp_path / "a.gpkg").read_bytes()
    assert read(content, "a.gpkg").notes[0][0] == "reprojected"
    broken = content.replace(b'PROJCS["unknown"', b'PROJCS["\x80nknown"')
    assert refused(broken, "a.gpkg") == ["overlay-crs"]


def test_several_shapefiles_in_one_archive_are_layers(tmp_path):
    folder = tmp_path / "two"
    folder.mkdir()
    districts().to_file(folder / "a.shp")
    districts().iloc[:1].to_file(folder / "b.shp")
    raw = zipped(folder, **{"__MACOSX/._a.shp": b"junk"})
    assert read(raw, "two.zip").layers == ("a", "b")
    assert len(read(raw, "two.zip", "b").table) == 1


# Reading: what is refused


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("e.geojson", b"", "overlay-empty"),
        ("e.geojson", b'{"type": "FeatureCollection", "features": []}', "overlay-empty"),
        ("e.geojson", geojson(feature(None, a=1)), "overlay-empty"),
        ("e.geojson", geojson(feature(shapely.Polygon())), "overlay-empty"),
        ("e.geojson", b'{"type": "Topology"}', "overlay-format"),
        ("e.geojson", b"[1]", "overlay-format"),
        ("e.geojson", b"{", "bad-json"),
        ("e.geojson", b"[" * 200_000, "bad-json"),
        ("e.geojson", "é".encode("latin-1"), "encoding"),
        ("e.geojson", b'{"type": "Point", "coordinates": [500, 12]}', "overlay-crs"),
        ("e.geojson", b'{"type": "Point", "coordinates": [NaN, 12]}', "overlay-empty"),
        ("e.geojson", b'{"type": "Point", "coordinates": ["a", {}]}', "overlay-empty"),
        ("e.txt", b"x", "overlay-format"),
        ("e.gpkg", b"<OGRVRTDataSource/>", "overlay-unreadable"),
        ("e.gpkg", b"SQLite format 3\x00" + bytes(2000), "overlay-unreadable"),
        ("e.zip", b"PK\x03\x04 and no more", "overlay-zip"),
        ("e.zip", b"x", "overlay-zip"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_say_why(name, raw, code):
    assert refused(raw, name) == [code]


def test_a_file_that_points_elsewhere_is_not_followed(tmp_path, shapefile):
    """GDAL would open a virtual file whatever its name, and read what that names."""
    secret = tmp_path / "secret.csv"
    secret.write_text("lon,lat\n1,2\n")
    vrt = (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource>'
        '<GeometryType>wkbPoint</GeometryType><GeometryField encoding="PointFromColumns" x="lon" '
        'y="lat"/></OGRVRTLayer></OGRVRTDataSource>'
    ).encode()
    (tmp_path / "x.vrt").write_bytes(vrt)
    assert len(gpd.read_file(tmp_path / "x.vrt")) == 1, "it would be followed"
    for name in ("x.gpkg", "x.geojson", "x.kml"):
        refused(vrt, name)
    (shapefile / "districts.shp").write_bytes(vrt)
    assert refused(zipped(shapefile), "x.zip") == ["overlay-unreadable"]


@pytest.mark.parametrize(
    "path", ["../../evil.shp", "/etc/evil.shp", "a/../../evil.shp", "C:\\x.shp"]
)
def test_paths_that_lead_out_of_the_archive_are_refused(shapefile, path):
    assert refused(zipped(shapefile, **{path: b"x"}), "d.zip") == ["unsafe-path"]


def test_a_zip_that_would_burst_is_refused(shapefile):
    bomb = zipped(shapefile, **{"big.shp": bytes(150_000_000)})
    assert len(bomb) < 1_000_000
    assert refused(bomb, "d.zip") in (["too-large"], ["zip-bomb"])


def test_a_file_of_a_gigabyte_is_refused_unread(tmp_path):
    file = tmp_path / "big.geojson"
    with file.open("wb") as opened:
        opened.truncate(1_000_000_000)  # a hole: it takes no room
    with pytest.raises(DatasetError) as raised:
        read(file, file.name)
    assert codes(raised) == ["too-large"]
    assert "25 MB" in texts.problem(raised.value.problems[0], "en")


def test_too_many_points_are_refused(monkeypatch):
    monkeypatch.setattr(overlays, "MOST_POINTS", 100)
    line = shapely.LineString(np.random.default_rng(1).uniform(0, 50, (101, 2)))
    assert refused(geojson(feature(line)), "l.geojson") == ["overlay-points"]


# Mending


def test_shapes_that_cross_themselves_are_mended():
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    found = read(geojson(feature(bow)), "bow.geojson")
    assert found.table.geometry.is_valid.all() and dict(found.notes) == {"mended": 1}
    assert found.table.geometry[0].area == pytest.approx(2)
    assert "crossed itself" in overlays.notes(found, "en")[0]


def test_what_jumps_at_the_antimeridian_goes_on_past_it():
    box = [[179, 60], [-179, 60], [-179, 62], [179, 62], [179, 60]]
    hole = [[179.5, 60.5], [179.5, 61], [-179.5, 61], [179.5, 60.5]]
    polygon = {"type": "Polygon", "coordinates": [box, hole]}
    line = {"type": "LineString", "coordinates": [[-178, 0], [178, 1]]}
    found = read(
        geojson(feature(polygon), feature(line), feature(shapely.Point(190, 5))), "a.geojson"
    )
    area, way, point = found.table.geometry
    assert area.bounds == (179, 60, 181, 62)
    assert area.area == pytest.approx(4 - 0.25)
    assert way.bounds[2] - way.bounds[0] == 4
    assert point.x == -170
    # Already cut along it, or a cap round the pole: left as it is.
    cap = shapely.box(-180, -90, 180, -60)
    halves = shapely.MultiPolygon([shapely.box(178, 0, 180, 1), shapely.box(-180, 0, -178, 1)])
    found = read(geojson(feature(cap), feature(halves)), "b.geojson")
    assert found.table.geometry[0].equals(cap) and found.table.geometry[1].area == 4


def test_a_grid_across_the_antimeridian_is_not_torn():
    fiji = gpd.GeoDataFrame(geometry=[shapely.box(178, -19, 182, -16)], crs="EPSG:4326").to_crs(
        3460
    )
    packed = json.loads(fiji.to_json())
    packed["crs"] = {"type": "name", "properties": {"name": "EPSG:3460"}}
    found = read(WEB(packed).encode(), "fiji.geojson")
    west, south, east, north = found.bounds
    assert (west % 360, south, east - west, north) == pytest.approx((178, -19, 4, -16), abs=0.01)


# Simplifying


def wiggle(points: int, seed: int = 3) -> shapely.LineString:
    steps = np.random.default_rng(seed).normal(0, 0.002, (points, 2)).cumsum(axis=0)
    return shapely.LineString(steps + np.array([37, 48]))


def test_little_is_drawn_as_it_is():
    found = simplify(read(geojson(feature(shapely.box(30, 50, 31, 51))), "b.geojson"))
    assert (found.points, found.points_before, found.zoom) == (5, 5, 13)
    assert overlays.told(found, "en") == "Drawn with all of its 5 points."


def test_much_is_simplified_to_the_budget_and_told():
    overlay = read(geojson(feature(wiggle(200_000))), "w.geojson")
    found = simplify(overlay)
    size = len(json.dumps(found.shapes, separators=(",", ":")))
    assert size <= BUDGET_BYTES
    assert found.points < found.points_before == 200_000
    assert "of 200,000 points" in overlays.told(found, "en")
    # And no further than it must: a zoom nearer would not fit.
    assert size > BUDGET_BYTES / 6
    assert len(gzip.compress(json.dumps(found.shapes).encode())) < size / 1.5


def test_too_much_to_draw_is_refused(monkeypatch):
    monkeypatch.setattr(overlays, "MOST_DRAWN_BYTES", 2000)
    points = [feature(shapely.Point(i / 10, 5)) for i in range(500)]
    with pytest.raises(DatasetError) as raised:
        simplify(read(geojson(*points), "p.geojson"), 1000)
    assert codes(raised) == ["overlay-heavy"]


def test_districts_keep_their_common_edges():
    """The edge between two is drawn twice, along the very same points."""
    edge = np.column_stack(
        [37 + np.random.default_rng(5).normal(0, 0.01, 4000), np.linspace(49, 50, 4000)]
    )
    west = shapely.Polygon([(36, 49), *edge, (36, 50)])
    east = shapely.Polygon([(38, 49), *edge, (38, 50)])
    west, east = shapely.make_valid(west), shapely.make_valid(east)
    found = simplify(read(geojson(feature(west), feature(east)), "d.geojson"), 12_000)
    assert found.points < found.points_before / 3
    polygons = [shapely.Polygon(line) for line in found.lines]
    gap = shapely.union_all(polygons).area
    assert gap == pytest.approx(west.area + east.area, rel=1e-6)


lon, lat = st.floats(-179, 179), st.floats(-80, 80)
reach = st.floats(0.0001, 3)


@given(
    lon, lat, reach, st.integers(3, 400), st.integers(0, 9), st.sampled_from([600, 3000, 300_000])
)
@settings(max_examples=60)
def test_bounds_are_kept_within_the_tolerance(lon, lat, reach, count, seed, budget):
    turn = np.sort(np.random.default_rng(seed).uniform(0, 2 * np.pi, count))
    away = reach * np.random.default_rng(seed + 1).uniform(0.2, 1, count)
    ring = np.column_stack([lon + away * np.cos(turn), lat + away * np.sin(turn)])
    overlay = read(geojson(feature(shapely.LineString([*ring, ring[0]]))), "r.geojson")
    found = simplify(overlay, budget)
    kept = np.concatenate(found.lines)
    tolerance_deg = 360 * 0.5 / (256 * 2**found.zoom) + 1e-6
    bounds = [*kept.min(axis=0), *kept.max(axis=0)]
    assert bounds == pytest.approx(overlay.bounds, abs=tolerance_deg)
    # What the browser works out from the steps is what was simplified, to a quarter of that.
    unit = found.shapes["unit"]
    for (_row, _kind, lines), line in zip(found.shapes["features"], found.lines, strict=True):
        drawn = np.cumsum(np.reshape(lines[0], (-1, 2)), axis=0) * unit
        assert drawn[0] == pytest.approx(line[0], abs=unit)
        assert drawn[-1] == pytest.approx(line[-1], abs=unit)


@given(
    lon=st.floats(20, 52), lat=st.floats(40, 60), crs=st.sampled_from([3857, 32637, 5940, 28406])
)
@settings(max_examples=40)
def test_there_and_back_is_the_same_place(lon, lat, crs):
    there = gpd.GeoSeries([shapely.Point(lon, lat)], crs=4326).to_crs(crs)
    named = {"type": "name", "properties": {"name": f"EPSG:{crs}"}}
    found = read(geojson(feature(there[0]), crs=named), "p.geojson")
    # A grid with a datum of its own comes back to within some metres.
    assert found.bounds[:2] == pytest.approx((lon, lat), abs=5e-5)


# Classes


def overlay_of(**columns) -> overlays.Overlay:
    count = len(next(iter(columns.values())))
    rows = [{key: values[i] for key, values in columns.items()} for i in range(count)]
    shapes = [feature(shapely.Point(i / 100, 0), **row) for i, row in enumerate(rows)]
    return read(geojson(*shapes), "c.geojson")


def test_without_a_field_all_is_quiet():
    found = classify(overlay_of(a=["x", "y"]), None, "en")
    assert found.looks[0].colour == QUIET and found.words == ("",)
    with pytest.raises(KeyError):
        classify(overlay_of(a=["x"]), "b", "en")


def test_few_values_are_classes_and_many_have_a_rest():
    values = [f"v{i:02d}" for i in range(12) for _ in range(13 - i)] + [None]
    found = classify(overlay_of(a=values), "a", "en")
    assert len(found.words) == MOST_CLASSES + 1 == 9
    assert found.words[:8] == tuple(f"v{i:02d}" for i in range(8))
    assert found.words[8] == "4 other values"
    assert len({(look.colour, look.hatch) for look in found.looks}) == 9
    assert found.codes[-1] == 8
    assert classify(overlay_of(a=["x", ""]), "a", "fr").words == ("x", "sans valeur")


def test_numbers_are_quantiles_in_one_hue():
    values = [*np.random.default_rng(2).lognormal(5, 2, 500), None]
    overlay = overlay_of(a=values)
    found = classify(overlay, "a", "en")
    sizes = np.bincount(found.codes)
    assert len(found.looks) == len(RAMP) + 1
    assert sizes[:-1].max() - sizes[:-1].min() <= 2 and sizes[-1] == 1
    order = overlay.table["a"].to_numpy()[:-1]
    for code in range(len(RAMP) - 1):
        assert order[found.codes[:-1] == code].max() <= order[found.codes[:-1] == code + 1].min()
    assert [look.colour for look in found.looks[:-1]] == list(RAMP)


def test_numbers_that_are_mostly_one_still_have_classes():
    found = classify(overlay_of(a=[0.0] * 90 + list(range(1, 11))), "a", "en")
    assert len(found.words) == len(found.looks) == len(set(found.words))
    assert found.codes.max() < len(found.looks)


@pytest.mark.parametrize("sight", SIGHT)
def test_the_hues_differ_from_each_other_and_from_the_claims(sight):
    for one, other in combinations((*HUES, QUIET), 2):
        assert apart(one, other, sight) > 15, (one, other)
    # A claim's grey is for what was taken back: dotted and thin.
    for colour in {s.colour for s in symbols.table().values()} - {symbols.MUTED}:
        for hue in HUES:
            assert apart(hue, colour, sight) > 17, (hue, colour)
    steps = [apart(a, b, sight) for a, b in pairwise(RAMP)]
    assert min(steps) > 8


def test_the_content_holds_names_and_nothing_of_other_fields():
    overlay = overlay_of(name=["<b>one</b>", "{{ 7*7 }}"], secret=["s3", "s4"])
    found = overlays.content(overlay, "name", "name", "© someone", "en")
    assert found["labels"] == ["<b>one</b>", "{{ 7*7 }}"]
    assert [found["labels"][i] for i in found["named"]] == list(overlay.table["name"])
    assert "s3" not in WEB(found)
    assert found["attribution"] == "© someone"


# In few words


@pytest.fixture
def layers(tmp_path) -> Path:
    """A GeoPackage with two layers, the name of one of which begins that of the other."""
    file = tmp_path / "own.gpkg"
    districts().to_file(file, layer="districts")
    districts().head(2).rename(columns={"people": "troops"}).to_file(file, layer="districts:old")
    return file


@pytest.mark.parametrize(
    ("said", "layer", "field"),
    [
        ("", "districts", None),
        ("people", "districts", "people"),
        ("districts:people", "districts", "people"),
        ("districts:old", "districts:old", None),
        ("districts:old:troops", "districts:old", "troops"),
    ],
)
def test_a_layer_and_a_field_are_named_in_few_words(layers, said, layer, field):
    found = overlays.load(layers, said, " Me ")
    assert (found.overlay.layer, found.field, found.label) == (layer, field, "name")
    assert (found.attribution, found.opacity) == ("Me", overlays.OPACITY)


@pytest.mark.parametrize("said", ["peeple", "districts:old:people", "old"])
def test_a_field_that_is_not_there_is_told_with_those_that_are(layers, said):
    with pytest.raises(DatasetError) as raised:
        overlays.load(layers, said)
    (problem,) = raised.value.problems
    assert problem.code == "overlay-field" and problem.found == said.rpartition(":")[2]
    assert "name" in texts.expected(problem)


def test_the_sentence_names_every_layer_and_its_source(tmp_path):
    file = tmp_path / "front.geojson"
    file.write_bytes(geojson(feature(shapely.Point(37, 48)), attribution="An institute"))
    own, other = overlays.load(file), overlays.load(file, attribution="Me")
    nameless = replace(own, attribution=" ")
    assert overlays.sentence((own, other, nameless), "en") == (
        "Context under the claims, not claims: front (source: An institute); front (source: Me); "
        "front (source: not named)."
    )
    assert overlays.sentence((), "en") == "" and overlays.web_content((), "en") is None


# Online tiles


def test_tiles_on_offer_need_no_key_and_name_their_host():
    from xyzservices import providers

    assert len(overlays.tiles()) >= 4
    for name, each in overlays.tiles().items():
        assert not providers.query_name(name).requires_token()
        assert each.url.startswith(f"https://{each.host}/")
        assert all(part in each.url for part in ("{z}", "{x}", "{y}")) and "{s}" not in each.url
        assert each.url.count("{") == 3
        assert each.attribution and "<" not in each.attribution
