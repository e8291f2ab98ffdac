"""Exports: what a selection shows and nothing else, readable by others, whole or not at all."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon

from geo import dataset, edits, exports, extract, geodesy, marks, selection
from geo.selection import Selection

HOSTILE = '<img src=x onerror="alert(1)"> {{ 7*7 }} ${x} `C:\\new\\x` \u2028 \x1b[31m </script> é'
WHOLE = dataset.load()
DRAWN = marks.draw(WHOLE)
OPTIONS = selection.options(WHOLE)
FIRST, LAST = WHOLE.days


def _unique(values):
    return st.lists(st.sampled_from(values), unique=True, max_size=2).map(tuple)


selections = st.builds(
    Selection,
    **{key: _unique(OPTIONS[key]) for key in ("source", "confidence", "status", "theme", "layer")},
    as_of=st.none() | st.dates(FIRST, LAST),
)


def shown(chosen: Selection) -> gpd.GeoDataFrame:
    return DRAWN[marks.visible(DRAWN, selection.apply(WHOLE, chosen), chosen.layer)]


def positions(coordinates):
    if isinstance(coordinates[0], float):
        yield coordinates
    else:
        for part in coordinates:
            yield from positions(part)


def refuse(constant: str):
    raise AssertionError(f"{constant} is not JSON")


def parsed(chosen: Selection, whole=WHOLE, drawn=DRAWN) -> dict:
    return json.loads(exports.to_geojson(whole, chosen, drawn=drawn), parse_constant=refuse)


@settings(max_examples=60, deadline=None)
@given(selections)
def test_any_selection_gives_its_marks_and_every_kept_claim(chosen):
    found = parsed(chosen)
    features = found["features"]
    ids = [feature["id"] for feature in features]
    assert len(ids) == len(set(ids))
    located = [f["id"] for f in features if f["properties"]["located"]]
    assert located == list(shown(chosen)["id"])
    kept = selection.apply(WHOLE, chosen)
    assert {f["properties"]["claim"] for f in features} == set(kept.claims.index)
    assert found["claims_hidden"] == len(WHOLE.claims) - len(kept.claims)
    for feature in features:
        properties = feature["properties"]
        assert properties["status"] == kept.claims.at[properties["claim"], "status"]
        assert {s["id"] for s in properties["statements"]} == set(
            kept.statements.index[kept.statements["claim"] == properties["claim"]]
        )
        assert (feature["geometry"] is not None) == properties["located"]
        if feature["geometry"]:
            for lon, lat in positions(feature["geometry"]["coordinates"]):
                assert -180 <= lon <= 180 and -90 <= lat <= 90
                assert (round(lon, 6), round(lat, 6)) == (lon, lat)


def test_another_reader_finds_the_same(tmp_path):
    path = tmp_path / "all.geojson"
    exports.write(path, exports.to_geojson(WHOLE, Selection()))
    read = pyogrio.read_dataframe(path)
    want = shown(Selection())
    assert list(read["id"]) == list(want["id"])
    assert read.crs == "EPSG:4326"
    assert read.geometry.is_valid.all()
    assert (read["uncertainty_m"].to_numpy() == want["uncertainty_m"].to_numpy()).all()
    same = ~want["id"].str.startswith("training-region").to_numpy()
    far = shapely.hausdorff_distance(read.geometry.to_numpy()[same], want.geometry.to_numpy()[same])
    assert far.max() < 1e-6
    assert list(read["asserted_by"][read["claim"] == "tsukuryne-taken"].iloc[0])


def test_a_feature_tells_who_says_and_who_denies():
    found = parsed(Selection(as_of=date(2024, 10, 22)))
    by_id = {feature["id"]: feature["properties"] for feature in found["features"]}
    flag = by_id["flag-at-tsukuryne/main"]
    names = WHOLE.sources["name"]
    assert flag["claim"] == "flag-tsukuryne" and flag["feature"] == "flag-at-tsukuryne"
    assert flag["claim_title"] == WHOLE.claims.at["flag-tsukuryne", "title"]
    assert (flag["status"], flag["layer"], flag["basis"]) == ("contested", "sourced", "reported")
    assert flag["asserted_by"] == [names["article"], names["flag-photo"]]
    assert names["north-korea"] in flag["denied_by"]
    assert flag["references"][:2] == ["article ¶ 1", "article ¶ 5"]
    graded = {s["id"]: s["grade"] for s in flag["statements"]}
    assert graded["flag-article"] == WHOLE.sources.at["article", "reliability"] + "6"
    assert set(flag["grades"]) == set(graded.values())
    repeated = {s["id"]: s["origin"] for s in flag["statements"]}
    assert repeated["flag-article"] == repeated["flag-photo-shown"] == "flag-photo"
    assert flag["as_of"] == found["as_of"] == "2024-10-22"


def test_who_took_it_back_asserts_it_no_more():
    first = WHOLE.statements.index[0]
    back = WHOLE.statements.loc[[first]].rename(index={first: "taken-back"})
    statements = pd.concat([WHOLE.statements, back.assign(stance="retracts")])
    doctored = replace(WHOLE, statements=statements)
    about = next(
        f["properties"]
        for f in parsed(Selection(), doctored, None)["features"]
        if f["properties"]["claim"] == "flag-tsukuryne"
    )
    assert about["asserted_by"] == [WHOLE.sources.at["flag-photo", "name"]]
    stands = {s["id"]: s["stands"] for s in about["statements"]}
    assert stands["flag-article"] is False and stands["flag-photo-shown"] is True


def test_the_collection_tells_what_was_selected():
    chosen = Selection(source=("nis",), layer=("denied",))
    found = parsed(chosen)
    assert found["type"] == "FeatureCollection" and "crs" not in found
    assert found["selection"] == selection.sentence(WHOLE, chosen)
    assert selection.from_query(found["query"], WHOLE) == (chosen, ())
    assert found["as_of"] == LAST.isoformat()
    assert found["dataset"] == {"name": WHOLE.name, "digest": WHOLE.digest}
    assert found["title"] == WHOLE.title and "CC0" in found["attribution"]


def test_the_same_selection_gives_the_same_bytes():
    assert exports.to_geojson(WHOLE, Selection()) == exports.to_geojson(
        WHOLE, Selection(), drawn=DRAWN
    )


def test_kept_claims_without_a_mark_are_listed_with_the_reason():
    kept = selection.apply(WHOLE, Selection(layer=("denied",)))
    off = parsed(Selection(layer=("denied",)))["features"]
    reasons = {f["properties"]["claim"]: f["properties"].get("reason") for f in off}
    for claim, status in kept.claims["status"].items():
        assert reasons[claim] == ("layer-off" if status == "sourced" else None), claim
    nowhere = replace(
        WHOLE, features=WHOLE.features.iloc[:0], statements=WHOLE.statements.assign(place="")
    )
    features = parsed(Selection(), nowhere, None)["features"]
    assert [f["properties"]["claim"] for f in features] == list(WHOLE.claims.index)
    assert {f["properties"]["reason"] for f in features} == {"no-place"}
    assert all(f["geometry"] is None for f in features)


def test_a_selection_that_shows_nothing_is_still_a_collection():
    found = parsed(Selection(as_of=date(1999, 1, 1)))
    assert found["features"] == [] and "bbox" not in found
    assert found["claims_hidden"] == found["claims"] == len(WHOLE.claims)


def test_hostile_text_arrives_unchanged_as_text(tmp_path):
    doctored = replace(
        WHOLE,
        title=HOSTILE,
        claims=WHOLE.claims.assign(title=HOSTILE),
        places=WHOLE.places.assign(name=HOSTILE),
        sources=WHOLE.sources.assign(name=HOSTILE),
        statements=WHOLE.statements.assign(reference=HOSTILE),
    )
    found = parsed(Selection(), doctored, None)
    assert found["title"] == HOSTILE
    for feature in found["features"]:
        assert feature["properties"]["claim_title"] == HOSTILE
        assert feature["properties"]["references"] == [HOSTILE]
    assert any(feature["properties"].get("label") == HOSTILE for feature in found["features"])
    path = tmp_path / "hostile.geojson"
    exports.write(path, exports.to_geojson(doctored, Selection()))
    assert set(pyogrio.read_dataframe(path)["claim_title"]) == {HOSTILE}


# Geometry


def test_polygons_turn_by_the_right_hand_rule():
    found = parsed(Selection())
    shapes = [shapely.geometry.shape(f["geometry"]) for f in found["features"] if f["geometry"]]
    polygons = [p for p in shapely.get_parts(shapes) if p.geom_type == "Polygon"]
    assert polygons and all(p.exterior.is_ccw for p in polygons)


def test_the_area_across_the_antimeridian_is_cut_there():
    feature = next(f for f in parsed(Selection())["features"] if f["id"] == "training-region/main")
    cut = shapely.geometry.shape(feature["geometry"])
    whole = DRAWN.set_index("id").geometry["training-region/main"]
    assert cut.geom_type == "MultiPolygon" and cut.is_valid
    assert cut.area == pytest.approx(whole.area, rel=1e-6)
    west, _, east, _ = whole.bounds
    assert west < 180 < east
    assert sorted(round(edge, 6) for part in cut.geoms for edge in part.bounds[::2]) == sorted(
        [-180.0, round(east - 360, 6), round(west, 6), 180.0]
    )


@settings(deadline=None)
@given(
    st.floats(-180, 180) | st.sampled_from([-180, 0, 180]),
    st.floats(-90, 90) | st.sampled_from([-90, 90]),
    st.floats(1, 10_000),
    st.floats(0, 360),
    st.sampled_from([11.25, 22.5, 180]),
)
@example(180, 62.01186056226159, 3112.2811054765116, 0, 22.5)  # grazes the pole
def test_a_cut_area_covers_what_the_area_covers(lon, lat, radius_km, bearing_deg, half_deg):
    area = geodesy.sector(lon, lat, bearing_deg, half_deg, radius_km)
    (cut,) = extract.cut_at_antimeridian(np.array([area], dtype=object))
    valid = shapely.make_valid(area, method="structure")
    assert cut.area == pytest.approx(valid.area, rel=1e-9)
    assert cut.bounds[0] >= -180 and cut.bounds[2] <= 180
    west, south, east, north = exports._bbox(np.array([cut], dtype=object))
    assert west <= east or area.bounds[0] < -180 or area.bounds[2] > 180
    assert (south, north) == pytest.approx((area.bounds[1], area.bounds[3]), abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "want"),
    [
        (LineString([(170, 0), (190, 20)]), [[(170, 0), (180, 10)], [(-180, 10), (-170, 20)]]),
        (LineString([(-170, 0), (-190, 20)]), [[(-170, 0), (-180, 10)], [(180, 10), (170, 20)]]),
        (LineString([(190, 0), (200, 0)]), [[(-170, 0), (-160, 0)]]),
        (LineString([(170, 0), (180, 0)]), [[(170, 0), (180, 0)]]),
        (Point(-185, 3), [[(175, 3)]]),
    ],
)
def test_lines_and_points_past_the_antimeridian(shape, want):
    (cut,) = extract.cut_at_antimeridian(np.array([shape], dtype=object))
    parts = sorted(list(part.coords) for part in shapely.get_parts(cut))
    assert parts == sorted(want)


@pytest.mark.parametrize(
    ("shapes", "want"),
    [
        ([Point(2, 3)], [2, 3, 2, 3]),
        ([Point(10, 0), Point(20, 5)], [10, 0, 20, 5]),
        ([Point(177, -20), Point(-178, -16)], [177, -20, -178, -16]),
        ([Polygon([(-180, 60), (0, 60), (180, 60), (180, 90), (-180, 90)])], [-180, 60, 180, 90]),
    ],
)
def test_the_box_is_the_narrowest(shapes, want):
    assert exports._bbox(np.array(shapes, dtype=object)) == want


def test_the_box_of_the_collection_holds_every_feature():
    found = parsed(Selection())
    west, south, east, north = found["bbox"]
    width = (east - west) % 360
    for feature in found["features"]:
        for lon, lat in positions(feature["geometry"]["coordinates"]):
            assert (lon - west) % 360 <= width and south <= lat <= north


# Files


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link = tmp_path / "link.geojson"
    link.symlink_to(path)
    exports.write(link, b"new")
    assert link.is_symlink() and path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.geojson", "link.geojson"]


def test_a_new_file_has_the_permissions_that_any_new_file_has(tmp_path):
    (tmp_path / "plain").touch()
    exports.write(tmp_path / "a.geojson", b"new")
    assert (tmp_path / "a.geojson").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.geojson"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        exports.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# A write that says "in" before its file is whole, and goes on when it is told to.
_SLOW_WRITE = """
import sys
from geo import exports

