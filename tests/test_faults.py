"""What goes wrong under a running app or in the midst of a save: told, survived, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import builders
import pytest
import sqlalchemy as sa
from serve import serving
from streamlit.testing.v1 import AppTest
from test_data_page import (
    SOUND,
    UNSOUND,
    edited,
    file_of,
    html,
    keys,
    mine,
    opened,
    press,
    upload,
)
from test_map_in_browser import WHERE, click_mark, ids, map_frame
from test_pages import state_of_map

from geo import __main__ as command_line
from geo import database, edits, intake, webdata
from geo import dataset as datasets
from geo.dataset import DatasetError
from pages import guard, served

ROOT = Path(__file__).resolve().parent.parent
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))


def refuses(error: OSError) -> Callable:
    def refuse(*_asked, **_more):
        raise error

    return refuse


def test_a_server_that_ends_leaves_no_files_behind(tmp_path):
    log, made = tmp_path / "server.log", tmp_path / "made"
    made.mkdir()
    with serving(ROOT / "dashboard.py", None, log, env={"TMPDIR": str(made)}) as server:
        server.wait_until_healthy()
        for _ in range(300):
            if any(made.glob("claimmap-*/marks-*")):
                break
            time.sleep(0.1)
        else:
            raise AssertionError("it made no files for the map")
    assert not list(made.glob("claimmap-*"))


# Killed at any moment


def killed(act: str, where: str) -> int:
    """How many deaths an act of ``killing.py`` died without leaving anything half done."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "killing.py"), act, where],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def test_a_save_to_a_folder_that_is_killed_leaves_the_old_or_the_new(tmp_path):
    assert killed("save", str(builders.write(tmp_path / "small"))) > 40


def test_a_file_of_the_command_line_that_is_killed_is_the_old_or_the_new(tmp_path):
    assert killed("output", str(builders.write(tmp_path / "small"))) > 15


@pytest.fixture
def in_database(postgis: str, monkeypatch, tmp_path):
    """The small dataset in the database that the app serves and may write to."""
    engine = database.connect(postgis)
    database.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE contested_claims.datasets CASCADE"))
        connection.execute(sa.text("TRUNCATE contested_claims.audit"))
    package = edits.read(builders.write(tmp_path / "small"))
    database.store(engine, package, "small", who="Ann", why="test")
    monkeypatch.setenv("CLAIMS_DATABASE_URL", postgis)
    monkeypatch.setenv("CLAIMS_DATASET", "small")
    monkeypatch.setenv(served.EDITABLE, "1")
    monkeypatch.setattr(served, "RETRY_S", 0.0)
    yield engine
    engine.dispose()
    served._engine(postgis).dispose()


def test_a_save_to_a_database_that_is_killed_leaves_the_old_or_the_new(in_database, postgis):
    assert killed("database", postgis) > 4  # in several places


def test_what_a_dead_save_had_written_counts_for_whoever_reads_next(tmp_path, monkeypatch, capsys):
    for read in (
        lambda folder: served.load_dataset(),
        lambda folder: command_line.main(["validate", str(folder)]),
    ):
        folder = builders.write(tmp_path / f"p{len(list(tmp_path.iterdir()))}")
        written = folder / ".saved"
        written.mkdir()
        claims = (folder / "claims.csv").read_text("utf-8")
        (written / "claims.csv").write_text(claims.replace("A flag", "Saved"), "utf-8")
        monkeypatch.setenv("CLAIMS_DATASET", str(folder))
        monkeypatch.setenv(served.EDITABLE, "1")
        read(folder)
        assert not written.exists()
        assert datasets.load(folder).claims.loc["flag", "title"] == "Saved"
    assert "no problems" in capsys.readouterr().out


def test_cleaning_up_after_one_save_spares_what_the_next_has_written(tmp_path, monkeypatch):
    folder = builders.write(tmp_path / "p")
    (folder / ".saved").mkdir()
    (folder / ".saved" / "claims.csv").write_text("first", "utf-8")

    def another_saves(_folder: Path) -> None:
        (folder / ".saved" / "claims.csv").write_text("second", "utf-8")

    with monkeypatch.context() as patched:
        patched.setattr(edits, "_sync", another_saves)
        edits.recover(folder)
    edits.recover(folder)
    assert (folder / "claims.csv").read_text("utf-8") == "second"


