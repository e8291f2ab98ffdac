"""The bundled basemap: what is on it, how it is cut, and what goes to the browser."""

import ast
import hashlib
import json
import math
import subprocess
import sys
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from geo import basemap

FOLDER = basemap._FOLDER
ROOT = FOLDER.parent.parent
PRIMORYE = (125.0, 38.0, 137.0, 46.5)
DONBAS = (35.5, 47.0, 39.5, 49.5)
SCALES = ("10m", "50m")
LAYERS = {
    "countries": lambda bounds: basemap.countries("10m", bounds),
    "countries 50m": lambda bounds: basemap.countries("50m", bounds),
    "land": lambda bounds: basemap.land("10m", bounds),
    "land 50m": lambda bounds: basemap.land("50m", bounds),
    "borders": lambda bounds: basemap.borders("10m", bounds),
    "borders 50m": lambda bounds: basemap.borders("50m", bounds),
    "lakes": basemap.lakes,
    "rivers": basemap.rivers,
    "admin1": basemap.admin1,
    "towns": basemap.towns,
    "names": basemap.names,
}
GEOD = Geod(ellps="WGS84")


def country_at(lon: float, lat: float, scale: str) -> list[str]:
    frame = basemap.countries(scale)
    return frame.loc[frame.contains(shapely.Point(lon, lat)), "iso_a2"].tolist()


def dumped(layers: dict) -> str:
    return json.dumps(layers, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def layers(bounds) -> dict[str, dict]:
    """All that a browser gets of the basemap, the names apart."""
    world = basemap.web_world(bounds)
    names = {"names": world.pop("names")}
    return {"world": world, "detail": basemap.web_detail(bounds), "labels": names}


@pytest.fixture(scope="module")
def web() -> dict[str, dict]:
    return layers([PRIMORYE, DONBAS])


# What is on the map


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("lon", "lat", "iso"),
    [
        (34.1, 44.95, "UA"),  # Simferopol
        (37.177, 48.28, "UA"),  # Pokrovsk
        (39.3, 48.57, "UA"),  # Luhansk
        (131.95, 43.8, "RU"),  # Ussuriysk
        (127.0, 40.0, "KP"),
        (128.0, 36.5, "KR"),
        (33.5, 35.3, "CY"),  # north of Nicosia
        (45.0, 9.8, "SO"),  # Somaliland
        (2.35, 48.85, "FR"),
        (7.5, 61.0, "NO"),
    ],
)
def test_country_in_law(lon: float, lat: float, iso: str, scale: str) -> None:
    assert country_at(lon, lat, scale) == [iso]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("lon", "lat"),
    [(132.0, 41.0), (35.0, 43.5), (36.6, 46.0), (50.5, 42.0), (-40.0, 33.0), (179.9, 20.0)],
)
def test_open_sea_is_not_land(lon: float, lat: float, scale: str) -> None:
    assert not basemap.land(scale).contains(shapely.Point(lon, lat)).any()
    assert country_at(lon, lat, scale) == []


@pytest.mark.parametrize("scale", SCALES)
def test_land_reaches_across_the_world(scale: str) -> None:
    land = basemap.land(scale)
    for lon, lat in [(-100, 45), (20, 5), (134, -25), (0, -80), (-42, 75), (105, 60), (178.2, 66)]:
        assert land.contains(shapely.Point(lon, lat)).sum() == 1
    ground_km2 = sum(abs(GEOD.geometry_area_perimeter(shape)[0]) for shape in land.geometry) / 1e6
    assert ground_km2 == pytest.approx(148.9e6, rel=0.02)


def test_vladivostok_lies_on_russian_land() -> None:
    russia = basemap.countries("10m", (131.0, 42.5, 133.0, 44.0)).set_index("iso_a2")
    shape = russia.at["RU", "geometry"]
    city = shapely.Point(131.87353, 43.10562)
    nearest = shapely.shortest_line(city, shape).coords[-1]
    assert GEOD.inv(city.x, city.y, *nearest)[2] < 3_000


def test_countries_lie_on_the_land() -> None:
    box = (124.0, 33.0, 146.0, 48.0)
    land = shapely.union_all(basemap.land("10m", box).geometry)
    countries = shapely.union_all(basemap.countries("10m", box).geometry)
    assert shapely.area(shapely.difference(countries, land)) < 1e-4
    assert 0.01 < shapely.area(shapely.difference(land, countries)) < 0.2  # the islets


