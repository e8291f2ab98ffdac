"""Hostile and awkward texts through every page, in a browser: none runs, none breaks a layout."""

import hostile
import pytest

PAGES = {
    "": ".st-key-mapframe iframe",
    "checks": "iframe",
    "register?claim=shipped-1500&silent=1": "article.evidence",
    "register?form=table": "table.ledger",
    "timeline": ".timeline",
    "compare": ".stMain iframe",
    "method": "#citing",
    "briefing": "iframe",
    "export": ".stMain h2",
    "data": ".stMain h2",
}
# Where texts are wider than their box and not cut there, so that they lie over something else.
SPILT = """() => {
  const own = (each) => [...each.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const clips = (each) => each && !each.matches('html, body, [data-testid=stMain]')
    && (getComputedStyle(each).overflowX !== 'visible' || clips(each.parentElement));
  return [...document.querySelectorAll('body *')]
    .filter((each) => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1)
    .filter((each) => own(each) && !clips(each))
    .map((each) => [each.tagName, String(each.className), each.scrollWidth, each.clientWidth,
      each.innerText.slice(0, 60)]);
}"""
WIDE = """() => Math.max(...['html', '[data-testid=stMain]', '[data-testid=stSidebarContent]']
  .map((box) => document.querySelector(box))
  .filter((box) => box && box.getBoundingClientRect().right > 0)  // a sidebar may be drawn in
  .map((box) => box.scrollWidth - box.clientWidth))"""


@pytest.fixture(scope="module")
def hostile_url(served, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    with served(hostile.poison(folder / "hostile"), folder / "server.log") as url:
        yield url, folder / "pwned"


# The briefing is for projectors.
@pytest.mark.parametrize(
    ("page", "width"),
    [(page, 1366) for page in PAGES]
    + [(page, 390) for page in ("", "checks", "register?claim=shipped-1500&silent=1", "method")],
)
def test_nothing_runs_and_nothing_breaks_the_layout(hostile_url, open_page, page, width):
    url, mark = hostile_url
    size = {"width": width, "height": 768}
    visit = open_page(f"{url}/{page}", block_foreign=True, viewport=size)
    dialogs = []
    visit.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    visit.page.locator(PAGES[page]).first.wait_for(state="attached")
    visit.settle()
    visit.page.wait_for_timeout(300)  # the styles come after the page
    found = {}
    for number, frame in enumerate(visit.page.frames):
        assert frame.evaluate("window.pwned") is None
        traces = "document.querySelectorAll('.pwned, img[src=x], base').length"
        assert frame.evaluate(traces) == 0
        assert not hostile.STEERS.search(frame.locator("body").inner_text())
        found |= {f"wide {number}": frame.evaluate(WIDE), f"spilt {number}": frame.evaluate(SPILT)}
    assert not {where: what for where, what in found.items() if what}
    assert (dialogs, visit.foreign(), mark.exists()) == ([], [], False)
    assert not [error for error in visit.errors if "404" not in error]


@pytest.mark.parametrize(
    ("page", "width", "below"),
    [
        ("", 1366, ".st-key-mapframe iframe"),
        ("compare", 1366, ".stMain iframe"),
        ("briefing", 1366, ".briefing > p"),
    ],
)
def test_a_title_of_any_length_leaves_room_for_what_stands_below(
    hostile_url, open_page, page, width, below
):
    url, _mark = hostile_url
    visit = open_page(f"{url}/{page}", viewport={"width": width, "height": 768})
    visit.page.locator(below).first.wait_for(state="attached")
    visit.settle()
    visit.page.wait_for_timeout(500)
    assert visit.page.locator(below).first.bounding_box()["y"] < 480