# A disk that is full or may not be written to


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A small dataset in a folder that the app serves and may write to."""
    folder = builders.write(tmp_path / "small")
    monkeypatch.setenv("CLAIMS_DATASET", str(folder))
    monkeypatch.setenv(served.EDITABLE, "1")
    return folder


def changing(title: str = "Changed") -> AppTest:
    """The page of changes after Ann changed a title."""
    app = press(opened("part=change"), "edit.begin")
    app.text_input(key="edit.author").set_value("Ann").run()
    return edited(app, "claims", "flag", "title", title, author="Ann")


def errors(app: AppTest) -> str:
    return " ".join(each.value for each in app.error).replace("\\", "")


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("_begin", READ_ONLY, "Read-only file system"),
        ("_keep", FULL, "No space left on device"),
        ("_write", FULL, "No space left on device"),
    ],
)
def test_a_save_that_the_disk_refuses_is_told_and_can_be_made_again(
    folder, monkeypatch, where, error, words
):
    app, before = changing(), all_files(folder)
    with monkeypatch.context() as patched:
        patched.setattr(edits, where, refuses(error))
        press(app, "edit.save")
    assert words in errors(app)
    assert all_files(folder) == before
    assert len(mine(app).history.done) == 1
    press(app, "edit.save")
    assert not app.error
    assert app.success
    assert datasets.load(folder).claims.loc["flag", "title"] == "Changed"


def test_a_change_that_cannot_be_checked_for_want_of_room_is_kept(folder, monkeypatch):
    app = changing("First")
    press(app, "edit.undo")
    with monkeypatch.context() as patched:
        patched.setattr(edits.tempfile, "TemporaryDirectory", refuses(FULL))
        press(app, "edit.redo")
    assert "No space left on device" in mine(app).problems[0].found
    assert app.button(key="edit.save").disabled
    assert mine(app).history.now["claims"].loc["flag", "title"] == "First"
    press(app, "edit.undo")
    press(app, "edit.redo")
    assert mine(app).problems == ()
    assert mine(app).dataset.claims.loc["flag", "title"] == "First"


def test_a_map_without_room_for_its_files_is_told_and_the_other_pages_go_on(folder, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(webdata, "_write", refuses(FULL))
        app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
        assert not app.exception
        assert "No space left on device" in errors(app)
        app.switch_page("pages/register.py").run()
        assert not app.exception
        assert not app.error
        assert "A flag" in html(app)
    app.switch_page("pages/map.py").run()
    assert not app.exception
    assert not app.error
    assert app.get("component_instance")


def test_an_upload_without_room_to_check_it_is_told_and_can_be_taken_up_again(monkeypatch):
    app = upload(opened(), file_of(*SOUND[:2], *UNSOUND))
    with monkeypatch.context() as patched:
        patched.setattr(intake.tempfile, "TemporaryDirectory", refuses(FULL))
        press(app, "data.sound")
        assert "No space left on device" in errors(app)
        assert "own" not in app.session_state
    press(app, "data.sound")
    assert mine(app).dataset.left_out == 2
    with monkeypatch.context() as patched:
        patched.setattr(intake.tempfile, "TemporaryDirectory", refuses(FULL))
        upload(press(app, "data.leave"), file_of(*SOUND[:1]))
    assert "No space left on device" in errors(app)


def test_a_layer_without_room_to_unpack_it_is_told():
    app = AppTest.from_function(_take_a_layer, default_timeout=60).run()
    assert not app.exception
    (failed,) = app.session_state["overlays.failed"]
    assert (failed.found, failed.code) == ("No space left on device", "disk")


def _take_a_layer() -> None:
    import errno
    import os

    import pages.overlays

    def refuse(*_asked):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    read, pages.overlays.overlays.read = pages.overlays.overlays.read, refuse
    try:
        pages.overlays._take(b"", "front.gpkg", None)
    finally:
        pages.overlays.overlays.read = read


# One of each way of making a file: in memory, by SQLite, by matplotlib, by Typst.
COMMANDS = [
    *(("export", "x.geojson"), ("export", "x.gpkg"), ("snapshot", "x.png"), ("report", "x.pdf"))
]


@pytest.mark.parametrize(("command", "name"), COMMANDS)
def test_a_command_on_a_full_disk_says_so_and_leaves_the_file_of_before(
    tmp_path, capsys, command, name
):
    """The system itself cuts every file off after so many bytes, wherever it is written."""
    folder, target = builders.write(tmp_path / "small"), tmp_path / name
    target.write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(SystemExit) as left:
            command_line.main([command, str(folder), "-o", str(target)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    told = capsys.readouterr().err.splitlines()[-1]
    assert left.value.code == 2
    assert "File too large" in told or "disk" in told
    assert target.read_bytes() == b"before"
    assert [f.name for f in tmp_path.iterdir() if f.is_file()] == [name]


def test_a_command_in_a_folder_that_may_not_be_written_to_says_so(tmp_path, monkeypatch, capsys):
    folder, target = builders.write(tmp_path / "small"), tmp_path / "x.csv"
    target.write_bytes(b"before")
    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", *more, **named: (
            refuses(READ_ONLY)() if "x" in mode else opened(path, mode, *more, **named)
        ),
    )
    with pytest.raises(SystemExit) as left:
        command_line.main(["export", str(folder), "-o", str(target)])
    assert left.value.code == 2
    assert f"cannot write {target}: Read-only file system" in capsys.readouterr().err
    assert target.read_bytes() == b"before"


# A dataset that breaks or goes away under the running app


def warnings(app: AppTest) -> str:
    return " ".join(each.value for each in app.warning)


def break_it(folder: Path) -> None:
    (folder / "claims.csv").write_text("id,title\nflag,\nfar,\n", "utf-8")


def delete_it(folder: Path) -> None:
    shutil.rmtree(folder)


def refuse_it(folder: Path) -> None:
    (folder / "claims.csv").unlink()
    (folder / "claims.csv").mkdir()  # which can be read by no one, root or not


@pytest.mark.parametrize("harm", [break_it, delete_it, refuse_it])
def test_a_folder_that_breaks_is_shown_as_it_was_and_comes_back_by_itself(folder, harm, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    shown = state_of_map(app)["mask"]
    assert not app.warning
    assert json.loads(guard.health(None).body)["status"] == "ok"
    harm(folder)
    for page in ("register", "compare", "export", "data") if harm is delete_it else ("register",):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, page
        assert "as it last was" in warnings(app), page
    told = guard.health(None)
    assert (told.status_code, json.loads(told.body)["status"]) == (200, "kept")
    assert json.loads(told.body)["why"]
    app.switch_page("pages/map.py").run()
    assert state_of_map(app)["mask"] == shown
    # Who comes only now sees it as well.
    late = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    assert "as it last was" in warnings(late)
    assert state_of_map(late)["mask"] == shown
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(copy, folder)
    for viewer in (app, late):
        viewer.run()
        assert not viewer.exception
        assert not viewer.warning
        assert state_of_map(viewer)["mask"] == shown
    assert json.loads(guard.health(None).body)["status"] == "ok"


def test_an_edit_from_outside_is_shown_with_the_next_click(folder):
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    claims = (folder / "claims.csv").read_text("utf-8")
    (folder / "claims.csv").write_text(claims.replace("A flag", "Another flag"), "utf-8")
    app.run()
    assert not app.warning
    assert "Another flag" in html(app)


def test_a_dataset_that_changes_while_it_is_read_is_read_again(folder, monkeypatch):
    claims, load, reads = folder / "claims.csv", served.intake.load, []

    def slow(path: Path) -> datasets.Dataset:
        if not reads:
            claims.write_text(claims.read_text("utf-8").replace("A flag", "New"), "utf-8")
            reads.append(path)
            raise DatasetError(path, [])  # half of the old, half of the new
        reads.append(path)
        return load(path)

    monkeypatch.setattr(served.intake, "load", slow)
    assert served.load_dataset().claims.loc["flag", "title"] == "New"
    assert len(reads) == 2


def test_what_is_broken_is_not_read_again_at_every_click(folder, monkeypatch):
    first, _none = served.shown()
    break_it(folder)
    assert served.shown()[1] is not None
    with monkeypatch.context() as patched:
        patched.setattr(served, "load_dataset", refuses(AssertionError("read again")))
        found, error = served.shown()
    assert found is first
    assert error is not None


def test_while_one_asks_whether_it_is_back_nobody_else_waits(folder, monkeypatch):
    first, _none = served.shown()
    break_it(folder)
    monkeypatch.setattr(served, "RETRY_S", 0.0)
    assert served.shown()[1] is not None
    asked, answered = threading.Event(), threading.Event()

    def slow(_slowly: Callable) -> datasets.Dataset:
        asked.set()
        assert answered.wait(60)
        return first

    monkeypatch.setattr(served, "load_dataset", slow)
    monkeypatch.setattr(served, "RETRY_S", 30.0)
    aged = {source: replace(known, until=0.0) for source, known in served._troubles.items()}
    monkeypatch.setattr(served, "_troubles", aged)
    found = []
    one = threading.Thread(target=lambda: found.append(served.shown()))
    one.start()
    try:
        assert asked.wait(60)
        kept, error = served.shown()
        assert kept is first
        assert error is not None
    finally:
        answered.set()
        one.join()
    assert found == [(first, None)]


def test_who_edits_a_folder_that_is_gone_is_told_and_keeps_the_changes(folder, tmp_path):
    app = changing()
    folder.rename(tmp_path / "elsewhere")
    press(app, "edit.save")
    assert "No such file or directory" in errors(app)
    assert len(mine(app).history.done) == 1
    (tmp_path / "elsewhere").rename(folder)
    press(app, "edit.save")
    assert app.success
    assert datasets.load(folder).claims.loc["flag", "title"] == "Changed"
    shutil.rmtree(folder)
    press(app, "data.leave")
    press(app, "edit.begin")
    assert "nothing was lost" in errors(app)
    assert "own" not in app.session_state


def test_a_folder_that_goes_and_comes_back_in_a_browser(serve, open_page, tmp_path):
    folder = shutil.copytree(datasets.BUILT_IN, tmp_path / "copy")
    visit = open_page(f"{serve(folder)}/?view=routes")
    frame = map_frame(visit)
    before = ids(frame)
    frame.evaluate("window.mine = 'the same frame'")
    where = frame.evaluate("claimMap.map.getBounds().toBBoxString()")
    folder.rename(tmp_path / "away")
    visit.page.get_by_role("button", name="Pokrovsk").first.click()
    visit.page.get_by_text("as it last was").wait_for()
    visit.settle()
    assert frame.evaluate("window.mine") == "the same frame"
    assert ids(frame) == before
    assert frame.evaluate("claimMap.map.getBounds().toBBoxString()") != where
    (tmp_path / "away").rename(folder)
    # Without a click.
    visit.page.get_by_text("as it last was").wait_for(state="hidden", timeout=60_000)
    visit.settle()
    assert frame.evaluate("window.mine") == "the same frame"
    assert ids(frame) == before
    assert not visit.page.locator('[data-testid="stException"]').count()


def test_a_reload_keeps_the_view_the_filters_and_the_open_claim(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/?view=base&confidence=high&confidence=moderate")
    frame = map_frame(visit)
    place = datasets.load().places.loc["sergeevka"]
    click_mark(frame, place["lon"], place["lat"])
    visit.page.wait_for_url("**claim=sergeevka-site**")
    visit.settle()
    named, drawn, address = frame.evaluate(WHERE), ids(frame), visit.page.url
    visit.page.reload()
    frame = map_frame(visit)
    assert (frame.evaluate(WHERE), ids(frame), visit.page.url) == (named, drawn, address)
    # Where the viewer moved to by hand is in no address.
    box = visit.page.locator("iframe").first.bounding_box()
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.page.mouse.wheel(0, -400)
    frame.wait_for_function(f"claimMap.map.getZoom() > {named[1]} + 0.5")
    visit.page.wait_for_timeout(600)
    center, zoom = frame.evaluate(WHERE)
    visit.page.reload()
    frame = map_frame(visit)
    found, at_zoom = frame.evaluate(WHERE)
    # To the pixel: 0.001 degrees are about one there.
    assert found == pytest.approx(center, abs=0.002)
    assert (at_zoom, ids(frame), visit.page.url) == (zoom, drawn, address)
    assert frame.evaluate("claimMap.selected") == "sergeevka-site"
    visit.page.locator("article.evidence").get_by_text("GeoConfirmed").first.wait_for()
    # A link to another view, and that view's button, go to that view.
    visit.page.goto(f"{dashboard_url}/?view=pokrovsk")
    frame = map_frame(visit)
    frame.wait_for_function(
        "([lon, lat]) => claimMap.map.getBounds().contains([lat, lon])",
        arg=[37.18, 48.28],
    )


# A database that goes away under the running app, and two who save to it


def test_a_database_that_goes_is_shown_as_it_was_and_comes_back(
    in_database, postgis_server, caplog
):
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    shown = state_of_map(app)["mask"]
    editor = changing()
    postgis_server.stop()
    try:
        for page in ("register", "map"):
            app.switch_page(f"pages/{page}.py").run()
            assert not app.exception
            assert "a database that answers" in warnings(app)
        assert state_of_map(app)["mask"] == shown
        told = guard.health(None)
        assert (told.status_code, json.loads(told.body)["why"]) == (200, "database-away")
        press(editor, "edit.save")
        assert "a database that answers" in errors(editor)
        assert len(mine(editor).history.done) == 1
    finally:
        postgis_server.start()
    app.run()
    until = time.monotonic() + 60
    while app.warning and time.monotonic() < until:
        # Asked again the later, the longer it took to hear that nobody answers.
        time.sleep(0.2)
        app.run()
    assert not app.exception
    assert not app.warning
    press(editor, "edit.save")
    assert editor.success
    assert database.load(in_database).claims.loc["flag", "title"] == "Changed"
    app.run()
    assert "Changed" in html(app)
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_a_save_to_the_database_is_recorded_and_seen_by_the_others(in_database):
    app = changing()
    press(app, "edit.save")
    assert "database" in app.success[0].value
    assert mine(app).history.done == ()
    [line] = database.history(in_database, "small")[1:]
    assert (line["who"], line["field"], line["after"]) == ("Ann", "title", "Changed")
    assert served.load_dataset().claims.loc["flag", "title"] == "Changed"
    assert edits.digest(mine(app).package) == database.version(in_database)[1]


def test_the_second_who_saves_to_the_database_is_told_and_loses_nothing(in_database):
    first, second = changing("Of Ann"), changing("Of Bo")
    edited(second, "claims", "far", "title", "Of Bo alone")
    press(first, "edit.save")
    press(second, "edit.save")
    assert second.warning
    assert database.load(in_database).claims.loc["flag", "title"] == "Of Ann"
    told = next(g.value for g in second.data_editor if "theirs" in g.value)
    assert told[["own", "theirs"]].values.tolist() == [["Of Bo", "Of Ann"]]
    press(second, "edit.join")
    press(second, "edit.save")
    assert second.success
    titles = database.load(in_database).claims["title"]
    assert titles.loc[["flag", "far"]].tolist() == ["Of Ann", "Of Bo alone"]


def test_without_leave_the_database_is_not_saved_to(in_database, monkeypatch):
    monkeypatch.delenv(served.EDITABLE)
    app = press(opened("part=change"), "edit.begin")
    assert "edit.save" not in keys(app)
    assert any("CLAIMS_EDITABLE=1" in text.value for text in app.markdown)