@pytest.mark.parametrize("scale", SCALES)
def test_countries_have_one_row_a_code_and_two_names(scale: str) -> None:
    frame = basemap.countries(scale)
    assert frame["adm0_a3"].is_unique
    assert frame["iso_a2"].dropna().is_unique
    assert {"KP", "KR", "RU", "UA", "FR", "US", "XK", "TW", "PS"} <= set(frame["iso_a2"].dropna())
    assert frame["iso_a2"].isna().sum() <= 5
    assert (
        frame[["name", "name_fr"]].map(lambda name: bool(name) and name[0].isupper()).all(axis=None)
    )
    names = frame.set_index("iso_a2")[["name", "name_fr"]]
    assert tuple(names.loc["KP"]) == ("North Korea", "Corée du Nord")
    assert tuple(names.loc["CN"]) == ("China", "Chine")
    assert "é" in names.at["ID", "name_fr"]  # the encoding of the source


@pytest.mark.parametrize("scale", SCALES)
def test_neighbours_neither_overlap_nor_gape(scale: str) -> None:
    shapes = basemap.countries(scale).geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)


# Borders


@pytest.mark.parametrize("scale", SCALES)
def test_korean_border_is_drawn_once(scale: str) -> None:
    """204 km at these scales (about 240 with every bend); twice or thrice that if doubled."""
    borders = basemap.borders(scale, (126.0, 37.0, 129.0, 39.5))
    length_km = sum(GEOD.geometry_length(line) for line in borders.geometry) / 1e3
    assert set(zip(borders["country_a"], borders["country_b"], strict=True)) <= {("KR", "KP")}
    assert 190 < length_km < 250
    for lon in (127.0, 127.5, 128.0):
        meridian = shapely.LineString([(lon, 37), (lon, 39.5)])
        crossings = shapely.get_parts(shapely.intersection(borders.union_all(), meridian))
        assert len(crossings) == 1


@pytest.mark.parametrize("scale", SCALES)
def test_no_border_twice_and_none_along_a_coast(scale: str) -> None:
    lines = basemap.borders(scale).geometry.to_numpy()
    once = shapely.length(shapely.union_all(lines))
    assert shapely.length(lines).sum() == pytest.approx(once, rel=1e-6)
    shore = shapely.boundary(shapely.union_all(basemap.countries(scale).geometry.to_numpy()))
    along = shapely.length(shapely.intersection(shapely.multilinestrings(lines), shore))
    # What is left, at 1:10m, are the rims of the lands that no country holds: see the next test.
    assert along < (9 if scale == "10m" else 1e-6)


def test_lands_that_no_country_holds_have_a_border_all_round() -> None:
    frame = basemap.borders("10m", (27.5, 9.0, 29.5, 10.5))
    rim = frame[frame["country_a"].isna() | frame["country_b"].isna()]
    assert rim["disputed"].all()
    abyei = shapely.polygonize(shapely.get_parts(shapely.union_all(rim.geometry.to_numpy())))
    assert abyei.contains(shapely.Point(28.4, 9.8))


def test_no_border_cuts_crimea_off_but_a_line_of_its_oblast_does() -> None:
    perekop = (33.4, 45.95, 34.0, 46.3)
    assert basemap.borders("10m", perekop).empty
    assert not basemap.admin1(perekop).empty


@pytest.mark.parametrize(
    ("a", "b", "disputed"),
    [("RS", "XK", True), ("EH", "MA", True), ("FR", "DE", False), ("RU", "UA", False)],
)
def test_disputed_borders(a: str, b: str, disputed: bool) -> None:
    frame = basemap.borders("10m")
    pair = [{x, y} == {a, b} for x, y in zip(frame["country_a"], frame["country_b"], strict=True)]
    assert sum(pair) >= 1
    assert set(frame.loc[pair, "disputed"]) == {disputed}


def test_oblast_lines_near_pokrovsk() -> None:
    """The line between Donetsk and Dnipropetrovsk oblasts runs 25 to 40 km west of the town."""
    lines = basemap.admin1((36.0, 48.0, 37.17, 48.5)).union_all()
    start = shapely.Point(37.17706, 48.28014)
    end = shapely.shortest_line(start, lines).coords[-1]
    assert 10_000 < GEOD.inv(start.x, start.y, *end)[2] < 45_000


# Towns and names


def test_towns_hold_those_of_the_story() -> None:
    towns = basemap.towns().set_index("geonames_id")
    assert towns.index.is_unique
    expected = {
        704422: ("Pokrovsk", "UA", 37.17706, 48.28014),
        691077: ("Tsukuryne", "UA", 37.30982, 48.08376),
        2013348: ("Vladivostok", "RU", 131.87353, 43.10562),
        2044757: ("Chongjin", "KP", 129.77583, 41.79556),
        1835848: ("Seoul", "KR", 126.9784, 37.566),
    }
    for number, (name, country, lon, lat) in expected.items():
        row = towns.loc[number]
        assert (row["name"], row["country"]) == (name, country)
        assert (row.geometry.x, row.geometry.y) == pytest.approx((lon, lat), abs=1e-4)
    assert towns["population"].min() >= 500
    assert len(towns) > 150_000


