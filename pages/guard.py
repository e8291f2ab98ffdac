"""What the server answers besides pages: its health, and headers that keep a page to itself."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo.dataset import DatasetError
from geo.overlays import tiles
from pages import served

# Nothing from elsewhere, nothing sent elsewhere, no frame in or around. What it cannot forbid:
# streamlit-folium runs the script of a map as it is sent, Streamlit makes blobs of the modules of
# small components and writes its styles into the page.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        # Online tiles are drawn when a viewer asks for them, and say whom that tells.
        " ".join(
            ("img-src 'self' data: blob:", *sorted({f"https://{t.host}" for t in tiles().values()}))
        ),
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
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_NAMES = {name for name, _ in _RAW}


class Guard:
    """Puts ``HEADERS`` on every answer, in place of the server's own by those names."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [
                    pair for pair in message.get("headers", []) if pair[0].lower() not in _NAMES
                ]
                message = message | {"headers": [*others, *_RAW]}
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
