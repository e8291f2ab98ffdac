"""Changes to a data package as data: made, taken back, compared, merged, and saved without loss.

The tables are edited as the text that stands in their files, so that what nobody touched stays as
it was, and a table may pass through states that are not sound. ``dataset_of`` tells whether one is.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path, PurePosixPath

import pandas as pd

from geo import dataset as datasets
from geo.dataset import TABLES, Dataset, schema

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

CHANGELOG = "changelog.csv"
VERSIONS = "versions"  # the folder of a package that holds what it was before each save
COLUMNS = ("when", "who", "table", "row", "field", "before", "after", "why")

_DESCRIPTOR = "datapackage.json"
_WRITING, _WRITTEN = ".saving", ".saved"  # folders inside a package while it is being saved
_STALE_S = 60.0  # after which a save is taken for dead where no lock tells that it is
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)

# Each table as text, every cell a str, indexed by its key, in the order of its file.
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Row:
    """A whole row: the id of the row it comes after ("" for the first), and its filled cells."""

    follows: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Edit:
    """One change: of a cell, or, with ``field`` "", of a whole row (None where it is not there)."""

    table: str
    row: str
    field: str
    before: str | Row | None
    after: str | Row | None


@dataclass(frozen=True)
class Change:
    """Edits made at once, with who made them, when, and why."""

    edits: tuple[Edit, ...]
    author: str
    note: str
    when: datetime


@dataclass(frozen=True)
class Conflict:
    """A cell that two people changed in different ways, or (``field`` "") a row that one of them
    removed and the other changed; ``Row`` or None is then what each made of it."""

    table: str
    row: str
    field: str
    base: str | Row | None
    mine: str | Row | None
    theirs: str | Row | None


@dataclass(frozen=True, eq=False)
class Package:
    """A data package as text: its descriptor, its tables, its changelog, and what else it lists."""

    descriptor: dict
    tables: Tables
    changelog: str = ""
    others: tuple[tuple[str, bytes], ...] = ()


class ChangedMeanwhile(Exception):
    """Someone else saved first; ``theirs`` is the package as it stands now."""

    def __init__(self, theirs: Package):
        super().__init__("the package was changed since it was read")
        self.theirs = theirs


# Edits


def key_of(table: str) -> str:
    """The name of a table's key column."""
    return "step" if table == "briefing" else "id"


def apply(tables: Tables, edits: Iterable[Edit]) -> dict[str, pd.DataFrame]:
    """The tables after the edits, in their order; those given stay as they are.

    Raises ValueError for an edit that does not start from what stands there.
    """
    by_table: dict[str, list[Edit]] = {}
    for edit in edits:
        by_table.setdefault(edit.table, []).append(edit)
    return dict(tables) | {t: _applied(tables[t], mine) for t, mine in by_table.items()}


def _applied(frame: pd.DataFrame, edits: list[Edit]) -> pd.DataFrame:
    order, cells = list(frame.index), _cells(frame)
    for edit in edits:
        if edit.field:
            if edit.row not in cells or cells[edit.row].get(edit.field, "") != edit.before:
                raise ValueError(f"{edit} starts from another cell")
            cells[edit.row][edit.field] = edit.after
        elif edit.after is None:
            if _filled(cells.get(edit.row)) != dict(edit.before.cells):
                raise ValueError(f"{edit} removes another row")
            del cells[edit.row]
            order.remove(edit.row)
        else:
            if edit.row in cells:
                raise ValueError(f"{edit} adds a row that is there")
            cells[edit.row] = dict(edit.after.cells)
            order.insert(_place_after(order, edit.after.follows), edit.row)
    return _frame(order, cells, frame)


def _place_after(order: list[str], row: str) -> int:
    """Where what follows a row belongs; the end, where that row is gone."""
    if not row:
        return 0
    return order.index(row) + 1 if row in order else len(order)


def _cells(frame: pd.DataFrame) -> dict[str, dict[str, str]]:
    return frame.to_dict("index")


def _filled(row: dict[str, str] | None) -> dict[str, str] | None:
    return None if row is None else {name: cell for name, cell in row.items() if cell != ""}


def _frame(order: list[str], cells: dict[str, dict], like: pd.DataFrame) -> pd.DataFrame:
    columns = list(dict.fromkeys([*like.columns, *(n for row in order for n in cells[row])]))
    rows = [[cells[row].get(name, "") for name in columns] for row in order]
    index = pd.Index(order, name=like.index.name, dtype=object)
    return pd.DataFrame(rows, index=index, columns=columns, dtype=object)