fsync = exports.fsync

def slow(handle):
    print("in", flush=True)
    sys.stdin.readline()
    fsync(handle)

exports.fsync = slow
exports.write(sys.argv[1], b"slow")
"""


@pytest.fixture
def writing(tmp_path):
    """Another process in the midst of writing a.geojson."""
    root = Path(__file__).resolve().parent.parent
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", _SLOW_WRITE, str(tmp_path / "a.geojson")]
    with subprocess.Popen(command, cwd=root, text=True, **pipes) as process:
        assert process.stdout.readline() == "in\n"
        yield process
        process.kill()


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


def test_what_a_dead_write_left_goes_with_the_next_of_the_same_file(tmp_path, writing):
    writing.kill()
    writing.wait()
    assert len(parts(tmp_path)) == 1
    exports.write(tmp_path / "b.geojson", b"other")
    assert len(parts(tmp_path)) == 1
    exports.write(tmp_path / "a.geojson", b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.geojson", "b.geojson"]


def test_two_who_write_one_file_at_once_spare_each_other(tmp_path, writing):
    held = parts(tmp_path)
    exports.write(tmp_path / "a.geojson", b"new")
    assert parts(tmp_path) == held
    assert (tmp_path / "a.geojson").read_bytes() == b"new"
    writing.communicate("\n")
    assert writing.returncode == 0
    assert (tmp_path / "a.geojson").read_bytes() == b"slow"
    assert parts(tmp_path) == []


_MANY_WRITES = """
import sys
from geo import exports