def test_towns_of_a_size_in_a_box() -> None:
    everywhere = basemap.towns()
    found = basemap.towns(DONBAS, min_population=10_000)
    west, south, east, north = DONBAS
    x, y = everywhere.geometry.x, everywhere.geometry.y
    wanted = everywhere[x.between(west, east) & y.between(south, north)]
    wanted = wanted[wanted["population"] >= 10_000]
    assert set(found["geonames_id"]) == set(wanted["geonames_id"])
    assert 704422 in set(found["geonames_id"])
    assert 691077 not in set(found["geonames_id"])


def test_names_are_complete_and_at_sea_when_they_should_be() -> None:
    names = basemap.names()
    assert set(names["kind"]) == {"ocean", "sea", "bay", "strait", "region", "country"}
    assert (names["min_zoom"] <= names["max_zoom"]).all()
    assert names["min_zoom"].between(0, 12).all()
    assert names[["name", "name_fr"]].notna().all(axis=None)
    assert "Sea of Japan / East Sea" in set(names["name"])
    assert "Mer du Japon / Mer de l’Est" in set(names["name_fr"])
    land = basemap.land("50m")
    points = names[names["kind"].isin(["ocean", "sea", "bay", "strait"])]
    ashore = points.sjoin(land, predicate="within")["name"]
    # The Aral Sea and the Sivash are inland water, the Bosporus too narrow for this scale.
    assert set(ashore) <= {"Aral Sea", "Sivash", "Bosporus", "Dardanelles"}


@pytest.mark.parametrize("box", [PRIMORYE, DONBAS, (170.0, 50.0, 195.0, 68.0)])
def test_country_labels_stand_in_the_box_on_their_country(box: basemap.Bounds) -> None:
    frame = basemap.countries("10m", box)
    west, south, east, north = box
    assert frame["label_lon"].between(west, east).all()
    assert frame["label_lat"].between(south, north).all()
    points = gpd.points_from_xy(frame["label_lon"], frame["label_lat"])
    assert shapely.contains(frame.geometry.to_numpy(), points).all()
    named = basemap.names(box)
    assert {"Russia"} <= set(named.loc[named["kind"] == "country", "name"])


# Cutting


def assert_inside(frame: gpd.GeoDataFrame, box: basemap.Bounds) -> None:
    if len(frame):
        west, south, east, north = frame.total_bounds
        assert west >= box[0] - 1e-9 and south >= box[1] - 1e-9
        assert east <= box[2] + 1e-9 and north <= box[3] + 1e-9


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("box", [PRIMORYE, DONBAS, (170.0, 50.0, 195.0, 68.0)])
def test_a_cut_layer_stays_in_its_box_and_keeps_its_type(name: str, box: basemap.Bounds) -> None:
    whole, cut = LAYERS[name](None), LAYERS[name](box)
    assert_inside(cut, box)
    assert list(cut.columns) == list(whole.columns)
    assert cut.crs == whole.crs == "EPSG:4326"
    assert cut.index.equals(whole.index[: len(cut)])
    assert set(cut.geom_type) <= set(whole.geom_type)
    assert cut.is_valid.all() and not cut.is_empty.any()


@settings(max_examples=60, deadline=None)
@given(
    west=st.floats(-200, 179),
    south=st.floats(-89, 88),
    width=st.floats(0.01, 60),
    height=st.floats(0.01, 40),
)
def test_a_cut_loses_and_adds_no_ground(
    west: float, south: float, width: float, height: float
) -> None:
    """For any box, the pieces are just what an exact intersection leaves, over 180 degrees too."""
    box = (west, south, west + width, min(south + height, 90.0))
    cut = basemap.land("50m", box)
    assert_inside(cut, box)
    shapes = basemap.land("50m").geometry.to_numpy()
    exact = 0.0
    for turn in (-360, 0, 360):
        window = shapely.box(box[0] - turn, box[1], box[2] - turn, box[3])
        exact += shapely.area(shapely.intersection(shapes, window)).sum()
    assert shapely.area(cut.geometry.to_numpy()).sum() == pytest.approx(exact, abs=1e-6)


