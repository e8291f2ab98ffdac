"""The other formats: each read back by someone else's reader, and the same as what was shown."""

import csv
import io
import json
import re
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import builders
import frictionless
import geopandas as gpd
import hostile
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo import checks, dataset, exports, extract, geopackage, kml, marks, selection, symbols
from geo.selection import LAYERS, Selection

WHOLE = dataset.load()
KML = "{http://www.opengis.net/kml/2.2}"
NOTHING = Selection(as_of=date(1999, 1, 1))
SELECTIONS = (
    Selection(),
    Selection(layer=("denied",), lang="fr"),
    Selection(source=("kremlin",)),
    Selection(layer=(), as_of=date(2024, 10, 22)),
    NOTHING,
)


@cache
def drawn(lang: str) -> gpd.GeoDataFrame:
    return marks.draw(WHOLE, lang)


def shown(chosen: Selection, whole=WHOLE) -> gpd.GeoDataFrame:
    return extract.gather(whole, chosen, drawn=drawn(chosen.lang) if whole is WHOLE else None).shown


def saved(folder: Path, suffix: str, chosen: Selection, whole=WHOLE) -> Path:
    path = folder / f"x{suffix}"
    path.write_bytes(exports.WRITERS[suffix](whole, chosen))
    return path


def same_shapes(found, wanted) -> bool:
    """Whether geometries are alike part by part, single or multi."""
    return len(found) == len(wanted) and all(
        shapely.equals_exact(shapely.get_parts(a), shapely.get_parts(b), tolerance=1e-9).all()
        for a, b in zip(found, wanted, strict=True)
    )


def across(folder: Path) -> dataset.Dataset:
    """A dataset whose area, route, direction and place lie on both sides of the antimeridian."""
    rows = builders.tables()
    builders.row(rows, "places", "coast")["lon"] = "179.95"
    builders.row(rows, "places", "port")["lon"] = "-178.5"
    builders.row(rows, "places", "town")["lon"] = "179.9"
    builders.row(rows, "places", "village")["lon"] = "-179.9"
    del builders.row(rows, "places", "port")["approach"]
    builders.row(rows, "features", "f-route")["mode"] = "air"
    return builders.load(folder, rows)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> dataset.Dataset:
    return dataset.load(hostile.poison(tmp_path_factory.mktemp("poison") / "set"))


def poison_text(whole: dataset.Dataset) -> str:
    return whole.claims["title"].iloc[0]


# All of them


@pytest.mark.parametrize("suffix", exports.WRITERS)
@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_the_same_selection_gives_the_same_bytes(suffix, chosen):
    write = exports.WRITERS[suffix]
    assert write(WHOLE, chosen) == write(WHOLE, chosen)


@pytest.mark.parametrize("suffix", exports.WRITERS)
def test_every_format_tells_what_was_selected_and_hidden(suffix):
    chosen = Selection(source=("nis",), as_of=date(2024, 10, 22))
    content = exports.WRITERS[suffix](WHOLE, chosen)
    if suffix == ".zip":
        content = zipfile.ZipFile(io.BytesIO(content)).read("datapackage.json")
    text = content.decode("utf-8", errors="replace").replace("\\u0026", "&").replace("&amp;", "&")
    kept = selection.apply(WHOLE, chosen)
    wanted = (
        selection.sentence(WHOLE, chosen, kept),
        "source=nis&as_of=2024-10-22",
        "2024-10-22",
        WHOLE.digest,
        WHOLE.name,
        "CC BY 4.0",
        "contested-claims",
    )
    assert [each for each in wanted if each not in text] == []
    assert 0 < len(kept.claims) < len(WHOLE.claims)


