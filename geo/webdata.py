"""What the browser's script (``web/claimmap.js``) reads: marks, words and basemap, as JSON.

The same content serves the app, where the script fetches files named by their content, and the
file that stands alone, where it is written into the page. Texts of the data travel as JSON only.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from geo import basemap, figures, geodesy, marks, selection, symbols, texts
from geo.dataset import Dataset, used_places
from geo.evidence import STANCES
from geo.figures import Figure
from geo.selection import Selection

# Above so many marks what their tooltips say is kept in files of its own, of so many claims each.
_MOST_TOLD_AT_ONCE = 3000
_CLAIMS_TOLD = 512
_DECIMALS = 5  # of degrees: a metre
UNDATED = -(2**31)

WEB_DIR = Path(__file__).parent / "web"
# What every map asks for: one script and one style, since a frame loads one after the other.
SCRIPT, STYLE = "map.js", "map.css"
SCRIPTS = (
    *("leaflet.js", "selection.js", "figures.js", "marks.js", "stacks.js", "paths.js"),
    *("signs.js", "labels.js", "basemap.js", "context.js"),
    *("claimmap.js", "place.js", "ahead.js"),
)
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
# Square degrees of it that a map takes at most: some 3 MB, packed.
_MOST_DETAIL_DEG2 = 6000.0


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
    """Write JSON as ``<stem>-<hash>.json.gz`` unless it is there; return the name."""
    packed = _packed(content)
    name = f"{stem}-{hashlib.sha256(packed).hexdigest()[:16]}.json.gz"
    _put(folder / name, packed)
    return name


def _packed(content: dict) -> bytes:
    # Packed once, here: the server would pack it anew for each viewer.
    return gzip.compress(_json(content), 6, mtime=0)


def _json(content: dict) -> bytes:
    return json.dumps(
        content, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def _put(target: Path, content: bytes) -> None:
    """Write a file unless it is there, by renaming: a browser never fetches half of one."""
    if target.exists():
        return
    handle, part = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(part).replace(target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def detail_bounds(dataset: Dataset) -> list[tuple[float, float, float, float]]:
    """Boxes (west, south, east, north) round the places of a dataset that are not mere areas.

    None at all where they would cover a good part of the world: that is a load for every viewer's
    browser, and the coarser coast has to do.
    """
    places = used_places(dataset.places, dataset.features, dataset.statements)
    places = places[places["uncertainty_m"] < 200_000]
    dx, dy = _DETAIL_REACH
    lons, lats = (places[name].to_numpy(dtype=float) for name in ("lon", "lat"))
    boxes = np.column_stack(
        [
            np.maximum(lons - dx, -180.0),
            np.maximum(np.minimum(lats, 85.0) - dy, -85.0),
            np.minimum(lons + dx, 180.0),
            np.minimum(np.maximum(lats, -85.0) + dy, 85.0),
        ]
    )
    if shapely.union_all(shapely.box(*boxes.T)).area > _MOST_DETAIL_DEG2:
        return []
    return [tuple(box) for box in boxes.tolist()]


def write_world(folder: Path, dataset: Dataset | None) -> str:
    """Write the basemap's world for the browser; return the file name.

    None: the same for every dataset, so that the file tells nothing of the one it is used for.
    """
    bounds = () if dataset is None else detail_bounds(dataset)
    return _write(folder, "world", basemap.web_world(bounds))


def write_detail(folder: Path, dataset: Dataset) -> str:
    """Write the finer basemap round the dataset's places; return the file name. Takes a second."""
    return _write(folder, "detail", basemap.web_detail(detail_bounds(dataset)))


def write_marks(folder: Path, plan: pd.DataFrame, dataset: Dataset, lang: str) -> str:
    """Write the marks of ``marks.plan`` for the browser; return the file name.

    What tooltips say of many marks is left to ``write_texts``, and fetched where it is wanted.
    """
    apart = len(plan) > _MOST_TOLD_AT_ONCE
    return _write(folder, "marks", content(plan, dataset, lang, texts_apart=apart))


