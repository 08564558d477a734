"""How the stand-ins count requests."""

import time

import httpx
from simulator_fixtures import DiscordSimulator, running_simulator


def post(simulator: DiscordSimulator, **body: str) -> httpx.Response:
    return simulator.client.post(simulator.text_webhook, json={"content": "x"} | body)


def test_the_default_is_5_in_2_seconds_for_a_webhook() -> None:
    """The headers count down, the sixth request gets 429 and is not stored."""
    with running_simulator(limited=True) as simulator:
        left = [post(simulator).headers["X-RateLimit-Remaining"] for _ in range(5)]
        refused = post(simulator)
        assert left == ["4", "3", "2", "1", "0"]
        assert (refused.status_code, refused.headers["X-RateLimit-Limit"]) == (429, "5")
        assert len(simulator.threads()[0]["messages"]) == 5


def test_the_429_says_when_to_come_back_and_keeps_its_word(discord_simulator: DiscordSimulator) -> None:
    """After ``retry_after`` the request passes; the header is the same in whole seconds."""
    discord_simulator.limits(webhook=(1, 0.3))
    post(discord_simulator)
    refused = post(discord_simulator)
    body = refused.json()
    assert body["message"] == "You are being rate limited."
    assert body["global"] is False
    assert 0 < body["retry_after"] <= 0.3
    assert (refused.headers["Retry-After"], refused.headers["X-RateLimit-Scope"]) == ("1", "user")
    assert float(refused.headers["X-RateLimit-Reset"]) > time.time() - 1
    time.sleep(body["retry_after"])
    assert post(discord_simulator).status_code == 204


def test_the_hidden_limit_of_a_channel_strikes_while_requests_seem_left(
    discord_simulator: DiscordSimulator,
) -> None:
    """A shared 429 comes although the webhook's own window is open; reading is not counted."""
    discord_simulator.limits(webhook=(50, 60.0), channel=(2, 60.0))
    discord_simulator.client.get(discord_simulator.text_webhook)
    assert [post(discord_simulator).status_code for _ in range(2)] == [204, 204]
    refused = post(discord_simulator)
    assert (refused.status_code, refused.headers["X-RateLimit-Scope"]) == (429, "shared")
    assert int(refused.headers["X-RateLimit-Remaining"]) > 0
    assert refused.json()["retry_after"] > 50


def test_webhooks_do_not_share_their_windows(discord_simulator: DiscordSimulator) -> None:
    """One webhook at its limit leaves the other alone."""
    discord_simulator.limits(webhook=(1, 60.0))
    post(discord_simulator)
    assert post(discord_simulator).status_code == 429
    assert discord_simulator.client.get(discord_simulator.forum_webhook).status_code == 200


def test_refusals_count_and_carry_the_headers(discord_simulator: DiscordSimulator) -> None:
    """A form that was refused used up a request."""
    discord_simulator.limits(webhook=(2, 60.0))
    refused = discord_simulator.client.post(discord_simulator.text_webhook, json={})
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (400, "1")
    assert refused.headers["X-RateLimit-Bucket"]


def test_alpaca_counts_by_the_account(discord_simulator: DiscordSimulator) -> None:
    """Crypto and stocks share one allowance; above it 429 without Retry-After."""
    discord_simulator.limits(alpaca=(1, 60.0))
    url = discord_simulator.alpaca_data_url
    params = {"symbols": "BTC/USD", "timeframe": "1Day"}
    first = discord_simulator.client.get(f"{url}/v1beta3/crypto/us/bars", params=params)
    assert (first.status_code, first.headers["X-RateLimit-Remaining"]) == (200, "0")
    refused = discord_simulator.client.get(f"{url}/v2/stocks/bars")
    assert refused.status_code == 429
    assert refused.json() == {"code": 42910000, "message": "too many requests"}
    assert time.time() < int(refused.headers["X-RateLimit-Reset"]) < time.time() + 62
    assert "Retry-After" not in refused.headers


def test_limits_that_are_off_are_not_announced(discord_simulator: DiscordSimulator) -> None:
    """Without a limit there are no headers about it."""
    assert not [name for name in post(discord_simulator).headers if name.startswith("x-ratelimit")]
