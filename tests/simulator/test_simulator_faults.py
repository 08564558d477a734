"""Faults on demand, as a client meets them."""

import json
import time
from typing import Any

import httpx
import pytest
from simulator_fixtures import DiscordSimulator


def post(simulator: DiscordSimulator, text: str = "x", **options: Any) -> httpx.Response:
    params = {"wait": "true"}
    return simulator.client.post(simulator.text_webhook, params=params, json={"content": text}, **options)


def stored(simulator: DiscordSimulator) -> list[str]:
    return [message["content"] for thread in simulator.threads() for message in thread["messages"]]


def test_a_status_is_answered_without_handling_the_request(discord_simulator: DiscordSimulator) -> None:
    """Status, body and headers are those of the rule, and nothing is stored."""
    html, limited = "<html>Bad Gateway</html>", {"retry_after": 0.5, "global": True}
    discord_simulator.faults(
        [
            {"fault": "status", "status": 502, "body": html},
            {"fault": "status", "status": 429, "body": limited, "headers": {"Retry-After": "1"}, "after": 1},
            {"fault": "status", "after": 2},
        ]
    )
    first, second, third, fourth = (post(discord_simulator) for _ in range(4))
    assert (first.status_code, first.text, first.headers["content-type"]) == (502, html, "text/html")
    assert (second.status_code, second.json(), second.headers["Retry-After"]) == (429, limited, "1")
    assert (third.status_code, third.json()["message"]) == (500, "500: Internal Server Error")
    assert fourth.status_code == 200
    assert stored(discord_simulator) == ["x"]


@pytest.mark.parametrize(("fault", "left"), [("reset_before", []), ("reset_after", ["x"])])
def test_a_reset_cuts_the_connection_before_or_after_the_message_is_stored(
    discord_simulator: DiscordSimulator, fault: str, left: list[str]
) -> None:
    """The client sees a broken connection either way; only the board knows which one it was."""
    discord_simulator.faults([{"method": "POST", "fault": fault}])
    with pytest.raises(httpx.ReadError):
        post(discord_simulator)
    assert stored(discord_simulator) == left
    assert discord_simulator.requests()[0]["status"] is None
    assert discord_simulator.requests()[0]["fault"] == fault
    assert post(discord_simulator).status_code == 200


def test_half_a_body_ends_in_a_protocol_error(discord_simulator: DiscordSimulator) -> None:
    """The reply breaks off in the middle, and the message is stored."""
    discord_simulator.faults([{"fault": "half_body"}])
    with pytest.raises(httpx.RemoteProtocolError):
        post(discord_simulator)
    assert stored(discord_simulator) == ["x"]


def test_half_of_an_empty_body_is_no_reply_at_all(discord_simulator: DiscordSimulator) -> None:
    """A request that does not wait finds the connection closed without an answer."""
    discord_simulator.faults([{"fault": "half_body"}])
    with pytest.raises(httpx.RemoteProtocolError):
        discord_simulator.client.post(discord_simulator.text_webhook, json={"content": "x"})


def test_a_reply_that_is_not_json_claims_to_be(discord_simulator: DiscordSimulator) -> None:
    """Status and content type are those of success, the body cannot be read."""
    discord_simulator.faults([{"fault": "not_json"}])
    response = post(discord_simulator)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert stored(discord_simulator) == ["x"]


def test_a_slow_request_is_handled_even_after_the_client_gave_up(discord_simulator: DiscordSimulator) -> None:
    """The message of a request that timed out arrives late."""
    discord_simulator.faults([{"fault": "slow", "seconds": 0.4}])
    with pytest.raises(httpx.ReadTimeout):
        post(discord_simulator, timeout=0.1)
    assert stored(discord_simulator) == []
    deadline = time.monotonic() + 5
    while not stored(discord_simulator) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stored(discord_simulator) == ["x"]


def test_a_message_lost_while_saving_is_reported_only_to_those_who_wait(
    discord_simulator: DiscordSimulator,
) -> None:
    """With ``wait`` a 400 with 200000, without it a 204; nothing is stored."""
    discord_simulator.faults([{"fault": "not_saved", "times": 2}])
    waited = post(discord_simulator)
    assert (waited.status_code, waited.json()["code"]) == (400, 200000)
    silent = discord_simulator.client.post(discord_simulator.text_webhook, json={"content": "x"})
    assert silent.status_code == 204
    assert stored(discord_simulator) == []


def test_a_rule_strikes_only_the_requests_it_names(discord_simulator: DiscordSimulator) -> None:
    """Method and path are matched, the first ``after`` requests pass, then ``times`` are struck."""
    rule = {"method": "POST", "path": "/1002/", "after": 1, "times": 2, "fault": "status", "status": 503}
    discord_simulator.faults([rule])
    assert discord_simulator.client.get(discord_simulator.text_webhook).status_code == 200
    other = discord_simulator.client.post(discord_simulator.forum_webhook, json={"content": "x"})
    assert other.status_code == 400
    assert [post(discord_simulator).status_code for _ in range(4)] == [200, 503, 503, 200]


def test_a_rule_without_an_end_holds_until_the_faults_are_cleared(
    discord_simulator: DiscordSimulator,
) -> None:
    """``times: null`` strikes always."""
    discord_simulator.faults([{"fault": "status", "times": None}])
    assert {post(discord_simulator).status_code for _ in range(5)} == {500}
    discord_simulator.clear_faults()
    assert post(discord_simulator).status_code == 200


def test_faults_strike_market_data_too(discord_simulator: DiscordSimulator) -> None:
    """The same rules serve both stand-ins."""
    discord_simulator.faults([{"path": "crypto", "fault": "reset_before"}])
    url = f"{discord_simulator.alpaca_data_url}/v1beta3/crypto/us/bars"
    with pytest.raises(httpx.ReadError):
        discord_simulator.client.get(url, params={"symbols": "BTC/USD", "timeframe": "1Day"})


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "explode"},
        {"fault": "status", "sttaus": 500},
        {"fault": "status", "path": "("},
        {"fault": "status", "times": 0},
        {},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    discord_simulator: DiscordSimulator, rule: dict[str, Any]
) -> None:
    """A typo in a script fails loudly instead of testing nothing."""
    response = discord_simulator.client.post(f"{discord_simulator.url}/simulator/faults", json=[rule])
    assert response.status_code == 400
