"""What the browser works out by itself from a click on a filter, held against the library."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import builders
import pytest
from serve import DASHBOARD, free_port, serving
from test_map_in_browser import assert_shows, expected_ids, ids, map_frame

from geo import dataset as datasets
from geo import marks, selection, webdata
from geo.selection import Selection

VISIBLE = (
    "([json, choices]) => { const data = claimMarks.read(json);"
    " return choices.map((c) => [...claimSelection.visible(data, c)].join('')); }"
)


def choices(whole: datasets.Dataset, count: int) -> list[Selection]:
    """So many selections of a dataset, most filters off in most of them."""
    lots = random.Random(20241022)
    offered = selection.options(whole)
    first, last = whole.days

    def one() -> Selection:
        some = {
            key: tuple(v for v in offered[key] if lots.random() < 0.4)
            for key in selection.FACETS
            if lots.random() < 0.4
        }
        layer = tuple(v for v in selection.LAYERS if lots.random() < 0.8)
        day = first + timedelta(days=lots.randint(-1, (last - first).days))
        return Selection(**some, layer=layer, as_of=day if lots.random() < 0.5 else None)

    return [one() for _ in range(count)]


def told_and_retold(count: int) -> builders.Tables:
    """The small dataset with statements that are taken back, repeated, declined and undated."""
    made = builders.tables()
    stances = ("asserts", "denies", "retracts", "declines", "denies")
    speakers = [row["id"] for row in made["sources"]]
    claims = [row["id"] for row in made["claims"]]
    for n in range(count):
        stance = stances[n % 5]
        more = {
            "id": f"more-{n}",
            "claim": claims[n * 7 % 3],
            "source": speakers[n * 5 % 3],
            "origin": speakers[n % 3] if n % 4 == 0 else "",
            "stance": stance,
            "scope": ("direct", "implied")[n % 2] if stance == "denies" else "",
            "date": f"2024-10-{20 + n * 11 % 9}",
        }
        made["statements"].append(dict(made["statements"][0]) | more)
    return made


@pytest.mark.parametrize("retold", [False, True])
def test_the_browser_filters_as_the_library_does(retold, tmp_path, dashboard_url, open_page):
    whole = builders.load(tmp_path, told_and_retold(40)) if retold else datasets.load()
    plan = marks.plan(whole)
    tried = choices(whole, 250)
    frame = map_frame(open_page(dashboard_url))
    data = webdata.content(plan, whole, "en")
    found = frame.evaluate(VISIBLE, [data, [webdata.choice(whole, each) for each in tried]])
    for chosen, bits in zip(tried, found, strict=True):
        shown = marks.visible(plan, selection.apply(whole, chosen), chosen.layer)
        assert bits == "".join("1" if on else "0" for on in shown), chosen
    assert len(set(found)) > 25


class Line:
    """The connection of a page to its server, of which answers can be held back."""

    def __init__(self, page):
        self.held: list | None = None
        self.socket = None
        page.route_web_socket("**/_stcore/stream", self._connect)

    def _connect(self, socket) -> None:
        self.socket = socket
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(
            lambda said: socket.send(said) if self.held is None else self.held.append(said)
        )

    def hold(self) -> None:
        self.held = []

    def release(self) -> None:
        for said in self.held:
            self.socket.send(said)
        self.held = None


@pytest.fixture
def on_hold(dashboard_url, open_page):
    """A page with its map drawn, whose server's answers are held back."""
    visit = open_page(dashboard_url)
    line = Line(visit.page)
    visit.page.reload()
    frame = map_frame(visit)
    line.hold()
    return visit, frame, line


def click(visit, label: str) -> None:
    side = visit.page.locator('section[data-testid="stSidebar"]')
    side.get_by_text(label, exact=True).first.click()


def test_a_click_is_drawn_before_the_server_answers(on_hold):
    visit, frame, line = on_hold
    drawn = []
    for label, query in (
        ("Denied", "layer=sourced"),
        ("Kremlin (2)", "layer=sourced&source=kremlin"),
        ("Denied", "source=kremlin"),
    ):
        click(visit, label)
        assert_shows(frame, query)
        drawn.append(ids(frame))
    assert line.held
    seen = frame.evaluate_handle(
        "(() => { const seen = []; addEventListener('claimmap:painted',"
        " () => seen.push(claimMap.ids().join())); return seen; })()"
    )
    line.release()
    visit.page.wait_for_url("**source=kremlin**")
    visit.settle()
    visit.page.wait_for_timeout(300)
    # The answers to the first clicks come late, and must not bring back what was left.
    assert set(seen.json_value()) == {",".join(expected_ids("source=kremlin"))}
    assert len(drawn[0]) != len(drawn[1]) != len(drawn[2])


def test_what_the_server_never_confirms_is_taken_back(on_hold):
    visit, frame, _ = on_hold
    click(visit, "Denied")
    assert_shows(frame, "layer=sourced")
    visit.page.wait_for_timeout(5_200)
    assert ids(frame) == expected_ids("")


# A server that is started anew under an open page


class Restarted:
    """The dashboard on one port, as often as it is started."""

    def __init__(self, log: Path):
        self.log, self.port, self.stack = log, free_port(), ExitStack()

    def start(self) -> str:
        self.server = self.stack.enter_context(serving(DASHBOARD, None, self.log, self.port))
        self.server.wait_until_healthy(90)
        return self.server.url

    def kill(self) -> None:
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()


@pytest.fixture
def restarted(tmp_path) -> Iterator[Restarted]:
    found = Restarted(tmp_path / "server.log")
    with found.stack:
        yield found


def test_the_first_click_on_a_filter_counts_after_the_server_was_started_anew(restarted, open_page):
    visit = open_page(f"{restarted.start()}/?source=kremlin")
    map_frame(visit)
    side = visit.page.locator('section[data-testid="stSidebar"]')
    app = visit.page.locator('[data-testid="stApp"]')
    for label, query in (
        ("Denied", "layer=sourced&source=kremlin"),
        ("Kremlin (2)", "layer=sourced"),
        ("Reset filters", ""),
    ):
        restarted.kill()
        # As long as nobody would hear of a click there is none.
        side.locator("input[type=checkbox]:disabled").first.wait_for(state="attached")
        assert side.get_by_text("Reset filters").is_disabled()
        restarted.start()
        side.locator("input[type=checkbox]:enabled").first.wait_for(state="attached")
        assert app.get_attribute("data-test-connection-state") == "CONNECTED"
        click(visit, label)
        visit.page.wait_for_url(lambda now, q=query: parse_qs(urlsplit(now).query) == parse_qs(q))
        visit.settle()
        assert_shows(map_frame(visit), query)
        assert parse_qs(urlsplit(visit.page.url).query) == parse_qs(query)
        pressed = [box.is_checked() for box in side.locator("input[type=checkbox]").all()]
        assert pressed == [True, "layer" not in query]
