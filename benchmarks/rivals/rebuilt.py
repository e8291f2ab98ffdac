"""The ordinary streamlit-folium app: each run builds the map anew, a CircleMarker for each point.

Leaflet comes from this server, as there may be no network; so there are no tiles either.
"""

from pathlib import Path

import folium
import streamlit as st
import streamlit.components.v1 as components
from points import chosen
from streamlit_folium import st_folium
from xstatic.pkg import leaflet

st.set_page_config(layout="wide")
components.declare_component("leaflet", path=Path(leaflet.BASE_DIR))

built = folium.Map(location=(45, 70), zoom_start=3, tiles=None)
built.default_js = [("leaflet", "../rebuilt.leaflet/leaflet.js")]
built.default_css = [("leaflet_css", "../rebuilt.leaflet/leaflet.css")]
for point in chosen().itertuples():
    folium.CircleMarker(
        (point.lat, point.lon),
        radius=5,
        color=point.colour,
        fill=True,
        tooltip=point.title,
    ).add_to(built)
st_folium(built, key="map", returned_objects=[], use_container_width=True, height=560)
