"""The page for a dataset that cannot be used: every problem, by table, row and field."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from geo import texts
from geo.dataset import DatasetError
from pages import served, sidebar

LOOK_S = 5.0  # between two looks whether the dataset is back


def show(error: DatasetError, lang: str = texts.DEFAULT_LANG) -> None:
    """List the problems of a dataset; the app stays up and reads it again on the next run."""
    _ = texts.translator(lang)
    st.header(_("This dataset cannot be shown yet"))
    count = texts.plural(lang, "{n} problem", "{n} problems", len(error.problems))
    st.markdown(_("{count} found in:").format(count=count))
    st.code(str(error.path), language=None)
    show_rows(error, lang)
    st.markdown(
        _("Rows are counted as a spreadsheet does: the header is row 1. Mend the files, then:")
    )
    st.button(_("Read the dataset again"), type="primary")
    watch()


def show_rows(error: DatasetError, lang: str) -> None:
    """The problems as a table."""
    _ = texts.translator(lang)
    rows = pd.DataFrame(
        {
            _("Table"): [p.table for p in error.problems],
            _("Row"): [p.row for p in error.problems],
            _("Field"): [p.field or "" for p in error.problems],
            _("Found"): ["" if p.found is None else p.found for p in error.problems],
            _("Expected"): [texts.expected(p, lang) for p in error.problems],
        }
    ).astype({_("Row"): "Int64"})
    st.dataframe(rows, hide_index=True, width="stretch")


def warn(error: DatasetError, lang: str) -> None:
    """Say that the dataset broke or went away, and that what is shown is its last sound state."""
    _ = texts.translator(lang)
    first, *more = (texts.problem(each, lang) for each in error.problems)
    st.warning(
        _(
            "The dataset cannot be read now, so you see it as it last was. It is read again by "
            "itself as soon as it can be. {why}"
        ).format(why=sidebar.plain(first))
    )
    if more:
        count = texts.plural(lang, "{n} problem", "{n} problems", len(error.problems))
        with st.expander(count):
            show_rows(error, lang)
    watch()


def watch() -> None:
    """Look now and then, without a click, whether the dataset can be read."""
    looks = []

    @st.fragment(run_every=LOOK_S)
    def look() -> None:
        looks.append(len(looks))
        if looks == [0]:
            return  # this run has just looked
        try:
            _whole, error = served.shown()
        except DatasetError:
            return
        if error is None:
            st.rerun()

    look()


def show_refusal(error: OSError, lang: str) -> None:
    """What the machine refused to a page: room on its disk, mostly; the other pages go on."""
    _ = texts.translator(lang)
    st.error(
        _(
            "The server could not do what this page needs: {why}. Nothing was lost; try again, or "
            "go on with another page."
        ).format(why=sidebar.plain(error.strerror or str(error)))
    )
