"""Two tellings side by side: two maps that are one view, each with its own sources and day."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import streamlit as st
from markupsafe import Markup
from streamlit_folium import st_folium

from geo import comparison, marks, selection, texts, webmap
from geo.comparison import Item, Side
from pages import session, sidebar

KEYS = ("a_source", "a_as_of", "b_source", "b_as_of")
LOOK = "look"  # the view that both maps go to; none is where the sides differ
LETTERS = ("A", "B")
STOOD = "compare.stood"  # what was compared when the viewer left for another page
# More than these nobody reads, and each is an element of the page.
MOST_ITEMS = 40
SEND_S = 0.02  # as on the map's page: the maps first

now = session.current()
whole, chosen, _ = now.whole, now.selection, now.translate
lang = chosen.lang
state = st.session_state
words = texts.terms(lang)


def widget(letter: str, what: str) -> str:
    return f"compare.{letter}.{what}"


def suggested(left: Side, right: Side) -> None:
    """Compare these, and go to where they differ."""
    put(left, right)
    look("")


def look(view: str) -> None:
    """Go to a view, also when the maps were there before and have been moved since."""
    sidebar.set_own(LOOK, view)
    state["view_moves"] = state.get("view_moves", 0) + 1


def looked() -> None:
    look(state["compare.look"])


def put(left: Side, right: Side) -> None:
    """Compare these; the address has it, and the widgets follow."""
    for key, value in comparison.to_query(left, right).items():
        sidebar.set_own(key, value)


def read() -> tuple[Side, Side, tuple[tuple[str, str], ...]]:
    """Both sides, from the address, or as they were left, and what of the address is ignored."""
    query = {key: sidebar.own(key) for key in KEYS}
    arrived = widget("A", "source") not in state  # Streamlit drops what no page shows
    if arrived and not any(query.values()) and STOOD in state:
        # Through the address, for the dataset may be another by now.
        left, right, _lost = comparison.from_query(comparison.to_query(*state[STOOD]), whole)
        put(left, right)
        return left, right, ()
    return comparison.from_query(query, whole)


def changed() -> None:
    """Take over what the widgets of both sides stand at."""
    offered = selection.options(whole)["source"]
    sides = []
    for letter in LETTERS:
        picked = state[widget(letter, "source")]
        day = state[widget(letter, "as_of")]
        sides.append(Side(tuple(s for s in offered if s in picked), day))
    put(*sides)


def show_header() -> None:
    """The page's name, what differs, and what holds for both maps at once."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="compare-top"):
        st.html(
            Markup('<header class="page"><h1>{}</h1></header>').format(
                _("Two tellings side by side")
            ),
            width="stretch",
        )
        st.button(
            _("Swap"),
            key="compare.swap",
            icon=":material/swap_horiz:",
            type="tertiary",
            on_click=put,
            args=(sides[1], sides[0]),
        )
        titles = {"": _("Where they differ")}
        titles |= {v.name: texts.in_language(vars(v), "title", lang) for v in whole.views}
        state["compare.look"] = view
        st.selectbox(
            _("Show on both maps"),
            list(titles),
            key="compare.look",
            format_func=titles.get,
            label_visibility="collapsed",
            width=240,
            on_change=looked,
        )
    st.html(
        Markup('<p class="differs" role="status">{}</p>').format(
            comparison.sentence(difference, lang)
        )
    )


def show_notices(ignored: tuple[tuple[str, str], ...]) -> None:
    if ignored:
        told = ", ".join(f"{key}={value}" for key, value in ignored)
        st.warning(
            _("The link asked for something this dataset does not have; left out: {what}").format(
                what=sidebar.plain(told)
            )
        )
    if chosen.source or chosen.as_of is not None:
        st.html(
            Markup('<p class="compare-note">{}</p>').format(
                _(
                    "The sidebar’s filters “Source” and “As of” do not count on this page: "
                    "each side has its own. All its other filters hold for both."
                )
            )
        )


def show_presets() -> None:
    for number, preset in enumerate(comparison.presets(whole, lang)):
        pair = (preset.left, preset.right)
        st.button(
            sidebar.plain(preset.label),
            key=f"compare.preset.{number}",
            type="primary" if pair == sides else "secondary",
            on_click=suggested,
            args=pair,
        )


