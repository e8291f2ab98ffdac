"""What a selection shows, as files for other programs; each format is one entry of ``WRITERS``."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
from os import fsync
from os.path import realpath
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import checks, edits, extract, geopackage, kml, selection, texts
from geo.dataset import TABLES, Dataset, schema, used_places
from geo.extract import GENERATOR, iso, number, records
from geo.selection import Selection

_COPIED = ("feature", "claim", "layer", "symbol", "part", "basis", "label", "uncertainty_m")


# GeoJSON


def to_geojson(
    dataset: Dataset, chosen: Selection, *, drawn: gpd.GeoDataFrame | None = None
) -> bytes:
    """The marks that a selection of ``dataset`` shows, as GeoJSON (RFC 7946) in UTF-8.

    ``drawn``: ``marks.draw(dataset, chosen.lang)`` where that is at hand. WGS 84, longitude before
    latitude, cut at the antimeridian. One feature a mark, with the id of the mark; a claim that is
    kept but has no mark gets one without geometry (``located`` false, and ``reason`` as
    in ``extract.Extract``). What the selection was, its as-of day, the dataset and what is hidden
    stand beside the features. The same selection of the same dataset gives the same bytes.
    """
    found = extract.gather(dataset, chosen, drawn=drawn)
    caveats = dict(found.caveats)
    day = caveats["as_of"]
    geometries = found.shown.geometry.to_numpy()
    features = [
        _feature(
            mark["id"],
            shapely.geometry.mapping(geometry),
            {key: mark[key] for key in _COPIED}
            | {"lines": list(mark["lines"]), "located": True}
            | found.about[mark["claim"]]
            | {"as_of": day},
        )
        for mark, geometry in zip(found.shown.to_dict("records"), geometries, strict=True)
    ]
    for claim, reason in found.unlocated.items():
        properties = {"claim": claim, "located": False, "reason": reason}
        about = found.about[claim] | {"as_of": day}
        features.append(_feature(f"{claim}/unlocated", None, properties | about))
    named = {"name": caveats.pop("dataset"), "digest": caveats.pop("digest")}
    collection = {
        "type": "FeatureCollection",
        **caveats,
        "dataset": named,
        **({"bbox": _bbox(geometries)} if len(geometries) else {}),
        "features": features,
    }
    return _json(collection).encode("utf-8")


def _feature(feature_id: str, geometry: dict | None, properties: dict) -> dict:
    return {"type": "Feature", "id": feature_id, "geometry": geometry, "properties": properties}


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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
    found = (west, bounds[:, 1].min(), east, bounds[:, 3].max())
    return [round(float(edge), extract.DECIMALS) for edge in found]


# CSV

# What a spreadsheet takes for a formula, at the start of a cell or of what it may split off as one.
_FORMULA = "[=+\\-@＝＋－＠]"
_BLANK = "[\\s\u200b\ufeff]"
_AT_START = re.compile(rf"\A('*)(?={_BLANK}*{_FORMULA}|[\t\r\n])")
_IN_LINE = "(?:[^\\S\t\r\n]|[\u200b\ufeff])"
_AFTER_BREAK = re.compile(rf'(?<=[,;|"\t\r\n])({_IN_LINE}*)(\'*)(?={_FORMULA})')


def plain_cell(text: str) -> str:
    """A text as a cell that no spreadsheet runs, whatever it takes for a separator.

    An apostrophe goes before each of = + - @ (and their full-width forms) that starts the text
    or follows a comma, semicolon, bar, quotation mark, tab or line break, blanks between or not;
    and before a tab or line break that starts the text. Apostrophes that stand there already are
    kept, so that the text comes back by taking one away at each such spot.
    """
    return _AFTER_BREAK.sub(r"\1'\2", _AT_START.sub(r"'\1", text))


def to_csv(dataset: Dataset, chosen: Selection) -> bytes:
    """The statements that a selection keeps, one a row, as CSV (RFC 4180, UTF-8 with BOM).

    Each row tells its claim, who says what of it, and where the claim is placed: the first of its
    features has columns of its own, the others are named in ``other_features``. ``lon`` and
    ``lat`` are WGS 84 degrees; those of a place with an uncertainty are the centre of a circle.
    Codes are those of the dataset; a column ``…_words`` beside one has the words of the language.
    What the selection was, what it hides and where the dataset is from stand at the end of every
    row; a selection that keeps nothing gives one row of these alone. Every text went through
    ``plain_cell``, which tells how to get it back; numbers are numbers, negative ones too.
    """
    found = extract.gather(dataset, chosen)
    rows = list(_statement_rows(found)) or [{}]
    safe = cache(plain_cell)
    told = {_OF_ALL.get(key, key): value for key, value in found.caveats.items()}
    end = {key: _cell(value, safe) for key, value in told.items()}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*_CSV_COLUMNS, *end], restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value, safe) for key, value in row.items()} | end)
    return text.getvalue().encode("utf-8-sig")


# Names of caveats that would be taken for those of a claim.
_OF_ALL = {"title": "dataset_title", "digest": "dataset_digest", "claims": "claims_total"}
_CSV_COLUMNS = (
    *("claim", "title", "theme", "theme_words", "status", "status_words"),
    *("confidence", "confidence_words", "event_start", "event_end", "event_precision"),
    *("origins", "statement", "source", "source_name", "origin", "origin_name"),
    *("stance", "stance_words", "scope", "scope_words", "stands", "date", "date_precision"),
    *("grade", "grade_words", "speaker", "said_at", "reference", "quote"),
    *("drawn", "features", "feature", "kind", "mode", "basis", "basis_words"),
    *("place", "place_name", "lon", "lat", "uncertainty_m", "located_by"),
    *("to_place", "to_place_name", "to_lon", "to_lat", "to_uncertainty_m", "to_located_by"),
    *("quantity", "unit", "claimed_km", "claimed_direction", "other_features"),
)


def _cell(value, safe: Callable[[str], str]) -> str:
    if value is None or value != value:
        return ""
    return safe(value) if isinstance(value, str) else str(value)


def _statement_rows(found: extract.Extract):
    lang = found.chosen.lang
    _ = texts.translator(lang)
    words = texts.terms(lang)
    places = {row["id"]: row for row in records(found.kept.places)}
    located = _located(found, places)
    said = {row["id"]: row for row in records(found.kept.statements)}
    grades = cache(lambda grade: texts.grade(grade[0], grade[1:], lang))
    for claim, about in found.about.items():
        start = {
            "claim": claim,
            "title": about["claim_title"],
            **{key: about[key] for key in ("theme", "status", "confidence", "origins")},
            **{f"{k}_words": words[k][about[k]] for k in ("theme", "status", "confidence")},
            "event_start": about["event_start"],
            "event_end": about["event_end"],
            "event_precision": about["date_precision"],
            "drawn": found.unlocated.get(claim, "yes"),
            **located.get(claim, {"features": 0}),
        }
        for each in about["statements"]:
            row = said[each["id"]]
            spot = places.get(row["place"])
            yield start | {
                "statement": each["id"],
                **{k: each[k] for k in ("source", "origin", "stance", "scope", "date")},
                **{k: each[k] for k in ("origin_name", "date_precision", "grade", "reference")},
                "source_name": each["name"],
                "stance_words": words["stance"][each["stance"]],
                "scope_words": words["scope"].get(each["scope"], ""),
                "stands": "true" if each["stands"] else "false",
                "grade_words": grades(each["grade"]),
                "speaker": texts.in_language(row, "speaker", lang),
                "said_at": texts.in_language(spot, "name", lang) if spot else "",
                "quote": texts.in_language(row, "quote", lang),
            }


def _located(found: extract.Extract, places: dict[str, dict]) -> dict[str, dict]:
    """The columns of place of each claim that has features, by claim id."""
    lang = found.chosen.lang
    _ = texts.translator(lang)
    basis = texts.terms(lang)["basis"]
    located: dict[str, dict] = {}
    for row in records(found.kept.features):
        start, end = places[row["place"]], places.get(row["to_place"], {})
        name, to_name = (texts.in_language(place, "name", lang) for place in (start, end))
        if row["claim"] in located:
            first = located[row["claim"]]
            where = _("{start} to {end}").format(start=name, end=to_name) if end else name
            told = _("{head}: {text}").format(head=where, text=basis[row["basis"]])
            first["features"] += 1
            before = first["other_features"]
            first["other_features"] = f"{before}{_('; ')}{told}" if before else told
            continue
        located[row["claim"]] = {
            "features": 1,
            "feature": row["id"],
            **{k: row[k] for k in ("kind", "mode", "basis", "place", "to_place")},
            "basis_words": basis[row["basis"]],
            "place_name": name,
            **{key: number(start[key]) for key in ("lon", "lat", "uncertainty_m")},
            "located_by": start["located_by"],
            "to_place_name": to_name,
            **{f"to_{k}": number(end[k]) for k in ("lon", "lat", "uncertainty_m") if end},
            "to_located_by": end.get("located_by"),
            "quantity": number(row["quantity"]),
            "unit": texts.in_language(row, "unit", lang),
            "claimed_km": number(row["claimed_km"]),
            "claimed_direction": row["claimed_direction"],
            "other_features": "",
        }
    return located


# The data package

# Every member of the archive bears this day, so that equal contents are equal bytes.
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)


def to_package(dataset: Dataset, chosen: Selection) -> bytes:
    """What a selection keeps, as a data package in a .zip that ``dataset.load`` takes.

    The claims kept, their statements and features, the sources and places that these refer to,
    and the briefing: steps name only the claims kept, and those that spoke of none of these are
    left out. ``selection`` in the descriptor, and the end of the description, say what was
    selected, from which dataset (name and digest), and how many claims are missing. Read back and
    shown with the same layers, it gives the same marks; which layers were on, a package cannot
    hold, so that stands in ``selection`` alone. A selection that keeps no claim gives a valid
    package with empty tables. Texts stay as they are, those too that a spreadsheet would run:
    ``to_csv`` is the table for a spreadsheet. The same selection gives the same bytes.
    """
    kept = selection.apply(dataset, chosen)
    used = {*kept.statements["source"], *kept.statements["origin"]}
    tables = {
        "sources": kept.sources[kept.sources.index.isin(used)],
        "places": used_places(kept.places, kept.features, kept.statements),
        # As they stand in the dataset: what is kept has its status among the columns.
        "claims": dataset.claims.loc[kept.claims.index],
        "statements": kept.statements,
        "features": kept.features,
        "briefing": _briefing(dataset.briefing, set(kept.claims.index)),
    }
    files = {f"{name}.csv": _table_text(name, tables[name]) for name in TABLES}
    text = json.dumps(_descriptor(dataset, chosen, kept, tables), ensure_ascii=False, indent=2)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"datapackage.json": text + "\n", **files}.items():
            member = zipfile.ZipInfo(name, _ZIP_DAY)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, content.encode("utf-8"))
    return packed.getvalue()


def _briefing(steps: pd.DataFrame, claims: set[str]) -> pd.DataFrame:
    left = [" ".join(c for c in told.split() if c in claims) for told in steps["claims"]]
    spoke_of_none = (steps["claims"] == "").to_numpy()
    return steps.assign(claims=left)[spoke_of_none | (np.array(left, dtype=object) != "")]


def _table_text(name: str, table: pd.DataFrame) -> str:
    kinds = {field["name"]: field["type"] for field in schema(name)["fields"]}
    rows = records(table)
    columns = [table.index.name, *(c for c in table.columns if c != "geometry")]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(_package_cell(row[c], kinds.get(c, "string")) for c in columns)
    return text.getvalue()


def _package_cell(value, kind: str):
    if kind == "date":
        return iso(value) or ""
    if kind in ("number", "integer"):
        return "" if pd.isna(value) else number(value)
    return value


def _descriptor(
    dataset: Dataset, chosen: Selection, kept: Dataset, tables: dict[str, pd.DataFrame]
) -> dict:
    told = {}
    for lang, end in (("en", ""), ("fr", "_fr")):
        described = getattr(dataset, f"description{end}")
        if end and not described:
            continue
        _ = texts.translator(lang)
        sentence = selection.sentence(dataset, replace(chosen, lang=lang), kept)
        part = _("Part of a larger dataset. {selection}").format(selection=sentence)
        told[f"description{end}"] = f"{described} {part}".strip()
    name = dataset.name if re.fullmatch(r"[-a-z0-9._/]+", dataset.name) else _slug(dataset.name)
    resources = []
    for table, rows in tables.items():
        known = schema(table)
        named = {field["name"] for field in known["fields"]} | {"geometry"}
        extra = [{"name": c, "type": "string"} for c in rows.columns if c not in named]
        resources.append(
            {
                "name": table,
                "path": f"{table}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": known | {"fields": [*known["fields"], *extra]},
            }
        )
    return {
        "profile": "tabular-data-package",
        "name": name.lower(),
        "title": dataset.title,
        **({"title_fr": dataset.title_fr} if dataset.title_fr else {}),
        **told,
        "selection": {
            "sentence": selection.sentence(dataset, chosen, kept),
            "query": chosen.query_string(),
            "as_of": extract.as_of(dataset, chosen),
            "dataset": {"name": dataset.name, "digest": dataset.digest},
            "claims": len(dataset.claims),
            "claims_hidden": len(dataset.claims) - len(kept.claims),
            "statements_hidden": len(dataset.statements) - len(kept.statements),
            "generator": GENERATOR,
        },
        "views": [
            {
                "name": view.name,
                "title": view.title,
                **({"title_fr": view.title_fr} if view.title_fr else {}),
                **dict(zip(("west", "south", "east", "north"), view.bounds, strict=True)),
            }
            for view in dataset.views
        ],
        "resources": resources,
    }


# JSON-LD


def to_jsonld(dataset: Dataset, chosen: Selection) -> bytes:
    """The claims that a selection keeps, as JSON-LD in the words of schema.org (UTF-8).

    Every claim is a ``Claim``; every statement about it a ``CreativeWork`` with its stance, grade
    and reference. Those that assert it, and have not been taken back, are its ``appearance`` and
    their speakers its ``author``; denials and all others are its ``subjectOf``, never a review.
    A ``ClaimReview`` stands only for what ``geo.checks`` held against the ground: one for each
    stated distance, direction or time at sea. Its rating is the verdict in words, without a
    number, since no scale lies behind it, and says that it is on that detail alone.
    ``url`` and ``@id`` are relative or URNs, as the file does not know where it will be published.
    The text is safe inside a script element: < > & and line separators are escaped.
    """
    found = extract.gather(dataset, chosen)
    _ = texts.translator(chosen.lang)
    caveats = found.caveats
    whole = {
        "@type": "Dataset",
        "@id": _urn(dataset, "dataset"),
        "name": caveats["title"],
        "alternateName": caveats["dataset"],
        "version": caveats["digest"],
        "abstract": caveats["selection"],
        "description": caveats["attribution"],
        "temporalCoverage": f"../{caveats['as_of']}" if caveats["as_of"] else None,
        "identifier": [
            {"@type": "PropertyValue", "propertyID": key, "value": value}
            for key, value in caveats.items()
            if key in ("digest", "query", "as_of", "claims", "claims_hidden")
            and value not in (None, "")
        ],
        "creator": {"@type": "Organization", "name": GENERATOR},
        "inLanguage": chosen.lang,
    }
    graph = [whole]
    coverage = _coverage(found)
    for row in records(found.kept.claims):
        graph += _claim_nodes(found, row, coverage.get(row["id"], []))
    checked = checks.run(dataset, chosen.lang)
    graph += [_review(found, check) for check in checked if check.claim in found.about]
    text = _json({"@context": "https://schema.org", "@graph": [_without_empty(n) for n in graph]})
    # json.dumps leaves these as they are, and they never stand outside a string.
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8")


def _urn(dataset: Dataset, kind: str, key: str = "") -> str:
    return ":".join(filter(None, ("urn", GENERATOR, dataset.digest, kind, key)))


def _without_empty(node):
    if isinstance(node, dict):
        return {k: _without_empty(v) for k, v in node.items() if v not in (None, "", [])}
    return [_without_empty(each) for each in node] if isinstance(node, list) else node


def _term(kind: str, code: str, words: str) -> dict:
    whole = {"@type": "DefinedTermSet", "name": kind}
    return {"@type": "DefinedTerm", "inDefinedTermSet": whole, "termCode": code, "name": words}


def _speaker(key: str, name: str) -> dict:
    return {"@type": "Organization", "name": name, "identifier": key}


def _claim_nodes(found: extract.Extract, row: dict, coverage: list[dict]) -> list[dict]:
    lang, claim = found.chosen.lang, row["id"]
    _ = texts.translator(lang)
    words = texts.terms(lang)
    about = found.about[claim]
    claim_id = _urn(found.whole, "claim", claim)
    nodes, appearance, authors, others = [], [], {}, []
    for said in about["statements"]:
        stance = words["stance"][said["stance"]]
        scope = words["scope"].get(said["scope"], "")
        speaker = _speaker(said["source"], said["name"])
        origin = {
            "@type": "CreativeWork",
            "author": _speaker(said["origin"], said["origin_name"]),
        }
        terms = [
            _term("stance", said["stance"], stance),
            _term("scope", said["scope"], scope) if scope else None,
            _term("grade", said["grade"], texts.grade(said["grade"][0], said["grade"][1:], lang)),
        ]
        node = {
            "@type": "CreativeWork",
            "@id": _urn(found.whole, "statement", said["id"]),
            "name": _("{head}: {text}").format(head=said["name"], text=stance),
            "about": {"@id": claim_id},
            "author": speaker,
            # A day is given only where it is known to the day.
            "datePublished": said["date"] if said["date_precision"] == "day" else None,
            "keywords": [term for term in terms if term],
            "citation": said["reference"],
            "isBasedOn": origin if said["origin"] != said["source"] else None,
            "creativeWorkStatus": None if said["stands"] else _("Taken back"),
        }
        nodes.append(node)
        if said["stance"] == "asserts" and said["stands"]:
            appearance.append({"@id": node["@id"]})
            authors[said["source"]] = speaker
        else:
            others.append({"@id": node["@id"]})
    days = [about["event_start"] or "..", about["event_end"] or ".."]
    dated = about["date_precision"] == "day" and days != ["..", ".."]
    node = {
        "@type": "Claim",
        "@id": claim_id,
        "identifier": claim,
        "name": about["claim_title"],
        "abstract": texts.in_language(row, "summary", lang),
        "author": list(authors.values()),
        "appearance": appearance,
        "subjectOf": others,
        "creativeWorkStatus": _term("status", about["status"], words["status"][about["status"]]),
        "keywords": [
            _term(kind, about[kind], words[kind][about[kind]]) for kind in ("theme", "confidence")
        ],
        "temporalCoverage": "/".join(days) if dated else None,
        "spatialCoverage": coverage,
        "isPartOf": {"@id": _urn(found.whole, "dataset")},
        "inLanguage": lang,
    }
    return [node, *nodes]


def _coverage(found: extract.Extract) -> dict[str, list[dict]]:
    """The places of each claim's features as schema.org has them, by claim id."""
    lang = found.chosen.lang
    words = texts.terms(lang)["basis"]
    places = {row["id"]: row for row in records(found.kept.places)}
    coverage: dict[str, list[dict]] = {}
    for row in records(found.kept.features):
        for key in filter(None, (row["place"], row["to_place"])):
            place = places[key]
            spot = {
                "@type": "GeoCoordinates",
                "latitude": number(place["lat"]),
                "longitude": number(place["lon"]),
            }
            circle = {
                "@type": "GeoCircle",
                "geoMidpoint": spot,
                "geoRadius": number(place["uncertainty_m"]),
            }
            node = {
                "@type": "Place",
                "name": texts.in_language(place, "name", lang),
                "geo": circle if place["uncertainty_m"] else spot,
                "additionalProperty": {
                    "@type": "PropertyValue",
                    "propertyID": "basis",
                    "value": row["basis"],
                    "name": words[row["basis"]],
                },
            }
            coverage.setdefault(row["claim"], []).append(node)
    return coverage


