"""The interactive map: marks on a Folium map that is built once and never changes.

Folium escapes nothing, and evaluates templates that it finds in texts. So no text from the data
enters a Folium object: marks and basemap go to the browser as JSON files that our own script
(``web/claimmap.js``) fetches from beside itself, each named by its content. What a run sends
through Folium is a bit mask of the marks that are on, the names of those files, and numbers.
"""

from __future__ import annotations

import hashlib

import folium
import numpy as np
import pandas as pd
from folium.template import Template

from geo import checks, marks, webdata

# Marks of which each run sends the mask: beyond, that would be most of what a click sends.
MOST_SPELLED_OUT = 8000


class _Unrendered:
    """A part of which streamlit-folium takes the script, from its template, and no more.

    Folium would besides compile what the script says as a template of its own, at each run.
    """

    def render(self, **_: object) -> None:
        pass


class _Map(_Unrendered, folium.Map):
    """Its own styles are left out with that: ``web/claimmap.css`` has what is needed of them."""


class _Group(_Unrendered, folium.FeatureGroup):
    """Added to the map by streamlit-folium."""


class _Attach(_Unrendered, folium.MacroElement):
    """Hands the Leaflet map to our script."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "claimMap.attach({{ this._parent.get_name() }});"
        "{% endmacro %}"
    )


class _Update(_Unrendered, folium.MacroElement):
    """Hands our script what to show now: numbers, and texts that this module made itself."""

    _template = Template(
        "{% macro script(this, kwargs) %}claimMap.update({{ this.state | tojson }});{% endmacro %}"
    )

    def __init__(self, state: dict):
        super().__init__()
        self.state = state


def base_map(
    assets: str, briefing: bool = False, together: bool = False, mover: bool = False
) -> folium.Map:
    """The map that never changes: no tiles, no data, scripts from the URL prefix ``assets``.

    ``briefing``: with the keys and the large letters of a briefing.
    ``together``: moved together with the other maps of its page that are.
    ``mover``: with a handle on a place that the viewer drags elsewhere (``web/mover.js``).
    The object is used up by one run (streamlit-folium renames its parts): make it anew each time.
    """
    lon, lat = webdata.CENTRE
    west, south, east, north = webdata.BOUNDS
    base = _Map(
        location=(lat, lon),
        zoom_start=webdata.START_ZOOM,
        tiles=None,
        max_bounds=True,
        min_lon=west,
        min_lat=south,
        max_lon=east,
        max_lat=north,
        **webdata.MOVING,
    )
    scripts = (
        webdata.SCRIPT,
        *(webdata.BRIEFING_SCRIPTS if briefing else ()),
        *(webdata.TOGETHER_SCRIPTS if together else ()),
        *(webdata.MOVER_SCRIPTS if mover else ()),
    )
    # Folium lists CDN addresses here, and a first one that fails leaves the map blank for ever.
    base.default_js = [(name, assets + name) for name in scripts]
    base.default_css = [(webdata.STYLE, assets + webdata.STYLE)]
    _Attach().add_to(base)
    return base


def update(
    *,
    files: tuple[str, str, str],
    visible: np.ndarray,
    selected: int,
    view: tuple[float, float, float, float],
    view_token: str,
    show_token: int,
    choice: dict | None = None,
    spelled_out: bool = False,
    interactive: bool = True,
    measured: checks.Measured | None = None,
    step: dict | None = None,
    handle: dict | None = None,
    context: dict | None = None,
) -> folium.FeatureGroup:
    """What one run changes on the map, as the feature group that streamlit-folium sends.

    ``files``: names of marks, world and detail. ``visible``: booleans over the marks. ``choice``:
    what they follow from (``webdata.choice``), where clicks on the filters may be drawn at once.
    ``spelled_out``: send the booleans even of many marks, as the browser found others.
    ``selected``: number of the claim to emphasize, -1 for none. ``view``: bounds to go to when
    ``view_token`` differs from the last run's. ``show_token``: a number that grows when the map
    should move to the selected claim. ``interactive``: whether the page answers to clicks on marks
    and to measuring. ``measured``: what the viewer measured, to draw and tell. ``step``: where a
    briefing stands, for its keys (``web/briefing.js``). ``handle``: longitude and latitude of the
    place to be moved, in degrees, for a map with a ``mover``. ``context``: the reader's own layers
    from below, by the names under which the page hands them over: ``overlays`` (each ``shapes``,
    ``look``, ``opacity``) and ``tiles``, "" for none.
    """
    marks_file, world, detail = files
    group = _Group(control=False)
    # A view is named by the dataset, and no text of that goes through Folium.
    token = hashlib.sha256(view_token.encode()).hexdigest()[:16]
    state = {
        "marks": marks_file,
        "world": world,
        "detail": detail,
        "choice": choice,
        "selected": int(selected),
        "view": {"bounds": [float(edge) for edge in view], "token": token},
        "show": int(show_token),
        "interactive": interactive,
        "measure": None if measured is None else _measure(measured),
    }
    # Many marks are worked out from the choice by the browser, which is checked; a mask is longer.
    if choice is None or spelled_out or len(visible) <= MOST_SPELLED_OUT:
        state["mask"] = webdata.encode_mask(visible)
    else:
        state["check"] = webdata.checksum(visible)
    if handle is not None:
        state["handle"] = handle
    if step is not None:
        state["step"] = step
    if context is not None:
        state["context"] = context
    _Update(state).add_to(group)
    return group


def _measure(measured: checks.Measured) -> dict:
    lines = [(measured.line, [])]
    if measured.sea_line is not None:
        lines.append((measured.sea_line, [2, 5]))
    return {
        "asked": [list(point) for point in measured.asked],
        "lines": [
            [[[round(lon, 5), round(lat, 5)] for lon, lat in line.coords], dash]
            for line, dash in lines
        ],
        "text": measured.text,
    }


def bounds_of(some: pd.DataFrame) -> tuple[float, float, float, float]:
    """West, south, east, north of some rows of ``marks.plan``, with a margin of a tenth."""
    west, south, east, north = marks.bounds(some)
    margin = max(0.1 * (east - west), 0.1 * (north - south), 0.02)
    return west - margin, south - margin, east + margin, north + margin
