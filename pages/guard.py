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
from pages import served

_INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.S)


def _inline_scripts() -> str:
    """The scripts that Streamlit's own page has inline, each by its hash."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (hashlib.sha256(text.encode()).digest() for text in _INLINE.findall(page))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _policy(scripts: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {scripts}",
            "style-src 'self' 'unsafe-inline'",  # Streamlit writes its styles into the page
            "img-src 'self' data: blob:",
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


# As strict as the stack allows: a page of ours runs no inline script but Streamlit's own (and
# modules that Streamlit makes of a component's text, as blobs). The frame of a map must be allowed
# more, for streamlit-folium runs what it is sent; no text of the data goes that way.
PAGE_POLICY = _policy(f"{_inline_scripts()} blob:")
FRAME_POLICY = _policy("'unsafe-inline' 'unsafe-eval'")
_FRAMES = "/component/"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def headers_for(path: str) -> dict[str, str]:
    """The headers that the answer for a path carries."""
    policy = FRAME_POLICY if _FRAMES in path else PAGE_POLICY
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
    """Whether the app can show its dataset: 200 and its digest, or 503 and how many problems."""
    try:
        whole = served.load_dataset()
    except DatasetError as error:
        return JSONResponse({"status": "no dataset", "problems": len(error.problems)}, 503)
    except OSError as error:
        return JSONResponse({"status": "no dataset", "error": error.strerror}, 503)
    told = {"status": "ok", "dataset": whole.name, "digest": whole.digest}
    return JSONResponse(told | {"claims": len(whole.claims)})
