"""What the rival apps draw: one point for each feature, with the filters that they share."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import streamlit as st

FACETS = ("theme", "confidence")
COLOURS = {
    "transport": "#1f4e79",
    "training": "#7a5c00",
    "presence": "#a3322e",
    "plan": "#5b3a8c",
    "front": "#20603c",
}


@st.cache_data
def points() -> pd.DataFrame:
    """The features of the dataset: title, theme, confidence, lon and lat in degrees, colour."""
    folder = Path(os.environ["CLAIMS_DATASET"])
    claims, features, places = (
        pd.read_csv(folder / f"{name}.csv").set_index("id")
        for name in ("claims", "features", "places")
    )
    drawn = features.join(claims[["title", *FACETS]], on="claim")
    drawn = drawn.join(places[["lon", "lat"]], on="place")
    drawn["colour"] = drawn["theme"].map(COLOURS)
    return drawn[["title", *FACETS, "lon", "lat", "colour"]].reset_index(drop=True)


def chosen() -> pd.DataFrame:
    """The points that the sidebar's pills leave; none pressed in a facet means all."""
    left = points()
    for facet in FACETS:
        offered = sorted(points()[facet].unique())
        with st.sidebar:
            picked = st.pills(facet.title(), offered, selection_mode="multi", key=facet)
        if picked:
            left = left[left[facet].isin(picked)]
    return left
