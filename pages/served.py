"""What one server keeps for all its viewers: datasets as read, and the files their maps fetch.

Each is made once, by whoever asks first: a viewer, or the thread that gets ready at the start.
Where the dataset breaks or goes away under the running server, the last sound state is kept.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from pathlib import Path
from threading import RLock, Thread

from geo import checks, edits, intake, marks, selection, texts, webdata
from geo import dataset as datasets
from geo.dataset import Dataset, DatasetError, Problem
from geo.edits import Package
from geo.selection import Selection

EDITABLE = "CLAIMS_EDITABLE"  # the environment variable that lets the app write to its dataset
RETRY_S = 2.0  # after which a database that failed is asked again
_TRIES = 3  # at files that change while they are read
_LOGGER = logging.getLogger(__name__)
_MOST_DATASETS = 4
_reading, _detailing = RLock(), RLock()
_datasets: dict[tuple, Dataset] = {}  # by path, and age and size of the files; or by version
_details: dict[str, str] = {}  # the finer basemap's file for each dataset that has one, by digest


def _once(make: Callable) -> Callable:
    """Keep what a function makes; who asks while it is being made waits for it."""
    kept = lru_cache(maxsize=8)(make)
    making = RLock()  # of its own: what takes a minute to make holds up nothing else

    @wraps(make)
    def get(*key):
        with making:
            return kept(*key)

    return get


def database_url() -> str:
    """The address of the database that holds the dataset; "" where that is a file."""
    return os.environ.get("CLAIMS_DATABASE_URL", "")


def dataset_path() -> Path:
    """The folder or .zip that the environment names, or else the built-in dataset.

    Of a dataset in a database a path that is none, with its name at the end.
    """
    if database_url():
        return Path("postgresql:", os.environ.get("CLAIMS_DATASET") or "dataset")
    return Path(os.environ.get("CLAIMS_DATASET") or datasets.BUILT_IN)


def command_names(whole: Dataset) -> tuple[str, ...]:
    """The arguments by which the command line is told of the dataset."""
    if database_url():
        return ("--database", whole.name)
    path = dataset_path()
    return () if path == datasets.BUILT_IN else (str(path),)


@dataclass(frozen=True)
class _Trouble:
    """Why the dataset could not be read, in which state, and until when that is taken as known."""

    error: DatasetError
    stamp: tuple
    until: float  # as time.monotonic() tells it


_last: dict[tuple, Dataset] = {}  # by where it is from: as it was last read
_troubles: dict[tuple, _Trouble] = {}


def shown(
    slowly: Callable[[], AbstractContextManager] = nullcontext,
) -> tuple[Dataset, DatasetError | None]:
    """The dataset as it is now, or as it was last read, and then what is wrong with it now.

    Raises DatasetError where it never could be read. ``slowly`` as for ``load_dataset``.
    """
    source = (database_url(), os.environ.get("CLAIMS_DATASET", ""))
    stamp = () if database_url() else _stamp(dataset_path())
    known, begun = _troubles.get(source), time.monotonic()
    if known is None or known.stamp != stamp or begun > known.until:
        if known is not None:
            # One asks again; the others need not wait for what it hears.
            _troubles[source] = _Trouble(known.error, stamp, begun + 10 * RETRY_S)
        try:
            whole = _last[source] = load_dataset(slowly)
        except DatasetError as error:
            # What takes long to find out is found out less often, unless a file changes.
            pause_s = max(RETRY_S, 5 * (time.monotonic() - begun))
            known = _Trouble(error.with_traceback(None), stamp, time.monotonic() + pause_s)
            _troubles[source] = known
        else:
            _troubles.pop(source, None)
            return whole, None
    if source not in _last:
        raise known.error.with_traceback(None)
    return _last[source], known.error


def load_dataset(slowly: Callable[[], AbstractContextManager] = nullcontext) -> Dataset:
    """The dataset, read again whenever one of its files changes; raises DatasetError.

    ``slowly`` makes what is shown while it is being read, where it is not at hand. Where the
    environment names a database, its version takes the place of the files' age. What a save that
    died had written is moved into its place first, where the app may do that.
    """
    url, path = database_url(), dataset_path()
    try:
        if url:
            from geo import database

            engine, name = _engine(url), os.environ.get("CLAIMS_DATASET", "")
            key = (url, *database.version(engine, name))
            read = partial(database.load, engine, name)
        else:
            if may_save() and path.is_dir():
                edits.recover(path)
            key, read = _stamp(path), partial(_settled, path)
        if key not in _datasets:
            with slowly(), _reading:
                if key not in _datasets:
                    found = read()
                    for stale in list(_datasets)[: -_MOST_DATASETS + 1]:
                        _datasets.pop(stale)
                    _datasets[key] = found
        return _datasets[key]
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DatasetError:
    where = str(error.filename or path)
    return DatasetError(path, [Problem(path.name, None, None, error.strerror, "disk", where)])


def _stamp(path: Path) -> tuple:
    """Age and size of a dataset's files, without those being written and those of before."""
    files = [path]
    for folder, below, names in os.walk(path):
        below[:] = [b for b in below if not b.startswith(".") and b != edits.VERSIONS]
        files += [Path(folder, name) for name in names]
    found = []
    for file in sorted(files):
        with suppress(OSError):  # gone since
            told = file.stat()
            if not file.is_dir():
                found.append((file, told.st_mtime_ns, told.st_ctime_ns, told.st_size))
    return (path, *found)


