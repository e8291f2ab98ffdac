"""The interactive map: marks on a Folium map that is built once and never changes.

Folium escapes nothing, and evaluates templates that it finds in texts. So no text from the data
enters a Folium object: marks and basemap go to the browser as JSON files that our own script
(``web/claimmap.js``) fetches from beside itself, each named by its content. What a run sends
through Folium is a bit mask of the marks that are on, the names of those files, and numbers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from folium.template import Template

from geo import basemap, checks, marks, symbols, texts
from geo.dataset import Dataset, used_places

WEB_DIR = Path(__file__).parent / "web"
SCRIPTS = ("leaflet.js", "claimmap.js")
STYLES = ("leaflet.css", "claimmap.css")

# Degrees of the finer basemap round each place of the dataset, east-west and north-south.
_DETAIL_REACH = (4.0, 2.6)


def prepare(folder: Path) -> None:
    """Put the scripts and styles that the map needs into ``folder``, from where they are served."""
    from xstatic.pkg import leaflet

    folder.mkdir(parents=True, exist_ok=True)
    for name in (*SCRIPTS, *STYLES):
        home = Path(leaflet.BASE_DIR) if name.startswith("leaflet") else WEB_DIR
        shutil.copyfile(home / name, folder / name)


def _write(folder: Path, stem: str, content: dict) -> str:
    """Write JSON as ``<stem>-<hash>.json`` unless it is there; return the name."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    name = f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    target = folder / name
    if not target.exists():
        # Renamed into place, so that a browser never fetches half a file.
        handle, part = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(part).replace(target)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    return name


def detail_bounds(dataset: Dataset) -> list[tuple[float, float, float, float]]:
    """Boxes (west, south, east, north) round the places of a dataset that are not mere areas."""
    places = used_places(dataset.places, dataset.features, dataset.statements)
    dx, dy = _DETAIL_REACH
    return [
        (
            max(p["lon"] - dx, -180.0),
            max(min(p["lat"], 85.0) - dy, -85.0),
            min(p["lon"] + dx, 180.0),
            min(max(p["lat"], -85.0) + dy, 85.0),
        )
        for _, p in places.iterrows()
        if p["uncertainty_m"] < 200_000
    ]


def write_basemap(folder: Path, dataset: Dataset) -> tuple[str, str]:
    """Write the basemap's world and its detail round the dataset; return the two file names."""
    layers = basemap.web_layers(detail_bounds(dataset))
    world = layers["world"] | layers["labels"]
    return _write(folder, "world", world), _write(folder, "detail", layers["detail"])


def write_marks(folder: Path, drawn: gpd.GeoDataFrame, dataset: Dataset, lang: str) -> str:
    """Write the marks of ``marks.draw`` for the browser; return the file name."""
    return _write(folder, "marks", _content(drawn, dataset, lang))


def _content(drawn: gpd.GeoDataFrame, dataset: Dataset, lang: str) -> dict:
    used = symbols.table()
    claims = dataset.claims
    numbers = pd.Series(range(len(claims)), index=claims.index)
    geometry = shapely.set_precision(drawn.geometry.to_numpy(), 1e-5, mode="pointwise")
    rows = zip(drawn.drop(columns="geometry").to_dict("records"), geometry, strict=True)
    return {
        "lang": lang,
        "claims": [
            {"id": claim_id, "title": texts.in_language(claim, "title", lang)}
            for claim_id, claim in claims.iterrows()
        ],
        "symbols": {key: asdict(symbol) | {"key": key} for key, symbol in used.items()},
        "legend": symbols.legend(lang),
        "words": _words(lang),
        "marks": [
            {
                "id": row["id"],
                "feature": row["feature"],
                "claim": int(numbers[row["claim"]]),
                "symbol": row["symbol"],
                "part": row["part"],
                "label": row["label"],
                "lines": list(row["lines"]),
                "geometry": _geojson(shape),
            }
            for row, shape in rows
        ],
    }


def _geojson(shape: shapely.Geometry) -> dict:
    found = shapely.geometry.mapping(shape)

    def rounded(part):
        return [rounded(p) for p in part] if isinstance(part, list | tuple) else round(part, 5)

    return {"type": found["type"], "coordinates": rounded(found["coordinates"])}


