"""What goes wrong under a running app or in the midst of a save: told, survived, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import builders
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest
from test_data_page import PAGES, edited, html, keys, mine, opened, press
from test_map_in_browser import ids, map_frame
from test_pages import state_of_map

from geo import __main__ as command_line
from geo import database, edits, overlays, webdata
from geo import dataset as datasets
from geo.dataset import DatasetError
from pages import guard, problems, served

ROOT = Path(__file__).resolve().parent.parent
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))


def refuses(error: OSError) -> Callable:
    def refuse(*_asked, **_more):
        raise error

    return refuse


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
    assert killed("save", str(builders.write(tmp_path / "small"))) > 80


def test_a_file_of_the_command_line_that_is_killed_is_the_old_or_the_new(tmp_path):
    assert killed("output", str(builders.write(tmp_path / "small"))) > 30


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
    assert killed("database", postgis) > 4


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
    return edited(app, "claims", "flag", "title", title)


def errors(app: AppTest) -> str:
    return " ".join(each.value for each in app.error)


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


COMMANDS = [
    *(("export", f"x{s}") for s in (".geojson", ".gpkg", ".kml", ".csv", ".html", ".zip")),
    *(("snapshot", f"x{s}") for s in (".png", ".svg", ".pdf")),
    *(("report", "x.docx"), ("report", "x.pdf"), ("handout", "x.pdf")),
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
    monkeypatch.setattr(Path, "touch", refuses(READ_ONLY))
    with pytest.raises(SystemExit) as left:
        command_line.main(["export", str(folder), "-o", str(target)])
    assert left.value.code == 2
    assert f"cannot write {target}: Read-only file system" in capsys.readouterr().err
    assert target.read_bytes() == b"before"