def _settled(path: Path) -> Dataset:
    """What files hold that nobody changes while they are read, if they ever hold still."""
    for left in reversed(range(_TRIES)):
        stamp = _stamp(path)
        try:
            found = intake.load(path)
        except DatasetError:
            if not left or _stamp(path) == stamp:
                raise
        else:
            if not left or _stamp(path) == stamp:
                return found
    raise AssertionError("the last try returns or raises")


def may_save() -> bool:
    """Whether the one who runs the server lets viewers write to its dataset."""
    return os.environ.get(EDITABLE) == "1"


def package() -> Package | None:
    """The dataset as text, to be edited; None for a file that is no package.

    Raises DatasetError, OSError, ValueError.
    """
    if database_url():
        from geo import database

        return database.read(_engine(database_url()), os.environ.get("CLAIMS_DATASET", ""))
    path = dataset_path()
    return edits.read(path) if path.is_dir() or path.suffix.lower() == ".zip" else None


def saver(name: str) -> Callable[..., str] | None:
    """What saves a package in the place of the dataset, called ``name``; None where none may.

    Called as ``edits.save`` is, without the folder.
    """
    if not may_save():
        return None
    if database_url():
        from geo import database

        return partial(database.save, _engine(database_url()), name)
    path = dataset_path()
    return partial(edits.save, path) if path.is_dir() else None


@_once
def _engine(url: str):
    """The connections to a database, shared by all viewers."""
    from geo import database

    return database.connect(url)


_made: list[Path] = []  # the folders of our own


@atexit.register
def leave_nothing() -> None:
    """Remove what was made for the map. A server that a signal ends calls it by itself."""
    for folder in _made:
        shutil.rmtree(folder, ignore_errors=True)


@_once
def assets_folder() -> Path:
    """The folder whose files the map's frame fetches; new with each server, and gone with it.

    Behind a proxy another process may be asked for a file than the one that named it:
    ``CLAIMS_MAP_FILES`` names a folder that all of them share.
    """
    folder = Path(tempfile.mkdtemp(prefix="claimmap-"))
    _made.append(folder)
    webdata.prepare(folder)
    if shared := os.environ.get("CLAIMS_MAP_FILES"):
        try:
            return _moved(folder, Path(shared))
        except OSError as error:
            _LOGGER.warning("The folder of CLAIMS_MAP_FILES is not used: %s", error)
    return folder


def _moved(folder: Path, to: Path) -> Path:
    """Move the files of a folder into another one, each whole at any moment; return that one."""
    to.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        handle, part = tempfile.mkstemp(dir=to)
        os.close(handle)
        shutil.copyfile(file, part)
        Path(part).chmod(0o644)
        Path(part).replace(to / file.name)
    shutil.rmtree(folder)
    return to


@_once
def marks_file(whole: Dataset, lang: str) -> str:
    """Name of the file with a dataset's marks in a language."""
    plan = marks.planned(whole, lang)
    # What tooltips say of very many marks takes longest to write, and is wanted last.
    told = partial(webdata.write_texts, assets_folder(), plan, whole, lang)
    Thread(target=told, daemon=True).start()
    return webdata.write_marks(assets_folder(), plan, whole, lang)


@_once
def world_file(whole: Dataset | None) -> str:
    """Name of the file with the basemap's world; None for one that tells of no dataset."""
    return webdata.write_world(assets_folder(), whole)


def detail_file(whole: Dataset) -> str:
    """Name of the file with the finer basemap, "" as long as nobody asked for ``make_detail``."""
    return _details.get(whole.digest, "")


def make_detail(whole: Dataset) -> None:
    """Write the finer basemap, which takes longest of all and is needed last."""
    with _detailing:
        if whole.digest not in _details:
            _details[whole.digest] = webdata.write_detail(assets_folder(), whole)


@_once
def style() -> str:
    """The styles of our own parts of the pages, as a <style> element."""
    files = (webdata.WEB_DIR / "evidence.css", Path(__file__).parent / "style.css")
    return "<style>\n" + "".join(file.read_text(encoding="utf-8") for file in files) + "</style>"


def warm() -> None:
    """Make ahead what the first page of the dataset needs, the map first."""
    try:
        whole, _error = shown()
        marks_file(whole, texts.DEFAULT_LANG)
        world_file(whole)
        make_detail(whole)
        checks.run(whole, texts.DEFAULT_LANG)
        selection.counts(whole, Selection())
    except (DatasetError, OSError):
        return  # the page tells what is wrong


@_once
def settle() -> None:
    """Once a server: spare the garbage collector the imports, half of what a click takes."""
    gc.collect()
    gc.freeze()
