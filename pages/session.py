"""What the pages of one viewer share: the dataset, the selection, and what follows from them."""

from __future__ import annotations

import os
import runpy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st

from geo import dataset as datasets
from geo import marks, selection, texts, webmap
from geo.dataset import Dataset
from geo.selection import Selection

# Where the map's frame finds our files: beside its own, as the browser sees it (dashboard.py).
ASSETS = "../dashboard.claimmap/"
ENTRY = Path(__file__).parent.parent / "dashboard.py"


@dataclass(frozen=True, eq=False)
class Session:
    """One run of the app: the whole dataset, the choice, and what the choice keeps."""

    whole: Dataset
    selection: Selection
    kept: Dataset
    sentence: str
    view_moves: int  # grows when the map should go to its view again
    translate: Callable[[str], str]


def dataset_path() -> Path:
    """The folder or .zip that the environment names, or else the built-in dataset."""
    return Path(os.environ.get("CLAIMS_DATASET") or datasets.BUILT_IN)


def load_dataset() -> Dataset:
    """The dataset, read again whenever one of its files changes; raises DatasetError."""
    path = dataset_path()
    files = [path, *sorted(path.rglob("*"))] if path.is_dir() else [path]
    stamps = [(str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.exists()]
    return _load(str(path), tuple(stamps))


@st.cache_resource(max_entries=4, show_spinner="…")
def _load(path: str, stamps: tuple) -> Dataset:
    return datasets.load(path)


@st.cache_resource(show_spinner=False)
def assets_folder() -> Path:
    """The folder whose files the map's frame fetches; new with each server."""
    folder = Path(tempfile.mkdtemp(prefix="claimmap-"))
    webmap.prepare(folder)
    return folder


@st.cache_resource(max_entries=8, show_spinner=False)
def map_files(_whole: Dataset, digest: str, lang: str) -> tuple[str, str, str]:
    """Names of the files that the map needs for a dataset: marks, world, detail."""
    folder = assets_folder()
    world, detail = _basemap_files(_whole, digest)
    return webmap.write_marks(folder, webmap.drawn(_whole, lang), _whole, lang), world, detail


@st.cache_resource(max_entries=4, show_spinner=False)
def _basemap_files(_whole: Dataset, digest: str) -> tuple[str, str]:
    return webmap.write_basemap(assets_folder(), _whole)


def start(whole: Dataset, chosen: Selection) -> Session:
    """Keep what this run shows where the page finds it (``current``)."""
    kept = selection.apply(whole, chosen)
    sentence = selection.sentence(whole, chosen, kept)
    moves = st.session_state.get("view_moves", 0)
    session = Session(whole, chosen, kept, sentence, moves, texts.translator(chosen.lang))
    st.session_state["session"] = session
    return session


def current() -> Session:
    """What ``dashboard.py`` prepared for the page that runs now; ask once a run."""
    session = st.session_state.pop("session", None)
    if session is None:
        # On the first visit to a fresh server, if it is to a page's own address, Streamlit takes
        # the folder for the navigation and runs the page alone: run the entry then, all of it.
        runpy.run_path(str(ENTRY), run_name="__main__")
        st.stop()
    return session


def visible(session: Session) -> np.ndarray:
    """Which of the dataset's marks the selection shows."""
    chosen = session.selection
    return _visible(session.whole, session.kept, chosen.lang, chosen.layer)


@lru_cache(maxsize=32)
def _visible(whole: Dataset, kept: Dataset, lang: str, layers: tuple[str, ...]) -> np.ndarray:
    return marks.visible(webmap.drawn(whole, lang), kept, layers)