# GeoPackage


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_a_geopackage_gives_the_marks_back(tmp_path, chosen):
    path = saved(tmp_path, ".gpkg", chosen)
    wanted = shown(chosen)
    for name, kind in geopackage.LAYERS.items():
        read = pyogrio.read_dataframe(path, layer=name)
        kinds = np.array([symbols.table()[s].kind for s in wanted["symbol"]], dtype=object)
        want = wanted[kinds == kind]
        assert read.crs == "EPSG:4326"
        for column in ("id", "symbol", "claim", "layer", "basis", "label", "uncertainty_m"):
            assert list(read[column]) == list(want[column]), (name, column)
        assert same_shapes(read.geometry.to_numpy(), want.geometry.to_numpy())
    kept = selection.apply(WHOLE, chosen)
    claims = pyogrio.read_dataframe(path, layer="claims")
    assert list(claims["id"]) == list(kept.claims.index)
    assert list(claims["status"]) == list(kept.claims["status"])
    on_map = set(wanted["claim"])
    assert [d == "yes" for d in claims["drawn"]] == [c in on_map for c in claims["id"]]
    statements = pyogrio.read_dataframe(path, layer="statements")
    assert list(statements["id"]) == list(kept.statements.index)
    told = pyogrio.read_dataframe(path, layer="metadata").set_index("key")["value"]
    assert told["selection"] == selection.sentence(WHOLE, chosen)
    assert int(told["claims_hidden"]) == len(WHOLE.claims) - len(kept.claims)


def test_a_geopackage_is_sound_and_its_tables_are_typed(tmp_path):
    path = saved(tmp_path, ".gpkg", Selection())
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        changed = database.execute("SELECT DISTINCT last_change FROM gpkg_contents").fetchall()
    assert changed == [(f"{WHOLE.days[1]}T00:00:00.000Z",)]
    claims = pyogrio.read_info(path, layer="claims")
    types = dict(zip(claims["fields"], claims["dtypes"], strict=True))
    assert types["event_start"] == "datetime64[D]"
    graded = pyogrio.read_dataframe(path, layer="statements").set_index("id")["grade"]
    assert graded["flag-article"] == WHOLE.sources.at["article", "reliability"] + "6"
    used = {*WHOLE.statements["source"], *WHOLE.statements["origin"]} - {""}
    assert set(pyogrio.read_dataframe(path, layer="sources")["id"]) == used


def styles(path: Path) -> dict[str, ET.Element]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT f_table_name, f_geometry_column, styleQML FROM layer_styles "
            "WHERE useAsDefault AND f_table_schema = ''"
        ).fetchall()
        columns = dict(
            database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns")
        )
    assert {name: column for name, column, _ in rows} == columns
    return {name: ET.fromstring(text) for name, _, text in rows}


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_every_mark_of_a_layer_has_one_rule_of_its_style(tmp_path, chosen):
    path = saved(tmp_path, ".gpkg", chosen)
    for name, style in styles(path).items():
        read = pyogrio.read_dataframe(path, layer=name, read_geometry=False)
        rules = [rule for rule in style.iter("rule") if "symbol" in rule.attrib]
        filters = [rule.get("filter") for rule in rules]
        assert sorted(filters) == sorted(f"\"symbol\" = '{s}'" for s in set(read["symbol"]))
        assert len({rule.get("key") for rule in style.iter("rule")}) == len(
            list(style.iter("rule"))
        )
        assert all(rule.get("label") for rule in style.iter("rule"))
        made = {symbol.get("name"): symbol for symbol in style.find("renderer-v2/symbols")}
        assert {rule.get("symbol") for rule in rules} == set(made)


def option(layer: ET.Element, name: str) -> str:
    return next(o.get("value") for o in layer.iter("Option") if o.get("name") == name)


