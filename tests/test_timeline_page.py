"""The page "Time": the player, the day in the address, empty states, and a look by axe."""

from __future__ import annotations

from datetime import date

import builders
import pytest
from hostile import poison
from running import address, html, opened, ran
from streamlit.testing.v1 import AppTest

from geo import dataset, marks, selection, timeline
from geo.selection import Selection

WHOLE = dataset.load()
DAYS = timeline.days(WHOLE, Selection())


def press(app: AppTest, name: str) -> AppTest:
    app.button(key=f"timeline.{name}").click().run()
    return ran(app)


def test_the_page_tells_all_days_and_offers_each():
    app = opened("timeline")
    shown = html(app)
    assert "Up to the last day: 43 statements on 21 claims, 5 contested." in shown
    assert 'class="timeline"' in shown and 'class="timeline-table"' in shown
    for each in DAYS:
        assert f'data-as_of="{each.isoformat()}"' in shown
    assert app.select_slider(key="timeline.day").value == DAYS[-1]
    assert app.button(key="timeline.next").disabled


def test_the_buttons_go_from_day_to_day_and_the_address_follows():
    app = opened("timeline")
    for name, number in (("first", 0), ("next", 1), ("next", 2), ("previous", 1), ("last", -1)):
        press(app, name)
        assert address(app)["as_of"] == [DAYS[number].isoformat()]
        assert app.date_input(key="as_of").value == DAYS[number]
        assert app.select_slider(key="timeline.day").value == DAYS[number]
    assert app.button(key="timeline.last").disabled and app.button(key="timeline.next").disabled
    assert "New on 1 Feb 2025" in html(app) and "Ships from North Korea imaged" in html(app)


def test_a_day_between_counts_what_was_said_before_it():
    app = opened("timeline", "as_of=2024-10-20")
    assert "On 20 Oct 2024: nothing was said. Up to then: 9 statements on 5 claims" in html(app)
    assert "Nothing that the filters keep was said on this day." in html(app)
    assert app.select_slider(key="timeline.day").value == date(2024, 10, 18)
    press(app, "next")
    assert address(app)["as_of"] == ["2024-10-22"]
    assert "Asserted</span> → " in html(app)


def test_the_slider_and_the_sidebar_set_the_same_day():
    app = opened("timeline")
    app.select_slider(key="timeline.day").set_value(DAYS[2]).run()
    assert address(ran(app))["as_of"] == ["2024-10-22"]
    app.date_input(key="as_of").set_value(date(2024, 10, 25)).run()
    assert app.select_slider(key="timeline.day").value == date(2024, 10, 25)
    assert "On 25 Oct 2024: 1 statement, 0 new claims" in html(ran(app))


def test_play_starts_at_the_first_day_and_ends_with_the_page():
    app = opened("timeline")
    assert app.button(key="timeline.play").label == "Play"
    press(app, "play")
    assert app.button(key="timeline.play").label == "Pause"
    assert address(app)["as_of"] == ["2024-10-14"]
    press(app, "play")
    assert app.button(key="timeline.play").label == "Play"
    press(app, "play")
    press(app, "next")  # a step by hand pauses
    assert app.button(key="timeline.play").label == "Play"
    press(app, "play")
    assert app.button(key="timeline.play").label == "Pause"
    assert address(app)["as_of"] == ["2024-10-18"]
    # Filters leave it running; another page does not.
    app.checkbox(key="layer.denied").uncheck().run()
    assert app.button(key="timeline.play").label == "Pause"
    ran(app.switch_page("pages/checks.py").run())
    ran(app.switch_page("pages/timeline.py").run())
    assert app.button(key="timeline.play").label == "Play"


def test_an_open_claim_shows_its_evidence_as_of_the_day():
    app = opened("timeline", "claim=shipped-1500&as_of=2024-10-18")
    assert '<article class="evidence' in html(app)
    assert 'class="lane dated open"' in html(app)
    app.button(key="timeline.close").click().run()
    assert '<article class="evidence' not in html(ran(app)) and "New on 18 Oct" in html(app)


def test_filters_that_leave_nothing_are_told_and_taken_off():
    app = opened("timeline", "source=nis&status=withdrawn")
    assert "No dated statement is left" in app.info[0].value
    (button,) = [b for b in app.main.button if b.label.startswith("Drop the filter")]
    button.click().run()
    assert 'class="timeline"' in html(ran(app))


def test_a_dataset_without_dates_says_what_to_do(tmp_path, monkeypatch):
    rows = builders.tables()
    rows["statements"] = []
    monkeypatch.setenv("CLAIMS_DATASET", str(builders.write(tmp_path / "undated", rows)))
    app = opened("timeline")
    assert "Give the statements a date" in app.info[0].value
    assert len(app.sidebar.checkbox) == 2  # the rest of the app is there


def test_a_dataset_of_one_day_has_nothing_to_play(tmp_path, monkeypatch):
    rows = builders.tables()
    for said in rows["statements"]:
        said.update(date="2024-10-20", date_precision="day")
    monkeypatch.setenv("CLAIMS_DATASET", str(builders.write(tmp_path / "once", rows)))
    app = opened("timeline")
    assert app.button(key="timeline.play").disabled
    assert not app.main.get("select_slider")
    assert address(press(app, "first"))["as_of"] == ["2024-10-20"]


