"""Starts of the program that need not load other people's libraries anew, where most of the time goes.

``warm.py SOCKET`` loads the libraries, none of the project's modules, and then forks for each start that is
asked for. What the project does, from its first line on, is done anew in a process of its own.
"""

import array
import atexit
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any

LIBRARIES = (
    *("alembic.command", "httpx", "numba", "numpy", "pydantic_settings", "rich.console", "rich.table"),
    *("circuitbreaker", "pyarrow.compute", "pyarrow.parquet", "sqlalchemy.dialects.sqlite", "structlog"),
    *("prometheus_client", "talib", "tenacity", "typer", "typer.main"),
)
"""Neither what plain runs do without, nor what reads its settings when it is loaded."""
REQUEST_BYTES = 1_000_000


def main() -> None:
    """Until whoever started it closes its stdin; in each fork, the program's own main function."""
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    assert not any(name.partition(".")[0] == "crypto_signals" for name in sys.modules)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        asked = _asked(listening)
    if asked is not None:
        _become(*asked)
        _end(_ran())


Asked = tuple[dict[str, Any], list[int]]


def _asked(listening: socket.socket) -> Asked | None:
    """In a fork what it was asked to be; in the first process ``None``, at its end."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        while not any(key.fileobj is sys.stdin for key, _ in waiting.select()):
            connection, _ = listening.accept()
            with connection:
                if not os.fork():
                    return _started(connection)
    return None


def _started(connection: socket.socket) -> Asked | None:
    """Waits for the program, and tells its process and then its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files, _, _ = socket.recv_fds(connection, REQUEST_BYTES, 2)
    child = os.fork()
    if not child:
        return json.loads(request), files
    with suppress(OSError):
        connection.sendall(array.array("q", [child]).tobytes())
        _, status = os.waitpid(child, 0)
        connection.sendall(array.array("q", [os.waitstatus_to_exitcode(status)]).tobytes())
    os._exit(0)


def _ran() -> int:
    try:
        from crypto_signals.cli import main as program  # noqa: PLC0415 - as if it were loaded first

        program()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - told as the interpreter tells it
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> None:
    """As the interpreter ends, but for taking the libraries apart, which takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(request: dict[str, Any], files: list[int]) -> None:
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = request["command"]
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in zip((nothing, *files), range(3), strict=True):
        os.dup2(ours, standard)
        os.close(ours)


if __name__ == "__main__":
    main()
