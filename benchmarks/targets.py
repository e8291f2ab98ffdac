"""The targets that the figures are held against, and the table that tells how they stand."""

from __future__ import annotations

from collections.abc import Iterable

SIZES = ("20", "1000", "10000", "50000", "100000")
# Frames have a limit at 10,000 and one at 100,000: below and between, the nearer of them.
BY_SIZE = {
    "median_ratio": (1.2, 1.2, 1.3, 3, 4),
    "p95_ratio": (1.5, 1.5, 1.7, 4, 5),
    "kilobytes": (10, 10, 12, 20, 25),
    "opened_s": (1.7, 1.7, 2, 3, 4),
    "heap_grown_mb": (5,) * 5,
    "pan_p95_ms": (33, 33, 33, 60, 60),
    "zoom_p95_ms": (33, 33, 33, 60, 60),
}
TITLES = {
    "median_ratio": "Filter click → repainted, median, × bare rerun",
    "p95_ratio": "the same, p95 × bare median",
    "kilobytes": "Kilobytes to the browser per click, on the wire, median",
    "opened_s": "Page opened → map painted, warm server, s",
    "heap_grown_mb": "Browser's heap grown by forty clicks, MB",
    "pan_p95_ms": "A frame while the map is dragged, p95, ms",
    "zoom_p95_ms": "A frame while the map is zoomed, p95, ms",
}
NAMES = {
    "bare": "bare Streamlit",
    "ours": "this dashboard",
    "rebuilt": "streamlit-folium, rebuilt",
    "deck": "pydeck",
}
MET, MISSED, LACKING = "met", "**missed**", "**not measured**"


def figure(found: dict, key: str) -> float | None:
    """One figure of the dashboard at one size; None where it is lacking."""
    ours = found.get("ours", {})
    click, move = ours.get("click", {}), ours.get("move", {})
    if key == "kilobytes":
        sent = click.get("wire_bytes_median")
        return None if sent is None else round(sent / 1000, 1)
    return click.get(key, move.get(key, ours.get(key)))


def verdict(value: float | None, limit: float, strictly: bool = False) -> str:
    """Whether a figure keeps a limit, in words; one that is lacking never does."""
    if value is None:
        return LACKING
    return MET if (value < limit if strictly else value <= limit) else MISSED


def rows_by_size(results: dict) -> Iterable[tuple[str, list[str]]]:
    """For each target its title and a cell for each size that was measured."""
    sizes = results["sizes"]
    for key, limits in BY_SIZE.items():
        cells = []
        for size, found in sizes.items():
            value = figure(found, key)
            if size not in SIZES:
                cells.append(f"{_number(value)} (no target)")
                continue
            limit = limits[SIZES.index(size)]
            strictly = key in ("heap_grown_mb", "pan_p95_ms", "zoom_p95_ms")
            sign = "<" if strictly else "≤"
            kept = verdict(value, limit, strictly)
            cells.append(f"{_number(value)} ({sign} {limit:g}: {kept})")
        yield TITLES[key], cells
    yield (
        "A pan makes no rerun, and nothing is asked for",
        [
            _yes(
                None
                if not (move := found.get("ours", {}).get("move"))
                else move["pan_messages"] == 0 and move["pan_requests_bytes"] == 0
            )
            for found in sizes.values()
        ],
    )
    yield (
        "Frame and map are the same after the clicks",
        [_yes(found.get("ours", {}).get("stands")) for found in sizes.values()],
    )


def rows_of_server(server: dict) -> Iterable[tuple[str, str, str, str]]:
    """For each target of the server alone: title, figure, limit, verdict."""
    first, read = server.get("first_page", {}), server.get("reading", {})
    memory, imported = server.get("memory", {}), server.get("import_geo_s", {})

    def row(title: str, value: float | None, limit: float, unit: str):
        return title, f"{_number(value)} {unit}", f"< {limit:g} {unit}", verdict(value, limit, True)

    yield row('`python -c "import geo"`', imported.get("geo"), 0.5, "s")
    yield row("`streamlit run` → first page in the browser", first.get("page_s"), 4, "s")
    claims = read.get("claims", 50_000)
    yield row(f"Reading and validating {claims:,} claims", read.get("median_s"), 5, "s")
    claims = memory.get("claims", 10_000)
    yield row(
        f"Server's memory for each further viewer, {claims:,} claims",
        memory.get("per_viewer_mb"),
        2,
        "MB",
    )
    yield row(
        f"Server's memory grown by {memory.get('reruns', 1000):,} reruns",
        memory.get("reruns_grew_mb"),
        20,
        "MB",
    )
    fifty = next((one for one in server.get("load", []) if one["viewers"] == 50), {})
    kept = LACKING if not fifty else MET if fifty["met"] else MISSED
    told = f"{_number(fifty.get('p95_s'))} s, {fifty.get('errors', '–')} errors"
    yield "50 viewers who click every two seconds, p95", told, "< 1 s, no error", kept


