"""Reading a data package: every fault becomes a Problem, and the status of a claim on a day."""

import csv
import gzip
import io
import tempfile
import zipfile
from dataclasses import FrozenInstanceError
from datetime import date, timedelta
from pathlib import Path

import builders
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo import dataset as datasets
from geo import texts
from geo.dataset import STATUSES, TABLES, DatasetError, Problem

CODES = {
    *("file-missing", "not-a-package", "bad-json", "table-missing", "encoding", "empty"),
    *("unreadable", "missing-column", "duplicate-column", "row-too-short", "row-too-long"),
    *("blank-row", "required", "type", "enum", "minimum", "maximum", "pattern", "unique"),
    *("foreign-key", "date-order", "to-place", "approach", "unsafe-path", "too-large", "view"),
    *("zip-bomb", "name-clash", "password", "too-many-columns", "too-many-rows"),
    *("zero-place", "projected", "swapped"),
    "other",
}


def problems(path: Path) -> list[Problem]:
    """What is wrong with a package; each must be told in every language."""
    with pytest.raises(DatasetError) as raised:
        datasets.load(path)
    assert raised.value.path == path
    for lang in texts.languages():
        for problem in raised.value.problems:
            said = texts.problem(problem, lang)
            assert said.startswith(problem.table)
            assert problem.found is None or repr(problem.found) in said
            assert problem.detail in said
    return list(raised.value.problems)


def faults(path: Path) -> list[tuple]:
    """The problems as tuples of table, row, field, found, code."""
    return [(p.table, p.row, p.field, p.found, p.code) for p in problems(path)]


def with_cell(folder: Path, table: str, key: str, **cells: str) -> Path:
    rows = builders.tables()
    builders.row(rows, table, key).update(cells)
    return builders.write(folder, rows)


def with_bytes(folder: Path, table: str, change) -> Path:
    builders.write(folder)
    file = folder / f"{table}.csv"
    file.write_bytes(change(file.read_bytes()))
    return folder


# What loads


def test_built_in_dataset_loads():
    whole = datasets.load()
    for table in TABLES:
        with (datasets.BUILT_IN / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            keys = [row[0] for row in list(csv.reader(file))[1:]]
        assert keys and getattr(whole, table).index.astype(str).tolist() == keys
    assert [v.name for v in whole.views] == ["theatre", "routes", "base", "pokrovsk"]
    assert whole.places.crs == "EPSG:4326"
    assert whole.days == (date(2024, 10, 14), date(2025, 2, 1))
    place = whole.places.loc["vladivostok"]
    assert (place.geometry.x, place.geometry.y) == (place["lon"], place["lat"])
    assert whole.title and whole.title_fr and whole.description and whole.description_fr


def test_minimal_package_loads_with_its_types(tmp_path):
    whole = builders.load(tmp_path)
    for table in TABLES:
        expected = [r.get("id") or int(r["step"]) for r in builders.tables()[table]]
        assert getattr(whole, table).index.tolist() == expected, table
    assert whole.features.loc["f-route", "quantity"] == 1500
    assert np.isnan(whole.features.loc["f-place", "quantity"])
    assert whole.claims.loc["flag", "event_start"] is pd.NaT
    assert whole.claims.loc["shipped", "event_start"] == pd.Timestamp("2024-10-08")
    assert whole.sources.loc["kbs", "url"] == ""
    assert (whole.name, whole.title) == ("small", "Small")
    with pytest.raises(FrozenInstanceError):
        whole.name = "other"


def test_a_table_of_headers_alone_is_empty_not_wrong(tmp_path):
    whole = builders.load(tmp_path, {table: [] for table in TABLES})
    assert all(len(getattr(whole, table)) == 0 for table in TABLES)
    assert whole.days is None
    assert [v.name for v in whole.views] == ["theatre"]


def test_briefing_may_be_missing(tmp_path):
    rows = builders.tables()
    del rows["briefing"]
    whole = builders.load(tmp_path, rows)
    assert whole.briefing.empty and "title_fr" in whole.briefing


def test_extra_columns_are_kept_as_text_and_order_is_free(tmp_path):
    rows = builders.tables()
    rows["claims"] = [
        {"note_fr": f"00{i}", **dict(reversed(r.items()))} for i, r in enumerate(rows["claims"])
    ]
    builders.write(tmp_path, rows)
    file = tmp_path / "claims.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame[frame.columns[::-1]].to_csv(file, index=False)
    whole = datasets.load(tmp_path)
    assert whole.claims["note_fr"].tolist() == ["000", "001", "002"]
    assert whole.claims.loc["flag", "theme"] == "presence"


def test_words_that_look_like_nothing_stay_text(tmp_path):
    cells = {"title": "NA", "summary": "null", "confidence_rationale": "nan", "title_fr": "None"}
    whole = datasets.load(with_cell(tmp_path, "claims", "flag", **cells))
    assert whole.claims.loc["flag", list(cells)].to_dict() == cells


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.replace(b"\n", b"\r"),
        lambda raw: raw.rstrip(b"\n"),
    ],
    ids=["byte order mark", "CRLF", "CR", "no last newline"],
)
def test_ways_to_write_csv_make_no_difference(tmp_path, change):
    plain = builders.load(tmp_path / "plain")
    whole = datasets.load(with_bytes(tmp_path / "changed", "claims", change))
    pd.testing.assert_frame_equal(whole.claims, plain.claims)
    assert whole.digest != plain.digest