def test_many_claims_come_in_pages(tmp_path, monkeypatch):
    folder = builders.write(tmp_path / "many", builders.hundred_claims())
    monkeypatch.setenv("CLAIMS_DATASET", str(folder))
    app = opened("timeline")
    assert "1 to 40 of 100 claims" in html(app)
    app.number_input(key="timeline.page").set_value(2).run()
    assert "41 to 80 of 100 claims" in html(ran(app))


def test_a_french_page_shows_no_english():
    from test_catalogue import english_in, seen

    for query in ("lang=fr&as_of=2024-10-22", "lang=fr", "lang=fr&source=nis&status=withdrawn"):
        assert not [word for word in english_in(seen(opened("timeline", query))) if " " in word]


# In a browser


def drawn(upto: date) -> list[str]:
    """The ids that the library draws for a day."""
    table = marks.drawn(WHOLE, "en")
    chosen = Selection(as_of=upto)
    shown = marks.visible(table, selection.apply(WHOLE, chosen), chosen.layer)
    return sorted(set(table["feature"][shown]))


def frame_of(visit):
    return visit.map_frame(".st-key-timelinemap iframe")


def shows(frame, upto: date) -> None:
    """Wait until the map has drawn a day as the library does."""
    wanted = drawn(upto)
    frame.wait_for_function("(ids) => claimMap.ids().join() === ids.join()", arg=wanted)


def test_play_shows_each_day_on_the_same_map_and_pause_stops_it(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/timeline", block_foreign=True)
    page = visit.page
    frame = frame_of(visit)
    frame.evaluate("window.stayed = claimMap; window.at = claimMap.map.getBounds().toBBoxString()")
    page.get_by_role("button", name="Play", exact=True).press("Enter")
    for each in DAYS[:3]:
        page.wait_for_url(f"**as_of={each.isoformat()}*")
        shows(frame, each)
    page.get_by_role("button", name="Pause", exact=True).press("Enter")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    visit.settle()
    stood = page.url
    page.wait_for_timeout(1800)
    assert page.url == stood
    # A bar of the timeline sets its day, and a title opens its claim, in place.
    page.locator('.timeline a.bar[data-as_of="2024-10-28"]').press("Enter")
    page.wait_for_url("**as_of=2024-10-28*")
    shows(frame, date(2024, 10, 28))
    page.locator(".timeline .label a").first.click()
    page.locator("article.evidence").wait_for()
    # On from there to the end, where it stops by itself.
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_url("**as_of=2025-02-01*")
    shows(frame, DAYS[-1])
    page.get_by_role("button", name="Play", exact=True).wait_for()
    same = "[claimMap === window.stayed, claimMap.map.getBounds().toBBoxString() === window.at]"
    assert frame.evaluate(same) == [True, True]
    assert visit.foreign() == []
    assert [error for error in visit.errors if "404" not in error] == []


def test_leaving_the_page_stops_the_play(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/timeline?as_of=2024-10-14")
    page = visit.page
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Pause", exact=True).wait_for()
    page.get_by_role("link", name="Register").click()
    page.wait_for_selector("table.matrix")
    visit.settle()
    stood = page.url
    page.wait_for_timeout(1800)
    assert page.url == stood
    page.get_by_role("link", name="Time", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).wait_for()


@pytest.mark.parametrize(
    ("query", "size", "scheme"),
    [
        ("as_of=2024-10-22", (1366, 768), "dark"),
        ("as_of=2024-10-24&lang=fr", (390, 844), "light"),
        ("", (683, 384), "light"),  # 1366 × 768 at 200 %
    ],
)
def test_axe_finds_nothing_grave(dashboard_url, open_page, query, size, scheme):
    width, height = size
    visit = open_page(
        f"{dashboard_url}/timeline?{query}",
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        block_foreign=True,
    )
    frame_of(visit)
    visit.page.wait_for_selector(".timeline-table")
    visit.page.wait_for_timeout(500)  # the styles come after the page
    assert visit.grave() == []
    wide = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0  # the timeline scrolls in its own box, and to the day
    if query:
        where = """() => {
          const box = document.querySelector('.timeline').getBoundingClientRect();
          const line = document.querySelector('.asof').getBoundingClientRect();
          return [line.left - box.left, box.right - line.right];
        }"""
        left, right = visit.page.evaluate(where)
        assert left > 100 and right > 0
    assert visit.foreign() == []


def test_hostile_text_does_nothing_on_the_page(serve, open_page, tmp_path):
    url = serve(poison(tmp_path / "hostile"))
    visit = open_page(f"{url}/timeline?as_of=2024-10-22", block_foreign=True)
    frame_of(visit)
    visit.page.wait_for_selector(".timeline-table")
    for each in visit.page.frames:
        assert each.evaluate("window.pwned") is None
    assert visit.page.locator(".pwned").count() == 0
    assert visit.foreign() == []
    assert not (tmp_path / "pwned").exists()
