"""What the browser's script (``web/claimmap.js``) reads: marks, words and basemap, as JSON.

The same content serves the app, where the script fetches files named by their content, and the
file that stands alone, where it is written into the page. Texts of the data travel as JSON only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import basemap, selection, symbols, texts
from geo.dataset import Dataset, used_places
from geo.selection import Selection

STANCES = ("asserts", "denies", "declines", "retracts")

WEB_DIR = Path(__file__).parent / "web"
# What every map asks for: one script and one style, since a frame loads one after the other.
SCRIPT, STYLE = "map.js", "map.css"
SCRIPTS = ("leaflet.js", "selection.js", "claimmap.js", "ahead.js")
STYLES = ("leaflet.css", "claimmap.css")
BRIEFING_SCRIPTS = ("briefing.js",)
MOVER_SCRIPTS = ("mover.js",)
TOGETHER_SCRIPTS = ("together.js",)

# Where the map starts (longitude, latitude) and how far it goes (west, south, east, north).
CENTRE = (80.0, 48.0)
START_ZOOM = 3
BOUNDS = (-270.0, -80.0, 290.0, 85.0)
# How it moves, by the names of Leaflet's options in Python's spelling.
MOVING = {
    "min_zoom": 1.5,
    "max_zoom": 13,
    "zoom_snap": 0.25,
    "zoom_delta": 0.5,
    "max_bounds_viscosity": 0.8,
}

# Degrees of the finer basemap round each place of the dataset, east-west and north-south.
_DETAIL_REACH = (4.0, 2.6)
# Square degrees of it that one viewer's map is handed by the page at most: some 2 MB, packed.
_MOST_HANDED_DEG2 = 4000.0


def asset(name: str) -> Path:
    """Where one of the scripts and styles lies: with us, or with the package that ships Leaflet."""
    from xstatic.pkg import leaflet

    return (Path(leaflet.BASE_DIR) if name.startswith("leaflet") else WEB_DIR) / name


def _joined(names: tuple[str, ...], between: str) -> str:
    return between.join(asset(name).read_text(encoding="utf-8") for name in names)


def prepare(folder: Path) -> None:
    """Put the scripts and styles that the map needs into ``folder``, from where they are served."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCRIPT).write_text(_joined(SCRIPTS, "\n;\n"), encoding="utf-8")
    (folder / STYLE).write_text(_joined(STYLES, "\n"), encoding="utf-8")
    for name in (*BRIEFING_SCRIPTS, *TOGETHER_SCRIPTS, *MOVER_SCRIPTS):
        shutil.copyfile(asset(name), folder / name)


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


def write_world(folder: Path, dataset: Dataset | None) -> str:
    """Write the basemap's world for the browser; return the file name.

    None: the same for every dataset, so that the file tells nothing of the one it is used for.
    """
    bounds = () if dataset is None else detail_bounds(dataset)
    return _write(folder, "world", basemap.web_world(bounds))


def write_detail(folder: Path, dataset: Dataset) -> str:
    """Write the finer basemap round the dataset's places; return the file name. Takes a second."""
    return _write(folder, "detail", basemap.web_detail(detail_bounds(dataset)))


def write_marks(folder: Path, drawn: gpd.GeoDataFrame, dataset: Dataset, lang: str) -> str:
    """Write the marks of ``marks.draw`` for the browser; return the file name."""
    return _write(folder, "marks", content(drawn, dataset, lang))


