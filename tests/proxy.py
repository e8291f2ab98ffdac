"""The nginx that the tests put in front of servers: where it is, how it starts, how to get it.

Run as a script (`make test` does) it fetches Debian's package where nginx is missing and apt and
root allow. Where it cannot be had, the tests check the form of the configuration alone.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = Path(__file__).parent.parent / ".streamlit" / "deploy" / "nginx.conf"


def find() -> str | None:
    """The path of nginx, None where there is none."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


def ensure() -> str | None:
    """The path of nginx, fetched first where that can be done; nothing is started."""
    apt = shutil.which("apt-get") if sys.platform == "linux" and os.geteuid() == 0 else None
    if find() is None and apt:
        # The program alone: without the package's service nothing listens afterwards.
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for command in ([apt, "update"], [apt, "install", "-y", "nginx-light"]):
            print("No nginx yet:", *command, flush=True)
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    return find()


def configured(port: int, behind: list[int], folder: Path) -> Path:
    """Our configuration with loopback ports for its names, and its own files in ``folder``."""
    text = CONFIGURATION.read_text("utf-8")
    servers = re.findall(r"server (app-\d+:8501)", text)
    assert len(servers) == len(behind)
    for name, each in zip(servers, behind, strict=True):
        text = text.replace(name, f"127.0.0.1:{each}")
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{folder}/")
    path = folder / "nginx.conf"
    path.write_text(text, "utf-8")
    return path


@contextmanager
def running(behind: list[int], folder: Path) -> Iterator[str]:
    """nginx in front of servers on these ports of loopback, until the block ends; gives its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [find(), "-c", str(configured(port, behind, folder)), "-g", "daemon off;"]
    with (folder / "nginx.log").open("wb") as sink:
        nginx = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
    try:
        for _ in range(200):
            with socket.socket() as ask:
                if ask.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert nginx.poll() is None, (folder / "nginx.log").read_text("utf-8")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        if nginx.poll() is None:
            os.killpg(nginx.pid, signal.SIGTERM)
            nginx.wait(10)


if __name__ == "__main__":
    print("nginx:", ensure() or "cannot be had here; the form of its configuration is checked")