def show_side_head(letter: str, side: Side, kept) -> None:
    """Whose telling it is, how many claims that is, and where to choose another."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.html(
            Markup(
                '<div class="compare-head"><h2><span class="letter">{}</span> {}</h2>'
                '<p role="status">{}</p></div>'
            ).format(letter, comparison.title(whole, side, lang), counted(kept)),
            width="stretch",
        )
        with st.popover(_("Sources, day"), icon=":material/tune:"):
            show_choice(letter, side)


def counted(kept) -> Markup:
    if not len(kept.claims):
        return Markup('<strong class="empty">{}</strong>').format(
            _(
                "Nothing to show on this side: choose other sources or a later day here, "
                "or loosen the filters in the sidebar."
            )
        )
    if not chosen.layer:
        return Markup('<strong class="empty">{}</strong>').format(
            _("Both layers are off, so the map is empty: turn one on in the sidebar.")
        )
    return Markup("{}").format(
        _("{claims} of {total}").format(
            claims=texts.plural(lang, "{n} claim", "{n} claims", len(kept.claims)),
            total=texts.number(len(whole.claims), lang),
        )
    )


def show_choice(letter: str, side: Side) -> None:
    shared = comparison.chosen(side, chosen)
    left = selection.counts(whole, shared)["source"]
    names = {s: texts.in_language(whole.sources.loc[s], "name", lang) for s in left}
    shown = list(names.values())
    labels = {
        s: f"{names[s]} ({left[s]})"
        if shown.count(names[s]) == 1
        else f"{names[s]} [{s}] ({left[s]})"
        for s in left
    }
    st.multiselect(
        _("Sources"),
        list(left),
        key=widget(letter, "source"),
        format_func=labels.get,
        placeholder=_("All sources"),
        on_change=changed,
    )
    first, last = whole.days or (None, None)
    day: date | None = side.as_of
    st.date_input(
        _("As of"),
        key=widget(letter, "as_of"),
        value=None,
        min_value=min(filter(None, (first, day)), default=None),
        max_value=max(filter(None, (last, day)), default=None),
        format="YYYY-MM-DD",
        help=_("Show only what had been said by that day; empty for all"),
        on_change=changed,
    )


def prepare_maps() -> list:
    """What the two maps show now, and where both look."""
    plan = marks.planned(whole, lang)
    visible = [
        session.visible(replace(now, selection=comparison.chosen(side, chosen), kept=kept))
        for side, kept in zip(sides, keeps, strict=True)
    ]
    bounds = None if view else comparison.bounds(difference, plan, visible[0] | visible[1])
    return [
        webmap.update(
            files=session.map_files(whole, lang),
            visible=mask,
            selected=-1,
            view=bounds or whole.view(view).bounds,
            # Not the bounds: a choice of sources must not move the maps.
            view_token=f"{view}-{now.view_moves}",
            show_token=0,
            interactive=False,
        )
        for mask in visible
    ]


def show_map(letter: str, layer) -> None:
    st_folium(
        webmap.base_map(session.ASSETS, together=True),
        key=f"compare.map.{letter}",
        feature_group_to_add=layer,
        returned_objects=[],
        use_container_width=True,
        height=420,
        render=False,
    )


def status_of(item: Item) -> str:
    """How a claim stands on either side, in words."""
    told = []
    for letter, status in zip(LETTERS, (item.left, item.right), strict=True):
        if status:
            text = words["status"][status]
            if item.implied and status in ("denied", "contested"):
                text = _("{status}, by implication").format(status=text)
            told.append(_("{head}: {text}").format(head=letter, text=text))
    return " · ".join(told)


def show_list() -> None:
    groups = (
        (_("Asserted on one side, only denied on the other"), difference.opposed),
        (_("With another status"), difference.changed),
        (_("Only in A"), difference.only_left),
        (_("Only in B"), difference.only_right),
        (_("Same status, by other statements"), difference.resting),
    )
    filled = [(head, items) for head, items in groups if items]
    count = sum(len(items) for _head, items in filled)
    with st.expander(
        texts.plural(lang, "The claim that differs", "The {n} claims that differ", count)
        if count
        else _("No claim differs"),
    ):
        if not count:
            st.html(Markup("<p>{}</p>").format(comparison.sentence(difference, lang)))
            return
        columns = st.columns(len(filled))
        for number, (head, items) in enumerate(filled):
            with columns[number], st.container(key=f"compare-list-{number}", gap=None):
                st.html(Markup('<h3 class="compare-group">{}</h3>').format(head))
                for item in items[:MOST_ITEMS]:
                    show_item(item)
                if len(items) > MOST_ITEMS:
                    more = _("and {n} more").format(n=texts.number(len(items) - MOST_ITEMS, lang))
                    st.html(Markup("<p>{}</p>").format(more))


def show_item(item: Item) -> None:
    title = texts.in_language(whole.claims.loc[item.claim], "title", lang)
    target = replace(chosen, claim=item.claim)
    if item.claim not in now.kept.claims.index:
        # Hidden there by the two filters that do not count here.
        target = replace(target, source=(), as_of=None)
    st.page_link(
        page="pages/map.py",
        label=sidebar.plain(title),
        query_params=[(k, v) for k, values in target.to_query().items() for v in values],
    )
    st.html(Markup('<p class="compare-status">{}</p>').format(status_of(item)))


left, right, ignored = read()
view = sidebar.own(LOOK)
if view not in [each.name for each in whole.views]:
    ignored += ((LOOK, view),) if view else ()
    view = ""
sides = (left, right)
state[STOOD] = sides
for letter, side in zip(LETTERS, sides, strict=True):
    state[widget(letter, "source")] = list(side.source)
    state[widget(letter, "as_of")] = side.as_of
keeps = [selection.apply(whole, comparison.chosen(side, chosen)) for side in sides]

difference = comparison.compare(*keeps)
layers = prepare_maps()

# Each part has its place from the start: the maps must never come to stand elsewhere.
head, notices = st.container(gap=None), st.container(gap=None)
buttons = st.container(horizontal=True, gap="small", key="compare-presets")
with st.container(key="compare-pair"):
    columns = st.columns(2, gap="small")
heads = []
for column, letter, layer in zip(columns, LETTERS, layers, strict=True):
    with column, st.container(key=f"compare-side-{letter}", gap=None):
        heads.append(st.container())
        show_map(letter, layer)
time.sleep(SEND_S)
with head:
    show_header()
with notices:
    show_notices(ignored)
with buttons:
    show_presets()
for place, letter, side, kept in zip(heads, LETTERS, sides, keeps, strict=True):
    with place:
        show_side_head(letter, side, kept)
show_list()
