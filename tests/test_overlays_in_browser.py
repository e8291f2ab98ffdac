"""The reader's own layers as a browser draws them: under the claims, for one viewer, harmless."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT
from hostile import TEXTS
from test_map_in_browser import click_box, map_frame

from geo import overlays
from pages import guard

# A pixel of white, as the answer of a host of tiles.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8"
    "ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


@pytest.fixture
def districts(tmp_path):
    """Four districts west to east round Pokrovsk, as a GeoJSON file."""
    shapes = [shapely.box(36 + i / 2, 47.5, 36.5 + i / 2, 49) for i in range(4)]
    data = {"name": ["a", "b", "c", "d"], "people": [1.5, 20, 300, 4000]}
    file = tmp_path / "districts.geojson"
    gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326").to_file(file)
    return file


def box(visit):
    """What the button beside the map opens, opened."""
    found = visit.page.locator(".st-key-overlaysbox")
    if not found.is_visible():
        visit.page.get_by_role("button", name="Context").click()
        found.wait_for()
    return found


def upload(visit, frame, *files) -> dict:
    before = frame.evaluate("claimMap.context.overlays.length")
    box(visit).locator("input[type=file]").set_input_files([str(file) for file in files])
    frame.wait_for_function(f"claimMap.context.overlays.length === {before + len(files)}")
    visit.settle()
    return frame.evaluate("claimMap.context")


def pick(visit, label: str, option: str) -> None:
    box(visit).get_by_role("combobox", name=re.compile(label)).first.click()
    visit.page.get_by_role("option", name=option, exact=True).click()
    visit.settle()


def close(visit) -> None:
    visit.page.keyboard.press("Escape")
    visit.page.locator(".st-key-overlaysbox").wait_for(state="hidden")
    visit.settle()


def colour_at(frame, pane: str, lon: float, lat: float) -> list[int]:
    """The pixel of a pane's canvas at a place: red, green, blue, opacity."""
    return frame.evaluate(
        "([pane, lon, lat]) => { const at = claimMap.map.latLngToContainerPoint([lat, lon]);"
        " const canvas = claimMap.map.getPane(pane).querySelector('canvas');"
        " const own = canvas.getBoundingClientRect(),"
        " map = claimMap.map.getContainer().getBoundingClientRect();"
        " const ratio = canvas.width / own.width;"
        " return [...canvas.getContext('2d').getImageData((at.x + map.x - own.x) * ratio,"
        " (at.y + map.y - own.y) * ratio, 1, 1).data]; }",
        [pane, lon, lat],
    )


def test_a_layer_is_drawn_under_the_claims(dashboard_url, open_page, districts):
    visit = open_page(f"{dashboard_url}/?view=pokrovsk", block_foreign=True)
    frame = map_frame(visit)
    marks = frame.evaluate("claimMap.marks()")
    (drawn,) = upload(visit, frame, districts)["overlays"]
    assert drawn == {"name": "districts", "shapes": 4, "opacity": 0.7, "classes": [""]}
    assert frame.evaluate("claimMap.marks()") == marks
    levels = frame.evaluate(
        "['base', 'tiles', 'context', 'marks'].map((name) =>"
        " Number(claimMap.map.getPane('cm-' + name).style.zIndex))"
    )
    assert levels == sorted(levels)
    grey = colour_at(frame, "cm-context", 36.8, 48.6)
    assert grey[3] > 50 and np.ptp(grey[:3]) < 16
    assert colour_at(frame, "cm-context", 35.9, 48.6)[3] == 0
    legend = frame.locator(".cm-context-legend")
    assert "context, not a claim" in legend.inner_text()
    # By a field, with its own legend; and with the name of who made it.
    pick(visit, "Colour by", "name")
    frame.wait_for_function("claimMap.context.overlays[0].classes.length === 4")
    assert colour_at(frame, "cm-context", 36.8, 48.6)[:3] != grey[:3]
    assert legend.locator("li").all_inner_texts() == ["a", "b", "c", "d"]
    source = box(visit).get_by_role("textbox")
    source.fill("© A survey {{ 7*7 }} <i>x</i>")
    source.press("Enter")
    credit = frame.locator(".leaflet-control-attribution")
    credit.get_by_text("© A survey {{ 7*7 }} <i>x</i>").wait_for()
    visit.settle()
    # Off and on again, then away for good.
    shown = box(visit).get_by_text("districts", exact=True)
    shown.click()
    frame.wait_for_function("claimMap.context.overlays.length === 0")
    visit.settle()
    shown.click()
    frame.wait_for_function("claimMap.context.overlays.length === 1")
    visit.settle()
    box(visit).get_by_role("button", name="Remove districts").click()
    frame.wait_for_function("claimMap.context.overlays.length === 0")
    assert "A survey" not in credit.inner_text()
    assert not legend.is_visible()
    assert visit.foreign() == [] and visit.errors == []
    asked = [each for each in visit.requests if "claimmap/" in each]
    assert asked and not [each for each in asked if "shapes" in each or "look" in each]


