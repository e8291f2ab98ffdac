"""The PostGIS server that the tests use: where its programs are, how it starts, how to get it.

Run as a script (`make test` does) it finds PostgreSQL with PostGIS or fetches Debian's packages
where apt and root allow. The tests start a server of their own, with nothing in it, in a temporary
folder; a server that runs on this machine already is left alone.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_START_S = 60
_HOMES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_LOG_TAIL_LINES = 20
# What is stored need not outlive the tests.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "Asia/Seoul",  # not ours, so that nobody relies on it
    "datestyle": "SQL, DMY",
    "log_min_messages": "fatal",
}


class PostgisMissing(RuntimeError):
    """No PostgreSQL with PostGIS on this machine; the message says how to get it."""

    def __init__(self) -> None:
        super().__init__(
            "No PostgreSQL with PostGIS: install it (Debian: apt-get install postgresql"
            " postgresql-15-postgis-3, with the number of your PostgreSQL; macOS: brew install"
            " postgis) and run the tests again."
        )


@cache
def find() -> Path:
    """The folder with ``initdb`` and ``postgres``. Raises PostgisMissing, never skips."""
    for folder in _homes():
        if _has_postgis(folder):
            return folder
    raise PostgisMissing


def ensure() -> Path:
    """The folder with the programs, fetched first where they are not there."""
    fetches = []
    apt = shutil.which("apt-get") if sys.platform == "linux" and os.geteuid() == 0 else None
    if apt:
        fetches = [lambda: [apt, "update"], lambda: _install(apt)]
    while True:
        try:
            return find()
        except PostgisMissing:
            if not fetches:
                raise
        command = fetches.pop(0)()
        print("No PostGIS yet:", *command, flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)


def _install(apt: str) -> list[str]:
    """The command for the PostGIS of the PostgreSQL that is there, else of the newest on offer."""
    search = [shutil.which("apt-cache") or "apt-cache", "search", "--names-only"]
    search += ["^postgresql-[0-9]+-postgis-3$"]
    offered = subprocess.run(search, capture_output=True, text=True, check=False).stdout
    versions = sorted(map(int, re.findall(r"^postgresql-(\d+)-postgis-3\b", offered, flags=re.M)))
    there = {int(v) for folder in _homes() for v in re.findall(r"\d+", str(folder))}
    version = next((v for v in reversed(versions) if v in there), versions[-1] if versions else 15)
    named = [f"postgresql-{version}", f"postgresql-{version}-postgis-3"]
    return [apt, "install", "-y", "--no-install-recommends", *named]


def _homes() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for pattern in _HOMES:
        found = Path("/").glob(pattern.lstrip("/"))
        newest_first = sorted(found, key=lambda f: [int(n) for n in re.findall(r"\d+", str(f))])
        yield from reversed(newest_first)


def _has_postgis(folder: Path) -> bool:
    if not all((folder / name).exists() for name in ("initdb", "postgres", "pg_config")):
        return False
    asked = [folder / "pg_config", "--sharedir"]
    shared = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return (Path(shared) / "extension" / "postgis.control").exists()


class Server:
    """A server of our own on a free loopback port, in a temporary folder that goes with it.

    ``start`` and ``stop`` may be called in turn, ``remove`` ends it. Its only user at first is
    ``postgres``, who may do everything.
    """

    def __init__(self) -> None:
        self._programs = find()
        self._folder = Path(tempfile.mkdtemp(prefix="postgis-"))
        self._password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen | None = None
        # Root may not run it.
        self._as_whom: dict = {}
        if os.geteuid() == 0:
            user = "postgres" if _is_user("postgres") else "nobody"
            self._as_whom = {"user": user, "extra_groups": []}
            shutil.chown(self._folder, user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        secret = self._folder / "password"
        secret.write_text(self._password)
        if self._as_whom:
            shutil.chown(secret, self._as_whom["user"])
        command = [self._programs / "initdb", "--no-sync", "--username=postgres", "--locale=C"]
        command += ["--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={secret}"]
        command += [f"--pgdata={self._folder / 'data'}"]
        try:
            self._run(command)
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    def _run(self, command: list) -> None:
        ran = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, check=False, **self._as_whom
        )
        if ran.returncode:
            raise RuntimeError(f"{command[0]}: {ran.stderr or ran.stdout}")

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        """The address of a database, as CLAIMS_DATABASE_URL takes it."""
        who = f"{user}:{password or self._password}"
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [part for pair in _SETTINGS.items() for part in ("-c", "=".join(pair))]
        data, log = self._folder / "data", self._folder / "log"
        command = [self._programs / "postgres", "-D", data, "-p", str(self.port), *settings]
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as_whom,
            )
        until = time.monotonic() + _START_S
        status = data / "postmaster.pid"
        while time.monotonic() < until and self._process.poll() is None:
            # The last line says it, once recovery is over.
            if status.exists() and status.read_text().rstrip().endswith("ready"):
                return
            time.sleep(0.05)
        self.stop()
        tail = log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        raise RuntimeError("\n".join(["PostgreSQL did not start:", *tail]))

    def stop(self) -> None:
        """Stop it, whoever is connected; what it holds stays for the next start."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(2)  # SIGINT: end every session, then itself
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Stop it, and leave nothing of it."""
        self.stop()
        shutil.rmtree(self._folder)


def _is_user(name: str) -> bool:
    import pwd

    return name in {user.pw_name for user in pwd.getpwall()}


if __name__ == "__main__":
    try:
        print("PostGIS:", ensure())
    except PostgisMissing as missing:
        sys.exit(str(missing))
