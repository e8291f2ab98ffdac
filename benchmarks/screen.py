"""What a viewer sees and waits for: clicks, openings and moves of the map in a real browser.

Each app is a page that stays open while real mouse clicks go to one after the other, so that
whatever slows the machine down slows all of them. ``probe.js`` tells what happened in a page.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from load import quantile
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright
from playwright.sync_api import Error as BrowserError
from serve import DASHBOARD, Relay, Server, ServerFailed, serving

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))
from browser import FLAGS, find  # noqa: E402

PROBE = Path(__file__).parent / "probe.js"
RIVALS = Path(__file__).parent / "rivals"
SCRIPTS = {
    "bare": RIVALS / "bare.py",
    "ours": DASHBOARD,
    "rebuilt": RIVALS / "rebuilt.py",
    "deck": RIVALS / "deck.py",
}
FACETS = ("theme", "confidence")
VIEWPORT = {"width": 1366, "height": 768}
# WebGL for pydeck without a graphics card; names off this machine are not even looked up.
GRAPHICS = ("--enable-unsafe-swiftshader",)
NO_NETWORK = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",)
QUICK_MS = 5_000  # an app whose click takes longer is not clicked in turn with the others
DRAG_STEPS = 120
HEAP_CLICKS = 40  # after so many it is seen what the browser's heap has grown by


@dataclass(frozen=True)
class Plan:
    """How much of everything is measured."""

    clicks: int = 100  # of fewer, a single slow frame moves p95
    rival_clicks: int = 12
    slow_clicks: int = 2  # of an app that takes longer than QUICK_MS
    openings: int = 5
    click_cap_s: float = 45.0
    ready_cap_s: float = 150.0  # for the first page of a server that has just started
    rival_cap_s: float = 60.0  # the same for the other apps


@dataclass
class Clicks:
    """What the clicks on one app came to; times in ms from the click."""

    shown: list[float] = field(default_factory=list)  # until its last change was on the screen
    first: list[float] = field(default_factory=list)  # until its first change was
    answered: list[float] = field(default_factory=list)  # until the server's run had ended
    confirmed: list[float] = field(default_factory=list)  # until the map had the server's answer
    socket_bytes: list[int] = field(default_factory=list)
    http_bytes: list[int] = field(default_factory=list)
    wire_bytes: list[int] = field(default_factory=list)  # as they were sent, compressed
    failures: list[str] = field(default_factory=list)

    def told(self, bare_ms: float | None) -> dict:
        """As figures; the ratios are to the median of the bare app of the same run."""
        found = {
            "clicks": len(self.shown),
            "median_ms": quantile(self.shown, 0.5, 1),
            "p95_ms": quantile(self.shown, 0.95, 1),
            "first_change_median_ms": quantile(self.first, 0.5, 1),
            "answered_median_ms": quantile(self.answered, 0.5, 1),
            "answered_p95_ms": quantile(self.answered, 0.95, 1),
            "confirmed_median_ms": quantile(self.confirmed, 0.5, 1),
            "confirmed_p95_ms": quantile(self.confirmed, 0.95, 1),
            "bytes_median": quantile(
                [s + h for s, h in zip(self.socket_bytes, self.http_bytes, strict=True)], 0.5
            ),
            "bytes_most": max(
                (s + h for s, h in zip(self.socket_bytes, self.http_bytes, strict=True)),
                default=None,
            ),
            "wire_bytes_median": quantile(self.wire_bytes, 0.5),
            "wire_bytes_most": max(self.wire_bytes, default=None),
            "failures": self.failures,
        }
        if bare_ms and self.shown:
            found["median_ratio"] = round(found["median_ms"] / bare_ms, 2)
            found["p95_ratio"] = round(found["p95_ms"] / bare_ms, 2)
            found["answered_ratio"] = round(found["answered_median_ms"] / bare_ms, 2)
        return found


class App:
    """One app, served and open in a page of its own."""

    def __init__(self, name: str, server: Server, relay: Relay, browser: Browser):
        self.name, self.server, self.relay, self.browser = name, server, relay, browser
        self.context: BrowserContext | None = None
        self.page: Page | None = None
        self.clicks = Clicks()
        self.turn = 0  # clicks so far

    def open(self, cap_s: float) -> dict:
        """Open the page in a browser that knows nothing of it; what the probe tells of it."""
        self.close()
        self.context = self.browser.new_context(viewport=VIEWPORT)
        self.context.add_init_script(path=PROBE)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * cap_s)
        self.page.goto(self.relay.url, wait_until="commit")
        self.page.wait_for_function("window.bench !== undefined")
        return self.page.evaluate("cap => bench.settled(cap)", 1000 * cap_s)

    def close(self) -> None:
        if self.context is not None:
            self.context.close()
            self.context = self.page = None

    def settle_map(self, cap_s: float) -> None:
        """Wait until the dashboard's map is whole, with the coast that comes last."""
        frame = self.map_frame()
        frame.wait_for_function("window.claimMap.ready.then(() => true)", timeout=1000 * cap_s)

    def map_frame(self):
        for frame in self.page.frames:
            if frame.parent_frame and frame.evaluate("Boolean(window.claimMap)"):
                return frame
        raise BrowserError("the page has no map")

    def target(self):
        """What the next click goes to: a walk through the filters that comes to no choice twice.

        The choices are counted in Gray's code: each click presses or releases one pill.
        """
        if self.name == "bare":
            return self.page.locator(".st-key-box label").first
        pills = [self.page.locator(f".st-key-{facet} button[aria-pressed]") for facet in FACETS]
        number = (~self.turn & (self.turn + 1)).bit_length() - 1  # of the bit that changes
        facet, place = number % 2, number // 2
        return pills[facet].nth(place)

    def click(self, cap_s: float) -> float | None:
        """Click once and note what came of it; ms until the screen had it, None if it did not."""
        try:
            spot = self.target()
            self.turn += 1
            spot.scroll_into_view_if_needed()
            self.page.evaluate("bench.start()")
            before = self.relay.sent_bytes
            spot.click(no_wait_after=True)
            told = self.page.evaluate("cap => bench.settled(cap)", 1000 * cap_s)
        except BrowserError as error:
            self.clicks.failures.append(str(error).splitlines()[0])
            return None
        if not told["over"] or told["clicked"] is None:
            self.clicks.failures.append(told["why"] or "the click did not arrive")
            return None
        start, noted = told["clicked"], self.clicks
        noted.shown.append(told["shown"][-1] - start)
        noted.first.append(told["shown"][0] - start)
        noted.answered.append(told["finished"][-1] - start)
        if self.name == "ours" and told["painted"]:
            noted.confirmed.append(told["painted"][-1] - start)
        noted.socket_bytes.append(told["socket_bytes"])
        noted.http_bytes.append(told["http_bytes"])
        noted.wire_bytes.append(self.relay.sent_bytes - before)
        return noted.shown[-1]

    def heap_mb(self) -> float:
        """The page's heap after all garbage is collected, frames included, in MB."""
        session: CDPSession = self.context.new_cdp_session(self.page)
        try:
            for _ in range(2):
                session.send("HeapProfiler.collectGarbage")
            return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        finally:
            session.detach()

    def move(self) -> dict:
        """Drag the map about and zoom it by the wheel; frame times in ms, and what it asked for."""
        page = self.page
        box = self.picture_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.wait_for_timeout(400)
        page.evaluate("bench.start()")
        page.mouse.down()
        page.evaluate("bench.watchFrames()")
        for step in range(DRAG_STEPS):
            # There and back, in both directions, as a hand does.
            phase = abs((step % 60) - 30) / 30
            page.mouse.move(x - 160 * (1 - phase), y - 90 * (1 - phase))
        pan = page.evaluate("bench.frameTimes()")
        page.mouse.up()
        page.wait_for_timeout(600)
        told = page.evaluate("bench.settled(0)")
        page.evaluate("bench.watchFrames()")
        for turn in (-1, -1, -1, 1, 1, 1):
            page.mouse.wheel(0, 120 * turn)
            page.wait_for_timeout(350)
        zoom = page.evaluate("bench.frameTimes()")
        found = {
            "pan_messages": told["frames"] + told["sent"],
            "pan_requests_bytes": told["http_bytes"],
        }
        for name, times in (("pan", pan), ("zoom", zoom)):
            found |= {
                f"{name}_frames": len(times),
                f"{name}_median_ms": quantile(times, 0.5, 1),
                f"{name}_p95_ms": quantile(times, 0.95, 1),
                f"{name}_worst_ms": quantile(times, 1.0, 1),
            }
        return found

    def picture_box(self) -> dict:
        """Where the map is in the page, scrolled into view."""
        kind = "[data-testid='stDeckGlJsonChart']" if self.name == "deck" else "iframe"
        spot = self.page.locator(kind).first
        spot.scroll_into_view_if_needed()
        box = spot.bounding_box()
        below = VIEWPORT["height"] - box["y"]
        return box | {"height": min(box["height"], below)}


