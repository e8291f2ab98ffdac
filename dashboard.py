"""Contested claims on a map: the app's entry, with the filters that every page shares.

Run it with ``streamlit run dashboard.py``; ``CLAIMS_DATASET`` names another dataset.
"""

import gc
import threading
from pathlib import Path

import streamlit as st
import streamlit.components.v1 as components

from geo import basemap, texts
from geo.dataset import DatasetError
from pages import session, sidebar

HERE = Path(__file__).parent

lang = sidebar.language()
_ = texts.translator(lang)
st.set_page_config(page_title=_("Contested claims"), page_icon="🗺️", layout="wide")


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """Once a server: read the basemap ahead, and spare the garbage collector the imports."""
    threading.Thread(target=basemap.warm, daemon=True).start()
    gc.collect()
    gc.freeze()


settle()
# The map's frame fetches its files from here: a component needs no setting to be served.
components.declare_component("claimmap", path=session.assets_folder())

try:
    whole = session.load_dataset()
except DatasetError as error:
    from pages import problems

    problems.show(error, lang)
    st.stop()

page = st.navigation(
    [
        st.Page(HERE / "pages" / "map.py", title=_("Map"), icon=":material/map:", default=True),
        st.Page(HERE / "pages" / "checks.py", title=_("Checks"), icon=":material/straighten:"),
    ],
    position="top",
)
chosen = sidebar.read(whole, page.url_path)
now = session.start(whole, chosen)
page.run()
# After the page, so that the map need not wait for all this to be drawn.
st.html(HERE / "pages" / "style.css")
sidebar.show(whole, chosen, now.sentence)
sidebar.write(sidebar.stored(whole))
