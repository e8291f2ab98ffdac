"""Contested claims on a map: the app's entry, with the filters that every page shares.

Run it with ``streamlit run dashboard.py``; ``CLAIMS_DATASET`` names another dataset. The server
imports this file once, for ``app``; then Streamlit runs it for each viewer and each click.
"""

from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

import streamlit as st
import streamlit.components.v1 as components
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.navigation.page import StreamlitPage

from geo import texts
from geo.dataset import DatasetError
from pages import assets, guard, own, problems, served, session, sidebar, turns

PAGES = Path(__file__).parent / "pages"


def _page(name: str, title: str, icon: str, default: bool = False) -> StreamlitPage:
    return st.Page(PAGES / f"{name}.py", title=title, icon=f":material/{icon}:", default=default)


def show() -> None:
    """One run: the page that is open, with the sidebar round it."""
    lang = sidebar.language()
    _ = texts.translator(lang)
    st.set_page_config(page_title=_("Contested claims"), page_icon="🗺️", layout="wide")
    # The map's frame fetches its files from here: a component needs no setting to be served.
    components.declare_component("claimmap", path=served.assets_folder())
    whole, trouble = own.dataset(), None
    try:
        if whole is None:
            whole, trouble = served.shown(lambda: st.spinner(_("Reading the dataset …")))
    except DatasetError as error:
        problems.show(error, lang)
        st.stop()

    page = st.navigation(
        [
            _page("map", _("Map"), "map", default=True),
            _page("checks", _("Checks"), "straighten"),
            _page("register", _("Register"), "table"),
            _page("timeline", _("Time"), "schedule"),
            _page("compare", _("Compare"), "compare"),
            _page("method", _("Method"), "menu_book"),
            _page("briefing", _("Briefing"), "slideshow"),
            _page("export", _("Export"), "download"),
            _page("data", _("Your data"), "upload_file"),
        ],
        position="top",
    )
    chosen = sidebar.read(whole, page.url_path)
    now = session.start(whole, chosen)
    # Styles and sidebar first, so that the map has its size from the start.
    st.html(served.style())
    filters = st.sidebar.container()
    # Always there, so that what comes below stays where it is when a word is said above.
    with st.container(key="notice"):
        if trouble is not None:
            problems.warn(trouble, lang)
    try:
        page.run()
    except OSError as error:
        problems.show_refusal(error, lang)
    # After the page, so that the map need not wait for all this to be drawn.
    with filters:
        own.show_badge(lang)
        sidebar.show(whole, chosen, now.sentence)
    sidebar.write(sidebar.stored(whole))
    session.finish(whole)


@asynccontextmanager
async def started(_app: st.App):
    """While the server serves: what the first viewer's map needs is made before anybody asks."""
    Thread(target=served.warm, daemon=True).start()
    try:
        yield
    finally:
        served.leave_nothing()


if __name__ == "__main__":
    with turns.runs.taken():
        show()
else:
    app = st.App(
        __file__,
        lifespan=started,
        routes=[Route("/health", guard.health)],
        middleware=[Middleware(guard.Guard), Middleware(assets.Assets)],
    )