def launch(playwright: Playwright) -> Browser:
    """The browser of the tests, able to draw by WebGL, and cut off from the network."""
    flags = [*FLAGS, *GRAPHICS, *NO_NETWORK]
    return playwright.chromium.launch(executable_path=find(), args=flags)


def measure(
    browser: Browser, dataset: Path, apps: tuple[str, ...], plan: Plan, logs: Path, say
) -> dict:
    """All the figures of one dataset, by app; an app that fails has an ``error`` and no more."""
    found: dict[str, dict] = {name: {} for name in apps}
    with ExitStack() as stack:
        live: dict[str, App] = {}
        for name in apps:
            log = logs / f"{name}-{dataset.name}.log"
            server = stack.enter_context(serving(SCRIPTS[name], dataset, log))
            relay = stack.enter_context(Relay(server.port))
            app = App(name, server, relay, browser)
            stack.callback(app.close)
            # One after the other: a server that reads its data would slow down the next.
            if _start(app, plan, found[name], say):
                live[name] = app
        _open_again(live, plan, found, say)
        _click_in_turn(live, plan, found, say)
        if "ours" in live:
            _try(found["ours"], "move", live["ours"].move)
        if "deck" in live:
            _try(found["deck"], "move", live["deck"].move)
        if "rebuilt" in live and not found["rebuilt"].get("slow"):
            _try(found["rebuilt"], "move", live["rebuilt"].move)
    return found