def test_a_descriptor_with_a_byte_order_mark_loads(tmp_path):
    file = builders.write(tmp_path) / "datapackage.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert datasets.load(tmp_path).title == "Small"


def test_quoted_cells_hold_commas_quotes_and_newlines(tmp_path):
    title = 'He said "no", twice;\n\nthen left'
    whole = datasets.load(with_cell(tmp_path, "claims", "flag", title=title))
    assert whole.claims.loc["flag", "title"] == title


@pytest.mark.parametrize(("prefix", "name"), [("", "x.zip"), ("inner/", "x.zip"), ("", "X.ZIP")])
def test_a_zip_reads_as_its_folder_does(tmp_path, prefix, name):
    folder = builders.write(tmp_path / "p")
    whole = datasets.load(builders.zipped(folder, tmp_path / name, prefix))
    plain = datasets.load(folder)
    assert whole.digest == plain.digest
    pd.testing.assert_frame_equal(whole.statements, plain.statements)


def test_views_come_with_everything_first(tmp_path):
    views = [{"name": "near", "west": "1", "south": 2, "east": 3, "north": 4, "title_fr": "Près"}]
    whole = builders.load(tmp_path, views=views)
    assert [v.name for v in whole.views] == ["theatre", "near"]
    assert whole.view("near").bounds == (1.0, 2.0, 3.0, 4.0)
    assert (whole.view("near").title, whole.view("near").title_fr) == ("near", "Près")
    assert whole.view("nowhere") is whole.views[0]
    west, south, east, north = whole.views[0].bounds
    places = whole.places
    assert west < places["lon"].min() and places["lon"].max() < east
    assert south < places["lat"].min() and places["lat"].max() < north


def test_digest_follows_the_bytes(tmp_path):
    first = builders.load(tmp_path / "a").digest
    assert builders.load(tmp_path / "b").digest == first
    assert datasets.load(with_cell(tmp_path / "c", "claims", "flag", title="B")).digest != first


# One wrong cell


