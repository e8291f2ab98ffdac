"""What the pages of one viewer share: the dataset, the selection, and what follows from them."""

from __future__ import annotations

import runpy
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st

from geo import marks, selection, texts
from geo.dataset import Dataset
from geo.selection import Selection
from pages import own, served, turns

# Where the map's frame finds our files: beside its own, as the browser sees it (dashboard.py).
ASSETS = "../dashboard.claimmap/"
SEND_S = 0.02  # the server gathers for up to 10 ms, and the browser for as long again
FRAME_S = 0.6  # while the browser loads the map's frame and draws it, the first time
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


def map_files(whole: Dataset, lang: str) -> tuple[str, str, str | None]:
    """Names of the files that the map needs for a dataset: marks, world, detail.

    The detail is "" where the map need not wait for it: ``finish`` has it made. Those of a
    viewer's own dataset are no files: the page hands them to the map.
    """
    if own.is_own(whole):
        files = own.map_files(whole, lang)
    else:
        detail = served.detail_file(whole)
        files = served.marks_file(whole, lang), served.world_file(whole), detail
    if files[2] == "":
        st.session_state["lacks_detail"] = True
    return files


def finish(whole: Dataset) -> None:
    """At the end of a run: what its map was shown without, for the next run, which follows."""
    served.settle()
    if own.is_own(whole):
        own.hand_over(whole)
    if st.session_state.pop("lacks_detail", False):
        try:
            (own if own.is_own(whole) else served).make_detail(whole)
        except OSError:
            return  # no room for it: the map goes without
        st.rerun()


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


def let_arrive() -> None:
    """Let what was sent arrive by itself, before the rest takes the interpreter and the browser.

    The map then answers to a click in half the time, and is there first when a page is opened.
    """
    first = not st.session_state.get("arrived")
    st.session_state["arrived"] = True
    with turns.runs.lent():
        time.sleep(FRAME_S if first else SEND_S)


def visible(session: Session) -> np.ndarray:
    """Which of the dataset's marks the selection shows."""
    chosen = session.selection
    return _visible(session.whole, session.kept, chosen.lang, chosen.layer)


@lru_cache(maxsize=4)  # each holds the tables that a selection kept
def _visible(whole: Dataset, kept: Dataset, lang: str, layers: tuple[str, ...]) -> np.ndarray:
    return marks.visible(marks.planned(whole, lang), kept, layers)
