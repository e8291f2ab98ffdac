"""The page for a dataset that cannot be used: every problem, by table, row and field."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from geo import texts
from geo.dataset import DatasetError


def show(error: DatasetError, lang: str = texts.DEFAULT_LANG) -> None:
    """List the problems of a dataset; the app stays up and reads it again on the next run."""
    _ = texts.translator(lang)
    st.header(_("This dataset cannot be shown yet"))
    count = texts.plural(lang, "{n} problem", "{n} problems", len(error.problems))
    st.markdown(_("{count} found in:").format(count=count))
    st.code(str(error.path), language=None)
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
    st.markdown(
        _("Rows are counted as a spreadsheet does: the header is row 1. Mend the files, then:")
    )
    st.button(_("Read the dataset again"), type="primary")
