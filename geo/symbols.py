"""One table of symbols for the web map, print and exports: colours, dashes, shapes, legend.

Colour never stands alone: the theme is a shape, the basis a fill or a dash, a denial a bar or a
cross. The colours are from the palette of Okabe and Ito (2008), darkened for text on light land.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cache

from geo import texts

SOURCED = "#0a4f8f"
DENIED = "#b8410b"
MEASURED = "#1b2733"
MUTED = "#6a7178"
SPOKEN = "#5a4a78"
PAPER = "#ffffff"

THEMES = ("transport", "training", "presence", "plan", "front", "diplomacy")
BASES = ("observed", "reported", "inferred")

_SHAPES = {
    "transport": "circle",
    "training": "triangle",
    "presence": "flag",
    "plan": "diamond",
    "front": "square",
    "diplomacy": "pentagon",
}
# How surely a geometry is known shows in its line: whole, long dashes, dots.
_DASHES = {"observed": (), "reported": (9.0, 5.0), "inferred": (2.0, 5.0)}


@dataclass(frozen=True)
class Symbol:
    """How one class of marks looks; sizes are CSS pixels (1/96 inch).

    ``kind``: point, line or area. ``shape``: for points. ``fill``: "" for a hollow one.
    ``dash``: lengths of dash and gap, empty for a whole line. ``hatch``: "", diagonal or cross.
    ``over``: "" or how it crosses out what lies below: bar (implied) or cross (direct).
    ``legend``: keys into ``LEGEND``. ``order``: higher is drawn later.
    """

    kind: str
    colour: str
    fill: str = ""
    fill_opacity: float = 0.0
    width: float = 2.0
    dash: tuple[float, ...] = ()
    shape: str = ""
    size: float = 0.0
    hatch: str = ""
    arrow: bool = False
    over: str = ""
    legend: tuple[str, ...] = ()
    order: int = 0


@cache
def table() -> dict[str, Symbol]:
    """Every symbol by key. Keys end in ``-withdrawn`` where a claim was taken back."""
    found: dict[str, Symbol] = {}
    for basis in BASES:
        for theme in THEMES:
            found[f"place-{theme}-{basis}"] = Symbol(
                kind="point",
                shape=_SHAPES[theme],
                size=15,
                colour=SOURCED,
                fill=SOURCED if basis == "observed" else PAPER,
                fill_opacity=1,
                width=2.4,
                dash=(2.5, 2.5) if basis == "inferred" else (),
                legend=(f"theme-{theme}", f"basis-{basis}"),
                order=60,
            )
        found[f"area-{basis}"] = Symbol(
            kind="area",
            colour=SOURCED,
            fill=SOURCED,
            fill_opacity=0.10,
            width=1.6,
            dash=_DASHES[basis],
            legend=(f"area-{basis}",),
            order=10,
        )
        found[f"route-{basis}"] = Symbol(
            kind="line",
            colour=SOURCED,
            width=3.0,
            dash=_DASHES[basis],
            arrow=True,
            legend=(f"route-{basis}",),
            order=40,
        )
    found["uncertainty"] = Symbol(
        kind="area",
        colour=SOURCED,
        fill=SOURCED,
        fill_opacity=0.06,
        width=1.0,
        dash=(3.0, 3.0),
        legend=("uncertainty",),
        order=15,
    )
    found["route-end"] = Symbol(
        kind="point",
        shape="circle",
        size=9,
        colour=SOURCED,
        fill=SOURCED,
        fill_opacity=1,
        width=1.5,
        order=45,
    )
    found["stated-distance"] = Symbol(
        kind="line",
        colour=SOURCED,
        width=2.0,
        dash=(9.0, 5.0),
        legend=("stated-distance",),
        order=30,
    )
    found["stated-direction"] = Symbol(
        kind="area",
        colour=SOURCED,
        fill=SOURCED,
        fill_opacity=0.10,
        width=1.0,
        dash=(9.0, 5.0),
        legend=("stated-direction",),
        order=12,
    )
    found["stated-point"] = Symbol(
        kind="point",
        shape="saltire",
        size=15,
        colour=SOURCED,
        fill=PAPER,
        fill_opacity=1,
        width=2.2,
        legend=("stated-point",),
        order=58,
    )
    found["measured"] = Symbol(
        kind="line",
        colour=MEASURED,
        width=3.0,
        arrow=True,
        legend=("measured",),
        order=50,
    )
    found["measured-end"] = Symbol(
        kind="point",
        shape="circle",
        size=10,
        colour=MEASURED,
        fill=MEASURED,
        fill_opacity=1,
        width=1.5,
        order=52,
    )
    for stance, colour in (("asserts", SPOKEN), ("denies", DENIED), ("declines", MUTED)):
        found[f"spoken-{stance}"] = Symbol(
            kind="point",
            shape="bubble",
            size=15,
            colour=colour,
            fill=PAPER if stance != "denies" else DENIED,
            fill_opacity=1,
            width=2.0,
            dash=(2.0, 2.0) if stance == "declines" else (),
            legend=(f"spoken-{stance}",),
            order=56,
        )
    for scope, over, width in (("direct", "cross", 2.4), ("implied", "bar", 1.8)):
        legend = (f"denied-{scope}",)
        found[f"denied-{scope}-point"] = Symbol(
            kind="point",
            shape="ring",
            size=27,
            colour=DENIED,
            width=width,
            over=over,
            legend=legend,
            order=70,
        )
        found[f"denied-{scope}-line"] = Symbol(
            kind="line", colour=DENIED, width=width, over=over, legend=legend, order=65
        )
        found[f"denied-{scope}-area"] = Symbol(
            kind="area",
            colour=DENIED,
            width=width,
            hatch="cross" if scope == "direct" else "diagonal",
            legend=legend,
            order=20,
        )
    for key, symbol in list(found.items()):
        if key.startswith(("place-", "area-", "route-", "uncertainty", "stated-")):
            faded = asdict(symbol) | {
                "colour": MUTED,
                "fill": MUTED if symbol.fill == SOURCED else symbol.fill,
                "width": symbol.width * 0.6,
                "dash": (1.5, 4.0),
                "legend": ("withdrawn",),
            }
            found[f"{key}-withdrawn"] = Symbol(**faded)
    return found


def legend(lang: str) -> list[tuple[str, str, str]]:
    """The entries of the legend in their order: key, symbol that shows it, words.

    A renderer lists those entries that a drawn mark's symbol names, and no others.
    """
    _ = texts.translator(lang)
    theme = texts.terms(lang)["theme"]
    places = [(f"theme-{t}", f"place-{t}-reported", theme[t]) for t in THEMES]
    return [
        *places,
        ("basis-observed", "place-transport-observed", _("Filled: seen in imagery")),
        ("basis-reported", "place-transport-reported", _("Hollow: as told")),
        ("basis-inferred", "place-transport-inferred", _("Dotted: as we read it")),
        ("area-observed", "area-observed", _("Area seen in imagery")),
        ("area-reported", "area-reported", _("Somewhere here, as told")),
        ("area-inferred", "area-inferred", _("Somewhere here, as we read it")),
        ("uncertainty", "uncertainty", _("Place lies within")),
        ("route-observed", "route-observed", _("Route that was seen")),
        ("route-reported", "route-reported", _("Route as told")),
        ("route-inferred", "route-inferred", _("Route drawn by us")),
        ("stated-distance", "stated-distance", _("Distance as stated")),
        ("stated-direction", "stated-direction", _("Direction as stated")),
        ("stated-point", "stated-point", _("Where that would be")),
        ("measured", "measured", _("Measured on WGS 84")),
        ("denied-direct", "denied-direct-point", _("Denied by name")),
        ("denied-implied", "denied-implied-point", _("Denied by implication")),
        ("withdrawn", "place-transport-reported-withdrawn", _("Taken back")),
        ("spoken-asserts", "spoken-asserts", _("Said here")),
        ("spoken-denies", "spoken-denies", _("Denied from here")),
        ("spoken-declines", "spoken-declines", _("Comment declined here")),
    ]


SWATCH_PX = (36, 22)


@cache
def svg(key: str) -> str:
    """A symbol as a small SVG picture of ``SWATCH_PX``, as the legend of the web map shows it.

    It holds numbers and colours of this table only, no words. Raises KeyError for another key.
    """
    symbol = table()[key]
    width, height = SWATCH_PX
    halo = 'stroke="#ffffff" stroke-opacity="0.9"'
    dash = f' stroke-dasharray="{" ".join(map(_short, symbol.dash))}"' if symbol.dash else ""
    line = f'stroke="{symbol.colour}" stroke-width="{_short(symbol.width)}"{dash}'
    fill = f'fill="{symbol.fill or "none"}" fill-opacity="{_short(symbol.fill_opacity)}"'
    if symbol.kind == "point":
        scale = min(1.0, 18 / symbol.size)
        path = _outline(symbol.shape, symbol.size / 2 * scale)
        wide = _short(symbol.width + 3)
        parts = [
            f'<path d="{path}" fill="none" {halo} stroke-width="{wide}"/>',
            f'<path d="{path}" {fill} {line}/>',
        ]
        if symbol.over:
            parts += _struck(symbol, symbol.size / 2 * scale)
    elif symbol.kind == "line":
        parts = [f'<path d="M-17 0H17" fill="none" {line}/>']
        if symbol.over:
            parts += _struck(symbol, 9)
        if symbol.arrow:
            parts.append(f'<path d="M9 0L-7 7L-4 0L-7 -7Z" fill="{symbol.colour}" {halo}/>')
    else:
        parts = [f'<path d="M-15 -8H15V8H-15Z" {fill} {line}/>']
        if symbol.hatch:
            parts += _struck(symbol, 7)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{-width / 2:g} {-height / 2:g} {width} {height}" stroke-linejoin="round">'
        f"{''.join(parts)}</svg>"
    )


def _short(value: float) -> str:
    return f"{value:.4g}"


def _struck(symbol: Symbol, radius: float) -> list[str]:
    """What crosses a symbol out: a cross where it is denied by name, else a bar."""
    a = _short(radius * 0.95 * 0.72)
    crossed = "cross" in (symbol.over, symbol.hatch)
    path = f"M-{a} {a}L{a} -{a}" + (f"M-{a} -{a}L{a} {a}" if crossed else "")
    return [
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{_short(width)}"/>'
        for colour, width in ((PAPER, symbol.width + 1.6), (symbol.colour, symbol.width))
    ]


def _outline(shape: str, r: float) -> str:
    """The path of a point's shape round the origin, with ``r`` as its radius in pixels."""
    if shape in ("circle", "ring"):
        r_ = _short(r)
        return f"M-{r_} 0A{r_} {r_} 0 1 1 {r_} 0A{r_} {r_} 0 1 1 -{r_} 0Z"
    corners = {"triangle": (3, 1.25, 0.15), "diamond": (4, 1.15, 0), "pentagon": (5, 1.1, 0)}
    a = 0.42
    points = {
        "square": ((-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)),
        "flag": ((-0.75, 1.1), (-0.75, -1), (1, -0.45), (-0.75, 0.15)),
        "bubble": (
            *((-1, -0.9), (1, -0.9), (1, 0.45), (-0.1, 0.45)),
            *((-0.6, 1.1), (-0.6, 0.45), (-1, 0.45)),
        ),
        "saltire": (
            *((-1, a - 1), (a - 1, -1), (0, -a), (1 - a, -1), (1, a - 1), (a, 0)),
            *((1, 1 - a), (1 - a, 1), (0, a), (a - 1, 1), (-1, 1 - a), (-a, 0)),
        ),
    }
    if shape in corners:
        count, reach, down = corners[shape]
        turns = [2 * math.pi * i / count - math.pi / 2 for i in range(count)]
        found = [(reach * math.cos(t), reach * math.sin(t) + down) for t in turns]
    else:
        found = points[shape]
    closed = "" if shape == "flag" else "Z"
    return "M" + "L".join(f"{_short(x * r)} {_short(y * r)}" for x, y in found) + closed