# Table, key, field, what is written there, its row, the code, and what the rule asks for. Each
# list is one round of reading; a later round is only reached where the earlier ones pass.
SCHEMA = [
    ("places", "port", "lon", "12,5", 3, "type", "number"),
    ("places", "port", "lat", "-INF", 3, "type", "number"),
    ("places", "town", "lon", "NaN", 4, "type", "number"),
    ("statements", "s2", "credibility", "2.5", 3, "type", "integer"),
    ("statements", "s4", "credibility", "B", 5, "type", "integer"),
    ("statements", "s2", "date", "19.10.2024", 3, "type", "date (YYYY-MM-DD)"),
    ("statements", "s4", "date", "2024-02-30", 5, "type", "date (YYYY-MM-DD)"),
    ("claims", "far", "event_start", "soon", 4, "type", "date (YYYY-MM-DD)"),
    ("sources", "kbs", "reliability", "G", 3, "enum", "A, B, C, D, E, F"),
    ("claims", "far", "date_precision", "year", 4, "enum", "day, week, month, unknown"),
    ("features", "f-place", "basis", "Observed", 3, "enum", "observed, reported, inferred"),
    ("places", "village", "lon", "180.01", 5, "maximum", "180"),
    ("places", "town", "lat", "-90.5", 4, "minimum", "-90"),
    ("places", "town", "uncertainty_m", "-1", 4, "minimum", "0"),
    ("statements", "s5", "credibility", "0", 6, "minimum", "1"),
    ("statements", "s1", "credibility", "7", 2, "maximum", "6"),
    ("sources", "nis", "country", "Korea", 2, "pattern", "^[A-Z]{2}$"),
    ("places", "coast", "approach", "12 43;13 44", 2, "pattern", None),
    ("statements", "s1", "origin", "nobody", 2, "foreign-key", "sources"),
    ("statements", "s1", "source", "nobody", 2, "foreign-key", "sources"),
    ("statements", "s1", "claim", "nothing", 2, "foreign-key", "claims"),
    ("statements", "s3", "place", "nowhere", 4, "foreign-key", "places"),
    ("features", "f-route", "to_place", "nowhere", 2, "foreign-key", "places"),
    ("features", "f-place", "place", "nowhere", 3, "foreign-key", "places"),
    ("claims", "far", "title", "", 4, "required", ""),
    ("statements", "s3", "date", "", 4, "required", ""),
    ("places", "village", "lat", "", 5, "required", ""),
    ("briefing", "1", "step", "first", 2, "type", "integer"),
]
NUMBERS = [
    ("places", "port", "uncertainty_m", "INF", 3, "type", "number"),
    ("places", "town", "uncertainty_m", "1e999", 4, "type", "number"),
    ("features", "f-route", "quantity", "1_500", 2, "type", "number"),
    ("features", "f-place", "quantity", "١٥٠٠", 3, "type", "number"),
    ("statements", "s4", "credibility", "0_2", 5, "type", "integer"),
]
MEANING = [
    ("claims", "shipped", "event_end", "2024-10-07", 2, "date-order", "2024-10-08"),
    ("features", "f-route", "to_place", "", 2, "to-place", ""),
    ("features", "f-distance", "to_place", "", 4, "to-place", ""),
    ("places", "port", "approach", "200 43", 3, "approach", ""),
    ("places", "town", "approach", "13 95; 13 40", 4, "approach", ""),
    ("briefing", "1", "east", "110", 2, "minimum", "120"),
    ("briefing", "1", "north", "-10.5", 2, "minimum", "35"),
    ("briefing", "1", "claims", "nothing", 2, "foreign-key", "claims"),
]


@pytest.mark.parametrize("wrong", [SCHEMA, NUMBERS, MEANING], ids=["schema", "numbers", "meaning"])
def test_every_wrong_cell_is_told_at_once(tmp_path, wrong):
    rows = builders.tables()
    for table, key, field, cell, *_ in wrong:
        builders.row(rows, table, key)[field] = cell
    found = {
        (p.table, p.row, p.field, p.found, p.code, None if p.field == "approach" else p.detail)
        for p in problems(builders.write(tmp_path, rows))
    }
    expected = {
        (table, row, field, cell or found, code, None if field == "approach" else detail)
        for table, _, field, cell, row, code, detail in wrong
        for found in ([None] if code == "required" else [""])
    }
    assert found == expected


def test_a_repeated_id_is_told_once_wherever_its_column_stands(tmp_path):
    rows = builders.tables()
    rows["sources"].append({**rows["sources"][1], "name": "Again"})
    folder = builders.write(tmp_path, rows)
    file = folder / "sources.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame[frame.columns[::-1]].to_csv(file, index=False)
    assert faults(folder) == [("sources", 5, "id", "kbs", "unique")]


def test_a_repeated_step(tmp_path):
    rows = builders.tables()
    rows["briefing"].append(dict(rows["briefing"][0]))
    assert faults(builders.write(tmp_path, rows)) == [("briefing", 3, "step", "1", "unique")]


# Rows and columns


def test_rows_that_are_too_short_or_too_long_are_told_once_each(tmp_path):
    def change(raw: bytes) -> bytes:
        lines = raw.splitlines()
        lines[2] += b",more,and more"
        return b"\n".join([*lines, b"short,Short"])

    assert faults(with_bytes(tmp_path, "sources", change)) == [
        ("sources", 3, None, "more", "row-too-long"),
        ("sources", 5, "name_fr", None, "row-too-short"),
    ]


@pytest.mark.parametrize("blank", [b"\n", b",,,,,,,\n"])
def test_a_blank_row_is_told_once(tmp_path, blank):
    def change(raw: bytes) -> bytes:
        first, rest = raw.split(b"\n", 1)
        return first + b"\n" + blank + rest

    assert faults(with_bytes(tmp_path, "sources", change)) == [
        ("sources", 2, None, None, "blank-row")
    ]