def _try(found: dict, key: str, act) -> None:
    """Note a figure, or why there is none."""
    try:
        found[key] = act()
    except (BrowserError, ServerFailed) as error:
        found.setdefault("errors", []).append(f"{key}: {str(error).splitlines()[0]}")


def _start(app: App, plan: Plan, found: dict, say) -> bool:
    """Bring an app up, and its server to where it is warm; whether that succeeded."""
    start = time.monotonic()
    cap_s = plan.ready_cap_s if app.name == "ours" else plan.rival_cap_s
    try:
        app.server.wait_until_healthy(cap_s)
        found["healthy_s"] = round(time.monotonic() - app.server.started, 2)
        told = app.open(cap_s)
        if not told["over"]:
            raise BrowserError(f"first page over {cap_s:.0f} s")
        if app.name == "ours":
            app.settle_map(cap_s)
        found["cold_s"] = round(time.monotonic() - start, 2)
    except (BrowserError, ServerFailed) as error:
        found["error"] = str(error).splitlines()[0]
        app.close()
        app.server.stop()
        say(f"  {app.name}: {found['error']}")
        return False
    say(f"  {app.name}: up and warm after {found['cold_s']} s")
    return True


def _open_again(live: dict[str, App], plan: Plan, found: dict, say) -> None:
    """Page opened → map painted, by a browser with an empty cache, on a warm server."""
    painted: dict[str, list[float]] = {name: [] for name in live}
    whole: dict[str, list[float]] = {name: [] for name in live}
    for _ in range(plan.openings):
        for name, app in live.items():
            if found[name]["cold_s"] > 20 and name != "ours" and painted[name]:
                continue
            try:
                told = app.open(plan.click_cap_s)
            except BrowserError as error:
                found[name].setdefault("errors", []).append(str(error).splitlines()[0])
                continue
            if not told["over"]:
                found[name].setdefault("errors", []).append(f"opening: {told['why']}")
                continue
            whole[name].append((told["shown"][-1] - told["origin"]) / 1000)
            # The dashboard's map has its marks before it has the finer coast.
            first = min((t for t in told["painted"]), default=told["shown"][-1])
            shown = min((t for t in told["shown"] if t >= first), default=told["shown"][-1])
            painted[name].append((shown - told["origin"]) / 1000)
    for name in live:
        found[name]["opened_s"] = quantile(painted[name], 0.5, 2)
        found[name]["opened_worst_s"] = quantile(painted[name], 1.0, 2)
        found[name]["opened_whole_s"] = quantile(whole[name], 0.5, 2)
    say("  openings: " + ", ".join(f"{name} {found[name]['opened_s']} s" for name in live))