def test_every_symbol_has_a_style_of_its_colour_dash_and_fill():
    for key, symbol in symbols.table().items():
        style = ET.fromstring(geopackage.qml(symbol.kind, [key], "en"))
        values = {o.get("value") for o in style.iter("Option")}
        red, green, blue = bytes.fromhex(symbol.colour[1:])
        assert f"{red},{green},{blue},255" in values, key
        layers = list(style.find("renderer-v2/symbols/symbol").findall("layer"))
        if symbol.kind == "point":
            first = layers[0]
            hollow = option(first, "color").split(",")[3] == "0"
            assert hollow == (not symbol.fill), key
            assert (option(layers[-1], "outline_style") == "dot") == bool(symbol.dash), key
        else:
            line = next(each for each in layers if each.get("class") == "SimpleLine")
            assert (option(line, "use_custom_dash") == "1") == bool(symbol.dash), key
            hatches = [each for each in layers if each.get("class") == "LinePatternFill"]
            assert len(hatches) == {"": 0, "diagonal": 1, "cross": 2}[symbol.hatch], key
        assert len(layers) > 1 or not symbol.over, key


def test_symbols_that_differ_differ_in_their_style():
    by_look: dict[str, list[str]] = {}
    for key, symbol in symbols.table().items():
        style = ET.fromstring(geopackage.qml(symbol.kind, [key], "en"))
        look = ET.tostring(style.find("renderer-v2/symbols"), encoding="unicode")
        by_look.setdefault(look, []).append(key)
    for alike in by_look.values():
        looks = {replace(symbols.table()[key], order=0, legend=()) for key in alike}
        assert len(looks) == 1, alike


def test_a_group_of_rules_is_a_layer():
    for key in set(drawn("en")["symbol"]):
        layers = set(drawn("en").loc[drawn("en")["symbol"] == key, "layer"])
        assert layers == {geopackage._group(key)}, key


def test_nothing_is_left_behind_in_a_folder_or_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exports.WRITERS[".gpkg"](WHOLE, Selection())
    assert list(tmp_path.iterdir()) == [] and pyogrio.vsi_listtree("/vsimem/") == []

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(geopackage, "_add_styles", full)
    with pytest.raises(OSError, match="No space"):
        exports.WRITERS[".gpkg"](WHOLE, Selection())
    assert list(tmp_path.iterdir()) == [] and pyogrio.vsi_listtree("/vsimem/") == []


def test_columns_that_sqlite_cannot_tell_apart_are_kept_all(tmp_path):
    odd = {"Title": "one", "fid": "two", 'a "quoted" name': "three"}
    whole = replace(WHOLE, claims=WHOLE.claims.assign(**odd))
    read = pyogrio.read_dataframe(saved(tmp_path, ".gpkg", Selection(), whole), layer="claims")
    assert set(read["Title_"]) == {"one"} and set(read["fid_"]) == {"two"}
    assert set(read['a "quoted" name']) == {"three"}


# KML


def document(content: bytes) -> ET.Element:
    return ET.fromstring(content).find(f"{KML}Document")


def properties(placemark: ET.Element) -> dict[str, str]:
    held = placemark.find(f"{KML}ExtendedData")
    return {data.get("name"): data.findtext(f"{KML}value") or "" for data in held}


def placemarks(content: bytes) -> dict[str, ET.Element]:
    found = {properties(p)["id"]: p for p in document(content).iter(f"{KML}Placemark")}
    assert len(found) == len(list(document(content).iter(f"{KML}Placemark")))
    return found


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_another_reader_finds_the_marks_of_the_kml(tmp_path, chosen):
    path = saved(tmp_path, ".kml", chosen)
    wanted = shown(chosen).set_index("id")
    layers = pyogrio.list_layers(path)[:, 0] if len(wanted) else []
    assert len(set(layers)) == len(layers) and not any("#" in name for name in layers)
    read = [pyogrio.read_dataframe(path, layer=name, datetime_as_string=True) for name in layers]
    filled = [each for each in read if len(each)]
    rows = {row["id"]: row for each in filled for row in each.to_dict("records")}
    kept = selection.apply(WHOLE, chosen)
    bare = {f"{c}/unlocated" for c in kept.claims.index if c not in set(wanted["claim"])}
    assert set(placemarks(path.read_bytes())) == {*wanted.index, *bare}
    for mark_id, want in wanted.to_dict("index").items():
        row = rows[mark_id]
        assert (row["symbol"], row["claim"]) == (want["symbol"], want["claim"])
        assert row["status"] == kept.claims.at[want["claim"], "status"]
        assert same_shapes([row["geometry"]], [want["geometry"]])


