"""What one server keeps for all its viewers: datasets as read, and the files their maps fetch.

Each is made once, by whoever asks first: a viewer, or the thread that gets ready at the start.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial, wraps
from pathlib import Path

from geo import dataset as datasets
from geo import intake, marks, texts, webdata
from geo.dataset import Dataset, DatasetError

_LOGGER = logging.getLogger(__name__)
_making = threading.RLock()
_MOST_DATASETS = 4
_datasets: dict[tuple, Dataset] = {}  # by path, and age and size of the files; or by version
_details: dict[str, str] = {}  # the finer basemap's file for each dataset that has one, by digest


def _once(make: Callable) -> Callable:
    """Keep what a function makes; who asks while it is being made waits for it."""
    kept = lru_cache(maxsize=8)(make)

    @wraps(make)
    def get(*key):
        with _making:
            return kept(*key)

    return get


def dataset_path() -> Path:
    """The folder or .zip that the environment names, or else the built-in dataset.

    Of a dataset in a database a path that is none, with its name at the end.
    """
    if os.environ.get("CLAIMS_DATABASE_URL"):
        return Path("postgresql:", os.environ.get("CLAIMS_DATASET") or "dataset")
    return Path(os.environ.get("CLAIMS_DATASET") or datasets.BUILT_IN)


def load_dataset(slowly: Callable[[], AbstractContextManager] = nullcontext) -> Dataset:
    """The dataset, read again whenever one of its files changes; raises DatasetError, OSError.

    ``slowly`` makes what is shown while it is being read, where it is not at hand. Where the
    environment names a database, its version takes the place of the files' age.
    """
    url = os.environ.get("CLAIMS_DATABASE_URL")
    if url:
        from geo import database

        engine, name = _engine(url), os.environ.get("CLAIMS_DATASET", "")
        key, read = (url, *database.version(engine, name)), partial(database.load, engine, name)
    else:
        path = dataset_path()
        files = [path, *sorted(path.rglob("*"))] if path.is_dir() else [path]
        key = (path, *((f, f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.exists()))
        read = partial(intake.load, path)
    if key not in _datasets:
        with slowly(), _making:
            if key not in _datasets:
                found = read()
                for stale in list(_datasets)[: -_MOST_DATASETS + 1]:
                    _datasets.pop(stale)
                _datasets[key] = found
    return _datasets[key]


@_once
def _engine(url: str):
    """The connections to a database, shared by all viewers."""
    from geo import database

    return database.connect(url)


@_once
def assets_folder() -> Path:
    """The folder whose files the map's frame fetches; new with each server.

    Behind a proxy another process may be asked for a file than the one that named it:
    ``CLAIMS_MAP_FILES`` names a folder that all of them share.
    """
    folder = Path(tempfile.mkdtemp(prefix="claimmap-"))
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
    return webdata.write_marks(assets_folder(), marks.drawn(whole, lang), whole, lang)


@_once
def world_file(whole: Dataset | None) -> str:
    """Name of the file with the basemap's world; None for one that tells of no dataset."""
    return webdata.write_world(assets_folder(), whole)


def detail_file(whole: Dataset) -> str:
    """Name of the file with the finer basemap, "" as long as nobody asked for ``make_detail``."""
    return _details.get(whole.digest, "")


def make_detail(whole: Dataset) -> None:
    """Write the finer basemap, which takes longest of all and is needed last."""
    with _making:
        if whole.digest not in _details:
            _details[whole.digest] = webdata.write_detail(assets_folder(), whole)


@_once
def style() -> str:
    """The styles of our own parts of the pages, as a <style> element."""
    files = (webdata.WEB_DIR / "evidence.css", Path(__file__).parent / "style.css")
    return "<style>\n" + "".join(file.read_text(encoding="utf-8") for file in files) + "</style>"


def warm() -> None:
    """Make ahead what the first map of the dataset needs."""
    try:
        whole = load_dataset()
    except (DatasetError, OSError):
        return  # the page tells what is wrong
    marks_file(whole, texts.DEFAULT_LANG)
    world_file(whole)
    make_detail(whole)


@_once
def settle() -> None:
    """Once a server: spare the garbage collector the imports, half of what a click takes."""
    gc.collect()
    gc.freeze()