def _words(lang: str) -> dict[str, str]:
    _ = texts.translator(lang)
    return {
        "map": _("Map of the claims. The table beside it lists all that the map shows."),
        "legend": _("Legend"),
        "full": _("Full screen"),
        "close": _("Close"),
        "here": _("Several claims at this spot"),
        "choose": _("Click to choose one"),
        "more": _("and {n} more"),
        "within": _("inside the area: {area}"),
        "measure": _("Measure between two points"),
        "measureHow": _("Click two points to measure between them; Escape ends it."),
        "zoomIn": _("Zoom in"),
        "zoomOut": _("Zoom out"),
        "attribution": f"{basemap.ATTRIBUTION} · Leaflet",
        "N": _("N"),
        "S": _("S"),
        "E": _("E"),
        "W": _("W"),
    }


def encode_mask(visible: np.ndarray) -> str:
    """A boolean array as base64 of its bits, first mark in the highest bit of the first byte."""
    return base64.b64encode(np.packbits(visible).tobytes()).decode()


class _Attach(folium.MacroElement):
    """Hands the Leaflet map to our script."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "claimMap.attach({{ this._parent.get_name() }});"
        "{% endmacro %}"
    )


class _Update(folium.MacroElement):
    """Hands our script what to show now: numbers, and texts that this module made itself."""

    _template = Template(
        "{% macro script(this, kwargs) %}claimMap.update({{ this.state | tojson }});{% endmacro %}"
    )

    def __init__(self, state: dict):
        super().__init__()
        self.state = state


def base_map(assets: str) -> folium.Map:
    """The map that never changes: no tiles, no data, scripts from the URL prefix ``assets``.

    The object is used up by one run (streamlit-folium renames its parts): make it anew each time.
    """
    base = folium.Map(
        location=(48.0, 80.0),
        zoom_start=3,
        tiles=None,
        min_zoom=1.5,
        max_zoom=13,
        zoom_snap=0.25,
        zoom_delta=0.5,
        max_bounds=True,
        min_lat=-80,
        max_lat=85,
        min_lon=-270,
        max_lon=290,
        max_bounds_viscosity=0.8,
    )
    # Folium lists CDN addresses here, and a first one that fails leaves the map blank for ever.
    base.default_js = [(name, assets + name) for name in SCRIPTS]
    base.default_css = [(name, assets + name) for name in STYLES]
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
    interactive: bool = True,
    measured: checks.Measured | None = None,
) -> folium.FeatureGroup:
    """What one run changes on the map, as the feature group that streamlit-folium sends.

    ``files``: names of marks, world and detail. ``visible``: booleans over the marks.
    ``selected``: number of the claim to emphasize, -1 for none. ``view``: bounds to go to when
    ``view_token`` differs from the last run's. ``show_token``: a number that grows when the map
    should move to the selected claim. ``interactive``: whether the page answers to clicks on marks
    and to measuring. ``measured``: what the viewer measured, to draw and tell.
    """
    marks_file, world, detail = files
    group = folium.FeatureGroup(control=False)
    # A view is named by the dataset, and Folium would evaluate a template in the name.
    token = hashlib.sha256(view_token.encode()).hexdigest()[:16]
    state = {
        "marks": marks_file,
        "world": world,
        "detail": detail,
        "mask": encode_mask(visible),
        "selected": int(selected),
        "view": {"bounds": [float(edge) for edge in view], "token": token},
        "show": int(show_token),
        "interactive": interactive,
        "measure": None if measured is None else _measure(measured),
    }
    _Update(state).add_to(group)
    return group


def _measure(measured: checks.Measured) -> dict:
    lines = [(measured.line, [])]
    if measured.sea_line is not None:
        lines.append((measured.sea_line, [2, 5]))
    return {
        "asked": [list(point) for point in measured.asked],
        "lines": [[_geojson(line)["coordinates"], dash] for line, dash in lines],
        "text": measured.text,
    }


def bounds_of(some: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Bounds (west, south, east, north) of some marks, with a margin of a tenth."""
    west, south, east, north = some.total_bounds
    margin = max(0.1 * (east - west), 0.1 * (north - south), 0.02)
    return west - margin, south - margin, east + margin, north + margin


@lru_cache(maxsize=16)
def drawn(dataset: Dataset, lang: str) -> gpd.GeoDataFrame:
    """``marks.draw`` for the whole dataset, kept; do not change what it returns."""
    return marks.draw(dataset, lang)
