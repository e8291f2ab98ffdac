"""The same points by pydeck: a ScatterplotLayer that WebGL draws, without a basemap."""

import pydeck
import streamlit as st
from points import chosen

st.set_page_config(layout="wide")
left = chosen()
colours = left["colour"].str[1:].map(lambda code: list(bytes.fromhex(code)))
layer = pydeck.Layer(
    "ScatterplotLayer",
    left[["title", "lon", "lat"]].assign(colour=colours),
    get_position="[lon, lat]",
    get_fill_color="colour",
    get_radius=5,
    radius_units="'pixels'",
    pickable=True,
)
st.pydeck_chart(
    pydeck.Deck(
        [layer],
        initial_view_state=pydeck.ViewState(latitude=45, longitude=70, zoom=2),
        map_style="",
        tooltip={"text": "{title}"},
    ),
    key="map",
    height=560,
)