def _review(found: extract.Extract, check: checks.Check) -> dict:
    _ = texts.translator(found.chosen.lang)
    kind = {
        "distance": _("Distance"),
        "direction": _("Direction"),
        "transit": _("Time at sea"),
    }[check.kind]
    verdict = {
        checks.CONSISTENT: _("fits"),
        checks.INCONSISTENT: _("does not fit"),
        checks.CANNOT_BE_JUDGED: _("cannot be judged"),
    }[check.verdict]
    about = found.about[check.claim]
    asserts = [s for s in about["statements"] if s["stands"] and s["stance"] == "asserts"]
    query = replace(found.chosen, claim=check.claim).query_string()
    return {
        "@type": "ClaimReview",
        "@id": _urn(found.whole, "check", f"{check.feature}:{check.kind}"),
        "url": f"?{query}",
        "claimReviewed": about["claim_title"],
        "reviewAspect": kind,
        "itemReviewed": {
            "@type": "Claim",
            "@id": _urn(found.whole, "claim", check.claim),
            "name": about["claim_title"],
            "author": list(
                {s["source"]: _speaker(s["source"], s["name"]) for s in asserts}.values()
            ),
            "appearance": [{"@id": _urn(found.whole, "statement", s["id"])} for s in asserts],
        },
        "reviewRating": {
            "@type": "Rating",
            "alternateName": _("{head}: {text}").format(head=kind, text=verdict),
            "ratingExplanation": check.explanation,
            "reviewAspect": kind,
        },
        "reviewBody": _(
            "This verdict is on one stated detail alone, not on whether the claim is true."
        ),
        "author": {"@type": "Organization", "name": GENERATOR},
        "datePublished": found.caveats["as_of"],
        "inLanguage": found.chosen.lang,
    }


