"""Datasets in PostgreSQL with PostGIS, on a real server (tests/postgis.py)."""

from __future__ import annotations

import json
import random
import re
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import builders
import hostile
import pandas as pd
import postgis as postgis_setup
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from postgis import PostgisMissing, Server

from geo import __main__ as command_line
from geo import database, edits, files, selection, texts
from geo import dataset as datasets
from geo.dataset import TABLES, Dataset, DatasetError
from geo.edits import Change, Edit, Package
from geo.selection import Selection
from pages import served

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
SECTION = README.partition("## A team on one database\n")[2].partition("\n## ")[0]
NOW = datetime(2024, 11, 1, 12, tzinfo=UTC)
# Each example empties the database itself; none is worth the time to make it smaller.
ON_ONE_SERVER = {
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
    "phases": [Phase.explicit, Phase.generate],
}


@pytest.fixture(scope="session")
def pool(postgis: str) -> Iterator[sa.Engine]:
    engine = database.connect(postgis)
    database.create(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def dashboard(engine: sa.Engine, postgis: str, monkeypatch) -> Iterator[sa.Engine]:
    """The database, named by the environment in which ``served`` looks for it."""
    monkeypatch.setenv("CLAIMS_DATABASE_URL", postgis)
    monkeypatch.setenv("CLAIMS_DATASET", "small")
    yield engine
    served._engine(postgis).dispose()


@pytest.fixture
def engine(pool: sa.Engine) -> sa.Engine:
    """The database, with its tables and nothing in them."""
    _empty(pool)
    return pool


def _empty(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE contested_claims.datasets CASCADE"))
        connection.execute(sa.text("TRUNCATE contested_claims.audit"))


def _take_in(engine: sa.Engine, path: Path, **more) -> str:
    return database.store(engine, edits.read(path), path.stem, who="Ann", why="test", **more)


def _same(one: Dataset, other: Dataset) -> None:
    """Equal in everything but the digest, types and order included."""
    for table in TABLES:
        pd.testing.assert_frame_equal(
            getattr(one, table), getattr(other, table), check_exact=True, obj=table
        )
    for each in ("name", "title", "title_fr", "description", "description_fr", "views"):
        assert getattr(one, each) == getattr(other, each)


def _exported(engine: sa.Engine, folder: Path, name: str = "") -> Dataset:
    archive = folder / "exported.zip"
    archive.write_bytes(edits.packed(database.read(engine, name)))
    return datasets.load(archive)


def _codes(error: pytest.ExceptionInfo[DatasetError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def _ask(engine: sa.Engine, sql: str, **values) -> list:
    with engine.begin() as connection:
        return connection.execute(sa.text(sql), values).all()


def _edited(package: Package, *made: Edit) -> Package:
    return replace(package, tables=edits.apply(package.tables, made))


def _cell(package: Package, table: str, row: str, field: str, after: str) -> Edit:
    return Edit(table, row, field, package.tables[table].loc[row, field], after)


# In and out


def _odd(folder: Path) -> Path:
    """A package with what is easily lost: extra columns, odd numbers, breaks, other files."""
    rows = builders.tables()
    del rows["briefing"]
    rows["claims"].reverse()
    rows["claims"][0] |= {"seen by": 'Ann, Bob\nand "C"', "Ж": " ' ; -- "}
    rows["claims"][1]["dataset"] = "a column that the database has as well"
    rows["claims"][2]["summary"] = "one\r\ntwo\rthree"
    rows["sources"][0]["position"] = "0012"
    rows["places"][0] |= {"uncertainty_m": "1e5", "lon": "-0.1", "lat": "12.345678901234567"}
    rows["features"][0] |= {"quantity": "9007199254740993", "claimed_km": "0.10"}
    folder = builders.write(
        folder,
        rows,
        title="Odd \u0022title\u0022",
        title_fr="Étrange",
        description="Words\twith\nbreaks",
        licenses=[{"name": "CC0-1.0", "title": "\\u0000 \u2028"}],
        views=[
            {"name": "b", "title": "B", "west": 1, "south": 2.5, "east": 3, "north": 4},
            {"name": "theatre", "title": "All", "west": -5, "south": -5, "east": 5, "north": 5},
        ],
    )
    descriptor = json.loads((folder / "datapackage.json").read_text("utf-8"))
    descriptor["resources"].append({"name": "notes", "path": "notes.bin"})
    (folder / "datapackage.json").write_text(json.dumps(descriptor), "utf-8")
    (folder / "notes.bin").write_bytes(bytes(range(256)))
    (folder / "changelog.csv").write_text(",".join(edits.COLUMNS) + "\n", "utf-8")
    return folder


PACKAGES = {
    "built-in": lambda folder: datasets.BUILT_IN,
    "small": lambda folder: builders.write(folder / "p"),
    "odd": lambda folder: _odd(folder / "p"),
    "hostile": lambda folder: hostile.poison(folder / "p"),
}


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_package_goes_in_and_comes_out_the_same(engine, tmp_path, kind):
    path = PACKAGES[kind](tmp_path)
    package, whole = edits.read(path), datasets.load(path)
    digest = _take_in(engine, path)
    _same(database.load(engine, whole.name), whole)
    _same(_exported(engine, tmp_path), whole)
    back = database.read(engine)
    assert back.descriptor == package.descriptor
    assert list(back.descriptor) == list(package.descriptor)
    assert (back.others, back.changelog) == (package.others, package.changelog)
    # One digest for one content, wherever it is kept.
    assert database.load(engine).digest == digest == edits.digest(back)
    assert edits.digest(edits.read(tmp_path / "exported.zip")) == digest


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=9)


@settings(max_examples=5, **ON_ONE_SERVER)
@given(
    st.lists(_TEXTS.map(str.strip), min_size=3, max_size=3),
    st.lists(st.floats(-90, 90), min_size=4, max_size=4),
    st.permutations(["shipped", "flag", "far"]),
)
def test_any_text_number_and_order_goes_in_and_comes_out(engine, tmp_path, words, numbers, order):
    rows = builders.tables()
    for row, word in zip(rows["claims"], words, strict=True):
        row |= {"summary": word, "extra": word[::-1]}
    for row, number in zip(rows["places"], numbers, strict=True):
        row["lat"] = repr(number)
    rows["claims"] = [builders.row(rows, "claims", key) for key in order]
    path = builders.write(tmp_path / "p", rows)
    _empty(engine)
    _take_in(engine, path)
    _same(database.load(engine), datasets.load(path))
    _same(_exported(engine, tmp_path), datasets.load(path))


def test_a_package_without_a_name_is_named_by_its_folder(engine, tmp_path):
    path = builders.write(tmp_path / "folder", name="", title="")
    _take_in(engine, path)
    _same(database.load(engine, "folder"), datasets.load(path))


def test_several_datasets_with_the_same_ids_live_side_by_side(engine, tmp_path):
    small, built_in = builders.write(tmp_path / "p"), datasets.BUILT_IN
    _take_in(engine, small)
    _take_in(engine, built_in)
    other = builders.write(tmp_path / "q", name="other", title="Other")
    _take_in(engine, other)
    assert database.names(engine) == ("other", "small", datasets.load(built_in).name)
    _same(database.load(engine, "other"), datasets.load(other))
    _same(database.load(engine, "small"), datasets.load(small))
    with pytest.raises(DatasetError) as error:
        database.load(engine)
    assert _codes(error) == ["database-unknown"]
    assert "other, small" in texts.problem(error.value.problems[0])


def test_a_name_is_taken_once_and_replaced_only_on_demand(engine, tmp_path):
    path = builders.write(tmp_path / "p")
    first = _take_in(engine, path)
    with pytest.raises(DatasetError) as error:
        _take_in(engine, path)
    assert _codes(error) == ["database-exists"]
    rows = builders.tables()
    rows["claims"][0]["title"] = "Shipped again"
    rows["claims"] = [rows["claims"][n] for n in (2, 0, 1)]
    del rows["statements"][3], rows["features"][2]
    rows["sources"].append({"id": "new", "name": "New", "kind": "news", "reliability": "C"})
    changed = builders.write(tmp_path / "q", rows, title="Smaller")
    second = _take_in(engine, changed, replace_it=True)
    assert second != first
    _same(database.load(engine), datasets.load(changed))
    told = {(c["table"], c["row"], c["field"]): c for c in database.history(engine, "small", first)}
    title = told["claims", "shipped", "title"]
    assert (title["before"], title["after"], title["who"]) == ("Shipped", "Shipped again", "Ann")
    assert told["statements", "s4", "stance"]["before"] == "asserts"
    assert told["statements", "s4", "stance"]["after"] == ""
    assert told["sources", "new", "name"]["after"] == "New"
    assert told["datapackage.json", "", "title"]["after"] == "Smaller"


def test_an_unsound_package_is_refused_whole(engine, tmp_path):
    rows = builders.tables()
    rows["statements"][0]["claim"] = "nobody"
    with pytest.raises(DatasetError) as error:
        _take_in(engine, builders.write(tmp_path / "p", rows))
    assert _codes(error) == ["foreign-key"]
    assert database.names(engine) == ()


def test_what_postgresql_cannot_hold_is_refused_with_a_sentence(engine, tmp_path):
    more = {"note": float("nan")}
    with pytest.raises(DatasetError) as error:
        _take_in(engine, builders.write(tmp_path / "p", **more))
    assert _codes(error) == ["database-rule"]


# The tables


def test_places_are_points_in_wgs_84_with_an_index(engine, tmp_path):
    path = builders.write(tmp_path / "p")
    _take_in(engine, path)
    [(kind, srid)] = _ask(
        engine,
        "SELECT type, srid FROM geometry_columns WHERE f_table_schema = 'contested_claims'",
    )
    assert (kind, srid) == ("POINT", 4326)
    [(index,)] = _ask(
        engine,
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'places' AND indexdef LIKE '%gist%'",
    )
    assert "(geometry)" in index
    near = _ask(
        engine,
        "SELECT id FROM contested_claims.places WHERE ST_DWithin("
        "geometry::geography, ST_SetSRID(ST_MakePoint(37.0, 48.0), 4326)::geography, :m)",
        m=100_000,
    )
    assert {row.id for row in near} == {"town", "village"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE statements SET claim = 'nobody' WHERE id = 's1'", "statements_dataset_claim_fkey"),
        ("UPDATE statements SET place = 'nowhere' WHERE id = 's1'", "statements"),
        ("UPDATE claims SET confidence = 'certain' WHERE id = 'flag'", "claims_confidence"),
        ("UPDATE claims SET title = NULL WHERE id = 'flag'", "title"),
        ("UPDATE claims SET summary = '' WHERE id = 'flag'", "summary"),
        ("UPDATE places SET lat = 91 WHERE id = 'port'", "lat"),
        ("UPDATE places SET uncertainty_m = -1 WHERE id = 'port'", "uncertainty_m"),
        ("UPDATE sources SET id = 'N I S' WHERE id = 'kremlin'", "sources"),
        ("DELETE FROM claims WHERE id = 'flag'", "claims"),
        ("UPDATE features SET to_place = 'nowhere' WHERE id = 'f-route'", "features"),
    ],
)
def test_the_rules_of_the_schemas_hold_in_sql(engine, tmp_path, change, named):
    _take_in(engine, builders.write(tmp_path / "p"))
    with pytest.raises(sa.exc.DBAPIError) as error, engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL search_path TO contested_claims, public"))
        connection.execute(sa.text(change))
    told = error.value.orig.args[0]
    assert told["C"].startswith("23")
    assert named in told["M"] + told.get("n", "")


def test_every_field_of_the_schemas_is_a_column():
    for table in TABLES:
        columns = set(sa.inspect(database._tables[table]).columns.keys())
        named = {field["name"] for field in datasets.schema(table)["fields"]}
        own = {"dataset", "position", "extra"} | ({"geometry"} if table == "places" else set())
        assert columns == named | own
        assert not named & own


def test_making_the_tables_again_changes_nothing(engine, tmp_path):
    digest = _take_in(engine, builders.write(tmp_path / "p"))
    database.create(engine)
    assert database.load(engine).digest == digest


# What a selection keeps


@pytest.fixture(scope="module")
def crowd(tmp_path_factory) -> Path:
    """A package with many statements, retractions, repetitions and equal days."""
    chance = random.Random(7)
    rows = builders.tables()
    del rows["briefing"], rows["features"][1:]
    speakers = [row["id"] for row in rows["sources"]]
    rows["claims"] += [
        {
            "id": f"c{n}",
            "title": f"Claim {n}",
            "theme": chance.choice(["transport", "front", "plan"]),
            "date_precision": "unknown",
            "confidence": chance.choice(["high", "moderate", "low", "unassessed"]),
        }
        for n in range(60)
    ]
    rows["statements"] += [
        {
            "id": f"t{n}",
            "claim": f"c{chance.randrange(55)}",
            "source": chance.choice(speakers),
            "origin": chance.choice(["", "", *speakers]),
            "stance": chance.choice(["asserts", "asserts", "denies", "retracts", "declines"]),
            "date": f"2024-10-{chance.randint(15, 22)}",
            "date_precision": "day",
            "credibility": str(chance.randint(1, 6)),
            "reference": "¶",
        }
        for n in range(240)
    ]
    rows["features"] += [
        {"id": f"p{n}", "claim": f"c{n}", "kind": "place", "place": "town", "basis": "reported"}
        | ({"quantity": str(n)} if n % 3 else {})
        for n in range(60)
    ]
    return builders.write(tmp_path_factory.mktemp("crowd") / "p", rows, name="crowd")


@pytest.mark.parametrize("kind", ["built-in", "crowd"])
def test_the_server_keeps_what_selection_apply_keeps(engine, crowd, kind):
    _take_in(engine, crowd if kind == "crowd" else datasets.BUILT_IN)
    whole = database.load(engine)
    statuses = set()

    @settings(max_examples=60, **ON_ONE_SERVER)
    @given(builders.selections(whole))
    def holds(chosen: Selection) -> None:
        kept = database.load(engine, whole.name, chosen)
        _same(kept, selection.apply(whole, chosen))
        assert kept.digest == whole.digest
        statuses.update(kept.claims["status"])

    holds()
    for chosen in (Selection(), Selection(source=("nobody",)), Selection(theme=("plan",))):
        _same(database.load(engine, "", chosen), selection.apply(whole, chosen))
    statuses.update(database.load(engine, "", Selection()).claims["status"])
    assert kind != "crowd" or statuses == set(datasets.STATUSES)


def test_the_server_sends_only_what_is_kept(engine, crowd):
    _take_in(engine, crowd)
    rows = []

    def note(connection, cursor, statement, *rest) -> None:
        rows.extend([cursor.rowcount] if statement.startswith("SELECT coalesce") else [])

    sa.event.listen(engine, "after_cursor_execute", note)
    try:
        kept = database.load(engine, "", Selection(as_of=date(2024, 10, 15), theme=("plan",)))
    finally:
        sa.event.remove(engine, "after_cursor_execute", note)
    assert sorted(rows) == sorted(len(getattr(kept, table)) for table in TABLES)
    assert 0 < len(kept.statements) < 60


# Saving


def _change(*made: Edit, author: str = "Bob", note: str = "seen twice") -> Change:
    return Change(made, author, note, NOW)


def test_a_save_writes_and_records_each_cell(engine, tmp_path):
    _take_in(engine, builders.write(tmp_path / "p"))
    package = database.read(engine)
    started = edits.digest(package)
    one = _cell(package, "claims", "flag", "confidence", "moderate")
    two = _cell(package, "places", "port", "uncertainty_m", "0.5")
    three = _cell(package, "statements", "s2", "date", "2024-10-20")
    after = _edited(package, one, two, three)
    made = [_change(one, author="Cem", note="weighed"), _change(two, three)]
    digest = database.save(engine, "small", after, made, started)
    assert digest == edits.digest(after) == database.version(engine, "small")[1]
    _same(database.load(engine), edits.dataset_of(after))
    lines = database.history(engine, "small", started)
    assert {
        (c["who"], c["why"], c["table"], c["row"], c["field"], c["before"], c["after"])
        for c in lines
    } == {
        ("Cem", "weighed", "claims", "flag", "confidence", "low", "moderate"),
        ("Bob", "seen twice", "places", "port", "uncertainty_m", "1000", "0.5"),
        ("Bob", "seen twice", "statements", "s2", "date", "2024-10-19", "2024-10-20"),
    }
    assert {c["db_user"] for c in lines} == {"postgres"}
    when = {datetime.fromisoformat(c["when"]) for c in lines}
    assert all(abs((datetime.now(UTC) - each).total_seconds()) < 60 for each in when)
    # The point goes where the cell went, and the package tells who changed what.
    moved = "UPDATE contested_claims.places SET lon = 10 WHERE id = 'port' RETURNING ST_X(geometry)"
    assert _ask(engine, moved) == [(10.0,)]
    assert database.read(engine).changelog.count("\n") == 4


def test_a_save_without_a_difference_makes_no_version(engine, tmp_path):
    digest = _take_in(engine, builders.write(tmp_path / "p"))
    package = database.read(engine)
    assert database.save(engine, "small", package, [], digest) == digest
    assert len(database.history(engine, "small")) == 1


def test_a_stale_save_is_refused_with_what_changed_and_can_be_merged(engine, tmp_path):
    started = _take_in(engine, builders.write(tmp_path / "p"))
    base = database.read(engine)
    theirs = _cell(base, "claims", "flag", "confidence", "high")
    newest = database.save(engine, "small", _edited(base, theirs), [_change(theirs)], started)
    mine = _cell(base, "claims", "far", "confidence", "low")
    with pytest.raises(database.StaleError) as error:
        database.save(engine, "small", _edited(base, mine), [_change(mine)], started)
    assert [(c["row"], c["before"], c["after"]) for c in error.value.changes] == [
        ("flag", "low", "high")
    ]
    sentence = texts.problem(error.value.problems[0])
    assert "Bob" in sentence and "claims flag confidence" in sentence
    assert database.version(engine)[1] == newest == error.value.digest
    assert database.load(engine).claims.loc["far", "confidence"] == "unassessed"
    merged, conflicts = edits.merge(
        base.tables, _edited(base, mine).tables, error.value.theirs.tables
    )
    assert conflicts == ()
    both = replace(error.value.theirs, tables=merged)
    database.save(engine, "small", both, [_change(mine)], error.value.digest)
    found = database.load(engine).claims["confidence"]
    assert (found["flag"], found["far"]) == ("high", "low")


def test_of_many_who_save_at_once_one_does_and_the_rest_are_told(engine, tmp_path):
    started = _take_in(engine, builders.write(tmp_path / "p"))
    base = database.read(engine)
    saved, refused = [], []
    at_once = threading.Barrier(5)

    def save(author: str) -> None:
        made = _cell(base, "claims", "flag", "title", f"A flag, says {author}")
        at_once.wait()
        try:
            database.save(
                engine, "small", _edited(base, made), [_change(made, author=author)], started
            )
            saved.append(author)
        except database.StaleError as error:
            refused.append(error.changes[0]["who"])

    people = [threading.Thread(target=save, args=(name,)) for name in "ABCDE"]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert len(saved) == 1
    assert refused == saved * 4
    assert database.load(engine).claims.loc["flag", "title"] == f"A flag, says {saved[0]}"


def test_an_unsound_save_is_refused_and_leaves_all_as_it_was(engine, tmp_path):
    started = _take_in(engine, builders.write(tmp_path / "p"))
    base = database.read(engine)
    sound = _cell(base, "claims", "flag", "title", "Another")
    unsound = _cell(base, "statements", "s1", "claim", "nobody")
    with pytest.raises(DatasetError) as error:
        database.save(engine, "small", _edited(base, sound, unsound), [], started)
    assert _codes(error) == ["foreign-key"]
    assert database.read(engine).tables["claims"].equals(base.tables["claims"])
    assert database.version(engine)[1] == started


@settings(max_examples=5, **ON_ONE_SERVER)
@given(st.data())
def test_whatever_is_saved_is_read_back_and_the_audit_leads_there(engine, tmp_path, data):
    _empty(engine)
    started = _take_in(engine, builders.write(tmp_path / "p"))
    base = database.read(engine)
    tables = {t: frame.copy() for t, frame in base.tables.items()}
    for table in ("claims", "statements", "features", "sources"):
        order = data.draw(st.permutations(list(tables[table].index)))
        tables[table] = tables[table].loc[order]
    gone = data.draw(st.sets(st.sampled_from(["s2", "s4", "s5"])))
    tables["statements"] = tables["statements"].drop(index=list(gone))
    tables["claims"].loc["flag", "summary"] = data.draw(_TEXTS.map(str.strip))
    tables["claims"].loc["new", :] = tables["claims"].loc["far"]
    tables["claims"]["note"] = data.draw(st.sampled_from(["", "an extra column"]))
    after = replace(base, tables=tables)
    database.save(engine, "small", after, [_change()], started)
    back = database.read(engine)
    for table in TABLES:
        pd.testing.assert_frame_equal(back.tables[table], tables[table], check_dtype=False)
    _same(database.load(engine), edits.dataset_of(after))
    cells = {
        (t, row, field): text
        for t, frame in base.tables.items()
        for row, record in frame.to_dict("index").items()
        for field, text in record.items()
    }
    for line in database.history(engine, "small", started):
        at = (line["table"], line["row"], line["field"])
        assert cells.get(at, "") == line["before"] or at[2] == "id"
        cells[at] = line["after"]
    for table, frame in tables.items():
        for row, record in frame.to_dict("index").items():
            assert all(cells.get((table, row, f), "") == text for f, text in record.items())


# Several processes


def test_a_change_is_seen_by_the_next_process_through_one_query(engine, postgis, tmp_path):
    started = _take_in(engine, builders.write(tmp_path / "p"))
    other = database.connect(postgis)
    try:
        assert database.version(other, "small") == ("small", started)
        base = database.read(engine)
        made = _cell(base, "claims", "flag", "title", "Another")
        digest = database.save(engine, "small", _edited(base, made), [_change(made)], started)
        asked = []
        sa.event.listen(other, "before_cursor_execute", lambda *call: asked.append(call[2]))
        assert database.version(other, "small") == ("small", digest)
        assert len(asked) == 1
    finally:
        other.dispose()
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL enable_seqscan TO off"))
        lines = connection.scalars(
            sa.text("EXPLAIN SELECT digest FROM contested_claims.datasets WHERE name = 'small'")
        )
        assert any("datasets_pkey" in line for line in lines)


def test_the_dashboard_reads_the_database_again_when_it_changed(dashboard, tmp_path, monkeypatch):
    engine = dashboard
    started = _take_in(engine, builders.write(tmp_path / "small"))
    monkeypatch.chdir(tmp_path)
    first = served.load_dataset()
    assert first is served.load_dataset()
    assert (first.name, first.digest) == ("small", started)
    base = database.read(engine)
    made = _cell(base, "claims", "flag", "title", "Another")
    digest = database.save(engine, "small", _edited(base, made), [_change(made)], started)
    # A folder that happens to bear the dataset's name is none of its business.
    assert not served.dataset_path().exists()
    second = served.load_dataset()
    assert second.digest == digest
    assert second.claims.loc["flag", "title"] == "Another"
    monkeypatch.setenv("CLAIMS_DATASET", "nobody's")
    with pytest.raises(DatasetError) as error:
        served.load_dataset()
    assert _codes(error) == ["database-unknown"]


def test_a_server_that_goes_and_comes_back_needs_no_restart(
    dashboard, postgis_server, tmp_path, caplog, capsys
):
    engine = dashboard
    digest = _take_in(engine, builders.write(tmp_path / "p"))
    assert served.load_dataset().digest == digest
    postgis_server.stop()
    try:
        for ask in (database.version, database.load, database.read):
            with pytest.raises(DatasetError) as error:
                ask(engine, "small")
            assert _codes(error) == ["database-away"]
        with pytest.raises(DatasetError):
            served.load_dataset()
        capsys.readouterr()
        assert command_line.main(["database", "export", "-o", str(tmp_path / "x.zip")]) == 1
        told = capsys.readouterr().err
    finally:
        postgis_server.start()
    assert told.startswith("PostgreSQL: ") and told.count("\n") == 1
    assert "a database that answers at postgresql://postgres:***@127.0.0.1" in told
    assert not caplog.records  # nor a traceback in the log
    assert database.version(engine, "small") == ("small", digest)
    assert served.load_dataset().digest == digest


# Addresses, users, rights


@pytest.mark.parametrize(
    "url",
    [
        *("", "nonsense", "mysql://u:secret@h/d", "postgresql:///d", "postgresql://u:secret@h:x/d"),
        "postgresql://u:secret@h/d?sslmode=maybe",
        "postgresql://u@h/d?password=secret",
    ],
)
def test_what_is_no_address_is_told_without_the_password(url):
    with pytest.raises(DatasetError) as error:
        database.connect(url)
    assert _codes(error) == ["database-url"]
    told = str(error.value) + texts.problem(error.value.problems[0])
    assert "secret" not in told and "postgresql://USER" in told


def test_every_failure_is_a_sentence_in_both_languages(postgis_server: Server, tmp_path, engine):
    assert _take_in(engine, builders.write(tmp_path / "p"))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text("CREATE DATABASE bare"))
    good = postgis_server.url()
    cases = {
        postgis_server.url("postgres", "postgres", "wrong"): "database-login",
        postgis_server.url("nowhere"): "database-away",
        postgis_server.url("bare"): "database-empty",
        f"{good}?sslmode=require": "database-away",
        f"{good}?sslmode=verify-full": "database-away",
        f"postgresql://u@/d?host={tmp_path}": "database-away",
    }
    for url, code in cases.items():
        other = database.connect(url)
        with pytest.raises(DatasetError) as error:
            database.load(other)
        other.dispose()
        assert _codes(error) == [code], url
        problem = error.value.problems[0]
        english, french = (texts.problem(problem, lang) for lang in ("en", "fr"))
        assert english != french
        assert "wrong" not in english
    with pytest.raises(DatasetError) as error:
        database.connect(f"{good}?sslmode=verify-full&sslrootcert={tmp_path / 'none.pem'}")
    assert _codes(error) == ["file-missing"]
    _empty(engine)
    with pytest.raises(DatasetError) as error:
        database.load(engine)
    assert _codes(error) == ["database-no-dataset"]


@pytest.mark.parametrize("name", ["x'; DROP TABLE contested_claims.claims; --", "%s", ":n", '"'])
def test_a_name_is_only_ever_a_value(engine, tmp_path, name):
    path = builders.write(tmp_path / "p", name=name)
    _take_in(engine, path)
    _same(database.load(engine, name), datasets.load(path))
    kept = database.load(engine, name, Selection(source=(name,), theme=(name,)))
    assert kept.claims.empty
    assert database.names(engine) == (name,)


def test_the_rights_that_the_readme_grants_are_enough_and_no_more(
    engine, postgis_server: Server, tmp_path
):
    started = _take_in(engine, builders.write(tmp_path / "p"))
    [grants] = re.findall(r"```sql\n(.*?)```", SECTION, flags=re.S)
    with engine.begin() as connection:
        for command in filter(str.strip, grants.split(";")):
            connection.execute(sa.text(command))
        for role in ("viewer", "editor"):
            connection.execute(sa.text(f"ALTER ROLE {role} LOGIN PASSWORD 'for-the-test'"))
    urls = [postgis_server.url("postgres", role, "for-the-test") for role in ("viewer", "editor")]
    viewer, editor = map(database.connect, urls)
    try:
        base = database.read(viewer)
        made = _cell(base, "claims", "flag", "title", "Another")
        assert len(database.load(viewer, "", Selection()).claims) == 3
        with pytest.raises(DatasetError) as error:
            database.save(viewer, "small", _edited(base, made), [_change(made)], started)
        assert _codes(error) == ["database-rights"]
        database.save(editor, "small", _edited(base, made), [_change(made)], started)
        [line] = database.history(viewer, "small", started)
        assert (line["who"], line["db_user"]) == ("Bob", "editor")
        for forbidden in (
            "DELETE FROM contested_claims.audit",
            "UPDATE contested_claims.audit SET who = 'nobody'",
            "TRUNCATE contested_claims.audit",
            "DROP TABLE contested_claims.claims",
        ):
            with pytest.raises(sa.exc.DBAPIError) as refused, editor.begin() as connection:
                connection.execute(sa.text(forbidden))
            assert refused.value.orig.args[0]["C"] == "42501"
    finally:
        viewer.dispose()
        editor.dispose()
        for role in ("viewer", "editor"):
            _drop(engine, role)


def _drop(engine: sa.Engine, role: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP OWNED BY {role}"))
        connection.execute(sa.text(f"DROP ROLE {role}"))


# The command line


def test_the_commands_of_the_readme_run(engine, postgis, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    builders.write(tmp_path / "my-story", name="my-story")
    monkeypatch.setenv("CLAIMS_DATABASE_URL", postgis)
    [block] = re.findall(r"```shell\n(.*?)```", SECTION, flags=re.S)
    lines = [line.partition("  #")[0] for line in block.splitlines()]
    ran = [shlex.split(line)[3:] for line in lines if line.startswith("python -m geo")]
    assert [words[1] for words in ran] == ["create", "import", "export"]
    for words in ran:
        assert command_line.main(words) == 0
    assert "my-story" in capsys.readouterr().out
    _same(datasets.load(tmp_path / "my-story.zip"), datasets.load(tmp_path / "my-story"))


def test_every_command_takes_the_dataset_from_the_database(
    engine, postgis, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("CLAIMS_DATABASE_URL", postgis)
    _take_in(engine, datasets.BUILT_IN)
    folder = builders.write(tmp_path / "small")
    _take_in(engine, folder)
    for words in (["validate"], ["validate", "--json"], ["check"], ["check", "--json"]):
        status = command_line.main([*words, str(folder)])
        told = capsys.readouterr()
        assert command_line.main([*words, "--database", "small"]) == status
        assert capsys.readouterr() == told
    for command, name in (
        *(("export", "x.geojson"), ("export", "x.gpkg"), ("snapshot", "x.svg")),
        *(("report", "x.docx"), ("handout", "x.pdf")),
    ):
        output = tmp_path / name
        flags = [] if command == "handout" else ["--source", "nis"]
        asked = [command, "-o", str(output), *flags, "--database", "small"]
        assert command_line.main(asked) == 0, capsys.readouterr().err
        content = output.read_bytes()
        whole = database.load(engine, "small")
        chosen = Selection(source=("nis",)) if flags else Selection()
        form = files.by_suffix(command)[output.suffix]
        assert content == files.make(form, whole, chosen)
    capsys.readouterr()
    # Which of the two is not said; one that is not there; a file as well.
    assert command_line.main(["check", "--database"]) == 1
    assert "small" in capsys.readouterr().err
    assert command_line.main(["check", "--database", "nobody"]) == 1
    assert "small" in capsys.readouterr().err
    for more in ([str(folder)], ["--leave-out"]):
        with pytest.raises(SystemExit) as left:
            command_line.main(["check", *more, "--database", "small"])
        assert left.value.code == 2
        assert "--database: not allowed with" in capsys.readouterr().err
    assert served.command_names(whole) == ("--database", "small")


def test_a_row_that_sql_spoiled_by_hand_is_told_by_validate(
    engine, postgis, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("CLAIMS_DATABASE_URL", postgis)
    _take_in(engine, builders.write(tmp_path / "small"))
    _ask(
        engine,
        "UPDATE contested_claims.features SET to_place = NULL WHERE id = 'f-route' RETURNING 1",
    )
    assert command_line.main(["validate", "--database"]) == 1
    assert "field to_place" in capsys.readouterr().out


def test_commands_without_a_database_or_a_package_are_wrong_usage(monkeypatch, capsys):
    monkeypatch.delenv("CLAIMS_DATABASE_URL", raising=False)
    for words in (["create"], ["import"], ["export", "-o", "x.csv"], []):
        with pytest.raises(SystemExit) as left:
            command_line.main(["database", *words])
        assert left.value.code == 2
    assert "CLAIMS_DATABASE_URL names no database" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command_line.main(["check", "--database"])
    assert "CLAIMS_DATABASE_URL names no database" in capsys.readouterr().err


# The set-up


def test_without_postgis_the_set_up_fails_and_says_how_to_get_it(monkeypatch):
    postgis_setup.find.cache_clear()
    monkeypatch.setattr(postgis_setup, "_homes", lambda: iter(()))
    monkeypatch.setattr(postgis_setup.shutil, "which", lambda name: None)
    try:
        with pytest.raises(PostgisMissing, match="apt-get install postgresql"):
            postgis_setup.ensure()
    finally:
        postgis_setup.find.cache_clear()


def test_the_postgis_of_the_postgresql_that_is_there_is_asked_for(monkeypatch):
    offered = "".join(f"postgresql-{n}-postgis-3 - x\n" for n in (9, 15, 17))
    monkeypatch.setattr(
        postgis_setup.subprocess,
        "run",
        lambda command, **_: postgis_setup.subprocess.CompletedProcess(command, 0, offered),
    )
    monkeypatch.setattr(postgis_setup, "_homes", lambda: iter([Path("/usr/lib/postgresql/15/bin")]))
    assert postgis_setup._install("apt-get")[-1] == "postgresql-15-postgis-3"
    monkeypatch.setattr(postgis_setup, "_homes", lambda: iter(()))
    assert postgis_setup._install("apt-get")[-1] == "postgresql-17-postgis-3"