def test_a_missing_column_leaves_the_rest_looked_at(tmp_path):
    rows = builders.tables()
    builders.row(rows, "claims", "far")["confidence"] = "sure"
    builders.write(tmp_path, rows)
    file = tmp_path / "claims.csv"
    file.write_bytes(file.read_bytes().replace(b"theme", b"topic", 1))
    assert faults(tmp_path) == [
        ("claims", None, "theme", None, "missing-column"),
        ("claims", 4, "confidence", "sure", "enum"),
    ]


def test_a_missing_column_that_may_be_empty_is_no_problem(tmp_path):
    folder = with_bytes(tmp_path, "claims", lambda raw: raw.replace(b"summary_fr", b"other", 1))
    assert (datasets.load(folder).claims["summary_fr"] == "").all()


@pytest.mark.parametrize("separator", [b";", b"\t", b"|"])
def test_another_separator_than_the_comma_is_not_guessed(tmp_path, separator):
    folder = with_bytes(tmp_path, "claims", lambda raw: raw.replace(b",", separator))
    assert faults(folder) == [
        ("claims", None, name, None, "missing-column")
        for name in ("id", "title", "theme", "date_precision", "confidence")
    ]


def test_cells_full_of_other_separators_are_not_taken_for_them(tmp_path):
    rows = builders.tables()
    for table in ("sources", "claims", "statements"):
        text = {"sources": "url", "claims": "title", "statements": "rationale"}[table]
        rows[table] = [{**row, text: "a; b;\tc;\td | e; f;" * 3} for row in rows[table]]
    whole = builders.load(tmp_path, rows)
    assert whole.claims["title"].tolist() == ["a; b; c; d | e; f;" * 3] * 3
    file = tmp_path / "sources.csv"
    # Two columns that a guess would part at the semicolon, with a blank after each comma.
    file.write_text(
        "id,name,kind,reliability\n"
        + "".join(f"{key}, a;b,news,A\n" for key in ("nis", "kbs", "kremlin"))
    )
    assert datasets.load(tmp_path).sources["name"].tolist() == [" a;b"] * 3


def test_a_column_that_stands_twice(tmp_path):
    folder = with_bytes(tmp_path, "places", lambda raw: raw.replace(b"note", b"name_fr", 1))
    assert faults(folder) == [("places", None, "name_fr", None, "duplicate-column")]


# Whole files


def latin(raw: bytes) -> bytes:
    return raw.replace(b"Shipped", "Expédié".encode("latin-1"))


@pytest.mark.parametrize(
    ("change", "row", "found"),
    [
        (latin, 2, "0xe9"),
        (lambda raw: b"\xef\xbb\xbf" + latin(raw), 2, "0xe9"),
        (lambda raw: raw.decode().encode("utf-16"), 1, "0xff"),
        (lambda raw: raw.replace(b"Achemin\xc3\xa9s", b"").decode().encode("utf-16-le"), 1, "0x00"),
        (lambda raw: raw.replace(b"A flag", b"A\0flag"), 3, "0x00"),
        (gzip.compress, 1, "0x8b"),
    ],
    ids=["latin-1", "mark and latin-1", "UTF-16", "UTF-16 without mark", "NUL", "gzip"],
)
def test_another_encoding_is_told_of_that_table_alone(tmp_path, change, row, found):
    folder = with_bytes(tmp_path, "claims", change)
    assert faults(folder) == [("claims", row, None, found, "encoding")]


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n"])
def test_an_empty_file(tmp_path, raw):
    folder = with_bytes(tmp_path, "claims", lambda _: raw)
    assert faults(folder) == [("claims", None, None, None, "empty")]


def test_a_cell_too_large_to_read(tmp_path):
    folder = with_bytes(tmp_path, "claims", lambda raw: b'"' + b"x" * 200_000 + raw)
    assert {f[0] for f in faults(folder)} == {"claims"}


def test_every_file_missing_at_once(tmp_path):
    builders.write(tmp_path)
    (tmp_path / "places.csv").unlink()
    (tmp_path / "claims.csv").unlink()
    (tmp_path / "claims.csv").mkdir()
    assert faults(tmp_path) == [
        ("places", None, None, None, "file-missing"),
        ("claims", None, None, None, "file-missing"),
    ]


