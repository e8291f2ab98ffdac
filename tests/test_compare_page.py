"""Two maps side by side: what the page sends them, and that in a browser they move as one."""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import poison
from looks import boxes
from streamlit.testing.v1 import AppTest
from test_pages import ROOT, address, html

from geo import comparison, dataset, marks, selection, webdata
from geo.selection import Selection

WHERE = "(({ lat, lng }) => [lat, lng, claimMap.map.getZoom()])(claimMap.map.getCenter())"
SEOUL = "nis,kr-government,kr-presidency"
ALL = Selection()
OTHERS = "north-korea,nk-un,kremlin,putin,ru-mod"


@cache
def built_in() -> dataset.Dataset:
    return dataset.load()


def opened(**query: str) -> AppTest:
    """The page after its first run at a link."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    app.switch_page("pages/compare.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest) -> list[dict]:
    """The states that the last run sent to both maps."""
    found = []
    for each in app.get("component_instance"):
        script = json.loads(each.proto.json_args)["feature_group"]
        start = script.index("claimMap.update(") + len("claimMap.update(")
        found.append(json.JSONDecoder().raw_decode(script[start:])[0])
    return found


def shown(query: dict[str, str], shared: Selection = ALL) -> list:
    """Which marks the library says that both sides show, left and right."""
    whole = built_in()
    left, right, _ = comparison.from_query(query, whole)
    chosen = [comparison.chosen(side, shared) for side in (left, right)]
    drawn = marks.drawn(whole, shared.lang)
    return [marks.visible(drawn, selection.apply(whole, c), c.layer) for c in chosen]


def assert_sends(app: AppTest, query: dict[str, str], shared: Selection = ALL) -> None:
    masks = [webdata.encode_mask(mask) for mask in shown(query, shared)]
    assert [state["mask"] for state in sent(app)] == masks


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [b for b in app.main.button if b.label.replace("\\", "") == label]
    return button.click().run()


# Without a browser


def test_the_page_opens_with_those_who_contradict_each_other():
    app = opened()
    assert_sends(app, {"a_source": SEOUL, "b_source": OTHERS})
    told = html(app)
    for words in ("As Seoul tells it", "As Pyongyang and Moscow tell it", "6 claims of 21"):
        assert words in told
    assert "4 claims asserted on one side, denied by implication on the other" in told
    assert address(app) == {}
    bounds = {tuple(state["view"]["bounds"]) for state in sent(app)}
    assert len(bounds) == 1


def test_each_suggestion_can_be_pressed_and_stands_in_the_address():
    app = opened()
    for preset in comparison.presets(built_in(), "en"):
        press(app, preset.label)
        query = comparison.to_query(preset.left, preset.right)
        assert address(app) == {key: [value] for key, value in query.items() if value}
        assert_sends(app, query)
        pressed = [b.label for b in app.main.button if b.proto.type == "primary"]
        assert [label.replace("\\", "") for label in pressed] == [preset.label]


def test_a_link_sets_both_sides_and_the_widgets_change_them():
    app = opened(a_source="nis,kbs", a_as_of="2024-10-21", b_source="kremlin")
    assert_sends(app, {"a_source": "nis,kbs", "a_as_of": "2024-10-21", "b_source": "kremlin"})
    assert app.multiselect(key="compare.A.source").value == ["nis", "kbs"]
    app.multiselect(key="compare.B.source").set_value([]).run()
    assert address(app) == {"a_source": ["nis,kbs"], "a_as_of": ["2024-10-21"]}
    app.multiselect(key="compare.A.source").set_value([]).run()
    app.date_input(key="compare.A.as_of").set_value(None).run()
    # No sources and no day on either side is a choice too, and a link to it leads here.
    assert address(app) == {"a_source": ["*"]}
    assert "Nothing differs: both sides show the same 21 claims" in html(app)
    assert "No claim differs" in [each.label for each in app.expander]


def test_swapping_swaps():
    app = press(opened(), "Swap")
    assert_sends(app, {"a_source": OTHERS, "b_source": SEOUL})


def test_what_a_link_asks_in_vain_is_told():
    app = opened(a_source="nobody,nis", b_as_of="soon", look="moon")
    (told,) = [each.value.replace("\\", "") for each in app.main.warning]
    assert all(part in told for part in ("a_source=nobody", "b_as_of=soon", "look=moon"))
    assert_sends(app, {"a_source": "nis"})


def test_filters_of_the_sidebar_hold_for_both_but_for_source_and_day():
    app = opened(source="kbs", as_of="2024-10-18", theme="transport", layer="denied")
    shared = Selection(theme=("transport",), layer=("denied",))
    assert_sends(app, {"a_source": SEOUL, "b_source": OTHERS}, shared)
    assert "do not count on this page" in html(app)
    assert "do not count on this page" not in html(opened(theme="transport"))


def test_a_side_with_nothing_says_what_to_do():
    app = opened(a_source="nis", a_as_of="2024-10-01")
    assert html(app).count("Nothing to show on this side") == 1
    assert "21 claims of 21" in html(app)


def test_a_choice_of_sources_does_not_move_the_maps_and_a_suggestion_does():
    app = opened()
    before = [state["view"]["token"] for state in sent(app)]
    app.multiselect(key="compare.A.source").set_value(["kbs"]).run()
    assert [state["view"]["token"] for state in sent(app)] == before
    press(app, "Seoul / Pyongyang")
    assert [state["view"]["token"] for state in sent(app)] != before
    app.selectbox(key="compare.look").set_value("pokrovsk").run()
    bounds = list(built_in().view("pokrovsk").bounds)
    assert [state["view"]["bounds"] for state in sent(app)] == [bounds, bounds]
    assert address(app)["look"] == ["pokrovsk"]


def test_what_was_compared_is_still_there_after_another_page():
    app = press(opened(), "Seoul / Pyongyang")
    app.switch_page("pages/checks.py").run()
    assert "a_source" not in address(app)
    app.switch_page("pages/compare.py").run()
    assert_sends(app, {"a_source": SEOUL, "b_source": "north-korea,nk-un"})
    assert address(app)["b_source"] == ["north-korea,nk-un"]


# In a browser


def frames(visit) -> list:
    """The frames of both maps, drawn and moving together."""
    found = [visit.map_frame(".stMain iframe", number) for number in range(2)]
    for frame in found:
        joined = "window.claimTogether && claimTogether.joined"
        frame.wait_for_function(joined, timeout=30_000)
        frame.evaluate("window.stayed = claimMap; 0")
    visit.settle()
    visit.page.wait_for_timeout(300)
    return found


def where(both: list) -> list[float]:
    """Where both maps stand, once they are at rest; they must stand at the same place."""
    page = both[0].page
    before = None
    for _ in range(60):
        now = [frame.evaluate(WHERE) for frame in both]
        if now == before:
            break
        before = now
        page.wait_for_timeout(150)
    assert now[0] == now[1]
    return now[0]


def drag(visit, number: int, both: list) -> None:
    box = visit.page.locator(".stMain iframe").nth(number).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = visit.page.mouse
    mouse.move(x, y)
    mouse.down()
    start = both[1 - number].evaluate(WHERE)
    for step in range(1, 9):
        mouse.move(x - 11 * step, y + 7 * step)
    visit.page.wait_for_timeout(60)
    # While the hand still holds one map, the other moves already.
    assert both[1 - number].evaluate(WHERE) != start
    mouse.up()


def test_every_gesture_on_one_map_moves_the_other_just_as_far(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/compare")
    both = frames(visit)
    runs = len(visit.requests)
    seen = [where(both)]
    for number, frame in enumerate(both):
        box = visit.page.locator(".stMain iframe").nth(number).bounding_box()
        visit.page.evaluate("document.activeElement.blur()")
        gestures = [
            lambda n=number: drag(visit, n, both),
            lambda b=box: (
                visit.page.mouse.move(b["x"] + 90, b["y"] + 150),
                visit.page.mouse.wheel(0, -200),
            ),
            lambda f=frame: (
                f.locator("#map_div").focus(),
                [visit.page.keyboard.press(key) for key in ("ArrowRight", "ArrowUp", "ArrowUp")],
            ),
            lambda f=frame: f.locator(".leaflet-control-zoom-out").click(),
            lambda b=box: visit.page.mouse.dblclick(b["x"] + 200, b["y"] + 180),
            lambda f=frame: f.evaluate("claimMap.map.flyTo([50, 90], 4, { duration: 0.3 }); 0"),
            lambda f=frame: f.evaluate("claimMap.map.setView([80, -260], 2); 0"),
        ]
        for gesture in gestures:
            gesture()
            visit.page.wait_for_timeout(350)
            seen.append(where(both))
            assert seen[-1] != seen[-2]
    # Seized by the other hand in the middle of a zoom, it is the second that counts.
    both[0].evaluate("claimMap.map.setZoom(5); 0")
    both[1].evaluate("claimMap.map.panBy([40, 0]); 0")
    where(both)
    visit.page.set_viewport_size({"width": 1500, "height": 820})
    visit.page.wait_for_timeout(400)
    where(both)
    assert [frame.evaluate("claimMap === stayed") for frame in both] == [True, True]
    assert visit.requests[runs:] == []  # the page was asked for nothing


def test_a_suggestion_moves_both_and_remounts_neither(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/compare")
    both = frames(visit)
    start = where(both)
    for label in ("Photo of the two flags / Moscow", "21 Oct 2024 / 1 Feb 2025", "Swap"):
        visit.page.get_by_role("button", name=label).click()
        visit.page.wait_for_timeout(300)
        visit.settle()
        asked = parse_qs(urlsplit(visit.page.url).query)
        query = {key: values[0] for key, values in asked.items()}
        drawn = marks.drawn(built_in(), "en")
        wanted = [sorted(set(drawn["feature"][mask])) for mask in shown(query)]
        for frame, ids in zip(both, wanted, strict=True):
            frame.wait_for_function(
                "ids => JSON.stringify(claimMap.ids()) === JSON.stringify(ids)", arg=ids
            )
        assert where(both) != start
    assert [frame.evaluate("claimMap === stayed") for frame in both] == [True, True]


def test_two_tabs_leave_each_other_alone_and_a_left_page_leaves_nothing(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/compare")
    both = frames(visit)
    stood = where(both)
    tab = visit.page.context.new_page()
    tab.goto(f"{dashboard_url}/compare")
    other = type(visit)(tab, dashboard_url)
    theirs = frames(other)
    theirs[0].evaluate("claimMap.map.setView([10, 10], 3); 0")
    assert where(theirs)[2] == 3
    assert where(both) == stood
    tab.get_by_role("link", name="Checks").click()
    tab.wait_for_url(lambda address: "compare" not in address)
    other.settle()
    assert tab.evaluate("Object.keys(window).filter((key) => key.startsWith('claim'))") == []


def test_the_pointer_is_shown_on_the_other_map_and_legends_open_together(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/compare")
    both = frames(visit)
    box = visit.page.locator(".stMain iframe").first.bounding_box()
    visit.page.mouse.move(box["x"] + 120, box["y"] + 140)
    visit.page.mouse.move(box["x"] + 130, box["y"] + 150)
    cross = both[1].locator(".cm-cross")
    cross.wait_for()
    spot = cross.evaluate("e => { const b = e.getBoundingClientRect(); return [b.x, b.y] }")
    assert spot == pytest.approx([115, 135], abs=1.5)
    visit.page.mouse.move(box["x"] + 130, box["y"] - 60)
    cross.wait_for(state="hidden")
    heads = [frame.locator(".cm-legend-head") for frame in both]
    assert [head.get_attribute("aria-expanded") for head in heads] == ["false", "false"]
    heads[1].click()
    assert [head.get_attribute("aria-expanded") for head in heads] == ["true", "true"]
    where(both)


def test_a_claim_of_the_list_opens_on_the_map(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/compare?source=kbs")
    frames(visit)
    visit.page.get_by_text("The 11 claims that differ").click()
    visit.page.get_by_role("link", name="Seoul may reconsider its refusal of arms").click()
    visit.page.locator("article.evidence").get_by_text("article ¶ 11–12").first.wait_for()
    assert parse_qs(urlsplit(visit.page.url).query) == {"claim": ["arms-review"]}
    visit.page.go_back()
    frames(visit)


def test_on_a_phone_the_maps_stand_one_above_the_other(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/compare", viewport={"width": 390, "height": 844})
    where(frames(visit))
    first, second = boxes(visit.page, *(f".st-key-compare-side-{each} iframe" for each in "AB"))
    assert second.top > first.bottom
    assert first.left == second.left
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(("scheme", "lang"), [("light", "en"), ("dark", "fr")])
def test_the_page_is_accessible(dashboard_url, open_page, scheme, lang):
    visit = open_page(f"{dashboard_url}/compare?lang={lang}", color_scheme=scheme)
    both = frames(visit)
    titles = [frame.evaluate("frameElement.title") for frame in both]
    assert titles[0].startswith("A ")
    assert titles[1].startswith("B ")
    visit.page.locator(".stMain details summary").click()
    for popover in (None, "Sources, day" if lang == "en" else "Sources, date"):
        if popover:
            visit.page.get_by_text(popover, exact=True).first.click()
        visit.page.wait_for_timeout(500)
        results = Axe().run(visit.page)
        grave = [
            (found["id"], [node["html"][:200] for node in found["nodes"]])
            for found in results.response["violations"]
            if found["impact"] in ("serious", "critical")
        ]
        assert grave == []


def test_hostile_text_stays_text_and_nothing_is_fetched_elsewhere(open_page, serve, tmp_path):
    url = serve(poison(tmp_path / "hostile"))
    visit = open_page(f"{url}/compare?a_source=nis&b_source=kremlin,<b>", block_foreign=True)
    both = frames(visit)
    visit.page.locator(".stMain details summary").click()
    visit.page.wait_for_timeout(500)
    for each in (visit.page, *both):
        assert each.evaluate("window.pwned") is None
        assert each.evaluate("document.querySelectorAll('.pwned, img[src=x]').length") == 0
    assert visit.foreign() == []
    assert not (tmp_path / "pwned").exists()