# Suffix of the file -> what makes its content.
WRITERS: dict[str, Callable[[Dataset, Selection], bytes]] = {
    ".geojson": to_geojson,
    ".gpkg": geopackage.write,
    ".kml": kml.write,
    ".csv": to_csv,
    ".zip": to_package,
    ".jsonld": to_jsonld,
}


# Files


def write(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all: what stood there stays until the new one is complete.

    A file that is replaced keeps its permissions; a link is followed. What a write of the same file
    left that was killed is removed, where the system tells by a lock that it is dead. Raises
    OSError.
    """
    path = Path(realpath(path))
    stem = f".{sha256(f'{edits.machine()} {path.name}'.encode()).hexdigest()[:16]}"
    for left in path.parent.glob(f"{stem}-*.part"):
        with suppress(OSError), left.open("r+b") as file:
            if edits.lock(file.fileno()):
                left.unlink()
    while True:
        part = path.with_name(f"{stem}-{secrets.token_hex(8)}.part")
        file = part.open("xb")
        try:
            with file:
                locked = edits.lock(file.fileno())
                if locked is False or not part.exists():
                    continue  # another took it for dead before it was locked
                file.write(content)
                file.flush()
                fsync(file.fileno())
                if path.exists():
                    shutil.copymode(path, part)
                if locked is None:
                    file.close()  # Windows moves no open file
                part.replace(path)  # while it is locked, so that nobody takes it away
                return
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def file_name(dataset: Dataset, chosen: Selection, suffix: str) -> str:
    """A name for what is exported, ``<dataset>_<view>_<as-of>`` and the suffix (``.geojson``).

    It holds ASCII letters, digits, hyphens and underscores only, so it is a name anywhere.
    """
    parts = (dataset.name, chosen.view, extract.as_of(dataset, chosen) or "undated")
    return "_".join(map(_slug, parts)) + suffix


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60] or "x"