def test_every_table_missing_from_the_descriptor(tmp_path):
    builders.write(tmp_path, resources=[{"name": ["claims"], "path": "claims.csv"}, 5, None])
    needed = [t for t in TABLES if t != "briefing"]
    assert faults(tmp_path) == [(t, None, None, None, "table-missing") for t in needed]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../secret.csv", "unsafe-path"),
        ("/etc/passwd", "unsafe-path"),
        ("a\\..\\..\\b.csv", "unsafe-path"),
        ("C:\\claims.csv", "unsafe-path"),
        ("http://example.org/claims.csv", "unsafe-path"),
        (["claims.csv"], "unsafe-path"),
        ({"a": 1}, "unsafe-path"),
        ("", "file-missing"),
        ("x" * 5000, "file-missing"),
        ("a\0b", "file-missing"),
    ],
)
def test_paths_that_lead_elsewhere(tmp_path, path, code):
    resources = [{"name": t, "path": f"{t}.csv"} for t in TABLES if t != "claims"]
    folder = builders.write(tmp_path, resources=[*resources, {"name": "claims", "path": path}])
    (found,) = problems(folder)
    assert (found.table, found.code) == ("claims", code)


@pytest.mark.parametrize(
    ("raw", "row", "code"),
    [
        (b'{\n"name": ,}', 2, "bad-json"),
        (b"", 1, "bad-json"),
        (b"[" * 100_000, None, "bad-json"),
        (b'{"title": "\xe9"}', None, "encoding"),
        (b'{"title": "\\ud800"}', None, "encoding"),
        ("{}".encode("utf-16"), None, "encoding"),
        (b"[]", None, "not-a-package"),
        (b'"text"', None, "not-a-package"),
    ],
)
def test_descriptors_that_cannot_be_read(tmp_path, raw, row, code):
    builders.write(tmp_path)
    (tmp_path / "datapackage.json").write_bytes(raw)
    (found,) = problems(tmp_path)
    assert (found.table, found.row, found.code) == ("datapackage.json", row, code)


def test_views_that_are_none(tmp_path):
    good = {"name": "a", "west": 1, "south": 1, "east": 2, "north": 2}
    bad = [
        {**good, "west": 3},
        {**good, "north": 1},
        {**good, "south": -91},
        {**good, "east": "far"},
        {**good, "west": float("nan")},
        {**good, "east": float("inf")},
        {**good, "east": 10**400},
        {**good, "name": ""},
        {"name": "no bounds"},
        5,
        None,
    ]
    found = problems(builders.write(tmp_path, views=[good, *bad]))
    assert [(p.table, p.field, p.code) for p in found] == [
        ("datapackage.json", f"views[{i}]", "view") for i in range(1, len(bad) + 1)
    ]
    (found,) = problems(builders.write(tmp_path, views={"a": good}))
    assert (found.field, found.code) == ("views", "view")


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000, "claims.csv", "nothing.zip"])
def test_paths_that_are_no_package(tmp_path, name):
    builders.write(tmp_path)
    (tmp_path / "datapackage.json").rename(tmp_path / "package.json")
    (found,) = problems(tmp_path / name)
    assert found.code in ("not-a-package", "file-missing")
    assert [p.code for p in problems(tmp_path)] == ["not-a-package"]
    (tmp_path / "datapackage.json").mkdir()
    assert [p.code for p in problems(tmp_path)] == ["not-a-package"]


def test_many_problems_are_all_told_at_once(tmp_path):
    rows = builders.tables()
    builders.row(rows, "sources", "nis")["kind"] = "spy"
    builders.row(rows, "places", "port")["lat"] = "north"
    template = builders.row(rows, "statements", "s1")
    rows["statements"] += [
        {**template, "id": f"x{i}", "claim": "nothing", "credibility": "9"} for i in range(600)
    ]
    builders.row(rows, "briefing", "1")["step"] = "0"
    found = faults(builders.write(tmp_path, rows))
    assert len(found) == 1203
    assert found[0] == ("sources", 2, "kind", "spy", "enum")
    assert found[1] == ("places", 3, "lat", "north", "type")
    assert found[-1] == ("briefing", 2, "step", "0", "minimum")
    rest = {f[1:] for f in found[2:-1]}
    assert rest == {
        each
        for row in range(7, 607)
        for each in (
            (row, "claim", "nothing", "foreign-key"),
            (row, "credibility", "9", "maximum"),
        )
    }


def test_a_quote_that_nobody_closes(tmp_path):
    folder = with_bytes(tmp_path, "claims", lambda raw: raw.rstrip(b"\n") + b'"never closed')
    assert [f[0] for f in faults(folder)] == ["claims"]


# The quick look over columns, and the reader of rows

