"""The map with its views, the claims shown, and the evidence of the one that is open."""

from __future__ import annotations

import math

import streamlit as st
from markupsafe import Markup
from streamlit_folium import st_folium

from geo import checks, evidence, texts, webdata, webmap
from pages import overlays, pager, session, sidebar, snapshot

OPEN_AT = "rows.open"  # the claim that is open, and its place among the rows
PAGE_AT = "rows.page-shown"  # the page that the table was last on
# A page of the table: more could not be seen at once, and would be most of what a click sends.
ROWS = 10
MOST_MISFITS = 2

now = session.current()
whole, kept, chosen, _ = now.whole, now.kept, now.selection, now.translate
lang = chosen.lang


def go_to(name: str) -> None:
    """Show a view, also when it is the one chosen already but the map was moved since."""
    sidebar.choose("view", name)
    st.session_state["view_moves"] = st.session_state.get("view_moves", 0) + 1


def clicked_on_map() -> None:
    """Open the claim that was clicked, or take the two points to measure between.

    The map also hears of clicks on the table (``web/ahead.js``): the claim that was picked there
    is brought into view, or closed if it is the open one.
    """
    value = st.session_state.get("map") or {}
    claim, picked, points = value.get("claim"), value.get("picked"), value.get("measure")
    if claim in whole.claims.index:
        sidebar.choose("claim", claim)
    elif picked in whole.claims.index:
        sidebar.choose("claim", "" if picked == chosen.claim else picked)
        st.session_state["shows"] = st.session_state.get("shows", 0) + 1
    elif value.get("wants") == "mask":
        st.session_state["spelled_out"] = True
    elif points is not None:
        st.session_state["measure"] = points if checks.are_points(points) else []


def find() -> None:
    """List the claims whose title holds the words typed, from the first on."""
    sidebar.set_own("q", st.session_state["rows.q"].strip()[:200])
    sidebar.set_own("page", "")


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


def choose_rows() -> tuple[list[str], int, int]:
    """The claims that the table lists here, the number of its page, and of all that it lists.

    The claim that is open brings its page with it, when it is opened and when the filters move
    it; else the page stays as it was turned. While one is open the page is not in the address:
    it would be one step more on the way back.
    """
    state = st.session_state
    ids = evidence.titled(kept, sidebar.own("q"), lang)
    at = ids.index(chosen.claim) if chosen.claim in ids else -1
    stood = state.get(OPEN_AT, ("", -1))
    if at >= 0 and stood != (chosen.claim, at):
        page = at // ROWS + 1
    elif sidebar.own("page"):
        page = pager.asked()
    else:
        page = state.get(PAGE_AT, 1) if max(at, stood[1]) >= 0 else 1
    page = min(max(page, 1), max(math.ceil(len(ids) / ROWS), 1))
    state[OPEN_AT], state[PAGE_AT] = (chosen.claim, at), page
    sidebar.set_own("page", str(page) if page > 1 and at < 0 else "")
    return ids[(page - 1) * ROWS : page * ROWS], page, len(ids)


def searchable() -> bool:
    return len(kept.claims) > ROWS or bool(sidebar.own("q"))


def show_search(page: int, total: int) -> None:
    """Words to find a claim by, which of those found are listed, and the way to the others."""
    st.session_state["rows.q"] = sidebar.own("q")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="rowspager"):
        st.text_input(_("Find a claim by its title"), key="rows.q", on_change=find, width=190)
        pager.show("rows.page", page, total, ROWS, lang)


def show_table() -> None:
    rows = evidence.table(whole, kept, lang, listed)
    with st.container(key="claimlist"):
        st.html(evidence.table_to_html(rows, kept, lang, chosen.to_query(), chosen.claim))


def show_evidence() -> None:
    if chosen.claim in kept.claims.index:
        found = evidence.gather(whole, kept, chosen.claim, chosen)
        st.html(evidence.to_html(found, lang))
        return
    if chosen.claim:
        st.info(_("The claim that was open is hidden by the filters."))
    misfits = [c for c in checks.of_kept(whole, kept, lang) if c.verdict == checks.INCONSISTENT]
    for misfit in misfits[:MOST_MISFITS]:
        st.html(
            Markup('<p class="finding inconsistent"><strong>{}</strong> {}</p>').format(
                _("What does not fit:"), misfit.explanation
            )
        )
    if len(misfits) > MOST_MISFITS:
        st.page_link(
            page="pages/checks.py",
            label=texts.plural(
                lang,
                "{n} more does not fit: see Checks",
                "{n} more do not fit: see Checks",
                len(misfits) - MOST_MISFITS,
            ),
            query_params=[(k, v) for k, values in chosen.to_query().items() for v in values],
        )
    st.html(
        Markup('<p class="quiet">{}</p>').format(
            _("Pick a row above, or a mark on the map, to read who says so and who denies it.")
        )
    )


# The map before all that takes long: what a viewer waits for after a click is its repainting.
prepared = prepare_map()
head, views = st.container(), st.container(horizontal=True, gap="small", key="mapviews")
map_side, text_side = st.columns([0.62, 0.38], gap="small")
with head:
    show_header()
with map_side, st.container(key="mapframe"):
    show_map(*prepared)
session.let_arrive()
with views:
    show_views()
    snapshot.show(now)
    overlays.show(now)
overlays.hand_over(now)
with text_side, st.container(key="reading"):
    if len(kept.claims):
        if not chosen.layer:
            st.info(_("Both layers are off, so the map is empty: turn one on in the sidebar."))
        listed, page, total = choose_rows()
        if searchable():
            show_search(page, total)
        if listed:
            show_table()
        show_evidence()
    else:
        sidebar.show_empty(whole, chosen)
