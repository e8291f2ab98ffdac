"""What the tests share: a served dashboard, a browser, and a page that notes what it asks for."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import FLAGS, BrowserMissing, find
from hypothesis import settings
from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from postgis import PostgisMissing, Server
from serve import ServerFailed, serving

ROOT = Path(__file__).resolve().parent.parent
_START_S = 90


# How long one example takes says more of the machine's load than of the code.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: once Playwright has started, no other event loop can run here."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def _without_waiting_for_a_frame() -> None:
    """A page that runs without a browser has no map's frame to let go first."""
    from pages import session

    session.FRAME_S = 0.0


@contextmanager
def _served(script: Path, log: Path, dataset: Path | None, env: dict[str, str]) -> Iterator[str]:
    """Serve a Streamlit script on a free loopback port until the block ends; gives its URL."""
    env = {"PYTHONUNBUFFERED": "1"} | env
    try:
        with serving(script, dataset, log, env=env) as server:
            server.wait_until_healthy(_START_S)
            yield server.url
            server.check_alive()
    except ServerFailed as failed:
        raise pytest.fail.Exception(str(failed), pytrace=False) from None


@pytest.fixture(scope="session")
def dashboard_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the dashboard, on its built-in dataset, served once for the whole session."""
    log = tmp_path_factory.mktemp("dashboard") / "server.log"
    with _served(ROOT / "dashboard.py", log, None, {}) as url:
        yield url


@pytest.fixture(scope="session")
def served() -> Callable[[Path, Path], AbstractContextManager[str]]:
    """served(dataset_path, log_path): a dashboard's URL as long as the block lasts."""
    return lambda dataset, log: _served(ROOT / "dashboard.py", log, dataset, {})


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """serve(dataset_path=None, env=None, script=dashboard.py) -> URL of a server for this test."""
    with ExitStack() as stack:
        count = 0

        def start(
            dataset_path: Path | None = None,
            env: dict[str, str] | None = None,
            script: Path = ROOT / "dashboard.py",
        ) -> str:
            nonlocal count
            count += 1
            log = tmp_path / f"server-{count}.log"
            return stack.enter_context(_served(script, log, dataset_path, env or {}))

        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the session. Without a browser the test fails and says so."""
    try:
        path = find()
    except BrowserMissing as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """An open page, with every address it asked for and every error it logged, frames included."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def is_foreign(self, address: str) -> bool:
        """Whether an address is on another host or port; data: and blob: are on none."""
        return urlsplit(address).netloc not in ("", urlsplit(self.url).netloc)

    def foreign(self) -> list[str]:
        """The addresses asked for that are not the page's own, web sockets included."""
        return [address for address in self.requests if self.is_foreign(address)]

    def settle(self) -> None:
        """Wait until Streamlit's script has run to its end."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')

    def grave(self) -> list[tuple[str, list[str]]]:
        """What axe finds on the page that is serious or critical, with where it is."""
        found = Axe().run(self.page).response["violations"]
        return [
            (each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def map_frame(self, selector: str = ".st-key-mapframe iframe", number: int = 0) -> Frame:
        """The frame of a map, once it has drawn its marks and the script has run to its end.

        On the way from page to page a frame may go while it is looked at: then the next is asked.
        """
        for _ in range(10):
            frame = self.page.locator(selector).nth(number).element_handle().content_frame()
            if frame is None:
                self.page.wait_for_timeout(200)
                continue
            try:
                # Until it is loaded it is an empty page, under the policy of the page round it.
                frame.wait_for_url("**/component/**", wait_until="commit")
                frame.wait_for_function("window.claimMap && claimMap.paints > 0", timeout=30_000)
                frame.evaluate("claimMap.ready")
            except PlaywrightError:
                if not frame.is_detached():
                    raise
                continue
            self.settle()
            if not frame.is_detached():
                return frame
        raise AssertionError("the map's frame never stayed")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """open_page(url, block_foreign=False, **context) -> Visit, 1366 × 768, closed with the test.

    With block_foreign every request off the page's origin is refused, as with no network there.
    Further keywords go to Playwright's new_context (locale, color_scheme, java_script_enabled, …).
    """
    contexts: list[BrowserContext] = []

    def start(url: str, *, block_foreign: bool = False, **context: object) -> Visit:
        opened = browser.new_context(**{"viewport": {"width": 1366, "height": 768}} | context)
        contexts.append(opened)
        visit = Visit(opened.new_page(), url)
        if block_foreign:
            opened.route(visit.is_foreign, lambda route: route.abort())
        opened.on("request", lambda request: visit.requests.append(request.url))
        opened.on("console", lambda said: said.type == "error" and visit.errors.append(said.text))
        opened.on("weberror", lambda thrown: visit.errors.append(str(thrown.error)))
        visit.page.on("websocket", lambda socket: visit.requests.append(socket.url))
        visit.page.goto(url)
        return visit

    yield start
    for opened in contexts:
        opened.close()


@pytest.fixture(scope="session")
def postgis_server() -> Iterator[Server]:
    """A PostGIS server of the session's own. Without PostGIS the test fails and says so."""
    try:
        server = Server()
    except PostgisMissing as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgis(postgis_server: Server) -> str:
    """The SQLAlchemy URL of a database on it, as its superuser; nothing is in it at first."""
    return postgis_server.url()