ODD_CELLS = (
    *("", " ", "0", "-1", "1", "07", "1.0", " 5 ", "1e3", "1_0", "nan", "-INF", "١٥", "180.5"),
    *("2024-10-18", "2024-1-8", "18.10.2024", "0001-01-01", "A", "nis", "shipped", "s1", "port"),
    *("nobody", "Nis", "shipped flag", "asserts", "é", 'a "b', "two\nlines", "a,b", "x\n", "#"),
    *("131.9 43.1; 131.88 43.05", "NA", "null", "-", "--", "\ufeff", "\u2028", "\x0b", "KR"),
)


@st.composite
def spoiled(draw) -> tuple[str, str]:
    """Name and text of a table with some of its cells, its rows or its labels changed."""
    table = draw(st.sampled_from(TABLES))
    rows = builders.tables()[table]
    lines = [builders.columns(table, rows)]
    lines += [[row.get(name, "") for name in lines[0]] for row in rows]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.integers(1, len(lines) - 1))
        column = draw(st.integers(0, len(lines[0]) - 1))
        lines[row][column] = draw(st.sampled_from(ODD_CELLS))
    change = draw(st.sampled_from(["", "", "", "again", "short", "long", "blank", "label", "drop"]))
    which = draw(st.integers(0, len(lines) - 1))
    if change == "again":
        lines.append(list(lines[-1]))
    elif change == "short":
        lines[which].pop()
    elif change == "long":
        lines[which].append(draw(st.sampled_from(ODD_CELLS)))
    elif change == "blank":
        lines.insert(max(which, 1), [])
    elif change == "label":
        lines[0][-1] = draw(st.sampled_from(["", "more", lines[0][0], " id", "ID"]))
    elif change == "drop":
        column = draw(st.integers(0, len(lines[0]) - 1))
        lines = [line[:column] + line[column + 1 :] for line in lines]
    text = io.StringIO()
    csv.writer(text, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))).writerows(lines)
    return table, text.getvalue()


@settings(max_examples=60, deadline=None)
@given(spoiled())
@example(("sources", "id,name,kind,reliability\nnis,NIS,news,A\nkbs,K,news,A\nkremlin,K,news,A"))
@example(("sources", "id,name,kind,reliability\nnis,NIS,news,A\n\n"))
def test_the_quick_look_and_the_reader_of_rows_agree(changed):
    """What is told is the same with the quick look as if every row had been read."""
    table, text = changed
    looks = []
    keys = datasets.schema(table).get("foreignKeys", [])
    beside = {*(key["reference"]["resource"] for key in keys), table}
    beside |= {"places": {"features"}, "claims": {"statements"}}.get(table, set())

    def told(look) -> list[Problem]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(datasets, "_is_sound", look)
            files = {t: f"{t}.csv" for t in TABLES if t in beside}
            return datasets._validate(Path(folder), files)[1]

    def watched(*tables) -> bool:
        looks.append(is_sound(*tables))
        return looks[-1]

    is_sound = datasets._is_sound
    with tempfile.TemporaryDirectory() as folder:
        builders.write(Path(folder))
        (Path(folder) / f"{table}.csv").write_text(text, "utf-8", newline="")
        found, expected = told(watched), told(lambda *_tables: False)
    assert found == expected
    if not expected:
        # The other way round: for what is sound the rows need not be read.
        assert all(looks) or any(label != label.strip() for label in text.split("\n")[0].split(","))


def test_sound_tables_are_not_read_row_by_row(monkeypatch):
    from frictionless import Package

    monkeypatch.setattr(Package, "__init__", lambda *_args, **_more: pytest.fail("read by rows"))
    assert len(datasets.load().claims)


def test_more_rows_than_can_be_read_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_MAX_TABLE_ROWS", 3)
    assert {(f[0], f[4]) for f in faults(builders.write(tmp_path))} == {
        ("places", "too-many-rows"),
        ("statements", "too-many-rows"),
    }


# Zip files


def patched(archive: Path, signatures: dict[bytes, tuple[int, int]]) -> Path:
    """Overwrite one byte of every header of a zip: signature -> (offset, value)."""
    raw = bytearray(archive.read_bytes())
    for signature, (offset, value) in signatures.items():
        at = -1
        while (at := raw.find(signature, at + 1)) >= 0:
            raw[at + offset] = value
    archive.write_bytes(raw)
    return archive


def test_a_zip_that_would_write_elsewhere(tmp_path):
    archive = tmp_path / "x.zip"
    unsafe = ["../a.csv", "/b.csv", "c/../../d.csv", "e:f.csv"]
    with zipfile.ZipFile(archive, "w") as package:
        for name in ["datapackage.json", *unsafe]:
            package.writestr(name, "x")
    assert faults(archive) == [("x.zip", None, None, name, "unsafe-path") for name in unsafe]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"]


