"""Requests to the outside, over the wire: answers that never end, that are huge, and that lead elsewhere."""

import gzip
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from crypto_signals import outgoing
from crypto_signals.domain.errors import NotSent, OutcomeUnknown, SourceFailed, UsageError
from crypto_signals.market.alpaca_client import AlpacaClient, Keys
from crypto_signals.market.pace import Pace
from crypto_signals.notifications import discord_client
from crypto_signals.notifications.discord_client import DiscordClient
from crypto_signals.observability.exports import ping, push
from crypto_signals.observability.watchers import NotReported
from crypto_signals.process import RunBudget

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPPING = HEAD + b"Content-Length: 100000\r\n\r\n{"
SOON_S = 5.0
MB = 1_000_000
CANARY = "CANARY"
Answer = Callable[[Callable[[bytes], None]], None]


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends whatever ``answer`` sends; gives its address, and what it was asked."""
    heard: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(65_536))
            try:
                answer(self.request.sendall)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", heard
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server whose answers would take an hour, a byte at a time."""
    stopped = threading.Event()

    def drip(send: Callable[[bytes], None]) -> None:
        send(DRIPPING)
        while not stopped.wait(0.05):
            send(b" ")

    with answering(drip) as (url, _):
        yield url
        stopped.set()


@pytest.fixture
def endless() -> Iterator[str]:
    """A server whose answers are as long as anybody reads them."""

    def pour(send: Callable[[bytes], None]) -> None:
        send(HEAD + b"\r\n")
        while True:
            send(b" " * MB)

    with answering(pour) as (url, _):
        yield url


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """100 MB of nothing, in less than half a megabyte."""
    return gzip.compress(bytes(100 * MB), compresslevel=1)


@pytest.fixture
def packed(bomb: bytes) -> Iterator[str]:
    """A server whose small answers are huge once they are unpacked."""
    with answering(lambda send: send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + bomb)) as (url, _):
        yield url


def discord(url: str) -> DiscordClient:
    headers = {"Authorization": f"Bot {CANARY}"}
    return DiscordClient("Discord", httpx.URL(url), SecretStr(CANARY), "look", headers=headers)


def asks_for_bars(url: str) -> None:
    client = AlpacaClient(url, Keys(CANARY, CANARY), first_wait_s=0.0)
    try:
        client.get("/v1beta3/crypto/us/bars", {})
    finally:
        client.close()


def posts(url: str) -> None:
    client = discord(url)
    try:
        answer = client.send("/channels/1/messages", {"content": "x"})
        if not answer.is_success:
            raise client.problem(answer)
    finally:
        client.close()


def reads(url: str) -> None:
    client = discord(url)
    try:
        client.read("/users/@me")
    finally:
        client.close()


def pushes(url: str) -> None:
    push(url.replace("://", f"://user:{CANARY}@"), CollectorRegistry(), {"environment": "DEV"})


def pings(url: str) -> None:
    ping(f"{url}/{CANARY}", good=True)


def test_bars_that_never_end_do_not_outlast_the_run(dripping: str) -> None:
    """A run that was asked to stop, or has no time left, gives up in the middle of an answer."""
    budget = RunBudget(60.0)
    client = AlpacaClient(dripping, pace=Pace(wait=budget.wait), first_wait_s=0.0)
    threading.Timer(0.3, budget.stop).start()
    began = time.monotonic()
    with pytest.raises(SourceFailed):
        client.get("/v1beta3/crypto/us/bars", {})
    assert time.monotonic() - began < SOON_S
    client.close()