def test_placemarks_stand_in_the_order_that_kml_asks_for_and_name_their_styles():
    content = kml.write(WHOLE, Selection())
    order = ["name", "Snippet", "description", "TimeStamp", "TimeSpan", "styleUrl", "ExtendedData"]
    order += ["Point", "LineString", "Polygon", "MultiGeometry"]
    named = {f"#{style.get('id')}" for style in document(content).iter(f"{KML}Style")}
    for placemark in placemarks(content).values():
        tags = [order.index(child.tag.removeprefix(KML)) for child in placemark]
        assert tags == sorted(tags) and len(tags) == len(set(tags))
        assert placemark.findtext(f"{KML}styleUrl") in named


def test_colours_of_kml_run_from_opacity_to_red():
    assert kml._aabbggrr("#0a4f8f") == "ff8f4f0a"
    assert kml._aabbggrr("#0a4f8f", 0.1) == "1a8f4f0a"
    styles = {s.get("id"): s for s in document(kml.write(WHOLE, Selection())).iter(f"{KML}Style")}
    denied = styles["denied-implied-line"].findtext(f"{KML}LineStyle/{KML}color")
    assert denied == "ff" + symbols.DENIED[5:7] + symbols.DENIED[3:5] + symbols.DENIED[1:3]


def test_a_denial_is_told_in_words_too():
    found = placemarks(kml.write(WHOLE, Selection(lang="fr")))
    crossed = [mark for mark_id, mark in found.items() if mark_id.endswith("/implied")]
    assert crossed
    for mark in crossed:
        assert mark.findtext(f"{KML}name").startswith("Démenti implicite")


@pytest.mark.parametrize(
    ("start", "end", "precision", "want"),
    [
        ("2024-10-08", "2024-10-13", "day", ("2024-10-08", "2024-10-13")),
        ("2024-10-08", None, "day", ("2024-10-08", None)),
        ("2024-10-10", "2024-10-10", "week", ("2024-10-07", "2024-10-13")),
        ("2024-10-10", "2024-11-01", "month", ("2024-10", "2024-11")),
        ("2024-10-10", "2024-10-12", "unknown", (None, None)),
        (None, None, "day", (None, None)),
    ],
)
def test_times_are_no_more_exact_than_they_are_known(start, end, precision, want):
    assert kml._span(start, end, precision) == want


def test_time_is_that_of_the_event_or_of_what_was_said():
    found = placemarks(kml.write(WHOLE, Selection()))
    route = found["route-chongjin/main"].find(f"{KML}TimeSpan")
    assert [each.text for each in route] == ["2024-10-08", "2024-10-13"]
    spoken = {key: mark for key, mark in found.items() if key.endswith("/spoken")}
    for key, mark in spoken.items():
        row = WHOLE.statements.loc[key.removesuffix("/spoken")]
        when = mark.findtext(f"{KML}TimeStamp/{KML}when")
        exact = row["date_precision"] in ("day", "month")
        assert (when is not None and row["date"].date().isoformat().startswith(when)) == exact
    assert {WHOLE.statements.at[k.removesuffix("/spoken"), "date_precision"] for k in spoken} >= {
        "day",
        "unknown",
    }


def test_hostile_text_in_kml_is_text(poisoned):
    content = kml.write(poisoned, Selection())
    text = poison_text(poisoned)
    for placemark in placemarks(content).values():
        shown_as = placemark.findtext(f"{KML}description")
        # A globe reads this as HTML: lines, and nothing else that is a tag or a field.
        assert set(re.findall("<[^>]*>?", shown_as)) <= {"<br>"} and "$" not in shown_as
        assert properties(placemark)["claim_title"] == text
    told = document(content).findtext(f"{KML}description")
    assert set(re.findall("<[^>]*>?", told)) <= {"<br>"} and "$" not in told