def test_its_name_is_told_only_where_no_claim_is(dashboard_url, open_page, districts):
    visit = open_page(f"{dashboard_url}/?view=pokrovsk&claim=")
    frame = map_frame(visit)
    upload(visit, frame, districts)
    close(visit)

    def hover(lon: float, lat: float) -> str:
        at = frame.evaluate(
            "([lon, lat]) => { const p = claimMap.map.latLngToContainerPoint([lat, lon]),"
            " b = claimMap.map.getContainer().getBoundingClientRect();"
            " return [p.x + b.x, p.y + b.y]; }",
            [lon, lat],
        )
        frame.locator("#map_div").hover(position={"x": at[0], "y": at[1]})
        tip = frame.locator(".cm-tip")
        return tip.inner_text() if tip.is_visible() else ""

    click_box(visit, "Sourced")
    click_box(visit, "Denied")
    assert hover(36.8, 48.1) == "b\ndistricts: context, not a claim"
    assert hover(35.95, 48.1) == ""
    click_box(visit, "Sourced")
    pokrovsk = hover(37.18, 48.28)
    assert pokrovsk and "context" not in pokrovsk


def test_the_order_and_the_layer_of_a_file_can_be_chosen(
    dashboard_url, open_page, districts, tmp_path
):
    two = tmp_path / "two.gpkg"
    table = gpd.read_file(districts)
    table.to_file(two, layer="whole")
    table.iloc[:1].to_file(two, layer="part", mode="a")
    visit = open_page(dashboard_url)
    frame = map_frame(visit)
    upload(visit, frame, two, districts)

    def names() -> list[str]:
        return [each["name"] for each in frame.evaluate("claimMap.context.overlays")]

    assert names() == ["two: whole", "districts"]
    box(visit).get_by_role("button", name="Move down: districts").click()
    frame.wait_for_function("claimMap.context.overlays[0].name === 'districts'")
    visit.settle()
    pick(visit, "Layer", "part")
    frame.wait_for_function("claimMap.context.overlays[1].shapes === 1")
    assert names() == ["districts", "two: part"]


def test_hostile_names_and_values_run_nothing(dashboard_url, open_page, tmp_path):
    payload = " ".join(TEXTS).replace("PWNED", str(tmp_path / "pwned"))
    table = gpd.GeoDataFrame(
        {payload[:200]: [payload, "x"], "</div><b class=pwned>": ["1", payload]},
        geometry=[shapely.box(36, 47, 38, 49), shapely.Point(37, 48)],
        crs="EPSG:4326",
    )
    file = tmp_path / "<img src=x onerror=window.pwned=1> {{ 7*7 }} `$'.geojson"
    file.write_text(table.to_json(), "utf-8")
    visit = open_page(f"{dashboard_url}/?view=pokrovsk&layer=", block_foreign=True)
    frame = map_frame(visit)
    (drawn,) = upload(visit, frame, file)["overlays"]
    assert "{{ 7*7 }}" in drawn["name"]
    pick(visit, "Colour by", payload[:200].strip())
    frame.wait_for_function("claimMap.context.overlays[0].classes.length === 2")
    close(visit)
    frame.locator("#map_div").hover(position={"x": 300, "y": 200})
    frame.locator(".cm-tip").wait_for()
    assert "<script>window" in frame.locator(".cm-context-legend").inner_text()
    assert "<b class=pwned>" in frame.locator(".cm-tip").inner_text()
    for each in (visit.page, frame):
        assert each.evaluate("window.pwned") is None
        assert each.evaluate("document.querySelectorAll('.pwned, img[src=x], base').length") == 0
    assert visit.foreign() == []
    assert not (tmp_path / "pwned").exists()


def test_what_cannot_be_read_is_told_in_the_language(dashboard_url, open_page, tmp_path):
    bad = tmp_path / "bad_*one*.kml"
    bad.write_text("<!DOCTYPE kml [<!ENTITY a 'a'>]><kml>&a;</kml>")
    visit = open_page(f"{dashboard_url}/?lang=fr")
    map_frame(visit)
    visit.page.get_by_role("button", name="Contexte").click()
    chosen = visit.page.locator(".st-key-overlaysbox")
    chosen.get_by_text("Jusqu’à 25 MB par fichier", exact=False).wait_for()
    chosen.locator("input[type=file]").set_input_files(str(bad))
    chosen.get_by_text("bad_*one*.kml", exact=False).get_by_text("XML sans type").wait_for()


