"""Files of what is shown, made once for all viewers; the button for a picture beside the map."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from geo import files
from geo import overlays as layers
from geo.dataset import Dataset
from geo.files import FORMATS, Picture
from geo.overlays import Styled
from geo.selection import Selection
from pages import overlays, own, sidebar
from pages.session import Session

PAGE = Path(__file__).parent / "export.py"
_MOST_PRIVATE = 6
OWN = "file"  # the key of a format in the address of the page of exports

# One at a time: a large picture takes hundreds of megabytes while it is drawn.
_turn = threading.Lock()


def _draw(
    whole: Dataset,
    chosen: Selection,
    name: str,
    picture: Picture,
    context: tuple[Styled, ...] = (),
) -> bytes:
    with _turn:
        return files.make(FORMATS[name], whole, chosen, picture, context)


@st.cache_data(max_entries=12, show_spinner=False)
def _made(
    _whole: Dataset, digest: str, _chosen: Selection, query: str, name: str, picture: Picture
) -> bytes:
    return _draw(_whole, _chosen, name, picture)


@st.cache_data(max_entries=24, show_spinner=False)
def _previewed(
    _whole: Dataset, digest: str, _chosen: Selection, query: str, picture: Picture
) -> bytes:
    return files.preview(_whole, _chosen, picture)


def _private(key: tuple, draw: Callable[[], bytes]) -> bytes:
    """What was made with a viewer's own layers: kept for their session alone, and not for long."""
    kept = st.session_state.setdefault("snapshot.private", {})
    if key not in kept:
        for oldest in list(kept)[: -_MOST_PRIVATE + 1]:
            kept.pop(oldest)
        kept[key] = draw()
    return kept[key]


def make(
    whole: Dataset,
    chosen: Selection,
    name: str,
    picture: Picture,
    context: tuple[Styled, ...] = (),
) -> bytes:
    """The file of that format, kept for whoever asks for the same; raises FileError.

    With layers of ``context`` it is kept for the viewer who brought them alone.
    """
    if context and FORMATS[name].has_map:
        key = (whole, chosen, name, picture, context)
        return _private(key, lambda: _draw(whole, chosen, name, picture, context))
    if own.is_own(whole):
        key = ("file", chosen, name, picture)
        return own.remember(whole, key, lambda: _draw(whole, chosen, name, picture))
    return _made(whole, whole.digest, chosen, chosen.query_string(), name, picture)


def preview(
    whole: Dataset, chosen: Selection, picture: Picture, context: tuple[Styled, ...] = ()
) -> bytes:
    """The same map as a small PNG, kept as well; raises FileError."""
    if context:
        key = (whole, chosen, "preview", picture, context)
        return _private(key, lambda: files.preview(whole, chosen, picture, context))
    if own.is_own(whole):
        key = ("preview", chosen, picture)
        return own.remember(whole, key, lambda: files.preview(whole, chosen, picture))
    return _previewed(whole, whole.digest, chosen, chosen.query_string(), picture)


@st.fragment
def show(now: Session) -> None:
    """A button beside the map: the current view and selection as a picture.

    Until it is opened it holds nothing, and a picture is drawn only when its button is pressed;
    a run of this alone does not touch the map.
    """
    whole, chosen, _ = now.whole, now.selection, now.translate
    opened = st.popover(_("Snapshot"), key="snapshot", on_change="rerun", icon=":material/image:")
    if not opened.open:
        return
    with opened:
        st.markdown(_("This view and selection as a picture, A4, for print or slides:"))
        context = overlays.shown()
        if context:
            st.caption(sidebar.plain(layers.sentence(context, chosen.lang)))
        with st.container(horizontal=True, gap="small"):
            for form in files.by_kind("picture"):
                st.download_button(
                    form.suffix.removeprefix(".").upper(),
                    # Called when it is pressed; the button turns a wheel while it works.
                    data=partial(make, whole, chosen, form.name, Picture(), context),
                    file_name=files.file_name(form, whole, chosen, Picture()),
                    mime=form.media_type,
                    key=f"snapshot.{form.name}",
                    help=files.words(chosen.lang)[form.name][1],
                    on_click="ignore",
                )
        st.markdown(_("Its description, for those who cannot see it:"))
        with st.spinner(_("Describing it …")):
            told = files.alt_text(whole, chosen, Picture(), context)
        st.code(told, language=None, wrap_lines=True, height=140)
        st.page_link(
            PAGE,
            label=_("Size, colours, other files: the Export page"),
            icon=":material/arrow_forward:",
            query_params=chosen.to_query(),
        )
