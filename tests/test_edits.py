"""Changes to a package: their laws, two people at once, and saving that is never half done."""

from __future__ import annotations

import csv
import errno
import io
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import builders
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import dataset, edits
from geo.dataset import BUILT_IN, DatasetError
from geo.edits import Change, Edit, History, Row

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_cells = st.sampled_from(["", "a", "b", "long, with a comma", "é\n"])
_rows = st.dictionaries(
    st.sampled_from([f"r{n}" for n in range(7)]), st.tuples(_cells, _cells), max_size=6
)


def frame(rows: dict[str, tuple[str, str]], order: list[str]) -> pd.DataFrame:
    index = pd.Index(order, name="id", dtype=object)
    return pd.DataFrame([rows[r] for r in order], index=index, columns=["x", "y"], dtype=object)


@st.composite
def states(draw) -> edits.Tables:
    """Two small tables, their rows in any order."""
    found = {}
    for name in ("claims", "places"):
        rows = draw(_rows)
        found[name] = frame(rows, draw(st.permutations(list(rows))))
    return found


def same(one: edits.Tables, other: edits.Tables) -> bool:
    return one.keys() == other.keys() and all(one[t].equals(other[t]) for t in one)


@settings(max_examples=25)
@given(states(), states())
def test_a_difference_applied_gives_the_target_and_inverted_the_start(start, target):
    found = edits.diff(start, target)
    assert same(edits.apply(start, found), target)
    assert same(edits.apply(target, edits.invert(found)), start)
    assert edits.diff(start, start) == ()


@settings(max_examples=25)
@given(states(), states())
def test_a_merge_with_itself_or_with_nobody_changes_nothing(base, mine):
    for theirs, expected in ((mine, mine), (base, mine)):
        merged, conflicts = edits.merge(base, mine, theirs)
        assert conflicts == ()
        assert same(merged, expected)
    merged, conflicts = edits.merge(base, base, mine)
    assert conflicts == ()
    assert same(merged, mine)


@settings(max_examples=25)
@given(states(), states(), states())
def test_a_merge_loses_no_cell_of_either_side(base, mine, theirs):
    merged, conflicts = edits.merge(base, mine, theirs)
    told = {(c.table, c.row, c.field) for c in conflicts}
    rows = {(c.table, c.row) for c in conflicts if not c.field}
    for edit in edits.diff(base, mine):
        if not edit.field or (edit.table, edit.row) in rows:
            continue
        held = merged[edit.table].loc[edit.row, edit.field]
        assert held == edit.after or (edit.table, edit.row, edit.field) in told
    for edit in edits.diff(base, theirs):
        if edit.field and (edit.table, edit.row) not in rows:
            assert merged[edit.table].loc[edit.row, edit.field] == edit.after
    settled = edits.settle(merged, conflicts)
    for each in conflicts:
        if each.field:
            assert settled[each.table].loc[each.row, each.field] == each.mine
        else:
            assert (each.row in settled[each.table].index) == (each.mine is not None)


@settings(max_examples=25)
@given(st.lists(st.tuples(states(), st.integers(0, 2)), min_size=1, max_size=5), states())
def test_undo_and_redo_walk_the_same_states(moves, start):
    history, seen = History(start, start), [start]
    for target, back in moves:
        found = edits.diff(history.now, target)
        history = history.make(Change(found, "ann", "", WHEN))
        if found:
            seen = [*seen[: len(history.done)], target]
        for _ in range(back):
            history = history.undo()
        assert same(history.now, seen[len(history.done)])
        for _ in range(back):
            history = history.redo()
        assert same(history.now, seen[-1])
    for _ in moves:
        history = history.undo()
    assert same(history.now, start)
    assert history.undo() is history


def test_an_edit_that_starts_from_another_state_is_refused():
    tables = {"claims": frame({"r1": ("a", "b")}, ["r1"])}
    for wrong in (
        Edit("claims", "r1", "x", "z", "c"),
        Edit("claims", "gone", "x", "a", "c"),
        Edit("claims", "r1", "", Row("", (("x", "z"),)), None),
        Edit("claims", "r1", "", None, Row("", ())),
    ):
        with pytest.raises(ValueError, match="claims"):
            edits.apply(tables, [wrong])
    assert same(tables, {"claims": frame({"r1": ("a", "b")}, ["r1"])})


