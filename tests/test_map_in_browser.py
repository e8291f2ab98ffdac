"""The map as a browser shows it: offline, steady under every click, deaf to hostile text."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import TEXTS, poison
from looks import boxes

from geo import dataset, geodesy, marks, selection

WHERE = "[claimMap.map.getCenter(), claimMap.map.getZoom()]"
VIEWS = ("theatre", "routes", "base", "pokrovsk")


def map_frame(visit):
    """The map's frame, once it has drawn its marks and the finer coast."""
    return visit.map_frame()


def ids(frame) -> list[str]:
    return frame.evaluate("claimMap.ids()")


def expected_ids(query: str) -> list[str]:
    """What the library says that a link shows."""
    whole = dataset.load()
    chosen, ignored = selection.from_query(query, whole)
    assert not ignored
    drawn = marks.drawn(whole, chosen.lang)
    shown = marks.visible(drawn, selection.apply(whole, chosen), chosen.layer)
    return sorted(set(drawn["feature"][shown]))


def assert_shows(frame, query: str) -> list[str]:
    """Wait until the map shows what the library says that a link shows."""
    wanted = expected_ids(query)
    for _ in range(100):
        if ids(frame) == wanted:
            return wanted
        frame.page.wait_for_timeout(50)
    assert ids(frame) == wanted
    return wanted


def click_box(visit, label: str) -> None:
    """Click something in the sidebar and wait until the script has run and the address tells."""
    before = visit.page.url
    side = visit.page.locator('section[data-testid="stSidebar"]')
    side.get_by_text(label, exact=True).first.click()
    visit.page.wait_for_url(lambda now: now != before)
    visit.settle()


def click_mark(frame, lon: float, lat: float) -> None:
    """Click the map at a point, as a viewer would."""
    point = frame.evaluate(
        "([lon, lat]) => { const p = claimMap.map.latLngToContainerPoint([lat, lon]);"
        " const box = claimMap.map.getContainer().getBoundingClientRect();"
        " return [p.x + box.x, p.y + box.y]; }",
        [lon, lat],
    )
    frame.locator("#map_div").click(position={"x": point[0], "y": point[1]})


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_without_a_network(dashboard_url, open_page, view):
    visit = open_page(f"{dashboard_url}/?view={view}", block_foreign=True)
    frame = map_frame(visit)
    assert_shows(frame, "")
    assert visit.foreign() == []
    assert visit.errors == []
    west, south, east, north = dataset.load().view(view).bounds
    shown = frame.evaluate(
        "(() => { const b = claimMap.map.getBounds();"
        " return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; })()"
    )
    assert shown[0] <= west and shown[1] <= south and shown[2] >= east and shown[3] >= north