for _ in range(80):
    exports.write(sys.argv[1], sys.argv[2].encode() * 1000)
"""


def test_many_who_write_one_file_all_end_and_leave_it_whole(tmp_path):
    root, path = Path(__file__).resolve().parent.parent, tmp_path / "a.geojson"
    command = [sys.executable, "-c", _MANY_WRITES, str(path)]
    running = [subprocess.Popen([*command, sign], cwd=root) for sign in "abcd"]
    assert [each.wait() for each in running] == [0] * 4
    assert path.read_bytes() in [sign.encode() * 1000 for sign in "abcd"]
    assert parts(tmp_path) == []


def test_where_nothing_can_be_locked_nothing_is_taken_for_dead(tmp_path, writing, monkeypatch):
    monkeypatch.setattr(edits, "fcntl", None)
    writing.kill()
    writing.wait()
    exports.write(tmp_path / "a.geojson", b"new")
    assert (tmp_path / "a.geojson").read_bytes() == b"new"
    assert len(parts(tmp_path)) == 1


@pytest.mark.parametrize("taken", ["before", "meanwhile"])
def test_a_file_taken_for_dead_before_it_is_locked_is_begun_again(tmp_path, monkeypatch, taken):
    lock, asked = edits.lock, []

    def late(handle: int) -> bool | None:
        asked.append(handle)
        if len(asked) > 1:
            return lock(handle)
        (part,) = parts(tmp_path)
        part.unlink()
        return lock(handle) if taken == "before" else False

    monkeypatch.setattr(edits, "lock", late)
    exports.write(tmp_path / "a.geojson", b"new")
    assert len(asked) == 2
    assert (tmp_path / "a.geojson").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.geojson"]


def test_a_folder_is_not_overwritten(tmp_path):
    (tmp_path / "a.geojson").mkdir()
    with pytest.raises(OSError):
        exports.write(tmp_path / "a.geojson", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.geojson"]


@pytest.mark.parametrize(
    ("name", "chosen", "want"),
    [
        (WHOLE.name, Selection(), f"troop-shipments-2024_theatre_{LAST}.geojson"),
        ("../../etc/x y", Selection(view="pokrovsk"), f"etc-x-y_pokrovsk_{LAST}.geojson"),
        ("북한", Selection(as_of=date(2024, 10, 22)), "x_theatre_2024-10-22.geojson"),
    ],
)
def test_the_name_of_a_file_is_plain(name, chosen, want):
    assert exports.file_name(replace(WHOLE, name=name), chosen, ".geojson") == want


def test_undated_datasets_have_no_day():
    undated = replace(WHOLE, statements=WHOLE.statements.assign(date=np.datetime64("NaT", "ns")))
    assert exports.file_name(undated, Selection(), ".geojson").endswith("_undated.geojson")
    found = parsed(Selection(), undated)
    assert found["as_of"] is None and found["features"]
    assert not any(isinstance(v, float) and math.isnan(v) for v in found.values())
