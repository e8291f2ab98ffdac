"""The web map: nothing from elsewhere, nothing of the data in a script, and a mask that fits."""

import base64
import gzip
import json
import re
import zlib
from pathlib import Path

import builders
import hostile
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit_folium import generate_leaflet_string

from geo import dataset as datasets
from geo import figures, geodesy, marks, selection, symbols, texts, webdata, webmap
from geo.selection import LAYERS, Selection

WHOLE = datasets.load()
ASSETS = "../somewhere.claimmap/"
FILES = ("marks-0.json", "world-0.json", "detail-0.json")


def sent(whole: datasets.Dataset, chosen: Selection, **more):
    """The feature group for a selection of a dataset."""
    plan = marks.planned(whole, chosen.lang)
    on = marks.visible(plan, selection.apply(whole, chosen), chosen.layer)
    given = {"files": FILES, "visible": on, "selected": -1, "view": whole.views[0].bounds}
    given |= {"view_token": "theatre-0", "show_token": 0}
    return webmap.update(**given | more)


def state(group) -> dict:
    """What the script of a feature group hands to ours."""
    script = generate_leaflet_string(group)
    (found,) = re.findall(r"claimMap\.update\((.*)\);", script)
    return json.loads(found, parse_constant=lambda name: pytest.fail(name))


def walk(element):
    yield element
    for child in element._children.values():
        yield from walk(child)


def base_script() -> str:
    return generate_leaflet_string(webmap.base_map(ASSETS))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> datasets.Dataset:
    return datasets.load(hostile.poison(tmp_path_factory.mktemp("hostile") / "p"))


# The base map


def test_nothing_is_asked_for_off_the_origin():
    base = webmap.base_map(ASSETS)
    sent(WHOLE, Selection()).add_to(base)
    links = [
        link
        for element in walk(base)
        for name in ("default_js", "default_css")
        for _, link in getattr(element, name, [])
    ]
    assert sorted(links) == sorted(ASSETS + name for name in (webdata.SCRIPT, webdata.STYLE))
    page = base.get_root().render()
    assert not re.search(r"src|href|https?:|//[a-z]|@import|url\(", page + base_script())


def test_the_base_map_is_the_same_for_whatever_it_shows(poisoned):
    scripts = {base_script() for _ in range(3)}
    for whole, chosen in ((WHOLE, Selection()), (poisoned, Selection(source=("nis",)))):
        sent(whole, chosen)
        scripts.add(base_script())
    (script,) = scripts
    assert script.count("claimMap.attach(") == 1
    # streamlit-folium takes such suffixes out when it compares: a difference there goes unseen.
    assert len(script) < 2000


def test_making_a_map_leaves_folium_as_it_was():
    import folium

    before = list(folium.Map.default_js), list(folium.Map.default_css)
    webmap.base_map(ASSETS)
    assert before == (folium.Map.default_js, folium.Map.default_css)


def test_what_the_map_loads_is_put_beside_it(tmp_path):
    folder = tmp_path / "new" / "folder"
    webdata.prepare(folder)
    webdata.prepare(folder)
    names = {file.name for file in folder.iterdir()}
    assert {webdata.SCRIPT, webdata.STYLE} <= names
    assert "Leaflet 1.9" in (folder / webdata.SCRIPT).read_text("utf-8")
    assert "window.claimMap" in (folder / webdata.SCRIPT).read_text("utf-8")
    assert all(file.stat().st_size > 500 for file in folder.iterdir())


# What a run sends


def test_a_run_sends_a_mask_and_numbers():
    found = state(sent(WHOLE, Selection(), selected=np.int64(3), show_token=7))
    keys = {"marks", "world", "detail", "mask", "selected", "view", "show"}
    assert found.keys() == keys | {"interactive", "measure", "choice"}
    assert found["interactive"] is True
    assert not found["measure"]
    assert found["view"].keys() == {"bounds", "token"}
    assert (found["marks"], found["world"], found["detail"]) == FILES
    assert (found["selected"], found["show"]) == (3, 7)
    assert found["view"]["bounds"] == list(WHOLE.views[0].bounds)
    assert re.fullmatch(r"[A-Za-z0-9+/]*=*", found["mask"])
    assert re.fullmatch(r"[0-9a-f]+", found["view"]["token"])


def test_a_run_sends_little():
    script = generate_leaflet_string(sent(WHOLE, Selection()))
    assert len(script) < 700 + len(marks.planned(WHOLE, "en")) / 8 * 4 / 3


