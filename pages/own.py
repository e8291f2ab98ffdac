"""The dataset of one viewer: kept in their session alone, and handed to their browser alone.

Nothing of it is written where another viewer could fetch it: what the map needs goes into the
viewer's own page, packed, and the map's script takes it from there (``web/claimmap.js``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import streamlit as st
from markupsafe import Markup

from geo import edits, marks, texts, webdata
from geo.dataset import Dataset, DatasetError, Problem
from geo.edits import Change, Conflict, Edit, History, Package
from pages import served, sidebar

UPLOADED, EXAMPLE, COPY = "uploaded", "example", "copy"  # where a viewer's dataset is from

_OWN = "own"
_ASIDE = "own.aside"  # a dataset with changes that the viewer left for another
_DETAIL = "own.detail"  # the finer basemap of a viewer's dataset: bounds, name, text
_MOST_MADE = 16
# What was made of each viewer's dataset; gone with it.
_made: WeakKeyDictionary[Dataset, dict] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Own:
    """A viewer's dataset: its last sound state, and the changes that they make to it.

    ``dataset`` is what the pages show; ``problems`` what is wrong with ``history.now``, if
    anything. ``saves`` saves it in place (``served.saver``), None where it may not be.
    """

    dataset: Dataset
    package: Package
    history: History
    origin: str
    file: str = ""
    saves: Callable[..., str] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def command_path(self) -> str:
        """What the command line is given for it: the file, or the package once it is downloaded."""
        whole = self.origin == UPLOADED and not self.history.done and not self.dataset.left_out
        return self.file if whole else f"{self.dataset.name or 'dataset'}.zip"

    @property
    def edited(self) -> Package:
        """The package with the changes made to it."""
        return replace(self.package, tables=self.history.now)


def current() -> Own | None:
    """The viewer's own dataset; None where they see the one that is served."""
    return st.session_state.get(_OWN)


def dataset() -> Dataset | None:
    """What is shown of it."""
    mine = current()
    return None if mine is None else mine.dataset


def is_own(whole: Dataset) -> bool:
    """Whether a dataset is a viewer's own."""
    return whole in _made


def _put(mine: Own) -> None:
    _made.setdefault(mine.dataset, {})
    days, state = mine.dataset.days, st.session_state
    if state.get("as_of") and (days is None or not days[0] <= state["as_of"] <= days[1]):
        sidebar.choose("as_of", None)
    if state.get("claim") not in mine.dataset.claims.index:
        sidebar.choose("claim", "")
    state[_OWN] = mine


def show(whole: Dataset, origin: str, file: str = "") -> None:
    """Show a viewer's dataset on every page; for callbacks."""
    _set_aside()
    package = edits.package_of(whole)
    _put(Own(whole, package, _fresh(package), origin, file))
    _look_anew()


def show_copy() -> None:
    """Show the viewer a copy of the dataset that is served, to be changed; for callbacks.

    What is shown is read from the same text that is edited, so that both are one state. Raises
    DatasetError, OSError, ValueError where that cannot be read now; then all stays as it was.
    """
    package = served.package()
    if package is None:
        whole = replace(served.load_dataset())
        package, saves = edits.package_of(whole), None
    else:
        whole = edits.dataset_of(package)
        saves = served.saver(whole.name)
    _put(Own(whole, package, _fresh(package), COPY, served.dataset_path().name, saves))


def _fresh(package: Package) -> History:
    return History(package.tables, package.tables)


def leave() -> None:
    """Back to the dataset that is served; for callbacks."""
    _set_aside()
    for key in (_OWN, _DETAIL):
        st.session_state.pop(key, None)
    _look_anew()


def _set_aside() -> None:
    """Keep changes that are about to be left, so that nobody loses them by a click."""
    mine = current()
    if mine is not None and mine.history.done:
        st.session_state[_ASIDE] = mine


def set_aside() -> bool:
    """Whether changes were left that ``take_up`` brings back."""
    return _ASIDE in st.session_state


def take_up() -> None:
    """Show again the dataset whose changes were left last; for callbacks."""
    left = st.session_state.pop(_ASIDE)
    _set_aside()
    _put(left)
    _look_anew()


def _look_anew() -> None:
    """Another dataset has other filters and another extent."""
    state = st.session_state
    for key in (*sidebar.FACETS, "as_of", "claim", "view"):
        sidebar.choose(key, {"as_of": None, "claim": "", "view": "theatre"}.get(key, []))
    state["view_moves"] = state.get("view_moves", 0) + 1


# Changes


def change(made: Sequence[Edit], author: str, note: str) -> None:
    """Change the viewer's dataset; every page shows it as soon as it is sound. For callbacks."""
    mine = current()
    told = Change(tuple(made), author.strip(), note.strip(), datetime.now(UTC))
    _take(replace(mine, history=mine.history.make(told)))


