"""Acts that are killed at every moment, in a process of their own: ``python killing.py ACT …``.

Each act is forked again and again, and killed (SIGKILL) one line of the code that writes later each
time, and then in the middle of its writing to the disk, by a limit on the size of files that the
system enforces; a save to a database between its statements. After each death what is there is
looked at. Prints how many deaths there were; whatever is half ends it with an error.
"""

import itertools
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import CodeType

from geo import __main__ as command_line
from geo import dataset, edits, exports, files
from geo.edits import Change, Edit


def deaths(act: Callable[[], object], codes: set[CodeType], every: int = 1) -> Iterator[int]:
    """Yields after each death of the act at one of the lines of these functions."""
    for moment in itertools.count(1, every):
        if _child(lambda moment=moment: _run_until(moment, act, codes)) == 0:
            return
        yield moment


def half_written(act: Callable[[], object], sizes: list[int]) -> Iterator[int]:
    """Yields after each death of the act in the middle of writing a file, after so many bytes."""

    def limited(size: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        act()

    for size in sizes:
        status = _child(lambda size=size: limited(size))
        assert status == -signal.SIGXFSZ, f"{size}: {status}"
        yield size


def _run_until(moment: int, act: Callable[[], object], codes: set[CodeType]) -> None:
    left = moment

    def trace(frame, event, _arg):
        nonlocal left
        if frame.f_code not in codes:
            return None
        left -= event in ("line", "return")
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    act()


def _child(act: Callable[[], object]) -> int:
    """Run in a fork; returns 0, or the signal that killed it, negative."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # the fork must end here, whatever happens
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status <= 0, status
    return status


def _codes(*functions: Callable) -> set[CodeType]:
    return {function.__code__ for function in functions}


def edited(package: edits.Package) -> tuple[edits.Package, Change]:
    """The small package with one cell changed in each of two tables."""
    cells = (("claims", "flag", "title", "New"), ("places", "town", "name", "New"))
    made = tuple(Edit(t, r, f, package.tables[t].loc[r, f], after) for t, r, f, after in cells)
    change = Change(made, "Ann", "why", datetime(2024, 11, 1, tzinfo=UTC))
    return replace(package, tables=edits.apply(package.tables, made)), change


def save(folder: Path) -> None:
    """A save to a folder."""
    old = {file.name: file.read_bytes() for file in folder.iterdir()}
    base = edits.read(folder)
    package, change = edited(base)
    read, digest = edits.read, edits.digest
    states = {digest(base): ("old", 0), digest(package): ("new", 3)}

    def act() -> None:
        # What reads is not what is killed: it is spared, as it takes most of the time.
        edits.dataset_of = lambda *_package: None
        edits.read = lambda _folder: base
        edits.digest = lambda _package: "known"
        edits.save(folder, package, [change], "known")

    def state() -> str:
        found = read(folder)  # which recovers first
        name, lines = states[digest(found)]
        assert found.changelog.count("\n") == lines
        kept = list((folder / edits.VERSIONS).glob("*"))
        assert [digest(read(each)) for each in kept] == [digest(base)] * (name == "new")
        return name

    def again() -> None:
        """Nothing stands in the way of the next one, which does not wait."""
        left = folder / edits._WRITING
        if left.is_dir() and not any(left.iterdir()):
            unmarked.append(left)  # died between two lines, as one of another machine might have
            left.rmdir()
        assert _child(act) == 0
        assert digest(read(folder)) == digest(package)

    def restore() -> None:
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        for name, raw in old.items():
            (folder / name).write_bytes(raw)

    def look() -> str:
        found = state()
        if found == "old":
            again()
        restore()
        return found

    seen, unmarked = [], []
    begin = (edits._begin.__wrapped__, edits._locked.__wrapped__, edits.lock)
    steps = (edits.save, *begin, edits.recover, edits._keep, edits._write, edits._sync)
    # Every line was tried once; every other one does for a change.
    for _ in deaths(act, _codes(*steps), every=2):
        seen.append(look())
    assert look() == "new"  # the one that lived
    assert set(seen) == {"old", "new"}
    assert seen == sorted(seen, reverse=True)  # and never back
    assert [look() for _ in half_written(act, [1, 300, 700])] == ["old"] * 3

    def leave() -> None:
        """What a save that died in the middle leaves."""
        writing = folder / edits._WRITING
        (writing / f".{edits.machine()}").mkdir(parents=True)
        (writing / edits.VERSIONS).mkdir()
        (writing / edits.VERSIONS / "x.zip").write_bytes(b"half")
        (writing / "claims.csv").write_bytes(b"half")

    leave()
    count = 0
    for _ in deaths(act, _codes(*begin)):  # while it clears what another one left
        assert (folder / edits._WRITING / f".{edits.machine()}").is_dir() or state() == "new"
        if state() == "old":
            again()
        restore()
        leave()
        count += 1
    assert count > 10
    assert state() == "new"
    restore()
    assert len(unmarked) <= 2
    dataset.load(folder)
    print(len(seen))


def output(folder: Path) -> None:
    """The file of a command; ``geo.__main__._write`` is the one way of all of them."""
    made, old = b"new" * 5000, b"old"
    real = files.make
    whole = dataset.load(folder)
    command_line._loaded = lambda _args: whole
    count = 0
    for words in (
        ["export", "real.geojson"],  # made as ever; of the others only the writing counts
        ["snapshot", "x.png"],
    ):
        target = folder / words[1]
        files.make = real if target.stem == "real" else lambda *_asked: made
        asked = [words[0], "-o", str(target)]
        target.write_bytes(old)
        seen, left = [], []

        def act(asked=asked) -> None:
            sys.stdout = sys.stderr
            assert command_line.main(asked) == 0

        for _ in deaths(act, _codes(exports.write, edits.lock)):
            seen.append(target.read_bytes())
            left.append(len(list(folder.glob(".*.part"))))
        new = target.read_bytes()  # by the one that lived
        for _ in half_written(act, [1000]):
            assert target.read_bytes() == new
        assert max(left) == 1  # as the next one clears what the last one left
        assert _child(act) == 0
        assert not list(folder.glob(".*.part"))
        assert len(new) > 1000
        assert set(seen) == {old, new}
        assert seen == sorted(seen, key=[old, new].index)
        count += len(seen)
    print(count)


def database_save(url: str) -> None:
    """A save to the database, killed between its statements, before its end and after it."""
    import sqlalchemy as sa

    from geo import database

    engine = database.connect(url)
    base = database.read(engine, "small")
    known = edits.digest(base)
    package, change = edited(base)
    whole = edits.dataset_of(package)
    edits.dataset_of = lambda *_package: whole  # it takes most of the time, and no database

    def act(moment: int, after_commit: bool = False) -> None:
        left = moment

        def statement(*_told) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def end(*_told) -> None:
            os.kill(os.getpid(), signal.SIGUSR1)  # as sudden, and told from the other

        engine.dispose(close=False)  # a connection is not for two processes
        sa.event.listen(engine, "before_cursor_execute", statement)
        if after_commit:
            sa.event.listen(engine.pool, "checkin", end)
        else:
            sa.event.listen(engine, "commit", end)
        database.save(engine, "small", package, [change], known)

    def state() -> str:
        tables = database.read(engine, "small").tables
        titles = (tables["claims"].loc["flag", "title"], tables["places"].loc["town", "name"])
        name, lines = {("A flag", "Town"): ("old", 0), ("New", "New"): ("new", 2)}[titles]
        assert len(database.history(engine, "small", known)) == lines
        return name

    count = 0
    for moment in itertools.count(1, 4):
        status = _child(partial(act, moment))
        assert state() == "old"
        count += 1
        if status == -signal.SIGUSR1:
            break  # no statement is left but the one that ends it
    assert _child(partial(act, 0, after_commit=True)) == -signal.SIGUSR1
    assert state() == "new"
    print(count)


if __name__ == "__main__":
    act, where = sys.argv[1:]
    {"save": lambda: save(Path(where)), "output": lambda: output(Path(where)),
     "database": lambda: database_save(where)}[act]()  # fmt: skip
