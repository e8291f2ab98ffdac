"""Streamlit servers to measure and to test: started on loopback, watched, and stopped again."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parent.parent
DASHBOARD = ROOT / "dashboard.py"
_LOG_TAIL_LINES = 40


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
            self.check_alive()
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

    def check_alive(self) -> None:
        """Raises ServerFailed if the server has ended by itself."""
        if self.process.poll() is not None:
            raise ServerFailed(self._told(f"ended by itself, exit status {self.process.poll()}"))

    def _told(self, what: str) -> str:
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join([f"The server on port {self.port} {what}:", *lines])

    def stop(self) -> None:
        """End the server and all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(
    script: Path,
    dataset: Path | None,
    log: Path,
    port: int = 0,
    options: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Serve a Streamlit script on a dataset, on loopback, until the block ends.

    ``port`` 0 takes one that is free; ``options`` are further words of the command line, ``env``
    further variables. The server need not answer yet: see ``Server.wait_until_healthy``.
    """
    port = port or free_port()
    # What the shell happens to hold must not decide what is found.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CLAIMS_", "STREAMLIT_"))
    }
    environment |= env or {}
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


class Relay:
    """Passes a server's connections on, and counts what it sends: the bytes on the wire."""

    def __init__(self, to_port: int):
        self.to_port = to_port
        self.port = free_port()
        self.sent_bytes = 0  # by the server, headers and frames of all its connections
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, browser_reader, browser_writer) -> None:
        self._writers.add(browser_writer)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            browser_writer.close()
            return
        self._writers.add(writer)
        await asyncio.gather(
            self._pass(browser_reader, writer, False), self._pass(reader, browser_writer, True)
        )

    async def _pass(self, reader, writer, counted: bool) -> None:
        try:
            while piece := await reader.read(1 << 16):
                if counted:
                    self.sent_bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass  # one of the two went away
        finally:
            writer.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()  # whoever reads there comes to the end
        passing = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*passing, return_exceptions=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_error) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
