"""Streamlit's own files come from memory, as they are on the disk; all else is left to it."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from pathlib import Path

import pytest
import streamlit

from pages import assets, guard

STATIC = Path(streamlit.__file__).parent / "static"
KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}


def a_file(suffix: str) -> str:
    found = sorted(file for file in (STATIC / "static").rglob("*") if file.suffix == suffix)
    return found[0].relative_to(STATIC).as_posix()


def asked(path: str, method: str = "GET") -> tuple[str, bytes]:
    """Who answered, "memory" or "streamlit", and with what."""
    said = []

    async def streamlit_app(_scope, _receive, _send) -> None:
        said.append({"from": "streamlit"})

    async def send(message) -> None:
        said.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(assets.Assets(streamlit_app)(scope, None, send))
    if "from" in said[0]:
        return "streamlit", b""
    return "memory", b"".join(each.get("body", b"") for each in said)


def test_the_page_finds_every_file_that_it_names(dashboard_url):
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'(?:src|href)="\./(static/[^"]+\.(?:js|css|woff2))"', page))
    assert len(named) > 10
    for name in named:
        with urllib.request.urlopen(f"{dashboard_url}/{name}", timeout=30) as told:
            assert told.read() == (STATIC / name).read_bytes()
            assert told.headers.get_content_type() == KINDS[Path(name).suffix]
            assert "immutable" in told.headers["Cache-Control"]
            for header, value in guard.headers_for(f"/{name}").items():
                assert told.headers.get_all(header) == [value]


@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_comes_from_memory_below_any_base_path(suffix):
    name = a_file(suffix)
    for base in ("/", "/newsroom/", "/newsroom/maps/"):
        assert asked(base + name) == ("memory", (STATIC / name).read_bytes())


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/register",
        "/static/js/none.js",
        "/static/js/../js/" + a_file(".js").rsplit("/", 1)[1],
        "/static/js/%2e%2e/index.html",
        "/static/index.html",
        "/" + a_file(".png"),
        "/" + a_file(".js") + "/",
    ],
)
def test_everything_else_is_left_to_streamlit(path):
    assert asked(path) == ("streamlit", b"")
    assert asked("/" + a_file(".js"), "POST") == ("streamlit", b"")