def test_a_merge_tells_what_two_people_did_to_one_cell_and_one_row():
    base = {"claims": frame({"r1": ("a", ""), "r2": ("a", "")}, ["r1", "r2"])}
    mine = {"claims": frame({"r1": ("mine", "m")}, ["r1"])}
    theirs = {"claims": frame({"r1": ("theirs", ""), "r2": ("b", "")}, ["r1", "r2"])}
    merged, (cell, row) = edits.merge(base, mine, theirs)
    assert merged["claims"].loc["r1"].tolist() == ["theirs", "m"]
    assert (cell.field, cell.base, cell.mine, cell.theirs) == ("x", "a", "mine", "theirs")
    assert (row.row, row.field, row.mine) == ("r2", "", None)
    assert list(edits.settle(merged, [cell, row])["claims"].index) == ["r1"]


# The package


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return builders.write(tmp_path / "package")


def changed(package: edits.Package, table: str, row: str, field: str, cell: str):
    """The package with one other cell, and the change that leads there."""
    edit = Edit(table, row, field, package.tables[table].loc[row, field], cell)
    change = Change((edit,), "Ann Lee", "seen again, with care", WHEN)
    return replace(package, tables=edits.apply(package.tables, change.edits)), change


def test_a_package_reads_back_as_it_was_saved_packed_or_built_from_a_dataset(tmp_path):
    for path in (BUILT_IN, builders.write(tmp_path / "small")):
        package = edits.read(path)
        archive = tmp_path / "packed.zip"
        archive.write_bytes(edits.packed(package))
        again = edits.read(archive)
        assert same(again.tables, package.tables)
        assert edits.digest(again) == edits.digest(package)
        whole = dataset.load(path)
        built = edits.dataset_of(edits.package_of(whole))
        for table in dataset.TABLES:
            left, right = getattr(built, table), getattr(whole, table)
            pd.testing.assert_frame_equal(left[right.columns], right, check_dtype=False)
        assert built.views == whole.views
        assert (built.title, built.description_fr) == (whole.title, whole.description_fr)


def test_what_a_grid_reports_becomes_text_and_touches_nothing_else(folder):
    tables = edits.read(folder).tables
    report = {
        "edited_rows": {"0": {"lon": 130, "lat": 41.25, "name": " Shore ", "approach": None}},
        "deleted_rows": [1],
        "added_rows": [{"name": "New", "lon": 1.0, "gone": "x"}, {"name": "Newer"}],
    }
    places = edits.typed(tables["places"], "places", report)
    kept = [row for n, row in enumerate(tables["places"].index) if n != 1]
    assert list(places.index) == [*kept, "place-1", "place-2"]
    assert places.loc["coast", ["lon", "lat", "name"]].tolist() == ["130", "41.25", "Shore"]
    assert places.loc["place-1", ["name", "lon", "lat"]].tolist() == ["New", "1", ""]
    assert places.loc[kept[1:]].equals(tables["places"].loc[kept[1:]])
    dated = {"edited_rows": {0: {"date": "2024-10-30T00:00:00.000"}}}
    statements = edits.typed(tables["statements"], "statements", dated)
    assert statements["date"].iloc[0] == "2024-10-30"
    step = edits.typed(tables["briefing"], "briefing", {"added_rows": [{"title": "Next"}]})
    assert list(step.index) == ["1", "2"]


def test_an_unsound_state_tells_every_problem(folder):
    package, _ = changed(edits.read(folder), "places", "town", "lon", "east")
    package, _ = changed(package, "statements", "s1", "claim", "gone")
    with pytest.raises(DatasetError) as caught:
        edits.dataset_of(package)
    assert {(p.table, p.field) for p in caught.value.problems} == {
        ("places", "lon"),
        ("statements", "claim"),
    }