def test_what_xml_cannot_hold_is_marked():
    whole = replace(WHOLE, claims=WHOLE.claims.assign(title="a\x1b[31m\x08b\ufffe & <c>"))
    found = placemarks(kml.write(whole, Selection()))
    assert {properties(p)["claim_title"] for p in found.values()} == {
        "a\ufffd[31m\ufffdb\ufffd & <c>"
    }


# CSV


def rows_of(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf") and content.endswith(b"\r\n")
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    rows = list(reader)
    assert len(set(reader.fieldnames)) == len(reader.fieldnames)
    assert not any(None in row or None in row.values() for row in rows)
    return rows


def text_back(cell: str) -> str:
    """What ``plain_cell`` made of a text, undone as its docstring says."""
    inner = exports._AFTER_BREAK.sub(lambda found: found[1] + found[2][1:], cell)
    return exports._AT_START.sub(lambda found: found[1][1:], inner)


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_every_kept_statement_is_one_row(chosen):
    rows = rows_of(exports.to_csv(WHOLE, chosen))
    kept = selection.apply(WHOLE, chosen)
    if chosen == NOTHING:
        assert len(rows) == 1 and rows[0]["claim"] == rows[0]["statement"] == ""
        assert rows[0]["claims_hidden"] == rows[0]["claims_total"] == str(len(WHOLE.claims))
        return
    assert sorted(row["statement"] for row in rows) == sorted(kept.statements.index)
    assert {row["claim"] for row in rows} == set(kept.claims.index)
    for row in rows:
        said = kept.statements.loc[row["statement"]]
        assert (row["claim"], row["source"], row["stance"]) == (
            said["claim"],
            said["source"],
            said["stance"],
        )
        assert text_back(row["reference"]) == said["reference"]
        assert row["status"] == kept.claims.at[row["claim"], "status"]
        assert row["selection"] == selection.sentence(WHOLE, chosen)
        mine = kept.features[kept.features["claim"] == row["claim"]]
        assert row["features"] == str(len(mine))
        if len(mine):
            place = WHOLE.places.loc[mine["place"].iloc[0]]
            assert (float(row["lon"]), float(row["lat"])) == (place["lon"], place["lat"])
            assert float(row["uncertainty_m"]) == place["uncertainty_m"]
            assert row["basis"] == mine["basis"].iloc[0]


def test_the_words_of_a_row_are_those_of_the_language():
    row = rows_of(exports.to_csv(WHOLE, Selection(lang="fr")))[0]
    assert row["title"] == WHOLE.claims["title_fr"].iloc[0]
    assert (row["status"], row["status_words"]) == ("contested", "Contesté")


def test_a_claim_without_any_place_has_its_rows(tmp_path):
    rows = builders.tables()
    rows["features"] = [r for r in rows["features"] if r["claim"] != "flag"]
    found = rows_of(exports.to_csv(builders.load(tmp_path / "bare", rows), Selection()))
    flag = next(row for row in found if row["claim"] == "flag")
    assert (flag["drawn"], flag["features"], flag["lon"]) == ("no-place", "0", "")


def test_why_a_claim_is_not_drawn_is_told_truly(tmp_path):
    rows = builders.tables()
    builders.row(rows, "statements", "s4")["stance"] = "declines"
    rows["features"] = [r for r in rows["features"] if r["claim"] != "far"]
    whole = builders.load(tmp_path / "declined", rows)
    found = extract.gather(whole, Selection(layer=("denied",)))
    assert found.unlocated == {"flag": "no-stance", "far": "no-place"}
    off = extract.gather(whole, Selection(layer=()))
    assert off.unlocated == {"shipped": "layer-off", "flag": "no-stance", "far": "no-place"}
    marked = placemarks(kml.write(whole, Selection()))["flag/unlocated"]
    assert "nobody here asserts or denies it" in marked.findtext(f"{KML}description")


def test_negative_numbers_stay_numbers():
    whole = replace(WHOLE, places=WHOLE.places.assign(lon=-71.25, lat=-0.5))
    frame = pd.read_csv(io.BytesIO(exports.to_csv(whole, Selection())), encoding="utf-8-sig")
    assert set(frame["lon"].dropna()) == {-71.25} and set(frame["lat"].dropna()) == {-0.5}


RISKY = st.text(st.sampled_from(list("=+-@＝＋－＠'\",;|\t\r\n a1\u200b\ufeff\xa0")), max_size=12)


@settings(deadline=None, max_examples=400)
@given(RISKY | st.text(max_size=30))
@example("a;\n '=1")
@example("''-2")
@example("\t=1")
def test_no_text_runs_and_every_text_comes_back(text):
    cell = exports.plain_cell(text)
    assert text_back(cell) == text
    assert not cell.startswith(("\t", "\r", "\n"))
    # However a spreadsheet splits or strips it, and whatever it takes for a quotation mark.
    for piece in re.split('[,;|"\t\r\n]', cell):
        assert not piece.strip(" \xa0\u200b\ufeff").startswith(tuple("=+-@＝＋－＠"))


def test_texts_without_risk_stay_as_they_are():
    for text in ("", "a - b", "x=y", "50 %", "name@host", "12-13", "l’été"):
        assert exports.plain_cell(text) == text


def test_hostile_text_in_csv_runs_nowhere(poisoned):
    whole = replace(poisoned, claims=poisoned.claims.assign(title='=HYPERLINK("http://x.invalid")'))
    content = exports.to_csv(whole, Selection())
    rows = rows_of(content)
    assert len(rows) == len(whole.statements)
    for row in rows:
        assert row["title"] == '\'=HYPERLINK("http://x.invalid")'
        assert text_back(row["reference"]) == poison_text(poisoned)
    numbers = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
    for delimiter in ",;\t|":
        for line in csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter):
            for cell in line:
                runs = cell.lstrip().startswith(tuple("=+-@"))
                assert not runs or numbers.fullmatch(cell), (delimiter, cell)


