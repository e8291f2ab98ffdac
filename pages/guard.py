"""What the server answers besides pages: its health, and headers that keep a page to itself."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit as st
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo.dataset import DatasetError
from geo.overlays import tiles
from pages import served

_INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.S)


def _inline_scripts() -> list[str]:
    """The scripts that Streamlit's own page has inline, each by its hash."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (hashlib.sha256(text.encode()).digest() for text in _INLINE.findall(page))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def _policy(scripts: list[str], images: list[str]) -> str:
    """Nothing from elsewhere, nothing sent elsewhere, no frame in or around."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *scripts)),
            "style-src 'self' 'unsafe-inline'",
            " ".join(("img-src 'self' data: blob:", *images)),
            "font-src 'self' data:",
            "media-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "frame-src 'self'",
            "manifest-src 'self'",
            "frame-ancestors 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "object-src 'none'",
        )
    )


# A page runs no script that somebody wrote into it, and evaluates no text. What the policies
# cannot forbid, since the stack needs it:
# - styles written into a page, which is how Streamlit makes all of its own;
# - scripts from blobs, which is how it loads the modules of small components: only what runs
#   already can make one;
# - any file of this server as a script: it serves no file of a stranger as one (nosniff);
# - in the map's frame also scripts in the page and evaluated text, for streamlit-folium runs a
#   map as it is sent; no text of the data goes that way (tests/test_map_in_browser.py);
# - there also pictures from the hosts of the online tiles, drawn when a viewer asks for them.
PAGE_POLICY = _policy([*_inline_scripts(), "blob:"], [])
MAP_POLICY = _policy(
    ["'unsafe-inline'", "'unsafe-eval'"], sorted({f"https://{t.host}" for t in tiles().values()})
)
# A file to save or to show as a picture; opened by itself it can do nothing.
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def headers_for(path: str) -> dict[str, str]:
    """The headers of the answer for a path, which may begin with the app's own base path."""
    policy = PAGE_POLICY
    if "/component/streamlit_folium." in path:
        policy = MAP_POLICY
    elif "/media/" in path or "/component/claimmap/" in path:
        policy = FILE_POLICY
    return HEADERS | {"Content-Security-Policy": policy}


class Guard:
    """Puts ``headers_for`` on every answer, in place of the server's own by those names."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        ours = [(k.lower().encode(), v.encode()) for k, v in headers_for(scope["path"]).items()]
        names = {name for name, _ in ours}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [
                    pair for pair in message.get("headers", []) if pair[0].lower() not in names
                ]
                message = message | {"headers": [*others, *ours]}
            await send(message)

        await self.app(scope, receive, guarded)


def health(_request) -> JSONResponse:
    """Whether the app can show its dataset: 200 and its digest, or 503 and how many problems.

    Where it shows the last sound state, as the dataset is broken or away, it still answers 200,
    with the status "kept": it serves, and starting it anew would lose what it keeps.
    """
    try:
        whole, error = served.shown()
    except DatasetError as told:
        return JSONResponse({"status": "no dataset", "problems": len(told.problems)}, 503)
    told = {"status": "ok", "dataset": whole.name, "digest": whole.digest}
    told |= {"claims": len(whole.claims)}
    if error is not None:
        # No more than the rule: the words may hold an address.
        told |= {"status": "kept", "problems": len(error.problems), "why": error.problems[0].code}
    return JSONResponse(told)
