"""What a selection shows, as files for other programs; each format is one entry of ``WRITERS``."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable
from os import fsync
from os.path import realpath
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import affinity

from geo import marks, selection, texts
from geo.dataset import Dataset, standing_in
from geo.selection import LAYERS, Selection

GENERATOR = "contested-claims"
DECIMALS = 6  # of a degree: 0.1 m at the equator

_COPIED = ("feature", "claim", "layer", "symbol", "part", "basis", "label", "uncertainty_m")


def to_geojson(
    dataset: Dataset, chosen: Selection, *, drawn: gpd.GeoDataFrame | None = None
) -> bytes:
    """The marks that a selection of ``dataset`` shows, as GeoJSON (RFC 7946) in UTF-8.

    ``drawn``: ``marks.draw(dataset, chosen.lang)`` where that is at hand. WGS 84, longitude before
    latitude, cut at the antimeridian. One feature a mark, with the id of the mark; a claim that is
    kept but has no mark gets one without geometry (``located`` false, and ``reason``: no-place or
    layer-off). What the selection was, its as-of day, the dataset and what is hidden stand beside
    the features. The same selection of the same dataset gives the same bytes.
    """
    lang = chosen.lang
    kept = selection.apply(dataset, chosen)
    drawn = marks.draw(dataset, lang) if drawn is None else drawn
    shown = drawn[marks.visible(drawn, kept, chosen.layer)]
    placed = set(drawn.loc[marks.visible(drawn, kept, LAYERS), "claim"])
    as_of = _as_of(dataset, chosen)
    told = {claim: about | {"as_of": as_of} for claim, about in _by_claim(kept, lang).items()}

    geometries = shapely.orient_polygons(_cut_at_antimeridian(shown.geometry.to_numpy()))
    features = [
        _feature(
            mark["id"],
            shapely.geometry.mapping(geometry),
            {key: mark[key] for key in _COPIED}
            | {"lines": list(mark["lines"]), "located": True}
            | told[mark["claim"]],
        )
        for mark, geometry in zip(shown.to_dict("records"), geometries, strict=True)
    ]
    for claim in kept.claims.index.difference(shown["claim"], sort=False):
        reason = "layer-off" if claim in placed else "no-place"
        properties = {"claim": claim, "located": False, "reason": reason} | told[claim]
        features.append(_feature(f"{claim}/unlocated", None, properties))

    words = vars(dataset)
    collection = {
        "type": "FeatureCollection",
        "title": texts.in_language(words, "title", lang),
        "selection": selection.sentence(dataset, chosen, kept),
        "query": chosen.query_string(),
        "as_of": as_of,
        "dataset": {"name": dataset.name, "digest": dataset.digest},
        "claims": len(dataset.claims),
        "claims_hidden": len(dataset.claims) - len(kept.claims),
        # The description of a dataset is where its sources and its licence are told.
        "attribution": texts.in_language(words, "description", lang),
        "generator": GENERATOR,
        **({"bbox": _bbox(geometries)} if len(geometries) else {}),
        "features": features,
    }
    text = json.dumps(collection, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


# Suffix of the file -> what makes its content.
WRITERS: dict[str, Callable[[Dataset, Selection], bytes]] = {".geojson": to_geojson}


def write(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all: what stood there stays until the new one is complete.

    A file that is replaced keeps its permissions; a link is followed. Raises OSError.
    """
    path = Path(realpath(path))
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    part.touch(exist_ok=False)
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def file_name(dataset: Dataset, chosen: Selection, suffix: str) -> str:
    """A name for what is exported, ``<dataset>_<view>_<as-of>`` and the suffix (``.geojson``).

    It holds ASCII letters, digits, hyphens and underscores only, so it is a name anywhere.
    """
    parts = (dataset.name, chosen.view, _as_of(dataset, chosen) or "undated")
    plain = (re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-")[:60] for part in parts)
    return "_".join(part or "x" for part in plain) + suffix


def _as_of(dataset: Dataset, chosen: Selection) -> str | None:
    """The day of the selection, ISO 8601; the last one on which something was said if unset."""
    last = dataset.days[1] if dataset.days else None
    day = chosen.as_of or last
    return day.isoformat() if day else None


def _feature(feature_id: str, geometry: dict | None, properties: dict) -> dict:
    if geometry is not None:
        coordinates = _rounded(geometry["coordinates"])
        geometry = {"type": geometry["type"], "coordinates": coordinates}
    return {"type": "Feature", "id": feature_id, "geometry": geometry, "properties": properties}


def _rounded(part):
    return [_rounded(p) for p in part] if isinstance(part, tuple | list) else round(part, DECIMALS)


def _by_claim(kept: Dataset, lang: str) -> dict[str, dict]:
    """What each feature says of its claim, by claim id: lists in the order of the statements.

    Who has taken a statement back neither asserts nor denies by it, though it stays listed.
    """
    names = {i: texts.in_language(row, "name", lang) for i, row in kept.sources.iterrows()}
    said: dict[str, list[dict]] = {claim: [] for claim in kept.claims.index}
    stands = standing_in(kept.statements).tolist()
    for (statement_id, row), standing in zip(kept.statements.iterrows(), stands, strict=True):
        letter = kept.sources.at[row["source"], "reliability"]
        said[row["claim"]].append(
            {
                "id": statement_id,
                "source": row["source"],
                "name": names[row["source"]],
                "origin": row["origin"] or row["source"],
                "stance": row["stance"],
                "scope": row["scope"],
                "stands": standing,
                "date": _iso(row["date"]),
                "date_precision": row["date_precision"],
                "grade": f"{letter}{int(row['credibility'])}",
                "reference": row["reference"],
            }
        )

    def who(claim: str, stance: str) -> list[str]:
        return _distinct(s["name"] for s in said[claim] if s["stands"] and s["stance"] == stance)

    return {
        claim: {
            "claim_title": texts.in_language(row, "title", lang),
            "theme": row["theme"],
            "status": row["status"],
            "confidence": row["confidence"],
            "event_start": _iso(row["event_start"]),
            "event_end": _iso(row["event_end"]),
            "asserted_by": who(claim, "asserts"),
            "denied_by": who(claim, "denies"),
            "grades": _distinct(s["grade"] for s in said[claim]),
            "references": _distinct(s["reference"] for s in said[claim]),
            "statements": said[claim],
        }
        for claim, row in kept.claims.iterrows()
    }


def _distinct(values) -> list[str]:
    return list(dict.fromkeys(values))


def _iso(day: pd.Timestamp) -> str | None:
    return None if pd.isna(day) else day.date().isoformat()


def _cut_at_antimeridian(geometries: np.ndarray) -> np.ndarray:
    """The same geometries with longitudes in ±180, parted where they pass it (RFC 7946, 3.1.9).

    Takes continuous longitudes, as ``geodesy`` makes them, so that no guess is needed on which
    side of the world a vertex lies.
    """
    cut = np.array(geometries, dtype=object)
    bounds = shapely.bounds(cut)
    for row in np.flatnonzero((bounds[:, 0] < -180) | (bounds[:, 2] > 180)):
        # A sector that grazes a pole may cross itself on the plane.
        whole = shapely.make_valid(cut[row], method="structure", keep_collapsed=False)
        turns = np.floor((bounds[row, [0, 2]] + 180) / 360).astype(int)
        pieces = []
        for turn in range(turns[0], turns[1] + 1):
            world = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
            piece = affinity.translate(whole.intersection(world), -360 * turn)
            # What only touches the seam leaves a lower dimension there.
            pieces += [
                p
                for p in shapely.get_parts(piece)
                if shapely.get_dimensions(p) == shapely.get_dimensions(cut[row])
            ]
        many = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)
        join = many[shapely.get_dimensions(cut[row])]
        cut[row] = pieces[0] if len(pieces) == 1 else join(pieces)
    return cut


def _bbox(geometries: np.ndarray) -> list[float]:
    """The narrowest west, south, east, north; west > east across the antimeridian (RFC 7946, 5.2).

    Takes geometries whose longitudes lie in ±180.
    """
    bounds = shapely.bounds(shapely.get_parts(geometries))
    bounds = bounds[np.argsort(bounds[:, 0], kind="stable")]
    starts, reach = bounds[:, 0], np.maximum.accumulate(bounds[:, 2])
    gaps = np.append(starts[1:], starts[0] + 360) - reach
    widest = int(gaps.argmax())
    west, east = starts[(widest + 1) % len(starts)], reach[widest]
    if gaps[widest] <= 0:
        west, east = -180.0, 180.0
    return _rounded([float(v) for v in (west, bounds[:, 1].min(), east, bounds[:, 3].max())])