def write_texts(folder: Path, plan: pd.DataFrame, dataset: Dataset, lang: str) -> None:
    """Write what tooltips say, in files of some claims each, for marks that have it apart."""
    if len(plan) <= _MOST_TOLD_AT_ONCE:
        return
    stem = _texts_stem(dataset, lang)
    for number in range(-(-len(dataset.claims) // _CLAIMS_TOLD)):
        some = _claims_between(dataset, number * _CLAIMS_TOLD, (number + 1) * _CLAIMS_TOLD)
        _put(folder / f"{stem}-{number}.json.gz", _packed(_told(some, lang)))


def _texts_stem(dataset: Dataset, lang: str) -> str:
    return f"texts-{hashlib.sha256(f'{dataset.digest}/{lang}'.encode()).hexdigest()[:16]}"


def _claims_between(dataset: Dataset, start: int, end: int) -> Dataset:
    """The dataset with some of its claims, by their numbers, and what belongs to them."""
    claims = dataset.claims.iloc[start:end]
    features, statements = (
        table[table["claim"].isin(claims.index)]
        for table in (dataset.features, dataset.statements)
    )
    return replace(dataset, claims=claims, features=features, statements=statements)


def _told(dataset: Dataset, lang: str) -> dict:
    """Titles of claims, and what tooltips say by feature and part."""
    lines: dict[str, dict[str, list[str]]] = {}
    for feature, part, said in marks.told(dataset, lang):
        lines.setdefault(feature, {})[part] = list(said)
    titles = [texts.in_language(row, "title", lang) for row in dataset.claims.to_dict("records")]
    return {"titles": titles, "lines": lines}


def packed(stem: str, content: dict) -> tuple[str, str]:
    """JSON as the page hands it to one viewer's map, where no file may lie: name and text.

    The text is base64 of what zlib makes of it; the name goes where that of a file would.
    """
    text = _json(content)
    name = f"page:{stem}-{hashlib.sha256(text).hexdigest()[:16]}"
    return name, base64.b64encode(zlib.compress(text, 6)).decode()


def handed_detail(bounds: Sequence[tuple[float, float, float, float]]) -> dict | None:
    """The finer basemap in ``detail_bounds``; None where there is none."""
    return basemap.web_detail(bounds) if bounds else None


def content(
    plan: pd.DataFrame, dataset: Dataset, lang: str, *, texts_apart: bool = False
) -> dict:
    """What the script needs to draw the marks of ``marks.plan`` and to filter them.

    Numbers come in columns, each packed (``column``), in the order of the plan; what is named is
    named by number. ``figures``: the shapes, each once, kind by kind, a column for each kind; a
    mark's figure is its number over all kinds. ``features``: ids of features and statements that
    have marks, and for a statement its number in the ledger, else -1. ``ledger``: what a choice is
    made by, see ``choice``; its statements stand in ``statement_order``. ``texts``: what tooltips
    say, or with ``texts_apart`` the name and size of the files where it stands.
    """
    used = symbols.table()
    kinds = plan[["symbol", "part", "layer", "when"]]
    kind = kinds.groupby(list(kinds), observed=True, sort=False).ngroup()
    different = kinds[~kind.duplicated()]
    codes, feature = np.unique(plan["feature"].cat.codes, return_inverse=True)
    ids = plan["feature"].cat.categories[codes]
    order = statement_order(dataset)
    said = pd.Index(dataset.statements.index[order]).get_indexer(ids)
    spoken = plan.loc[plan["part"] == "spoken", "feature"]
    said = np.where(ids.isin(spoken), said, -1)
    label, labels = pd.factorize(plan["label"])
    figure, shapes = _figures(plan["figure"])
    if texts_apart:
        told = {"stem": _texts_stem(dataset, lang), "claims": _CLAIMS_TOLD}
    else:
        told = _told(dataset, lang)
    return {
        "lang": lang,
        "claims": {"count": len(dataset.claims), "ids": "\n".join(dataset.claims.index)},
        "symbols": {key: asdict(symbol) | {"key": key} for key, symbol in used.items()},
        "legend": symbols.legend(lang),
        "words": _words(lang),
        "ledger": _ledger(dataset, order),
        "features": {"ids": "\n".join(ids), "said": column(said, "i4")},
        "labels": "\n".join(text.replace("\n", " ") for text in labels),
        "figures": shapes,
        "kinds": different.astype(str).to_dict("records"),
        "marks": {
            "count": len(plan),
            "kind": column(kind, "u2"),
            "claim": column(plan["claim"].cat.codes, "u4"),
            "feature": column(feature, "u4"),
            "figure": column(figure, "u4"),
            "label": column(label, "u4"),
        },
        "texts": told,
    }


def column(values: ArrayLike, kind: str) -> str:
    """Numbers as text: their type (u1, u2, u4, i4, f8), a colon, base64 of their bytes."""
    packed = np.ascontiguousarray(values, dtype=f"<{kind}")
    return f"{kind}:{base64.b64encode(packed.tobytes()).decode()}"


def _figures(wanted: pd.Series) -> tuple[np.ndarray, dict]:
    """The number of each figure among all different ones, and those, packed kind by kind."""
    by_kind: dict[str, dict[Figure, int]] = {kind: {} for kind in figures.KINDS}
    at = [by_kind[f.kind].setdefault(f, len(by_kind[f.kind])) for f in wanted]
    sizes = [len(found) for found in by_kind.values()]
    starts = dict(zip(figures.KINDS, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
    numbers = np.array([starts[f.kind] + n for f, n in zip(wanted, at, strict=True)], dtype=int)
    packed: dict[str, str | dict] = {}
    for kind, found in by_kind.items():
        if not found:
            continue
        rows = [f.numbers for f in found]
        if kind == "path":
            ends = np.cumsum([len(row) for row in rows])
            flat = np.round(np.concatenate(rows), _DECIMALS)
            packed[kind] = {"ends": column(ends, "u4"), "numbers": column(flat, "f8")}
            continue
        table = np.array(rows, dtype=float)
        if kind == "geodesic":
            # The browser knows the direct problem only: a bearing and a length lead there.
            measured = geodesy.inverse(*table.T)
            table[:, 2], table[:, 3] = measured.bearing_deg, measured.length_km
        table[:, :2] = np.round(table[:, :2], _DECIMALS)
        packed[kind] = column(table, "f8")
    return numbers, packed


def statement_order(dataset: Dataset) -> np.ndarray:
    """Positions of the statements by claim, speaker and day (undated first), as the ledger has."""
    table = dataset.statements
    days = table["date"].to_numpy("datetime64[D]").astype("int64")  # NaT is the lowest
    claims = dataset.claims.index.get_indexer(table["claim"])
    speakers = dataset.sources.index.get_indexer(table["source"])
    return np.lexsort((days, speakers, claims))


def _ledger(dataset: Dataset, order: np.ndarray) -> dict:
    """Claims and statements as columns of codes, each a position in the list of ``options``."""
    offered = selection.options(dataset)
    table = dataset.statements
    days = table["date"].to_numpy("datetime64[D]")
    days = np.where(np.isnat(days), UNDATED, days.astype("int64"))

    def coded(key: str, values: pd.Series) -> np.ndarray:
        return pd.Index(offered[key]).get_indexer(values)

    statements = {
        "claim": (dataset.claims.index.get_indexer(table["claim"]), "u4"),
        "speaker": (coded("source", table["source"]), "i4"),
        "origin": (coded("source", table["origin"]), "i4"),
        "stance": (pd.Index(STANCES).get_indexer(table["stance"]), "u1"),
        "direct": (table["scope"] == "direct", "u1"),
        "day": (days, "i4"),
    }
    return {
        "options": {key: list(values) for key, values in offered.items()},
        "stances": list(STANCES),
        "undated": UNDATED,
        "confidence": column(coded("confidence", dataset.claims["confidence"]), "u1"),
        "theme": column(coded("theme", dataset.claims["theme"]), "u1"),
        "statements": {
            name: column(np.asarray(values)[order], kind)
            for name, (values, kind) in statements.items()
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


def checksum(visible: np.ndarray) -> int:
    """Adler-32 of the bits of a mask, for a browser that works the mask out by itself."""
    return zlib.adler32(np.packbits(visible).tobytes())


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
        "cluster": _("{n} claims here"),
        "clusterDenied": _("{n} claims here, {denied} of them denied by somebody"),
        "clusterHow": _("Click to look closer"),
        "clusterLegend": _("Number of claims at one spot; dashed: the part that somebody denies"),
        "thinned": _("{drawn} of {total} routes and areas here are drawn; zoom in for the rest."),
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
