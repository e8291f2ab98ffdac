"""The watch on the page itself: were it blind, no test that leans on it could fail."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import browser
import pytest

FOREIGN = "http://elsewhere.invalid/a.js"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A page that asks for a script of its own, one from elsewhere, and logs an error."""
    (tmp_path / "own.js").write_text("console.error('said'); throw Error('thrown')")
    (tmp_path / "favicon.ico").touch()
    (tmp_path / "frame.html").write_text(f'<script src="{FOREIGN}"></script>')
    (tmp_path / "index.html").write_text(
        '<!doctype html><script src="own.js"></script><iframe src="frame.html"></iframe>'
    )
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("block_foreign", [False, True])
def test_a_visit_notes_foreign_requests_and_errors(open_page, site, block_foreign):
    visit = open_page(site, block_foreign=block_foreign)
    visit.page.wait_for_load_state("networkidle")
    assert visit.foreign() == [FOREIGN]
    assert f"{site}/own.js" in visit.requests
    assert "said" in visit.errors
    assert any("thrown" in error for error in visit.errors)
    refused = any("ERR_FAILED" in error for error in visit.errors)
    assert refused == block_foreign


def test_a_visit_has_the_size_of_a_small_laptop(open_page, site):
    assert open_page(site).page.viewport_size == {"width": 1366, "height": 768}


def test_no_browser_is_one_sentence_and_not_a_skip(monkeypatch):
    monkeypatch.setattr(browser, "_candidates", lambda: iter(["/nowhere/chromium", "/bin/false"]))
    with pytest.raises(browser.BrowserMissing, match="apt-get install chromium"):
        browser.find.__wrapped__()