def _click_in_turn(live: dict[str, App], plan: Plan, found: dict, say) -> None:
    """Clicks on all apps, one after the other; those that take long come alone at the end."""
    ready = {name: app for name, app in live.items() if app.page is not None}
    slow = []
    for name, app in list(ready.items()):
        app.page.bring_to_front()
        if name == "ours":
            app.settle_map(plan.click_cap_s)
            app.page.evaluate("bench.keep()")
            found[name]["heap_before_mb"] = round(app.heap_mb(), 2)
        elif name != "bare" and (found[name]["opened_s"] or QUICK_MS) > QUICK_MS / 1000 + 5:
            slow.append(ready.pop(name))
    for turn in range(plan.clicks):
        for name, app in list(ready.items()):
            if name not in ("bare", "ours") and turn % max(1, plan.clicks // plan.rival_clicks):
                continue
            app.page.bring_to_front()
            took = app.click(plan.click_cap_s)
            if name == "ours" and turn + 1 == min(HEAP_CLICKS, plan.clicks):
                found["ours"]["heap_after_mb"] = round(app.heap_mb(), 2)
            if name in ("bare", "ours"):
                continue
            if took is None or took > QUICK_MS:
                slow.append(ready.pop(name))
    if "ours" in ready:
        app = ready["ours"]
        grown = found["ours"]["heap_after_mb"] - found["ours"]["heap_before_mb"]
        found["ours"]["heap_grown_mb"] = round(grown, 2)
        found["ours"]["stands"] = app.page.evaluate("bench.stands()")
    for app in slow:
        found[app.name]["slow"] = True
        for _ in range(plan.slow_clicks):
            if len(app.clicks.shown) + len(app.clicks.failures) >= plan.slow_clicks:
                break
            app.page.bring_to_front()
            if app.click(plan.click_cap_s) is None:
                app.server.stop()  # it may still be at work, which others would feel
                break
    bare = quantile(live["bare"].clicks.shown, 0.5) if "bare" in live else None
    for name, app in live.items():
        found[name]["click"] = app.clicks.told(bare)
        say(f"  {name}: {_in_short(found[name]['click'])}")


def _in_short(click: dict) -> str:
    told = f"{click['median_ms']} ms, p95 {click['p95_ms']} ms, {click['wire_bytes_median']} bytes"
    return told + (f", {len(click['failures'])} failed" if click["failures"] else "")
