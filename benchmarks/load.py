"""Many viewers at once: real WebSocket clients that speak Streamlit's protocol and click filters.

    python benchmarks/load.py 50                        50 viewers of the built-in dataset
    python benchmarks/load.py 10 25 50 100 --dataset /tmp/claims-10000
    python benchmarks/load.py 50 --url http://127.0.0.1:8080      a server that runs already

A viewer connects as a browser does, waits for the page, and then clicks a pill or box of the
sidebar every two seconds, sending the state of all widgets and the hashes of the messages that it
keeps, as the page would. What counts is from the click to the end of its answer. All is loopback
and bounded in time; the clients' own work is on the same processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import websockets
from serve import DASHBOARD, serving
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

EVERY_S = 2.0
PATIENCE_S = 30.0  # for one answer
FIRST_PATIENCE_S = 180.0  # for the first page of a server that still reads its dataset
FACETS = ("theme", "confidence", "status", "source")
LIMIT_S = 1.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Refused(RuntimeError):
    """The server answered with an error, or not at all."""


@dataclass
class Answer:
    """What one run of the script brought to a viewer."""

    map_s: float | None = None  # from the click until what it changes on the map
    whole_s: float = 0.0  # until the run's end
    bytes: int = 0
    errors: list[str] = field(default_factory=list)


class Viewer:
    """One browser's connection, its widgets, and what it keeps of the page."""

    def __init__(self, url: str, cookie: str = ""):
        self.url = f"ws://{urlsplit(url).netloc}/_stcore/stream"
        self.page = url + "/"
        self.cookie = cookie
        self.socket: websockets.ClientConnection | None = None
        self.states: dict[str, WidgetState] = {}
        self.choices: dict[str, tuple[str, list[str]]] = {}  # facet: id of the widget, its words
        self.hashes: dict[str, bool] = {}  # of each message that is kept: whether it is a map's
        self.query, self.script = "", ""

    async def open(self) -> Answer:
        """Connect, and run the page for the first time."""
        self.socket = await websockets.connect(
            self.url,
            subprotocols=["streamlit"],
            origin=self.page.rstrip("/"),
            additional_headers={"Cookie": self.cookie} if self.cookie else None,
            max_size=None,
            open_timeout=PATIENCE_S,
            close_timeout=2,
        )
        return await self.run(FIRST_PATIENCE_S)

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()

    def click(self, facet: str, number: int) -> None:
        """Press or release one pill of a facet, by its place in it."""
        widget, words = self.choices[facet]
        word = words[number % len(words)]
        chosen = self.states[widget].string_array_value.data
        (chosen.remove if word in chosen else chosen.append)(word)

    def click_one(self, lots: random.Random) -> None:
        """Press or release some pill, of which at most three are pressed in a facet."""
        facet = lots.choice([facet for facet in FACETS if facet in self.choices])
        widget, words = self.choices[facet]
        chosen = self.states[widget].string_array_value.data
        number = words.index(lots.choice(chosen)) if len(chosen) > 2 else lots.randrange(len(words))
        self.click(facet, number)

    async def run(self, patience_s: float = PATIENCE_S) -> Answer:
        """Ask for a run with the widgets as they stand, and take in its answer."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self.script
        state.widget_states.widgets.extend(self.states.values())
        state.cached_message_hashes.extend(sorted(self.hashes))
        state.context_info.timezone, state.context_info.locale = "UTC", "en-US"
        state.context_info.url, state.context_info.color_scheme = self.page, "light"
        start = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        answer = Answer()
        async with asyncio.timeout(patience_s):
            while True:
                said = await self.socket.recv()
                answer.bytes += len(said)
                told = ForwardMsg.FromString(said)
                kind = told.WhichOneof("type")
                if kind == "delta":
                    self._take(told, answer, start)
                elif kind == "ref_hash":
                    # The same map as once before.
                    if self.hashes.get(told.ref_hash) and answer.map_s is None:
                        answer.map_s = time.perf_counter() - start
                elif kind == "new_session":
                    self.script = told.new_session.page_script_hash
                elif kind == "page_info_changed":
                    self.query = told.page_info_changed.query_string
                elif kind == "session_event":
                    answer.errors.append(str(told.session_event.WhichOneof("type")))
                elif kind == "script_finished":
                    if told.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        continue  # the run that follows is the answer
                    if told.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                        answer.errors.append(f"script finished with {told.script_finished}")
                    answer.whole_s = time.perf_counter() - start
                    return answer

    def _take(self, told: ForwardMsg, answer: Answer, start: float) -> None:
        kind = told.delta.new_element.WhichOneof("type")
        if told.metadata.cacheable:
            self.hashes[told.hash] = kind == "component_instance"
        if kind is None:
            return
        element = getattr(told.delta.new_element, kind)
        if kind == "component_instance" and answer.map_s is None:
            answer.map_s = time.perf_counter() - start
        elif kind == "exception":
            answer.errors.append(f"{element.type}: {element.message}")
        elif kind == "button_group":
            facet = element.id.rpartition("-")[2]
            words = [option.content for option in element.options]
            self.choices[facet] = element.id, words
            if element.set_value:
                standing = list(element.raw_values)
            elif element.id in self.states:
                standing = self._standing(element.id)
            else:
                standing = [words[at] for at in element.default]
            self._keep(element, "string_array_value").string_array_value.data[:] = standing
        elif kind == "checkbox":
            state = self._keep(element, "bool_value")
            fresh = state.WhichOneof("value") is None
            if element.set_value or fresh:
                state.bool_value = element.value if element.set_value else element.default
        elif kind == "date_input":
            self._keep(element, "string_array_value").string_array_value.SetInParent()
        elif kind == "selectbox":
            value = element.options[element.default] if element.options else ""
            self._keep(element, "string_value").string_value = element.raw_value or value
        elif kind == "dataframe" and element.id:
            empty = json.dumps({"selection": {"rows": [], "columns": [], "cells": []}})
            self._keep(element, "string_value").string_value = empty

    def _standing(self, widget: str) -> list[str]:
        """What is pressed in a group, in its words of now: the counts in them change."""
        facet = widget.rpartition("-")[2]
        words = {word.rpartition(" ")[0]: word for word in self.choices[facet][1]}
        pressed = self.states[widget].string_array_value.data
        return [words.get(word.rpartition(" ")[0], word) for word in pressed]

    def _keep(self, element, _field: str) -> WidgetState:
        return self.states.setdefault(element.id, WidgetState(id=element.id))


@dataclass
class Load:
    """How it went with so many viewers; times in seconds from click to answer."""

    viewers: int
    seconds: float
    clicks: int = 0
    wanted: int = 0  # how many clicks viewers who never wait would have made
    whole: list[float] = field(default_factory=list)
    map: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    opened_s: float = 0.0  # until all had their first page
    server_cpu: float | None = None  # processors in use

    def told(self) -> dict:
        """As a row of figures."""
        return {
            "viewers": self.viewers,
            "clicks": self.clicks,
            "clicks_wanted": self.wanted,
            "clicks_per_s": round(self.clicks / self.seconds, 1),
            "median_s": quantile(self.whole, 0.5),
            "p95_s": quantile(self.whole, 0.95),
            "worst_s": quantile(self.whole, 1.0),
            "map_median_s": quantile(self.map, 0.5),
            "map_p95_s": quantile(self.map, 0.95),
            "bytes_median": statistics.median(self.bytes) if self.bytes else None,
            "all_opened_s": round(self.opened_s, 2),
            "server_processors": self.server_cpu,
            "errors": len(self.errors),
            "first_errors": sorted(set(self.errors))[:3],
            "met": bool(self.whole) and not self.errors and quantile(self.whole, 0.95) < LIMIT_S,
        }


def quantile(values: list[float], part: float, digits: int = 3) -> float | None:
    """The value below which that part of them lies, by nearest rank; None of none."""
    if not values:
        return None
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, max(0, -int(-part * len(ranked) // 1) - 1))], digits)


async def put_load(urls: list[str], viewers: int, seconds: float, cookies: bool = False) -> Load:
    """So many viewers, spread over the addresses, who click for so long."""
    load = Load(viewers, seconds)
    everyone = [
        Viewer(urls[n % len(urls)], cookie=f"claims_route=viewer-{n}" if cookies else "")
        for n in range(viewers)
    ]
    start = time.perf_counter()
    gate = asyncio.Semaphore(10)  # pages are opened as people come, not all in one instant

    async def come(viewer: Viewer) -> None:
        async with gate:
            try:
                answer = await viewer.open()
                load.errors += answer.errors
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                load.errors.append(f"opening: {error or type(error).__name__}")

    await asyncio.gather(*map(come, everyone))
    load.opened_s = time.perf_counter() - start
    until = time.perf_counter() + seconds

    async def stay(number: int, viewer: Viewer) -> None:
        lots = random.Random(number)
        # The same for every number of viewers: their clicks spread evenly over the two seconds.
        due = time.perf_counter() + EVERY_S * number / viewers
        while due < until:
            load.wanted += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if time.perf_counter() >= until:
                due += EVERY_S
                continue
            try:
                viewer.click_one(lots)
                answer = await viewer.run()
            except (OSError, TimeoutError, websockets.WebSocketException, IndexError) as error:
                load.errors.append(f"click: {error or type(error).__name__}")
                return
            load.clicks += 1
            load.errors += answer.errors
            load.whole.append(answer.whole_s)
            load.bytes.append(answer.bytes)
            if answer.map_s is None:
                load.errors.append("an answer without a map")
            else:
                load.map.append(answer.map_s)
            due += EVERY_S

    await asyncio.gather(*(stay(n, v) for n, v in enumerate(everyone) if v.choices))
    for viewer in everyone:
        with suppress(OSError, TimeoutError, websockets.WebSocketException):
            await viewer.close()
    return load


def main() -> int:
    """Put load on a server and print a row for each number of viewers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("viewers", type=int, nargs="+", help="how many; each number in its turn")
    parser.add_argument("--seconds", type=float, default=20, help="how long each number clicks")
    parser.add_argument("--dataset", type=Path, help="data package to serve")
    parser.add_argument("--url", action="append", default=[], help="a server that runs already")
    parser.add_argument("--cookies", action="store_true", help="a proxy's cookie for each viewer")
    given = parser.parse_args()
    if any(urlsplit(url).hostname not in LOOPBACK for url in given.url):
        parser.error("load is for servers on this machine")
    with tempfile.TemporaryDirectory() as folder:
        if given.url:
            return _print(given, given.url, None)
        with serving(DASHBOARD, given.dataset, Path(folder) / "server.log") as server:
            server.wait_until_healthy()
            return _print(given, [server.url], server)


def _print(given: argparse.Namespace, urls: list[str], server) -> int:
    failed = False
    for viewers in given.viewers:
        before = server.cpu_s() if server else 0.0
        start = time.monotonic()
        load = asyncio.run(put_load(urls, viewers, given.seconds, given.cookies))
        if server:
            load.server_cpu = round((server.cpu_s() - before) / (time.monotonic() - start), 2)
        told = load.told()
        print(json.dumps(told), flush=True)
        failed |= not told["met"]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