def test_a_country_over_the_180th_meridian_is_one_row_without_a_seam() -> None:
    frame = basemap.countries("10m", (170.0, 60.0, 195.0, 72.0)).set_index("iso_a2")
    assert frame.index.is_unique
    chukotka = frame.at["RU", "geometry"]
    assert chukotka.contains(shapely.Point(180.0, 67.5))
    assert chukotka.bounds[2] > 189


@pytest.mark.parametrize("name", LAYERS)
def test_callers_cannot_spoil_the_cache(name: str) -> None:
    first = LAYERS[name](None)
    before = first.copy()
    first["geometry"] = shapely.Point(0, 0)
    first["more"] = 1
    first.iloc[0] = first.iloc[1]
    cut = LAYERS[name](DONBAS)
    cut["geometry"] = shapely.Point(0, 0)
    again = LAYERS[name](None)
    assert again.drop(columns="geometry").equals(before.drop(columns="geometry"))
    assert again.geometry.geom_equals(before.geometry).all()


@pytest.mark.parametrize(
    "box",
    [
        (10.0, 0.0, 5.0, 5.0),
        (0.0, 5.0, 5.0, 5.0),
        (0.0, 0.0, math.nan, 5.0),
        (0.0, 0.0, math.inf, 5.0),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_a_box_that_is_none_is_refused(name: str, box: basemap.Bounds) -> None:
    with pytest.raises(ValueError, match="west, south, east, north"):
        LAYERS[name](box)


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="10m or 50m"):
        basemap.land("110m")


def test_a_missing_file_says_how_to_get_it_back(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(basemap, "_FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"build\.py"):
        basemap._path("land-10m.parquet")


@pytest.mark.parametrize(
    ("call", "most_cpu_s"), [("land('10m')", 0.25), ("countries('50m')", 0.1), ("towns()", 0.3)]
)
def test_first_reading_is_quick(call: str, most_cpu_s: float) -> None:
    """In a process of its own, imports aside, in processor time, for other work shares the cores.

    It is the time of all threads: on an idle machine the clock shows about half.
    """
    code = (
        "import time\nfrom geo import basemap\nbasemap.borders('50m')\n"
        f"start = time.process_time()\nbasemap.{call}\nprint(time.process_time() - start)"
    )
    run = [sys.executable, "-c", code]
    taken_s = [
        float(subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        for _ in range(3)
    ]
    assert min(taken_s) < most_cpu_s


# What goes to the browser


def test_web_layers_are_small(web: dict[str, dict]) -> None:
    size = {name: len(dumped(layers).encode()) for name, layers in web.items()}
    assert size["world"] <= 700_000
    assert size["detail"] <= 1_500_000
    assert size["labels"] <= 100_000


def points_of(coordinates: list) -> list[list[float]]:
    if isinstance(coordinates[0], float):
        return [coordinates]
    return [point for part in coordinates for point in points_of(part)]


def test_web_layers_are_sound_geojson(web: dict[str, dict]) -> None:
    for part, digits in (("world", 2), ("detail", 3)):
        for name, collection in web[part].items():
            assert collection["type"] == "FeatureCollection"
            assert collection["features"], f"{part} {name} is empty"
            for feature in collection["features"]:
                geometry = shapely.geometry.shape(feature["geometry"])
                assert geometry.is_valid and not geometry.is_empty
                points = np.array(points_of(feature["geometry"]["coordinates"]))
                # Three decimals hold the towns of both.
                assert np.abs(points - points.round(3 if name == "towns" else digits)).max() == 0
    for line in web["detail"]["coast"]["features"][0]["geometry"]["coordinates"]:
        assert all(a != b for a, b in pairwise(line))


def test_web_detail_stays_near_its_boxes(web: dict[str, dict]) -> None:
    for collection in web["detail"].values():
        for feature in collection["features"]:
            for part in shapely.get_parts(shapely.geometry.shape(feature["geometry"])):
                west, south, east, north = part.bounds
                assert any(
                    west >= box[0] - 0.7 and south >= box[1] - 0.5
                    and east <= box[2] + 0.7 and north <= box[3] + 0.5
                    for box in (PRIMORYE, DONBAS)
                )  # fmt: skip


def test_web_towns_appear_with_zoom(web: dict[str, dict]) -> None:
    towns = [f["properties"] for f in web["detail"]["towns"]["features"]]
    zoom = {town["name"]: town["min_zoom"] for town in towns}
    assert len(towns) <= 1500
    assert zoom["Vladivostok"] <= 6
    assert zoom["Donetsk"] <= 6
    assert zoom["Nakhodka"] <= 7  # not hidden behind its port
    assert zoom["Mariupol"] <= 7 < zoom["Pravyi Bereh"]  # nor behind a quarter with more people
    assert zoom["Pokrovsk"] <= 9
    assert zoom["Tsukuryne"] <= 12
    for box, level, fewest, most in (
        (PRIMORYE, 7, 15, 90),
        (DONBAS, 9, 60, 220),
        (DONBAS, 11, 250, 700),
    ):
        seen = 0
        for feature in web["detail"]["towns"]["features"]:
            lon, lat = feature["geometry"]["coordinates"]
            inside = box[0] <= lon <= box[2] and box[1] <= lat <= box[3]
            seen += inside and feature["properties"]["min_zoom"] <= level
        assert fewest <= seen <= most


def test_web_towns_leave_each_other_room(web: dict[str, dict]) -> None:
    """At the zoom where a town appears, none of those there lies within its label's space."""
    width, height = basemap._LABEL_PX
    features = web["detail"]["towns"]["features"]
    lon, lat = np.array([f["geometry"]["coordinates"] for f in features]).T
    zoom = np.array([f["properties"]["min_zoom"] for f in features])
    y = np.log(np.tan(np.pi / 4 + np.deg2rad(lat) / 2))
    for i in range(len(features)):
        scale = 256 * 2.0 ** zoom[i]
        dx = np.abs(lon - lon[i]) / 360 * scale
        dy = np.abs(y - y[i]) / (2 * np.pi) * scale
        # A pixel for the rounding of coordinates, at zoom 12 some five.
        slack = 1 + scale * 0.002 / 360
        near = (dx < width - slack) & (dy < height - slack) & (zoom <= zoom[i])
        assert near.sum() == 1


def test_a_small_box_keeps_its_share_of_the_towns() -> None:
    features = basemap.web_detail([PRIMORYE, DONBAS], max_towns=100)["towns"]["features"]
    lon = np.array([f["geometry"]["coordinates"][0] for f in features])
    assert len(features) == 100
    assert (lon < 60).sum() == 50


def test_boxes_that_overlap_are_drawn_once() -> None:
    twice = layers([DONBAS, (36.5, 47.5, 38.0, 48.5)])
    assert dumped(twice["detail"]) == dumped(layers(DONBAS)["detail"])


def test_a_world_wide_box_gets_no_detail() -> None:
    found = layers((20.0, 20.0, 140.0, 60.0))
    assert all(not collection["features"] for collection in found["detail"].values())
    assert found["world"]["countries"]["features"]
    with pytest.raises(ValueError, match="west, south, east, north"):
        layers([DONBAS, (1.0, 1.0, 0.0, 2.0)])


def test_web_labels_name_the_country_in_each_box(web: dict[str, dict]) -> None:
    russia = [
        feature["geometry"]["coordinates"]
        for feature in web["labels"]["names"]["features"]
        if feature["properties"]["name"] == "Russia"
    ]
    assert len(russia) == 3
    assert sum(125 < lon < 138 and 38 < lat < 47 for lon, lat in russia) == 1
    seas = [
        feature
        for feature in web["labels"]["names"]["features"]
        if feature["properties"]["name"] == "Sea of Japan / East Sea"
    ]
    assert len(seas) == 1


# Where it comes from


def test_attribution() -> None:
    assert "GeoNames" in basemap.ATTRIBUTION and "CC BY 4.0" in basemap.ATTRIBUTION
    assert "Natural Earth" in basemap.ATTRIBUTION
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert basemap.ATTRIBUTION in readme


def test_manifest_matches_the_files() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    listed = {entry["file"]: entry for entry in manifest["files"]}
    assert set(listed) == {path.name for path in FOLDER.glob("*.parquet")}
    for name, entry in listed.items():
        content = (FOLDER / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert len(content) == entry["bytes"] < 10_000_000
    assert sum(entry["bytes"] for entry in manifest["files"]) < 22_000_000
    for layer, scales in basemap._SCALES.items():
        assert {f"{layer}-{scale}.parquet" for scale in scales} <= set(listed)


def test_the_build_script_and_the_readme_know_every_package_and_file() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
    script = (FOLDER / "build.py").read_text("utf-8")
    strings = {
        node.value
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    readme = (FOLDER / "README.md").read_text("utf-8")
    for package in manifest["packages"]:
        assert {package["name"], package["version"], package["sha256"]} <= strings
        assert f"`{package['name']}` {package['version']}" in readme
    for entry in manifest["files"]:
        layer = entry["file"].removesuffix(".parquet")
        assert layer in strings
        assert f"`{layer}`" in readme


def test_the_world_kept_ready_is_what_the_layers_give() -> None:
    kept = json.loads((FOLDER / "world.json").read_text("utf-8"))
    assert json.dumps(kept) == json.dumps(basemap.simplified_world())