# The data package


def packed(folder: Path, chosen: Selection, whole=WHOLE) -> dataset.Dataset:
    return dataset.load(saved(folder, ".zip", chosen, whole))


ANY = builders.selections(WHOLE)


@settings(deadline=None, max_examples=12)
@given(ANY)
@example(NOTHING)
def test_a_package_loads_and_shows_the_same(chosen):
    with tempfile.TemporaryDirectory() as folder:
        read = packed(Path(folder), chosen)
    kept = selection.apply(WHOLE, chosen)
    again = Selection(layer=chosen.layer, lang=chosen.lang)
    back = selection.apply(read, again)
    assert list(back.claims.index) == list(kept.claims.index)
    assert list(back.claims["status"]) == list(kept.claims["status"])
    assert list(back.statements.index) == list(kept.statements.index)
    found, want = shown(again, read), shown(chosen)
    for column in ("id", "symbol", "layer", "basis", "label", "lines", "uncertainty_m"):
        assert list(found[column]) == list(want[column])
    assert same_shapes(found.geometry.to_numpy(), want.geometry.to_numpy())
    used = {*kept.statements["source"], *kept.statements["origin"]} - {""}
    assert set(read.sources.index) == used
    assert read.views == WHOLE.views
    assert all(c in read.claims.index for told in read.briefing["claims"] for c in told.split())


