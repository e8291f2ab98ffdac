"""Makes small, valid data packages on disk, so that a test can change one cell and see."""

import copy
import csv
import io
import json
import tempfile
import zipfile
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from geo import dataset as datasets
from geo import selection, texts
from geo.dataset import Dataset
from geo.selection import Selection

Tables = dict[str, list[dict[str, str]]]

# Three speakers, a vague coast, a port, two cities; one claim of each kind of feature.
_TABLES: Tables = {
    "sources": [
        {"id": "nis", "name": "NIS", "name_fr": "SNR", "kind": "intelligence", "reliability": "B"},
        {"id": "kbs", "name": "KBS", "kind": "news", "reliability": "F"},
        {"id": "kremlin", "name": "Kremlin", "kind": "government", "reliability": "D"},
    ],
    "places": [
        {
            "id": "coast", "name": "East coast", "kind": "coast", "lon": "129.5", "lat": "41.5",
            "uncertainty_m": "20000", "located_by": "approximate", "reference": "read off a map",
        },
        {
            "id": "port", "name": "Port", "kind": "port", "lon": "131.9", "lat": "43.1",
            "uncertainty_m": "1000", "located_by": "gazetteer", "reference": "GeoNames 1",
            "approach": "131.9 43.1; 131.88 43.05",
        },
        {
            "id": "town", "name": "Town", "name_fr": "Ville", "kind": "city", "lon": "37.0",
            "lat": "48.0", "uncertainty_m": "0", "located_by": "gazetteer",
            "reference": "GeoNames 2",
        },
        {
            "id": "village", "name": "Village", "kind": "settlement", "lon": "37.2", "lat": "47.9",
            "uncertainty_m": "500", "located_by": "geolocation", "reference": "GeoNames 3",
        },
    ],
    "claims": [
        {
            "id": "shipped", "title": "Shipped", "title_fr": "Acheminés", "theme": "transport",
            "event_start": "2024-10-08", "event_end": "2024-10-13", "date_precision": "day",
            "confidence": "high",
        },
        {
            "id": "flag", "title": "A flag", "theme": "presence", "date_precision": "unknown",
            "confidence": "low",
        },
        {
            "id": "far", "title": "Far away", "theme": "front", "date_precision": "unknown",
            "confidence": "unassessed",
        },
    ],
    "statements": [
        {
            "id": "s1", "claim": "shipped", "source": "nis", "stance": "asserts",
            "date": "2024-10-18", "date_precision": "day", "credibility": "2", "reference": "¶ 1",
        },
        {
            "id": "s2", "claim": "shipped", "source": "kbs", "origin": "nis", "stance": "asserts",
            "date": "2024-10-19", "date_precision": "day", "credibility": "2", "reference": "¶ 2",
        },
        {
            "id": "s3", "claim": "shipped", "source": "kremlin", "stance": "denies",
            "scope": "implied", "date": "2024-10-21", "date_precision": "day", "credibility": "6",
            "place": "town", "reference": "¶ 3",
        },
        {
            "id": "s4", "claim": "flag", "source": "kbs", "stance": "asserts",
            "date": "2024-10-20", "date_precision": "week", "credibility": "6", "reference": "¶ 4",
        },
        {
            "id": "s5", "claim": "far", "source": "kbs", "stance": "asserts",
            "date": "2024-10-22", "date_precision": "month", "credibility": "5",
            "reference": "¶ 5",
        },
    ],
    "features": [
        {
            "id": "f-route", "claim": "shipped", "kind": "route", "place": "coast",
            "to_place": "port", "mode": "sea", "basis": "inferred", "quantity": "1500",
            "unit": "soldiers",
        },
        {
            "id": "f-place", "claim": "flag", "kind": "place", "place": "village",
            "basis": "observed",
        },
        {
            "id": "f-distance", "claim": "far", "kind": "distance", "place": "town",
            "to_place": "village", "basis": "reported", "claimed_km": "60",
            "claimed_direction": "SE",
        },
    ],
    "briefing": [
        {
            "step": "1", "title": "First", "text": "A step.", "claims": "shipped flag",
            "west": "120", "south": "35", "east": "140", "north": "50",
        },
    ],
}  # fmt: skip