@pytest.mark.parametrize("raw", [b"", b"hello", b"PK\x03\x04 and no more"])
def test_not_a_zip(tmp_path, raw):
    archive = tmp_path / "x.zip"
    archive.write_bytes(raw)
    (found,) = problems(archive)
    assert (found.table, found.code) == ("x.zip", "not-a-package")


def encrypted(archive: Path) -> None:
    patched(archive, {b"PK\x01\x02": (8, 1), b"PK\x03\x04": (6, 1)})


def unknown_method(archive: Path) -> None:
    patched(archive, {b"PK\x01\x02": (10, 97), b"PK\x03\x04": (8, 97)})


def corrupt(archive: Path) -> None:
    raw = archive.read_bytes()
    archive.write_bytes(raw[:60] + b"\xff" * 140 + raw[200:])


def truncated(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-200])


@pytest.mark.parametrize("spoil", [encrypted, unknown_method, corrupt, truncated])
def test_spoiled_zips(tmp_path, spoil):
    folder = builders.write(tmp_path / "p")
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted(folder.iterdir()):
            package.write(file, file.name)
    spoil(archive)
    (found,) = problems(archive)
    code = "password" if spoil is encrypted else "not-a-package"
    assert (found.table, found.code) == ("x.zip", code)


def test_a_zip_whose_names_clash(tmp_path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("a", "x")
        package.writestr("a/b", "x")
    assert [p.code for p in problems(archive)] == ["name-clash"]


def test_a_zip_that_would_be_huge_is_not_unpacked(tmp_path):
    archive = tmp_path / "x.zip"
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package,
        package.open("datapackage.json", "w") as member,
    ):
        for _ in range(201):
            member.write(bytes(1_000_000))
    assert archive.stat().st_size < 1_000_000
    assert faults(archive) == [("x.zip", None, None, "201000000 bytes", "too-large")]


def test_problems_have_a_sentence_for_every_code():
    for code in CODES:
        problem = Problem("claims", 3, "title", "x {y}", code, "detail {z}")
        for lang in texts.languages():
            assert texts.problem(problem, lang).startswith("claims, ")
    assert texts.problem(Problem("claims", 3, "theme", "war", "enum", "plan, front")) == (
        "claims, row 3, field theme: found 'war', expected one of: plan, front"
    )


# Approaches


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("131.9 43.1; -131.88 -43", ((131.9, 43.1), (-131.88, -43.0))),
        ("131.9", None),
        ("1 2 3", None),
        ("181 0", None),
        ("0 91", None),
        ("nan 0", None),
        ("a b", None),
    ],
)
def test_approaches(text, pairs):
    assert datasets.parse_approach(text) == pairs


# The status of a claim


def status_of(*said: tuple[str, str]) -> str:
    """The status after (speaker, stance) statements, one a day."""
    speakers = [speaker for speaker, _ in said]
    codes = datasets.statuses(
        np.zeros(len(said), dtype=np.int64),
        np.array([speakers.index(s) for s in speakers]),
        np.array([stance for _, stance in said], dtype=object),
        np.arange(len(said)),
        np.zeros(len(said), dtype=np.int64),
        (1, 1),
    )
    assert codes.shape == (1, 1) and codes.dtype == np.int8
    return "" if codes[0, 0] < 0 else STATUSES[codes[0, 0]]


A, B = "a", "b"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ([], ""),
        ([(A, "asserts")], "sourced"),
        ([(A, "denies")], "denied"),
        ([(A, "declines")], "declined"),
        ([(A, "retracts")], "declined"),
        ([(A, "asserts"), (B, "denies")], "contested"),
        ([(A, "denies"), (B, "asserts")], "contested"),
        ([(A, "asserts"), (B, "declines")], "sourced"),
        ([(A, "denies"), (B, "declines")], "denied"),
        ([(A, "asserts"), (A, "retracts")], "withdrawn"),
        ([(A, "retracts"), (A, "asserts")], "sourced"),
        ([(A, "asserts"), (B, "retracts")], "sourced"),
        ([(A, "asserts"), (A, "retracts"), (A, "asserts")], "sourced"),
        ([(A, "asserts"), (B, "asserts"), (A, "retracts")], "sourced"),
        ([(A, "asserts"), (B, "asserts"), (A, "retracts"), (B, "retracts")], "withdrawn"),
        ([(A, "asserts"), (A, "retracts"), (B, "denies")], "withdrawn"),
        ([(A, "asserts"), (B, "denies"), (B, "retracts")], "sourced"),
        ([(B, "denies"), (B, "retracts")], "declined"),
        ([(A, "asserts"), (A, "denies")], "contested"),
    ],
)
def test_status_truth_table(said, status):
    assert status_of(*said) == status


