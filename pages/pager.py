"""The pages of a long list of claims: which one is shown, and the way to the others."""

from __future__ import annotations

import math

import streamlit as st
from markupsafe import Markup

from geo import texts
from pages import sidebar


def _turn(key: str) -> None:
    sidebar.set_own("page", str(st.session_state[key]))


def show(key: str, page: int, total: int, size: int, lang: str) -> None:
    """Which of the claims stand on a page of so many, and a box that turns to another one.

    ``key`` names the box. The page is kept in the address, as the page's own.
    """
    _ = texts.translator(lang)
    pages = max(math.ceil(total / size), 1)
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
        first=texts.number((page - 1) * size + 1 if total else 0, lang),
        last=texts.number(min(page * size, total), lang),
        all=texts.plural(lang, "{n} claim", "{n} claims", total),
    )
    st.html(Markup('<p class="quiet" role="status">{}</p>').format(told), width="content")
