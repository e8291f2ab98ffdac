"""The pages of a long list: which of its rows are shown, and the way to the others."""

from __future__ import annotations

import math

import streamlit as st
from markupsafe import Markup

from geo import texts
from pages import sidebar


def asked() -> int:
    """The number of the page that the address asks for, 1 where it asks for none."""
    page = sidebar.own("page")
    # Python reads no number of thousands of digits, which a link may well hold.
    return int(page) if page.isdecimal() and len(page) < 10 else 1


def _turn(key: str) -> None:
    sidebar.set_own("page", str(st.session_state[key]))


def show(key: str, page: int, total: int, size: int, lang: str, counted: str = "") -> None:
    """Which rows stand on a page of ``size``, and a box that turns to another one.

    ``key`` names the box. ``counted``: all the rows in words, "300 claims" where it is empty. The
    page is kept in the address, as the page's own.
    """
    _ = texts.translator(lang)
    pages = max(math.ceil(total / size), 1)
    told = counted or texts.plural(lang, "{n} claim", "{n} claims", total)
    if pages > 1:
        st.session_state[key] = page
        st.number_input(
            _("Page of {pages}").format(pages=texts.number(pages, lang)),
            min_value=1,
            max_value=pages,
            key=key,
            on_change=_turn,
            args=(key,),
            width=150,
        )
        told = _("{first} to {last} of {all}").format(
            first=texts.number((page - 1) * size + 1, lang),
            last=texts.number(min(page * size, total), lang),
            all=told,
        )
    st.html(Markup('<p class="quiet" role="status">{}</p>').format(told), width="content")