def test_layers_are_toggled_one_by_one(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    frame = map_frame(visit)
    both = assert_shows(frame, "")
    click_box(visit, "Denied")
    assert assert_shows(frame, "layer=sourced") != both
    click_box(visit, "Sourced")
    assert assert_shows(frame, "layer=") == []
    assert visit.page.get_by_text("Both layers are off", exact=False).is_visible()
    click_box(visit, "Denied")
    assert assert_shows(frame, "layer=denied") != []
    click_box(visit, "Sourced")
    assert_shows(frame, "")


def test_a_copied_link_opens_the_same_view(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    frame = map_frame(visit)
    click_box(visit, "Kremlin (2)")
    click_box(visit, "Sourced")
    visit.page.get_by_role("button", name="Pokrovsk and Tsukuryne").click()
    visit.settle()
    visit.page.wait_for_url("**view=pokrovsk**")
    link = visit.page.url
    assert parse_qs(urlsplit(link).query) == {
        "source": ["kremlin"],
        "layer": ["denied"],
        "view": ["pokrovsk"],
    }
    other = open_page(link)
    copy = map_frame(other)
    assert_shows(frame, urlsplit(link).query)
    assert_shows(copy, urlsplit(link).query)
    assert copy.evaluate(WHERE) == frame.evaluate(WHERE)
    sentence = other.page.locator(".sentence").inner_text()
    assert sentence == visit.page.locator(".sentence").inner_text()
    assert "19 of 21 claims hidden" in sentence
    assert other.page.url == link


def test_going_back_undoes_a_filter(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    frame = map_frame(visit)
    click_box(visit, "Kremlin (2)")
    assert_shows(frame, "source=kremlin")
    visit.page.go_back()
    assert_shows(frame, "")


def test_the_map_stays_where_the_viewer_moved_it(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    frame = map_frame(visit)
    frame.evaluate("window.stayed = true")
    start = frame.evaluate(WHERE)
    click_box(visit, "Diplomacy (7)")
    assert frame.evaluate(WHERE) == start
    box = visit.page.locator("iframe").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x - 90, y + 40, steps=5)
    visit.page.mouse.up()
    visit.page.mouse.wheel(0, -400)
    frame.wait_for_function(f"claimMap.map.getZoom() > {start[1]} + 0.5")
    visit.page.wait_for_timeout(600)
    moved = frame.evaluate(WHERE)
    for label in ("Denied", "Kremlin (0)", "Reset filters", "Diplomacy (7)"):
        click_box(visit, label)
        assert frame.evaluate(WHERE) == moved
        assert frame.evaluate("window.stayed") is True
    assert visit.map_frame() == frame
    assert visit.page.locator("iframe").count() == 1


def test_a_mark_opens_its_evidence_and_its_row(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?view=base")
    frame = map_frame(visit)
    place = dataset.load().places.loc["sergeevka"]
    click_mark(frame, place["lon"], place["lat"])
    evidence = visit.page.locator("article.evidence")
    evidence.get_by_text("GeoConfirmed", exact=False).first.wait_for()
    assert frame.evaluate("claimMap.selected") == "sergeevka-site"
    visit.page.wait_for_url("**claim=sergeevka-site**")


def test_marks_at_one_spot_can_all_be_reached(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?theme=diplomacy")
    frame = map_frame(visit)
    seoul = dataset.load().places.loc["seoul"]
    frame.evaluate(
        "([lon, lat]) => claimMap.map.setView([lat, lon], 8, {animate: false})",
        [seoul["lon"], seoul["lat"]],
    )
    click_mark(frame, seoul["lon"], seoul["lat"])
    choice = frame.locator(".cm-choice")
    found = choice.locator("button.cm-claim").all_inner_texts()
    whole = dataset.load()
    at_seoul = whole.features[whole.features["place"] == "seoul"]["claim"]
    assert found == list(whole.claims.loc[at_seoul, "title"])
    choice.get_by_text(found[-1]).click()
    visit.page.locator("article.evidence h3").get_by_text(found[-1]).wait_for()


def test_a_row_shows_its_claim_on_the_map(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?view=pokrovsk&theme=training")
    frame = map_frame(visit)
    visit.page.locator("table.claims tbody tr").nth(1).click()  # wherever in it
    visit.page.locator("article.evidence").wait_for()
    claims = selection.apply(dataset.load(), selection.Selection(theme=("training",))).claims
    frame.wait_for_function(f"claimMap.selected === {json.dumps(claims.index[1])}")
    place = dataset.load().places.loc["sergeevka"]
    frame.wait_for_function(f"claimMap.map.getBounds().contains([{place['lat']}, {place['lon']}])")


def test_a_row_is_picked_by_keyboard(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?theme=training")
    map_frame(visit)
    page = visit.page
    page.locator("table.claims a").nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("article.evidence").wait_for()
    # The table was made anew, and the focus is where it was: the same key closes the claim.
    page.wait_for_function("document.activeElement.matches('tr.open a[aria-current]')")
    visit.settle()
    page.keyboard.press("Enter")
    page.locator("article.evidence").wait_for(state="detached")
    assert "claim=" not in page.url


def test_measuring_needs_no_mouse(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?view=routes")
    frame = map_frame(visit)
    frame.locator(".cm-ruler").focus()
    press = visit.page.keyboard.press
    press("Enter")
    assert frame.evaluate("document.activeElement === claimMap.map.getContainer()")
    first = frame.evaluate(
        "(() => { const c = claimMap.map.getCenter(); return [c.lng, c.lat]; })()"
    )
    press("Enter")
    press("ArrowRight")
    visit.page.wait_for_timeout(600)
    second = frame.evaluate(
        "(() => { const c = claimMap.map.getCenter(); return [c.lng, c.lat]; })()"
    )
    press("Enter")
    told = frame.locator(".cm-measured")
    told.get_by_text("nautical miles", exact=False).wait_for()
    length_km = geodesy.inverse(*first, *second).length_km
    assert float(told.inner_text().split(" km")[0]) == pytest.approx(length_km, rel=0.02)


def test_two_clicks_measure_and_find_the_way_by_sea(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?view=routes")
    frame = map_frame(visit)
    frame.locator(".cm-ruler").click()
    for lon, lat in ((130.5, 40.0), (134.5, 42.5)):
        click_mark(frame, lon, lat)
    told = frame.locator(".cm-measured")
    told.get_by_text("nautical miles", exact=False).wait_for()
    words = told.inner_text()
    length_km = float(words.split(" km")[0])
    assert length_km == pytest.approx(geodesy.inverse(130.5, 40.0, 134.5, 42.5).length_km, rel=0.01)
    assert "(NE)" in words
    assert "by sea" in words
    frame.locator("#map_div").press("Escape")
    assert not told.is_visible()


def test_the_page_of_checks_shows_each_with_its_map(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/checks", block_foreign=True)
    visit.page.get_by_text("stated distance is 2.5 times", exact=False).wait_for()
    visit.page.get_by_text("SSE is next to SE", exact=False).wait_for()
    visit.page.locator("iframe").nth(1).wait_for()
    visit.settle()
    for number in range(2):
        assert len(ids(visit.map_frame("iframe", number))) in (1, 3)
    assert visit.page.locator("iframe").count() == 2
    assert visit.foreign() == []


def test_the_first_visit_to_a_page_of_its_own_address_works(open_page, serve):
    visit = open_page(f"{serve()}/checks?source=article")
    visit.page.get_by_text("stated distance is 2.5 times", exact=False).wait_for()
    visit.page.get_by_role("link", name="Map").click()
    frame = map_frame(visit)
    assert_shows(frame, "source=article")
    assert "source=article" in visit.page.url


def test_hostile_text_stays_text(open_page, serve, tmp_path):
    folder = poison(tmp_path / "hostile")
    visit = open_page(serve(folder), block_foreign=True)
    dialogs = []
    visit.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    frame = map_frame(visit)
    assert len(ids(frame)) > 10
    visit.page.locator("table.claims tbody tr").first.click()
    evidence = visit.page.locator("article.evidence")
    evidence.wait_for()
    frame.locator("#map_div").hover(position={"x": 300, "y": 200})
    for text in TEXTS:
        evidence.get_by_text(text.split()[0], exact=False).first.wait_for()
    for each in (visit.page, frame):
        assert each.evaluate("window.pwned") is None
        assert each.evaluate("document.querySelectorAll('.pwned, img[src=x], base').length") == 0
    assert dialogs == []
    assert visit.foreign() == []
    assert not (tmp_path / "pwned").exists()


def test_the_page_is_accessible(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?claim=shipped-1500")
    map_frame(visit)
    results = Axe().run(visit.page)
    grave = [
        (found["id"], [node["html"][:200] for node in found["nodes"]])
        for found in results.response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert grave == []


def test_the_row_that_is_open_is_seen_in_its_box_and_the_page_stays(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?claim=convoy")
    map_frame(visit)
    page = visit.page
    row_and_whether_seen = """() => {
      const box = document.querySelector(".st-key-claimlist").getBoundingClientRect();
      const head = document.querySelector(".claims thead").getBoundingClientRect();
      const open = document.querySelector(".claims tr.open");
      const row = open.getBoundingClientRect();
      return [open.rowIndex, row.top >= head.bottom - 1 && row.bottom <= box.bottom + 1];
    }"""
    moved = "['.stMain', '.st-key-reading'].map((e) => document.querySelector(e).scrollTop)"

    def assert_seen(number: int) -> None:
        for _ in range(100):
            if page.evaluate(row_and_whether_seen) == [number, True]:
                break
            page.wait_for_timeout(50)
        assert page.evaluate(row_and_whether_seen) == [number, True]
        assert page.evaluate(moved) == [0, 0]

    assert_seen(9)
    # Who scrolls away from it is left there, until another claim is open.
    page.evaluate("document.querySelector('.st-key-claimlist').scrollTop = 0")
    page.wait_for_timeout(300)
    assert page.evaluate(row_and_whether_seen) == [9, False]
    page.evaluate(
        "document.querySelector('.claims tr:last-child a').click();"
        "document.querySelector('.st-key-claimlist').scrollTop = 0"
    )
    assert_seen(10)


@pytest.mark.parametrize("width", [1366, 1920])
def test_the_pager_stands_close_above_the_claims(dashboard_url, open_page, width):
    visit = open_page(dashboard_url, viewport={"width": width, "height": 900})
    map_frame(visit)
    visit.page.wait_for_timeout(500)
    pager = ".st-key-rowspager"
    last, field, table = boxes(
        visit.page, f"{pager} p.quiet", f"{pager} input", ".st-key-claimlist"
    )
    assert 0 < table.top - max(last.bottom, field.bottom) < 16


@pytest.mark.parametrize("path", ["", "briefing"])
def test_scale_and_attribution_stand_apart_on_a_phone(dashboard_url, open_page, path):
    small = {"width": 390, "height": 844}
    visit = open_page(f"{dashboard_url}/{path}", viewport=small)
    key = "briefing-map" if path else "mapframe"
    frame = visit.map_frame(f".st-key-{key} iframe")
    low, high = boxes(frame, ".leaflet-control-attribution", ".leaflet-control-scale")
    assert high.bottom <= low.top + 1


def test_the_last_page_of_the_menu_is_not_cut(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/data?lang=fr")
    visit.settle()
    assert visit.page.evaluate(
        """() => {
          const last = [...document.querySelectorAll('[data-testid="stTopNavLink"]')].at(-1);
          let right = Infinity;
          for (let e = last.parentElement; e; e = e.parentElement) {
            if (getComputedStyle(e).overflowX !== "visible") {
              right = Math.min(right, e.getBoundingClientRect().right);
            }
          }
          return last.getBoundingClientRect().right <= right;
        }"""
    )
