"""The browser that the tests drive: where it is, how it starts, and how to get one.

Run as a script (`make test` does) it finds one or fetches one: the system's Chromium or Chrome,
else Debian's package where apt and root allow, else Playwright's own build.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from playwright.sync_api import sync_playwright

# Root cannot have a sandbox; the rest keeps the browser from speaking to anyone but the page.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_INSTALL = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]


class BrowserMissing(RuntimeError):
    """No browser on this machine starts; the message says how to get one."""

    def __init__(self) -> None:
        super().__init__(
            "No working Chromium or Chrome: install one (Debian: apt-get install chromium;"
            " elsewhere: .venv/bin/python -m playwright install --with-deps chromium)"
            " and run the tests again."
        )


@cache
def find() -> str:
    """The path of a browser that starts. Raises BrowserMissing, never skips."""
    for path in _candidates():
        if _starts(path):
            return path
    raise BrowserMissing


def ensure() -> str:
    """The path of a browser that starts, fetched first where there is none."""
    apt = shutil.which("apt-get") if sys.platform == "linux" and os.geteuid() == 0 else None
    fetches = [_INSTALL]
    if apt:
        # A browser alone is no use where the system lacks its libraries: apt knows them.
        fetches = [[apt, "update"], [apt, "install", "-y", "chromium"], [*_INSTALL, "--with-deps"]]
    while True:
        try:
            return find()
        except BrowserMissing:
            if not fetches:
                raise
        command = fetches.pop(0)
        print("No browser yet:", *command, flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, _NAMES))
    yield from filter(os.path.exists, _MAC)
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        yield own


def _starts(path: str) -> bool:
    """Whether it draws an empty page: a snap's stub, or a build without its libraries, does not."""
    command = [path, *FLAGS, "--headless", "--dump-dom", "about:blank"]
    try:
        shown = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return shown.returncode == 0 and b"<html" in shown.stdout


if __name__ == "__main__":
    try:
        print("Browser:", ensure())
    except BrowserMissing as missing:
        sys.exit(str(missing))
