"""Measures how fast and how steady the dashboard is, beside what one could have built instead.

    make bench                  everything: nearly half an hour on two cores
    make bench QUICK=1          20 and 1,000 claims, a few clicks: some three minutes
    make bench SIZES="20 50000"

Writes ``results.json`` and ``results.md`` beside itself, anew after each part, so that what was
measured stays when something later fails. Every figure that has a target is held against it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import generate
import load
import screen
from load import Viewer, put_load
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright
from serve import DASHBOARD, ROOT, serving
from targets import markdown

HERE = Path(__file__).parent
SIZES = (20, 1_000, 10_000, 50_000, 100_000)
APPS = ("bare", "ours", "rebuilt", "deck")
LOAD_VIEWERS = (10, 25, 50, 100, 200)
EXTRA_VIEWERS = 20
RERUNS = 1_000
CLICKS_A_LOOK = 10
WARM_CLICKS = 100  # until the server's caches are full, and its memory stays where it is
QUICK = screen.Plan(clicks=6, rival_clicks=3, openings=2, click_cap_s=20)
LOAD_CODE = """
import sys, time
from pathlib import Path
from geo import intake
start = time.perf_counter()
whole = intake.load(Path(sys.argv[1]))
print(time.perf_counter() - start, len(whole.claims))
"""


def say(what: str) -> None:
    print(what, flush=True)


def main() -> int:
    """Measure what is asked for; 0 also where targets are missed, 1 where a figure is lacking."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sizes", type=int, nargs="*", help="how many claims; several are measured")
    parser.add_argument("--quick", action="store_true", help="fewer clicks, and the small sizes")
    parser.add_argument("--only", choices=("screen", "server"), help="one half of it")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the results go")
    given = parser.parse_args()
    sizes = given.sizes or (SIZES[:2] if given.quick else SIZES)
    results = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "quick": given.quick,
        "sizes": {},
        "server": {},
        "failures": [],
    }
    given.folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()

    def part(name: str, into: dict, key: str, act) -> None:
        """Measure one part, note it or why it failed, and write all that is known so far."""
        say(f"{name} (after {time.monotonic() - start:.0f} s)")
        try:
            into[key] = act()
        except Exception as error:  # whatever it is: the other parts are still wanted
            traceback.print_exc()
            results["failures"].append(f"{name}: {type(error).__name__}: {error}".splitlines()[0])
        results["seconds"] = round(time.monotonic() - start)
        write(results, given.folder)

    with tempfile.TemporaryDirectory(prefix="claims-bench-") as temporary:
        folder = Path(temporary)
        if given.only != "server":
            for size in sizes:
                part(
                    f"{size:,} claims",
                    results["sizes"],
                    str(size),
                    lambda size=size: on_screen(size, folder, given.quick),
                )
        if given.only != "screen":
            server_parts(part, results["server"], folder, given.quick)
    say(f"Written: {given.folder / 'results.md'} ({results['seconds']} s)")
    return int(bool(results["failures"]))


def write(results: dict, folder: Path) -> None:
    """Write both forms of the results."""
    told = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(told + "\n", "utf-8")
    (folder / "results.md").write_text(markdown(results), "utf-8")


