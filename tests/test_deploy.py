"""Several processes behind a proxy: who gets where, and files that all of them have."""

import http.client
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import proxy
import pytest

from geo import webdata
from pages import served

DEPLOY = proxy.CONFIGURATION.parent
CONFIGURATION = proxy.CONFIGURATION.read_text("utf-8")
COMPOSE = (DEPLOY / "compose.yaml").read_text("utf-8")


def named(name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            told = f"{name} {self.headers['Host']} {self.headers['Upgrade']}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def two():
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), named(name)) for name in ("one", "two")]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield servers
    for each in servers:
        each.shutdown()
        each.server_close()


def ask(url: str, cookie: str = "", upgrade: bool = False) -> tuple[list[str], str]:
    """The words of the server that answered, and the cookie that the proxy gave, "" for none."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    headers = {"Cookie": cookie} if cookie else {}
    if upgrade:
        headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    told = answer.read().decode().split(), (answer.getheader("Set-Cookie") or "").split(";")[0]
    connection.close()
    return told


def test_the_configuration_keeps_each_viewer_with_one_process():
    blocks = re.findall(r"upstream dashboard \{(.*?)\n    \}", CONFIGURATION, flags=re.S)
    assert len(blocks) == 1
    assert "hash $route consistent;" in blocks[0]
    assert re.findall(r"server (\S+):8501", blocks[0]) == re.findall(
        r"^  (app-\d+): \*app", COMPOSE, flags=re.M
    )
    for line in (
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $connection_upgrade;",
        "proxy_set_header Host $http_host;",
        "add_header Set-Cookie $new_route always;",
    ):
        assert CONFIGURATION.count(line) == 1
    assert CONFIGURATION.count("{") == CONFIGURATION.count("}")


def test_what_the_image_is_made_of_is_there():
    root = DEPLOY.parent.parent
    recipe = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [line.split()[1] for line in recipe.splitlines() if line.startswith("COPY ")]
    assert "dashboard.py" in copied
    assert [name for name in copied if not (root / name).exists()] == []
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert {f"!{name}" for name in copied} == {line for line in let_in if line.startswith("!")}
    assert "CLAIMS_MAP_FILES=/map-files" in recipe and "map-files:/map-files" in COMPOSE


@pytest.mark.skipif(proxy.find() is None, reason="no nginx here: the form alone was checked")
def test_nginx_leads_a_viewer_to_one_process_and_past_one_that_is_down(two, tmp_path):
    ports = [each.server_address[1] for each in two]
    checked = subprocess.run(
        [proxy.find(), "-t", "-c", str(proxy.configured(1, ports, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    with proxy.running(ports, tmp_path) as url:
        homes = {}
        for _ in range(30):
            (home, host, _upgrade), cookie = ask(url)
            assert cookie and host == urlsplit(url).netloc
            for upgrade in (False, True):
                (again, _host, asked), given = ask(url, cookie, upgrade)
                # Also where the page's connection is made; and nobody is given a second cookie.
                assert (again, given) == (home, "")
                assert asked == ("websocket" if upgrade else "None")
            homes.setdefault(home, cookie)
        assert homes.keys() == {"one", "two"}
        two[1].shutdown()
        two[1].server_close()
        assert ask(url, homes["two"])[0][0] == "one"
        assert ask(url, homes["one"])[0][0] == "one"


def test_processes_share_the_files_of_their_maps(tmp_path, monkeypatch):
    shared = tmp_path / "map-files"
    monkeypatch.setenv("CLAIMS_MAP_FILES", str(shared))
    fresh = served.assets_folder.__wrapped__
    assert fresh() == fresh() == shared
    found = {file.name for file in shared.iterdir()}
    assert {webdata.SCRIPT, webdata.STYLE} <= found
    # Nothing half done is left, and others may read what there is.
    assert all(name.endswith((".js", ".css")) for name in found)
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in shared.iterdir())


def test_a_shared_folder_that_cannot_be_is_told_and_done_without(tmp_path, monkeypatch, caplog):
    taken = tmp_path / "taken"
    taken.write_text("a file, no folder", "utf-8")
    monkeypatch.setenv("CLAIMS_MAP_FILES", str(taken))
    folder = served.assets_folder.__wrapped__()
    assert folder != taken and (folder / webdata.SCRIPT).exists()
    assert "CLAIMS_MAP_FILES" in caplog.text
