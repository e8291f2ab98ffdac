"""The dashboard run in the test's own process: one of its pages at a link, and what it shows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest

DASHBOARD = Path(__file__).resolve().parent.parent / "dashboard.py"


def opened(page: str, query: str = "") -> AppTest:
    """The app on a page ("register"), after its run at a link's query."""
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60)
    app.switch_page(f"pages/{page}.py")
    for key, values in parse_qs(query, keep_blank_values=True).items():
        app.query_params[key] = values
    return ran(app.run())


def ran(app: AppTest) -> AppTest:
    """The app, whose run raised nothing."""
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    """All HTML of the page itself, without the sidebar's."""
    return " ".join(element.proto.body for element in app.main.get("html"))


def address(app: AppTest) -> dict[str, list[str]]:
    """The query as it stands in the page's address."""
    return {k: v if isinstance(v, list) else [v] for k, v in dict(app.query_params).items()}