def test_a_click_costs_no_more_with_a_layer_than_without(dashboard_url, open_page, tmp_path):
    """A layer near the budget is sent once; a click on a filter then names it, and no more."""
    steps = np.random.default_rng(4).normal(0, 0.02, (33_000, 2)).cumsum(axis=0)
    line = shapely.LineString(steps - steps.mean(axis=0) + [37, 48])
    file = tmp_path / "front.geojson"
    gpd.GeoDataFrame(geometry=[line], crs="EPSG:4326").to_file(file)
    shapes = overlays.simplify(overlays.read(file, file.name)).shapes
    assert 150_000 < len(json.dumps(shapes, separators=(",", ":"))) <= overlays.BUDGET_BYTES
    visit = open_page(f"{dashboard_url}/?view=pokrovsk")
    received = [0]
    visit.page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived", lambda data: received.__setitem__(0, received[0] + len(data))
        ),
    )
    visit.page.reload()
    frame = map_frame(visit)

    def cost() -> int:
        visit.page.wait_for_timeout(300)
        before = received[0]
        click_box(visit, "Diplomacy (7)")
        click_box(visit, "Diplomacy (7)")
        visit.page.wait_for_timeout(300)
        return (received[0] - before) // 2

    cost()
    without = cost()
    before = received[0]
    upload(visit, frame, file)
    sent = received[0] - before
    assert sent > 100_000
    close(visit)
    frame.evaluate("JSON.parse = new Proxy(JSON.parse, {apply(f, t, a) {"
                   " window.parsed = (window.parsed || 0) + String(a[0]).length;"
                   " return Reflect.apply(f, t, a); }})")  # fmt: skip
    cost()
    assert cost() - without < 3000
    assert (frame.evaluate("window.parsed") or 0) < 50_000


@pytest.fixture
def tiles_url(serve, tmp_path) -> str:
    """A dashboard whose policy lets the hosts of tiles be asked, whatever the served one does."""
    script = tmp_path / "with_tiles.py"
    script.write_text(
        "import runpy\n"
        "from geo import overlays\n"
        "from pages import guard\n"
        "guard.MAP_POLICY += ' '.join(each.host for each in overlays.tiles().values())\n"
        f"runpy.run_path({str(ROOT / 'dashboard.py')!r}, run_name='__main__')\n"
    )
    return serve(script=script)


def test_tiles_are_offered_only_where_the_policy_allows_them(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    map_frame(visit)
    box(visit).locator("input[type=file]").wait_for(state="attached")
    visit.settle()
    allowed = any(each.host in guard.MAP_POLICY for each in overlays.tiles().values())
    assert box(visit).get_by_text("your browser fetches", exact=False).count() == int(allowed)


def test_tiles_are_asked_for_only_once_chosen(tiles_url, open_page):
    visit = open_page(f"{tiles_url}/?view=pokrovsk")
    tiles = next(iter(overlays.tiles().values()))
    visit.page.context.route(
        visit.is_foreign, lambda route: route.fulfill(body=PIXEL, content_type="image/png")
    )
    frame = map_frame(visit)
    box(visit).get_by_text("your browser fetches", exact=False).wait_for()
    visit.settle()
    assert visit.foreign() == []
    address = visit.page.url
    pick(visit, "Online map", f"Streets and places ({tiles.host})")
    frame.wait_for_function("claimMap.context.tiles && claimMap.context.tiles.arrived")
    assert visit.foreign() and all(f"//{tiles.host}/" in each for each in visit.foreign())
    assert "OpenStreetMap" in frame.locator(".leaflet-control-attribution").inner_text()
    assert visit.page.url == address
    # Not over a reload.
    visit.page.reload()
    asked = len(visit.foreign())
    frame = map_frame(visit)
    visit.page.wait_for_timeout(300)
    assert frame.evaluate("claimMap.context.tiles") is None
    assert len(visit.foreign()) == asked


def test_without_a_network_the_bundled_map_stays(tiles_url, open_page):
    visit = open_page(f"{tiles_url}/?view=pokrovsk", block_foreign=True)
    frame = map_frame(visit)
    land = colour_at(frame, "cm-base", 36.8, 48.6)
    pick(visit, "Online map", f"Relief ({overlays.tiles()['Esri.WorldShadedRelief'].host})")
    frame.wait_for_function("claimMap.context.tiles")
    close(visit)
    visit.page.wait_for_timeout(500)
    assert frame.evaluate("claimMap.context.tiles.arrived") is False
    assert colour_at(frame, "cm-base", 36.8, 48.6) == land
    assert not frame.locator(".cm-failure").is_visible()
    click_box(visit, "Denied")
    assert [each for each in visit.errors if "Failed to load resource" not in each] == []


def test_the_widgets_are_accessible(dashboard_url, open_page, districts):
    visit = open_page(dashboard_url, color_scheme="dark")  # the harder of the two
    frame = map_frame(visit)
    upload(visit, frame, districts)
    box(visit)
    grave = [
        (found["id"], [node["html"][:200] for node in found["nodes"]])
        for found in Axe().run(visit.page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert grave == []
