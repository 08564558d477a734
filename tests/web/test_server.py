"""The pages for probes and Prometheus: who may ask for them, and what a browser may make of them."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from crypto_signals.web.server import Page, is_private, serving

PAGES = {"/healthz": lambda: Page.of("ok")}


@pytest.fixture
def port() -> Iterator[int]:
    with serving("127.0.0.1:0", PAGES) as url:
        yield urlsplit(url).port or 0


def ask(port: int, host: str | None) -> http.client.HTTPResponse:
    """What is answered to a GET of that ``Host``; none if it is ``None``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("GET", "/healthz", skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", None]
)
def test_who_means_this_machine_is_answered(port: int, host: str | None) -> None:
    """By any of its own names; a probe may leave the name out."""
    assert ask(port, host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[", "", "10.0.0.1"]
)
def test_a_foreign_name_that_leads_here_is_not_answered(port: int, host: str) -> None:
    """A page on the web whose name was made to lead to loopback reads nothing."""
    assert ask(port, host).status == 421


def test_elsewhere_any_name_may_lead_here() -> None:
    """Who binds it to the network gives it names."""
    with serving("0.0.0.0:0", PAGES) as url:
        assert ask(urlsplit(url).port or 0, "bot.example.org").status == 200


def test_a_browser_makes_nothing_of_a_page(port: int) -> None:
    """It is neither framed, nor guessed at, nor kept, nor told where somebody came from."""
    headers = ask(port, "localhost").headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"].split() == ["sentinel"]


@pytest.mark.parametrize(
    ("bind", "private"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:1", True),
        ("[::1]:80", True),
        ("0.0.0.0:80", False),
        ("[::]:80", False),
    ],
)
def test_what_others_can_reach_is_known(bind: str, *, private: bool) -> None:
    """So that ``sentinel serve`` can say it."""
    assert is_private(bind) is private
