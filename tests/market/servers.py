"""Real servers on loopback: the project's stand-in for Alpaca, and one that answers from a script."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx


@dataclass(frozen=True)
class Simulator:
    """A running stand-in."""

    url: str
    alpaca: str

    def requests(self) -> list[dict[str, Any]]:
        """What it was asked, oldest first."""
        log: list[dict[str, Any]] = httpx.get(f"{self.url}/simulator/requests", trust_env=False).json()
        return log

    def post(self, what: str, body: object) -> None:
        """Sets the clock, faults, or limits; ``reset`` undoes that."""
        httpx.post(f"{self.url}/simulator/{what}", json=body, trust_env=False).raise_for_status()


@contextmanager
def simulator(bars: Sequence[Path], now: str) -> Iterator[Simulator]:
    """The stand-in as a process of its own, with its clock at ``now``."""
    options = [word for path in bars for word in ("--bars", str(path))]
    command = [sys.executable, "-m", "crypto_signals.simulator", "--no-limits", "--now", now, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            started = json.loads(process.stdout.readline())
            yield Simulator(started["url"], started["alpaca_data_url"])
        finally:
            process.terminate()
            process.wait(10)


@dataclass
class Script:
    """Answers in order; the last one is repeated. An answer is a status, a body, and headers."""

    url: str
    answers: list[tuple[int, object, dict[str, str]]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)

    def says(self, *answers: tuple[int, object]) -> None:
        self.answers = [(status, body, {}) for status, body in answers]
        self.asked.clear()


@contextmanager
def scripted() -> Iterator[Script]:
    """A server that says what a test tells it to, to whatever it is asked."""
    script = Script("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script.asked.append({name: own[0] for name, own in parse_qs(urlsplit(self.path).query).items()})
            answers = script.answers
            status, body, headers = answers.pop(0) if len(answers) > 1 else answers[0]
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nothing: the tests read ``asked``."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        script.url = f"http://127.0.0.1:{server.server_port}"
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
