"""The files of Streamlit's own page, sent from memory.

A page loads some eighty of them before it draws anything. Streamlit reads each from the disk, in
pieces, on every request: that was more than half of the server's work in opening a page.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_FOLDER = Path(st.__file__).parent / "static" / "static"
# All that a page loads before it runs; a picture or a missing file is left to Streamlit.
_KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
# The names tell the contents, so what was loaded once is good for ever.
_FOR_EVER = {"Cache-Control": "public, immutable, max-age=31536000"}


@cache
def _files() -> dict[str, Path]:
    """Each file by the end of its address."""
    found = (file for file in _FOLDER.rglob("*") if file.suffix in _KINDS and file.is_file())
    return {f"static/{file.relative_to(_FOLDER).as_posix()}": file for file in found}


@cache
def _answer(name: str) -> Response:
    file = _files()[name]
    return Response(file.read_bytes(), media_type=_KINDS[file.suffix], headers=_FOR_EVER)


class Assets:
    """Answers for Streamlit's own files, and hands everything else on."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            # The app's own base path may stand before it.
            name = "/".join(scope["path"].rsplit("/", 3)[1:])
            if name in _files():
                await _answer(name)(scope, receive, send)
                return
        await self.app(scope, receive, send)