def undo() -> None:
    mine = current()
    _take(replace(mine, history=mine.history.undo()))


def redo() -> None:
    mine = current()
    _take(replace(mine, history=mine.history.redo()))


def _take(mine: Own) -> None:
    try:
        whole = edits.dataset_of(mine.edited, mine.dataset.left_out)
    except DatasetError as error:
        _put(replace(mine, problems=error.problems))
    except OSError as error:
        # It is checked in files: without room for them the change is kept, but not shown.
        unchecked = Problem("datapackage.json", None, None, error.strerror, "disk", "")
        _put(replace(mine, problems=(unchecked,)))
    else:
        _put(replace(mine, dataset=whole, problems=()))


def save() -> tuple[Conflict, ...] | None:
    """Save in the place the dataset is from; where someone else saved first, merge with theirs.

    Returns None when it is saved, else what both changed in different ways, which ``settle``
    decides. Raises OSError where the folder cannot be written to, DatasetError where the database
    refuses; the changes stay as they were.
    """
    mine = current()
    changes = mine.history.done
    try:
        mine.saves(mine.edited, changes, edits.digest(mine.package))
    except edits.ChangedMeanwhile as late:
        _tables, conflicts = edits.merge(mine.package.tables, mine.history.now, late.theirs.tables)
        st.session_state["own.theirs"] = late.theirs
        return conflicts
    try:
        show_copy()
    except (OSError, ValueError):
        # Saved, and gone at once: go on from what was saved.
        _put(replace(mine, package=mine.edited, history=_fresh(mine.edited)))
    return None


def settle(mine_wins: Sequence[Conflict], author: str, note: str) -> None:
    """Go on from what the other one saved, with my changes on top, and my side of these.

    The result is not saved: it is shown, and may be saved or taken back as any other change.
    """
    mine, theirs = current(), st.session_state.pop("own.theirs")
    merged, _conflicts = edits.merge(mine.package.tables, mine.history.now, theirs.tables)
    target = edits.settle(merged, mine_wins)
    fresh = replace(mine, package=theirs, history=_fresh(theirs))
    st.session_state[_OWN] = fresh
    change(edits.diff(theirs.tables, target), author, note)


# What the map needs


def remember(whole: Dataset, key: tuple, make: Callable[[], object]) -> object:
    """What was made of a viewer's dataset, kept as long as that is, or until much else was."""
    kept = _made.setdefault(whole, {})
    if key not in kept:
        for oldest in list(kept)[: -_MOST_MADE + 1]:
            kept.pop(oldest)
        kept[key] = make()
    return kept[key]


def map_files(whole: Dataset, lang: str) -> tuple[str, str, str | None]:
    """What the map asks for, as ``session.map_files``; the detail is None where it is too much."""
    marks, _text = _marks(whole, lang)
    return marks, served.world_file(None), _detail(whole)[1]


def _marks(whole: Dataset, lang: str) -> tuple[str, str]:
    plan = marks.planned(whole, lang)
    return remember(
        whole,
        ("marks", lang),
        lambda: webdata.packed("marks", webdata.content(plan, whole, lang)),
    )


def _detail(whole: Dataset) -> tuple[tuple, str | None, str]:
    bounds = tuple(webdata.detail_bounds(whole))
    kept = st.session_state.get(_DETAIL, ((), "", ""))
    return kept if kept[0] == bounds else (bounds, "", "")


def make_detail(whole: Dataset) -> None:
    """Make the finer basemap, unless the last one covers the same places."""
    bounds, name, _text = _detail(whole)
    if name == "":
        detail = webdata.handed_detail(bounds)
        named = (None, "") if detail is None else webdata.packed("detail", detail)
        st.session_state[_DETAIL] = (bounds, *named)


def hand_over(whole: Dataset) -> None:
    """Put what the map asks for into the viewer's page; sent once, then known to the browser."""
    marks = [made for key, made in _made[whole].items() if key[0] == "marks"]
    for name, text in (*marks, _detail(whole)[1:]):
        if text:
            body = Markup('<div class="handed" data-handed="{}" hidden>{}</div>')
            st.html(body.format(name, text))


def show_badge(lang: str) -> None:
    """Above the filters: whose data is shown, and that it belongs to this session only."""
    mine = current()
    if mine is None:
        return
    _ = texts.translator(lang)
    heads = {
        UPLOADED: _("Your data"),
        EXAMPLE: _("Invented example"),
        COPY: _("Your copy, with changes") if mine.history.done else _("Your copy"),
    }
    title = texts.in_language(vars(mine.dataset), "title", lang)
    st.html(
        Markup('<div class="own-badge"><strong>{}</strong><br>{}<p>{}</p></div>').format(
            heads[mine.origin],
            title,
            _("Only you see it, and only until you reload or close this page."),
        )
    )
