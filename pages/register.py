"""The register: every claim by every source, or every statement one by one."""

from __future__ import annotations

import streamlit as st
from markupsafe import Markup

from geo import evidence, register, texts
from pages import links, pager, session, sidebar

now = session.current()
whole, kept, chosen, _ = now.whole, now.kept, now.selection, now.translate
lang = chosen.lang

FORMS = {"matrix": _("Matrix"), "table": _("Statements")}
ORDERS = {
    "dataset": _("Order of the dataset"),
    "status": _("Status, contested first"),
    "confidence": _("Confidence, highest first"),
    "date": _("Last spoken of"),
    "origins": _("Most independent origins"),
}

form = "table" if sidebar.own("form") == "table" else "matrix"
query = sidebar.own("q")
silent = sidebar.own("silent") == "1"
page = pager.asked()
order = sidebar.own("sort")
if form == "matrix" and order not in register.MATRIX_ORDERS:
    order = "dataset"
if form == "table" and order.removeprefix("-") not in register.COLUMNS:
    order = ""


def put(key: str, value: str) -> None:
    """Change a key of the page's own in the address, and go back to the first rows."""
    sidebar.set_own(key, value)
    sidebar.set_own("page", "")


def asked(what: dict[str, str]) -> None:
    """Do what a link of the register asks for: open a claim, or sort."""
    if what.get("claim") in whole.claims.index:
        sidebar.choose("claim", what["claim"])
        st.session_state["shows"] = st.session_state.get("shows", 0) + 1
    elif what.get("sort", "").removeprefix("-") in ("", *register.COLUMNS):
        put("sort", what.get("sort", ""))


def pick_form() -> None:
    put("form", "table" if st.session_state["register.form"] == "table" else "")
    sidebar.set_own("sort", "")


def pick_order() -> None:
    picked = st.session_state["register.sort"]
    put("sort", "" if picked == "dataset" else picked)


def pick_silent() -> None:
    put("silent", "1" if st.session_state["register.silent"] else "")


def pick_query() -> None:
    put("q", st.session_state["register.q"].strip()[:200])


def show_controls(start: int, total: int, size: int) -> None:
    # The address is what holds; the widgets follow it.
    state = st.session_state
    state["register.form"], state["register.q"] = form, query
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="controls"):
        st.segmented_control(
            _("Shown as"),
            list(FORMS),
            key="register.form",
            format_func=FORMS.get,
            required=True,
            on_change=pick_form,
        )
        st.text_input(
            _("Search"),
            key="register.q",
            placeholder=_("Claim, source, text, reference, place"),
            on_change=pick_query,
            width=270,
        )
        if form == "matrix":
            state["register.sort"], state["register.silent"] = order, silent
            st.selectbox(
                _("Sorted by"),
                list(ORDERS),
                key="register.sort",
                format_func=ORDERS.get,
                on_change=pick_order,
                width=225,
            )
            st.toggle(_("Silent sources too"), key="register.silent", on_change=pick_silent)
        if total:
            pager.show("register.page", start // size + 1, total, size, lang, counted(total))


def address() -> dict[str, list[str]]:
    """The page's address as links need it."""
    mine = {"form": "" if form == "matrix" else form, "q": query, "silent": "1" if silent else ""}
    mine |= {"sort": "" if order == "dataset" else order, "page": "" if page == 1 else str(page)}
    return chosen.to_query() | {key: [value] for key, value in mine.items() if value}


def counted(total: int) -> str:
    """How many rows there are in all, and what they were found by."""
    told = (
        texts.plural(lang, "{n} claim", "{n} claims", total)
        if form == "matrix"
        else texts.plural(lang, "{n} statement", "{n} statements", total)
    )
    return _("{what} found by “{query}”").format(what=told, query=query) if query else told


def show_register() -> None:
    """The controls and, beside the evidence of the claim that is open, the matrix or the table."""
    if form == "matrix":
        size = register.MATRIX_ROWS
        found = register.matrix(
            whole, kept, lang, order=order, query=query, silent=silent, start=(page - 1) * size
        )
        html = register.matrix_to_html(found, lang, address(), chosen.claim)
    else:
        size = register.TABLE_ROWS
        found = register.table(whole, kept, lang, order=order, query=query, start=(page - 1) * size)
        html = register.table_to_html(found, lang, address(), order, chosen.claim)
    show_controls(found.start, found.total, size)
    opened = chosen.claim in kept.claims.index
    if chosen.claim and not opened:
        st.info(_("The claim that was open is hidden by the filters."))
    pair = st.container(key="registerpair")
    main, beside = pair.columns([0.66, 0.34], gap="medium") if opened else (pair, None)
    with main, st.container(key="registerframe"):
        if found.total:
            st.html(html)
            st.html(register.key_to_html(lang))
        else:
            show_nothing_found()
    if opened:
        with beside, st.container(key="reading"):
            show_evidence()


def show_nothing_found() -> None:
    st.info(_("No statement holds all the words of “{query}”.").format(query=sidebar.plain(query)))
    st.button(_("Clear the search"), on_click=put, args=("q", ""))


def show_evidence() -> None:
    # A link and no switch of pages: that would end this run before the sidebar is drawn, and the
    # filters be forgotten. The map goes to the claim that is open once this number is there.
    st.session_state.setdefault("shows", 1)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.page_link(
            page="pages/map.py",
            label=_("See it on the map"),
            icon=":material/map:",
            query_params=[(k, v) for k, values in chosen.to_query().items() for v in values],
        )
        st.button(_("Close"), on_click=sidebar.choose, args=("claim", ""))
    st.html(evidence.to_html(evidence.gather(whole, kept, chosen.claim, chosen), lang))


st.html(
    Markup('<header class="page"><h1>{}</h1><p>{}</p></header>').format(_("Register"), now.sentence)
)
links.follow(asked)
if len(kept.claims):
    show_register()
else:
    sidebar.show_empty(whole, chosen)
