"""A few pages on one address, from Python's own server: there is nothing here that needs more."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Any
from urllib.parse import urlsplit

from crypto_signals.domain.errors import UsageError
from crypto_signals.hosts import on_loopback

_SLOW_S = 10.0
"""Who takes longer than this to ask is not answered."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered to a GET."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    kind: str = "text/plain; charset=utf-8"

    @classmethod
    def of(cls, text: str, *, good: bool = True) -> "Page":
        """A line; ``good`` or not is what a probe looks at."""
        return cls(f"{text}\n".encode(), HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE)


Pages = Mapping[str, Callable[[], Page]]


@contextmanager
def serving(bind: str, pages: Pages) -> Iterator[str]:
    """Answers at ``bind`` (HOST:PORT, port 0 takes a free one) while the block lasts; gives the address.

    On loopback it answers to names of loopback alone: to a browser, a page of somebody else's whose name was
    made to lead here would be one with these. Raises ``UsageError`` where nobody can listen.
    """
    host, _, port = bind.rpartition(":")
    try:
        server = _kind(host)((host.strip("[]"), int(port)), _handler(pages, is_private=is_private(bind)))
    except OSError as error:
        raise UsageError(f"HTTP_BIND: cannot listen on {bind}: {error.strerror}; choose another") from None
    with server:
        thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up early is nobody's concern."""


class _Server6(_Server):
    address_family = AF_INET6


def _kind(host: str) -> type[_Server]:
    return _Server6 if host.startswith("[") else _Server


def is_private(bind: str) -> bool:
    """Whether nobody but this machine can ask there."""
    return on_loopback(bind.rpartition(":")[0].strip("[]"))


def _handler(pages: Pages, *, is_private: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "sentinel", ""
        timeout = _SLOW_S

        def do_GET(self) -> None:
            page = self._page()
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(page.body)))
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(page.body)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def _page(self) -> Page:
            if is_private and not _is_meant(self.headers.get("Host")):
                return Page(b"this is not the server of that name\n", HTTPStatus.MISDIRECTED_REQUEST)
            make = pages.get(self.path.partition("?")[0])
            if make is None:
                return Page(f"there is: {', '.join(pages)}\n".encode(), HTTPStatus.NOT_FOUND)
            return make()

        def log_message(self, *_args: object) -> None:
            """Probes and scrapes are no events."""

    return Handler


def _is_meant(host: str | None) -> bool:
    """Probes may leave the name out; no browser does."""
    try:
        return host is None or on_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
