"""The file that stands alone: complete, offline, deaf to hostile text, and true to the library."""

import json
import re

import builders
import geopandas as gpd
import hostile
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe
from looks import boxes

from geo import dataset as datasets
from geo import marks, overlays, selection, standalone
from geo.selection import Selection

WHOLE = datasets.load()


def page(whole: datasets.Dataset, chosen: Selection) -> str:
    return standalone.to_html(whole, chosen).decode("utf-8")


def blocks(html: str) -> dict[str, object]:
    found = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', html, re.S)
    return {name: json.loads(text) for name, text in found}


@pytest.fixture(scope="module")
def plain() -> str:
    return page(WHOLE, Selection())


@pytest.fixture
def opened(tmp_path, browser):
    """Open a page from disk in a browser without a network; gives it once its map is drawn."""
    contexts = []

    def start(html: str, **context):
        file = tmp_path / "alone.html"
        file.write_text(html, encoding="utf-8")
        made = browser.new_context(
            **{"viewport": {"width": 1366, "height": 768}, "offline": True} | context
        )
        contexts.append(made)
        tab = made.new_page()
        tab.said, tab.asked = [], []
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.goto(file.as_uri())
        tab.wait_for_function("window.claimMap && claimMap.paints > 0")
        return tab

    yield start
    for each in contexts:
        each.close()


def wanted(query: str) -> list[str]:
    chosen, _ = selection.from_query(query, WHOLE)
    drawn = marks.draw(WHOLE)
    shown = marks.visible(drawn, selection.apply(WHOLE, chosen), chosen.layer)
    return sorted(set(drawn["feature"][shown]))


def test_it_is_one_small_file_that_names_no_other(plain):
    assert len(plain.encode()) < 3_000_000
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=", plain)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', plain)[1]
    assert policy.startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_it_carries_its_caveats(plain):
    assert selection.sentence(WHOLE, Selection()) in plain
    assert WHOLE.digest in plain
    assert "Natural Earth" in plain
    assert blocks(plain).keys() == {"marks", "world", "detail", "context", "setup"}
    assert blocks(plain)["context"] is None


def test_what_the_selection_hides_is_not_in_the_file():
    chosen = Selection(source=("kremlin",))
    html = page(WHOLE, chosen)
    kept = selection.apply(WHOLE, chosen)
    assert blocks(html)["marks"]["claims"]["ids"].split("\n") == list(kept.claims.index)
    for claim in WHOLE.claims.index.difference(kept.claims.index):
        assert claim not in html
    hidden = len(WHOLE.claims) - len(kept.claims)
    assert f"{hidden} of {len(WHOLE.claims)} claims hidden" in html


def test_a_selection_that_keeps_nothing_still_gives_a_page(opened):
    tab = opened(page(WHOLE, Selection(source=("kremlin",), confidence=("high",))))
    assert tab.get_by_text("No claim is left", exact=False).is_visible()
    assert tab.said == []


def test_it_filters_without_a_network(plain, opened):
    tab = opened(plain)
    filters = tab.locator("#filters")
    assert tab.evaluate("claimMap.ids()") == wanted("")
    filters.get_by_label("Denied").first.uncheck()
    assert tab.evaluate("claimMap.ids()") == wanted("layer=sourced")
    filters.get_by_label("Kremlin").check()
    filters.get_by_label("Denied").first.check()
    assert tab.evaluate("claimMap.ids()") == wanted("source=kremlin")
    kept = selection.apply(WHOLE, Selection(source=("kremlin",)))
    rows = tab.locator("#claims tbody tr:visible")
    assert rows.count() == len(kept.claims)
    assert rows.locator(".chip").all_inner_texts() == ["Only denied"] * len(kept.claims)
    assert tab.inner_text("#count") == f"{len(kept.claims)} of {len(WHOLE.claims)} claims shown"
    filters.get_by_role("button", name="Reset").click()
    tab.wait_for_function(f"claimMap.ids().length === {len(wanted(''))}")
    filters.locator("[name=as_of]").fill("2024-10-18")
    assert tab.evaluate("claimMap.ids()") == wanted("as_of=2024-10-18")
    tab.wait_for_timeout(5_500)  # no server answers, and none is waited for
    assert tab.evaluate("claimMap.ids()") == wanted("as_of=2024-10-18")
    assert tab.said == []
    assert [url for url in tab.asked if not url.startswith("file:")] == []