def packed(stem: str, content: dict) -> tuple[str, str]:
    """JSON as the page hands it to one viewer's map, where no file may lie: name and text.

    The text is base64 of what zlib makes of it; the name goes where that of a file would.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    name = f"page:{stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return name, base64.b64encode(zlib.compress(text.encode(), 6)).decode()


def handed_detail(bounds: Sequence[tuple[float, float, float, float]]) -> dict | None:
    """The finer basemap in ``detail_bounds``; None where it is too much to be handed over."""
    if shapely.union_all([shapely.box(*box) for box in bounds]).area > _MOST_HANDED_DEG2:
        return None
    return basemap.web_detail(bounds)


def content(drawn: gpd.GeoDataFrame, dataset: Dataset, lang: str) -> dict:
    """What the script needs to draw the marks of ``marks.draw`` and to filter them.

    ``claims`` and ``marks`` are in the order of their tables; a mark names its claim by number.
    ``ledger`` holds what a choice is made by, see ``choice``.
    """
    used = symbols.table()
    statements = pd.Index(dataset.statements.index)
    claims = dataset.claims
    numbers = pd.Series(range(len(claims)), index=claims.index)
    geometry = shapely.set_precision(drawn.geometry.to_numpy(), 1e-5, mode="pointwise")
    spoken = np.where(drawn["part"] == "spoken", statements.get_indexer(drawn["feature"]), -1)
    records = drawn.drop(columns="geometry").to_dict("records")
    rows = zip(records, geometry, spoken.tolist(), strict=True)
    return {
        "lang": lang,
        "claims": [
            {"id": claim_id, "title": texts.in_language(claim, "title", lang)}
            for claim_id, claim in claims.iterrows()
        ],
        "symbols": {key: asdict(symbol) | {"key": key} for key, symbol in used.items()},
        "legend": symbols.legend(lang),
        "words": _words(lang),
        "ledger": _ledger(dataset),
        "marks": [
            {
                "id": row["id"],
                "feature": row["feature"],
                "claim": int(numbers[row["claim"]]),
                "symbol": row["symbol"],
                "part": row["part"],
                "layer": row["layer"],
                "when": row["when"],
                "said": said,
                "label": row["label"],
                "lines": list(row["lines"]),
                "geometry": geojson(shape),
            }
            for row, shape, said in rows
        ],
    }


def _ledger(dataset: Dataset) -> dict:
    """Claims and statements as columns of codes, each a position in the list of ``options``."""
    offered = selection.options(dataset)
    table = dataset.statements
    days = table["date"].to_numpy("datetime64[D]")

    def coded(key: str, values: pd.Series) -> list[int]:
        return pd.Index(offered[key]).get_indexer(values).tolist()

    return {
        "options": {key: list(values) for key, values in offered.items()},
        "stances": list(STANCES),
        "confidence": coded("confidence", dataset.claims["confidence"]),
        "theme": coded("theme", dataset.claims["theme"]),
        "statements": {
            "claim": dataset.claims.index.get_indexer(table["claim"]).tolist(),
            "speaker": coded("source", table["source"]),
            "origin": coded("source", table["origin"]),
            "stance": pd.Index(STANCES).get_indexer(table["stance"]).tolist(),
            "direct": (table["scope"] == "direct").astype(int).tolist(),
            "day": [
                None if np.isnat(day) else number
                for day, number in zip(days, days.astype("int64").tolist(), strict=True)
            ],
        },
    }


def choice(dataset: Dataset, chosen: Selection) -> dict:
    """A selection in numbers, as the script takes it: codes of ``options``, and a day since 1970.

    No text, so it can go where the texts of the data must not.
    """
    offered = selection.options(dataset)
    keys = (*selection.FACETS, "layer")
    codes = {key: [offered[key].index(v) for v in getattr(chosen, key)] for key in keys}
    day = None if chosen.as_of is None else (chosen.as_of - date(1970, 1, 1)).days
    return {key: sorted(values) for key, values in codes.items()} | {"as_of": day}


def encode_mask(visible: np.ndarray) -> str:
    """A boolean array as base64 of its bits, first mark in the highest bit of the first byte."""
    return base64.b64encode(np.packbits(visible).tobytes()).decode()


def geojson(shape: shapely.Geometry) -> dict:
    found = shapely.geometry.mapping(shape)

    def rounded(part):
        return [rounded(p) for p in part] if isinstance(part, list | tuple) else round(part, 5)

    return {"type": found["type"], "coordinates": rounded(found["coordinates"])}


def _words(lang: str) -> dict[str, str]:
    _ = texts.translator(lang)
    return {
        "map": _("Map of the claims. The table of claims tells in words what it shows."),
        "legend": _("Legend"),
        "full": _("Full screen"),
        "close": _("Close"),
        "here": _("Several claims at this spot"),
        "choose": _("Click to choose one"),
        "more": _("and {n} more"),
        "context": _("context, not a claim"),
        "within": _("inside the area: {area}"),
        "measure": _("Measure between two points"),
        "measureHow": _(
            "Click two points to measure between them, or move the map by arrow keys and press "
            "Enter for what is in its middle. Escape ends it."
        ),
        "zoomIn": _("Zoom in"),
        "zoomOut": _("Zoom out"),
        "attribution": f"{basemap.ATTRIBUTION} · Leaflet",
        "N": _("N"),
        "S": _("S"),
        "E": _("E"),
        "W": _("W"),
    }