def test_a_package_of_everything_holds_every_table_as_it_was(tmp_path):
    read = packed(tmp_path, Selection())
    for table in ("claims", "statements", "features", "briefing"):
        want = getattr(WHOLE, table)
        pd.testing.assert_frame_equal(getattr(read, table), want, check_like=True)
    pd.testing.assert_frame_equal(
        pd.DataFrame(read.places), pd.DataFrame(WHOLE.places.loc[read.places.index])
    )
    assert (read.name, read.title, read.title_fr) == (WHOLE.name, WHOLE.title, WHOLE.title_fr)


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_another_reader_finds_the_package_valid(tmp_path, chosen):
    with zipfile.ZipFile(saved(tmp_path, ".zip", chosen)) as archive:
        archive.extractall(tmp_path / "out")
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    report = frictionless.Package(str(tmp_path / "out" / "datapackage.json")).validate()
    assert report.valid, report.flatten(["note", "message"])


def test_the_descriptor_tells_the_selection_in_both_languages(tmp_path):
    chosen = Selection(theme=("plan",), lang="fr")
    archive = zipfile.ZipFile(saved(tmp_path, ".zip", chosen))
    told = json.loads(archive.read("datapackage.json"))
    kept = selection.apply(WHOLE, chosen)
    hidden = len(WHOLE.claims) - len(kept.claims)
    assert told["selection"]["claims_hidden"] == hidden > 0
    assert told["selection"]["dataset"] == {"name": WHOLE.name, "digest": WHOLE.digest}
    assert selection.from_query(told["selection"]["query"], WHOLE) == (chosen, ())
    for lang, key in (("en", "description"), ("fr", "description_fr")):
        sentence = selection.sentence(WHOLE, replace(chosen, lang=lang), kept)
        assert told[key].startswith(getattr(WHOLE, key)) and told[key].endswith(sentence)


def test_steps_that_spoke_of_none_of_the_claims_left_are_left_out(tmp_path):
    rows = builders.tables()
    step = rows["briefing"][0]
    rows["briefing"] += [
        {**step, "step": "2", "claims": "far"},
        {**step, "step": "4", "claims": ""},
    ]
    read = packed(tmp_path, Selection(theme=("presence",)), builders.load(tmp_path / "x", rows))
    assert read.briefing["claims"].to_dict() == {1: "flag", 4: ""}


def test_columns_of_ones_own_and_names_in_any_script_are_kept(tmp_path):
    rows = builders.tables()
    for row in rows["claims"]:
        row.update({"status": "own", "desk": "=1+1\nnext", "geo metry": "x"})
    whole = builders.load(tmp_path / "own", rows, name="북한 Ä", title="북한", description="")
    read = packed(tmp_path, Selection(), whole)
    assert set(read.claims["status"]) == {"own"} and set(read.claims["desk"]) == {"=1+1\nnext"}
    assert read.title == "북한" and read.description.startswith("Part of a larger dataset.")


def test_hostile_text_comes_back_from_the_package_unchanged(tmp_path, poisoned):
    read = packed(tmp_path, Selection(), poisoned)
    assert read.title == poisoned.title
    for table in ("claims", "statements", "features"):
        pd.testing.assert_frame_equal(getattr(read, table), getattr(poisoned, table))


# JSON-LD


def graph(whole, chosen: Selection) -> list[dict]:
    content = exports.to_jsonld(whole, chosen).decode("utf-8")
    assert not set("<>&\u2028\u2029") & set(content)
    found = json.loads(content)
    assert found["@context"] == "https://schema.org"
    return found["@graph"]


def of_type(nodes: list[dict], kind: str) -> list[dict]:
    return [node for node in nodes if node["@type"] == kind]