def tables() -> Tables:
    """The rows of the minimal package, to be changed freely."""
    return copy.deepcopy(_TABLES)


def hundred_claims() -> Tables:
    """The minimal package with as many more claims, each asserted once, as make a hundred."""
    rows = tables()
    claim, said = row(rows, "claims", "flag"), row(rows, "statements", "s4")
    rows["claims"] += [claim | {"id": f"c{n}", "title": f"Claim {n}"} for n in range(97)]
    rows["statements"] += [said | {"id": f"t{n}", "claim": f"c{n}"} for n in range(97)]
    return rows


def row(rows: Tables, table: str, key: str) -> dict[str, str]:
    """The row of a table with that id (or step)."""
    return next(r for r in rows[table] if key in (r.get("id"), r.get("step")))


def columns(table: str, rows: list[dict[str, str]]) -> list[str]:
    """The columns of the schema, then those that only the rows have."""
    names = [field["name"] for field in datasets.schema(table)["fields"]]
    return names + [n for n in dict.fromkeys(n for r in rows for n in r) if n not in names]


def csv_text(table: str, rows: list[dict[str, str]]) -> str:
    """The table as CSV with a header row; a cell that a row lacks is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(table, rows), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def descriptor(rows: Tables, **more: object) -> dict:
    """A datapackage.json for those tables; ``more`` adds or replaces keys."""
    resources = [{"name": table, "path": f"{table}.csv"} for table in rows]
    return {"name": "small", "title": "Small", "resources": resources} | more


def write(folder: Path, rows: Tables | None = None, **more: object) -> Path:
    """Write a package into ``folder`` and return the folder; ``more`` as in ``descriptor``."""
    rows = tables() if rows is None else rows
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(descriptor(rows, **more), ensure_ascii=False)
    (folder / "datapackage.json").write_text(text, "utf-8")
    for table, each in rows.items():
        (folder / f"{table}.csv").write_text(csv_text(table, each), "utf-8")
    return folder


def load(folder: Path, rows: Tables | None = None, **more: object) -> Dataset:
    """Write a package and read it back."""
    return datasets.load(write(folder, rows, **more))


@cache
def small() -> Dataset:
    """The minimal package, read once; as every Dataset, not to be changed."""
    with tempfile.TemporaryDirectory() as folder:
        return load(Path(folder))


def changed(whole: Dataset, table: str, key: str, **cells: object) -> Dataset:
    """A copy with other cells in one row, for what need not go through a file."""
    frame = getattr(whole, table).copy()
    for name, cell in cells.items():
        frame.loc[key, name] = cell
    return replace(whole, **{table: frame})


def _some_of(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Up to three of the values, in their order."""
    chosen = st.sets(st.sampled_from(values), max_size=3)
    return chosen.map(lambda some: tuple(v for v in values if v in some))


def selections(whole: Dataset) -> st.SearchStrategy[Selection]:
    """Any selection that a link to this dataset could carry."""
    offered = selection.options(whole)
    first, last = whole.days
    days = st.dates(first - timedelta(days=3), last + timedelta(days=3))
    return st.builds(
        Selection,
        **{key: _some_of(values) for key, values in offered.items()},
        as_of=st.none() | days,
        lang=st.sampled_from(texts.languages()),
        view=st.sampled_from([view.name for view in whole.views]),
        claim=st.sampled_from(["", *whole.claims.index]),
    )


def zipped(folder: Path, archive: Path, prefix: str = "") -> Path:
    """Pack the files of a folder into a zip, each under ``prefix``."""
    with zipfile.ZipFile(archive, "w") as package:
        for file in sorted(folder.iterdir()):
            package.write(file, prefix + file.name)
    return archive
