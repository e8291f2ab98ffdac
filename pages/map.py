"""The map with its views, the claims shown, and the evidence of the one that is open."""

from __future__ import annotations

import time

import streamlit as st
from markupsafe import Markup
from streamlit_folium import st_folium

from geo import checks, evidence, texts, webdata, webmap
from pages import overlays, session, sidebar, snapshot

TABLE = "claims_table"
SEND_S = 0.02  # the server gathers for up to 10 ms, and the browser for as long again

now = session.current()
whole, kept, chosen, _ = now.whole, now.kept, now.selection, now.translate
lang = chosen.lang


def go_to(name: str) -> None:
    """Show a view, also when it is the one chosen already but the map was moved since."""
    sidebar.choose("view", name)
    st.session_state["view_moves"] = st.session_state.get("view_moves", 0) + 1


def clicked_on_map() -> None:
    """Open the claim that was clicked on the map, or take the two points to measure between."""
    value = st.session_state.get("map") or {}
    claim, points = value.get("claim"), value.get("measure")
    if claim in whole.claims.index:
        sidebar.choose("claim", claim)
    elif value.get("wants") == "mask":
        st.session_state["spelled_out"] = True
    elif points is not None:
        st.session_state["measure"] = points if checks.are_points(points) else []


def picked_in_table() -> None:
    """Open the claim whose row was picked, and bring it into view; none closes it."""
    rows = st.session_state[TABLE]["selection"]["rows"]
    sidebar.choose("claim", kept.claims.index[rows[0]] if rows else "")
    st.session_state["shows"] = st.session_state.get("shows", 0) + 1


def show_header() -> None:
    st.html(
        Markup('<header class="page"><h1>{}</h1><p>{}</p></header>').format(
            texts.in_language(vars(whole), "title", lang),
            now.sentence,
        )
    )


def show_views() -> None:
    for view in whole.views:
        title = texts.in_language(vars(view), "title", lang)
        st.button(
            sidebar.plain(title),
            key=f"view.{view.name}",
            type="primary" if view.name == chosen.view else "secondary",
            on_click=go_to,
            args=(view.name,),
        )


def prepare_map() -> tuple:
    """The constant map and what this run changes on it."""
    claims = whole.claims.index
    points = st.session_state.get("measure")
    # Seldom, and then only for far points, this takes seconds: the page says that it works.
    measured = checks.measure(*map(tuple, points), lang) if points else None
    shown = chosen.claim in kept.claims.index
    layer = webmap.update(
        files=session.map_files(whole, lang),
        visible=session.visible(now),
        choice=webdata.choice(whole, chosen),
        spelled_out=st.session_state.get("spelled_out", False),
        selected=claims.get_loc(chosen.claim) if shown else -1,
        view=whole.view(chosen.view).bounds,
        view_token=f"{chosen.view}-{now.view_moves}",
        show_token=st.session_state.get("shows", 0),
        measured=measured,
        context=overlays.context(now),
    )
    return webmap.base_map(session.ASSETS), layer


def show_map(base, layer) -> None:
    st_folium(
        base,
        key="map",
        feature_group_to_add=layer,
        returned_objects=[],
        use_container_width=True,
        height=560,
        render=False,
        on_change=clicked_on_map,
    )


def show_table() -> None:
    rows = evidence.table(whole, kept, lang)
    open_rows = [kept.claims.index.get_loc(chosen.claim)] if chosen.claim in rows.index else []
    stood = st.session_state.get(TABLE, {}).get("selection", {}).get("rows")
    if stood != open_rows:
        st.session_state[TABLE] = {"selection": {"rows": open_rows, "columns": [], "cells": []}}
    titles = {
        "claim": _("Claim"),
        "status": _("Status"),
        "confidence": _("Confidence"),
        "asserts": _("Asserted by"),
        "denies": _("Denied by"),
        "when": _("When"),
        "where": _("Where, how known"),
        "said_at": _("Said in"),
        "measured": _("Held against the ground"),
        "theme": _("Theme"),
        "origins": _("Independent origins"),
    }
    config = {key: st.column_config.Column(title) for key, title in titles.items()}
    # As wide as the words "Only denied", or "Seulement démenti", are.
    width = 82 if lang == texts.DEFAULT_LANG else 128
    config["status"] = st.column_config.TextColumn(titles["status"], width=width)
    config["claim"] = st.column_config.TextColumn(titles["claim"], width=300)
    st.dataframe(
        rows,
        key=TABLE,
        hide_index=True,
        column_config=config,
        on_select=picked_in_table,
        selection_mode="single-row",
        height=min(35 * (len(rows) + 1) + 2, 317),
        width="stretch",
    )


def show_evidence() -> None:
    if chosen.claim in kept.claims.index:
        found = evidence.gather(whole, kept, chosen.claim, chosen)
        st.html(evidence.to_html(found, lang))
        return
    if chosen.claim:
        st.info(_("The claim that was open is hidden by the filters."))
    misfits = [c for c in checks.run(kept, lang) if c.verdict == checks.INCONSISTENT]
    for misfit in misfits:
        st.html(
            Markup('<p class="finding inconsistent"><strong>{}</strong> {}</p>').format(
                _("What does not fit:"), misfit.explanation
            )
        )
    st.html(
        Markup('<p class="quiet">{}</p>').format(
            _("Pick a row above, or a mark on the map, to read who says so and who denies it.")
        )
    )


# The map first: what a viewer waits for after a click is its repainting.
prepared = prepare_map()
head, views = st.container(), st.container(horizontal=True, gap="small", key="mapviews")
map_side, text_side = st.columns([0.62, 0.38], gap="small")
with map_side, st.container(key="mapframe"):
    show_map(*prepared)
# Let that arrive by itself, before the rest takes the interpreter here and the page there:
# the map then answers to a click in half the time.
time.sleep(SEND_S)
with head:
    show_header()
with views:
    show_views()
    snapshot.show(now)
    overlays.show(now)
overlays.hand_over(now)
with text_side, st.container(key="reading"):
    if len(kept.claims):
        if not chosen.layer:
            st.info(_("Both layers are off, so the map is empty: turn one on in the sidebar."))
        show_table()
        show_evidence()
    else:
        sidebar.show_empty(whole, chosen)