@pytest.mark.parametrize("chosen", SELECTIONS, ids=str)
def test_only_what_was_checked_is_rated_and_no_surer_than_its_verdict(chosen):
    nodes = graph(WHOLE, chosen)
    kept = selection.apply(WHOLE, chosen)
    assert {n["identifier"] for n in of_type(nodes, "Claim")} == set(kept.claims.index)
    reviews = of_type(nodes, "ClaimReview")
    checked = [c for c in checks.run(WHOLE, chosen.lang) if c.claim in kept.claims.index]
    assert [r["reviewRating"]["ratingExplanation"] for r in reviews] == [
        c.explanation for c in checked
    ]
    words = {"consistent": "fits", "inconsistent": "does not fit"}
    words["cannot be judged"] = "cannot be judged"
    for review, check in zip(reviews, checked, strict=True):
        # What schema.org, or those who show reviews, ask for.
        for key in ("claimReviewed", "itemReviewed", "reviewRating", "author", "url"):
            assert review[key]
        rating = review["reviewRating"]
        assert "ratingValue" not in rating and rating["alternateName"]
        if chosen.lang == "en":
            assert rating["alternateName"].endswith(f": {words[check.verdict]}")
        found, ignored = selection.from_query(review["url"], WHOLE)
        assert found == replace(chosen, claim=check.claim) and not ignored
    ids = [n["@id"] for n in nodes]
    assert len(ids) == len(set(ids))


def references(value):
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_denials_are_statements_and_never_appearances():
    nodes = graph(WHOLE, Selection())
    by_id = {node["@id"]: node for node in nodes}
    assert set(references(nodes)) <= set(by_id)

    def stance(node):
        terms = {k["inDefinedTermSet"]["name"]: k["termCode"] for k in node["keywords"]}
        return terms["stance"]

    for claim in of_type(nodes, "Claim"):
        mine = WHOLE.statements[WHOLE.statements["claim"] == claim["identifier"]]
        appear = [by_id[a["@id"]] for a in claim.get("appearance", [])]
        others = [by_id[a["@id"]] for a in claim.get("subjectOf", [])]
        assert {stance(n) for n in appear} <= {"asserts"}
        assert len(appear) + len(others) == len(mine)
        assert ("author" in claim) == bool(appear)
        assert claim["creativeWorkStatus"]["termCode"]
    assert any(stance(n) == "denies" for n in of_type(nodes, "CreativeWork"))


def test_who_took_it_back_is_no_author_of_the_claim(tmp_path):
    rows = builders.tables()
    said = builders.row(rows, "statements", "s4")
    rows["statements"].append({**said, "id": "s9", "stance": "retracts", "date": "2024-10-30"})
    nodes = graph(builders.load(tmp_path / "back", rows), Selection())
    claim = next(n for n in of_type(nodes, "Claim") if n["identifier"] == said["claim"])
    assert "author" not in claim and "appearance" not in claim
    assert claim["creativeWorkStatus"]["termCode"] == "withdrawn"
    assert len(claim["subjectOf"]) == 2


def test_days_known_only_about_are_not_given_as_days():
    statements = {
        n["@id"].rsplit(":")[-1]: n for n in of_type(graph(WHOLE, Selection()), "CreativeWork")
    }
    for key, row in WHOLE.statements.iterrows():
        assert ("datePublished" in statements[key]) == (row["date_precision"] == "day")


def test_hostile_text_in_json_ld_cannot_leave_its_script(poisoned):
    nodes = graph(poisoned, Selection())
    assert {n["name"] for n in of_type(nodes, "Claim")} == {poison_text(poisoned)}


# Across the antimeridian


@pytest.mark.parametrize("suffix", [".gpkg", ".kml", ".geojson"])
def test_no_coordinate_leaves_the_world_and_nothing_goes_the_long_way_round(tmp_path, suffix):
    whole = across(tmp_path / "across")
    path = saved(tmp_path, suffix, Selection(), whole)
    names = [n for n, kind in pyogrio.list_layers(path) if kind is not None]
    frames = [pyogrio.read_dataframe(path, layer=n) for n in names]
    shapes = np.concatenate([f.geometry.to_numpy() for f in frames if len(f)])
    parts = shapely.get_parts(shapes[shapely.is_geometry(shapes)])
    west, south, east, north = shapely.bounds(parts).T
    assert west.min() == -180 and east.max() == 180
    assert (np.abs([south, north]) <= 90).all() and (east - west).max() < 10
    read = packed(tmp_path, Selection(layer=LAYERS), whole)
    assert list(shown(Selection(), read)["id"]) == list(shown(Selection(), whole)["id"])