def test_a_row_opens_its_evidence_and_a_filter_thins_it(plain, opened):
    tab = opened(plain)
    row = tab.locator("#claims tbody tr").filter(has_text="Tsukuryne about 60 km")
    row.get_by_role("button").focus()
    tab.keyboard.press("Enter")
    article = tab.locator("#evidence article:visible")
    assert "measured: 24 km" in article.inner_text()
    assert tab.evaluate("claimMap.selected") == "tsukuryne-distance"
    said = article.locator(".said:visible").count()
    tab.locator("#filters").get_by_label("News article").check()
    assert article.locator(".said:visible").count() <= said
    tab.locator("#filters").get_by_label("News article").uncheck()
    tab.locator("#filters").get_by_label("Kremlin").check()
    assert article.count() == 0
    assert tab.get_by_text("The claim that was open is hidden", exact=False).is_visible()


def test_hostile_texts_stay_texts(tmp_path, opened):
    whole = datasets.load(hostile.poison(tmp_path / "poisoned"))
    tab = opened(page(whole, Selection()))
    for number in range(0, len(whole.claims), 5):
        tab.locator("#claims tbody button").nth(number).click()
    tab.wait_for_timeout(300)
    assert not tab.evaluate("window.pwned")
    assert tab.locator(".pwned").count() == 0
    assert not (tmp_path / "pwned").exists()
    assert hostile.TEXTS[1] in tab.locator("#claims tbody").inner_text()
    assert tab.said == []


def test_layers_of_context_come_along(tmp_path, opened):
    """Drawn under the claims, told in the legend and the caveats; and no hostile name acts."""
    name = hostile.TEXTS[0]
    shapes = [shapely.box(120, 30, 135, 45), shapely.box(135, 30, 150, 45)]
    data = {"name": [name, "b"], "kind": hostile.TEXTS[1:3], "secret": ["s3cr3t", "s3cr3t"]}
    file = tmp_path / "districts.geojson"
    gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326").to_file(file)
    layer = overlays.load(file, "kind", hostile.TEXTS[3])
    html = standalone.to_html(WHOLE, Selection(), [layer]).decode()
    assert "s3cr3t" not in html and hostile.TEXTS[1] not in html
    tab = opened(html)
    tab.wait_for_function("claimMap.context.overlays.length === 1")
    (shown,) = tab.evaluate("claimMap.context.overlays")
    assert (shown["name"], shown["shapes"], shown["opacity"]) == ("districts", 2, overlays.OPACITY)
    assert sorted(shown["classes"]) == sorted(hostile.TEXTS[1:3])
    legend = tab.locator(".cm-legend").inner_text()
    assert "districts" in legend and "context, not a claim" in legend
    assert hostile.TEXTS[3] in tab.locator(".leaflet-control-attribution").inner_text()
    assert overlays.sentence([layer], "en") in tab.locator("footer").inner_text()
    tab.wait_for_function(
        "() => { const canvas = claimMap.map.getPane('cm-context').querySelector('canvas');"
        " const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        " return data.some((dot) => dot); }"
    )
    before = tab.evaluate("claimMap.ids()")
    tab.locator("#filters").get_by_label("Denied").first.uncheck()
    assert tab.evaluate("claimMap.ids()") != before
    assert tab.evaluate("claimMap.context.overlays.length") == 1
    assert not tab.evaluate("window.pwned") and tab.said == []


@pytest.mark.parametrize("width", [390, 1366])
def test_texts_of_any_length_leave_the_map_its_room(tmp_path, opened, width):
    whole = datasets.load(hostile.poison(tmp_path / "hostile"))
    tab = opened(page(whole, Selection()), viewport={"width": width, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        tab.evaluate(
            "[...document.querySelectorAll('h1, #views, #views button, #claims th, #filters')]"
            ".filter((each) => each.scrollWidth > each.clientWidth + 1)"
            ".map((each) => each.outerHTML)"
        )
        == []
    )
    side, views, frame, legend, the_map = boxes(
        tab, "#mapside", "#views", "#frame", ".cm-legend", "#map"
    )
    assert views.bottom <= frame.top + 5
    assert frame.bottom <= side.bottom + 1
    assert legend.bottom <= frame.bottom + 1
    assert the_map.height >= 200 and frame.top + 100 < 844


@pytest.mark.parametrize("width", [390, 1366])
def test_it_can_be_used_by_everyone(plain, opened, width):
    tab = opened(plain, viewport={"width": width, "height": 844})
    found = Axe().run(tab).response["violations"]
    assert [
        (v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")
    ] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_it_speaks_french(opened):
    tab = opened(page(WHOLE, Selection(lang="fr")))
    assert tab.inner_text("#count") == "Affirmations montrées\u00a0: 21 sur 21"
    assert tab.evaluate("document.documentElement.lang") == "fr"


def test_a_small_dataset_with_hardly_anything_works(opened):
    tab = opened(page(builders.small(), Selection()))
    assert tab.evaluate("claimMap.ids().length") > 0
    assert tab.said == []