def machine() -> dict:
    """What was measured on, and with which versions."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in _text("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or "unknown",
    )
    total = next((x for x in _text("/proc/meminfo").splitlines() if x.startswith("MemTotal")), "")
    command = ["git", "-c", f"safe.directory={ROOT}", "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        stands_at = commit.stdout.strip()
    except OSError:
        stands_at = ""
    return {
        "processor": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(total.split()[1]) / 1e6) if total else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "browser": subprocess.run(
            [screen.find(), "--version"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "streamlit": version("streamlit"),
        "streamlit_folium": version("streamlit-folium"),
        "pydeck": version("pydeck"),
        "commit": stands_at,
        "load_before": round(os.getloadavg()[0], 2),
    }


def _text(path: str) -> str:
    return Path(path).read_text("utf-8") if Path(path).exists() else ""


def _dataset(size: int, folder: Path) -> Path:
    """The generated dataset of a size, made the first time."""
    path = folder / f"claims-{size}"
    if not path.exists():
        generate.write(path, size)
    return path


def on_screen(size: int, folder: Path, quick: bool) -> dict:
    """What a viewer of so many claims waits for, in each of the apps."""
    plan = QUICK if quick else screen.Plan()
    with sync_playwright() as playwright:
        browser = screen.launch(playwright)
        try:
            return screen.measure(browser, _dataset(size, folder), APPS, plan, folder, say)
        finally:
            browser.close()


def server_parts(part, into: dict, folder: Path, quick: bool) -> None:
    """What does not need a map on a screen: starts, reading, memory, many viewers."""
    part("import", into, "import_geo_s", lambda: import_s(3 if quick else 7))
    part("first page", into, "first_page", lambda: first_page(folder, 1 if quick else 3))
    size = 1_000 if quick else 50_000
    part(f"reading {size:,}", into, "reading", lambda: reading(size, folder, 1 if quick else 3))
    size = 1_000 if quick else 10_000
    part("memory", into, "memory", lambda: memory(size, folder, 100 if quick else RERUNS))
    into["load"] = []

    def add(viewers: int) -> None:
        into["load"].append(with_load(server, viewers, 6 if quick else 14))

    with serving(DASHBOARD, None, folder / "load.log") as server:
        server.wait_until_healthy()
        asyncio.run(put_load([server.url], 2, 4))  # warm
        for viewers in (10, 50) if quick else LOAD_VIEWERS:
            part(f"{viewers} viewers", {}, "", lambda viewers=viewers: add(viewers))


def with_load(server, viewers: int, seconds: float) -> dict:
    """So many viewers at once: the figures of their clicks."""
    before, start = server.cpu_s(), time.monotonic()
    found = asyncio.run(put_load([server.url], viewers, seconds))
    used = server.cpu_s() - before
    found.server_cpu = round(used / (time.monotonic() - start), 2)
    told = found.told()
    say(f"  p95 {told['p95_s']} s, {told['clicks_per_s']} clicks/s, {told['errors']} errors")
    return told


def import_s(times: int) -> dict:
    """Seconds that ``import geo`` takes in a fresh interpreter, and those of an idle one."""

    def median(code: str) -> float:
        took = []
        for _ in range(times):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
            took.append(time.perf_counter() - start)
        return round(statistics.median(took), 3)

    return {"geo": median("import geo"), "nothing": median("pass")}


def first_page(folder: Path, times: int) -> dict:
    """Seconds from ``streamlit run`` on the built-in dataset until it answers, and to its page."""
    answers, heads, maps = [], [], []
    with sync_playwright() as playwright:
        browser = screen.launch(playwright)
        for _ in range(times):
            with serving(DASHBOARD, None, folder / "first.log") as server:
                server.wait_until_healthy()
                answers.append(time.monotonic() - server.started)
                page = browser.new_page(viewport=screen.VIEWPORT)
                page.goto(server.url, wait_until="commit")
                page.locator("header.page h1").wait_for(timeout=60_000)
                heads.append(time.monotonic() - server.started)
                try:
                    page.frame_locator("iframe").first.locator(".cm-canvas").first.wait_for()
                    frame = next(f for f in page.frames if "streamlit_folium" in f.url)
                    frame.wait_for_function("window.claimMap && window.claimMap.paints > 0")
                    maps.append(time.monotonic() - server.started)
                except (BrowserError, StopIteration):
                    say("  the first page showed no map")
                page.close()
        browser.close()
    return {
        "answers_s": round(statistics.median(answers), 2),
        "page_s": round(statistics.median(heads), 2),
        "map_s": round(statistics.median(maps), 2) if maps else None,
    }


def reading(size: int, folder: Path, times: int) -> dict:
    """Seconds to read and validate so many claims, each time in a fresh process."""
    path, took = _dataset(size, folder), []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", LOAD_CODE, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        seconds, claims = done.stdout.split()
        if int(claims) != size:
            raise ValueError(f"{claims} claims were read, of {size}")
        took.append(float(seconds))
    return {"claims": size, "median_s": round(statistics.median(took), 2), "times": len(took)}


def memory(size: int, folder: Path, reruns: int) -> dict:
    """What viewers and reruns add to the server's memory, in MB."""
    with serving(DASHBOARD, _dataset(size, folder), folder / "memory.log") as server:
        server.wait_until_healthy()

        async def watch() -> dict:
            first = Viewer(server.url)
            await first.open()
            await _click(first, WARM_CLICKS)
            with_one = server.memory_mb()
            others = [Viewer(server.url) for _ in range(EXTRA_VIEWERS)]
            for other in others:
                await other.open()
                await _click(other, 2)
            with_all = server.memory_mb()
            for other in others:
                await other.close()
            # It goes up and down by tens of megabytes: the middle of many looks, at both ends.
            looks = []
            for start in range(WARM_CLICKS, WARM_CLICKS + reruns, CLICKS_A_LOOK):
                await _click(first, CLICKS_A_LOOK, start)
                looks.append(server.memory_mb())
            part = max(1, len(looks) // 5)
            before, after = statistics.median(looks[:part]), statistics.median(looks[-part:])
            await first.close()
            return {
                "claims": size,
                "one_viewer_mb": round(with_one, 1),
                "viewers": EXTRA_VIEWERS,
                "per_viewer_mb": round((with_all - with_one) / EXTRA_VIEWERS, 2),
                "reruns": reruns,
                "reruns_grew_mb": round(after - before, 1),
                "reruns_lowest_mb": round(min(looks), 1),
                "reruns_highest_mb": round(max(looks), 1),
            }

        return asyncio.run(asyncio.wait_for(watch(), 420))


async def _click(viewer: Viewer, times: int, start: int = 0) -> None:
    """Click through the filters without a pause, each time to a choice not seen before.

    ``start``: how many clicks of that walk have been made.
    """
    facets = [facet for facet in load.FACETS if facet in viewer.choices][:3]
    for turn in range(start, start + times):
        number = (~turn & (turn + 1)).bit_length() - 1
        viewer.click(facets[number % len(facets)], number // len(facets))
        answer = await viewer.run()
        if answer.errors:
            raise load.Refused(answer.errors[0])


if __name__ == "__main__":
    sys.exit(main())