def slow_status(said: list[tuple[str, str, int]]) -> str:
    """The rule, as plainly as it can be written: (speaker, stance, day) in the table's order."""
    said = sorted(said, key=lambda each: each[2])
    standing: dict[str, set[str]] = {}
    ever_asserted = False
    for speaker, stance, _ in said:
        if stance == "retracts":
            standing[speaker] = set()
        else:
            standing.setdefault(speaker, set()).add(stance)
            ever_asserted |= stance == "asserts"
    now = set().union(*standing.values()) if standing else set()
    if not said:
        return ""
    if "asserts" in now:
        return "contested" if "denies" in now else "sourced"
    if ever_asserted:
        return "withdrawn"
    return "denied" if "denies" in now else "declined"


STANCES = ("asserts", "denies", "declines", "retracts")
SAID = st.tuples(
    st.integers(0, 2),  # claim
    st.integers(0, 2),  # speaker
    st.sampled_from(STANCES),
    st.integers(0, 4),  # day
    st.integers(0, 1),  # group
)


@given(st.lists(SAID, max_size=14), st.integers(-1, 5))
@example([(0, 0, "asserts", 1, 0), (0, 0, "retracts", 1, 0)], 5)
@example([(0, 0, "retracts", 1, 0), (0, 0, "asserts", 1, 0)], 5)
def test_statuses_agree_with_the_plain_rule(rows, as_of):
    rows = [row for row in rows if row[3] <= as_of]
    claims, speakers, stances, days, groups = (
        zip(*rows, strict=True) if rows else ((), (), (), (), ())
    )
    arrays = [np.array(a, dtype=np.int64) for a in (claims, speakers, days, groups)]
    before = [a.copy() for a in arrays]
    stances = np.array(stances, dtype=object)
    codes = datasets.statuses(arrays[0], arrays[1], stances, arrays[2], arrays[3], (2, 3))
    for group in range(2):
        for claim in range(3):
            mine = [(s, t, d) for c, s, t, d, g in rows if (c, g) == (claim, group)]
            code = codes[group, claim]
            assert ("" if code < 0 else STATUSES[code]) == slow_status(mine)
    assert all((a == b).all() for a, b in zip(arrays, before, strict=True))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(STANCES)), max_size=8))
def test_standing_keeps_the_order_of_the_table(said):
    first = date(2024, 10, 1)
    statements = pd.DataFrame(
        {
            "claim": "c",
            "source": [s for s, _ in said],
            "stance": [t for _, t in said],
            # Latest row first, so that the order of days is not the order of rows.
            "date": pd.to_datetime([first - timedelta(days=i) for i in range(len(said))]),
        }
    )
    stands = datasets.standing_in(statements)
    for i, (speaker, stance) in enumerate(said):
        undone = any(s == speaker and t == "retracts" for s, t in said[:i])
        assert stands[i] == (stance != "retracts" and not undone)


@pytest.mark.parametrize("lat", ["86", "-89.5", "90"])
def test_a_story_at_a_pole_has_a_window(tmp_path, lat):
    rows = builders.tables()
    for place in rows["places"]:
        place.update(lat=lat, approach="")
    (view,) = builders.load(tmp_path, rows).views
    west, south, east, north = view.bounds
    assert -180 <= west < east <= 180 and -85 <= south < north <= 85


@pytest.mark.parametrize("table", ["statements", "claims", "sources"])
def test_leaving_rows_out_does_not_make_up_for_a_table_that_is_missing(tmp_path, table):
    rows = builders.tables()
    resources = [{"name": each, "path": f"{each}.csv"} for each in rows if each != table]
    folder = builders.write(tmp_path / "p", rows, resources=resources)
    with pytest.raises(DatasetError) as raised:
        datasets.load(folder, leave_out=True)
    assert (table, "table-missing") in {(p.table, p.code) for p in raised.value.problems}


def test_an_archive_with_a_member_without_a_name_is_refused(tmp_path):
    path = tmp_path / "nameless.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "text")
    # The name, one letter long, taken away in both places where it stands.
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
    with pytest.raises(DatasetError) as error:
        datasets.load(path)
    assert {problem.code for problem in error.value.problems} == {"unsafe-path"}
