"""Starts of the program for tests that wait for its end."""

import array
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from crypto_signals.config import Settings

KEPT = (
    *("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR"),
    *("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "SYSTEMROOT"),
)
OWN = {name.upper() for name in Settings.model_fields} | {
    *("FIRESTORE_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST"),
}
"""What the program alone reads, and not before it has begun."""
START_S = 60.0
_NUMBER_BYTES = 8


def kept() -> dict[str, str]:
    """What a program has of this machine's environment."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def may_be_warm(environment: Mapping[str, str]) -> bool:
    """Whether nothing in it can be meant for the interpreter, or for a library when it is loaded."""
    usual = kept().items()
    return usual <= environment.items() and {name for name, _ in environment.items() - usual} <= OWN


def warmly(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """What ``subprocess.run`` would give, of a process whose libraries were loaded already."""
    mask = os.umask(0o077)
    os.umask(mask)
    request = {
        "command": list(command),
        "folder": str(folder),
        "umask": mask,
        "environment": dict(environment),
    }
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as err,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.settimeout(seconds)
        connection.connect(_place())
        socket.send_fds(connection, [json.dumps(request).encode()], [out.fileno(), err.fileno()])
        process = _number(connection)
        try:
            code = _number(connection)
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(command), seconds) from None
        return subprocess.CompletedProcess(
            list(command), code, _content(out.fileno()), _content(err.fileno())
        )


def _content(file: int) -> str:
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(os.dup(file), encoding="utf-8") as reading:
        return reading.read()


def _number(connection: socket.socket) -> int:
    told = connection.recv(_NUMBER_BYTES, socket.MSG_WAITALL)
    assert len(told) == _NUMBER_BYTES, "who starts programs has ended"
    return array.array("q", told)[0]


@cache
def _place() -> str:
    """Where the one listens that has loaded the libraries; it ends with these tests, however they end."""
    folder = tempfile.mkdtemp(prefix="sentinel-warm-")
    place = f"{folder}/socket"
    command = [sys.executable, "-P", str(Path(__file__).with_name("warm.py")), place]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=kept())

    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        shutil.rmtree(folder)

    atexit.register(end)
    deadline = time.monotonic() + START_S
    while not Path(place).exists():
        assert process.poll() is None, "who starts programs has ended"
        assert time.monotonic() < deadline, "who starts programs does not listen"
        time.sleep(0.01)
    return place
