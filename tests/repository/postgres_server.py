"""A PostgreSQL server of the system's own package, in a temporary folder, for as long as the tests last."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

USER, PASSWORD = "sentinel", "p@ss:word/%41"
"""A password that has to be written with care in an address."""
QUOTED = "p%40ss%3Aword%2F%2541"
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{QUOTED}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database, which sorts as people do, not by code points; gone after the block."""
        name = f"test_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE sorted_for_people")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def connect(self, database: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            yield connection


@contextmanager
def running() -> Iterator[Server]:
    """A server that keeps nothing on disk by force (it need not outlive the machine)."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="sentinel-pg-"))
    try:
        with _started(programs, folder) as server:
            server.execute(
                "CREATE DATABASE sorted_for_people TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
            )
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where the server's programs are. Without them tests are skipped, but never where a change is judged."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(versions, key=lambda place: float(place.parent.name), reverse=True)
    for place in found:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    missing = "there is no PostgreSQL server on this machine (Debian: apt-get install postgresql)"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def _as_nobody_special(folder: Path) -> list[str]:
    """The server refuses to run as root: it gets the user that its package made. Where the system can do
    that, it ends with the tests, however they end."""
    setpriv = shutil.which("setpriv")
    ending = [setpriv, "--pdeathsig=QUIT"] if setpriv else []
    if os.geteuid() != 0:
        return ending
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [*ending, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@contextmanager
def _started(programs: Path, folder: Path) -> Iterator[Server]:
    user, secret = _as_nobody_special(folder), folder / "secret"
    secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
    secret.chmod(0o644)
    init = [
        *(programs / "initdb", "-D", folder / "data", "-U", USER, f"--pwfile={secret}", "--no-sync"),
        *("--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"),
    ]
    made = subprocess.run([*user, *map(str, init)], cwd="/", capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "autovacuum": "off",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = [*user, str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
    try:
        server = Server(port, folder)
        _wait_for(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            server.execute("SELECT 1")
        except psycopg.OperationalError:
            log = (server.folder / "log").read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None, log
            assert time.monotonic() < end, log
            time.sleep(0.05)
        else:
            return