def _row(order: Sequence[str], position: int, cells: dict[str, str]) -> Row:
    follows = order[position - 1] if position else ""
    return Row(follows, tuple(_filled(cells).items()))


def invert(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that take these back."""
    return tuple(replace(e, before=e.after, after=e.before) for e in reversed(edits))


def diff(start: Tables, target: Tables) -> tuple[Edit, ...]:
    """The edits that lead from one state of the tables to another; a row that moved is two."""
    return tuple(e for table in start for e in _differences(table, start[table], target[table]))


def _differences(table: str, start: pd.DataFrame, target: pd.DataFrame) -> list[Edit]:
    if start.equals(target):
        return []
    old, new = list(start.index), list(target.index)
    was, becomes = _cells(start), _cells(target)
    stays = _in_order([r for r in old if r in becomes], [r for r in new if r in was])
    names = list(dict.fromkeys([*start.columns, *target.columns]))
    # From the end, so that what each row follows is still there.
    found = [
        Edit(table, row, "", _row(old, position, was[row]), None)
        for position, row in reversed(list(enumerate(old)))
        if row not in stays
    ]
    found += [
        Edit(table, row, name, before, after)
        for row in old
        if row in stays
        for name in names
        if (before := was[row].get(name, "")) != (after := becomes[row].get(name, ""))
    ]
    found += [
        Edit(table, row, "", None, _row(new, position, becomes[row]))
        for position, row in enumerate(new)
        if row not in stays
    ]
    return found


def _in_order(old: list[str], new: list[str]) -> set[str]:
    """Of rows that both lists hold, a large part that stands in the same order in both."""
    if old == new:
        return set(old)
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {row for block in blocks for row in old[block.a : block.a + block.size]}


def typed(frame: pd.DataFrame, table: str, report: Mapping) -> pd.DataFrame:
    """A table after what a grid of it reports that was typed.

    ``report``: edited_rows (position -> column -> value), added_rows (column -> value each) and
    deleted_rows (positions). A new row gets the first free id, as nobody types one.
    """
    kinds = {each["name"]: each["type"] for each in schema(table)["fields"]}
    order, cells = list(frame.index), _cells(frame)

    def taken(values: Mapping) -> dict[str, str]:
        return {n: _typed(v, kinds.get(n, "string")) for n, v in values.items() if n in frame}

    for position, values in report.get("edited_rows", {}).items():
        cells[order[int(position)]].update(taken(values))
    for position in sorted(map(int, report.get("deleted_rows", ())), reverse=True):
        del cells[order.pop(position)]
    number, known = 0, set(frame.index)
    for values in report.get("added_rows", ()):
        stem = "" if table == "briefing" else table.removesuffix("s") + "-"
        while (row := f"{stem}{number + 1}") in known:
            number += 1
        known.add(row)
        order.append(row)
        cells[row] = taken(values)
    return _frame(order, cells, frame)


def _typed(value, kind: str) -> str:
    if value is None or value != value:
        return ""
    if kind == "date":
        return str(value)[:10]  # of a day with its hours
    if kind in ("number", "integer") and isinstance(value, int | float):
        return str(int(value)) if value == int(value) else repr(float(value))
    return str(value).strip()


# Two people


def merge(
    base: Tables, mine: Tables, theirs: Tables
) -> tuple[dict[str, pd.DataFrame], tuple[Conflict, ...]]:
    """Both changes of ``base`` at once, and the cells and rows where they contradict each other.

    There the merged tables hold theirs; ``settle`` puts mine in its place.
    """
    merged, conflicts = {}, []
    for table in base:
        frames = (base[table], mine[table], theirs[table])
        merged[table], found = _merged(table, *frames)
        conflicts += found
    return merged, tuple(conflicts)


def _merged(
    table: str, base: pd.DataFrame, mine: pd.DataFrame, theirs: pd.DataFrame
) -> tuple[pd.DataFrame, list[Conflict]]:
    was, my, their = (_cells(frame) for frame in (base, mine, theirs))
    result: dict[str, dict[str, str]] = {}
    conflicts: list[Conflict] = []
    for row in dict.fromkeys([*their, *my, *was]):
        states = [_filled(each.get(row)) for each in (was, my, their)]
        kept, found = _merged_row(table, row, *states)
        if kept is not None:
            result[row] = kept
        conflicts += found
    order = list(theirs.index)
    for edit in _differences(table, base, mine):
        if edit.field:
            continue
        if edit.after is None:  # removed, or moved and put back below
            if edit.row in order and (edit.row not in result or edit.row in my):
                order.remove(edit.row)
        elif edit.row in result and edit.row not in order:
            order.insert(_place_after(order, edit.after.follows), edit.row)
    columns = dict.fromkeys([*theirs.columns, *mine.columns])
    like = pd.DataFrame(columns=list(columns), index=theirs.index[:0])
    return _frame([row for row in order if row in result], result, like), conflicts


def _merged_row(
    table: str, row: str, was: dict | None, my: dict | None, their: dict | None
) -> tuple[dict | None, list[Conflict]]:
    if my in (was, their):
        return their, []
    if their == was:
        return my, []
    if my is None or their is None:
        sides = [None if s is None else Row("", tuple(s.items())) for s in (was, my, their)]
        return their, [Conflict(table, row, "", *sides)]
    kept, conflicts = dict(their), []
    for name in dict.fromkeys([*their, *my, *(was or {})]):
        b, m, t = ((side or {}).get(name, "") for side in (was, my, their))
        if m in (b, t):
            continue
        if t == b:
            kept[name] = m
        else:
            conflicts.append(Conflict(table, row, name, b, m, t))
    return kept, conflicts


def settle(merged: Tables, mine: Iterable[Conflict]) -> dict[str, pd.DataFrame]:
    """The merged tables with my side of these conflicts in place of theirs."""
    result = dict(merged)
    for each in mine:
        order, cells = list(result[each.table].index), _cells(result[each.table])
        if each.field:
            cells[each.row][each.field] = each.mine
        elif each.mine is None:
            order.remove(each.row)
        else:
            order.append(each.row)
            cells[each.row] = dict(each.mine.cells)
        result[each.table] = _frame(order, cells, result[each.table])
    return result


# Undo and redo


@dataclass(frozen=True, eq=False)
class History:
    """The tables as they were and as they are, with the changes between and those taken back."""

    start: Tables
    now: Tables
    done: tuple[Change, ...] = ()
    undone: tuple[Change, ...] = ()

    def make(self, change: Change) -> History:
        """After one more change; what was taken back before can no longer be made again."""
        if not change.edits:
            return self
        now = apply(self.now, change.edits)
        return replace(self, now=now, done=(*self.done, change), undone=())

    def undo(self) -> History:
        """Without the last change; itself where there is none."""
        if not self.done:
            return self
        *done, last = self.done
        now = apply(self.now, invert(last.edits))
        return replace(self, now=now, done=tuple(done), undone=(*self.undone, last))

    def redo(self) -> History:
        """With the change that was taken back last; itself where there is none."""
        if not self.undone:
            return self
        *undone, last = self.undone
        now = apply(self.now, last.edits)
        return replace(self, now=now, done=(*self.done, last), undone=tuple(undone))


# The package


def read(path: str | Path) -> Package:
    """The package in a folder or .zip as text; it must be one that ``dataset.load`` takes.

    Raises OSError or ValueError where it is none.
    """
    path = Path(path)
    if path.is_dir():
        recover(path)
        return _package({n: (path / n).read_bytes() for n in _names(path)})
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.namelist() if not m.endswith("/")]
            found = [m for m in members if PurePosixPath(m).name == _DESCRIPTOR]
            roots = [m.removesuffix(_DESCRIPTOR) for m in found]
            root = min(roots, key=len, default="")
            inside = {m.removeprefix(root): m for m in members if m.startswith(root)}
            return _package({name: archive.read(m) for name, m in inside.items()})
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no package") from error


def _names(folder: Path) -> list[str]:
    listed = json.loads((folder / _DESCRIPTOR).read_text("utf-8-sig")).get("resources", [])
    named = [_DESCRIPTOR, *(r["path"] for r in listed if _is_plain(r.get("path"))), CHANGELOG]
    return [name for name in named if (folder / name).is_file()]


def _is_plain(path: object) -> bool:
    parts = PurePosixPath(path).parts if isinstance(path, str) else ("..",)
    return ".." not in parts and not path.startswith("/")


def _package(files: dict[str, bytes]) -> Package:
    descriptor = json.loads(files[_DESCRIPTOR].decode("utf-8-sig"))
    paths = _paths(descriptor)
    tables = {table: _table(table, files.get(paths.get(table, ""), b"")) for table in TABLES}
    used = {_DESCRIPTOR, CHANGELOG, *paths.values()}
    listed = {r.get("path") for r in descriptor.get("resources", [])}
    others = tuple((n, raw) for n, raw in sorted(files.items()) if n in listed - used)
    return Package(descriptor, tables, files.get(CHANGELOG, b"").decode("utf-8-sig"), others)


def _paths(descriptor: dict) -> dict[str, str]:
    listed = descriptor.get("resources", [])
    return {r["name"]: r["path"] for r in reversed(listed) if r.get("name") in TABLES}


def _table(table: str, raw: bytes) -> pd.DataFrame:
    names = [each["name"] for each in schema(table)["fields"]]
    if raw.strip():
        text = io.BytesIO(raw)
        frame = pd.read_csv(text, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        for name in names:
            if name not in frame:
                frame[name] = ""
    else:
        frame = pd.DataFrame(columns=names, dtype=object)
    return frame.astype(object).set_index(key_of(table))


def package_of(dataset: Dataset) -> Package:
    """A dataset that came from no package, as one: the same tables, texts, views."""
    told = {key: getattr(dataset, key) for key in ("name", "title", "title_fr")}
    told |= {key: getattr(dataset, key) for key in ("description", "description_fr")}
    views = [
        {"name": v.name, "title": v.title, "title_fr": v.title_fr}
        | dict(zip(("west", "south", "east", "north"), v.bounds, strict=True))
        for v in dataset.views
        # The one that is worked out from the places: written down it would not follow them.
        if (v.name, v.title) != ("theatre", "Everything")
    ]
    descriptor = {"profile": "tabular-data-package"}
    descriptor |= {key: text for key, text in told.items() if text}
    descriptor |= {"views": views} if views else {}
    descriptor["resources"] = [{"name": t, "path": f"{t}.csv"} for t in TABLES]
    tables = {}
    for table in TABLES:
        frame = getattr(dataset, table)
        kinds = {each["name"]: each["type"] for each in schema(table)["fields"]}
        columns = [c for c in frame.columns if c != "geometry"]
        cells = {c: [_typed(v, kinds.get(c, "string")) for v in frame[c]] for c in columns}
        index = pd.Index(frame.index.astype(str), name=key_of(table), dtype=object)
        tables[table] = pd.DataFrame(cells, index=index, dtype=object)
    return Package(descriptor, tables)


def digest(package: Package) -> str:
    """Twelve hex digits that change with any cell or with the descriptor, not with quoting."""
    seen = hashlib.sha256(json.dumps(package.descriptor, sort_keys=True).encode())
    for table in TABLES:
        seen.update(_csv(package.tables[table]).encode())
    return seen.hexdigest()[:12]


def files_of(package: Package) -> dict[str, bytes]:
    """The files of a package, by their path inside it."""
    descriptor, paths = package.descriptor, _paths(package.descriptor)
    for table, frame in package.tables.items():
        if table not in paths and len(frame):
            resource = {"name": table, "path": f"{table}.csv"}
            descriptor = descriptor | {"resources": [*descriptor.get("resources", []), resource]}
            paths[table] = resource["path"]
    text = json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n"
    found = {_DESCRIPTOR: text.encode()}
    found |= {path: _csv(package.tables[table]).encode() for table, path in paths.items()}
    found |= dict(package.others)
    return found | ({CHANGELOG: package.changelog.encode()} if package.changelog else {})


def _csv(frame: pd.DataFrame) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([frame.index.name, *frame.columns])
    rows = zip(frame.index, frame.to_numpy(dtype=object).tolist(), strict=True)
    writer.writerows([key, *cells] for key, cells in rows)
    return text.getvalue()


def packed(package: Package, changes: Sequence[Change] = ()) -> bytes:
    """The package as a .zip that ``dataset.load`` takes, the changes told in its changelog."""
    package = replace(package, changelog=_logged(package.changelog, changes))
    return _zipped(files_of(package))


def _zipped(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            member = zipfile.ZipInfo(name, _ZIP_DAY)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, raw)
    return content.getvalue()


def dataset_of(package: Package, left_out: int = 0) -> Dataset:
    """The package as a dataset. Raises DatasetError with every problem of a state that is unsound.

    ``left_out``: how many rows of a file were left out before (``Dataset.left_out``).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, raw in files_of(package).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(raw)
        found = datasets.load(folder)
    return replace(found, left_out=left_out) if left_out else found


# Saving


def log_rows(changes: Sequence[Change]) -> list[dict[str, str]]:
    """The changes as rows of the changelog; a whole row counts cell by cell."""
    return [
        dict(zip(COLUMNS, (_stamp(c.when), c.author, e.table, e.row, *told, c.note), strict=True))
        for c in changes
        for e in c.edits
        for told in _told(e)
    ]


def _told(edit: Edit) -> list[tuple[str, str, str]]:
    if edit.field:
        return [(edit.field, edit.before, edit.after)]
    key = (key_of(edit.table), edit.row)
    if edit.after is None:
        return [(name, cell, "") for name, cell in (key, *edit.before.cells)]
    return [(name, "", cell) for name, cell in (key, *edit.after.cells)]


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _logged(changelog: str, changes: Sequence[Change]) -> str:
    if not changes:
        return changelog
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if not changelog.strip():
        writer.writeheader()
    elif not changelog.endswith("\n"):
        text.write("\n")
    writer.writerows(log_rows(changes))
    return changelog + text.getvalue()


def save(folder: Path, package: Package, changes: Sequence[Change], expected_digest: str) -> str:
    """Save a package in its folder, all of it or nothing, and return the new digest.

    ``expected_digest`` is that of the package as it was read; raises ChangedMeanwhile where the
    folder holds another one by now, DatasetError where the package is not sound, OSError where
    the disk refuses. What the folder held before is kept under ``versions``, and the changes are
    told in ``changelog.csv``. The new files are first written beside the old ones; then one rename
    says that they count, and whoever comes next moves them into place if this process dies.
    """
    dataset_of(package)
    recover(folder)
    with _begin(folder) as writing:
        recover(folder)  # another save may have ended since
        before = read(folder)
        if digest(before) != expected_digest:
            raise ChangedMeanwhile(before)
        old = {name: (folder / name).read_bytes() for name in _names(folder)}
        log, paths = _logged(before.changelog, changes), _paths(before.descriptor)
        new = files_of(replace(package, changelog=log))
        same = {p for t, p in paths.items() if package.tables[t].equals(before.tables[t])}
        if json.loads(new[_DESCRIPTOR]) == before.descriptor:
            same.add(_DESCRIPTOR)
        _keep(folder, writing, old)
        for name, raw in new.items():
            if name not in same:
                _write(writing / name, raw)
        _sync(writing)
        writing.rename(folder / _WRITTEN)  # from here on it is saved
    recover(folder)
    return digest(read(folder))


@contextmanager
def _begin(folder: Path) -> Iterator[Path]:
    """The folder to write into; made by one save alone, so it keeps out all others.

    Raises FileExistsError while another save is at work. A save that has the folder locked leaves
    its mark there: what it left can be taken over as soon as the lock is free, whatever the clocks
    say. What bears no mark of this machine may be of one that no lock of ours keeps out.
    """
    writing = folder / _WRITING
    mark = writing / f".{machine()}"  # a folder: when all is moved into place, it goes by itself
    with _locked(folder) as locked:
        try:
            writing.mkdir()
        except FileExistsError:
            if locked and mark.is_dir():
                for left in set(writing.iterdir()) - {mark}:  # the mark stays, should we die too
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            elif time.time() - writing.stat().st_mtime < _STALE_S:
                raise
            else:
                shutil.rmtree(writing)
                writing.mkdir()
        try:
            if locked:
                mark.mkdir(exist_ok=True)
            yield writing
        except BaseException:
            shutil.rmtree(writing, ignore_errors=True)
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether a lock, which dies with its process, keeps all others of this machine out.

    Raises FileExistsError where another has it. Windows locks no folders, nor do some networks.
    """
    if fcntl is None:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        locked = lock(handle)
        if locked is False:
            raise FileExistsError(errno.EEXIST, "Another save is at work", str(folder))
        yield locked is True
    finally:
        os.close(handle)


def lock(handle: int) -> bool | None:
    """Lock an open file or folder until it is closed or its process dies, however that does.

    Returns whether it is locked for us now and not for another; None where the system locks none.
    A network may lock for its own machine alone: ``machine`` tells one from another.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@cache
def machine() -> str:
    """Sixteen hex digits that no two machines that share a folder have in common."""
    told = f"{platform.node()} {uuid.getnode()}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def recover(folder: Path) -> None:
    """Move into place what a save has written but not moved; nothing where there is none."""
    written = folder / _WRITTEN
    if not written.is_dir():
        return
    for file in sorted(p for p in written.rglob("*") if p.is_file()):
        target = folder / file.relative_to(written)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file.replace(target)
        except FileNotFoundError:
            continue  # another process moves them as well
    _sync(folder)
    # Only where it is empty: by now it may be what the next save has written.
    for below in (*sorted(written.rglob("*"), reverse=True), written):
        with suppress(OSError):
            below.rmdir()


def _keep(folder: Path, writing: Path, files: Mapping[str, bytes]) -> None:
    """Write what the folder held beside what is to take its place: they count together."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    taken = len(list((folder / VERSIONS).glob(f"{stamp}*.zip")))
    name = f"{stamp}-{taken + 1}.zip" if taken else f"{stamp}.zip"
    _write(writing / VERSIONS / name, _zipped(files))


def _write(file: Path, raw: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.write(raw)
        opened.flush()
        os.fsync(opened.fileno())
    _sync(file.parent)


def _sync(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
