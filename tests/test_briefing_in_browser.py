"""The briefing as a projector shows it: keys from everywhere, a gliding map, large letters."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import poison

from geo import dataset, marks

SHARE = 1 / 40  # of the window's height, that the last row still reads
SIZES = [(1366, 768), (1920, 1080), (1280, 720)]

# Every text that is drawn on a canvas, with its size in pixels of the screen.
RECORD = """
window.written = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
  const size = parseFloat(this.font.match(/([0-9.]+)px/)[1]);
  window.written.push([text, size * this.getTransform().a]);
  return write.call(this, text, ...where);
};
"""

# The texts that are seen in a document, with their size in its own pixels.
SEEN = """
() => [...document.querySelectorAll("body *")].filter((each) =>
  [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) &&
  each.checkVisibility({ visibilityProperty: true }) && each.getBoundingClientRect().width > 1 &&
  !["SCRIPT", "STYLE", "NOSCRIPT"].includes(each.tagName)
).map((each) => [
  each.className.toString(),
  each.textContent.trim().slice(0, 40),
  parseFloat(getComputedStyle(each).fontSize),
])
"""

# What would have to be scrolled to be seen.
CUT = """
() => [...document.querySelectorAll("html, .stMain, .briefing, .st-key-briefing, .cm-legend," +
  " .st-key-briefing-bar")].filter((each) =>
  each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1
).map((each) => each.className)
"""

# Whether somebody took a key away from the page.
TAKEN = """
new Promise((done) => {
  const options = { key: "PageDown", bubbles: true, cancelable: true };
  document.addEventListener("keydown", (event) => done(event.defaultPrevented), { once: true });
  document.body.dispatchEvent(new KeyboardEvent("keydown", options));
})
"""


def start(open_page, url: str, **context):
    """A visit to the briefing and the map's frame, once that has drawn its marks."""
    visit = open_page(url, **context)
    return visit, frame_of(visit)


def frame_of(visit):
    frame = visit.map_frame("iframe")
    frame.evaluate("window.stayed = claimMap")
    return frame


def stands_at(visit, frame, step: int) -> None:
    """The page and the map come to a step, stay at it, and the map is still the same."""
    frame.wait_for_function(f"claimMap.step.at === {step - 1}", timeout=8000)
    visit.page.get_by_text(f"{step} / 9", exact=True).wait_for()
    visit.settle()
    visit.page.wait_for_timeout(150)
    assert frame.evaluate("[claimMap.step.at, claimMap === window.stayed]") == [step - 1, True]
    assert parse_qs(urlsplit(visit.page.url).query).get("step", ["1"]) == [str(step)]


def ids_of(step: int) -> list[str]:
    whole = dataset.load()
    drawn = marks.drawn(whole, "en")
    claims = whole.briefing.loc[step, "claims"].split()
    return sorted(set(drawn["feature"][drawn["claim"].isin(claims)]))


def test_keys_move_one_step_each_from_the_page_and_from_the_map(dashboard_url, open_page):
    visit, frame = start(open_page, f"{dashboard_url}/briefing", reduced_motion="reduce")
    keyboard = visit.page.keyboard
    moves = [("PageDown", 2), ("ArrowRight", 3), ("Space", 4), ("ArrowDown", 5), ("PageUp", 4)]
    moves += [("ArrowLeft", 3), ("ArrowUp", 2), ("End", 9), ("Home", 1)]
    for key, step in moves:
        keyboard.press(key)
        stands_at(visit, frame, step)
        assert frame.evaluate("claimMap.ids()") == ids_of(step)
    frame.locator("#map_div").focus()
    assert visit.page.evaluate("document.activeElement.tagName") == "IFRAME"
    for key, step in [("PageDown", 2), ("Space", 3), ("ArrowLeft", 2), ("End", 9), ("Home", 1)]:
        keyboard.press(key)
        stands_at(visit, frame, step)
    # Faster than the page can run: none is lost, none counts twice.
    for _ in range(5):
        keyboard.press("PageDown")
    stands_at(visit, frame, 6)
    # Streamlit looks for its health beside the page first, where it is not.
    assert [error for error in visit.errors if "404" not in error] == []


def test_keys_open_and_close_panels_and_the_menu(dashboard_url, open_page):
    visit, frame = start(open_page, f"{dashboard_url}/briefing?step=2")
    page, side = visit.page, visit.page.locator('[data-testid="stSidebar"]')
    header = page.locator('[data-testid="stHeader"]')
    assert not side.is_visible()
    assert not header.is_visible()
    page.keyboard.press("o")
    page.get_by_role("button", name="4. Three coasts, one port").wait_for()
    page.keyboard.press("PageDown")
    stands_at(visit, frame, 3)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="4. Three coasts, one port").wait_for(state="detached")
    page.keyboard.press("e")
    page.locator("article.evidence").get_by_text("article ¶ 2").first.wait_for()
    page.keyboard.press("e")
    page.locator("article.evidence").wait_for(state="detached")
    page.keyboard.press("Escape")
    side.wait_for(state="visible")
    assert header.is_visible()
    # What is typed stays with what it is typed into.
    page.locator(
        '[data-testid="stDateInput"] [contenteditable], [data-testid="stDateInput"] input'
    ).first.click()
    for key in ("PageDown", "ArrowRight", "Home", "e"):
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    stands_at(visit, frame, 3)
    assert page.locator("article.evidence").count() == 0
    # A box that has been clicked keeps the focus, and a clicker still works.
    side.get_by_text("Denied", exact=True).first.click()
    frame.wait_for_function(
        "!claimMap.ids().length || claimMap.marks().every((m) => !m.symbol.startsWith('denied'))"
    )
    page.keyboard.press("PageDown")
    stands_at(visit, frame, 4)
    page.get_by_role("button", name="Hide the menu (Esc)").click()
    side.wait_for(state="hidden")
    assert page.locator(".briefing .filters").is_visible()