def test_saving_changes_one_file_keeps_the_last_version_and_tells_who_and_why(folder):
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    base = edits.read(folder)
    package, change = changed(base, "places", "town", "name", "New town")
    digest = edits.save(folder, package, [change], edits.digest(base))
    assert digest == edits.digest(edits.read(folder)) != edits.digest(base)
    after = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    assert {name for name in before if after[name] != before[name]} == {"places.csv"}
    (kept,) = (folder / edits.VERSIONS).iterdir()
    assert same(edits.read(kept).tables, base.tables)
    (row,) = csv.DictReader(io.StringIO(after[edits.CHANGELOG].decode()))
    assert row == dict(
        zip(
            edits.COLUMNS,
            ("2026-01-02T03:04:05Z", "Ann Lee", "places", "town", "name", "Town", "New town",
             "seen again, with care"),
            strict=True,
        )
    )  # fmt: skip
    assert dataset.load(folder).places.loc["town", "name"] == "New town"


def test_a_row_that_goes_or_comes_is_told_cell_by_cell(folder):
    base = edits.read(folder)
    fewer = dict(base.tables) | {"briefing": base.tables["briefing"].iloc[:0]}
    gone = edits.diff(base.tables, fewer)
    rows = edits.log_rows([Change(gone, "", "", WHEN)])
    assert ("title", "First", "") in [(r["field"], r["before"], r["after"]) for r in rows]
    back = edits.log_rows([Change(edits.invert(gone), "", "", WHEN)])
    assert ("step", "", "1") in [(r["field"], r["before"], r["after"]) for r in back]


def test_the_second_who_saves_is_told_and_loses_nothing(folder):
    base = edits.read(folder)
    first, one = changed(base, "places", "town", "name", "First")
    second, two = changed(base, "places", "town", "name", "Second")
    second, three = changed(second, "places", "port", "name", "Harbour")
    edits.save(folder, first, [one], edits.digest(base))
    held = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    with pytest.raises(edits.ChangedMeanwhile) as caught:
        edits.save(folder, second, [two, three], edits.digest(base))
    assert held == {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}
    theirs = caught.value.theirs
    merged, (conflict,) = edits.merge(base.tables, second.tables, theirs.tables)
    assert (conflict.mine, conflict.theirs) == ("Second", "First")
    both = Change(edits.diff(theirs.tables, merged), "Bo", "", WHEN)
    edits.save(folder, replace(theirs, tables=merged), [both], edits.digest(theirs))
    names = dataset.load(folder).places["name"]
    assert (names["town"], names["port"]) == ("First", "Harbour")
    assert len(list((folder / edits.VERSIONS).iterdir())) == 2


def test_an_unsound_package_is_not_saved(folder):
    base = edits.read(folder)
    held = {f: f.read_bytes() for f in folder.rglob("*")}
    package, change = changed(base, "places", "town", "lat", "95")
    with pytest.raises(DatasetError):
        edits.save(folder, package, [change], edits.digest(base))
    assert held == {f: f.read_bytes() for f in folder.rglob("*")}


def _two_tables(folder: Path):
    base = edits.read(folder)
    package, one = changed(base, "claims", "flag", "title", "New claim")
    package, two = changed(package, "places", "town", "name", "New town")
    return base, package, [one, two]


@pytest.mark.parametrize("step", ["write", "sync", "rename", "move"])
def test_a_save_that_dies_anywhere_leaves_the_old_or_the_new_never_half(folder, monkeypatch, step):
    base, package, changes = _two_tables(folder)
    rename, moved = Path.rename, []

    def dies(*_args, **_more):
        raise OSError("the disk is full")

    def dies_second(self, target):
        moved.append(self)
        if len(moved) == 2:
            raise OSError("the power is gone")
        shutil.move(self, target)
        return target

    with monkeypatch.context() as patched, pytest.raises(OSError, match=r"disk|power"):
        if step == "move":
            patched.setattr(Path, "replace", dies_second)
        elif step == "rename":
            patched.setattr(Path, "rename", dies)
        else:
            patched.setattr(edits, f"_{step}", dies)
        edits.save(folder, package, changes, edits.digest(base))
    assert Path.rename is rename
    found = edits.read(folder)  # which moves into place what counts
    whole = dataset.load(folder)
    held = (whole.claims.loc["flag", "title"], whole.places.loc["town", "name"])
    if step == "move":
        assert held == ("New claim", "New town")
        assert found.changelog.count("\n") == 3
    else:
        assert held == (base.tables["claims"].loc["flag", "title"], "Town")
        edits.save(folder, package, changes, edits.digest(base))  # nothing stands in the way
    assert not [f.name for f in folder.iterdir() if f.name.startswith(".")]


