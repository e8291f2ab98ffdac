"""Streamlit servers to measure: started on loopback, watched, and stopped again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
DASHBOARD = ROOT / "dashboard.py"
_LOG_TAIL_LINES = 15


class ServerFailed(RuntimeError):
    """A server that did not start or did not live; the message ends with its last words."""


@dataclass(frozen=True)
class Server:
    """A running Streamlit server."""

    process: subprocess.Popen
    port: int
    started: float  # time.monotonic() of just before its start
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_mb(self) -> float:
        """The memory that is the server's own and its share of what it shares, in MB (Linux)."""
        told = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text("utf-8")
        pss = next(line for line in told.splitlines() if line.startswith("Pss:"))
        return int(pss.split()[1]) / 1024

    def cpu_s(self) -> float:
        """Seconds of processor time that the server has used so far (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def wait_until_healthy(self, patience_s: float = 60) -> None:
        """Return as soon as the server answers; raises ServerFailed."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise ServerFailed(self._told("died at its start"))
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/_stcore/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass  # not listening yet
            finally:
                connection.close()
            time.sleep(0.03)
        raise ServerFailed(self._told(f"did not answer within {patience_s:.0f} s"))

    def _told(self, what: str) -> str:
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join([f"The server on port {self.port} {what}:", *lines])

    def stop(self) -> None:
        """End the server and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(
    script: Path, dataset: Path | None, log: Path, port: int = 0, options: tuple[str, ...] = ()
) -> Iterator[Server]:
    """Serve a Streamlit script on a dataset, on loopback, until the block ends.

    ``port`` 0 takes one that is free; ``options`` are further words of the command line. The
    server need not answer yet: see ``Server.wait_until_healthy``.
    """
    port = port or free_port()
    # What the shell happens to hold must not decide what is measured.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CLAIMS_", "STREAMLIT_"))
    }
    if dataset is not None:
        environment["CLAIMS_DATASET"] = str(dataset)
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    command += ["--server.headless", "true", "--server.fileWatcherType", "none", *options]
    started = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, port, started, log)
    try:
        yield server
    finally:
        server.stop()