def markdown(results: dict) -> str:
    """All the figures as a page."""
    m = results["machine"]
    lines = [
        "# Figures",
        "",
        f"Measured {results['when']} in {results.get('seconds', 0)} s by `make bench` at"
        f" {m['commit']} on {m['cores']} cores ({m['processor']}), {m['memory_gb']} GB,"
        f" {m['system']}; Python {m['python']}, Streamlit {m['streamlit']},"
        f" streamlit-folium {m['streamlit_folium']}, pydeck {m['pydeck']}, {m['browser']},"
        f" headless, without a graphics card. Load before: {m['load_before']}.",
        "",
    ]
    if results["quick"]:
        lines += ["A quick run: few clicks, so that p95 is the worst of them.", ""]
    if results["sizes"]:
        lines += ["## By the number of claims", "", *_size_table(results), ""]
        lines += ["## Side by side", "", *_side_by_side(results["sizes"]), "", *_METHOD, ""]
    if results["server"]:
        lines += ["## The server", "", "| | found | target | |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in rows_of_server(results["server"])]
        lines += ["", *_start_words(results["server"]), "", *_load_table(results["server"]), ""]
    failed = [*results["failures"], *_failures(results["sizes"])]
    if failed:
        lines += ["## What failed", "", *(f"* {what}" for what in failed), ""]
    return "\n".join(lines)


_METHOD = (
    "All four apps stand open in one browser and are clicked in turn with real mouse clicks, no"
    " choice of filters twice. *Repainted* is the same for all: the first frame after the last"
    " change of the map for that click, with the run over (`probe.js`). The dashboard draws a"
    " click ahead of its server: *answered* is when the server's run had ended, *confirmed* when"
    " the map had its answer. A ratio is to the median of the bare app in the same run. Bytes on"
    " the wire are counted by a relay between browser and server; in brackets the same before the"
    " compression of messages, which is on for all four. The rivals draw"
    " one point for each claim, without basemap, routes or evidence.",
)


def _size_table(results: dict) -> list[str]:
    head = [f"{int(size):,}" for size in results["sizes"]]
    lines = [f"| | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    return lines + [f"| {title} | {' | '.join(cells)} |" for title, cells in rows_by_size(results)]


def _side_by_side(sizes: dict) -> list[str]:
    lines = [
        "| claims | app | clicks | repainted, ms: median (×) | p95 (×) | answered | confirmed"
        " | KB a click: wire (unpacked) | opened, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for size, found in sizes.items():
        for name, one in found.items():
            click = one.get("click", {})
            if one.get("error") or click.get("median_ms") is None:
                why = one.get("error") or "; ".join(sorted(set(click.get("failures", []))))
                lines.append(f"| {int(size):,} | {NAMES[name]} | 0 | {why or 'no figure'} ||||||")
                continue
            lines.append(
                f"| {int(size):,} | {NAMES[name]} | {click['clicks']}"
                f" | {_number(click['median_ms'])} ({_number(click.get('median_ratio'))})"
                f" | {_number(click['p95_ms'])} ({_number(click.get('p95_ratio'))})"
                f" | {_number(click['answered_median_ms'])}"
                f" | {_number(click['confirmed_median_ms'])}"
                f" | {click['wire_bytes_median'] / 1000:,.1f} ({click['bytes_median'] / 1000:,.1f})"
                f" | {_number(one.get('opened_s'))} |"
            )
    return lines


def _start_words(server: dict) -> list[str]:
    first, imported = server.get("first_page", {}), server.get("import_geo_s", {})
    memory = server.get("memory", {})
    return [
        f"With one viewer the server takes {_number(memory.get('one_viewer_mb'))} MB; in the reruns"
        f" it went between {_number(memory.get('reruns_lowest_mb'))} and"
        f" {_number(memory.get('reruns_highest_mb'))} MB, and the growth is from the middle of the"
        " first fifth to that of the last.",
        f"An interpreter that imports nothing takes {_number(imported.get('nothing'))} s. The"
        f" server answers {_number(first.get('answers_s'))} s after its start, the page stands at"
        f" {_number(first.get('page_s'))} s, the map at {_number(first.get('map_s'))} s.",
    ]


def _load_table(server: dict) -> list[str]:
    lines = [
        "| viewers | clicks a second (wanted) | median, s | p95, s | worst, s | map's p95, s"
        " | server's processors | errors |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in server.get("load", []):
        lines.append(
            f"| {one['viewers']} | {one['clicks_per_s']} ({one['viewers'] / 2:g})"
            f" | {_number(one['median_s'])} | {_number(one['p95_s'])} | {_number(one['worst_s'])}"
            f" | {_number(one['map_p95_s'])} | {_number(one['server_processors'])}"
            f" | {one['errors']} |"
        )
    broken = next((one["viewers"] for one in server.get("load", []) if not one["met"]), None)
    told = "It kept p95 under a second at every number of viewers that was tried."
    if broken:
        told = f"It first took longer than a second (p95), or failed, with {broken} viewers."
    return [*lines, "", f"{told} The clients work on the same processors."]


def _failures(sizes: dict) -> list[str]:
    return [
        f"{int(size):,} claims, {NAMES[name]}: {what}"
        for size, found in sizes.items()
        for name, one in found.items()
        for what in (
            *([one["error"]] if one.get("error") else []),
            *one.get("errors", []),
            *sorted(set(one.get("click", {}).get("failures", []))),
        )
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,g}" if abs(value) < 1000 else f"{value:,.0f}"


def _yes(kept: bool | None) -> str:
    return LACKING if kept is None else MET if kept else MISSED