def test_of_very_many_marks_a_choice_and_a_checksum_are_sent(monkeypatch):
    monkeypatch.setattr(webmap, "MOST_SPELLED_OUT", 10)
    choice = webdata.choice(WHOLE, Selection())
    found = state(sent(WHOLE, Selection(), choice=choice))
    on = marks.visible(marks.planned(WHOLE, "en"), selection.apply(WHOLE, Selection()), LAYERS)
    assert "mask" not in found
    assert found["check"] == zlib.adler32(np.packbits(on).tobytes())
    # A map that shows something else than what a choice of filters leads to has no choice to tell.
    assert "mask" in state(sent(WHOLE, Selection()))
    assert "mask" in state(sent(WHOLE, Selection(), choice=choice, spelled_out=True))


def test_the_view_is_told_apart_by_its_token():
    tokens = [
        state(sent(WHOLE, Selection(), view_token=token))["view"]["token"]
        for token in ("base-0", "base-1", "base-0")
    ]
    assert tokens[0] == tokens[2] != tokens[1]


@pytest.mark.parametrize("lang", texts.languages())
def test_no_text_of_the_data_is_in_any_script(poisoned, lang):
    view = "{{7919*6841}}</script><script>alert(`${1}`)//"
    base = webmap.base_map(ASSETS)
    group = sent(poisoned, Selection(lang=lang), view_token=f"{view}-0", selected=0)
    script = generate_leaflet_string(group)
    group.add_to(base)
    page = base.get_root().render()
    pieces = [*hostile.TEXTS, "of-a-hostile-text", "{{", "54173879", "alert", "pwned", "onerror"]
    pieces += [*poisoned.claims.index, *poisoned.sources.index]
    for text in (script, page, base_script()):
        assert [piece for piece in pieces if piece in text.replace("kremlin", "")] == []


@given(st.lists(st.booleans(), max_size=70))
@example([])
@example([True] * 8)
@example([False] * 9)
def test_a_mask_can_be_read_back(bits):
    text = webdata.encode_mask(np.array(bits, dtype=bool))
    raw = base64.b64decode(text, validate=True)
    assert len(raw) == (len(bits) + 7) // 8
    assert [bool(raw[i >> 3] >> (7 - (i & 7)) & 1) for i in range(len(bits))] == bits


# The files


def content(folder: Path, whole: datasets.Dataset = WHOLE, lang: str = "en") -> dict:
    return read(folder / webdata.write_marks(folder, marks.planned(whole, lang), whole, lang))


def read(file: Path) -> dict:
    text = gzip.decompress(file.read_bytes()).decode()
    return json.loads(text, parse_constant=lambda name: pytest.fail(name))


def unpacked(text: str) -> np.ndarray:
    kind, _, packed = text.partition(":")
    return np.frombuffer(base64.b64decode(packed, validate=True), dtype=f"<{kind}")


def test_marks_are_written_in_the_order_of_the_mask(tmp_path):
    drawn = marks.draw(WHOLE, "en")
    found = content(tmp_path)
    columns = {key: unpacked(value) for key, value in found["marks"].items() if key != "count"}
    assert {len(column) for column in columns.values()} == {found["marks"]["count"], len(drawn)}
    claims, features, labels = (
        text.split("\n")
        for text in (found["claims"]["ids"], found["features"]["ids"], found["labels"])
    )
    assert [claims[n] for n in columns["claim"]] == drawn["claim"].tolist()
    assert [features[n] for n in columns["feature"]] == drawn["feature"].tolist()
    assert [labels[n] for n in columns["label"]] == drawn["label"].tolist()
    kinds = [found["kinds"][n] for n in columns["kind"]]
    for name in ("symbol", "part", "layer", "when"):
        assert [kind[name] for kind in kinds] == drawn[name].tolist()
    for row in drawn.itertuples():
        assert found["texts"]["lines"][row.feature][row.part] == list(row.lines)
    said, order = unpacked(found["features"]["said"]), webdata.statement_order(WHOLE)
    for n, feature in enumerate(features):
        spoken = (drawn.loc[drawn["feature"] == feature, "part"] == "spoken").all()
        assert (said[n] >= 0) == spoken
        assert not spoken or WHOLE.statements.index[order][said[n]] == feature