def test_the_map_glides_unless_motion_is_unwanted(dashboard_url, open_page):
    for motion, frames in (("no-preference", True), ("reduce", False)):
        visit, frame = start(open_page, f"{dashboard_url}/briefing", reduced_motion=motion)
        frame.evaluate(
            "window.zooms = []; claimMap.map.on('zoom', () => zooms.push(claimMap.map.getZoom()))"
        )
        visit.page.keyboard.press("End")
        stands_at(visit, frame, 9)
        visit.page.wait_for_timeout(1800)
        assert (frame.evaluate("new Set(zooms).size") > 4) is frames


def test_the_whole_page_fills_the_screen_on_request(dashboard_url, open_page):
    visit, frame = start(open_page, f"{dashboard_url}/briefing")
    for _ in range(2):
        visit.page.keyboard.press("f")
        visit.page.wait_for_function("document.fullscreenElement === document.documentElement")
        frame.locator(".cm-full").click()
        visit.page.wait_for_function("!document.fullscreenElement")


def test_leaving_the_page_leaves_its_keys_behind(dashboard_url, open_page):
    visit, _frame = start(open_page, f"{dashboard_url}/briefing")
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("link", name="Map").click()
    visit.page.locator("table.claims").wait_for()
    visit.settle()
    assert visit.page.evaluate(TAKEN) is False
    assert "step" not in visit.page.url


@pytest.mark.parametrize(("lang", "last"), [("en", 1), ("fr", 7)])
def test_nothing_is_too_small_and_nothing_scrolls(dashboard_url, open_page, lang, last):
    visit = open_page("about:blank", reduced_motion="reduce")
    page = visit.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.add_init_script(RECORD)
    page.goto(f"{dashboard_url}/briefing?step=9&lang={lang}")
    frame = frame_of(visit)
    least = SHARE * 1080
    for step in range(9, last - 1, -1):
        frame.wait_for_function(f"claimMap.step.at === {step - 1}")
        visit.settle()
        page.wait_for_timeout(200)
        assert [each for each in page.evaluate(SEEN) if each[2] < least] == []
        grown = frame.evaluate("parent.innerHeight / 620")
        in_frame = [each for each in frame.evaluate(SEEN) if each[2] * grown < least]
        assert [each for each in in_frame if "attribution" not in each[0]] == []
        assert all(each[2] * grown > 0.7 * least for each in in_frame)
        # The names on the map are as large, once it is drawn anew.
        frame.evaluate("window.written = []; parent.dispatchEvent(new Event('resize'))")
        written = frame.evaluate("window.written")
        assert written
        assert [each for each in written if each[1] < least] == []
        assert page.evaluate(CUT) + frame.evaluate(CUT) == []
        page.keyboard.press("PageUp")
    page.keyboard.press("End")
    frame.wait_for_function("claimMap.step.at === 8")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate(CUT) + frame.evaluate(CUT) == []


@pytest.mark.parametrize(("scheme", "keys"), [("light", ("", "o", "e", "Escape")), ("dark", ("",))])
def test_the_page_is_accessible(dashboard_url, open_page, scheme, keys):
    visit, _frame = start(open_page, f"{dashboard_url}/briefing?step=2", color_scheme=scheme)
    for key in keys:
        if key:
            visit.page.keyboard.press(key)
            visit.page.wait_for_timeout(600)
            visit.settle()
        results = Axe().run(visit.page)
        grave = [
            (key, found["id"], [node["html"][:200] for node in found["nodes"]])
            for found in results.response["violations"]
            if found["impact"] in ("serious", "critical")
        ]
        assert grave == []


def test_hostile_text_stays_text_and_nothing_is_fetched_elsewhere(open_page, serve, tmp_path):
    url = serve(poison(tmp_path / "hostile"))
    visit, frame = start(open_page, f"{url}/briefing?step=2", block_foreign=True)
    for key in ("o", "e", "e"):
        visit.page.keyboard.press(key)
        visit.page.wait_for_timeout(700)
        visit.settle()
        for each in (visit.page, frame):
            assert each.evaluate("window.pwned") is None
            assert each.evaluate("document.querySelectorAll('.pwned, img[src=x]').length") == 0
    # Nor does a value that only a stranger's script would send move anything.
    frame.evaluate(
        "Streamlit.setComponentValue({ at: 99, panel: 'x', bars: 1, sequence: Date.now() })"
    )
    visit.page.wait_for_timeout(500)
    visit.settle()
    assert frame.evaluate("claimMap.step.at") == 1
    assert visit.foreign() == []
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_on_a_phone_the_map_and_all_controls_are_there(dashboard_url, open_page, lang):
    phone = {"width": 390, "height": 844}
    visit, frame = start(open_page, f"{dashboard_url}/briefing?step=2&lang={lang}", viewport=phone)
    page = visit.page
    the_map = page.locator(".st-key-briefing-map").bounding_box()
    assert the_map["y"] == 0 and 300 < the_map["height"] < 500
    buttons = page.locator(".st-key-briefing-bar .stButton")
    assert buttons.count() == 5
    for key in ("", "e", "e", "o"):
        if key:
            page.keyboard.press(key)
            page.wait_for_timeout(600)
            visit.settle()
        for number in range(5):
            box = buttons.nth(number).bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert box["y"] > 400 and box["y"] + box["height"] <= 844
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # Nor is the legend out of reach, which a small frame starts with closed.
    assert frame.locator(".cm-legend-head").is_visible()