# A save that says "in" in the midst of it, and goes on when it is told to.
_SLOW_SAVE = """
import sys
from pathlib import Path
from geo import edits

keep, folder = edits._keep, Path(sys.argv[1])

def slow(*asked):
    print("in", flush=True)
    sys.stdin.readline()
    keep(*asked)

edits._keep = slow
base = edits.read(folder)
edits.save(folder, base, [], edits.digest(base))
"""


@pytest.fixture
def saving(folder):
    """Another process in the midst of a save."""
    root = Path(__file__).resolve().parent.parent
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW_SAVE, str(folder)], cwd=root, text=True, **pipes
    )
    with process:
        assert process.stdout.readline() == "in\n"
        yield process
        process.kill()


@pytest.mark.parametrize("clock_s", [0, 4e9])  # which lies: long ago, in the future
def test_a_living_save_keeps_out_others_and_a_dead_one_does_not(folder, saving, clock_s):
    base, package, changes = _two_tables(folder)
    writing = folder / ".saving"
    os.utime(writing, (clock_s, clock_s))
    held = sorted(writing.iterdir())
    with pytest.raises(FileExistsError):
        edits.save(folder, package, changes, edits.digest(base))
    assert held == sorted(writing.iterdir())
    saving.kill()
    saving.wait()
    os.utime(writing, (clock_s, clock_s))
    edits.save(folder, package, changes, edits.digest(base))
    assert dataset.load(folder).places.loc["town", "name"] == "New town"
    assert not [f.name for f in folder.iterdir() if f.name.startswith(".")]


def test_a_save_waits_for_none_that_is_through(folder, saving):
    base, package, changes = _two_tables(folder)
    saving.communicate("\n")
    assert saving.returncode == 0
    edits.save(folder, package, changes, edits.digest(base))
    assert len(list((folder / edits.VERSIONS).iterdir())) == 2


def test_two_threads_keep_out_of_each_other(folder):
    base, package, changes = _two_tables(folder)
    with edits._begin(folder), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(edits.save, folder, package, changes, edits.digest(base))
        assert isinstance(asked.exception(), FileExistsError)
    edits.save(folder, package, changes, edits.digest(base))


@pytest.mark.parametrize("lack", ["system", "disk", "other machine"])
def test_without_a_lock_a_save_is_taken_for_dead_after_a_minute(folder, monkeypatch, lack):
    base, package, changes = _two_tables(folder)
    (folder / ".saving" / f".{edits.machine()}").mkdir(parents=True)
    if lack == "system":
        monkeypatch.setattr(edits, "fcntl", None)
    elif lack == "disk":

        def refuse(*_asked):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(edits.fcntl, "flock", refuse)
    else:
        monkeypatch.setattr(edits, "machine", lambda: "another")
    with pytest.raises(FileExistsError):
        edits.save(folder, package, changes, edits.digest(base))
    ago = time.time() - 61
    os.utime(folder / ".saving", (ago, ago))
    edits.save(folder, package, changes, edits.digest(base))
    assert dataset.load(folder).places.loc["town", "name"] == "New town"
    assert not [f.name for f in folder.iterdir() if f.name.startswith(".")]


def test_a_first_step_of_a_briefing_adds_its_table(tmp_path):
    rows = builders.tables()
    step = rows.pop("briefing")[0]
    folder = builders.write(tmp_path / "package", rows)
    base = edits.read(folder)
    cells = tuple((name, cell) for name, cell in step.items() if name != "step")
    change = Change((Edit("briefing", "1", "", None, Row("", cells)),), "", "", WHEN)
    tables = edits.apply(base.tables, change.edits)
    edits.save(folder, replace(base, tables=tables), [change], edits.digest(base))
    assert dataset.load(folder).briefing.loc[1, "title"] == "First"
