"""What a selection shows, gathered once for every file format: marks, claims, caveats, words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import affinity

from geo import evidence, marks, selection, symbols, texts
from geo.dataset import Dataset, standing_in
from geo.selection import LAYERS, Selection

GENERATOR = "contested-claims"
DECIMALS = 6  # of a degree: 0.1 m at the equator


@dataclass(frozen=True, eq=False)
class Extract:
    """A selection of a dataset as the files tell it.

    ``whole``, ``chosen``, ``kept``: the dataset, the selection, and what it keeps. ``shown``: the
    rows of ``marks.draw`` that it shows, in drawing order (EPSG:4326), rounded to ``DECIMALS``,
    longitudes in ±180, cut at the antimeridian. ``about``: for each kept claim, by id, what is
    known of it. ``unlocated``: the kept claims without a mark, each with the reason: ``no-place``,
    ``no-stance`` (nobody asserts or denies what has a place) or ``layer-off``. ``caveats``: what a
    reader must know of the whole, as text, number or None: title, selection, query, as_of, dataset,
    digest, claims, claims_hidden, attribution, generator.
    """

    whole: Dataset
    chosen: Selection
    kept: Dataset
    shown: gpd.GeoDataFrame
    about: dict[str, dict]
    unlocated: dict[str, str]
    caveats: dict[str, str | int | None]


def gather(
    dataset: Dataset, chosen: Selection, *, drawn: gpd.GeoDataFrame | None = None
) -> Extract:
    """What ``chosen`` shows of ``dataset``; ``drawn``: ``marks.draw`` of both if at hand."""
    lang = chosen.lang
    kept = selection.apply(dataset, chosen)
    drawn = marks.drawn(dataset, lang) if drawn is None else drawn
    shown = drawn[marks.visible(drawn, kept, chosen.layer)]
    placed = set(drawn.loc[marks.visible(drawn, kept, LAYERS), "claim"])
    plain = np.array(cut_at_antimeridian(shown.geometry.to_numpy()), dtype=object)
    plain = shapely.transform(shapely.orient_polygons(plain), lambda xy: np.round(xy, DECIMALS))
    unlocated = kept.claims.index.difference(shown["claim"], sort=False)
    featured = set(kept.features["claim"])
    words = vars(dataset)
    return Extract(
        whole=dataset,
        chosen=chosen,
        kept=kept,
        shown=shown.set_geometry(gpd.GeoSeries(plain, index=shown.index, crs=shown.crs)),
        about=_about(kept, lang),
        unlocated={c: _reason(c, placed, featured) for c in unlocated},
        caveats={
            "title": texts.in_language(words, "title", lang),
            "selection": selection.sentence(dataset, chosen, kept),
            "query": chosen.query_string(),
            "as_of": as_of(dataset, chosen),
            "dataset": dataset.name,
            "digest": dataset.digest,
            "claims": len(dataset.claims),
            "claims_hidden": len(dataset.claims) - len(kept.claims),
            # The description of a dataset is where its sources and its licence are told.
            "attribution": texts.in_language(words, "description", lang),
            "generator": GENERATOR,
        },
    )


def _reason(claim: str, placed: set[str], featured: set[str]) -> str:
    if claim in placed:
        return "layer-off"
    return "no-stance" if claim in featured else "no-place"


def as_of(dataset: Dataset, chosen: Selection) -> str | None:
    """The day of the selection, ISO 8601; the last one on which something was said if unset."""
    last = dataset.days[1] if dataset.days else None
    day = chosen.as_of or last
    return day.isoformat() if day else None


def iso(day: pd.Timestamp) -> str | None:
    """A day as ISO 8601 text; None for NaT."""
    return None if pd.isna(day) else day.date().isoformat()


def number(value: float) -> int | float | None:
    """A number of the dataset as Python writes it shortest: 20000, not 20000.0; None for NaN."""
    if pd.isna(value):
        return None
    return int(value) if float(value).is_integer() else float(value)


def records(table: pd.DataFrame) -> list[dict]:
    """The rows of a table of the dataset as dicts, its index among them under its own name."""
    return table.drop(columns="geometry", errors="ignore").reset_index().to_dict("records")


def _about(kept: Dataset, lang: str) -> dict[str, dict]:
    """What is known of each claim, by its id: lists in the order of the statements.

    Who has taken a statement back neither asserts nor denies by it, though it stays listed.
    """
    names = {row["id"]: texts.in_language(row, "name", lang) for row in records(kept.sources)}
    letters = kept.sources["reliability"].to_dict()
    said: dict[str, list[dict]] = {claim: [] for claim in kept.claims.index}
    stands = standing_in(kept.statements).tolist()
    for row, standing in zip(records(kept.statements), stands, strict=True):
        said[row["claim"]].append(
            {
                "id": row["id"],
                "source": row["source"],
                "name": names[row["source"]],
                "origin": row["origin"] or row["source"],
                "origin_name": names[row["origin"] or row["source"]],
                "stance": row["stance"],
                "scope": row["scope"],
                "stands": standing,
                "date": iso(row["date"]),
                "date_precision": row["date_precision"],
                "grade": f"{letters[row['source']]}{int(row['credibility'])}",
                "reference": row["reference"],
            }
        )

    def who(claim: str, stance: str) -> list[str]:
        return _distinct(s["name"] for s in said[claim] if s["stands"] and s["stance"] == stance)

    origins = evidence.independent_origins(kept.statements).to_dict()
    return {
        row["id"]: {
            "claim_title": texts.in_language(row, "title", lang),
            "theme": row["theme"],
            "status": row["status"],
            "confidence": row["confidence"],
            "event_start": iso(row["event_start"]),
            "event_end": iso(row["event_end"]),
            "date_precision": row["date_precision"],
            "asserted_by": who(row["id"], "asserts"),
            "denied_by": who(row["id"], "denies"),
            "origins": int(origins.get(row["id"], 0)),
            "grades": _distinct(s["grade"] for s in said[row["id"]]),
            "references": _distinct(s["reference"] for s in said[row["id"]]),
            "statements": said[row["id"]],
        }
        for row in records(kept.claims)
    }


def _distinct(values) -> list[str]:
    return list(dict.fromkeys(values))


def symbol_words(lang: str) -> dict[str, str]:
    """What each symbol of ``symbols.table`` means, in words of the legend."""
    _ = texts.translator(lang)
    legend = {key: words for key, _symbol, words in symbols.legend(lang)}
    table = symbols.table()
    found = {"route-end": _("End of a route"), "measured-end": _("End of a measured line")}
    for key, symbol in table.items():
        if key in found or key.endswith("-withdrawn"):
            continue
        found[key] = " · ".join(legend[entry] for entry in symbol.legend)
    for key in table:
        if key.endswith("-withdrawn"):
            found[key] = f"{found[key.removesuffix('-withdrawn')]} · {legend['withdrawn']}"
    return found


def caveat_lines(extract: Extract) -> list[str]:
    """The caveats as sentences or short lines of plain text, for a reader."""
    lang = extract.chosen.lang
    _ = texts.translator(lang)
    told = extract.caveats
    day = told["as_of"] and texts.day(date.fromisoformat(told["as_of"]), lang)
    lines = [
        told["selection"],
        _("As of {day}").format(day=day) if day else "",
        _("Dataset {name}, {digest}").format(name=told["dataset"], digest=told["digest"]),
        told["attribution"],
    ]
    return [line for line in lines if line]


def cut_at_antimeridian(geometries: np.ndarray) -> np.ndarray:
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