def test_figures_are_written_once_each_by_their_numbers(tmp_path):
    plan = marks.planned(WHOLE, "en")
    found = content(tmp_path)
    starts, ends = {}, 0
    for kind in figures.KINDS:
        starts[kind] = ends
        if kind == "path" and kind in found["figures"]:
            ends += len(unpacked(found["figures"]["path"]["ends"]))
        elif kind in found["figures"]:
            ends += len(set(plan["figure"][[f.kind == kind for f in plan["figure"]]]))
    assert ends == len(set(plan["figure"]))
    for figure, number in zip(plan["figure"], unpacked(found["marks"]["figure"]), strict=True):
        packed = found["figures"][figure.kind]
        if figure.kind == "path":
            stops = [0, *unpacked(packed["ends"]).tolist()]
            n = number - starts["path"]
            numbers = unpacked(packed["numbers"])[stops[n] : stops[n + 1]]
        else:
            size = {"point": 2, "circle": 4, "rim": 4, "geodesic": 4, "sector": 5}[figure.kind]
            numbers = unpacked(packed).reshape(-1, size)[number - starts[figure.kind]]
        wanted = figure.numbers
        if figure.kind == "geodesic":
            measured = geodesy.inverse(*wanted)
            wanted = (*wanted[:2], measured.bearing_deg, measured.length_km)
        # No further off than a metre or so.
        assert numbers == pytest.approx(wanted, abs=1e-5)


def test_marks_bring_their_symbols_their_legend_and_the_words(tmp_path):
    found = content(tmp_path)
    keys = {"lang", "claims", "symbols", "legend", "words", "marks", "ledger"}
    assert found.keys() == keys | {"features", "labels", "figures", "kinds", "texts"}
    assert found["symbols"].keys() == symbols.table().keys()
    assert [tuple(entry) for entry in found["legend"]] == symbols.legend("en")
    assert found["claims"]["ids"].split("\n") == WHOLE.claims.index.tolist()
    assert found["texts"]["titles"] == WHOLE.claims["title"].tolist()
    assert all(found["words"].values())


def test_hostile_texts_come_through_as_they_are(tmp_path, poisoned):
    payload = poisoned.claims["title"].iloc[0]
    found = content(tmp_path, poisoned)
    assert set(found["texts"]["titles"]) == {payload}
    parts = [lines for parts in found["texts"]["lines"].values() for lines in parts.values()]
    assert all(payload in lines for lines in parts)


def test_what_very_many_tooltips_say_is_written_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(webdata, "_MOST_TOLD_AT_ONCE", 10)
    monkeypatch.setattr(webdata, "_CLAIMS_TOLD", 8)
    together = webdata.content(marks.planned(WHOLE, "fr"), WHOLE, "fr")["texts"]
    apart = content(tmp_path, WHOLE, "fr")["texts"]
    assert apart["claims"] == 8
    webdata.write_texts(tmp_path, marks.planned(WHOLE, "fr"), WHOLE, "fr")
    files = sorted(tmp_path.glob(f"{apart['stem']}-*.json.gz"))
    assert [file.name for file in files] == [f"{apart['stem']}-{n}.json.gz" for n in range(3)]
    read_back = [read(file) for file in files]
    assert [title for each in read_back for title in each["titles"]] == together["titles"]
    lines = {key: value for each in read_back for key, value in each["lines"].items()}
    assert lines == together["lines"]


def test_the_same_content_has_the_same_name_and_another_another(tmp_path):
    def name(whole: datasets.Dataset, lang: str = "en") -> str:
        return webdata.write_marks(tmp_path, marks.plan(whole, lang), whole, lang)

    first = name(builders.small())
    assert name(builders.small()) == first
    assert re.fullmatch(r"marks-[0-9a-f]{16}\.json\.gz", first)
    assert name(builders.small(), "fr") != first
    other = builders.changed(builders.small(), "claims", "flag", title="Another flag")
    assert name(other) != first
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("fault", ["write", "rename"])
def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path, monkeypatch, fault):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        if fault == "rename":
            patch.setattr(Path, "replace", fail)
        else:
            patch.setattr(webdata.os, "fdopen", fail)
        with pytest.raises(OSError, match="disk full"):
            content(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert content(tmp_path)["marks"]["count"]


def test_a_dataset_without_marks_is_written_too(tmp_path):
    rows = {table: [] for table in datasets.TABLES}
    whole = builders.load(tmp_path / "p", rows)
    assert content(tmp_path / "p", whole)["marks"]["count"] == 0
    assert state(sent(whole, Selection()))["mask"] == ""
    assert webdata.detail_bounds(whole) == []


def test_detail_is_wanted_round_places_that_are_used_and_known():
    whole = builders.small()
    boxes = webdata.detail_bounds(whole)
    assert len(boxes) == 4
    for (west, south, east, north), (_, place) in zip(boxes, whole.places.iterrows(), strict=True):
        assert west < place["lon"] < east and south < place["lat"] < north
    vague = builders.changed(whole, "places", "coast", uncertainty_m=900_000.0)
    assert len(webdata.detail_bounds(vague)) == 3
    for lon, lat in ((179.0, 89.0), (-180.0, -90.0)):
        edge = builders.changed(whole, "places", "coast", lon=lon, lat=lat)
        for west, south, east, north in webdata.detail_bounds(edge):
            assert -180 <= west < east <= 180 and -85 <= south < north <= 85