def test_an_answer_of_discord_that_never_ends_is_an_unknown_outcome(
    dripping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message may have arrived."""
    monkeypatch.setattr(discord_client, "BODY_S", 0.3)
    with pytest.raises(OutcomeUnknown):
        posts(dripping)


def test_what_a_dead_man_s_switch_says_is_not_waited_for(dripping: str) -> None:
    """That it answers is all that one needs to know."""
    began = time.monotonic()
    ping(dripping, good=True)
    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("how", ["endless", "packed"])
@pytest.mark.parametrize(
    ("ask", "raised", "says"),
    [
        (asks_for_bars, SourceFailed, "sent an answer of more than 64 MB"),
        (posts, OutcomeUnknown, "TooLarge.*may have arrived"),
        (reads, NotSent, "no whole answer"),
        (pushes, NotReported, "the Pushgateway cannot be reached"),
    ],
)
def test_a_huge_answer_is_cut_off(
    how: str,
    ask: Callable[[str], None],
    raised: type[Exception],
    says: str,
    request: pytest.FixtureRequest,
) -> None:
    """On the wire or once it is unpacked: it ends in an error for people, not in the memory of the machine;
    and bars are not asked for again, which would be as much again."""
    url: str = request.getfixturevalue(how)
    with pytest.raises(raised, match=says):
        ask(url)


def test_a_packed_answer_is_unpacked_a_little_at_a_time(packed: str) -> None:
    """What is read of a bomb until it is found out is hardly more than what is allowed."""
    read: list[int] = []
    with (
        outgoing.client("127.0.0.1", outgoing.Bounds(5.0, 2)) as client,
        client.stream("GET", packed) as answer,
        pytest.raises(outgoing.TooLarge),
    ):
        read.extend(len(piece) for piece in answer.iter_bytes())
    assert max(read) <= 65_536
    assert 1.9 * MB < sum(read) <= 2 * MB


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_an_honest_packed_answer_is_whole(size: int) -> None:
    """As it was before it was packed."""
    body = bytes(number % 251 for number in range(size))
    head = HEAD + b"Content-Encoding: gzip\r\n\r\n"
    with (
        answering(lambda send: send(head + gzip.compress(body))) as (url, _),
        outgoing.client("127.0.0.1", outgoing.Bounds(5.0, 1)) as client,
    ):
        assert client.get(url).content == body


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        *((packing, b"nothing packed") for packing in (b"gzip", b"br", b"gzip, gzip")),
        (b"gzip", gzip.compress(b"x") + b"more"),
    ],
)
def test_what_is_packed_wrongly_or_unasked_is_an_error(packing: bytes, body: bytes) -> None:
    """Not a guess at what it may have been."""
    whole = HEAD + b"Content-Encoding: " + packing + b"\r\n\r\n" + body
    with (
        answering(lambda send: send(whole)) as (url, _),
        outgoing.client("127.0.0.1", outgoing.Bounds(5.0, 1)) as client,
        pytest.raises(httpx.DecodingError),
    ):
        client.get(url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("ask", "raised"),
    [
        (asks_for_bars, SourceFailed),
        (posts, OutcomeUnknown),
        (reads, NotSent),
        (pushes, NotReported),
        (pings, NotReported),
    ],
)
def test_no_redirect_is_followed(ask: Callable[[str], None], raised: type[Exception], status: int) -> None:
    """Whoever is asked cannot send the request, and the secret in its headers, to somebody else."""
    nothing = HEAD + b"Content-Length: 2\r\n\r\n{}"
    with answering(lambda send: send(nothing)) as (elsewhere, heard):
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode()
        with answering(lambda send: send(moved)) as (url, asked), pytest.raises(raised):
            ask(url)
    assert any(CANARY.encode() in one or b"Authorization: Basic" in one for one in asked)
    assert heard == []


@pytest.mark.parametrize("host", ["alpaca.markets.example.org", "example.org", "xalpaca.markets", "10.0.0.1"])
def test_keys_go_to_nobody_but_alpaca(host: str) -> None:
    """Whatever the address was set to, before anything is sent."""
    with pytest.raises(UsageError, match="ALPACA_DATA_URL must lie at alpaca"):
        AlpacaClient(f"https://{host}", Keys(CANARY, CANARY))


@pytest.mark.parametrize(
    "host", ["discord.com.example.org", "example.org", "xdiscord.com", "169.254.169.254"]
)
def test_tokens_and_messages_go_to_nobody_but_discord(host: str) -> None:
    """A webhook that only looks like one of Discord's is none."""
    with pytest.raises(UsageError, match="not one of Discord's"):
        discord_client.checked(f"https://{host}/api/webhooks/1/{CANARY}", "Discord webhook")
