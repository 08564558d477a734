"""Services that answer a little at a time, and never to the end."""

import socketserver
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from crypto_signals.domain.errors import OutcomeUnknown, SourceFailed
from crypto_signals.market.alpaca_client import AlpacaClient
from crypto_signals.market.pace import Pace
from crypto_signals.notifications import discord_client
from crypto_signals.observability.exports import ping
from crypto_signals.process import RunBudget

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
SOON_S = 5.0


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server whose answers would take an hour, a byte at a time."""
    stopped = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(HEAD)
            while not stopped.wait(0.05):
                try:
                    self.request.sendall(b" ")
                except OSError:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            stopped.set()
            server.shutdown()
            thread.join()


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
    client = discord_client.DiscordClient("Discord", httpx.URL(dripping), SecretStr("token"), "look")
    with pytest.raises(OutcomeUnknown):
        client.send("", {"content": "x"})
    client.close()


def test_what_a_dead_man_s_switch_says_is_not_waited_for(dripping: str) -> None:
    """That it answers is all that one needs to know."""
    began = time.monotonic()
    ping(dripping, good=True)
    assert time.monotonic() - began < SOON_S
